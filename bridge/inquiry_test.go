package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

func TestInquiries(t *testing.T) {
	able := program("Able", stanza.NSVersion, stanza.NSTime)
	clock := stanza.New(stanza.NSTime, "time").Add(
		stanza.New(stanza.NSTime, "tzo").AddText("+01:00"), stanza.New(stanza.NSTime, "utc").AddText("2026-11-22T15:00:00.123Z"))
	knowing := func(q *stanza.Element) (string, *stanza.Element) {
		switch q.Name.Space {
		case stanza.NSVersion:
			return "result", query(stanza.NSVersion).Add(stanza.New(stanza.NSVersion, "name").AddText("Able\u202E"),
				stanza.New(stanza.NSVersion, "version").AddText("1\n2"), stanza.New("urn:evil", "x"))
		case stanza.NSTime:
			return "result", clock
		}
		return disclosing(able)(q)
	}
	synctestRun(t, "MAP-X5 MAP-X7 a client that says that it answers is asked, and its answer written anew", func(t *testing.T) {
		c := serving(t, txtOf(able), knowing)
		got := c.requests("get", julietJID, query(stanza.NSVersion))
		if outcome(t, got) != "result" || string(stanza.Append(nil, stanza.Component, got[0])) !=
			`<iq from='`+julietJID+`' to='`+aliceJID+`/desk' type='result' id='q'><query xmlns='jabber:iq:version'><name>Able</name><version>1 2</version></query></iq>` {
			t.Errorf("version: %+v", got)
		}
		got = c.requests("get", julietJID, stanza.New(stanza.NSTime, "time"))
		if outcome(t, got) != "result" || got[0].Payload[0].Child(stanza.NSTime, "utc").Text() != "2026-11-22T15:00:00Z" {
			t.Errorf("time: %+v", got)
		}
		if list := c.asked(); len(list) != 3 { // once what it can
			t.Errorf("asked for %v", list)
		}
	})
	synctestRun(t, "MAP-X7 whoever does not say that it tells the time is not asked", func(t *testing.T) {
		dumb := program("Dumb")
		c := serving(t, txtOf(dumb), disclosing(dumb))
		if got := outcome(t, c.requests("get", julietJID, stanza.New(stanza.NSTime, "time"))); got != no {
			t.Error(got)
		}
		if list := c.asked(); len(list) != 1 || list[0] != stanza.NSDiscoInfo {
			t.Errorf("asked for %v", list)
		}
	})
	synctestRun(t, "LL-CAP-7 MAP-X5 a version text in the record is the version, and needs no question", func(t *testing.T) {
		c := serving(t, []string{"txtvers=1", "node=http://www.apple.com/ichat/caps", "ver=524"}, nil)
		got := c.requests("get", julietJID, query(stanza.NSVersion))
		if outcome(t, got) != "result" || got[0].Payload[0].Child(stanza.NSVersion, "version").Text() != "524" {
			t.Errorf("%+v", got)
		}
		if list := c.asked(); len(list) != 0 {
			t.Errorf("asked for %v", list)
		}
		if i := infoIn(t, c.requests("get", julietJID, query(stanza.NSDiscoInfo))); !i.Has(stanza.NSVersion) {
			t.Error("what is answered is not listed")
		}
	})
	synctestRun(t, "MAP-E1 a client's error is passed on: condition and text, found by us, nothing else of it", func(t *testing.T) {
		c := serving(t, txtOf(able), func(q *stanza.Element) (string, *stanza.Element) {
			if q.Name.Space == stanza.NSDiscoInfo {
				return disclosing(able)(q)
			}
			return "error", stanza.New("", "error").With("type", "auth").With("by", "x@y").Add(
				stanza.New(stanza.NSStanzaErrors, "forbidden"), stanza.New(stanza.NSStanzaErrors, "text").AddText("no"), stanza.New("urn:evil", "x"))
		})
		got := c.requests("get", julietJID, query(stanza.NSVersion))
		if outcome(t, got) != "forbidden" || string(stanza.Append(nil, stanza.Component, got[0])) != `<iq from='`+julietJID+`' to='`+aliceJID+
			`/desk' type='error' id='q'><error type='auth' by='`+component+`'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no</text></error></iq>` {
			t.Errorf("%+v", got)
		}
	})
	synctestRun(t, "MAP-X6 a ping is for an open stream only, and its sender knows no better without one", func(t *testing.T) {
		c := serving(t, nil, nil)
		c.hears(iqFromAlice("p", julietJID, stanza.New(stanza.NSPing, "ping")))
		d := c.mesh.take()
		if len(d) != 1 || !d[0].IfOpen || d[0].Token&inquiryToken == 0 || len(c.session.take()) != 0 {
			t.Fatalf("%+v", d)
		}
		c.returned(linklocal.Returned{Proxy: aliceJID, Peer: julietName, Tokens: []uint64{d[0].Token}, Err: linklocal.ErrStream})
		if got := c.session.take(); len(got) != 1 || got[0].Type != "result" || got[0].ID != "p" || c.peers[localOf(julietName)].mute {
			t.Errorf("%+v", got)
		}
	})
	synctestRun(t, "GW-14 GW-15 MAP-E4 a question that does not get through is answered so", func(t *testing.T) {
		c := serving(t, txtOf(able), knowing)
		infoIn(t, c.requests("get", julietJID, query(stanza.NSDiscoInfo)))
		c.hears(iqFromAlice("q", julietJID, query(stanza.NSVersion)))
		d := c.mesh.take()
		c.returned(linklocal.Returned{Proxy: aliceJID, Peer: julietName, Tokens: []uint64{d[0].Token}, Err: linklocal.ErrStream})
		if got := outcome(t, c.session.take()); got != "remote-server-timeout" {
			t.Error(got)
		}
		c.hears(iqFromAlice("q", julietJID, query(stanza.NSVersion)))
		c.mesh.take() // nobody says what became of it
		c.rest(30 * time.Second)
		if got := outcome(t, c.session.take()); got != "remote-server-timeout" || c.peers[localOf(julietName)].mute {
			t.Error(got)
		}
		c.hears(iqFromAlice("q", julietJID, query(stanza.NSVersion)))
		d = c.mesh.take()
		c.rest(askLimit - time.Second)
		c.delivered(linklocal.Delivered{Token: d[0].Token}) // after a slow dial
		c.rest(time.Minute)
		if got := outcome(t, c.session.take()); got != "remote-server-timeout" || c.peers[localOf(julietName)].mute {
			t.Errorf("delivered late: %s", got)
		}
		c.hears(iqFromAlice("q", julietJID, query(stanza.NSVersion)))
		c.peerGone(julietName, "")
		if got := outcome(t, c.session.take()); got != no {
			t.Errorf("gone: %s", got)
		}
	})
	synctestRun(t, "MAP-X11 ids are our own, and an answer is taken from whom was asked, to whom asked, once", func(t *testing.T) {
		c := serving(t, txtOf(able), nil)
		c.meets(romeoName, "forza")
		c.meet(mustJID("bob@example.org"))
		c.hears(iqFromAlice("same", julietJID, query(stanza.NSDiscoInfo)))
		second := iqFromAlice("same", julietJID, query(stanza.NSDiscoInfo))
		second.From = aliceJID + "/phone"
		c.hears(second)
		list := c.mesh.take()
		if len(list) != 1 || list[0].Stanza.ID == "same" || list[0].Proxy != aliceJID || list[0].Peer != julietName || list[0].Host != "pronto" {
			t.Fatalf("asked: %+v", list)
		}
		d, answer := list[0], able.Query("")
		for _, wrong := range []linklocal.Delivery{
			{Proxy: d.Proxy, Peer: romeoName, Stanza: d.Stanza},
			{Proxy: "bob@example.org", Peer: d.Peer, Stanza: d.Stanza},
			{Proxy: d.Proxy, Peer: d.Peer, Stanza: stanza.Stanza{ID: "same"}},
			{Proxy: d.Proxy, Peer: d.Peer},
		} {
			c.replied(wrong, "result", answer)
			c.replied(wrong, "error", answer)
		}
		if got := c.session.take(); len(got) != 0 {
			t.Fatalf("taken from elsewhere: %+v", got)
		}
		c.replied(d, "result", answer)
		got := c.session.take()
		if len(got) != 2 || got[0].ID != "same" || got[1].ID != "same" || got[0].To == got[1].To {
			t.Errorf("%+v", got)
		}
		dropped := c.drops.of("MAP-X11")
		c.replied(d, "result", answer)
		if got := c.waits(time.Minute); len(got) != 0 || c.drops.of("MAP-X11") != dropped+1 {
			t.Errorf("answered again: %+v", got)
		}
	})
	synctestRun(t, "MAP-X13 five seconds of silence and the client is mute, until its stream or its program changes", func(t *testing.T) {
		c := serving(t, nil, nil)
		p := c.peers[localOf(julietName)]
		c.hears(iqFromAlice("q", julietJID, query(stanza.NSDiscoInfo)))
		begin := time.Now()
		for len(c.session.sent) == 0 && time.Since(begin) < time.Minute {
			c.replies()
			c.rest(100 * time.Millisecond)
		}
		if d := time.Since(begin); d < 3*time.Second || d > 6*time.Second || !p.mute {
			t.Errorf("answered after %v, mute %v", d, p.mute)
		}
		infoIn(t, c.session.take())
		asks := func(when string, want int) {
			t.Helper()
			c.asked()
			infoIn(t, c.requests("get", julietJID, query(stanza.NSDiscoInfo)))
			if got := outcome(t, c.requests("get", julietJID, stanza.New(stanza.NSPing, "ping"))); got != "result" {
				t.Errorf("%s: a ping while she is here: %s", when, got)
			}
			if list := c.asked(); len(list) != want {
				t.Errorf("%s: asked for %v", when, list)
			}
		}
		asks("while mute", 0)
		c.meets(julietName, "pronto", "txtvers=1", "status=dnd")
		asks("with another status", 0)
		c.streamOpened(linklocal.StreamOpened{Proxy: aliceJID, Peer: julietName})
		asks("on another stream", 1)
		c.meets(julietName, "pronto", "txtvers=1", "node=other", "ver=2")
		asks("with another program", 1)
		c.peerGone(julietName, "")
		c.meets(julietName, "pronto", "txtvers=1", "node=other", "ver=2")
		asks("back again", 1)
	})
	synctestRun(t, "PRIV-5 who is not on the mesh is not shown there for a question", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.meets(julietName, "pronto", txtOf(able)...)
		for _, payload := range []*stanza.Element{query(stanza.NSDiscoInfo), query(stanza.NSVersion), stanza.New(stanza.NSPing, "ping"), stanza.New(stanza.NSTime, "time")} {
			if outcome(t, c.requests("get", julietJID, payload)) == "" {
				t.Error("no answer")
			}
		}
		if len(c.mesh.published)+len(c.mesh.kept)+len(c.questions) != 0 {
			t.Errorf("%+v", c.mesh)
		}
	})
	synctestRun(t, "GW-14 what waits is bounded, and everybody gets an answer", func(t *testing.T) {
		c := serving(t, nil, nil)
		c.routing = true
		c.hears(iqFromAlice(strings.Repeat("i", maxAskID+1), julietJID, query(stanza.NSDiscoInfo)))
		if n := len(c.session.take()); n != 1 || len(c.inquiries.ids) != 0 {
			t.Errorf("%d answers to an id like a novel, %d inquiries", n, len(c.inquiries.ids))
		}
		for n := range maxInquiries + 10 {
			c.meets(fmt.Sprint("p", n, "@pc"), "pc")
			c.hears(iqFromAlice("q", proxyOf(fmt.Sprint("p", n, "@pc")), query(stanza.NSDiscoInfo)))
		}
		for range 2 * maxCurious {
			c.hears(iqFromAlice("q", proxyOf("p0@pc"), query(stanza.NSDiscoInfo)))
		}
		if n := len(c.inquiries.ids); n != maxInquiries || len(c.inquiries.tokens) != n {
			t.Errorf("%d wait", n)
		}
		if n, want := len(c.waits(30*time.Second)), maxInquiries+10+2*maxCurious; n != want {
			t.Errorf("%d answers, want %d", n, want)
		}
		if len(c.inquiries.ids)+len(c.inquiries.tokens) != 0 {
			t.Error("something is left")
		}
	})
	synctestRun(t, "COMP-13 GW-14 who waits when the bridge ends is answered", func(t *testing.T) {
		c := serving(t, nil, nil)
		c.hears(iqFromAlice("q", julietJID, query(stanza.NSDiscoInfo)))
		c.farewell()
		n := 0
		for _, s := range c.session.take() {
			if s.Kind == stanza.IQ {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d answers", n)
		}
	})
}

