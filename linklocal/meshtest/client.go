package meshtest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
)

// Client is a person on the LAN as far as records go: an engine that publishes one
// instance. The streams are the test's own, byte by byte.
type Client struct {
	Engine   *mdns.Engine
	Instance string
	Host     *mdnstest.Host // its machine
	Addr     netip.Addr     // dialled from
	Port     uint16         // listened at

	lan       *LAN
	pub       *mdns.Publication
	listeners []net.Listener
	arrivals  chan net.Conn
	deaf      chan struct{} // closed by StopListening
	stop      sync.Once     // for deaf
	cancel    context.CancelFunc
	done      chan error

	mu   sync.Mutex
	seen map[string]mdns.Event // guarded by mu; people by instance
}

// Person says who a client on the LAN is.
type Person struct {
	Host      *mdnstest.Host // the machine
	Name      string         // its host name
	Interface string         // the one spoken on; "" for eth0
	Instance  string
	Addrs     []netip.Addr // listened at; the first is the one dialled from
	Port      uint16       // 0 for any
	TXT       []string     // nil for somebody who is available
}

// NewClient puts a host on the LAN with somebody on it. host is the host name,
// addr as for mdnstest.LAN.Host, such as "10.2.1.187/24".
func (l *LAN) NewClient(host, instance, addr string, txt ...string) (*Client, error) {
	prefix, err := netip.ParsePrefix(addr)
	if err != nil {
		return nil, err
	}
	a := prefix.Addr()
	if a.IsLinkLocalUnicast() && a.Is6() {
		a = a.WithZone("eth0")
	}
	return l.Join(Person{Host: l.Host(host, addr), Name: host, Instance: instance, Addrs: []netip.Addr{a}, TXT: txt})
}

