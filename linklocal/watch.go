package linklocal

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"sort"
	"sync"
	"time"

	"meshbridge/linklocal/mdns"
)

// Sighting is what there is to see of one instance on the mesh, proxy instances of
// bridges included. When it has left, it is what was seen last.
type Sighting struct {
	Change Change
	// Domain is that of the DNS where it was found. Host is then a whole name with a dot
	// at its end, and Interfaces name the domain. "" on a link.
	Domain string
	Peer
	Port  uint16            // of the SRV record; 0 when nobody answers for it
	Addrs []netip.Addr      // over all interfaces, link-local ones with zone; none when nobody answers
	TXT   map[string]string // keys in lower case, as ParseTXT reads them
	Doubt mdns.Doubt        // whether it may not be here any more, since when and until when that is open; zero: no
	Why   []string          // in words, why it does not get through; none: nothing is known against it
}

// Change is what happened to an instance.
type Change int

// The three changes.
const (
	Came Change = iota
	Changed
	Left
)

// Watch says what to look at.
type Watch struct {
	Interfaces []string     // names; those are watched that exist and are up
	Network    mdns.Network // nil: real sockets
	Log        *slog.Logger // nil: nothing
	// Handle receives what is seen, one at a time. It must not block for long.
	Handle func(Sighting)
	// Settled is told once, when nothing new came for a while, or after at most
	// settleMax, with the names of the interfaces that are watched. May be nil.
	Settled func(joined []string)
}

// Timing of a watch.
const (
	lookAgain   = 10 * time.Second        // mDNS tells of no new SRV record by itself
	lookSeldom  = 5                       // doublings of that for who does not answer
	settleQuiet = 1500 * time.Millisecond // past the second question, sent after one second, and its answers
	settleMax   = 10 * time.Second
)

// Run looks until ctx ends, and returns nil then. It asks questions and says
// nothing of its own: no name is claimed, nothing is published, no stream opened.
// An error means that multicast DNS cannot be had, and says what to do.
func (w Watch) Run(ctx context.Context) error {
	if w.Handle == nil {
		return errors.New("linklocal: Watch.Handle is missing")
	}
	if w.Log == nil {
		w.Log = slog.New(slog.DiscardHandler)
	}
	engine, err := mdns.New(mdns.Config{Interfaces: w.Interfaces, Network: w.Network, Log: w.Log})
	if err != nil {
		return err
	}
	watcher := &watcher{
		Watch: w, engine: engine, seen: map[string]*sight{},
		todo: commands{ready: make(chan struct{}, 1)},
	}
	return watcher.run(ctx)
}

// watcher is a Watch at work. All of it but todo belongs to the goroutine of run.
type watcher struct {
	Watch
	engine  *mdns.Engine
	todo    commands
	seen    map[string]*sight // by folded instance
	ctx     context.Context
	lookups sync.WaitGroup
	pending int       // lookups on their way
	news    time.Time // when something new was seen
}

// sight is one instance in a watcher.
type sight struct {
	instance string
	links    links
	txt      []string
	spots    map[int]*spot // by interface index
	told     *Sighting
}

// spot is where an instance is reached on one link.
type spot struct {
	at     mdns.Endpoint // zero when nobody answers
	looked bool          // a lookup has ended
	busy   bool          // one is on its way
	misses int           // lookups in a row that nobody answered
	wait   int           // ticks until the next
}

func (w *watcher) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer w.lookups.Wait()
	defer cancel()
	w.ctx = ctx
	w.engine.Browse(ServiceType, func(ev mdns.Event) { w.todo.add(func() { w.event(ev) }) })
	ended := make(chan error, 1)
	go func() { ended <- w.engine.Run(ctx) }()
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	quiet := time.NewTicker(settleQuiet / 10)
	defer quiet.Stop()
	start := time.Now()
	w.news = start
	for {
		select {
		case err := <-ended:
			return err
		case <-w.todo.ready:
			for _, fn := range w.todo.take() {
				fn()
			}
		case <-again.C:
			w.lookAgain()
		case <-quiet.C:
			if w.settle(start) {
				quiet.Stop()
			}
		}
	}
}

