package meshtest

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns/mdnstest"
)

// LAN is one network, or several links of one.
type LAN struct {
	*mdnstest.LAN

	mu        sync.Mutex
	next      uint16                                                 // guarded by mu
	listeners map[netip.AddrPort]*listener                           // guarded by mu
	attempts  []Attempt                                              // guarded by mu
	refuse    map[netip.AddrPort]error                               // guarded by mu
	latency   func(from netip.Addr, to netip.AddrPort) time.Duration // guarded by mu; may be nil
	chunk     int                                                    // guarded by mu; 0: no limit
	conns     []*Conn                                                // guarded by mu; ends that dialled
}

// Dialled is one attempt to connect.
type Dialled struct {
	From netip.Addr
	To   netip.AddrPort
}

// Attempt is a Dialled with its time.
type Attempt struct {
	Dialled
	At time.Time
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
	var all []Dialled
	for _, a := range l.Attempts() {
		all = append(all, a.Dialled)
	}
	return all
}

// Attempts returns the attempts to connect so far with their times, in order.
func (l *LAN) Attempts() []Attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.attempts)
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

// SetLatency makes connecting take time: the listener sees the connection, and the
// dialler gets it, as long after the dial as fn says. nil: at once.
func (l *LAN) SetLatency(fn func(from netip.Addr, to netip.AddrPort) time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latency = fn
}

// SetChunk makes every read on connections that are opened from now on return at
// most n octets; 0 sets no limit.
func (l *LAN) SetChunk(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.chunk = n
}

// Connections returns the connections that neither end has closed, as the ends that
// dialled them, oldest first.
func (l *LAN) Connections() []*Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	var open []*Conn
	for _, c := range l.conns {
		if !c.Closed() && !c.far.Closed() {
			open = append(open, c)
		}
	}
	return open
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
	l.attempts = append(l.attempts, Attempt{Dialled{from, to}, time.Now()})
	latency := l.latency
	l.mu.Unlock()
	if latency != nil {
		select {
		case <-time.After(latency(from, to)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	l.mu.Lock()
	ln, err := l.listeners[to], l.refuse[to]
	l.next++
	near, far := pipe(netip.AddrPortFrom(from, l.next), to, l.chunk)
	l.conns = append(l.conns, near)
	l.mu.Unlock()
	switch {
	case err != nil:
	case ln == nil:
		err = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	default:
		err = ln.take(ctx, far)
	}
	if err != nil {
		near.Close()
		return nil, err
	}
	return near, nil
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

// take hands a connection to whoever accepts.
func (l *listener) take(ctx context.Context, c net.Conn) error {
	select {
	case l.conns <- c:
		return nil
	case <-l.closed:
		return &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return ctx.Err()
	}
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
