package adhoc

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/bridge/form"
	"meshbridge/internal/stanza"
)

const alice = "alice@example.org/desk"

// asked is a request with these attributes of the command, and what stands in it.
func asked(attrs, inner string) stanza.Stanza {
	return read(`<iq type='set' id='q' from='` + alice + `' to='lan.example.org'><command xmlns='` + NS + `' ` + attrs + `>` + inner + `</command></iq>`)
}

func read(text string) stanza.Stanza {
	r := stanza.NewReader(strings.NewReader(string(stanza.AppendHeader(nil, stanza.Component, stanza.Header{}))+text), stanza.Component, stanza.MeshLimits())
	r.Header()
	r.Trust()
	e, err := r.Next()
	if err != nil {
		return stanza.Stanza{}
	}
	s, _ := stanza.Parse(e)
	return s
}

const named = `<x xmlns='jabber:x:data' type='submit'><field var='name'><value>Anna</value></field></x>`

// twice is a command of two forms that says in the end what was filled in.
func twice(reply func(Step)) {
	ask := form.Form{Title: "Who?", Fields: []form.Field{{Var: "name", Kind: form.TextSingle, Required: true}}}
	reply(Step{Form: ask, Then: func(first form.Answers, reply func(Step)) {
		reply(Step{Form: ask, Last: true, Then: func(second form.Answers, reply func(Step)) {
			reply(Step{Note: first.One("name") + " and " + second.One("name")})
		}})
	}})
}

// desk is a set of sessions with one command on it.
type desk struct {
	Sessions
	t     *testing.T
	begin func(func(Step))
	last  string // id of the session that was last answered
}

// asks sends a request, and says what came of it: a status with what can be done next,
// or the condition of the fault.
func (d *desk) asks(from, attrs, inner string) (answer string) {
	d.t.Helper()
	s := asked(`node='n' `+strings.ReplaceAll(attrs, "SESSION", "sessionid='"+d.last+"'"), inner)
	s.From = from
	n := 0
	take := func(e *stanza.Element, f *Fault) {
		n++
		if f != nil {
			r := f.Answer(s)
			if r.Type != "error" || r.ID != "q" || r.From != "lan.example.org" || r.To != from {
				d.t.Errorf("%+v", r)
			}
			answer = f.Condition + " " + f.Specific
			return
		}
		d.last = e.Attr("sessionid")
		answer = e.Attr("status")
		if actions := e.Child(NS, "actions"); actions != nil {
			answer += " " + actions.Attr("execute") + ":"
			for _, a := range actions.Elements() {
				answer += " " + a.Name.Local
			}
		}
		if note := e.Child(NS, "note"); note != nil {
			answer += " " + note.Attr("type") + ": " + note.Text()
		}
		if e.Attr("node") != "n" || e.Lang() != "en" {
			d.t.Errorf("%+v", e)
		}
	}
	r, fault := Read(s)
	if fault != nil {
		take(nil, fault)
	} else {
		d.Serve(r, d.begin, take)
	}
	if n > 1 {
		d.t.Errorf("%d answers", n)
	}
	return answer
}

func (d *desk) expect(from, attrs, inner, want string) {
	d.t.Helper()
	if got := d.asks(from, attrs, inner); got != want {
		d.t.Errorf("%s: %q, want %q", attrs, got, want)
	}
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, name string, f func(d *desk)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(&desk{t: t, begin: twice}) })
	})
}

const (
	first  = "executing next: next"
	second = "executing complete: prev complete"
	done   = "completed info: Anna and Anna"
)

