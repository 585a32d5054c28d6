package bridge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/upstream"
)

func introducing(how config.Introduce) func(*config.Config) {
	return func(cfg *config.Config) { cfg.Colleagues[0].Introduce = how }
}

// crowd puts many on the mesh.
func (c *coreRig) crowd(n int) {
	for i := range n {
		c.peer(fmt.Sprintf("p%02d@pc%02d", i, i), "pc")
	}
}

// arrives is Alice's coming online, having granted the gateway her presence.
func (c *coreRig) arrives() {
	c.hears(pres(aliceJID, component, "subscribed"))
	c.hears(pres(aliceJID+"/phone", component, ""))
}

// greetings are the messages of the gateway itself.
func greetings(list []stanza.Stanza) (texts []string) {
	for _, s := range list {
		if s.Kind == stanza.Message && s.From == component {
			texts = append(texts, s.To+": "+bodyOf(s))
		}
	}
	return texts
}

// subscribes lists who asked whom for a subscription.
func subscribes(list []stanza.Stanza) (who []string) {
	for _, s := range list {
		if s.Kind == stanza.Presence && s.Type == "subscribe" {
			who = append(who, s.From+" -> "+s.To)
		}
	}
	return who
}

func TestIntoContacts(t *testing.T) {
	synctestRun(t, "GW-25 by default nobody asks but the component, and Alice is told once, ever, how to find people", func(t *testing.T) {
		c := newCoreRig(t)
		c.Gateway.up(c.session)
		c.crowd(20)
		c.arrives()
		c.rest(10 * time.Minute)
		sent := c.session.take()
		expectWords(t, subscribes(sent), []string{component + " -> " + aliceJID})
		if texts := greetings(sent); len(texts) != 1 || !strings.HasPrefix(texts[0], aliceJID+": Welcome.") || !strings.Contains(texts[0], component) {
			t.Errorf("%q", texts)
		}
		c.hears(pres(aliceJID, component, "unavailable"))
		c.hears(pres(aliceJID+"/phone", component, ""))
		c.rest(time.Minute)
		if texts := greetings(c.session.take()); len(texts) != 0 {
			t.Errorf("again: %q", texts)
		}
		again := newCoreRig(t)
		again.recall(c.store.copy())
		again.Gateway.up(again.session)
		again.arrives()
		again.rest(time.Minute)
		if texts := greetings(again.session.take()); len(texts) != 0 {
			t.Errorf("after a restart: %q", texts)
		}
	})
	synctestRun(t, "GW-25 who has found somebody needs no telling, nor who is not online any more, nor who has introduce: off", func(t *testing.T) {
		for name, row := range map[string]struct {
			how   config.Introduce
			then  func(c *coreRig)
			later int // once the reason is gone
		}{
			"found":   {config.IntroduceRoster, func(c *coreRig) { c.hears(pres(aliceJID, julietJID, "subscribe")) }, 0},
			"gone":    {config.IntroduceRoster, func(c *coreRig) { c.hears(pres(aliceJID+"/phone", component, "unavailable")) }, 1},
			"off":     {config.IntroduceOff, func(*coreRig) {}, 0},
			"left":    {config.IntroduceRoster, func(c *coreRig) { c.registers(aliceJID, "set", stanza.New(stanza.NSRegister, "remove")) }, 0},
			"by them": {config.IntroduceAsk, func(*coreRig) {}, 0},
		} {
			c := newCoreRig(t, introducing(row.how))
			c.up()
			c.peer(julietName, "pronto")
			c.arrives()
			row.then(c)
			c.rest(time.Minute)
			if texts := greetings(c.session.take()); len(texts) != 0 {
				t.Errorf("%s: %q", name, texts)
			}
			c.hears(pres(aliceJID+"/phone", component, ""))
			c.rest(time.Minute)
			if texts := greetings(c.session.take()); len(texts) != row.later {
				t.Errorf("%s, later: %q", name, texts)
			}
		}
	})
	synctestRun(t, "GW-25 MAP-P7 introduce: ask: each of twenty asks once, ever, by name, at most five in a minute", func(t *testing.T) {
		c := newCoreRig(t, introducing(config.IntroduceAsk))
		c.up()
		for i := range 20 {
			c.meets(fmt.Sprintf("p%02d@pc", i), "pc", fmt.Sprint("nick=Nr ", i))
		}
		c.arrives()
		var when []time.Time
		asked := map[string]string{}
		for range 10 * 60 {
			c.rest(time.Second)
			for _, s := range c.session.take() {
				if s.Type == "subscribe" {
					when = append(when, time.Now())
					asked[s.From] += s.Child(stanza.NSNick, "nick").Text()
				}
			}
		}
		if len(asked) != 20 || len(when) != 20 || asked[proxyOf("p07@pc")] != "Nr 7" {
			t.Errorf("%d asked %d times: %v", len(asked), len(when), asked)
		}
		for i := range when {
			if i >= 5 && when[i].Sub(when[i-5]) <= time.Minute {
				t.Errorf("six within %v", when[i].Sub(when[i-5]))
			}
		}
		if took := when[len(when)-1].Sub(when[0]); took < 4*time.Minute {
			t.Errorf("all within %v", took)
		}
		again := newCoreRig(t, introducing(config.IntroduceAsk))
		again.recall(c.store.copy())
		again.up()
		for i := range 20 {
			again.peer(fmt.Sprintf("p%02d@pc", i), "pc")
		}
		for range 3 {
			again.up()
			again.arrives()
			again.rest(5 * time.Minute)
		}
		again.peerGone("p03@pc", "")
		again.peer("p03@pc", "pc")
		again.rest(5 * time.Minute)
		if list := subscribes(again.session.take()); len(list) != 0 {
			t.Errorf("after a restart: %q", list)
		}
	})
	synctestRun(t, "GW-25 introduce: ask: links that come and go do not hurry it, and whom she has asks for nothing", func(t *testing.T) {
		c := newCoreRig(t, introducing(config.IntroduceAsk))
		c.up()
		c.crowd(20)
		c.hears(pres(aliceJID, proxyOf("p00@pc00"), "subscribe"))
		n := 0
		for range 30 {
			c.rest(10 * time.Second)
			n += len(subscribes(c.session.take()))
			c.Gateway.down(upstream.Down{})
			c.up()
		}
		if n == 0 || n > 25 {
			t.Errorf("%d in five minutes", n)
		}
		c.rest(10 * time.Minute)
		if list := subscribes(c.session.take()); slices.Contains(list, proxyOf("p00@pc00")+" -> "+aliceJID) || n+len(list) != 19 {
			t.Errorf("%d and %q", n, list)
		}
	})
	synctestRun(t, "GW-25 names on a LAN cost nothing: what is brought into one colleague's contacts is bounded", func(t *testing.T) {
		c := newCoreRig(t, introducing(config.IntroduceAsk))
		c.up()
		a := c.colleagues[aliceJID]
		for i := range maxIntroduced - 3 {
			c.setFact(store.Introductions, introductionOf(store.Pair{Colleague: aliceJID, Local: fmt.Sprint("x", i)}), byRequest)
		}
		c.crowd(20)
		if n := len(c.strangersTo(a)); n != 3 || c.drops.of("GW-25") != 1 {
			t.Errorf("%d more, counted %d", n, c.drops.of("GW-25"))
		}
	})
}

