package bridge

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/upstream"
)

// friends admits a domain, so that many may come.
func friends(cfg *config.Config) { cfg.Access.Domains = []string{"friends.example"} }

func TestBounds(t *testing.T) {
	t.Run("probes for peers nobody knows", func(t *testing.T) {
		c := newCoreRig(t, friends)
		c.up()
		for i := range maxPairsEach + 100 {
			c.hears(pres("x@friends.example", fmt.Sprintf(`p%d\40pc@%s`, i, component), "probe"))
		}
		if len(c.subs) != maxPairsEach || len(c.peers) != maxPairsEach || len(c.store.Subscriptions) != maxPairsEach {
			t.Errorf("%d subscriptions, %d peers", len(c.subs), len(c.peers))
		}
		last := fmt.Sprintf(`p%d\40pc@%s`, maxPairsEach+99, component)
		for _, s := range c.chores.todo {
			if s[aboutRelation] != nil {
				t.Error("somebody would lose a contact")
			}
		}
		if e := c.chores.todo[way{last, "x@friends.example"}]; e == nil || e[aboutStanding].Type != "unavailable" {
			t.Error("the last was not answered")
		}
		c.hears(pres(aliceJID, julietJID, "probe"))
		if !c.peers[localOf(julietName)].watchers[aliceJID] {
			t.Error("others have no room")
		}
	})
	t.Run("subscriptions in all", func(t *testing.T) {
		c := newCoreRig(t, friends)
		c.up()
		for i := 0; len(c.subs) < maxPairs; i++ {
			c.watch(store.Pair{Colleague: fmt.Sprintf("x%d@friends.example", i/1000), Local: fmt.Sprint("p", i)})
		}
		c.peer(julietName, "pronto")
		c.session.take()
		c.chores = chores{}
		c.hears(pres("late@friends.example", julietJID, "subscribe"))
		expectWords(t, words(c.session.take()), []string{"late@friends.example unsubscribed"})
		if len(c.subs) != maxPairs {
			t.Errorf("%d subscriptions", len(c.subs))
		}
		c.unwatch(store.Pair{Colleague: "x0@friends.example", Local: "p0"})
		c.hears(pres("late@friends.example", julietJID, "subscribe"))
		if len(c.subs) != maxPairs || c.peers["p0"] != nil {
			t.Errorf("%d subscriptions; the peer is kept: %v", len(c.subs), c.peers["p0"] != nil)
		}
	})
	synctestRun(t, "colleagues who are not listed: the idle make room, the busy stay", func(t *testing.T) {
		c := newCoreRig(t, friends, func(cfg *config.Config) { cfg.Outbox.Total = 10 * maxColleagues })
		c.up()
		c.peer(julietName, "pronto")
		write := func(i int) {
			who := fmt.Sprintf("x%d@friends.example", i)
			c.hears(pres(who, julietJID, "subscribe"))
			c.hears(chat(who+"/r", fmt.Sprint(i), "hello"))
		}
		for i := range maxColleagues {
			write(i)
		}
		if n := len(c.mesh.published); n != maxColleagues {
			t.Fatalf("%d on the mesh", n)
		}
		c.rest(time.Second)
		c.session.take()
		write(maxColleagues)
		c.rest(time.Second)
		expectWords(t, errorsIn(c.session.take()), []string{julietJID + " resource-constraint"})
		c.mesh.deliver(c)
		write(maxColleagues)
		c.rest(time.Second)
		expectWords(t, errorsIn(c.session.take()), []string{julietJID + " resource-constraint"})
		c.rest(talkTime + logoutDelay + time.Second)
		if n := len(c.mesh.withdrawn); n != maxColleagues {
			t.Fatalf("%d left the mesh", n)
		}
		write(maxColleagues)
		if n := len(c.mesh.published); n != maxColleagues+1 || len(c.colleagues) != maxColleagues+1 || len(c.own) != maxColleagues+1 {
			t.Errorf("%d were on the mesh, %d are known under %d names", n, len(c.colleagues), len(c.own))
		}
		if c.colleagues[aliceJID] == nil {
			t.Error("a listed colleague was forgotten")
		}
	})
	t.Run("more listed colleagues than others would be allowed", func(t *testing.T) {
		c := newCoreRig(t, friends, func(cfg *config.Config) {
			for i := range maxColleagues + 5 {
				cfg.Colleagues = append(cfg.Colleagues, config.Colleague{JID: mustJID(fmt.Sprintf("c%d@example.org", i))})
			}
		})
		if len(c.colleagues) != maxColleagues+6 || c.admit("x@friends.example") == nil {
			t.Errorf("%d colleagues", len(c.colleagues))
		}
	})
	t.Run("peers who come and go under ever new names", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		for i := range maxPeers + 1000 {
			name := fmt.Sprintf("Straße %d@pc", i)
			c.peer(name, "pc")
			c.peerGone(name)
		}
		if len(c.peers) > maxPeers || len(c.seen) > maxPeers || len(c.store.Fallbacks) != 0 {
			t.Errorf("%d peers under %d names, %d on disk", len(c.peers), len(c.seen), len(c.store.Fallbacks))
		}
	})
	t.Run("a peer for whom something waits is not forgotten", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		c.peerGone(julietName)
		c.hears(chat(aliceJID+"/r", "1", "hello"))
		for i := range maxPeers + 100 {
			c.peer(fmt.Sprintf("p%d@pc", i), "pc")
		}
		c.watch(store.Pair{Colleague: aliceJID, Local: localOf(julietName)})
		c.unwatch(store.Pair{Colleague: aliceJID, Local: localOf(julietName)})
		c.peer(julietName, "pronto")
		if n := len(c.mesh.take()); n != 1 {
			t.Errorf("%d messages", n)
		}
	})
	t.Run("a peer whom somebody watches is not forgotten", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		for i := range maxPeers + 100 {
			c.peer(fmt.Sprintf("p%d@pc", i), "pc")
		}
		c.peerGone(julietName)
		c.session.take()
		c.peer(julietName, "pronto")
		expectWords(t, words(c.session.take()), []string{aliceJID + " available"})
	})
	t.Run("addresses that were read", func(t *testing.T) {
		r := newReader()
		for i := range 3 * maxRead {
			r.sender(fmt.Sprintf("x%d@example.org/r", i))
			r.recipient(fmt.Sprintf(`p%d\40pc@%s`, i, component))
		}
		r.sender(strings.Repeat("x", maxReadSize) + "@example.org")
		if len(r.senders) > maxRead || len(r.recipients) > maxRead {
			t.Errorf("%d and %d are kept", len(r.senders), len(r.recipients))
		}
		for s := range r.senders {
			if len(s) > maxReadSize {
				t.Errorf("one of %d octets is kept", len(s))
			}
		}
		for range 2 {
			if r.sender("Alice@Example.ORG/r") != aliceJID || r.sender("@") != "" ||
				!r.recipient(component).bare || r.recipient(`JULIET\40pronto@`+component).proxy.Local != localOf(julietName) || r.recipient("@").legal {
				t.Error("read wrongly")
			}
		}
	})
	t.Run("names that a colleague had for want of the wanted one", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.hears(pres(aliceJID+"/r", component, ""))
		for i := range 1000 {
			c.proxyChanged(linklocal.ProxyChanged{Proxy: aliceJID, Instance: fmt.Sprintf(`alice\40example.org-%d@office`, i), Announced: true})
		}
		if len(c.own) != 2 || len(c.store.Instances) != 1 {
			t.Errorf("%d own names, %d on disk", len(c.own), len(c.store.Instances))
		}
		c.withdraw(c.colleagues[aliceJID])
		if len(c.own) != 1 || len(c.store.Instances) != 0 {
			t.Errorf("%d own names, %d on disk", len(c.own), len(c.store.Instances))
		}
	})
	synctestRun(t, "alarms of a colleague who talks and shows no presence", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		for i := range 100 {
			c.hears(chat(aliceJID+"/r", fmt.Sprint(i), "hello"))
			c.hears(pres(aliceJID+"/r", component, "unavailable"))
			c.mesh.deliver(c)
			c.rest(time.Second)
		}
		fired := 0
		for end := time.Now().Add(2 * talkTime); time.Now().Before(end); {
			select {
			case ev := <-c.events:
				fired++
				ev.apply(c.Gateway)
			case <-time.After(time.Until(end)):
			}
		}
		if len(c.mesh.withdrawn) != 1 || fired > 10 {
			t.Errorf("withdrawn %d times after %d alarms", len(c.mesh.withdrawn), fired)
		}
	})
	t.Run("the store does not take it: the bridge works on", func(t *testing.T) {
		c := newCoreRig(t)
		c.store.err = errors.New("the disk is full")
		c.up()
		c.peer(julietName, "pronto")
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		if n := len(c.session.take()); n != 2 || c.drops.of("store") == 0 {
			t.Errorf("%d answers", n)
		}
	})
}

