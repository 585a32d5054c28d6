package bridge

import (
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/policy"
	"meshbridge/internal/stanza"
)

// features reads the answer to disco#info.
func features(s stanza.Stanza) (list []string, identity string) {
	q := s.Child(stanza.NSDiscoInfo, "query")
	if q == nil {
		return nil, ""
	}
	for _, f := range q.Children(stanza.NSDiscoInfo, "feature") {
		list = append(list, f.Attr("var"))
	}
	if i := q.Child(stanza.NSDiscoInfo, "identity"); i != nil {
		identity = i.Attr("category") + "/" + i.Attr("type") + " " + i.Attr("name")
	}
	return list, identity
}

// payloads of the iq pass list, by namespace.
var payloads = map[string]string{
	stanza.NSDiscoInfo: "query", stanza.NSDiscoItems: "query", stanza.NSVersion: "query", stanza.NSPing: "ping",
	stanza.NSVCard: "vCard", stanza.NSTime: "time", stanza.NSLast: "query", stanza.NSGateway: "query",
}

func TestQuestions(t *testing.T) {
	scene(t, "MAP-X1 MAP-X2 MAP-X6 GW-14 what the gateway and a peer list is answered, once each", func(o *office) {
		alice, _ := o.together()
		for _, c := range []struct {
			to, identity string
			role         policy.Role
		}{
			{component, "gateway/xmpp Link-local bridge", policy.AsComponent},
			{julietJID, "client/pc juliet@pronto", policy.AsPeer},
		} {
			alice.Write(iq("get", "info", c.to, stanza.New(stanza.NSDiscoInfo, "query")))
			o.pass(10 * time.Second) // for Juliet's program, which does not answer
			got := alice.got()
			if len(got) != 1 {
				o.Fatalf("%d answers", len(got))
			}
			list, identity := features(got[0])
			if identity != c.identity {
				o.Errorf("%s is %q", c.to, identity)
			}
			o.expect("features of "+c.to, list, policy.Features(c.role)...)
			for _, space := range list {
				if payloads[space] == "" {
					continue // no request
				}
				alice.Write(iq("get", "q", c.to, stanza.New(space, payloads[space])))
				if a := alice.got(); len(a) != 1 || a[0].Type != "result" || a[0].ID != "q" || a[0].From != c.to || a[0].To != alice.FullJID() {
					o.Errorf("%s to %s: %+v", space, c.to, a)
				}
			}
			alice.Write(iq("get", "q", c.to, stanza.New(stanza.NSDiscoInfo, "query").With("node", "x")))
			o.expect("unknown node", errorsIn(alice.got()), c.to+" item-not-found")
		}
	})
	scene(t, "MAP-X1 MAP-X2 MAP-X6 a peer's questions are answered in a colleague's place, and go nowhere", func(o *office) {
		alice, juliet := o.together()
		before := len(o.upstreamSaw())
		for _, space := range policy.Features(policy.AsColleague) {
			local := payloads[space]
			if space == stanza.NSVCard {
				continue // that of each is another: TestColleaguesCards
			}
			juliet.raw(aliceInstance, `<iq type='get' id='q' to='`+aliceInstance+`'><`+local+` xmlns='`+space+`'/></iq>`)
			got := juliet.got()
			if len(got) != 1 || got[0].Type != "result" || got[0].ID != "q" || got[0].From != aliceInstance || got[0].To != julietName {
				o.Fatalf("%s: %+v", space, got)
			}
			switch space {
			case stanza.NSDiscoInfo:
				list, identity := features(got[0].Stanza)
				o.expect("features", list, policy.Features(policy.AsColleague)...)
				if identity != "client/pc xmpp-bridge" {
					o.Errorf("identity %q", identity)
				}
			case stanza.NSDiscoItems:
				if q := got[0].Payload[0]; len(q.Elements()) != 0 {
					o.Errorf("items: %+v", q)
				}
			case stanza.NSVersion:
				if q := got[0].Payload[0]; q.Child(space, "name").Text() != "meshbridge" || q.Child(space, "version").Text() != "test" {
					o.Errorf("version: %+v", q)
				}
			}
		}
		if n := len(o.upstreamSaw()) - before; n != 0 || len(alice.got()) != 0 {
			o.Errorf("%d stanzas went upstream", n)
		}
	})
	scene(t, "GW-2 MAP-X2 the gateway lists who is here to those who may know", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.joins(romeoName, "forza", "10.2.1.188/24", "txtvers=1", "nick=Romeo & co")
		o.start()
		s.got()
		ask := func(who string) (jids []string) {
			s.says(`<iq type='get' id='i' from='` + who + `/r' to='` + component + `'><query xmlns='` + stanza.NSDiscoItems + `'/></iq>`)
			got := s.got()
			if len(got) != 1 || got[0].Type != "result" {
				o.Fatalf("answered with %+v", got)
			}
			for _, item := range got[0].Payload[0].Elements() {
				jids = append(jids, item.Attr("jid")+" "+item.Attr("name"))
			}
			return jids
		}
		o.expect("Alice sees", ask(aliceJID), julietJID+" juliet@pronto", romeoJID+" Romeo & co")
		o.expect("a stranger sees", ask(eve))
		juliet.signOff()
		o.pass(5 * time.Second)
		o.expect("Alice sees", ask(aliceJID), romeoJID+" Romeo & co")
	}, standInHere)
	scene(t, "MAP-M13 help to the gateway is answered once, a message without words never, strangers hardly", func(o *office) {
		s := o.dialled
		o.juliet()
		o.start()
		s.got()
		send := func(who, inner string) []stanza.Stanza {
			s.says(`<message from='` + who + `/r' to='` + component + `' type='chat'>` + inner + `</message>`)
			return s.got()
		}
		got := send(aliceJID, `<body>help</body>`)
		if len(got) != 1 || got[0].From != component || got[0].To != aliceJID+"/r" || !strings.Contains(bodyOf(got[0]), julietJID) {
			o.Errorf("answered with %+v", got)
		}
		if got := send(aliceJID, `<active xmlns='http://jabber.org/protocol/chatstates'/>`); len(got) != 0 {
			o.Errorf("answered with %+v", got)
		}
		o.expect("a stranger", errorsIn(send(eve, `<body>help</body>`)), component+" service-unavailable")
	}, standInHere)
	scene(t, "an iq answer to a peer that has closed its stream is not worth a new one", func(o *office) {
		_, juliet := o.together()
		dials := len(o.lan.Dialled())
		juliet.raw(aliceInstance, `<iq type='get' id='q' to='`+aliceInstance+`'><ping xmlns='urn:xmpp:ping'/></iq></stream:stream>`)
		o.pass(time.Minute)
		if n := len(o.lan.Dialled()) - dials; n != 1 { // Juliet's own
			o.Errorf("%d connections", n)
		}
	})
}