func TestSessions(t *testing.T) {
	bubble(t, "GW-20 two forms, by every action that leads on", func(d *desk) {
		for _, by := range [][3]string{{"", "", ""}, {"action='execute'", "action='next'", "action='complete'"}, {"", "action='execute'", "action='execute'"}} {
			d.expect(alice, by[0], "", first)
			d.expect(alice, "SESSION "+by[1], named, second)
			d.expect(alice, "SESSION "+by[2], named, done)
		}
	})
	bubble(t, "GW-20 back and on again", func(d *desk) {
		d.expect(alice, "", "", first)
		d.expect(alice, "SESSION action='prev'", "", "bad-request bad-action")
		d.expect(alice, "SESSION", named, second)
		d.expect(alice, "SESSION action='prev'", "", first)
		d.expect(alice, "SESSION", strings.Replace(named, "Anna", "Bob", 1), second)
		d.expect(alice, "SESSION", named, "completed info: Bob and Anna")
	})
	bubble(t, "GW-20 cancelled, and over", func(d *desk) {
		d.expect(alice, "", "", first)
		d.expect(alice, "SESSION action='cancel'", "", "canceled")
		d.expect(alice, "SESSION action='cancel'", "", "not-allowed session-expired")
		d.expect(alice, "", "", first)
		d.expect(alice, "SESSION", named, second)
		d.expect(alice, "SESSION", named, done)
		d.expect(alice, "SESSION", named, "not-allowed session-expired")
	})
	bubble(t, "GW-20 what is wrong changes nothing", func(d *desk) {
		d.expect(alice, "", "", first)
		for attrs, want := range map[string]string{
			"SESSION action='dance'":    "bad-request malformed-action",
			"SESSION action='complete'": "bad-request bad-action",
			"SESSION xml:lang='x_y'":    "bad-request bad-locale",
			"sessionid='x'":             "bad-request bad-sessionid",
			"action='next'":             "bad-request bad-action",
			"action='cancel'":           "bad-request bad-action",
		} {
			d.expect(alice, attrs, named, want)
		}
		for _, payload := range []string{"", strings.Replace(named, "submit", "form", 1), strings.Replace(named, "'name'", "'other'", 1), strings.Replace(named, "Anna", "", 1)} {
			d.expect(alice, "SESSION", payload, "bad-request bad-payload")
		}
		d.expect(alice, "SESSION xml:lang='de-CH'", named, second)
		d.expect(alice, "SESSION action='next'", named, "bad-request bad-action")
	})
	bubble(t, "GW-20 a session is its owner's, at the device where it began, and its command's", func(d *desk) {
		d.expect(alice, "", "", first)
		for _, who := range []string{"alice@example.org/phone", "alice@example.org", "eve@example.org/desk"} {
			d.expect(who, "SESSION", named, "bad-request bad-sessionid")
			d.expect(who, "SESSION action='cancel'", "", "bad-request bad-sessionid")
		}
		r, _ := Read(asked("node='m' sessionid='"+d.last+"'", named))
		d.Serve(r, twice, func(_ *stanza.Element, f *Fault) {
			if f != badSession {
				d.t.Errorf("another command: %+v", f)
			}
		})
		d.expect(alice, "SESSION", named, second)
	})
	bubble(t, "GW-20 a form waits for ten minutes from when it was shown", func(d *desk) {
		d.expect(alice, "", "", first)
		<-time.After(life - time.Second)
		d.expect(alice, "SESSION", named, second)
		<-time.After(life - time.Second)
		d.expect(alice, "SESSION action='prev'", "", first)
		<-time.After(life)
		d.expect(alice, "SESSION", named, "not-allowed session-expired")
		<-time.After(life)
		d.expect(alice, "SESSION", named, "bad-request bad-sessionid")
		if len(d.list) != 0 {
			d.t.Errorf("%d sessions are kept", len(d.list))
		}
	})
	bubble(t, "GW-20 an answer that comes later, and nothing in between", func(d *desk) {
		var later func(Step)
		d.begin = func(reply func(Step)) { later = reply }
		got := ""
		r, _ := Read(asked("node='n'", ""))
		d.Serve(r, d.begin, func(e *stanza.Element, _ *Fault) { got = e.Attr("status") })
		d.last = d.list[0].id
		for _, action := range []string{"", "action='cancel'"} {
			d.expect(alice, "SESSION "+action, named, "bad-request bad-action")
		}
		<-time.After(3 * life)
		later(Step{Note: "no", Failed: true})
		if got != "completed" {
			d.t.Errorf("answered %q", got)
		}
	})
	bubble(t, "GW-20 nobody has more than four at a time: the first ends; many have 64, and no more are kept than 256", func(d *desk) {
		d.expect(alice, "", "", first)
		begun := d.last
		for range maxOwn {
			d.expect(alice, "", "", first)
		}
		latest := d.last
		d.last = begun
		d.expect(alice, "SESSION", named, "not-allowed session-expired")
		d.last = latest
		d.expect(alice, "SESSION", named, second)
		for i := range maxOpen - maxOwn {
			d.expect(fmt.Sprintf("p%d@example.org/x", i), "", "", first)
		}
		d.expect("late@example.org/x", "", "", "resource-constraint ")
		d.expect(alice, "", "", first) // one of hers ends for it
		if n := d.Open(); n != maxOpen {
			d.t.Errorf("%d are open", n)
		}
		for range 2 * maxKept {
			d.expect(alice, "", "", first)
		}
		if n := len(d.list); n > maxKept || d.Open() != maxOpen {
			d.t.Errorf("%d are kept, %d open", n, d.Open())
		}
	})
	bubble(t, "GW-20 who has four under way that cannot be ended has to wait", func(d *desk) {
		d.begin = func(func(Step)) {}
		for range maxOwn {
			d.expect(alice, "", "", "")
		}
		d.expect(alice, "", "", "resource-constraint ")
	})
}

