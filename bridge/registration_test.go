package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/form"
	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

const (
	bobJID      = "bob@friends.example"
	bobInstance = `bob\40friends.example@office`
)

// welcomed spares an office the welcome message.
func welcomed(o *office) { o.must(o.store.Set(store.Notices, "welcome "+aliceJID, "2000-01-01")) }

// open lets the users of a domain register.
func open(o *office) { o.cfg.Access.Domains = []string{"friends.example"} }

// admitting is a core that is up, with Juliet on the mesh, and lets Bob register.
func admitting(t *testing.T, change ...func(*config.Config)) *coreRig {
	c := newCoreRig(t, append(change, func(cfg *config.Config) { cfg.Access.Domains = []string{"friends.example"} })...)
	c.up()
	c.peer(julietName, "pronto")
	return c
}

// registers is a request about somebody's registration, with the answer and what else
// was sent.
func (c *coreRig) registers(who, kind string, fields ...*stanza.Element) (stanza.Stanza, []stanza.Stanza) {
	c.t.Helper()
	c.session.take()
	c.hears(stanza.Stanza{Kind: stanza.IQ, Type: kind, ID: "r", From: who + "/phone", To: component,
		Payload: []*stanza.Element{query(stanza.NSRegister).Add(fields...)}})
	sent := c.session.take()
	if len(sent) == 0 || sent[0].Kind != stanza.IQ || sent[0].ID != "r" || sent[0].To != who+"/phone" {
		c.t.Fatalf("%s of %s: no answer first: %+v", kind, who, sent)
	}
	return sent[0], sent[1:]
}

// form says what a registration form shows: "registered as NAME" or "not registered".
func (c *coreRig) form(who string) string {
	c.t.Helper()
	answer, more := c.registers(who, "get")
	q := answer.Child(stanza.NSRegister, "query")
	if len(more) != 0 || q == nil || q.Child(stanza.NSRegister, "instructions") == nil || q.Child(stanza.NSRegister, "nick") == nil {
		c.t.Fatalf("%+v and %+v", answer, more)
	}
	if q.Child(stanza.NSRegister, "registered") == nil {
		return "not registered"
	}
	return "registered as " + q.Child(stanza.NSRegister, "nick").Text()
}

func field(name, text string) *stanza.Element {
	return stanza.New(stanza.NSRegister, name).AddText(text)
}

// relations puts presences in words: "from type".
func relations(list []stanza.Stanza) []string {
	var words []string
	for _, s := range list {
		if s.Kind == stanza.Presence {
			words = append(words, s.From+" "+s.Type)
		}
	}
	return words
}

