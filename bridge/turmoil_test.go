package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/upstream"
)

// turmoil is a day on which people come, go, move, block each other and are taken off
// the list while everything breaks: two of them on each side. What must be true after it
// is that what was accepted is seen or answered, in order, and only where it was meant
// to be, and that no queue stands still.
type turmoil struct {
	*coreRig
	random *rand.Rand
	n      int // messages written
	listed bool
	hosts  map[string]string // of who is on the LAN, by instance

	server []stanza.Stanza // taken by the server, not passed on
	asked  []stanza.Stanza // pings that nobody has answered
	flight []linklocal.Delivery

	notes map[string]*note // by body
	out   map[string]*note // by id as it goes out
	lines map[string][]int // first copies, by queue
}

// note is what is known of a message.
type note struct {
	n        int
	line     string // the queue that it is in
	host     string // where the peer was
	up       bool
	taken    bool // into the outbox
	seen     int
	doubt    bool // it may go out again, or be called lost, although it was seen
	given    bool // up, as the trace says
	told     int  // errors that the server passed on
	revived  bool // given up, and found on disk again after a crash
	cutShort bool // the bridge died before the server had the error
}

func bothListed(cfg *config.Config) {
	cfg.Colleagues = []config.Colleague{{JID: mustJID(aliceJID)}, {JID: mustJID(bobJID)}}
}

func newTurmoil(t *testing.T, seed uint64) *turmoil {
	m := &turmoil{
		coreRig: newCoreRig(t, bothListed).slowDisk(), random: rand.New(rand.NewPCG(seed, 1)), listed: true,
		hosts: map[string]string{}, notes: map[string]*note{}, out: map[string]*note{}, lines: map[string][]int{},
	}
	m.begin()
	return m
}

// begin is what follows the start of a bridge.
func (m *turmoil) begin() {
	m.log = slog.New(ear{m})
	m.flight, m.asked = nil, nil
	m.listening = time.Now()
	m.comeBack()
	m.proxyChanged(linklocal.ProxyChanged{Proxy: contactKey, Instance: "gateway@office", Announced: true})
	m.appearAll()
}

// ear hears in the trace which messages are given up.
type ear struct{ m *turmoil }

func (ear) Enabled(context.Context, slog.Level) bool { return true }
func (e ear) WithAttrs([]slog.Attr) slog.Handler     { return e }
func (e ear) WithGroup(string) slog.Handler          { return e }
func (e ear) Handle(_ context.Context, r slog.Record) error {
	step, id := "", ""
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "step":
			step = a.Value.String()
		case "id":
			id = a.Value.String()
		}
		return true
	})
	if n := e.m.out[id]; n != nil && step == stepErrored {
		if n.given {
			e.m.t.Errorf("%d is given up twice", n.n)
		}
		n.given = true
	}
	return nil
}

func (m *turmoil) appearAll() {
	for _, name := range []string{julietName, romeoName} {
		if m.hosts[name] == "" {
			m.hosts[name] = "pronto"
		}
		m.peer(name, m.hosts[name])
	}
}

func (m *turmoil) drain() {
	m.server = append(m.server, m.session.take()...)
	for _, d := range m.mesh.take() {
		if d.Token != 0 {
			m.flight = append(m.flight, d)
		}
	}
}

// write has a message written, which the outbox takes in or not.
func (m *turmoil) write() {
	m.n++
	body, who := fmt.Sprint("m", m.n), []string{aliceJID, bobJID}[m.random.IntN(2)]
	peer := []string{julietName, romeoName}[m.random.IntN(2)]
	n := &note{n: m.n, up: m.random.IntN(2) == 0}
	m.notes[body] = n
	before := len(m.store.mail)
	if n.up {
		n.line = "up " + who
		m.fromMesh(linklocal.Received{Peer: peer, Proxy: who, Stanza: chat("", "p"+body, body)})
	} else {
		n.host = m.hosts[peer]
		n.line = fmt.Sprint("down ", who, " ", peer, " ", n.host)
		m.out[body] = n
		s := chat(who+"/desk", body, body)
		s.To = m.seen[peer].jid
		m.hears(s)
	}
	for _, kept := range m.store.mail {
		if len(m.store.mail) > before && bodyOf(kept.Stanza) == body {
			n.taken = true
			m.out[kept.Stanza.ID] = n
		}
	}
}

