//go:build linux

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A quartet is two colleagues and two people on the LAN, each pair of whom
// chats.
type quartet struct {
	*scene
	wire  *wiretap
	bob   *client
	forza *host
	romeo *bonjour

	mesh, remote []party
	words        []word
}

// A party is one of the four as the others know it.
type party struct {
	name     string
	instance string // on the mesh
	jid      string // on the server
	bonjour  *bonjour
	client   *client
}

// A word is one message of the play.
type word struct {
	from, to party
	text     string
}

func withBob(t testing.TB, o *office) (server, setup) {
	s, way := onProsody(t, o)
	way.colleagues = people
	way.more = "access:\n  warn_unencrypted: false\n" // SEC-3: an office that knows, where every word is somebody's
	return s, way
}

// TestQuartet has all four chat with each other's side, all conversations
// opened at the same moment, from both ends.
func TestQuartet(t *testing.T) {
	q := newQuartet(t)
	for round := range 8 {
		q.play(t, round)
	}
	t.Run("INJ-14 nothing is attributed to somebody else", q.testAttribution)
	t.Run("all that reached the bridge is delivered once or more", q.testUp)
	t.Run("all that was sent down is shown", q.testDown)
	t.Run("at the end", q.testEnd)
	t.Logf("MEASURED %d streams opened by the clients and %d by the bridge for %d conversations",
		q.wire.opened(q.wire.inward), q.wire.opened(q.wire.outward), 8*4)
}

func newQuartet(t *testing.T) *quartet {
	t.Helper()
	q := &quartet{scene: newScene(t, both, racing, withBob)}
	q.wire = q.newWiretap(t)
	q.bob = q.login(t, "bob")
	q.forza = q.newHost(t, "forza")
	heard := q.tap.heard.now()
	q.romeo = q.forza.newBonjour(t, "romeo", "Romeo", "Montague")
	q.settle(t, heard, "romeo@forza", dns.TypeTXT)
	const bobInstance = `bob\40example.org@office`
	q.mesh = []party{
		{name: "Juliet", instance: julietInstance, jid: julietJID, bonjour: q.juliet},
		{name: "Romeo", instance: "romeo@forza", jid: `romeo\40forza@` + domain, bonjour: q.romeo},
	}
	q.remote = []party{
		{name: "Alice", instance: aliceInstance, jid: aliceJID, client: q.alice},
		{name: "Bob", instance: bobInstance, jid: account("bob"), client: q.bob},
	}
	for _, m := range q.mesh {
		for _, r := range q.remote {
			m.bonjour.events.start().await(t, soon, m.name+" sees "+r.name, signedOn(r.instance))
			r.client.do(t, "subscribe", "to", m.jid)
			r.client.events.start().await(t, soon, r.name+" sees "+m.name, presence(m.jid, ""))
		}
	}
	return q
}

// play has everybody say something to everybody of the other side at the same
// moment, on streams that are opened for it.
func (q *quartet) play(t *testing.T, round int) {
	t.Helper()
	for _, m := range q.mesh {
		for _, r := range q.remote {
			m.bonjour.write(t, "close "+r.instance)
		}
		m.bonjour.list(t) // its answer shows that the windows are closed
	}
	begin := len(q.words)
	for _, m := range q.mesh {
		for _, r := range q.remote {
			up := word{m, r, fmt.Sprintf("%d: %s to %s", round, m.name, r.name)}
			down := word{r, m, fmt.Sprintf("%d: %s to %s", round, r.name, m.name)}
			q.words = append(q.words, up, down)
		}
	}
	// What a colleague says takes some milliseconds through the server and the
	// bridge. Juliet and Romeo type that much later, in another one each round, so
	// that both sides open a stream while the other does.
	for _, w := range q.words[begin:] {
		if !w.up() {
			w.say(t)
		}
	}
	<-time.After(time.Duration(round) * time.Millisecond)
	for _, w := range q.words[begin:] {
		if w.up() {
			w.say(t)
		}
	}
	q.wait(3*time.Second, q.words[begin:])
	<-time.After(confirmed)
}