func TestShown(t *testing.T) {
	f := form.Form{Title: "T", Fields: []form.Field{{Var: "n", Kind: form.TextSingle, Values: []string{"1"}}}}
	then := func(form.Answers, func(Step)) {}
	for _, c := range []struct {
		name string
		step Step
		want string
	}{
		{"a form", Step{Form: f, Then: then, Last: true, Note: "Careful."}, `status='executing' xml:lang='en'><actions execute='complete'><complete/></actions><note type='info'>Careful.</note>` +
			`<x xmlns='jabber:x:data' type='form'><title>T</title><field var='n' type='text-single'><value>1</value></field></x></command>`},
		{"a result", Step{Form: f}, `status='completed' xml:lang='en'><x xmlns='jabber:x:data' type='result'><title>T</title><field var='n' type='text-single'><value>1</value></field></x></command>`},
		{"a failure", Step{Note: "Nobody.", Failed: true}, `status='completed' xml:lang='en'><note type='error'>Nobody.</note></command>`},
	} {
		t.Run("GW-20 "+c.name, func(t *testing.T) {
			var sessions Sessions
			r, _ := Read(asked("node='n'", ""))
			sessions.Serve(r, func(reply func(Step)) { reply(c.step) }, func(e *stanza.Element, _ *Fault) {
				want := `<command xmlns='` + NS + `' node='n' sessionid='` + e.Attr("sessionid") + `' ` + c.want
				if got := string(stanza.AppendElement(nil, stanza.Component, e)); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			})
		})
	}
	t.Run("GW-20 a fault", func(t *testing.T) {
		got := string(stanza.Append(nil, stanza.Component, badPayload.Answer(asked("node='n'", ""))))
		if want := `<iq from='lan.example.org' to='` + alice + `' type='error' id='q'><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>` +
			`<bad-payload xmlns='` + NS + `'/></error></iq>`; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// FuzzServe feeds sequences of requests: each is answered once, and what is kept stays
// within its bounds.
func FuzzServe(f *testing.F) {
	f.Add(`node='n'`, ``, uint8(3))
	f.Add(`node='n' sessionid='SESSION'`, named, uint8(200))
	f.Add(`node='n' sessionid='SESSION' action='prev' xml:lang='de'`, ``, uint8(7))
	f.Fuzz(func(t *testing.T, attrs, inner string, moves uint8) {
		var sessions Sessions
		last := ""
		for i := range 8 {
			s := asked(`node='n'`, "")
			if moves&(1<<i) != 0 {
				s = asked(strings.ReplaceAll(attrs, "SESSION", last), inner)
			}
			if s.Kind != stanza.IQ || len(s.Payload) != 1 {
				return // does not get here
			}
			n := 0
			take := func(e *stanza.Element, fault *Fault) {
				if n++; (e == nil) == (fault == nil) {
					t.Fatal("neither an answer nor a fault, or both")
				}
				if e != nil {
					last = e.Attr("sessionid")
				}
			}
			if r, fault := Read(s); fault != nil {
				take(nil, fault)
			} else {
				sessions.Serve(r, twice, take)
			}
			if n != 1 || sessions.Open() > maxOwn {
				t.Fatalf("%d answers, %d open", n, sessions.Open())
			}
		}
	})
}