// event takes in what mDNS found.
func (w *watcher) event(ev mdns.Event) {
	w.news = time.Now()
	key := mdns.Fold(ev.Instance)
	s := w.seen[key]
	if ev.Kind == mdns.Removed {
		if s != nil {
			w.left(key, s, ev.Interface.Index)
		}
		return
	}
	if s == nil {
		s = &sight{instance: ev.Instance, links: links{}, spots: map[int]*spot{}}
		w.seen[key] = s
	}
	s.links[ev.Interface.Index] = ev
	s.txt = ev.TXT
	if s.spots[ev.Interface.Index] == nil {
		s.spots[ev.Interface.Index] = &spot{}
	}
	w.look(s, ev.Interface.Index)
	w.tell(s)
}

// left takes a link away, and the instance with its last link.
func (w *watcher) left(key string, s *sight, index int) {
	if len(s.links) > 1 {
		delete(s.links, index)
		delete(s.spots, index)
		w.tell(s)
		return
	}
	delete(w.seen, key)
	if s.told != nil {
		gone := *s.told
		gone.Change = Left
		w.Handle(gone)
	}
}

// look finds out where an instance is reached on a link.
func (w *watcher) look(s *sight, index int) {
	at := s.spots[index]
	if at.busy {
		return
	}
	at.busy = true
	w.pending++
	w.lookups.Go(func() {
		ctx, cancel := context.WithTimeout(w.ctx, resolveTimeout)
		defer cancel()
		p, err := w.engine.Resolve(ctx, ServiceType, s.instance, index, false)
		w.todo.add(func() {
			w.pending--
			if w.ctx.Err() != nil {
				return // we end, which says nothing about the peer
			}
			at.busy, at.looked = false, true
			at.found(p, err)
			if w.seen[mdns.Fold(s.instance)] == s && s.spots[index] == at {
				w.tell(s)
			}
		})
	})
}

// found takes in how a lookup went. Who does not answer is asked less and less.
func (at *spot) found(p mdns.Endpoint, err error) {
	at.at = p
	if err == nil {
		at.misses, at.wait = 0, 0
		return
	}
	at.misses = min(at.misses+1, lookSeldom)
	at.wait = 1<<at.misses - 1
}

// lookAgain asks for what may have changed without an event: where everybody is
// reached. What is still valid in the cache costs no question.
func (w *watcher) lookAgain() {
	for _, s := range w.seen {
		for index, at := range s.spots {
			if at.wait > 0 {
				at.wait--
				continue
			}
			w.look(s, index)
		}
	}
}

// tell tells of an instance if there is anything new. The first word waits until
// somebody was asked where it is.
func (w *watcher) tell(s *sight) {
	looked := false
	for _, at := range s.spots {
		looked = looked || at.looked
	}
	if !looked {
		return
	}
	now := s.sighting()
	if s.told != nil {
		now.Change = s.told.Change
		if reflect.DeepEqual(now, *s.told) {
			return
		}
		now.Change = Changed
	}
	s.told = &now
	w.news = time.Now()
	w.Handle(now)
}

// sighting puts together what is known of an instance.
func (s *sight) sighting() Sighting {
	now := Sighting{Peer: s.links.peer(s.instance, ParseTXT(s.txt)), TXT: txtKeys([][]string{s.txt})}
	for k, index := range s.links.order() {
		if d := s.links[index].Doubt; k == 0 || d.Why == "" {
			now.Doubt = d // it is there when it is on any link
		} else if now.Doubt.Why != "" && d.Until.After(now.Doubt.Until) {
			now.Doubt = d
		}
		at := s.spots[index].at
		if at.Host != "" {
			now.Host, now.Port = at.Host, at.Port
		}
		for _, a := range at.Addrs {
			if !slices.Contains(now.Addrs, a) {
				now.Addrs = append(now.Addrs, a)
			}
		}
	}
	sortAddrs(now.Addrs) // another order is no change
	return now
}

func sortAddrs(list []netip.Addr) {
	sort.Slice(list, func(a, b int) bool { return list[a].Less(list[b]) })
}

// settle tells once that the picture is whole, as far as anybody can say.
func (w *watcher) settle(start time.Time) bool {
	joined := w.engine.Interfaces()
	if len(joined) == 0 {
		w.news = time.Now()
	}
	calm := w.pending == 0 && time.Since(w.news) >= settleQuiet
	if !calm && time.Since(start) < settleMax {
		return false
	}
	if w.Settled != nil {
		var names []string
		for _, i := range joined {
			names = append(names, i.Name)
		}
		w.Settled(names)
	}
	return true
}