func TestRegistration(t *testing.T) {
	synctestRun(t, "GW-3 PRIV-5 registered, shown, unregistered, forgotten", func(t *testing.T) {
		c := admitting(t)
		if got := c.form(bobJID); got != "not registered" {
			t.Error(got)
		}
		c.hears(pres(bobJID+"/phone", component, ""))
		if len(c.mesh.published) != 0 {
			t.Error("shown before registering")
		}
		answer, sent := c.registers(bobJID, "set", field("nick", "Bob"))
		if answer.Type != "result" {
			t.Fatalf("%+v", answer)
		}
		expectWords(t, relations(sent), []string{component + " subscribe"})
		if got := c.form(bobJID); got != "registered as Bob" {
			t.Error(got)
		}
		c.hears(pres(bobJID, component, "subscribed"))
		c.hears(pres(bobJID, component, "subscribe"))
		c.hears(pres(bobJID, julietJID, "subscribe"))
		c.hears(pres(bobJID+"/phone", component, ""))
		if n := len(c.mesh.published); n != 1 || c.mesh.published[0].Profile.Nick != "Bob" {
			t.Fatalf("published: %+v", c.mesh.published)
		}
		c.rest(answerPause)
		bobs, romeos := store.Pair{Colleague: bobJID, Local: "tybalt\\40verona"}, store.Pair{Colleague: bobJID, Local: "romeo\\40forza"}
		c.setBlock(bobs, byColleague, true)
		c.setBlock(romeos, byPeer, true)
		c.setFact(store.Approvals, `juliet\40pronto `+bobJID, "x")
		c.setFact(store.Approvals, `juliet\40pronto `+aliceJID, "x")
		c.noteDown(noteKey(warning, bobs))
		c.noteDown(noteKey(invitation, store.Pair{Colleague: bobJID})) // promised not to be repeated

		answer, sent = c.registers(bobJID, "set", stanza.New(stanza.NSRegister, "remove"))
		if answer.Type != "result" || len(c.mesh.withdrawn) != 1 {
			t.Errorf("%+v, withdrawn %q", answer, c.mesh.withdrawn)
		}
		expectWords(t, relations(sent), []string{
			component + " unsubscribe", component + " unsubscribed", component + " unavailable",
			julietJID + " unsubscribe", julietJID + " unsubscribed", julietJID + " unavailable",
		})
		if got := c.form(bobJID); got != "not registered" {
			t.Error(got)
		}
		for kind, facts := range c.store.Facts {
			for key, value := range facts {
				if strings.Contains(key+value, bobJID) && key != blockKey(romeos) && !strings.HasPrefix(key, invitation) {
					t.Errorf("%s %q: %q is still remembered", kind, key, value)
				}
			}
		}
		if len(c.store.Subscriptions) != 0 || len(c.store.Shown) != 0 || c.fact(store.Approvals, `juliet\40pronto `+aliceJID) == "" || !c.blockedBy(romeos, byPeer) || len(c.notes(invitation)) != 1 {
			t.Errorf("%+v", c.store.State)
		}
		answer, sent = c.registers(bobJID, "set", stanza.New(stanza.NSRegister, "remove"))
		if e, _ := stanza.ErrorOf(answer); e.Condition != "registration-required" || e.Type != "auth" || len(sent) != 0 {
			t.Errorf("%+v and %+v", answer, sent)
		}
		c.hears(pres(bobJID, component, "unsubscribed"))
		c.hears(pres(bobJID+"/phone", component, ""))
		c.rest(time.Minute)
		if len(c.mesh.published) != 1 || len(c.store.Subscriptions) != 0 {
			t.Error("he is back, or remembered")
		}
	})
	synctestRun(t, "GW-3 INJ-24 nobody is called as the gateway is, by registering or by their card", func(t *testing.T) {
		c := admitting(t)
		for _, nick := range []string{"Gateway", " gateway\u200b", "[GATEWAY]", "“gateway”:"} {
			answer, sent := c.registers(bobJID, "set", field("nick", nick))
			if e, _ := stanza.ErrorOf(answer); e.Condition != "not-acceptable" || e.Text == "" || len(sent) != 0 {
				t.Errorf("%q: %+v and %+v", nick, answer, sent)
			}
		}
		if got := c.form(bobJID); got != "not registered" {
			t.Error(got)
		}
		if answer, _ := c.registers(bobJID, "set", field("nick", "Gate Way")); answer.Type != "result" {
			t.Errorf("%+v", answer)
		}
		bob := c.colleagues[bobJID]
		bob.nick, bob.card = "", &translate.Card{Nick: "GateWay"}
		if got := bob.nickname(); got != "" {
			t.Errorf("his card calls him %q", got)
		}
	})
	synctestRun(t, "GW-4 one subscribe from the component; his own is accepted; both again: no loop", func(t *testing.T) {
		c := admitting(t)
		var all []stanza.Stanza
		for range 3 {
			_, sent := c.registers(bobJID, "set")
			all = append(all, sent...)
			c.hears(pres(bobJID, component, "subscribed"))
			c.hears(pres(bobJID, component, "subscribe"))
			c.rest(time.Minute)
			all = append(all, c.session.take()...)
		}
		count := map[string]int{}
		for _, what := range relations(all) {
			count[what]++
		}
		if count[component+" subscribe"] != 1 || count[component+" probe"] != 1 || count[component+" subscribed"] != 3 {
			t.Errorf("%v", count)
		}
	})
	synctestRun(t, "GW-4 who refused the gateway once is asked again when he registers", func(t *testing.T) {
		c := admitting(t)
		c.hears(pres(bobJID, component, "subscribe"))
		c.hears(pres(bobJID, component, "unsubscribed"))
		_, sent := c.registers(bobJID, "set")
		expectWords(t, relations(sent), []string{component + " subscribe"})
	})
	synctestRun(t, "GW-3 GW-15 MAP-X9 who may not", func(t *testing.T) {
		c := admitting(t)
		for _, row := range []struct {
			who, kind string
			fields    []*stanza.Element
			want      string
		}{
			{"eve@else.example", "get", nil, "forbidden"},
			{"eve@else.example", "set", nil, "forbidden"},
			{"eve@else.example", "set", []*stanza.Element{stanza.New(stanza.NSRegister, "remove")}, "forbidden"},
			{"eve@" + component + ".example", "set", nil, "forbidden"},
			{bobJID, "set", []*stanza.Element{stanza.New(stanza.NSRegister, "remove")}, "registration-required"},
		} {
			answer, more := c.registers(row.who, row.kind, row.fields...)
			if e, _ := stanza.ErrorOf(answer); e.Condition != row.want || e.Type != "auth" || len(more) != 0 {
				t.Errorf("%s %s: %+v and %+v", row.who, row.kind, answer, more)
			}
		}
		if len(c.store.Facts[store.Registrations]) != 0 || c.drops.of("GW-3") != 5 {
			t.Errorf("%v, counted %d", c.store.Facts, c.drops.of("GW-3"))
		}
		c.registers(bobJID, "set")
		answer, _ := c.registers(bobJID, "set", stanza.New(stanza.NSRegister, "remove"), field("nick", "x"))
		if e, _ := stanza.ErrorOf(answer); e.Condition != "bad-request" || c.form(bobJID) != "registered as " {
			t.Errorf("removal beside something else: %+v", answer)
		}
	})
	synctestRun(t, "GW-3 a listed colleague is registered, may leave, stays away across a restart, and may come back", func(t *testing.T) {
		c := admitting(t)
		if got := c.form(aliceJID); got != "registered as Alice" {
			t.Error(got)
		}
		c.hears(pres(aliceJID+"/phone", component, ""))
		c.registers(aliceJID, "set", field("nick", "Queen of the LAN"))
		if got := c.form(aliceJID); got != "registered as Alice" {
			t.Error("the admin's name was replaced:", got)
		}
		_, sent := c.registers(aliceJID, "set", stanza.New(stanza.NSRegister, "remove"))
		expectWords(t, relations(sent), []string{component + " unsubscribe", component + " unsubscribed", component + " unavailable"})
		c.mesh.published, c.mesh.withdrawn = nil, nil

		again := admitting(t)
		again.recall(c.store.copy())
		again.store.State = c.store.State
		again.Gateway.up(again.session)
		if seen := again.colleaguesNow(); len(seen) != 1 || !seen[0].Left {
			t.Errorf("the admin is not told that she left: %+v", seen)
		}
		again.hears(pres(aliceJID+"/phone", component, ""))
		if len(again.mesh.published) != 0 || len(relations(again.session.take())) != 0 {
			t.Error("she is asked, or shown, after she left")
		}
		again.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: chat("", "1", "are you there?")})
		if again.drops.of("INJ-9") != 1 {
			t.Error("who is not here was written to")
		}
		again.hears(chat(aliceJID+"/phone", "2", "hello"))
		if list := errorsIn(again.session.take()); len(list) != 1 || list[0] != julietJID+" registration-required" {
			t.Errorf("she wrote, and got %q", list)
		}
		if got := again.form(aliceJID); got != "not registered" {
			t.Error(got)
		}
		_, sent = again.registers(aliceJID, "set", field("nick", "Al"))
		expectWords(t, relations(sent), []string{component + " subscribe"})
		again.hears(pres(aliceJID+"/phone", component, ""))
		if n := len(again.mesh.published); n != 1 || again.mesh.published[0].Profile.Nick != "Alice" {
			t.Errorf("%+v", again.mesh.published)
		}
	})
	synctestRun(t, "GW-3 INJ-21 a name is one line of bounded length, and changes at once", func(t *testing.T) {
		c := admitting(t)
		c.registers(bobJID, "set", field("nick", "  Bo\u202eb\n\tthe "+strings.Repeat("x", 100)))
		want := "registered as Bob the " + strings.Repeat("x", 64-8)
		if got := c.form(bobJID); got != want {
			t.Errorf("%q", got)
		}
		c.hears(pres(bobJID+"/phone", component, ""))
		c.registers(bobJID, "set", field("nick", "Robert"))
		if n := len(c.mesh.published); n != 2 || c.mesh.published[1].Profile.Nick != "Robert" {
			t.Errorf("%+v", c.mesh.published)
		}
	})
	synctestRun(t, "GW-3 by a form as well", func(t *testing.T) {
		c := admitting(t)
		answer, _ := c.registers(bobJID, "get")
		x := answer.Child(stanza.NSRegister, "query").Child(form.NS, "x")
		if x == nil || x.Attr("type") != "form" || len(x.Children(form.NS, "field")) != 2 {
			t.Fatalf("%+v", answer)
		}
		fill := func(kind, nick string) *stanza.Element {
			return stanza.New(form.NS, "x").With("type", kind).
				Add(stanza.New(form.NS, "field").With("var", "FORM_TYPE").Add(stanza.New(form.NS, "value").AddText(stanza.NSRegister))).
				Add(stanza.New(form.NS, "field").With("var", "nick").Add(stanza.New(form.NS, "value").AddText(nick)))
		}
		for _, bad := range []*stanza.Element{fill("cancel", "Bob"), fill("form", "Bob"), fill("submit", "B\nob"), stanza.New(form.NS, "x")} {
			if answer, _ := c.registers(bobJID, "set", bad); len(errorsIn([]stanza.Stanza{answer})) != 1 || c.form(bobJID) != "not registered" {
				t.Errorf("%+v for %+v", answer, bad)
			}
		}
		c.registers(bobJID, "set", fill("submit", "Bob"))
		if got := c.form(bobJID); got != "registered as Bob" {
			t.Error(got)
		}
	})
	synctestRun(t, "GW-3 what he wrote and nobody has got is answered when he unregisters, and comes no more", func(t *testing.T) {
		c := admitting(t)
		c.peerGone(julietName, "")
		c.registers(bobJID, "set")
		c.hears(chat(bobJID+"/phone", "1", "good night"))
		_, sent := c.registers(bobJID, "set", stanza.New(stanza.NSRegister, "remove"))
		if list := errorsIn(sent); len(list) != 1 || list[0] != julietJID+" remote-server-timeout" {
			t.Errorf("%q", list)
		}
		c.peer(julietName, "pronto")
		c.rest(time.Minute)
		if len(c.mesh.published)+len(c.mesh.take()) != 0 {
			t.Error("it was delivered, from somebody who is not here")
		}
	})
	synctestRun(t, "GW-3 registrations are bounded, and nobody registered is forgotten for want of room", func(t *testing.T) {
		c := admitting(t)
		for n := range maxRegistered {
			c.registers(fmt.Sprint("u", n, "@friends.example"), "set")
			if n%40 == 0 {
				c.rest(time.Minute)
				c.Gateway.routed(c.session.seq)
			}
		}
		answer, _ := c.registers(bobJID, "set")
		if e, _ := stanza.ErrorOf(answer); e.Condition != "resource-constraint" {
			t.Errorf("%+v", answer)
		}
		answer, _ = c.registers("u7@friends.example", "set", field("nick", "Seven"))
		if answer.Type != "result" {
			t.Errorf("who is registered cannot change the name: %+v", answer)
		}
		for n := range maxColleagues {
			c.admit(fmt.Sprint("v", n, "@friends.example"))
		}
		for n := range maxRegistered {
			if c.colleagues[fmt.Sprint("u", n, "@friends.example")] == nil {
				t.Fatalf("number %d was forgotten", n)
			}
		}
		if len(c.colleagues) != maxColleagues+1 {
			t.Errorf("%d colleagues", len(c.colleagues))
		}
	})
}

