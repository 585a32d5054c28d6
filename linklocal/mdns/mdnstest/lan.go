package mdnstest

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"meshbridge/linklocal/mdns"
)

// DefaultLink and DefaultInterface are where Host puts a host's first interface.
const (
	DefaultLink      = "lan"
	DefaultInterface = "eth0"
)

// inbox is how many packets wait for one socket before they are lost, as in a kernel.
const inbox = 4096

// Sent is one packet as it went over a link.
type Sent struct {
	mdns.Packet           // IfIndex is the sender's
	At          time.Time // when it was sent
	Link        string
	Host        string // sender, "" when injected
	Interface   string // of the sender
	Lost        bool   // the Lose hook took it
}

// LAN is a set of links with hosts on them. The zero value is not usable; see New.
type LAN struct {
	mu    sync.Mutex
	hosts []*Host // guarded by mu
	log   []Sent  // guarded by mu
	hooks Hooks   // guarded by mu
}

// Hooks make a LAN less than perfect. Each may be nil. They are called with the LAN locked:
// they must not call back into it.
type Hooks struct {
	Lose      func(Sent) bool                       // true: nobody gets it
	Duplicate func(Sent) bool                       // true: everybody gets it twice
	Delay     func(s Sent, to string) time.Duration // to that host; 0: at once
}

// New makes an empty LAN.
func New() *LAN { return &LAN{} }

// SetHooks replaces the hooks, from now on.
func (l *LAN) SetHooks(h Hooks) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hooks = h
}

// Log returns every packet sent so far, in order.
func (l *LAN) Log() []Sent {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.log)
}

// ClearLog forgets the packets sent so far.
func (l *LAN) ClearLog() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log = nil
}

// Host adds a host with one interface, eth0 on the link "lan", and addresses such as
// "10.2.1.187/24" or "fe80::1/64"; without prefix length they get /24 and /64. No addresses
// means no interface yet. It panics on an address that cannot be read: a test's own mistake.
func (l *LAN) Host(name string, addrs ...string) *Host {
	h := &Host{lan: l, name: name}
	l.mu.Lock()
	l.hosts = append(l.hosts, h)
	l.mu.Unlock()
	if len(addrs) > 0 {
		h.Attach(DefaultLink, DefaultInterface, addrs...)
	}
	return h
}

// Inject puts a packet on a link as a stranger would: every socket that listens there gets
// it. Data, Src and Dst count.
func (l *LAN) Inject(link string, p mdns.Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.send(Sent{Packet: p, At: time.Now(), Link: link}, nil)
}

// send delivers with l locked.
func (l *LAN) send(s Sent, from *Host) {
	s.Data = slices.Clone(s.Data)
	s.Lost = l.hooks.Lose != nil && l.hooks.Lose(s)
	l.log = append(l.log, s)
	if s.Lost {
		return
	}
	copies := 1
	if l.hooks.Duplicate != nil && l.hooks.Duplicate(s) {
		copies = 2
	}
	for _, h := range l.hosts {
		for _, n := range h.nics {
			if n.link != s.Link || n.down || !h.hears(n, s) {
				continue
			}
			var delay time.Duration
			if l.hooks.Delay != nil && h != from {
				delay = l.hooks.Delay(s, h.name)
			}
			for range copies {
				h.deliver(n.Index, s.Packet, delay)
			}
		}
	}
}

// Host is one machine on a LAN. It is an mdns.Network, whose sockets may be opened several
// times: two responders on one machine.
type Host struct {
	lan   *LAN
	name  string
	nics  []nic                 // guarded by lan.mu
	conns []*conn               // guarded by lan.mu
	last  int                   // interface index given last; guarded by lan.mu
	down  error                 // what Open fails with; guarded by lan.mu
	mute  map[mdns.Family]error // what Send fails with; guarded by lan.mu
	crowd netip.Prefix          // addresses of others that it plays; guarded by lan.mu
	ears  map[*func()]bool      // called when an interface changes; guarded by lan.mu
	deaf  error                 // what Watch fails with; guarded by lan.mu
	looks int                   // how often Interfaces was called; guarded by lan.mu
}

