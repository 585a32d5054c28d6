package bridge

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"time"

	"meshbridge/bridge/address"
	"meshbridge/bridge/adhoc"
	"meshbridge/bridge/caps"
	"meshbridge/bridge/config"
	"meshbridge/bridge/outbox"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns"
	"meshbridge/resolver/uri"
	"meshbridge/upstream"
)

// Options are what a gateway needs from the program around it.
type Options struct {
	Log     *slog.Logger // nil: slog.Default
	Version string       // told to who asks for it (XEP-0092)
	Program string       // what next steps call the program
	Ready   func()       // called once, when authenticated and browsing; may be nil
	// Undone is told when the LAN did not work as a changed configuration says, why, and
	// which configuration is in force again. It must not block. May be nil.
	Undone func(former config.Config, why error)

	// Network and Transport replace the real LAN in tests; nil means real.
	Network   mdns.Network
	Transport linklocal.Transport
	// Dial replaces the real connection to the server in tests.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	floor time.Time // a clock before it is not set; zero means clockFloor
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
	where   atomic.Pointer[finder] // of the server, for the link
	events  chan event
	stopped chan struct{} // closed when Run has returned

	// Below: owned by the goroutine of Run.
	linkPart part
	meshPart part
	before   *config.Config // in force before the mesh was begun anew; nil: that mesh works
	changing bool           // another configuration is being put in force
	still    bool           // nothing is handed to the mesh, which is about to end

	session    session               // nil while not authenticated
	peers      map[string]*peer      // by local part of the proxy JID
	seen       map[string]*peer      // by instance as last told by the mesh
	colleagues map[string]*colleague // by bare JID
	own        map[string]*colleague // by the local part that a peer of that instance would have
	subs       map[store.Pair]store.Subscription
	pairs      map[string]int                    // how many of subs a colleague has
	dismissed  map[store.Pair]store.Subscription // of those whom the policy does not know any more
	shown      map[store.Pair]bool               // who was last told that somebody is here
	ghosts     map[string]string                 // proxy instances that a former run left on the mesh
	facts      map[store.Kind]map[string]string  // what else is remembered across restarts

	box          outbox.Box
	durable      bool               // what is in it is on disk, too
	unsaved      map[outbox.ID]bool // what is not yet
	lastRestored outbox.ID          // of those that a former run left
	orphans      []orphan           // of those, what may not be delivered any more
	fadings      []fading           // in the order of commits

	routes     map[routeKey]*route // mesh queues of the outbox
	queues     map[string]*route   // the same by name of the queue
	lastRoute  uint64
	flying     map[outbox.ID]*route
	written    []flight               // upstream, in order
	said       []saying               // beside messages, in order
	arrivals   []*arrival             // of what was routed, in order
	overdue    *alarm                 // for the oldest of arrivals
	doubted    []*colleague           // who were asked again
	relayed    *recent[passage]       // messages that crossed, for errors about them; the word is where those go
	repeated   *recent[mark]          // messages taken in, for repeats of them
	noticed    *recent[subject]       // what peers and colleagues were told in words
	asking     *recent[subject]       // colleagues who were asked about peers of late, with a number
	refused    *recent[way]           // presences answered with no
	struck     *recent[offence]       // stanzas on which a session ended
	unbearable *recent[offence]       // those on which a second one did
	answered   map[store.Pair]*answer // probes answered a moment ago
	read       *reader                // of addresses
	scratch    []byte                 // for measuring stanzas

	requests map[string]*request // to colleagues' servers, by id of the iq
	grants   map[string]bool     // domains whose rosters we may read and write, as they said
	lists    lists               // of who is written into which roster

	chores    chores
	owed      []stanza.Stanza // errors for messages that no session has routed for certain
	outage    outage
	standing  standing
	settling  []*alarm  // what is done a while after an authentication
	listening time.Time // when the mesh came up; zero: not yet
	floor     time.Time // the time of day is not known while the clock is before
	readyTold bool
	stopping  bool
	left      bool // farewells are said; nothing is accepted any more

	// What the gateway itself says to people.
	contact  contact
	letters  letters
	warnings warnings

	// What is answered, and how it is announced.
	began      time.Time
	inquiries  inquiries
	dialogues  adhoc.Sessions // commands that somebody is in the middle of
	lookups    lookups        // in the DNS, for commands
	turns      *recent[turn]  // of conversations with the gateway
	abilities  map[sign]*ability
	gallery    gallery
	cards      cards
	introduced *recent[subject] // whose name a colleague knows
	selfMark   caps.Mark        // of the gateway itself
	proxyMark  caps.Mark        // of every colleague on the mesh
	proxyDisco *stanza.Element  // what that mark stands for; not to be changed
}

// keeper is what the gateway asks of the store. No call waits for the disk.
type keeper interface {
	SetSubscription(store.Pair, store.Subscription) error
	SetShown(p store.Pair, available bool) error
	SetInstance(instance, colleague string) error
	SetFallback(local, instance string) error
	Set(kind store.Kind, key, value string) error
	Keep(store.Message)
	Drop(id uint64) (commit uint64)
	Saved() (id, commit uint64)
	Commits() <-chan struct{}
	Hurry()
	Trouble() error
	Close() error
}

// mesh is what the gateway asks of the LAN.
type mesh interface {
	Publish(linklocal.Proxy)
	Withdraw(key string)
	Retract(instance string)
	Know(instance string, holder linklocal.Machine)
	Send(linklocal.Delivery)
	Dismiss(proxy, peer string)
	FetchAvatar(instance, hash string)
	Attend(instance string, closely bool)
}