func TestRegistrationLasts(t *testing.T) {
	scene(t, "GW-3 PRIV-5 PRIV-3 registered across a restart, and dismissed when the domain is no longer admitted", func(o *office) {
		bob, juliet := o.dialled, o.juliet()
		registers := func(inner string) {
			bob.says(`<iq type='set' id='1' from='` + bobJID + `/phone' to='` + component + `'><query xmlns='jabber:iq:register'>` + inner + `</query></iq>`)
		}
		o.start()
		registers(`<nick>Bob</nick>`)
		bob.says(presenceFrom(bobJID, "subscribed", ""))
		bob.says(presenceFrom(bobJID, "subscribe", ""))
		bob.says(presenceFrom(bobJID+"/phone", "", ""))
		o.pass(5 * time.Second)
		juliet.expectSees(bobInstance, "avail")
		o.sigterm()
		o.pass(5 * time.Second)
		juliet.expectSees(bobInstance, "")
		bob.got()

		o.start()
		told := bob.told()
		if !slices.Contains(told, component+" -> "+bobJID+": probe") || slices.Contains(told, component+" -> "+bobJID+": subscribe") {
			o.Errorf("told at the start: %q", told)
		}
		bob.says(presenceFrom(bobJID+"/phone", "", ""))
		o.pass(5 * time.Second)
		juliet.expectSees(bobInstance, "avail")
		if profile, _ := juliet.sees(bobInstance); profile.Nick != "Bob" {
			o.Errorf("his name is %q", profile.Nick)
		}
		registers(`<remove/>`)
		o.pass(5 * time.Second)
		juliet.expectSees(bobInstance, "")
		registers(`<nick>Bob</nick>`)
		bob.says(presenceFrom(bobJID, "subscribed", ""))
		o.pass(time.Second)
		o.sigterm()
		bob.got()

		o.cfg.Access.Domains = nil
		o.start()
		bob.says(presenceFrom(bobJID+"/phone", "", ""))
		o.pass(5 * time.Second)
		juliet.expectSees(bobInstance, "")
		if told := bob.told(); !slices.Contains(told, component+" -> "+bobJID+": unsubscribe") {
			o.Errorf("told: %q", told)
		}
		o.sigterm()
		if st := o.stored(); len(st.Facts[store.Registrations]) != 0 {
			o.Errorf("remembered: %+v", st.Facts)
		}
	}, onDisk, open, standInHere)
}