type nic struct {
	mdns.Interface
	link string
	down bool
}

// Attach plugs a new interface into a link. The loopback is an interface called "lo".
func (h *Host) Attach(link, ifname string, addrs ...string) {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	h.last++
	i := mdns.Interface{Index: h.last, Name: ifname, Loopback: ifname == "lo", Addrs: prefixes(addrs)}
	h.nics = append(h.nics, nic{Interface: i, link: link})
	h.changed()
}

// Detach pulls an interface out; its memberships go with it.
func (h *Host) Detach(ifname string) {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	defer h.changed()
	h.nics = slices.DeleteFunc(h.nics, func(n nic) bool {
		if n.Name != ifname {
			return false
		}
		for _, c := range h.conns {
			delete(c.joined, membership{n.Index, mdns.IPv4})
			delete(c.joined, membership{n.Index, mdns.IPv6})
		}
		return true
	})
}

// SetAddrs gives an interface other addresses.
func (h *Host) SetAddrs(ifname string, addrs ...string) {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	for k := range h.nics {
		if h.nics[k].Name == ifname {
			h.nics[k].Addrs = prefixes(addrs)
		}
	}
	h.changed()
}

// SetUp takes the carrier of an interface away, or gives it back. Addresses, number and
// memberships stay.
func (h *Host) SetUp(ifname string, up bool) {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	for k := range h.nics {
		if h.nics[k].Name == ifname {
			h.nics[k].down = !up
		}
	}
	h.changed()
}

// changed tells with the LAN locked.
func (h *Host) changed() {
	for fn := range h.ears {
		(*fn)()
	}
}

// Watch implements mdns.Watcher. What it calls runs with the LAN locked.
func (h *Host) Watch(changed func()) (stop func(), err error) {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	if h.deaf != nil {
		return nil, h.deaf
	}
	if h.ears == nil {
		h.ears = map[*func()]bool{}
	}
	h.ears[&changed] = true
	return func() {
		h.lan.mu.Lock()
		defer h.lan.mu.Unlock()
		delete(h.ears, &changed)
	}, nil
}

// FailWatch makes Watch fail, as on systems that tell nothing; nil heals.
func (h *Host) FailWatch(err error) {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	h.deaf = err
}

// Looks is how often the interfaces were listed so far.
func (h *Host) Looks() int {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	return h.looks
}

// StandFor has the host get what is sent to any address of a network, as one that plays many.
func (h *Host) StandFor(network netip.Prefix) {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	h.crowd = network
}

// FailOpen makes Open fail, as when another program holds the port; nil heals.
func (h *Host) FailOpen(err error) {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	h.down = err
}

// FailSend makes sending of one family fail, as while an IPv6 address is still tentative;
// nil heals.
func (h *Host) FailSend(f mdns.Family, err error) {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	if h.mute == nil {
		h.mute = map[mdns.Family]error{}
	}
	h.mute[f] = err
}

func prefixes(addrs []string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range addrs {
		if p, err := netip.ParsePrefix(s); err == nil {
			out = append(out, p)
			continue
		}
		a := netip.MustParseAddr(s)
		bits := 24
		if a.Is6() {
			bits = 64
		}
		out = append(out, netip.PrefixFrom(a, bits))
	}
	return out
}

// Interfaces implements mdns.Network.
func (h *Host) Interfaces() ([]mdns.Interface, error) {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	h.looks++
	var out []mdns.Interface
	for _, n := range h.nics {
		if n.down {
			continue
		}
		i := n.Interface
		i.Addrs = slices.Clone(i.Addrs)
		out = append(out, i)
	}
	return out, nil
}