func iqFromAlice(id, to string, payload *stanza.Element) stanza.Stanza {
	return stanza.Stanza{Kind: stanza.IQ, Type: "get", ID: id, From: aliceJID + "/desk", To: to, Payload: []*stanza.Element{payload}}
}

func TestLast(t *testing.T) {
	seconds := func(t *testing.T, list []stanza.Stanza) string {
		if outcome(t, list) != "result" {
			return ""
		}
		return list[0].Payload[0].Attr("seconds")
	}
	synctestRun(t, "MAP-X8 uptime, idle 0, and since when somebody is away", func(t *testing.T) {
		c := serving(t, nil, nil)
		c.rest(time.Minute)
		if got := seconds(t, c.requests("get", component, query(stanza.NSLast))); got != "60" {
			t.Errorf("uptime %s", got)
		}
		if got := seconds(t, c.requests("get", julietJID, query(stanza.NSLast))); got != "0" {
			t.Errorf("idle %s", got)
		}
		c.peerGone(julietName, "")
		c.rest(10 * time.Second)
		if got := seconds(t, c.requests("get", julietJID, query(stanza.NSLast))); got != "10" {
			t.Errorf("away for %s", got)
		}
		c.hears(pres(aliceJID, `never\40seen@`+component, "subscribe"))
		c.session.take()
		if got := outcome(t, c.requests("get", `never\40seen@`+component, query(stanza.NSLast))); got != no {
			t.Errorf("never seen: %s", got)
		}
	})
}

