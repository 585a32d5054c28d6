package bridge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/upstream"
)

// mayhem is a day on which everything crashes, and what must be true after it: what
// was accepted is seen or answered, nothing is both, in order, and no crash makes more
// than a window come twice.
type mayhem struct {
	*coreRig
	random *rand.Rand
	n      int // messages written

	server  []stanza.Stanza // taken by the server, not passed on
	stale   int             // how many of those are from sessions that are over
	passed  uint64          // seq of the last that was passed on
	asked   []stanza.Stanza // pings that Alice's client has not answered
	flight  []linklocal.Delivery
	crashes int
	online  bool // Alice's one device is known, so that pings go out right behind messages
	hasty   bool // Alice's client was given up waiting for: more than a window may be under way to it

	taken            map[string]bool // bodies that the outbox took in
	seen             map[string]int  // copies by body
	errored          map[string]bool
	firstUp, firstDn []string
	ids              map[string]string // of Alice's messages: id to body
	stamped          map[string]bool   // every copy but the first had a stamp
}

func newMayhem(t *testing.T, seed uint64) *mayhem {
	m := &mayhem{
		coreRig: withJuliet(t).slowDisk(), random: rand.New(rand.NewPCG(seed, 0)),
		taken: map[string]bool{}, seen: map[string]int{}, errored: map[string]bool{}, ids: map[string]string{}, stamped: map[string]bool{},
	}
	m.online = seed%2 == 1
	m.signsOn()
	return m
}

// signsOn tells of Alice's device, as her server does after each authentication.
func (m *mayhem) signsOn() {
	if m.online {
		m.hears(pres(aliceJID+"/desk", component, ""))
	}
}

// drain takes in what the gateway gave to the session and to the mesh.
func (m *mayhem) drain() {
	m.server = append(m.server, m.coreRig.session.take()...)
	for _, d := range m.mesh.take() {
		if d.Token != 0 {
			m.flight = append(m.flight, d)
		} else if d.Stanza.Type == "error" {
			m.errored[m.ids[d.Stanza.ID]] = true
		}
	}
}

// up1 has a message written by Juliet, down1 one by Alice.
func (m *mayhem) up1() {
	m.n++
	body := fmt.Sprint("u", m.n)
	before := m.box.Usage().Entries
	m.ids["p"+body] = body
	m.says(julietName, "p"+body, body)
	m.taken[body] = m.box.Usage().Entries > before
}

func (m *mayhem) down1() {
	m.n++
	body := fmt.Sprint("d", m.n)
	before := m.box.Usage().Entries
	m.ids["a"+body] = body
	m.hears(chat(aliceJID+"/desk", "a"+body, body))
	m.taken[body] = m.box.Usage().Entries > before
}

func (m *mayhem) see(s stanza.Stanza, order *[]string) {
	body := bodyOf(s)
	if body == "" || strings.HasPrefix(body, "[gateway]") || s.From == component { // that is how to find one's way
		return
	}
	m.seen[body]++
	if m.seen[body] == 1 {
		*order = append(*order, body)
	} else if s.Child(stanza.NSDelay, "delay") == nil {
		m.t.Errorf("%s comes again without a stamp", body)
	}
}

// passOn lets the server pass on some of what it has.
func (m *mayhem) passOn(k int) {
	for ; k > 0 && len(m.server) > 0; k-- {
		s := m.server[0]
		m.server = m.server[1:]
		old := m.stale > 0
		if old {
			m.stale--
		} else {
			m.passed++
		}
		switch {
		case s.Kind == stanza.Message && s.Type == "error":
			m.errored[m.ids[s.ID]] = true
		case s.Kind == stanza.Message:
			m.see(s, &m.firstUp)
		case isPing(s) && s.From != component:
			m.asked = append(m.asked, s)
		}
	}
	if m.Gateway.session != nil {
		m.routed(m.passed)
	}
}

func (m *mayhem) answerPings() {
	for _, s := range m.asked {
		if m.Gateway.session != nil {
			m.hears(result(s))
		}
	}
	m.asked = nil
}

// reads lets Juliet's client read some of what is on its way, and her machine confirm
// some of that.
func (m *mayhem) reads(k int, confirm bool) {
	k = min(k, len(m.flight))
	for _, d := range m.flight[:k] {
		m.see(d.Stanza, &m.firstDn)
	}
	done := m.flight[:k]
	m.flight = slices.Clone(m.flight[k:])
	for _, d := range done {
		if confirm {
			m.delivered(linklocal.Delivered{Token: d.Token})
		} else {
			m.flight = append([]linklocal.Delivery{}, m.flight...)
		}
	}
	if !confirm { // her client dies with these read
		var tokens []uint64
		for _, d := range append(done, m.flight...) {
			tokens = append(tokens, d.Token)
		}
		m.flight = nil
		m.crashes++
		if len(tokens) > 0 {
			m.returned(linklocal.Returned{Proxy: aliceJID, Peer: julietName, Tokens: tokens})
		}
	}
}

// redials lets Juliet's client read some of what is on its way, and open another stream
// before her machine has confirmed it: the mesh says all of it again there.
func (m *mayhem) redials(k int) {
	for i, d := range m.flight {
		if i < k {
			m.see(d.Stanza, &m.firstDn)
		}
		m.flight[i] = d.Late()
	}
	m.crashes++
}