func (m *turmoil) see(s stanza.Stanza) {
	n := m.notes[bodyOf(s)]
	if n == nil {
		return
	}
	if n.seen++; n.seen == 1 && !n.revived {
		m.lines[n.line] = append(m.lines[n.line], n.n)
	} else if n.seen > 1 && s.Child(stanza.NSDelay, "delay") == nil {
		m.t.Errorf("%d comes again without a stamp", n.n)
	}
}

// passOn lets the server pass on all or some of what it has.
func (m *turmoil) passOn(k int) {
	m.drain()
	for ; k > 0 && len(m.server) > 0; k-- {
		s := m.server[0]
		m.server = m.server[1:]
		switch {
		case s.Kind == stanza.Message && s.Type == "error":
			if n := m.notes[s.ID]; n != nil {
				n.told++
			}
		case s.Kind == stanza.Message:
			m.see(s)
		case isPing(s):
			m.asked = append(m.asked, s)
		}
	}
	if m.Gateway.session != nil {
		m.routed(m.session.seq - uint64(len(m.server)))
	}
}

func (m *turmoil) answerPings() {
	for _, s := range m.asked {
		if m.Gateway.session != nil {
			m.hears(result(s))
		}
	}
	m.asked = nil
}

// reads lets the peers read some of what is on its way. Not confirmed, they die with it.
func (m *turmoil) reads(k int, confirm bool) {
	m.drain()
	k = min(k, len(m.flight))
	done := m.flight[:k]
	m.flight = slices.Clone(m.flight[k:])
	for _, d := range done {
		if n := m.notes[bodyOf(d.Stanza)]; n != nil && n.host != d.Host { // the mesh gives it to nobody on another
			m.t.Errorf("INJ-26 %d was for the one on %s, and is sent to %s", n.n, n.host, d.Host)
		}
		m.see(d.Stanza)
		if confirm {
			m.delivered(linklocal.Delivered{Token: d.Token})
		}
	}
	if !confirm {
		m.inDoubt()
		for _, d := range append(done, m.flight...) {
			m.returned(linklocal.Returned{Proxy: d.Proxy, Peer: d.Peer, Tokens: []uint64{d.Token}})
		}
		m.flight = nil
	}
}

// inDoubt notes that what was seen may not be known to have arrived.
func (m *turmoil) inDoubt() {
	for _, n := range m.notes {
		n.doubt = n.doubt || n.seen > 0
	}
}

func (m *turmoil) hangUp(dies bool) {
	if m.Gateway.session == nil {
		return
	}
	m.drain()
	if !dies {
		m.passOn(len(m.server)) // and nobody learns of it
	}
	m.inDoubt()
	m.server, m.asked = nil, nil
	m.down(upstream.Down{})
}

func (m *turmoil) comeBack() {
	if m.Gateway.session == nil {
		m.Gateway.up(m.session)
	}
}

// crash kills the bridge, or ends it in order.
func (m *turmoil) crash(inOrder bool) {
	m.drain()
	if inOrder {
		m.farewell()
		m.passOn(len(m.server) + len(m.session.sent))
		m.hangUp(false)
		m.store.commit()
	}
	onDisk := map[string]bool{}
	for _, kept := range m.store.onDisk {
		onDisk[bodyOf(kept.Stanza)] = true
	}
	for body, n := range m.notes {
		switch {
		case onDisk[body]: // goes out again, or is given up again
			n.doubt = n.doubt || n.seen > 0 || n.given
			n.revived = n.revived || n.given
			n.given = false
		case n.seen == 0 && !n.given:
			n.taken = false // never was on disk
		}
		if n.given && n.told == 0 {
			n.cutShort = true
		}
	}
	m.server = nil
	was := m.listed
	old := m.coreRig
	m.coreRig = old.restarted(func(cfg *config.Config) {
		if bothListed(cfg); !was {
			cfg.Colleagues = cfg.Colleagues[:1]
		}
	}).slowDisk()
	m.store.commits = old.store.commits
	m.begin()
}

// list takes Bob off the list of colleagues, or puts him on it.
func (m *turmoil) list(on bool) {
	next := m.cfg
	if bothListed(&next); !on {
		next.Colleagues = next.Colleagues[:1]
	}
	m.listed = on
	if _, err := m.change(next); err != nil {
		m.t.Fatal(err)
	}
}

// leaves has the bridge leave the LAN and come back, as another configuration may want.
func (m *turmoil) leaves() {
	m.drain()
	m.still = true
	m.inDoubt()
	m.flight = nil
	m.leaveMesh()
	m.still = false
	m.listening = time.Now()
	m.appearAll()
}