// Join puts somebody on a host of the LAN.
func (l *LAN) Join(p Person) (*Client, error) {
	if p.Interface == "" {
		p.Interface = "eth0"
	}
	if len(p.TXT) == 0 {
		p.TXT = []string{"txtvers=1", "status=avail"}
	}
	lns, port, err := l.listenAll(p.Addrs, p.Port)
	if err != nil {
		return nil, err
	}
	e, err := mdns.New(mdns.Config{
		Interfaces: []string{p.Interface}, Host: p.Name, GlobalIPv6: true, Network: p.Host,
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{
		Engine: e, Instance: p.Instance, Host: p.Host, Addr: p.Addrs[0], Port: port, lan: l, listeners: lns, cancel: cancel,
		done: make(chan error, 1), seen: map[string]mdns.Event{}, arrivals: make(chan net.Conn, 16), deaf: make(chan struct{}),
	}
	c.pub = e.Publish(mdns.Service{
		Kin:  func([]string) bool { return true }, // what a native client has, it defends
		Type: linklocal.ServiceType, Instance: p.Instance, Port: port, TXT: p.TXT,
		Rename: func(n int) string { return fmt.Sprintf("%s-%d", p.Instance, n) },
	})
	e.Browse(linklocal.ServiceType, c.see)
	for _, ln := range lns {
		go c.welcome(ln)
	}
	go func() { c.done <- e.Run(ctx) }()
	return c, nil
}

// Move gives the client's machine another address in place of all it has, as a DHCP
// server may. It is announced within two seconds. Connections stay.
func (c *Client) Move(addr string) error {
	prefix, err := netip.ParsePrefix(addr)
	if err != nil {
		return err
	}
	lns, _, err := c.lan.listenAll([]netip.Addr{prefix.Addr()}, c.Port)
	if err != nil {
		return err
	}
	for _, ln := range c.listeners {
		ln.Close()
	}
	c.listeners, c.Addr = lns, prefix.Addr()
	c.Host.SetAddrs("eth0", addr)
	go c.welcome(lns[0])
	return nil
}

// listenAll listens at one port on every address.
func (l *LAN) listenAll(addrs []netip.Addr, port uint16) (lns []net.Listener, _ uint16, _ error) {
	for _, a := range addrs {
		ln, err := l.Listen(netip.AddrPortFrom(a, port))
		if err != nil {
			return nil, 0, err
		}
		port = netip.MustParseAddrPort(ln.Addr().String()).Port()
		lns = append(lns, ln)
	}
	return lns, port, nil
}

// welcome moves connections from a listener to where Accept finds them.
func (c *Client) welcome(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		select {
		case c.arrivals <- conn:
		case <-c.deaf:
			conn.Close()
		}
	}
}

func (c *Client) see(ev mdns.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ev.Kind == mdns.Removed {
		delete(c.seen, ev.Instance)
		return
	}
	c.seen[ev.Instance] = ev
}

// Sees returns the TXT strings of an instance as this client sees them now, and
// whether it sees the instance at all.
func (c *Client) Sees(instance string) ([]string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ev, ok := c.seen[instance]
	return ev.TXT, ok
}

// SetTXT changes what the client says of its person.
func (c *Client) SetTXT(txt ...string) { c.pub.SetTXT(txt) }

// SetAvatar changes what the client's person looks like, and what it says of them.
func (c *Client) SetAvatar(avatar string, txt ...string) { c.pub.Set(txt, avatar) }

// SignOff says goodbye and stops. Doing it twice is no error.
func (c *Client) SignOff() error {
	c.StopListening()
	c.cancel()
	err := <-c.done
	c.done <- err
	return err
}

// StopListening makes connections to this client fail, as when its program hangs
// or was closed in a hurry.
func (c *Client) StopListening() {
	c.stop.Do(func() { close(c.deaf) })
	for _, ln := range c.listeners {
		ln.Close()
	}
}

// Accept waits for a connection to this client.
func (c *Client) Accept() (*Stream, error) {
	select {
	case conn := <-c.arrivals:
		return &Stream{Conn: conn.(*Conn)}, nil
	case <-c.deaf:
		return nil, net.ErrClosed
	}
}

// AcceptWithin waits for a connection to this client for at most d.
func (c *Client) AcceptWithin(d time.Duration) (*Stream, error) {
	select {
	case conn := <-c.arrivals:
		return &Stream{Conn: conn.(*Conn)}, nil
	case <-time.After(d):
		return nil, fmt.Errorf("nobody connected to %s within %v", c.Instance, d)
	}
}

// Dial connects to where an instance can be reached, from this client's address.
func (c *Client) Dial(ctx context.Context, instance string) (*Stream, error) {
	return c.DialFrom(ctx, instance, c.Addr)
}

// DialFrom connects from another address.
func (c *Client) DialFrom(ctx context.Context, instance string, from netip.Addr) (*Stream, error) {
	ifs := c.Engine.Interfaces()
	if len(ifs) == 0 {
		return nil, fmt.Errorf("%s is on no link", c.Instance)
	}
	ep, err := c.Engine.Resolve(ctx, linklocal.ServiceType, instance, ifs[0].Index, false)
	if err != nil {
		return nil, err
	}
	for _, a := range ep.Addrs {
		if a.Is4() == from.Is4() {
			conn, err := c.lan.Dial(ctx, from, netip.AddrPortFrom(a, ep.Port))
			if err != nil {
				return nil, err
			}
			return &Stream{Conn: conn.(*Conn)}, nil
		}
	}
	return nil, fmt.Errorf("%s has no address of that family", instance)
}

// Stream is a client's end of a connection. Start it to have everything read in the
// background, so that the other end can write at any time.
type Stream struct {
	*Conn

	once sync.Once
	mu   sync.Mutex
	got  []byte // guarded by mu
	end  error  // guarded by mu; why reading ended
}

// Start begins reading in the background. It returns s.
func (s *Stream) Start() *Stream {
	s.once.Do(func() { go s.read() })
	return s
}

func (s *Stream) read() {
	b := make([]byte, 4096)
	for {
		n, err := s.Conn.Read(b)
		s.mu.Lock()
		s.got = append(s.got, b[:n]...)
		s.end = err
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Got returns all that was read so far, and whether the other end has closed.
func (s *Stream) Got() (text string, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.got), s.end != nil
}

// Say writes text.
func (s *Stream) Say(text string) error {
	_, err := io.WriteString(s.Conn, text)
	return err
}

// Header is the opening tag of a client that speaks for from to to, as libpurple
// writes it.
func Header(from, to string) string {
	return `<?xml version="1.0" encoding="UTF-8" ?>` + "\n" +
		`<stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams"` +
		attr("from", from) + attr("to", to) + `>`
}

var quoted = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;")

func attr(name, value string) string {
	if value == "" {
		return ""
	}
	return " " + name + `="` + quoted.Replace(value) + `"`
}
