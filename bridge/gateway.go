package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"meshbridge/bridge/address"
	"meshbridge/bridge/config"
	"meshbridge/bridge/outbox"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns"
	"meshbridge/upstream"
)

// Options are what a gateway needs from the program around it.
type Options struct {
	Log     *slog.Logger // nil: slog.Default
	Version string       // told to who asks for it (XEP-0092)
	Ready   func()       // called once, when authenticated and browsing; may be nil

	// Network and Transport replace the real LAN in tests; nil means real.
	Network   mdns.Network
	Transport linklocal.Transport
	// Dial replaces the real connection to the server in tests.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Gateway is a bridge between one mesh and one server. Its methods are New and Run;
// the state is Run's.
type Gateway struct {
	cfg     config.Config
	opts    Options
	log     *slog.Logger
	addr    *address.Map
	policy  policy.Policy
	drops   *drops
	link    *upstream.Link
	lan     *linklocal.Mesh
	mesh    mesh // lan, or a stand-in in tests
	keeper  keeper
	events  chan event
	stopped chan struct{} // closed when Run has returned

	// Below: owned by the goroutine of Run.
	session    session               // nil while not authenticated
	peers      map[string]*peer      // by local part of the proxy JID
	colleagues map[string]*colleague // by bare JID
	own        map[string]*colleague // by folded proxy instance
	subs       map[store.Pair]store.Subscription
	shown      map[store.Pair]bool // who was last told that somebody is here
	ghosts     map[string]string   // proxy instances that a former run left on the mesh

	box      outbox.Box
	routes   map[string]*route // mesh queues of the outbox, by recipient
	flying   map[outbox.ID]*route
	written  []flight // upstream, in order
	expired  time.Time
	relayed  *recent // messages that crossed, for errors about them
	repeated *recent // messages of the server, for repeats of them
	noticed  *recent // notices given to peers
	asked    *recent // probes and refused requests that were answered

	chores    chores
	outage    outage
	listening time.Time // when the mesh came up; zero: not yet
	readyTold bool
	stopping  bool
}

// keeper is what the gateway asks of the store. No call waits for the disk.
type keeper interface {
	SetSubscription(store.Pair, store.Subscription) error
	SetShown(p store.Pair, available bool) error
	SetInstance(instance, colleague string) error
	SetFallback(local, instance string) error
	Close() error
}

// mesh is what the gateway asks of the LAN.
type mesh interface {
	Publish(linklocal.Proxy)
	Withdraw(key string)
	Retract(instance string)
	Send(linklocal.Delivery)
}

// session is what the gateway asks of an authenticated upstream.
type session interface {
	Send(stanza.Stanza) (seq uint64, err error)
}

// New returns a gateway for a checked configuration. It opens the store, which
// fails when another bridge has it open or its file is damaged.
func New(cfg config.Config, opts Options) (*Gateway, error) {
	g, err := newCore(cfg, opts)
	if err != nil {
		return nil, err
	}
	g.lan, err = linklocal.New(g.meshConfig())
	if err != nil {
		return nil, err
	}
	g.mesh = g.lan
	g.link, err = upstream.New(g.linkConfig())
	if err != nil {
		return nil, err
	}
	if err := cfg.MakeState(); err != nil {
		return nil, err
	}
	s, err := store.Open(filepath.Join(cfg.State, "meshbridge.db"), g.log)
	if err != nil {
		return nil, err
	}
	g.keeper = s
	g.recall(s.State())
	return g, nil
}

// newCore returns a gateway without a LAN, a server and a store.
func newCore(cfg config.Config, opts Options) (*Gateway, error) {
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	addr, err := address.NewMap(cfg.Upstream.Domain, cfg.LinkLocal.Machine)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		cfg: cfg, opts: opts, log: opts.Log, addr: addr,
		policy:  newPolicy(cfg),
		drops:   newDrops(opts.Log),
		events:  make(chan event, eventQueue),
		stopped: make(chan struct{}),
		box: outbox.NewMemory(outbox.Limits{
			PerRecipient: cfg.Outbox.PerRecipient, Total: cfg.Outbox.Total,
			Bytes: int(cfg.Outbox.Bytes), MaxAge: cfg.Outbox.MaxAge,
		}),
		peers: map[string]*peer{}, colleagues: map[string]*colleague{}, own: map[string]*colleague{},
		routes: map[string]*route{}, flying: map[outbox.ID]*route{},
		relayed:  newRecent(relayMemory, maxRelayed),
		repeated: newRecent(relayMemory, maxRelayed),
		noticed:  newRecent(noticePause, maxNoticed),
		asked:    newRecent(probePause, maxProbes),
	}
	for _, c := range cfg.Colleagues {
		if have := g.colleagueOf(c.JID); have != nil {
			have.nick, have.listed = c.Nick, true
		}
	}
	return g, nil
}

