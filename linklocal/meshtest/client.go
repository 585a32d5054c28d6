package meshtest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"

	"meshbridge/linklocal/mdns"
)

// Client is a person on the LAN as far as records go: an engine that publishes one
// instance. The streams are the test's own, byte by byte.
type Client struct {
	Engine   *mdns.Engine
	Instance string
	Addr     netip.Addr

	lan      *LAN
	pub      *mdns.Publication
	listener net.Listener
	cancel   context.CancelFunc
	done     chan error

	mu   sync.Mutex
	seen map[string]mdns.Event // guarded by mu; people by instance
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
	ln, err := l.Listen(netip.AddrPortFrom(a, 0))
	if err != nil {
		return nil, err
	}
	port := netip.MustParseAddrPort(ln.Addr().String()).Port()
	e, err := mdns.New(mdns.Config{
		Interfaces: []string{"eth0"}, Host: host, GlobalIPv6: true, Network: l.Host(host, addr),
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{
		Engine: e, Instance: instance, Addr: a, lan: l, listener: ln, cancel: cancel,
		done: make(chan error, 1), seen: map[string]mdns.Event{},
	}
	if len(txt) == 0 {
		txt = []string{"txtvers=1", "status=avail"}
	}
	c.pub = e.Publish(mdns.Service{
		Type: "_presence._tcp", Instance: instance, Port: port, TXT: txt,
		Rename: func(n int) string { return fmt.Sprintf("%s-%d", instance, n) },
	})
	e.Browse("_presence._tcp", c.see)
	go func() { c.done <- e.Run(ctx) }()
	return c, nil
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

// SignOff says goodbye and stops.
func (c *Client) SignOff() error {
	c.cancel()
	return <-c.done
}

// Accept waits for a connection to this client.
func (c *Client) Accept() (*Stream, error) {
	conn, err := c.listener.Accept()
	if err != nil {
		return nil, err
	}
	return &Stream{Conn: conn.(*Conn)}, nil
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
	ep, err := c.Engine.Resolve(ctx, "_presence._tcp", instance, ifs[0].Index, false)
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

func attr(name, value string) string {
	if value == "" {
		return ""
	}
	return " " + name + `="` + value + `"`
}