// session is what the gateway asks of an authenticated upstream.
type session interface {
	Send(stanza.Stanza) (seq uint64, err error)
}

// New returns a gateway for a checked configuration. It opens the store, which
// fails when another bridge has it open or its file is damaged.
func New(cfg config.Config, opts Options) (*Gateway, error) {
	g, err := assemble(cfg, opts)
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

// assemble returns a gateway without a store.
func assemble(cfg config.Config, opts Options) (*Gateway, error) {
	g, err := newCore(cfg, opts)
	if err != nil {
		return nil, err
	}
	g.lan, err = linklocal.New(g.meshConfig(cfg))
	if err != nil {
		return nil, err
	}
	g.mesh = g.lan
	g.link, err = upstream.New(g.linkConfig(cfg))
	if err != nil {
		return nil, err
	}
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
		box:     outbox.NewMemory(limitsOf(cfg.Outbox)),
		peers:   map[string]*peer{}, seen: map[string]*peer{},
		colleagues: map[string]*colleague{}, own: map[string]*colleague{},
		subs: map[store.Pair]store.Subscription{}, pairs: map[string]int{},
		shown: map[store.Pair]bool{}, ghosts: map[string]string{},
		facts:   map[store.Kind]map[string]string{},
		durable: cfg.Outbox.Durability == config.Disk, unsaved: map[outbox.ID]bool{},
		routes: map[routeKey]*route{}, queues: map[string]*route{}, flying: map[outbox.ID]*route{},
		relayed:    newRecent[passage](relayMemory, maxRelayed),
		repeated:   newRecent[mark](relayMemory, maxRelayed),
		noticed:    newRecent[subject](noticePause, maxNoticed),
		asking:     newRecent[subject](askPause, maxNoticed),
		refused:    newRecent[way](answerPause, maxRefused),
		struck:     newRecent[offence](strikeMemory, maxStruck),
		unbearable: newRecent[offence](strikeMemory, maxStruck),
		answered:   map[store.Pair]*answer{},
		requests:   map[string]*request{}, grants: map[string]bool{},
		lists:   lists{denied: newRecent[string](listPause, maxNoticed)},
		read:    newReader(),
		floor:   clockFloor,
		turns:   newRecent[turn](turnPause, maxNoticed),
		lookups: lookups{under: map[uri.URI]*lookup{}, known: map[uri.URI]vouched{}},

		letters: newLetters(), warnings: newWarnings(),

		began:      time.Now(),
		standing:   standing{since: time.Now()},
		inquiries:  inquiries{ids: map[string]*inquiry{}, tokens: map[uint64]*inquiry{}},
		abilities:  map[sign]*ability{},
		gallery:    newGallery(),
		introduced: newRecent[subject](nameMemory, maxNoticed),
		selfMark:   ownMark(selfInfo()), proxyMark: ownMark(proxyInfo()),
		proxyDisco: disclosure(proxyInfo()),
	}
	g.contact.wanted = localOf(g.contactName())
	if !opts.floor.IsZero() {
		g.floor = opts.floor
	}
	g.where.Store(newWhere(cfg, g.log))
	for _, c := range cfg.Colleagues {
		have := g.meet(c.JID)
		have.nick, have.named, have.listed, have.introduce = c.Nick, c.Nick != "", true, c.Introduce
	}
	return g, nil
}

func newPolicy(cfg config.Config) policy.Policy {
	p := policy.Policy{
		Domain: cfg.Upstream.Domain, Listed: map[string]bool{}, Domains: map[string]bool{}, Admins: map[string]bool{},
		Mesh: levels[cfg.Access.Mesh],
	}
	for _, c := range cfg.Colleagues {
		p.Listed[c.JID.String()] = true
	}
	for _, d := range cfg.Access.Domains {
		p.Domains[d] = true
	}
	for _, admin := range cfg.Access.Admins {
		p.Admins[admin] = true
	}
	return p
}

func limitsOf(c config.Outbox) outbox.Limits {
	return outbox.Limits{PerRecipient: c.PerRecipient, Total: c.Total, Bytes: int(c.Bytes), MaxAge: c.MaxAge}
}

func (g *Gateway) meshConfig(cfg config.Config) linklocal.Config {
	c := cfg.LinkLocal
	return linklocal.Config{
		Interfaces: c.Interfaces, Machine: c.Machine, Port: c.Port,
		Mark:           linklocal.GatewayMark(cfg.Upstream.Domain),
		DepartureDelay: c.DepartureDelay, LegacyPort: c.LegacyTXTPort, GlobalIPv6: c.GlobalIPv6,
		AllowLowPorts: c.AllowLowPorts, AcceptAnonymous: c.AcceptAnonymousHeader, LenientFrom: c.LenientFrom,
		Limits:  linklocal.Limits(cfg.Limits),
		Network: g.opts.Network, Transport: g.opts.Transport,
		Log: g.log, Count: g.drops.count,
		Handle: func(ev linklocal.Event) { g.post(meshEvent{ev}) },
	}
}

func (g *Gateway) linkConfig(cfg config.Config) upstream.Config {
	c := cfg.Upstream
	return upstream.Config{
		Domain: c.Domain, Secret: c.Secret.Reveal(),
		Targets:           func(ctx context.Context) ([]upstream.Target, error) { return (*g.where.Load())(ctx) },
		InsecurePlaintext: c.InsecurePlaintext, MaxStanza: c.MaxStanza,
		Dial: g.opts.Dial, Log: g.log, Count: g.drops.count,
	}
}