func newPolicy(cfg config.Config) policy.Policy {
	p := policy.Policy{Domain: cfg.Upstream.Domain, Listed: map[string]bool{}, Domains: map[string]bool{}, Mesh: policy.Bound}
	for _, c := range cfg.Colleagues {
		p.Listed[c.JID.String()] = true
	}
	for _, d := range cfg.Access.Domains {
		p.Domains[d] = true
	}
	return p
}

func (g *Gateway) meshConfig() linklocal.Config {
	c := g.cfg.LinkLocal
	return linklocal.Config{
		Interfaces: c.Interfaces, Machine: c.Machine, Port: c.Port,
		Mark:           linklocal.GatewayMark(g.cfg.Upstream.Domain),
		DepartureDelay: c.DepartureDelay, LegacyPort: c.LegacyTXTPort, GlobalIPv6: c.GlobalIPv6,
		AllowLowPorts: c.AllowLowPorts, AcceptAnonymous: c.AcceptAnonymousHeader, LenientFrom: c.LenientFrom,
		Network: g.opts.Network, Transport: g.opts.Transport,
		Log: g.log, Count: g.drops.count,
		Handle: func(ev linklocal.Event) { g.post(meshEvent{ev}) },
	}
}

func (g *Gateway) linkConfig() upstream.Config {
	c := g.cfg.Upstream
	return upstream.Config{
		Domain: c.Domain, Secret: c.Secret.Reveal(),
		Targets:           func(context.Context) ([]upstream.Target, error) { return targets(c), nil },
		InsecurePlaintext: c.InsecurePlaintext, MaxStanza: c.MaxStanza,
		Dial: g.opts.Dial, Log: g.log, Count: g.drops.count,
	}
}

// Run bridges until ctx ends. It then says goodbye on both sides, upstream first,
// and returns nil in bounded time. An error means that the bridge cannot work here
// and says what to do.
func (g *Gateway) Run(ctx context.Context) error {
	defer close(g.stopped)
	linkDone, stopLink := supervise(ctx, func(ctx context.Context) error {
		return g.link.Run(ctx, func(ev upstream.Event) { g.post(upstreamEvent{ev}) })
	})
	defer stopLink()
	meshDone, stopMesh := supervise(ctx, g.lan.Run)
	defer stopMesh()

	err := g.work(ctx, linkDone, meshDone)
	g.farewell()
	g.stopPart("upstream", linkDone, stopLink)
	g.stopPart("mesh", meshDone, stopMesh)
	return errors.Join(err, g.keeper.Close())
}

// supervise runs a part of the program until stop is called, whatever happens to
// ctx: the gateway ends its parts in order.
func supervise(ctx context.Context, part func(context.Context) error) (<-chan error, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() {
		err := part(ctx)
		done <- err
		close(done)
	}()
	return done, cancel
}

// work handles events until ctx or a part ends.
func (g *Gateway) work(ctx context.Context, linkDone, meshDone <-chan error) error {
	tick := time.NewTicker(choreEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-linkDone:
			return fmt.Errorf("the upstream has stopped: %w", err)
		case err := <-meshDone:
			return fmt.Errorf("the mesh has stopped: %w", err)
		case ev := <-g.events:
			ev.apply(g)
		case <-tick.C:
			g.tick()
		}
	}
}

// stopPart ends a part, taking in what it still has to tell.
func (g *Gateway) stopPart(name string, done <-chan error, stop context.CancelFunc) {
	stop()
	timeout := time.NewTimer(partTimeout)
	defer timeout.Stop()
	for {
		select {
		case ev := <-g.events:
			ev.apply(g)
		case <-done:
			return
		case <-timeout.C:
			g.log.Error("a part of the bridge did not end in time", "part", name)
			return
		}
	}
}
