package bridge

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/linklocal"
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
		if n := len(c.chores.order); n > maxPairsEach {
			t.Errorf("%d answers wait: those beyond the bound add to them", n)
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
		c.chores = chores{}
		c.session.room = -1
		c.hears(pres("x@friends.example", last, "probe"))
		if e := c.chores.todo[way{last, "x@friends.example"}]; e == nil || e[aboutStanding].Type != "unavailable" {
			t.Error("the last was not answered, though few wait")
		}
		c.hears(pres(aliceJID, julietJID, "probe"))
		if !c.peers[localOf(julietName)].watchers[aliceJID] {
			t.Error("others have no room")
		}
	})
	t.Run("GW-16 answers to somebody who comes and goes under ever new names", func(t *testing.T) {
		c := newCoreRig(t, friends)
		c.up()
		for i := range 2 * maxErrands {
			who := fmt.Sprintf(`p%d\40pc@%s`, i, component)
			c.hears(pres("x@friends.example", who, "subscribe"))
			c.hears(pres("x@friends.example", who, "unsubscribe"))
		}
		if n := len(c.chores.order); n > maxErrands || c.chores.each["x@friends.example"] != n || c.drops.of("GW-16") == 0 {
			t.Errorf("%d answers wait", n)
		}
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		if e := c.chores.todo[way{julietJID, aliceJID}]; e == nil || e[aboutRelation].Type != "subscribed" {
			t.Error("others get no answer")
		}
		for _, done := c.chores.first(); done != nil; _, done = c.chores.first() {
			done()
		}
		if len(c.chores.each)+len(c.chores.todo) != 0 {
			t.Errorf("%v is left", c.chores.each)
		}
	})
	t.Run("a colleague with a message under way is not forgotten for another", func(t *testing.T) {
		c := newCoreRig(t, friends)
		c.up()
		c.peer(julietName, "pronto")
		x := "x@friends.example"
		c.hears(pres(x, julietJID, "subscribe"))
		c.hears(chat(x+"/r", "1", "hello"))
		c.mesh.deliver(c)
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: x, Stanza: chat("", "2", "hello")})
		c.withdraw(c.colleagues[x])
		if c.makeRoom() {
			t.Error("forgotten while the message is not routed")
		}
		c.routed(c.session.seq)
		if c.makeRoom() {
			t.Error("forgotten while the message has not arrived")
		}
		c.pong()
		if !c.makeRoom() {
			t.Error("not forgotten though nothing is under way")
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
			c.peerGone(name, "")
		}
		if len(c.peers) > maxPeers || len(c.seen) > maxPeers || len(c.store.Fallbacks) != 0 {
			t.Errorf("%d peers under %d names, %d on disk", len(c.peers), len(c.seen), len(c.store.Fallbacks))
		}
	})
	t.Run("a peer for whom something waits is not forgotten", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		c.peerGone(julietName, "")
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
		c.peerGone(julietName, "")
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