func TestNews(t *testing.T) {
	t.Run("LL-5-2 what colleagues cannot see is no news to them", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		c.session.take()
		p := linklocal.Peer{Instance: julietName, Host: "pronto-2", Interfaces: []string{"eth1"}}
		p.Profile = linklocal.Profile{Status: linklocal.Available, Emails: []string{"j@example.org"}, First: "Juliet"}
		c.peerChanged(p)
		expectWords(t, words(c.session.take()), nil)
		p.Profile.Message = "Rehearsal"
		c.peerChanged(p)
		expectWords(t, words(c.session.take()), []string{aliceJID + " available Rehearsal"})
	})
	t.Run("MAP-E5 with the outbox full a refusal is told on the open stream", func(t *testing.T) {
		c := newCoreRig(t, func(cfg *config.Config) { cfg.Outbox.Total = 1 })
		c.peer(julietName, "pronto")
		for i := range 3 {
			c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: chat("", fmt.Sprint(i), "hello")})
		}
		notices := 0
		for _, d := range c.mesh.take() {
			if strings.HasPrefix(bodyOf(d.Stanza), "[gateway] ") && d.Token == 0 {
				notices++
			}
		}
		if notices != 1 || len(c.routes) != 0 {
			t.Errorf("%d notices, %d routes", notices, len(c.routes))
		}
	})
}