// rosterServer answers what the gateway asks of Alice's account.
type rosterServer struct {
	c      *coreRig
	items  map[string]*stanza.Element
	deny   bool
	mute   bool
	plain  bool // makes no subscriptions
	gets   int
	sets   []time.Time
	forger string // who answers instead
}

func newRosterServer(c *coreRig) *rosterServer {
	return &rosterServer{c: c, items: map[string]*stanza.Element{}}
}

// grants tells the gateway what it may do.
func (r *rosterServer) grants(from, access, kind string) {
	r.c.hears(stanza.Stanza{Kind: stanza.Message, From: from, To: component, Payload: []*stanza.Element{
		stanza.New("urn:xmpp:privilege:2", "privilege").
			Add(stanza.New("urn:xmpp:privilege:2", "perm").With("access", "message").With("type", "outgoing")).
			Add(stanza.New("urn:xmpp:privilege:2", "perm").With("access", access).With("type", kind))}})
}

// works lets time pass and answers, and returns what else was sent.
func (r *rosterServer) works(d time.Duration) (other []stanza.Stanza) {
	for end := time.Now().Add(d); time.Now().Before(end); r.c.rest(50 * time.Millisecond) {
		for _, s := range r.c.session.take() {
			q := s.Child(stanza.NSRoster, "query")
			if q == nil {
				other = append(other, s)
				continue
			}
			if s.From != component || s.To != aliceJID {
				r.c.t.Errorf("from %s to %s", s.From, s.To)
			}
			answer := result(s)
			switch {
			case r.mute:
				continue
			case r.deny:
				answer, _ = stanza.Reply(s, stanza.Error{Type: "auth", Condition: "forbidden"})
			case s.Type == "get":
				r.gets++
				list := query(stanza.NSRoster)
				for _, item := range r.items {
					list.Add(item)
				}
				answer = result(s, list)
			default:
				r.sets = append(r.sets, time.Now())
				for _, item := range q.Elements() {
					if r.plain {
						item.With("subscription", "none")
					}
					r.items[item.Attr("jid")] = item
				}
			}
			if r.forger != "" {
				answer.From = r.forger
			}
			r.c.hears(answer)
		}
	}
	return other
}