func TestPrompt(t *testing.T) {
	synctestRun(t, "GW-13 a name becomes an address", func(t *testing.T) {
		c := serving(t, nil, nil)
		q := c.requests("get", component, query(stanza.NSGateway))
		if outcome(t, q) != "result" || q[0].Payload[0].Child(stanza.NSGateway, "desc") == nil || q[0].Payload[0].Child(stanza.NSGateway, "prompt") == nil {
			t.Errorf("%+v", q)
		}
		for typed, want := range map[string]string{
			"juliet@pronto": julietJID, " Juliet@Pronto ": julietJID, julietJID: julietJID, "Jan Novák@pc": proxyOf("Jan Novák@pc"),
			"": "", " ": "", strings.Repeat("x", 64): "", `a\20@` + component: "",
		} {
			list := c.requests("set", component, query(stanza.NSGateway).Add(stanza.New(stanza.NSGateway, "prompt").AddText(typed)))
			if want == "" {
				if got := outcome(t, list); got != "bad-request" {
					t.Errorf("%q: %s", typed, got)
				}
				continue
			}
			if outcome(t, list) != "result" || list[0].Payload[0].Child(stanza.NSGateway, "jid").Text() != want {
				t.Errorf("%q: %+v", typed, list)
			}
		}
	})
}

