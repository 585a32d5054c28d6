package mdns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says what an Engine works on.
type Config struct {
	// Interfaces names what is spoken on, as configured. Each is joined while it exists and
	// is up; nothing is ever sent on any other (RFC 6762 section 11, LL-11.3-3).
	Interfaces []string
	// Host is one label of letters, digits and hyphens: Host.local. is probed and owned.
	// After a conflict it becomes Host-1, Host-2 and so on (LL-3-11). Without one the engine
	// only listens and asks: it owns no name, and what is given to Publish fails.
	Host string
	// Network is the machine's network; nil stands for real sockets.
	Network Network
	// GlobalIPv6 publishes ULA and global AAAA records too. By default only link-local ones
	// are, because a peer that dials a global address may come from a temporary one that it
	// never announced (LL-11.1-7).
	GlobalIPv6 bool
	// Log takes warnings and, at debug level, names and addresses; nil discards.
	Log *slog.Logger
	// Count is told the rule ID of every packet or record dropped or refused; nil is fine.
	// It runs on the engine's goroutine and must not block.
	Count func(rule string)
	// Changed is called when the joined interfaces or what is published on them have changed;
	// nil is fine. It runs on the engine's goroutine and must not block.
	Changed func()
}

// Engine speaks multicast DNS and DNS-SD. Everything in it belongs to the goroutine of Run;
// the exported methods may be called from any goroutine and only post to it.
type Engine struct {
	cfg     Config
	log     *slog.Logger
	network Network

	// The mailbox: unbounded, because the callers are our own program; strangers' packets
	// come through packets, which is bounded.
	mailMu  sync.Mutex
	mail    []func() // guarded by mailMu
	wake    chan struct{}
	packets chan Packet
	news    chan struct{} // the kernel says that interfaces changed
	done    chan struct{} // closed when Run returns
	started atomic.Bool

	snap   atomic.Pointer[snapshot] // for readers on other goroutines
	checks checks                   // likewise

	// All below belongs to the goroutine of Run.
	conn     Conn
	agenda   agenda
	now      time.Time // of this turn
	batch    uint64    // counts received packets
	ifaces   []*iface  // joined ones and those whose records age out
	host     *host
	claims   map[name]*claim // by folded current name
	services []*service      // published, in order of publication
	browsers []*browser
	lookups  []*lookup
	fetches  []*fetch
	retract  []record               // goodbyes waiting for a first interface
	former   map[name]time.Time     // own names given up, until when their reflections are ignored
	ignored  bool                   // one of former was seen
	closing  bool                   // saying goodbye, deaf to all else
	watched  bool                   // changes of interfaces are told
	look     *alarm                 // the next look at the interfaces
	looked   time.Time              // the last
	attended map[name]time.Duration // folded instances that are asked after, and when
	pace     pacers
	hints    allowance // for doubts that neighbours raise
	warned   bool      // about too many published instances
}

// snapshot is what other goroutines may know.
type snapshot struct {
	interfaces []Interface
	published  map[int][]netip.Addr
	ears       []*ears
	host       string
}

// New checks cfg and returns an Engine that does nothing until Run.
func New(cfg Config) (*Engine, error) {
	if cfg.Host != "" && !validHost(cfg.Host) {
		return nil, fmt.Errorf("mdns: host name %q must be one label of 1 to 63 letters, digits and inner hyphens; choose another", cfg.Host)
	}
	if len(cfg.Interfaces) == 0 {
		return nil, errors.New("mdns: no interface given; name at least one, such as br-lan")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Count == nil {
		cfg.Count = func(string) {}
	}
	if cfg.Changed == nil {
		cfg.Changed = func() {}
	}
	if cfg.Network == nil {
		cfg.Network = sockets{}
	}
	e := &Engine{
		cfg: cfg, log: cfg.Log, network: cfg.Network,
		wake: make(chan struct{}, 1), packets: make(chan Packet, 64), news: make(chan struct{}, 1), done: make(chan struct{}),
		claims: map[name]*claim{}, former: map[name]time.Time{}, now: time.Now(),
		attended: map[name]time.Duration{}, pace: newPacers(),
	}
	e.host = newHost(e, cfg.Host)
	e.snap.Store(&snapshot{host: cfg.Host})
	return e, nil
}

func validHost(h string) bool {
	if h == "" || len(h) > maxLabel || h[0] == '-' || h[len(h)-1] == '-' {
		return false
	}
	return strings.IndexFunc(h, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-')
	}) < 0
}

