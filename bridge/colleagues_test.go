package bridge

import (
	"testing"
	"time"
)

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