func TestRoutes(t *testing.T) {
	returned := func(c *coreRig, why error, list ...linklocal.Delivery) {
		ev := linklocal.Returned{Proxy: aliceJID, Peer: julietName, Err: why}
		for _, d := range list {
			ev.Tokens = append(ev.Tokens, d.Token)
		}
		c.returned(ev)
	}
	bodies := func(list []linklocal.Delivery) (out []string) {
		for _, d := range list {
			out = append(out, bodyOf(d.Stanza))
		}
		return out
	}
	start := func(t *testing.T) *coreRig {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		c.hears(pres(aliceJID+"/r", component, ""))
		return c
	}
	synctestRun(t, "a try that failed is repeated after 1, 2, 4 s, up to a minute, in order", func(t *testing.T) {
		c := start(t)
		for i := range 3 {
			c.hears(chat(aliceJID+"/r", fmt.Sprint(i), fmt.Sprint(i)))
		}
		var gaps []string
		for range 9 {
			list := c.mesh.take()
			expectWords(t, bodies(list), []string{"0", "1", "2"})
			returned(c, linklocal.ErrStream, list...)
			c.peer(julietName, "pronto") // still there: no reason to hurry
			since := time.Now()
			for len(c.mesh.sent) == 0 {
				c.rest(time.Second)
			}
			gaps = append(gaps, time.Since(since).String())
		}
		expectWords(t, gaps, []string{"1s", "2s", "4s", "8s", "16s", "32s", "1m0s", "1m0s", "1m0s"})
		c.delivered(linklocal.Delivered{Token: c.mesh.sent[0].Token})
		returned(c, linklocal.ErrStream, c.mesh.take()[1:]...)
		c.hears(chat(aliceJID+"/r", "3", "3")) // does not overtake
		c.rest(500 * time.Millisecond)
		expectWords(t, bodies(c.mesh.take()), nil)
		c.rest(time.Second)
		expectWords(t, bodies(c.mesh.sent), []string{"1", "2", "3"}) // who was reached is tried again soon
		c.mesh.deliver(c)
		if len(c.routes) != 0 || len(c.flying) != 0 || c.box.Usage().Entries != 0 {
			t.Errorf("left: %v", c.routes)
		}
	})
	synctestRun(t, "a peer who is back is tried at once, whatever the pause", func(t *testing.T) {
		c := start(t)
		c.hears(chat(aliceJID+"/r", "1", "hello"))
		for range 7 {
			returned(c, linklocal.ErrStream, c.mesh.take()...)
			c.rest(time.Minute)
		}
		returned(c, linklocal.ErrStream, c.mesh.take()...)
		c.peerGone(julietName)
		c.rest(5 * time.Second)
		c.peer(julietName, "pronto")
		expectWords(t, bodies(c.mesh.take()), []string{"hello"})
	})
	synctestRun(t, "one event that gives back messages of two routes moves both", func(t *testing.T) {
		c := start(t)
		c.hears(chat(aliceJID+"/r", "1", "to pronto"))
		first := c.mesh.take()
		c.peer(julietName, "tardo")
		c.hears(chat(aliceJID+"/r", "2", "to tardo"))
		second := c.mesh.take()
		returned(c, linklocal.ErrStream, append(second, first...)...)
		c.rest(2 * time.Second)
		expectWords(t, bodies(c.mesh.take()), []string{"to tardo"})
		c.peer(julietName, "pronto")
		expectWords(t, bodies(c.mesh.take()), []string{"to pronto"})
	})
	synctestRun(t, "what is held is tried again within a minute", func(t *testing.T) {
		c := start(t)
		c.hears(chat(aliceJID+"/r", "1", "hello"))
		returned(c, linklocal.ErrHeld, c.mesh.take()...)
		c.rest(59 * time.Second)
		expectWords(t, bodies(c.mesh.take()), nil)
		c.rest(2 * time.Second)
		expectWords(t, bodies(c.mesh.take()), []string{"hello"})
	})
	synctestRun(t, "messages from before the host was known come first, and are for that host", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "")
		c.hears(pres(aliceJID+"/r", component, ""))
		c.hears(chat(aliceJID+"/r", "1", "first"))
		returned(c, linklocal.ErrStream, c.mesh.take()...)
		c.peerChanged(linklocal.Peer{Instance: julietName, Host: "Pronto"})
		c.hears(chat(aliceJID+"/r", "2", "second"))
		c.rest(2 * time.Second)
		list := c.mesh.take()
		expectWords(t, bodies(list), []string{"first", "second"})
		for _, d := range list {
			if !strings.EqualFold(d.Host, "pronto") {
				t.Errorf("%s is for host %q", bodyOf(d.Stanza), d.Host)
			}
		}
		returned(c, linklocal.ErrStream, list...)
		c.peer(julietName, "evil")
		c.rest(time.Minute)
		expectWords(t, bodies(c.mesh.take()), nil)
	})
	synctestRun(t, "at most 32 are with the mesh, and the rest follows in order", func(t *testing.T) {
		c := start(t)
		var want []string
		for i := range 100 {
			c.hears(chat(aliceJID+"/r", fmt.Sprint(i), fmt.Sprint(i)))
			want = append(want, fmt.Sprint(i))
		}
		var got []string
		for len(got) < 100 {
			list := c.mesh.take()
			if len(list) == 0 || len(c.flying) > meshWindow {
				t.Fatalf("%d handed over, %d in flight", len(list), len(c.flying))
			}
			got = append(got, bodies(list)...)
			c.delivered(linklocal.Delivered{Token: list[0].Token})
			for _, d := range list[1:] {
				c.delivered(linklocal.Delivered{Token: d.Token})
			}
		}
		expectWords(t, got, want)
	})
	synctestRun(t, "a token nobody knows changes nothing", func(t *testing.T) {
		c := start(t)
		c.delivered(linklocal.Delivered{Token: 99})
		c.returned(linklocal.Returned{Tokens: []uint64{98, 99}, Err: linklocal.ErrAbsent})
		if len(c.routes) != 0 {
			t.Error("a route appeared")
		}
	})
	synctestRun(t, "INJ-33 a proxy that could not be published is tried again with the next try", func(t *testing.T) {
		c := start(t)
		c.hears(chat(aliceJID+"/r", "1", "hello"))
		c.proxyChanged(linklocal.ProxyChanged{Proxy: aliceJID, Instance: aliceInstance, Err: errors.New("every name is taken")})
		returned(c, linklocal.ErrNoProxy, c.mesh.take()...)
		c.rest(2 * time.Second)
		expectWords(t, bodies(c.mesh.take()), []string{"hello"})
		if n := len(c.mesh.published); n != 2 {
			t.Errorf("published %d times", n)
		}
	})
}