// confirmed is how long a stream has to outlive a message for it to count as
// delivered, and a little more. What is written to a stream that ends sooner is
// sent again, and closing the window ends it.
const confirmed = 1500 * time.Millisecond

func (w word) up() bool { return w.from.bonjour != nil }

func (w word) say(t *testing.T) {
	t.Helper()
	if w.up() {
		w.from.bonjour.send(t, w.to.instance, w.text)
		return
	}
	w.from.client.do(t, "message", "to", w.to.jid, "body", w.text)
}

// copies tells how often a word arrived.
func (w word) copies() int {
	if w.up() {
		return count(w.to.client.events.all(), body(w.from.jid, w.text))
	}
	return count(w.to.bonjour.events.all(), gets(w.from.instance, w.text))
}

// wait returns when all words have arrived, or within has passed.
func (q *quartet) wait(within time.Duration, words []word) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	for {
		lacking := 0
		for _, w := range words {
			if w.copies() == 0 {
				lacking++
			}
		}
		if lacking == 0 {
			return true
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return false
		}
	}
}

// testAttribution looks at every message that anybody was shown.
func (q *quartet) testAttribution(t *testing.T) {
	authors := map[string]word{}
	for _, w := range q.words {
		authors[w.text] = w
	}
	for _, p := range append(q.mesh, q.remote...) {
		shown := 0
		for from, text := range p.shown() {
			shown++
			w, ok := authors[text]
			if !ok || w.to.name != p.name || from != w.from.instance && from != w.from.jid {
				t.Errorf("%s was shown %q as said by %s", p.name, text, from)
			}
		}
		if shown == 0 {
			t.Errorf("%s was shown nothing", p.name)
		}
	}
}

// shown yields the messages on a party's screen: from whom, and what.
func (p party) shown() func(func(from, text string) bool) {
	return func(yield func(from, text string) bool) {
		if p.client != nil {
			for _, e := range p.client.events.all() {
				if e.Ev == "message" && e.Body != "" && !yield(bare(e.From), e.Body) {
					return
				}
			}
			return
		}
		for _, e := range p.bonjour.events.all() {
			if e.Ev == "message" && !yield(e.From, e.Seen) {
				return
			}
		}
	}
}

// testUp compares what Alice and Bob got with what came to the bridge's host.
func (q *quartet) testUp(t *testing.T) {
	var reached []word
	typed, twice := 0, 0
	for _, w := range q.words {
		if !w.up() {
			continue
		}
		typed++
		if len(q.wire.carried(w.text, q.wire.inward)) > 0 {
			reached = append(reached, w)
		} else if w.copies() > 0 {
			t.Errorf("the wiretap did not hear %q, which arrived", w.text)
		}
	}
	q.wait(later, reached)
	for _, w := range reached {
		if w.copies() == 0 {
			t.Errorf("the bridge lost %q: %v", w.text, q.wire.carried(w.text, q.wire.inward))
		}
		if w.copies() > 1 {
			twice++
		}
	}
	t.Logf("MEASURED up: %d typed, %d came to the bridge, %d of them arrived twice", typed, len(reached), twice)
}

// testDown looks for the words of Alice and Bob on the screens, and on the wire
// when they are not there.
func (q *quartet) testDown(t *testing.T) {
	var all []word
	for _, w := range q.words {
		if !w.up() {
			all = append(all, w)
		}
	}
	q.wait(soon, all)
	shown, twice := 0, 0
	for _, w := range all {
		n := w.copies()
		if n == 0 {
			t.Errorf("%q was not shown: %v", w.text, q.wire.carried(w.text, q.wire.outward))
			continue
		}
		shown++
		if n > 1 {
			twice++
		}
	}
	t.Logf("MEASURED down: %d said, %d shown, %d of them twice", len(all), shown, twice)
}