func TestCards(t *testing.T) {
	synctestRun(t, "MAP-X3 MAP-P7 MAP-P8 PRIV-2 INJ-20 a card shows names that are claimed, and no address", func(t *testing.T) {
		c := serving(t, []string{"txtvers=1", "1st=Juliet", "last=Capulet", "nick=JuliC", "email=j@capulet.lit", "jid=ceo@example.com"}, nil)
		list := c.requests("get", julietJID, stanza.New(stanza.NSVCard, "vCard"))
		if outcome(t, list) != "result" || list[0].From != julietJID {
			t.Fatalf("%+v", list)
		}
		got := string(stanza.AppendElement(nil, stanza.Component, list[0].Payload[0]))
		for _, want := range []string{"<FN>JuliC</FN>", "<FAMILY>Capulet</FAMILY><GIVEN>Juliet</GIVEN>", "<NICKNAME>JuliC</NICKNAME>", "Nobody has checked it"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s is missing in %s", want, got)
			}
		}
		if strings.Contains(got, "capulet.lit") || strings.Contains(got, "ceo@") || strings.Contains(got, "PHOTO") {
			t.Error(got)
		}
		gateway := c.requests("get", component, stanza.New(stanza.NSVCard, "vCard"))
		if outcome(t, gateway) != "result" || gateway[0].Payload[0].Child(stanza.NSVCard, "FN") == nil {
			t.Errorf("%+v", gateway)
		}
	})
}
