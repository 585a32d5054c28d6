package meshtest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns/mdnstest"
)

// LAN is one network, or several links of one.
type LAN struct {
	*mdnstest.LAN

	mu        sync.Mutex
	next      uint16                       // guarded by mu
	listeners map[netip.AddrPort]*listener // guarded by mu
	dialled   []Dialled                    // guarded by mu
	refuse    map[netip.AddrPort]error     // guarded by mu
}

// Dialled is one attempt to connect.
type Dialled struct {
	From netip.Addr
	To   netip.AddrPort
}

// New returns a LAN without hosts. Hosts come by mdnstest's methods.
func New() *LAN {
	return &LAN{
		LAN: mdnstest.New(), next: 40000,
		listeners: map[netip.AddrPort]*listener{}, refuse: map[netip.AddrPort]error{},
	}
}

// Transport returns the TCP of the hosts on the LAN: the address says whose.
func (l *LAN) Transport() linklocal.Transport { return transport{l} }

// Dialled returns the attempts to connect so far, in order.
func (l *LAN) Dialled() []Dialled {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Dialled(nil), l.dialled...)
}

// Refuse makes connecting to an address fail with err; nil lets it work again.
func (l *LAN) Refuse(to netip.AddrPort, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		delete(l.refuse, to)
	} else {
		l.refuse[to] = err
	}
}

// Listen is what a client on the LAN does to be reached: at any port when at has
// none.
func (l *LAN) Listen(at netip.AddrPort) (net.Listener, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.Port() == 0 {
		l.next++
		at = netip.AddrPortFrom(at.Addr(), l.next)
	}
	if l.listeners[at] != nil {
		return nil, &net.OpError{Op: "listen", Err: syscall.EADDRINUSE}
	}
	ln := &listener{lan: l, at: at, conns: make(chan net.Conn, 16), closed: make(chan struct{})}
	l.listeners[at] = ln
	return ln, nil
}

// Dial connects from one address to another.
func (l *LAN) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	l.mu.Lock()
	l.dialled = append(l.dialled, Dialled{from, to})
	ln, err := l.listeners[to], l.refuse[to]
	l.next++
	source := netip.AddrPortFrom(from, l.next)
	l.mu.Unlock()
	switch {
	case err != nil:
		return nil, err
	case ln == nil:
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	a, b := net.Pipe()
	near, far := &Conn{Conn: a, local: source, remote: to}, &Conn{Conn: b, local: to, remote: source}
	select {
	case ln.conns <- far:
		return near, nil
	case <-ln.closed:
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type transport struct{ lan *LAN }

func (t transport) Listen(_ context.Context, at netip.AddrPort) (net.Listener, error) {
	return t.lan.Listen(at)
}

func (t transport) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	return t.lan.Dial(ctx, from, to)
}

type listener struct {
	lan    *LAN
	at     netip.AddrPort
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.lan.mu.Lock()
		delete(l.lan.listeners, l.at)
		l.lan.mu.Unlock()
	})
	return nil
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }

// Conn is one end of a connection. A write waits until the other end reads, so what
// was written has arrived.
type Conn struct {
	net.Conn
	local, remote netip.AddrPort

	mu      sync.Mutex
	unacked int // guarded by mu
}

func (c *Conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetUnsent makes the connection say that the far kernel has not acknowledged n
// octets.
func (c *Conn) SetUnsent(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unacked = n
}

// Unsent says how much of what was written is not acknowledged.
func (c *Conn) Unsent() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unacked < 0 {
		return 0, errors.New("the connection is gone")
	}
	return c.unacked, nil
}