// hangUp ends the session: the server dies with what it has, or was only slow.
func (m *mayhem) hangUp(dies bool) {
	if m.Gateway.session == nil {
		return
	}
	m.drain()
	m.crashes++
	if dies {
		m.server, m.stale, m.asked = nil, 0, nil
	} else {
		m.stale = len(m.server)
	}
	m.down(upstream.Down{})
}

func (m *mayhem) comeBack() {
	if m.Gateway.session != nil {
		return
	}
	m.passed = m.coreRig.session.seq
	m.Gateway.up(m.coreRig.session)
	m.signsOn()
}

// crash kills the bridge: what is not on disk and was not seen was never accepted.
func (m *mayhem) crash() {
	m.drain()
	for body, taken := range m.taken {
		if taken && m.seen[body] == 0 && !m.kept(body) {
			m.taken[body] = false
		}
	}
	again := map[byte]int{}
	for _, kept := range m.coreRig.store.onDisk {
		if body := bodyOf(kept.Stanza); m.seen[body] > 0 {
			again[body[0]]++
		}
	}
	if again['u'] > arrivalWindow && !m.hasty || again['d'] > meshWindow {
		m.t.Errorf("this crash makes %d come twice upwards and %d downwards", again['u'], again['d'])
	}
	m.crashes++
	m.stale, m.flight, m.asked = len(m.server), nil, nil
	old := m.coreRig
	m.coreRig = old.restarted().slowDisk()
	m.coreRig.store.commits = old.store.commits
	m.coreRig.session.seq = 0
	m.comeBack()
	m.peer(julietName, "pronto")
}

func (m *mayhem) kept(body string) bool {
	for _, kept := range m.coreRig.store.onDisk {
		if bodyOf(kept.Stanza) == body {
			return true
		}
	}
	return false
}

func (m *mayhem) step() {
	switch m.random.IntN(23) {
	case 0, 1, 2, 3:
		for range m.random.IntN(20) {
			m.up1()
		}
	case 4, 5, 6, 7:
		for range m.random.IntN(20) {
			m.down1()
		}
	case 8, 9, 10:
		m.passOn(m.random.IntN(40))
		if m.random.IntN(8) > 0 {
			m.drain()
			m.passOn(m.random.IntN(40))
			m.answerPings()
		}
	case 11, 12:
		m.answerPings()
	case 13, 14:
		m.reads(m.random.IntN(40), true)
	case 15:
		m.reads(m.random.IntN(40), false)
	case 16, 17:
		m.commits()
	case 18:
		m.hangUp(m.random.IntN(2) == 0)
	case 19:
		m.comeBack()
	case 20:
		m.peerGone(julietName, "")
		m.rest(time.Second)
		m.peer(julietName, "pronto")
	case 21:
		m.crash()
	case 22:
		m.redials(m.random.IntN(40))
	}
	m.rest(time.Duration(m.random.IntN(1500)) * time.Millisecond)
	m.hasty = m.hasty || m.colleagues[aliceJID].silent
	m.drain()
}

// settleDown lets everybody be there until nothing is left to do.
func (m *mayhem) settleDown() {
	for range 200 {
		m.comeBack()
		m.peer(julietName, "pronto")
		m.drain()
		m.passOn(1000)
		m.answerPings()
		m.reads(1000, true)
		m.commits()
		m.rest(2 * time.Second)
		m.drain()
		if m.box.Usage().Entries == 0 && len(m.coreRig.store.mail) == 0 {
			return
		}
	}
	m.t.Errorf("still kept: %+v, %d on disk", m.box.Usage(), len(m.coreRig.store.mail))
}

func (m *mayhem) check() {
	lost, repeats := 0, map[byte]int{}
	for body, taken := range m.taken {
		if taken && m.seen[body] == 0 && !m.errored[body] {
			lost++
			m.t.Errorf("%s was accepted and neither seen nor answered", body)
		}
		if m.seen[body] > 0 && m.errored[body] {
			m.t.Errorf("%s was seen and answered with an error", body)
		}
		repeats[body[0]] += max(0, m.seen[body]-1)
	}
	for way, n := range repeats {
		if n > m.crashes*arrivalWindow {
			m.t.Errorf("%d come twice %c-wards after %d crashes", n, way, m.crashes)
		}
	}
	for _, order := range [][]string{m.firstUp, m.firstDn} {
		if !slices.IsSortedFunc(order, func(a, b string) int { return number(a) - number(b) }) {
			m.t.Errorf("out of order: %v", order)
		}
	}
}

func number(body string) (n int) {
	fmt.Sscanf(body[1:], "%d", &n)
	return n
}

func TestMayhem(t *testing.T) {
	days := 150
	if testing.Short() {
		days = 20
	}
	for seed := range uint64(days) {
		t.Run(fmt.Sprint("COMP-14 COMP-16 MAP-M19 what was accepted is seen or answered, whatever crashes, day ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMayhem(t, seed)
				for range 60 {
					m.step()
				}
				m.settleDown()
				m.check()
			})
		})
	}
}
