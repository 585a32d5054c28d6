package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/caps"
	"meshbridge/bridge/config"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

// Questions over real streams, to programs that answer them and to those that do not.
func TestClients(t *testing.T) {
	simple := program("Simple", stanza.NSVersion, stanza.NSPing, stanza.NSChatStates)
	answering := func(q *stanza.Element) (string, *stanza.Element) {
		if q.Name.Space == stanza.NSPing {
			return "result", nil
		}
		return disclosing(simple)(q)
	}
	modern := func(o *office) (*friend, *person) {
		alice := o.alice()
		juliet := o.joins(julietName, "pronto", "10.2.1.187/24", txtOf(simple)...)
		juliet.client = answering
		o.start()
		alice.subscribes(julietJID)
		o.pass(6 * time.Second)
		alice.got()
		return alice, juliet
	}
	questions := func(p *person) (list []string) {
		for _, h := range p.got() {
			if h.Kind == stanza.IQ {
				list = append(list, h.from+" "+h.Payload[0].Name.Space)
			}
		}
		return list
	}
	scene(t, "LL-CAP-6 fifty peers join, with and without capabilities: not one stream", func(o *office) {
		alice := o.alice()
		for n := range 50 {
			txt := []string{"txtvers=1", "status=avail"}
			if n%2 == 0 {
				txt = txtOf(simple)
			}
			o.joins(fmt.Sprint("p", n, "@pc", n), fmt.Sprint("pc", n), fmt.Sprintf("10.2.1.%d/24", 50+n), txt...)
		}
		o.start()
		for n := range 50 {
			alice.subscribes(proxyOf(fmt.Sprint("p", n, "@pc", n)))
		}
		o.pass(time.Minute)
		if n := len(o.lan.Dialled()); n != 0 {
			o.Errorf("%d connections", n)
		}
	})
	scene(t, "MAP-X1 LL-CAP-3 a program that answers is asked once, over one stream, and then recognised by everybody", func(o *office) {
		alice, juliet := modern(o)
		for range 3 {
			alice.Write(iq("get", "q", julietJID, query(stanza.NSDiscoInfo)))
		}
		o.pass(5 * time.Second)
		o.expect("asked", questions(juliet), aliceInstance+" "+stanza.NSDiscoInfo)
		got, answers, shown := alice.got(), 0, ""
		for _, s := range got {
			switch el := s.Child(stanza.NSCaps, "c"); {
			case s.Kind == stanza.IQ:
				list, identity := features(s)
				o.expect("features", list, stanza.NSVersion, stanza.NSPing, stanza.NSChatStates, stanza.NSDiscoInfo)
				if identity != "client/pc Simple" {
					o.Error(identity)
				}
				answers++
			case el != nil:
				shown = el.Attr("node") + "#" + el.Attr("ver")
			}
		}
		if answers != 3 || shown != "http://psi-im.org#"+simple.Ver() || len(o.lan.Dialled()) != 1 {
			o.Errorf("%d answers, shown %q, %d connections", answers, shown, len(o.lan.Dialled()))
		}
	})
	scene(t, "MAP-X6 a ping goes to her program on an open stream, and opens none", func(o *office) {
		alice, juliet := modern(o)
		ping := func(want ...string) {
			o.Helper()
			alice.Write(iq("get", "q", julietJID, stanza.New(stanza.NSPing, "ping")))
			o.pass(time.Second)
			if got := alice.got(); len(got) != 1 || got[0].Type != "result" {
				o.Errorf("%+v", got)
			}
			o.expect("asked", questions(juliet), want...)
		}
		ping()
		if n := len(o.lan.Dialled()); n != 0 {
			o.Errorf("%d connections", n)
		}
		juliet.writes(aliceInstance, "hello")
		o.pass(10 * time.Second)
		alice.got()
		juliet.got()
		ping(aliceInstance + " " + stanza.NSPing)
	})
	scene(t, "MAP-X13 GW-14 a Bonjour client is asked once on the stream that is there, its user notices nothing, and chats go on", func(o *office) {
		alice, juliet := o.together()
		alice.Write(iq("get", "q", julietJID, query(stanza.NSDiscoInfo)))
		o.pass(time.Second)
		if got := alice.got(); len(got) != 1 || got[0].Type != "result" || len(o.lan.Dialled()) != 0 {
			o.Errorf("%+v, %d connections", got, len(o.lan.Dialled()))
		}
		juliet.writes(aliceInstance, "hello")
		o.pass(10 * time.Second)
		alice.got()
		for range 2 {
			alice.Write(iq("get", "q", julietJID, query(stanza.NSDiscoInfo)))
			o.pass(10 * time.Second)
			if got := alice.got(); len(got) != 1 || got[0].Type != "result" {
				o.Errorf("%+v", got)
			}
		}
		o.expect("asked", questions(juliet), aliceInstance+" "+stanza.NSDiscoInfo)
		o.expectCount("MAP-X13", 1)
		alice.writes(julietJID, "hi")
		juliet.writes(aliceInstance, "how are you?")
		o.pass(5 * time.Second)
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": hi")
		o.expect("Alice reads", alice.reads(), julietJID+": how are you?")
		if n := len(o.lan.Dialled()); n != 1 {
			o.Errorf("%d connections", n)
		}
	})
	scene(t, "MAP-M3 GW-14 on her first word her program is asked what it can, and told of typing from then on", func(o *office) {
		alice, juliet := modern(o)
		typing := stanza.Stanza{Kind: stanza.Message, To: julietJID, Type: "chat", Payload: []*stanza.Element{stanza.New(stanza.NSChatStates, "composing")}}
		alice.Write(typing)
		o.pass(time.Second)
		if n := len(juliet.got()); n != 0 {
			o.Errorf("%d stanzas before anybody knows", n)
		}
		juliet.writes(aliceInstance, "hello")
		o.pass(5 * time.Second)
		o.expect("asked", questions(juliet), aliceInstance+" "+stanza.NSDiscoInfo)
		alice.Write(typing)
		o.pass(time.Second)
		if got := juliet.got(); len(got) != 1 || got[0].Child(stanza.NSChatStates, "composing") == nil {
			o.Errorf("%+v", got)
		}
	})
	modernHeader := func(p *person, to string) string {
		return strings.Replace(meshtest.Header(p.instance, to), "<stream:stream", "<stream:stream version='1.0'", 1)
	}
	// featuresOf is what a stream to an instance offers.
	featuresOf := func(o *office, p *person, to string) *stanza.Element {
		o.Helper()
		conn := p.dial(to)
		defer conn.Close()
		_, err := conn.Write([]byte(modernHeader(p, to)))
		o.must(err)
		rd := stanza.NewReader(conn, stanza.Client, stanza.MeshLimits())
		_, err = rd.Header()
		o.must(err)
		e, err := rd.Next()
		o.must(err)
		return e
	}
	scene(t, "LL-STR-13 LL-CAP-2 the features of a stream have the hash of the record, for a colleague and for the gateway", func(o *office) {
		_, juliet := o.together()
		for _, instance := range []string{aliceInstance, "gateway@office"} {
			profile, here := juliet.sees(instance)
			query := featuresOf(o, juliet, instance).Child(stanza.NSDiscoInfo, "query")
			if !here || query == nil {
				o.Fatalf("%s: here %v, query %v", instance, here, query)
			}
			info, err := caps.Parse(query)
			o.must(err)
			if m := markIn(profile); !m.Whole() || !m.Fits(info) || !m.Names(query.Attr("node")) {
				o.Errorf("%s: the record says %+v, the features %+v of %q", instance, m, info, query.Attr("node"))
			}
		}
	})
	scene(t, "LL-STR-13 PRIV-1 what the record does not say the features do not say", func(o *office) {
		_, juliet := o.together()
		if e := featuresOf(o, juliet, aliceInstance); len(e.Elements()) != 0 {
			o.Errorf("%v", e)
		}
	}, func(o *office) { o.cfg.Privacy.Publish = []config.TXTKey{config.TXTNick, config.TXTMessage} })
	scene(t, "LL-STR-15 a stream opened to ask what a program can ends with the answer, and words go on another", func(o *office) {
		alice, juliet := modern(o)
		ends := make(chan time.Time, 8)
		juliet.ear = func(_ string, e *stanza.Element) {
			if e == nil {
				ends <- time.Now()
			}
		}
		alice.Write(iq("get", "q", julietJID, query(stanza.NSDiscoInfo)))
		var answered time.Time
		for range 50 {
			if o.pass(100 * time.Millisecond); answered.IsZero() && len(alice.got()) > 0 {
				answered = time.Now()
			}
		}
		o.expect("asked", questions(juliet), aliceInstance+" "+stanza.NSDiscoInfo)
		if len(ends) != 1 || answered.IsZero() || (<-ends).Sub(answered) > time.Second {
			o.Error("her program was not told the end within a second")
		}
		alice.writes(julietJID, "hi")
		o.pass(5 * time.Second)
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": hi")
		if len(ends) != 0 || len(o.lan.Dialled()) != 2 {
			o.Errorf("%d streams ended, %d connections", len(ends), len(o.lan.Dialled()))
		}
	})
	for _, tt := range []struct {
		name string
		says caps.Info
		want caps.Mark
	}{
		{"LL-STR-14 what the features of her program say is as good as an answer, if the record has its hash", simple, caps.Mark{Node: "http://psi-im.org", Hash: "sha-1", Ver: simple.Ver()}},
		{"LL-STR-14 INJ-25 with another hash it is nothing", program("Forged", stanza.NSVersion), caps.Mark{}},
	} {
		synctestRun(t, tt.name, func(t *testing.T) {
			c := serving(t, txtOf(simple), nil)
			c.disclosed(linklocal.Disclosed{Peer: julietName, Query: tt.says.Query("http://psi-im.org#" + simple.Ver())})
			if m := c.capsShown(); m != tt.want || (len(c.abilities) == 1) != (tt.want != caps.Mark{}) || (c.drops.of("INJ-25") == 1) != (tt.want == caps.Mark{}) {
				t.Errorf("shown %+v, kept %v", m, c.abilities)
			}
		})
	}
}
