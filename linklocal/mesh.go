package linklocal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/pace"
)

// Mesh is the bridge's presence on the LAN. Its methods may be called from any
// goroutine, do not block and take effect in the order of the calls.
type Mesh struct {
	cfg    Config
	engine *mdns.Engine

	commands  commands    // from the caller of our methods
	requests  chan func() // from mDNS, streams and timers
	started   atomic.Bool
	stopped   chan struct{} // closed when Run has returned
	doors     doors         // who is connected, and who in a handshake
	rates     *pace.Limiter // of stanzas from peers
	ahead     *room         // for what peers over their rate send ahead
	large     *room         // for stanzas that are large
	impostors seldom        // told of in the log
	flapping  seldom        // likewise: peers that come and go

	// Below: owned by the goroutine of Run.
	peers     map[string]*peer  // by folded instance
	proxies   map[string]*proxy // by key
	own       map[string]*proxy // by folded instance, once announced
	pairs     map[pairKey]*pair
	contacts  map[string]*contact  // by folded instance, of peers that are dialled
	known     map[string]*identity // by folded instance, of peers that are here
	ears      map[ear]*listener
	up        map[int]mdns.Interface // those spoken on, by index
	port      uint16                 // 0: none yet
	since     time.Time              // when there was a port for the first time
	arrivals  arrivals
	taken     bool   // the configured port is in use by another program
	deaf      string // what was last logged about listening
	streams   map[*stream]struct{}
	handlers  sync.WaitGroup // stream goroutines
	rechecked time.Time      // when recheckAll last looked
	ctx       context.Context
	stop      context.CancelFunc   // of ctx
	twins     map[string]Twin      // by folded instance, of another bridge for our domain
	closely   map[string]bool      // by folded instance, of peers that somebody waits to see
	restless  map[string]*restless // by folded instance, of peers that have left
}