func TestRoster(t *testing.T) {
	start := func(t *testing.T) (*coreRig, *rosterServer) {
		c := newCoreRig(t)
		c.routing = true
		c.up()
		c.arrives()
		c.crowd(20)
		c.meets(julietName, "pronto", "nick=Jule")
		return c, newRosterServer(c)
	}
	synctestRun(t, "GW-17 GW-25 the server lets us: twenty-one in the roster, one by one, named, in a group, and shown; no request, no welcome", func(t *testing.T) {
		c, r := start(t)
		r.items["bob@example.org"] = stanza.New(stanza.NSRoster, "item").With("jid", "bob@example.org").With("subscription", "both")
		r.grants("example.org", "roster", "both")
		other := r.works(time.Minute)
		if len(r.items) != 22 || len(r.sets) != 21 || r.gets != 2 {
			t.Errorf("%d in the roster, %d sets, %d gets", len(r.items), len(r.sets), r.gets)
		}
		for i := range r.sets {
			if i > 0 && r.sets[i].Sub(r.sets[i-1]) < listGap {
				t.Errorf("%v between two", r.sets[i].Sub(r.sets[i-1]))
			}
		}
		item := r.items[julietJID]
		if item.Attr("name") != "Jule" || item.Attr("subscription") != "both" || item.Child(stanza.NSRoster, "group").Text() != "office" {
			t.Errorf("%+v", item)
		}
		if len(subscribes(other))+len(greetings(other)) != 0 {
			t.Errorf("%q and %q", subscribes(other), greetings(other))
		}
		if c.subs[store.Pair{Colleague: aliceJID, Local: `juliet\40pronto`}]&store.Watching == 0 || !slices.Contains(relations(other), julietJID+" ") {
			t.Errorf("she is not shown: %q", relations(other))
		}

		delete(r.items, julietJID) // by hand
		c.hears(pres(aliceJID, julietJID, "unsubscribe"))
		c.peerGone(julietName, "")
		c.meets(julietName, "pronto", "nick=Jule")
		c.peer(romeoName, "forza")
		r.works(time.Minute)
		if r.items[julietJID] != nil || r.items[romeoJID] == nil {
			t.Error("taken out by hand and put back, or the newcomer is missing")
		}
		again := newCoreRig(t)
		again.recall(c.store.copy())
		again.up()
		again.routing = true
		again.crowd(20)
		again.meets(julietName, "pronto")
		r.c, r.sets, r.gets = again, nil, 0
		r.grants("example.org", "roster", "both")
		r.works(time.Minute)
		if len(r.sets) != 0 || r.gets != 1 {
			t.Errorf("after a restart: %d sets, %d gets", len(r.sets), r.gets)
		}
	})
	synctestRun(t, "GW-17 a server that makes no subscriptions: shown all the same, at each login, until taken out and the session is new", func(t *testing.T) {
		c, r := start(t)
		r.plain = true
		r.grants("example.org", "roster", "both")
		if told := relations(r.works(time.Minute)); !slices.Contains(told, julietJID+" ") {
			t.Errorf("%q", told)
		}
		c.hears(pres(aliceJID+"/phone", component, "unavailable"))
		c.rest(time.Minute)
		c.session.take()
		c.hears(pres(aliceJID+"/phone", component, ""))
		c.rest(time.Second)
		if told := relations(c.session.take()); !slices.Contains(told, julietJID+" ") {
			t.Errorf("at a login: %q", told)
		}
		delete(r.items, julietJID)
		c.Gateway.down(upstream.Down{})
		c.up()
		r.grants("example.org", "roster", "both")
		if told := relations(r.works(time.Minute)); !slices.Contains(told, julietJID+" unavailable") || len(r.sets) != 21 {
			t.Errorf("taken out: %q, %d sets", told, len(r.sets))
		}
		c.meets(julietName, "pronto", "nick=J", "status=away")
		if told := relations(r.works(time.Minute)); len(told) != 0 {
			t.Errorf("still told: %q", told)
		}
	})
	synctestRun(t, "GW-17 not granted, or not enough, or by somebody else: nothing is tried, and Alice is told how to find people", func(t *testing.T) {
		for _, row := range [][3]string{
			{"", "", ""}, {"example.org", "roster", "get"}, {"example.org", "roster", "none"}, {"example.org", "message", "outgoing"},
			{"example.com", "roster", "both"}, {aliceJID, "roster", "both"}, {aliceJID + "/phone", "roster", "both"}, {"example.org/x", "roster", "both"},
		} {
			c, r := start(t)
			if row[0] != "" {
				r.grants(row[0], row[1], row[2])
			}
			other := r.works(time.Minute)
			if r.gets+len(r.sets) != 0 || len(greetings(other)) != 1 {
				t.Errorf("%q: %d gets, %d sets, told %q", row, r.gets, len(r.sets), greetings(other))
			}
			if n := c.drops.of("GW-17"); row[0] != "" && row[0] != "example.org" && n != 1 {
				t.Errorf("%q: counted %d", row, n)
			}
		}
	})
	synctestRun(t, "GW-17 a grant ends with the session, and when the server takes it back", func(t *testing.T) {
		c, r := start(t)
		r.grants("example.org", "roster", "both")
		r.grants("example.org", "roster", "none")
		r.works(time.Minute)
		r.grants("example.org", "roster", "both")
		c.Gateway.down(upstream.Down{})
		c.up()
		c.peer(romeoName, "forza")
		r.works(time.Minute)
		if r.gets+len(r.sets) != 0 {
			t.Errorf("%d gets, %d sets", r.gets, len(r.sets))
		}
	})
	synctestRun(t, "GW-17 a server that refuses, or says nothing, is let be for an hour, and Alice is told", func(t *testing.T) {
		for _, mute := range []bool{false, true} {
			c, r := start(t)
			r.deny, r.mute = !mute, mute
			r.grants("example.org", "roster", "both")
			other := r.works(5 * time.Minute)
			if n := c.drops.of("GW-17"); n != 1 || len(greetings(other)) != 1 || len(c.Gateway.requests) != 0 {
				t.Errorf("mute %v: counted %d, told %q, %d wait", mute, n, greetings(other), len(c.Gateway.requests))
			}
			r.deny, r.mute = false, false
			c.peer(romeoName, "forza")
			r.works(5 * time.Minute)
			if r.gets != 0 {
				t.Errorf("asked again at once")
			}
			c.rest(listPause)
			c.peer("tybalt@verona", "verona")
			r.works(time.Minute)
			if r.items[romeoJID] == nil {
				t.Error("not asked any more")
			}
		}
	})
	synctestRun(t, "GW-17 only the account itself answers for a roster", func(t *testing.T) {
		for _, forger := range []string{aliceJID + "/phone", "bob@example.org", "example.org"} {
			c, r := start(t)
			r.forger = forger
			r.grants("example.org", "roster", "both")
			r.works(time.Minute)
			if r.gets != 1 || len(r.sets) != 0 || c.drops.of("MAP-X11") != 1 {
				t.Errorf("%s was believed: %d sets, counted %d", forger, len(r.sets), c.drops.of("MAP-X11"))
			}
		}
	})
	synctestRun(t, "GW-17 a session that ends midway: it goes on where it was, with nobody twice", func(t *testing.T) {
		c, r := start(t)
		r.grants("example.org", "roster", "both")
		r.works(listDelay + 2*time.Second)
		if n := len(r.sets); n == 0 || n == 21 {
			t.Fatalf("%d sets", n)
		}
		c.Gateway.down(upstream.Down{})
		c.rest(time.Minute)
		c.up()
		r.grants("example.org", "roster", "both")
		r.works(time.Minute)
		if len(r.items) != 21 || len(r.sets) > 22 {
			t.Errorf("%d in the roster, %d sets", len(r.items), len(r.sets))
		}
	})
	synctestRun(t, "GW-17 a session that ends on a question: it is asked again in the next one", func(t *testing.T) {
		c, r := start(t)
		r.mute = true
		r.grants("example.org", "roster", "both")
		r.works(listDelay + 2*time.Second)
		c.Gateway.down(upstream.Down{})
		c.up()
		r.mute = false
		r.grants("example.org", "roster", "both")
		r.works(2 * time.Minute)
		if len(r.items) != 21 || c.drops.of("GW-17") != 0 {
			t.Errorf("%d in the roster, counted %d", len(r.items), c.drops.of("GW-17"))
		}
	})
	synctestRun(t, "GW-17 who comes while rosters are written is written as well, and whom she blocked is not", func(t *testing.T) {
		c, r := start(t)
		c.setBlock(store.Pair{Colleague: aliceJID, Local: `p03\40pc03`}, byColleague, true)
		r.grants("example.org", "roster", "both")
		r.works(listDelay + 2*time.Second)
		c.peer(romeoName, "forza")
		r.works(time.Minute)
		if r.items[romeoJID] == nil || r.items[proxyOf("p03@pc03")] != nil || len(r.items) != 21 {
			t.Errorf("%d in the roster", len(r.items))
		}
	})
	synctestRun(t, "GW-17 GW-3 who leaves midway is left alone", func(t *testing.T) {
		c, r := start(t)
		r.grants("example.org", "roster", "both")
		r.works(listDelay + 2*time.Second)
		n := len(r.sets)
		c.registers(aliceJID, "set", stanza.New(stanza.NSRegister, "remove"))
		r.works(time.Minute)
		if len(r.sets) > n+1 || len(c.store.Facts[store.Introductions]) != 0 || len(c.store.Subscriptions) != 0 {
			t.Errorf("%d sets after she left; remembered: %v", len(r.sets)-n, c.store.Facts)
		}
	})
	synctestRun(t, "GW-17 a roster that has subscriptions already: they are known again, and nobody is written", func(t *testing.T) {
		c, r := start(t)
		for _, local := range slices.Sorted(maps.Keys(c.peers)) {
			r.items[c.ourJID(local)] = stanza.New(stanza.NSRoster, "item").With("jid", c.ourJID(local)).With("subscription", "to")
		}
		r.items[julietJID].With("subscription", "none")
		r.grants("example.org", "roster", "both")
		r.works(time.Minute)
		if len(r.sets) != 0 || c.pairs[aliceJID] != 21 { // the component, and twenty
			t.Errorf("%d sets, %d subscriptions", len(r.sets), c.pairs[aliceJID])
		}
	})
}