func (m *turmoil) pairs() (list []store.Pair) {
	for _, c := range []string{aliceJID, bobJID} {
		for _, name := range []string{julietName, romeoName} {
			list = append(list, store.Pair{Colleague: c, Local: m.seen[name].local})
		}
	}
	return list
}

func (m *turmoil) breakDisk(yes bool) {
	m.store.err = nil
	if yes {
		m.store.err = errors.New("no space left")
	}
}

func (m *turmoil) commits() {
	if m.store.err == nil {
		m.coreRig.commits()
	}
}

func (m *turmoil) step() {
	switch m.random.IntN(28) {
	case 0, 1, 2, 3, 4, 5:
		for range m.random.IntN(25) {
			m.write()
		}
	case 6, 7, 8:
		m.passOn(m.random.IntN(60))
		m.answerPings()
	case 9, 10:
		m.answerPings()
	case 11, 12:
		m.reads(m.random.IntN(60), true)
	case 13:
		m.reads(m.random.IntN(40), false)
	case 14, 15:
		m.commits()
	case 16:
		m.hangUp(m.random.IntN(2) == 0)
	case 17, 18:
		m.comeBack()
	case 19:
		m.reads(0, false)
		m.peerGone(romeoName, "")
		m.rest(time.Second)
		m.appearAll()
	case 20:
		m.reads(0, false)
		m.hosts[julietName] = []string{"pronto", "elsewhere"}[m.random.IntN(2)]
		m.appearAll()
	case 21:
		m.crash(false)
	case 22:
		if m.store.err == nil {
			m.crash(true)
		}
	case 23:
		m.list(!m.listed)
	case 24:
		pairs := m.pairs()
		m.setBlock(pairs[m.random.IntN(4)], side(m.random.IntN(2)), m.random.IntN(2) == 0)
	case 25:
		m.leaves()
	case 26:
		m.breakDisk(m.random.IntN(2) == 0)
	case 27:
		if m.Gateway.session != nil {
			m.drop(nil, []string{aliceJID, julietJID, romeoJID}[m.random.IntN(3)])
		}
	}
	m.rest(time.Duration(m.random.IntN(1500)) * time.Millisecond)
	m.drain()
}

// settleDown lets everybody be there until nothing is left to do.
func (m *turmoil) settleDown() {
	m.breakDisk(false)
	m.list(true)
	for _, pair := range m.pairs() {
		m.setBlock(pair, byPeer, false)
		m.setBlock(pair, byColleague, false)
	}
	for k := range 200 {
		m.reads(10000, true) // before she moves
		m.hosts[julietName] = []string{"pronto", "elsewhere"}[k/4%2]
		m.comeBack()
		m.appearAll()
		m.passOn(10000)
		m.answerPings()
		m.reads(10000, true)
		m.commits()
		m.rest(2 * time.Second)
		if m.idle() {
			return
		}
	}
	m.t.Errorf("something is left: %+v, %d on disk, %d flying, %d fading, %d routes, %d owed",
		m.box.Usage(), len(m.store.mail), len(m.flying), len(m.fadings), len(m.routes), len(m.owed))
}

// idle reports whether nothing is left of anything.
func (m *turmoil) idle() bool {
	for _, c := range m.colleagues {
		if c.underWay != 0 || c.fading != 0 {
			return false
		}
	}
	return m.box.Usage().Entries+len(m.store.mail)+len(m.flying)+len(m.fadings)+len(m.routes)+len(m.queues)+
		len(m.orphans)+len(m.owed)+len(m.chores.answers)+len(m.unsaved) == 0
}

func (m *turmoil) check() {
	for _, n := range m.notes {
		answered := n.given && (n.up || n.told > 0 || n.cutShort)
		switch {
		case !n.taken:
		case n.seen == 0 && !answered:
			m.t.Errorf("%d (%s) was accepted and neither seen nor answered: %+v", n.n, n.line, *n)
		case n.seen > 0 && answered && !n.doubt:
			m.t.Errorf("%d (%s) was seen and answered with an error: %+v", n.n, n.line, *n)
		}
	}
	for line, order := range m.lines {
		if !slices.IsSorted(order) {
			m.t.Errorf("%s: out of order: %v", line, order)
		}
	}
}

func TestTurmoil(t *testing.T) {
	days := 120
	if testing.Short() {
		days = 15
	}
	for seed := range uint64(days) {
		t.Run(fmt.Sprint("COMP-14 COMP-16 INJ-26 whoever comes, goes or is shut out meanwhile, day ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newTurmoil(t, seed)
				for range 70 {
					m.step()
				}
				m.settleDown()
				m.check()
			})
		})
	}
}
