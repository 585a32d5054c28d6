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

func TestPeerShown(t *testing.T) {
	scene(t, "LL-5-2 GW-11 GW-12 a change is one presence to each subscriber, from the bare JID; a repetition is none", func(o *office) {
		alice, juliet := o.together()
		bob := o.friend("bob@example.org")
		bob.Available("", "")
		bob.subscribes(julietJID)
		o.pass(6 * time.Second)
		bob.got()
		juliet.says("status=dnd", "msg=Rehearsal")
		o.pass(5 * time.Second)
		for _, f := range []*friend{alice, bob} {
			o.expect(f.JID()+" sees", f.presences(), julietJID+" dnd Rehearsal")
		}
		for range 5 {
			juliet.says("msg=Rehearsal", "status=dnd") // another record that says the same
			o.pass(3 * time.Second)
			juliet.says("status=dnd", "msg=Rehearsal")
			o.pass(3 * time.Second)
		}
		o.expect("Alice sees", alice.presences())
		for _, s := range o.upstreamSaw() {
			if strings.Contains(s.From, "/") {
				o.Errorf("from has a resource: %s", s.From)
			}
		}
	}, func(o *office) { o.list("bob@example.org", "Bob") })
	scene(t, "GW-19 MAP-P12 a goodbye is one unavailable after the window, and the return one available", func(o *office) {
		alice, juliet := o.together()
		left := time.Now()
		juliet.signOff()
		o.pass(1900 * time.Millisecond)
		o.expect("Alice sees", alice.presences())
		o.pass(time.Second)
		o.expect("Alice sees", alice.presences(), julietJID+" unavailable")
		if time.Since(left) < 2*time.Second {
			o.Fatal("too early")
		}
		juliet.signOn("txtvers=1", "status=avail")
		o.pass(5 * time.Second)
		o.expect("Alice sees", alice.presences(), julietJID+" available")
		o.pass(time.Hour)
		o.expect("Alice sees", alice.presences())
	})
	scene(t, "GW-19 who is back within the window was never away", func(o *office) {
		alice, juliet := o.together()
		juliet.signOff()
		o.pass(500 * time.Millisecond)
		juliet.signOn("txtvers=1", "status=avail")
		o.pass(10 * time.Second)
		o.expect("Alice sees", alice.presences())
	})
	scene(t, "LL-4-8 a new nick changes the name that is shown, and not the JID", func(o *office) {
		alice, juliet := o.together()
		juliet.says("status=avail", "nick=JuliC")
		o.pass(5 * time.Second)
		o.expect("Alice sees", alice.presences(), julietJID+" available")
		alice.Write(iq("get", "q", julietJID, stanza.New(stanza.NSDiscoInfo, "query")))
		got := alice.got()
		if len(got) != 1 || got[0].Payload[0].Child(stanza.NSDiscoInfo, "identity").Attr("name") != "JuliC" {
			o.Errorf("got %+v", got)
		}
	})
	scene(t, "MAPJ-13 a peer that was renamed is somebody else", func(o *office) {
		alice, juliet := o.together()
		juliet.signOff()
		o.joins("juliet-1@pronto", "pronto-2", "10.2.1.191/24", "txtvers=1")
		o.pass(6 * time.Second)
		o.expect("Alice sees", alice.presences(), julietJID+" unavailable") // and nobody else unasked
		alice.subscribes(proxyOf("juliet-1@pronto"))
		o.pass(time.Second)
		alice.expectSees(`juliet-1\40pronto@`+component, "available")
	})
	scene(t, "MAPJ-10 any spelling of a proxy JID that PRECIS folds is the same peer", func(o *office) {
		alice, juliet := o.together()
		alice.writes(`JULIET\40PRONTO@`+component, "hello")
		o.pass(3 * time.Second)
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": hello")
		alice.writes(`nobody\40nowhere@`+component, "hello")
		o.expect("Alice is told", errorsIn(alice.got()), `nobody\40nowhere@`+component+" item-not-found")
	})
}

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
		if count["subscribed"] == 0 || count["subscribed"] > 3 || count["subscribe"] != 0 {
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
	scene(t, "GW-8 an allowed subscribe: subscribed and presence, no subscribe back, silence on the mesh", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.got()
		before := o.packets("router", time.Time{})
		s.says(strings.Replace(presenceFrom(aliceJID, "subscribe", ""), "to='"+component, "to='"+julietJID, 1))
		o.expect("answered", s.told(), julietJID+" -> "+aliceJID+": subscribed", julietJID+" -> "+aliceJID+": available")
		s.says(strings.Replace(presenceFrom("eve@else.example", "subscribe", ""), "to='"+component, "to='"+julietJID, 1))
		s.says(strings.Replace(presenceFrom(aliceJID, "subscribe", ""), "to='"+component, `to='never\40seen@`+component, 1))
		o.expect("answered", s.told(), julietJID+" -> eve@else.example: unsubscribed", `never\40seen@`+component+" -> "+aliceJID+": unsubscribed")
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
		o.cfg.State += "-new"
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

func TestColleagueShown(t *testing.T) {
	scene(t, "GW-7 MAP-T4 MAP-T11 two devices: one leaves, the other speaks; gone 5 s: nothing; gone: goodbye after 10 s", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "<priority>5</priority><show>away</show>")
		s.comesOnline("desktop", "<show>dnd</show><status>Busy</status>")
		o.pass(5 * time.Second)
		juliet.expectSees(aliceInstance, "away Away")
		s.says(presenceFrom(aliceJID+"/phone", "unavailable", ""))
		o.pass(12 * time.Second)
		juliet.expectSees(aliceInstance, "dnd Busy")
		since := len(o.announced("router", aliceInstance))
		s.says(presenceFrom(aliceJID+"/desktop", "unavailable", ""))
		o.pass(5 * time.Second)
		s.comesOnline("desktop", "<show>dnd</show><status>Busy</status>")
		o.pass(20 * time.Second)
		if n := len(o.announced("router", aliceInstance)) - since; n != 0 {
			o.Errorf("%d records for an absence of 5 s", n)
		}
		s.says(presenceFrom(aliceJID+"/desktop", "unavailable", ""))
		o.pass(9900 * time.Millisecond)
		juliet.expectSees(aliceInstance, "dnd Busy")
		o.pass(1500 * time.Millisecond)
		juliet.expectSees(aliceInstance, "")
		if n := o.goodbyes("router", aliceInstance); n != 1 {
			o.Errorf("%d goodbyes", n)
		}
	}, standInHere)
	for _, end := range []string{"unavailable", "error", "unsubscribed"} {
		scene(t, "GW-7 MAP-T4 "+end+" from the bare JID ends all devices", func(o *office) {
			s := o.dialled
			juliet := o.juliet()
			o.start()
			s.comesOnline("phone", "")
			s.comesOnline("desktop", "")
			o.pass(5 * time.Second)
			juliet.expectSees(aliceInstance, "avail")
			s.says(presenceFrom(aliceJID, end, ""))
			o.pass(12 * time.Second)
			juliet.expectSees(aliceInstance, "")
		}, standInHere)
	}
	scene(t, "GW-7 she goes after 10 s also when she has just chatted", func(o *office) {
		alice, juliet := o.together()
		alice.writes(julietJID, "bye")
		alice.Unavailable()
		o.pass(13 * time.Second)
		juliet.expectSees(aliceInstance, "")
	})
	scene(t, "GW-7 a second word of her absence does not prolong it", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "")
		o.pass(5 * time.Second)
		s.says(presenceFrom(aliceJID+"/phone", "unavailable", ""))
		o.pass(5 * time.Second)
		s.says(presenceFrom(aliceJID, "unavailable", ""))
		o.pass(6500 * time.Millisecond)
		juliet.expectSees(aliceInstance, "")
	}, standInHere)
	scene(t, "GW-7 she goes after 10 s also when she had written before she came online", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.says(messageFrom(aliceJID+"/phone", "hello"))
		o.pass(5 * time.Second)
		juliet.expectSees(aliceInstance, "away Away")
		s.comesOnline("phone", "")
		o.pass(5 * time.Second)
		juliet.expectSees(aliceInstance, "avail")
		s.says(presenceFrom(aliceJID, "unavailable", ""))
		o.pass(12 * time.Second)
		juliet.expectSees(aliceInstance, "")
	}, standInHere)
	scene(t, "MAP-T10 a negative priority is not there, and a device of priority 0 beside it is", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("robot", "<priority>-1</priority><status>beep</status>")
		o.pass(5 * time.Second)
		juliet.expectSees(aliceInstance, "")
		s.comesOnline("phone", "<show>away</show>")
		o.pass(5 * time.Second)
		juliet.expectSees(aliceInstance, "away Away")
		s.says(presenceFrom(aliceJID+"/phone", "unavailable", ""))
		o.pass(13 * time.Second)
		juliet.expectSees(aliceInstance, "")
	}, standInHere)
	scene(t, "MAP-T11 of equal priorities the most available show counts, then the latest", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("a", "<show>xa</show>")
		s.comesOnline("b", "<show>chat</show><status>first</status>")
		s.comesOnline("c", "<show>chat</show><status>second</status>")
		o.pass(5 * time.Second)
		juliet.expectSees(aliceInstance, "avail second")
		if n := len(o.gateway.colleagues); n != 1 {
			o.Errorf("%d colleagues", n)
		}
	}, standInHere)
	scene(t, "PRIV-5 who is neither listed nor registered does not appear, however loud", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.says(presenceFrom("eve@else.example/x", "", ""))
		s.says(presenceFrom("dave@friends.example/x", "", ""))
		o.pass(10 * time.Second)
		juliet.expectSees(`eve\40else.example@office`, "")
		juliet.expectSees(`dave\40friends.example@office`, "")
		o.expectCount("PRIV-5", 2)
	}, standInHere, func(o *office) { o.cfg.Access.Domains = []string{"friends.example"} })
	scene(t, "INJ-33 somebody who shows no presence is announced 1 s before her first message, stays for answers, and goes", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		juliet.expectSees(aliceInstance, "")
		s.says(messageFrom(aliceJID+"/bot", "hello"))
		o.pass(5 * time.Second)
		got := juliet.got()
		if len(got) != 1 || shown(got[0].Stanza) != "hello" || got[0].from != aliceInstance {
			o.Fatalf("Juliet got %+v", got)
		}
		if gap := got[0].at.Sub(o.announced("router", aliceInstance)[0].at); gap < time.Second {
			o.Errorf("delivered %v after the announcement", gap)
		}
		juliet.expectSees(aliceInstance, "away Away")
		s.got()
		juliet.writes(aliceInstance, "hello you")
		if got := messagesIn(s.got()); len(got) != 1 {
			o.Errorf("got %+v", got)
		}
		o.pass(9 * time.Minute)
		juliet.expectSees(aliceInstance, "away Away")
		o.pass(90 * time.Second)
		juliet.expectSees(aliceInstance, "")
	}, standInHere)
	scene(t, "INJ-33 whom policy does not let in gets forbidden or registration-required, and no packet is sent", func(o *office) {
		s := o.dialled
		o.juliet()
		o.start()
		s.got()
		before := len(o.lan.Log())
		s.says(messageFrom("eve@else.example/x", "hello"))
		s.says(messageFrom("dave@friends.example/x", "hello"))
		got := s.got()
		o.expect("told", errorsIn(got), julietJID+" forbidden", julietJID+" registration-required")
		if n := len(o.lan.Log()) - before; n != 0 {
			o.Errorf("%d packets", n)
		}
	}, standInHere, func(o *office) { o.cfg.Access.Domains = []string{"friends.example"} })
	scene(t, "INJ-33 INJ-9 a subscriber of an admitted domain is let in, both ways", func(o *office) {
		dave := o.friend("dave@friends.example")
		dave.Available("", "")
		juliet := o.juliet()
		o.start()
		dave.subscribes(julietJID)
		dave.writes(julietJID, "hello")
		o.pass(5 * time.Second)
		o.expect("Juliet reads", juliet.reads(), `dave\40friends.example@office: hello`)
		dave.got()
		juliet.writes(`dave\40friends.example@office`, "hello Dave")
		o.expect("Dave reads", dave.reads(), julietJID+": hello Dave")
		dave.Unsubscribe(julietJID)
		o.pass(time.Second)
		dave.got()
		juliet.writes(`dave\40friends.example@office`, "still there?")
		o.pass(3 * time.Second)
		got := stanzas(juliet.got())
		o.expect("INJ-9", errorsIn(got), `dave\40friends.example@office forbidden`)
		o.expect("Dave reads", dave.reads())
	}, func(o *office) { o.cfg.Access.Domains = []string{"friends.example"} })
}

// request is an iq.
func iq(kind, id, to string, child *stanza.Element) stanza.Stanza {
	return stanza.Stanza{Kind: stanza.IQ, Type: kind, ID: id, To: to, Payload: []*stanza.Element{child}}
}
