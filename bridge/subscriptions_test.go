package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
)

func TestSubscriptions(t *testing.T) {
	scene(t, "GW-4 GW-6 GW-10 three colleagues: one subscribe, ever, and a probe at each start; nothing unasked from a peer", func(o *office) {
		var friends []*friend
		for _, who := range []string{aliceJID, "bob@example.org", "carol@example.org"} {
			f := o.friend(who)
			f.Available("", "")
			friends = append(friends, f)
		}
		for range 20 {
			o.joins(fmt.Sprint("p", len(o.people), "@pc"), fmt.Sprint("pc", len(o.people)), fmt.Sprintf("10.2.1.%d/24", 100+len(o.people)), "txtvers=1")
		}
		o.start()
		o.pass(time.Minute)
		o.server.Disconnect()
		o.pass(time.Minute)
		o.kill()
		o.start()
		count := map[string]int{}
		for _, s := range o.upstreamSaw() {
			if s.Kind == stanza.Presence {
				count[s.From+" "+s.Type+" "+s.To]++
			}
		}
		for _, f := range friends {
			if n := count[component+" subscribe "+f.JID()]; n != 1 {
				o.Errorf("%s was asked %d times", f.JID(), n)
			}
			if n := count[component+" probe "+f.JID()]; n != 3 {
				o.Errorf("%s was probed %d times in three sessions", f.JID(), n)
			}
		}
		for what := range count {
			if !strings.HasPrefix(what, component+" ") {
				o.Errorf("nobody asked for: %s", what)
			}
		}
	}, func(o *office) { o.list("bob@example.org", ""); o.list("carol@example.org", "") })
	scene(t, "GW-4 the user's own subscribe is accepted; both again: no loop", func(o *office) {
		s := o.dialled
		o.start()
		s.got()
		for range 3 {
			s.says(presenceFrom(aliceJID, "subscribe", ""))
			s.says(presenceFrom(aliceJID, "subscribed", ""))
		}
		count := map[string]int{}
		for _, p := range s.got() {
			count[p.Type]++
		}
		if count["subscribed"] == 0 || count["subscribed"] > 3 || count["subscribe"] != 0 || count["probe"] != 1 {
			o.Errorf("answered with %v", count)
		}
	}, standInHere)
	scene(t, "a colleague who said no is not asked again, until she herself subscribes", func(o *office) {
		s := o.dialled
		o.start()
		s.says(presenceFrom(aliceJID, "unsubscribed", ""))
		s.got()
		for range 3 {
			s.hangsUp()
			o.pass(time.Minute)
		}
		for _, p := range s.got() {
			if p.Type == "subscribe" {
				o.Error("asked again")
			}
		}
		for range 3 {
			s.says(presenceFrom(aliceJID, "subscribe", ""))
		}
		n := 0
		for _, p := range s.got() {
			if p.Type == "subscribe" {
				n++
			}
		}
		if n != 1 {
			o.Errorf("asked %d times after she subscribed", n)
		}
	}, standInHere)
	scene(t, "GW-5 who logs in is shown the gateway and the peers she is subscribed to, once, and appears", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.joins(romeoName, "forza", "10.2.1.188/24", "txtvers=1", "status=away")
		o.joins("tybalt@verona", "verona", "10.2.1.189/24", "txtvers=1")
		o.start()
		s.says(presenceFrom(aliceJID, "unavailable", ""))
		for _, to := range []string{component, julietJID, romeoJID} {
			s.says(strings.Replace(presenceFrom(aliceJID, "subscribe", ""), "to='"+component, "to='"+to, 1))
		}
		o.pass(10 * time.Second)
		s.got()
		login := func() {
			s.comesOnline("phone", "")
			for _, to := range []string{component, julietJID, romeoJID} {
				s.says(strings.Replace(presenceFrom(aliceJID, "probe", ""), "to='"+component, "to='"+to, 1))
			}
		}
		login()
		want := []string{component + " -> " + aliceJID + ": available", julietJID + " -> " + aliceJID + ": available", romeoJID + " -> " + aliceJID + ": away"}
		o.expect("told", s.told(), want...)
		o.pass(20 * time.Second)
		o.expect("told later", s.told())
		juliet.expectSees(aliceInstance, "avail")
	}, standInHere)
	scene(t, "GW-5 who logs in is shown all that also when her server does not ask", func(o *office) {
		s := o.dialled
		o.juliet()
		o.start()
		s.says(presenceFrom(aliceJID, "unavailable", ""))
		for _, to := range []string{component, julietJID} {
			s.says(strings.Replace(presenceFrom(aliceJID, "subscribe", ""), "to='"+component, "to='"+to, 1))
		}
		o.pass(10 * time.Second)
		s.got()
		for range 3 {
			s.comesOnline("phone", "")
			s.comesOnline("desktop", "")
		}
		want := []string{component + " -> " + aliceJID + ": available", julietJID + " -> " + aliceJID + ": available"}
		o.expect("told", s.told(), want...)
		o.pass(time.Minute)
		o.expect("told later", s.told())
		s.hangsUp()
		o.pass(10 * time.Second)
		s.got()
		s.comesOnline("phone", "") // the answer to our probe, no log-in
		o.pass(10 * time.Second)
		o.expect("told after a new authentication", s.told())
	}, standInHere)
	scene(t, "GW-23 GW-9 an answer that waited is not given to who has left", func(o *office) {
		s := o.dialled
		o.juliet()
		o.start()
		to := func(kind string) {
			s.says(strings.Replace(presenceFrom(aliceJID, kind, ""), "to='"+component, "to='"+julietJID, 1))
		}
		to("probe")
		to("probe")
		to("unsubscribe")
		s.got()
		o.pass(20 * time.Second)
		o.expect("told later", s.told())
	}, standInHere)
	scene(t, "GW-8 GW-22 an allowed subscribe: subscribed and presence, in advance too, no subscribe back, silence on the mesh", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.got()
		before := o.packets("router", time.Time{})
		s.says(strings.Replace(presenceFrom(aliceJID, "subscribe", ""), "to='"+component, "to='"+julietJID, 1))
		o.expect("answered", s.told(), julietJID+" -> "+aliceJID+": subscribed", julietJID+" -> "+aliceJID+": available")
		s.says(strings.Replace(presenceFrom("eve@else.example", "subscribe", ""), "to='"+component, "to='"+julietJID, 1))
		s.says(strings.Replace(presenceFrom(aliceJID, "subscribe", ""), "to='"+component, `to='never\40seen@`+component, 1))
		o.expect("answered", s.told(), julietJID+" -> eve@else.example: unsubscribed", `never\40seen@`+component+" -> "+aliceJID+": subscribed", `never\40seen@`+component+" -> "+aliceJID+": unavailable")
		s.says(strings.Replace(presenceFrom(aliceJID, "subscribe", ""), "to='"+component, "to='nomachine@"+component, 1))
		o.expect("of no peer's form", s.told(), "nomachine@"+component+" -> "+aliceJID+": unsubscribed")
		if n := o.packets("router", time.Time{}) - before; n != 0 || len(juliet.got()) != 0 {
			o.Errorf("%d packets", n)
		}
	}, standInHere)
	scene(t, "GW-9 unsubscribe is answered once, and nothing follows", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		to := func(kind string) {
			s.says(strings.Replace(presenceFrom(aliceJID, kind, ""), "to='"+component, "to='"+julietJID, 1))
		}
		to("subscribe")
		s.got()
		for range 3 {
			to("unsubscribe")
		}
		o.expect("answered", s.told(), julietJID+" -> "+aliceJID+": unsubscribed")
		juliet.says("status=dnd")
		o.pass(5 * time.Second)
		juliet.signOff()
		o.pass(5 * time.Second)
		o.expect("told later", s.told())
		to("unsubscribed")
		to("unsubscribed")
		o.expect("answered", s.told())
	}, standInHere)
	scene(t, "GW-6 PRIV-3 a subscriber's probe is answered, here or gone; a stranger's with unsubscribed and no more", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.got()
		probe := func(who string) {
			s.says(strings.Replace(presenceFrom(who, "probe", ""), "to='"+component, "to='"+julietJID, 1))
		}
		probe(aliceJID + "/phone")
		o.expect("here", s.told(), julietJID+" -> "+aliceJID+": available")
		probe("eve@else.example/x")
		o.expect("to a stranger", s.told(), julietJID+" -> eve@else.example: unsubscribed")
		juliet.signOff()
		o.pass(6 * time.Second)
		s.got()
		probe(aliceJID + "/phone")
		o.expect("gone", s.told(), julietJID+" -> "+aliceJID+": unavailable")
		juliet.signOn("txtvers=1")
		o.pass(6 * time.Second)
		for _, word := range s.told() {
			if strings.Contains(word, "eve@") {
				o.Errorf("a stranger is told: %s", word)
			}
		}
	}, standInHere)
	scene(t, "GW-21 with the store lost a probe of somebody listed counts as a subscription", func(o *office) {
		alice, juliet := o.together()
		o.sigterm()
		o.store = newFakeStore()
		o.start()
		alice.got()
		alice.Unavailable()
		alice.Available("", "")
		o.pass(2 * time.Second)
		alice.expectSees(julietJID, "available")
		juliet.says("status=away")
		o.pass(5 * time.Second)
		alice.expectSees(julietJID, "away")
		if slices.Contains(alice.presences(), julietJID+" unsubscribed") {
			o.Error("the contact would be deleted")
		}
	})
	scene(t, "GW-22 a probe for a peer nobody knows: unavailable, and presence when she appears", func(o *office) {
		s := o.dialled
		o.start()
		s.got()
		ask := func(to string) {
			s.says(strings.Replace(presenceFrom(aliceJID, "probe", ""), "to='"+component, "to='"+to, 1))
		}
		ask(julietJID)
		o.expect("unknown", s.told(), julietJID+" -> "+aliceJID+": unavailable")
		ask(`a\20@` + component)
		o.expect("impossible", s.told(), `a\20@`+component+" -> "+aliceJID+": unsubscribed")
		o.juliet()
		o.pass(5 * time.Second)
		o.expect("she appears", s.told(), julietJID+" -> "+aliceJID+": available")
	}, standInHere)
	scene(t, "GW-16 a hundred presences to nobody: one answer at most, and no error", func(o *office) {
		s := o.dialled
		o.start()
		s.got()
		kinds := []string{"", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "error", "fancy"}
		for i := range 100 {
			s.says(strings.Replace(presenceFrom(aliceJID+"/x", kinds[i%len(kinds)], ""), "to='"+component, "to='zzz@"+component, 1))
		}
		o.expect("answered", s.told(), "zzz@"+component+" -> "+aliceJID+": unsubscribed")
	}, standInHere)
	scene(t, "GW-23 four devices log in at once: one answer for each contact in 5 s, and none is lost", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.says(strings.Replace(presenceFrom(aliceJID, "subscribe", ""), "to='"+component, "to='"+julietJID, 1))
		o.pass(10 * time.Second)
		s.got()
		for i := range 4 {
			s.says(strings.Replace(presenceFrom(fmt.Sprint(aliceJID, "/d", i), "probe", ""), "to='"+component, "to='"+julietJID, 1))
			o.pass(time.Second)
		}
		o.expect("at once", s.told(), julietJID+" -> "+aliceJID+": available")
		o.pass(1500 * time.Millisecond)
		o.expect("for the others", s.told(), julietJID+" -> "+aliceJID+": available")
		o.pass(20 * time.Second)
		o.expect("later", s.told())
		juliet.says("status=dnd")
		o.pass(5 * time.Second)
		o.expect("a change", s.told(), julietJID+" -> "+aliceJID+": dnd")
	}, standInHere)
	t.Run("the store knows what the gateway knows", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		c.hears(pres(aliceJID, component, "subscribe"))
		c.hears(pres(aliceJID, component, "subscribed"))
		pair, own := store.Pair{Colleague: aliceJID, Local: localOf(julietName)}, store.Pair{Colleague: aliceJID}
		if c.store.Subscriptions[pair] != store.Watching || c.store.Subscriptions[own] != store.Watching|store.Watched ||
			!c.store.Shown[pair] || !c.store.Shown[own] {
			t.Errorf("%+v", c.store.State)
		}
		c.hears(pres(aliceJID, julietJID, "unsubscribe"))
		c.hears(pres(aliceJID, component, "unsubscribe"))
		c.hears(pres(aliceJID, component, "unsubscribed"))
		if len(c.store.Subscriptions) != 1 || c.store.Subscriptions[own] != store.Asked || len(c.store.Shown) != 0 {
			t.Errorf("%+v", c.store.State)
		}
	})
}

// request is an iq.
func iq(kind, id, to string, child *stanza.Element) stanza.Stanza {
	return stanza.Stanza{Kind: stanza.IQ, Type: kind, ID: id, To: to, Payload: []*stanza.Element{child}}
}