func TestFlights(t *testing.T) {
	from := func(c *coreRig, id, body string) {
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: chat("", id, body)})
	}
	start := func(t *testing.T) *coreRig {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		return c
	}
	synctestRun(t, "COMP-19 a message that turns out too big is answered, and those behind it go on", func(t *testing.T) {
		for _, err := range []error{upstream.ErrTooBig, upstream.ErrIncomplete, upstream.ErrForeignFrom} {
			c := start(t)
			c.session.err, c.session.bad = err, func(s stanza.Stanza) bool { return s.ID == "bad" }
			from(c, "1", "one")
			from(c, "bad", "two")
			from(c, "3", "three")
			var got []string
			for _, s := range messagesIn(c.session.take()) {
				got = append(got, bodyOf(s))
			}
			expectWords(t, got, []string{"one", "three"})
			list := c.mesh.take()
			if len(list) != 1 || !strings.HasPrefix(bodyOf(list[0].Stanza), "[gateway] ") {
				t.Errorf("Juliet got %+v", list)
			}
			c.routed(c.session.seq)
			if n := c.box.Waiting(queueUpstream + aliceJID); n != 0 || len(c.written) != 0 {
				t.Errorf("%d wait, %d are in flight", n, len(c.written))
			}
		}
	})
	synctestRun(t, "COMP-19 the delay stamp does not push a message over the limit", func(t *testing.T) {
		c := newCoreRig(t, func(cfg *config.Config) { cfg.Upstream.MaxStanza = 16 << 10 })
		c.peer(julietName, "pronto")
		biggest := 0
		for size := 15 << 10; size < 17<<10; size++ {
			from(c, fmt.Sprint(size), strings.Repeat("x", size))
			if c.box.Waiting(queueUpstream+aliceJID) > 0 {
				biggest = size
				for _, e := range c.box.Discard(queueUpstream + aliceJID) {
					e.Accepted = e.Accepted.Add(-time.Hour)
					if n := len(stanza.Append(nil, stanza.Component, c.stamped(e))); n > 16<<10 {
						t.Fatalf("%d octets with the stamp", n)
					}
				}
			}
		}
		if biggest < 15<<10 {
			t.Errorf("nothing over %d octets is let through", biggest)
		}
	})
	synctestRun(t, "a full session keeps messages waiting, in order, and takes no more than the window", func(t *testing.T) {
		c := newCoreRig(t, func(cfg *config.Config) { cfg.Outbox.PerRecipient = 1000 })
		c.up()
		c.peer(julietName, "pronto")
		c.session.room = 3
		for i := range 150 {
			from(c, fmt.Sprint("a", i), fmt.Sprint(i))
		}
		if n := len(c.session.sent); n != 3 || len(c.written) != 3 {
			t.Fatalf("%d were sent", n)
		}
		c.session.room = 0
		c.routed(c.session.seq)
		if n := len(messagesIn(c.session.take())); n != 150 || len(c.written) != 147 {
			t.Fatalf("%d were sent, %d are in flight", n, len(c.written))
		}
		for i := range 150 {
			from(c, fmt.Sprint("b", i), fmt.Sprint(i))
		}
		if len(c.written) != upWindow {
			t.Errorf("%d are in flight", len(c.written))
		}
		c.down(upstream.Down{})
		if n := c.box.Waiting(queueUpstream + aliceJID); n != 297 {
			t.Errorf("%d wait", n)
		}
	})
	synctestRun(t, "COMP-14 what waits upstream for too long is told to the peer in words, also when she is back later", func(t *testing.T) {
		c := start(t)
		c.session.room = -1
		from(c, "1", "one")
		c.peerGone(julietName)
		c.rest(8 * 24 * time.Hour)
		c.expire(time.Now())
		if c.box.Waiting(queueUpstream+aliceJID) != 0 || len(c.mesh.take()) != 0 {
			t.Error("not expired, or told to nobody")
		}
		c.peer(julietName, "pronto")
		list := c.mesh.take()
		if len(list) != 1 || list[0].Token == 0 || !strings.HasPrefix(bodyOf(list[0].Stanza), "[gateway] ") {
			t.Errorf("Juliet got %+v", list)
		}
	})
	t.Run("an error of a peer that is not taken is not answered", func(t *testing.T) {
		c := start(t)
		c.hears(chat(aliceJID+"/r", "1", "hello"))
		c.mesh.take()
		c.session.err, c.session.bad = upstream.ErrTooBig, func(s stanza.Stanza) bool { return s.Type == "error" }
		bad := chat("", "1", "")
		bad.Type, bad.Payload = "error", []*stanza.Element{stanza.Error{Type: "cancel", Condition: "gone"}.Element()}
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: bad})
		if list := c.mesh.take(); len(list) != 0 {
			t.Errorf("answered with %+v", list)
		}
	})
}