// New returns a mesh for [Mesh.Run]. It fails when the configuration cannot work
// on any machine.
func New(cfg Config) (*Mesh, error) {
	if cfg.Handle == nil {
		return nil, errors.New("linklocal: Config.Handle is missing")
	}
	if cfg.Machine == "" { // an engine without a name would only listen
		return nil, errors.New("linklocal: Config.Machine is missing; use one label such as office")
	}
	if cfg.Transport == nil {
		cfg.Transport = tcp{}
	}
	if cfg.hardware == nil {
		cfg.hardware = hardwareOf
	}
	if cfg.stir == nil {
		cfg.stir = stir
	}
	if cfg.descriptors == nil {
		cfg.descriptors = openFiles
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Count == nil {
		cfg.Count = func(string) {}
	}
	var m *Mesh
	engine, err := mdns.New(mdns.Config{
		Interfaces: cfg.Interfaces, Host: cfg.Machine, GlobalIPv6: cfg.GlobalIPv6,
		Network: cfg.Network, Log: cfg.Log, Count: cfg.Count,
		Changed: func() { m.post(m.reconcile) },
	})
	if err != nil {
		return nil, err
	}
	cfg.Limits = cfg.Limits.orDefault()
	m = &Mesh{
		cfg: cfg, engine: engine,
		commands: commands{ready: make(chan struct{}, 1)},
		requests: make(chan func(), maxRequestQueue),
		stopped:  make(chan struct{}),
		peers:    map[string]*peer{}, proxies: map[string]*proxy{}, own: map[string]*proxy{},
		pairs: map[pairKey]*pair{}, contacts: map[string]*contact{}, known: map[string]*identity{}, twins: map[string]Twin{},
		closely: map[string]bool{}, restless: map[string]*restless{},
		ears: map[ear]*listener{}, streams: map[*stream]struct{}{}, arrivals: newArrivals(),
	}
	m.fitDescriptors()
	m.doors = newDoors(m.cfg.Limits)
	m.rates = pace.New(m.cfg.Limits.rates())
	m.ahead, m.large = newRoom(maxReadAheadAll/chunkSize), newRoom(maxLargeAll/stanza.ClaimStep)
	return m, nil
}

// Run works until ctx ends, then closes every stream, says goodbye for every
// record and returns nil, in a few seconds. An error means that the mesh cannot
// work here, and says what to do. It may be called once only.
func (m *Mesh) Run(ctx context.Context) error {
	if m.started.Swap(true) {
		return errors.New("linklocal: Run called twice; make a new Mesh")
	}
	defer close(m.stopped)
	engineCtx, stopEngine := context.WithCancel(context.WithoutCancel(ctx))
	defer stopEngine()
	m.ctx, m.stop = context.WithCancel(ctx)
	defer m.stop()

	m.engine.Browse(ServiceType, func(ev mdns.Event) { m.post(func() { m.seen(ev) }) })
	engineDone := make(chan error, 1)
	go func() { engineDone <- m.engine.Run(engineCtx) }()

	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	for {
		select {
		case <-m.ctx.Done():
			m.shutdown()
			stopEngine()
			return m.drain(engineDone)
		case err := <-engineDone:
			m.shutdown()
			return fmt.Errorf("multicast DNS: %w", err)
		case fn := <-m.requests:
			fn()
		case <-m.commands.ready:
			for _, fn := range m.commands.take() {
				fn()
			}
		case <-tick.C:
			m.reconcile()
		}
	}
}

// drain serves the goroutines that still report until the engine has said goodbye.
func (m *Mesh) drain(engineDone <-chan error) error {
	for {
		select {
		case err := <-engineDone:
			return err
		case fn := <-m.requests:
			fn()
		}
	}
}

// post hands fn to the goroutine of Run. It waits while that is busy, and does
// nothing once it has ended.
func (m *Mesh) post(fn func()) {
	select {
	case m.requests <- fn:
	case <-m.stopped:
	}
}

// call runs fn on the goroutine of Run and waits for it. It reports false when the
// mesh has ended.
func (m *Mesh) call(fn func()) bool {
	done := make(chan struct{})
	m.post(func() { fn(); close(done) })
	select {
	case <-done:
		return true
	case <-m.stopped:
		return false
	}
}

// after runs fn on the goroutine of Run when d has passed.
func (m *Mesh) after(d time.Duration, fn func()) *time.Timer {
	return time.AfterFunc(d, func() { m.post(fn) })
}

// stopping reports that no stream is begun any more.
func (m *Mesh) stopping() bool { return m.ctx.Err() != nil }

// reconcile compares what is with what should be: listeners with the interfaces of
// this moment, streams with the time since they were last used.
func (m *Mesh) reconcile() {
	if m.stopping() {
		return // news of the engine's last moments
	}
	had := m.port
	m.up = map[int]mdns.Interface{}
	for _, i := range m.engine.Interfaces() {
		m.up[i.Index] = i
	}
	m.listen()
	m.moveOn()
	if m.port != had && m.port != 0 {
		for _, key := range slices.Sorted(maps.Keys(m.proxies)) {
			m.announce(m.proxies[key])
		}
		if m.since.IsZero() {
			m.since = time.Now()
		}
		m.cfg.Handle(Listening{m.port})
	}
	m.rates.Sweep()
	m.recheckAll()
	now := time.Now()
	for s := range m.streams {
		if s.idle(now) {
			m.part(s)
		} else {
			s.keepAlive(now)
		}
	}
}

// shutdown closes the doors and every stream, and waits for them in bounded time.
func (m *Mesh) shutdown() {
	m.stop() // ends dials and handshakes; what waits for them is given back
	for _, l := range m.ears {
		l.Close()
	}
	for _, p := range m.pairs {
		if m.abandon(p); p.stream == nil {
			m.giveBack(p, ErrStopped)
		}
	}
	for s := range m.streams {
		s.finish()
	}
	gone := make(chan struct{})
	go func() { m.handlers.Wait(); close(gone) }()
	timeout := time.NewTimer(shutdownGrace)
	defer timeout.Stop()
	for {
		select {
		case fn := <-m.requests:
			fn()
		case <-timeout.C:
			for s := range m.streams {
				s.close()
			}
		case <-gone:
			return
		}
	}
}

// commands is the queue of calls from outside. It has no bound of its own: the
// caller bounds what it has in flight, and must never have to wait for the mesh,
// which may be waiting for it.
type commands struct {
	mu    sync.Mutex
	list  []func() // guarded by mu
	ready chan struct{}
}

func (c *commands) add(fn func()) {
	c.mu.Lock()
	c.list = append(c.list, fn)
	c.mu.Unlock()
	select {
	case c.ready <- struct{}{}:
	default: // a wake-up is pending already
	}
}

func (c *commands) take() []func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.list
	c.list = nil
	return list
}