// Run works until ctx ends, then says goodbye for every own record (RFC 6762 section 10.1),
// paced and for at most two seconds, and returns nil. It returns an error at once when port
// 5353 cannot be had, and may be called once only.
func (e *Engine) Run(ctx context.Context) error {
	if e.started.Swap(true) {
		return errors.New("mdns: Run called twice; make a new Engine")
	}
	defer close(e.done)
	conn, err := e.network.Open()
	if err != nil {
		return err
	}
	e.conn = conn
	var readers sync.WaitGroup
	stop := make(chan struct{})
	defer func() {
		close(stop)
		conn.Close()
		readers.Wait()
	}()
	for _, f := range conn.Families() {
		readers.Go(func() { e.read(f, stop) })
	}
	defer e.watch()()
	e.now = time.Now()
	e.reconcile()
	e.loop(ctx.Done(), nil)
	e.shutdown()
	return nil
}

// loop turns until done is closed or idle reports true.
func (e *Engine) loop(done <-chan struct{}, idle func() bool) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		e.flush()
		if idle != nil && idle() {
			return
		}
		if at, ok := e.agenda.next(); ok {
			timer.Reset(time.Until(at))
		}
		select {
		case <-done:
			return
		case <-e.wake:
			e.now = time.Now()
			e.readMail()
		case p := <-e.packets:
			e.now = time.Now()
			e.receive(p)
		case <-e.news:
			e.now = time.Now()
			e.reconcileSoon()
		case <-timer.C:
			e.now = time.Now()
		}
		e.agenda.ring(e.now)
	}
}

// flush ends a turn: what the turn collected is packed and handed to the links.
func (e *Engine) flush() {
	for _, i := range e.ifaces {
		i.flush()
	}
}

// shutdown says goodbye and waits until the last packet left.
func (e *Engine) shutdown() {
	e.now = time.Now()
	e.closing = true
	for _, i := range e.ifaces {
		i.quiet()
	}
	e.agenda.clear()
	for _, s := range e.services {
		s.goodbye()
	}
	e.host.goodbye()
	over := make(chan struct{})
	stop := time.AfterFunc(shutdownMax, func() { close(over) })
	defer stop.Stop()
	e.loop(over, func() bool {
		return !slices.ContainsFunc(e.ifaces, func(i *iface) bool { return i.sending() })
	})
}

// post hands fn to the engine's goroutine. It never blocks; after Run it is forgotten.
func (e *Engine) post(fn func()) {
	e.mailMu.Lock()
	e.mail = append(e.mail, fn)
	e.mailMu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default: // a wake-up is already on its way
	}
}

func (e *Engine) readMail() {
	e.mailMu.Lock()
	mail := e.mail
	e.mail = nil
	e.mailMu.Unlock()
	if e.closing {
		return
	}
	for _, fn := range mail {
		fn()
	}
}

// read moves packets of one family from the socket to the loop.
func (e *Engine) read(f Family, stop <-chan struct{}) {
	for {
		p, err := e.conn.Receive(f)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			e.log.Warn("mdns receive failed", "family", int(f), "err", err)
			select {
			case <-stop:
				return
			case <-time.After(receiveBackoff):
				continue
			}
		}
		select {
		case e.packets <- p:
		case <-stop:
			return
		}
	}
}

// in is the time d from now.
func (e *Engine) in(d time.Duration, fn func()) *alarm { return e.agenda.at(e.now.Add(d), fn) }

// Interfaces lists the interfaces joined now.
func (e *Engine) Interfaces() []Interface { return slices.Clone(e.snap.Load().interfaces) }

// Published lists the addresses that our host name has on an interface, link-local ones
// with zone: the source addresses for connections of our own, which peers can have resolved.
func (e *Engine) Published(iface int) []netip.Addr {
	return slices.Clone(e.snap.Load().published[iface])
}

// HostName is the current label of our host, after renames, without ".local".
func (e *Engine) HostName() string { return e.snap.Load().host }

// note refreshes the snapshot.
func (e *Engine) note() {
	s := &snapshot{host: e.host.label, published: map[int][]netip.Addr{}}
	for _, i := range e.ifaces {
		if i.left {
			continue
		}
		s.interfaces = append(s.interfaces, i.Interface)
		s.ears = append(s.ears, i.ears)
		s.published[i.Index] = zoned(i.published(e.cfg.GlobalIPv6), i.Name)
	}
	e.snap.Store(s)
	e.cfg.Changed()
}

// zoned puts the interface name on link-local addresses (LL-11.1-6).
func zoned(addrs []netip.Addr, zone string) []netip.Addr {
	out := make([]netip.Addr, len(addrs))
	for k, a := range addrs {
		out[k] = withZone(a, zone)
	}
	return out
}

func withZone(a netip.Addr, zone string) netip.Addr {
	if a.Is6() && a.IsLinkLocalUnicast() {
		return a.WithZone(zone)
	}
	return a
}