// Open implements mdns.Network.
func (h *Host) Open() (mdns.Conn, error) {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	if h.down != nil {
		return nil, h.down
	}
	c := &conn{
		host: h, joined: map[membership]bool{}, closed: make(chan struct{}),
		in4: make(chan mdns.Packet, inbox), in6: make(chan mdns.Packet, inbox),
	}
	h.conns = append(h.conns, c)
	return c, nil
}

// hears reports whether a packet on a link is for this interface.
func (h *Host) hears(n nic, s Sent) bool {
	dst := s.Dst.Addr().WithZone("")
	return dst.IsMulticast() || h.crowd.Contains(dst) || slices.ContainsFunc(n.Addrs, func(p netip.Prefix) bool { return p.Addr() == dst })
}

// deliver puts a packet into the sockets: a multicast into all that joined, a unicast into
// the one opened last, as a kernel does with a shared port.
func (h *Host) deliver(index int, p mdns.Packet, delay time.Duration) {
	p.IfIndex, p.HopLimit = index, 255
	f := familyOf(p.Dst.Addr())
	for k := len(h.conns) - 1; k >= 0; k-- {
		c := h.conns[k]
		if p.Multicast() && !c.joined[membership{index, f}] {
			continue
		}
		if delay > 0 {
			time.AfterFunc(delay, func() { c.push(f, p) })
		} else {
			c.push(f, p)
		}
		if !p.Multicast() {
			return
		}
	}
}

func familyOf(a netip.Addr) mdns.Family {
	if a.Is4() {
		return mdns.IPv4
	}
	return mdns.IPv6
}

type membership struct {
	index  int
	family mdns.Family
}

// conn is one pair of sockets.
type conn struct {
	host   *Host
	joined map[membership]bool // guarded by lan.mu
	in4    chan mdns.Packet
	in6    chan mdns.Packet
	closed chan struct{}
	once   sync.Once
}

func (c *conn) push(f mdns.Family, p mdns.Packet) {
	in := c.in4
	if f == mdns.IPv6 {
		in = c.in6
	}
	select {
	case in <- p:
	default: // the socket's buffer is full, the packet is lost
	}
}

// Families implements mdns.Conn.
func (c *conn) Families() []mdns.Family { return []mdns.Family{mdns.IPv4, mdns.IPv6} }

// Join implements mdns.Conn.
func (c *conn) Join(i mdns.Interface, f mdns.Family) error {
	c.host.lan.mu.Lock()
	defer c.host.lan.mu.Unlock()
	c.joined[membership{i.Index, f}] = true
	return nil
}

// Leave implements mdns.Conn.
func (c *conn) Leave(i mdns.Interface, f mdns.Family) error {
	c.host.lan.mu.Lock()
	defer c.host.lan.mu.Unlock()
	delete(c.joined, membership{i.Index, f})
	return nil
}

// Send implements mdns.Conn.
func (c *conn) Send(p mdns.Packet, src netip.Addr) error {
	select {
	case <-c.closed:
		return net.ErrClosed
	default:
	}
	l := c.host.lan
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := c.host.mute[familyOf(p.Dst.Addr())]; err != nil {
		return err
	}
	for _, n := range c.host.nics {
		if n.Index == p.IfIndex && !n.down {
			p.Src = netip.AddrPortFrom(src, mdns.Port)
			l.send(Sent{Packet: p, At: time.Now(), Link: n.link, Host: c.host.name, Interface: n.Name}, c.host)
			return nil
		}
	}
	return net.UnknownNetworkError("no such interface")
}

// Receive implements mdns.Conn.
func (c *conn) Receive(f mdns.Family) (mdns.Packet, error) {
	in := c.in4
	if f == mdns.IPv6 {
		in = c.in6
	}
	select {
	case p := <-in:
		return p, nil
	case <-c.closed:
		return mdns.Packet{}, net.ErrClosed
	}
}

// Close implements mdns.Conn.
func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		l := c.host.lan
		l.mu.Lock()
		defer l.mu.Unlock()
		c.host.conns = slices.DeleteFunc(c.host.conns, func(o *conn) bool { return o == c })
	})
	return nil
}
