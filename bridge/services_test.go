package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/caps"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// client is how a peer's chat program answers a question; nil for one that answers
// none.
type client func(question *stanza.Element) (kind string, payload *stanza.Element)

// serving is a core with Alice on the mesh and Juliet there, whose program is cl.
func serving(t *testing.T, txt []string, cl client) *coreRig {
	c := newCoreRig(t)
	c.up()
	c.hears(pres(aliceJID+"/desk", component, ""))
	c.meets(julietName, "pronto", txt...)
	c.client = cl
	c.session.take()
	return c
}

// meets puts somebody with a record on the mesh.
func (c *coreRig) meets(instance, host string, txt ...string) {
	c.peerChanged(linklocal.Peer{Instance: instance, Host: host, Profile: linklocal.ParseTXT(txt)})
}

// asks is a request of Alice's, with what she gets for it in half a minute.
func (c *coreRig) requests(kind, to string, payload ...*stanza.Element) []stanza.Stanza {
	c.hears(stanza.Stanza{Kind: stanza.IQ, Type: kind, ID: "q", From: aliceJID + "/desk", To: to, Payload: payload})
	return c.waits(30 * time.Second)
}

// waits lets time pass while the peers' programs answer, and returns the iqs that
// went upstream.
func (c *coreRig) waits(d time.Duration) (list []stanza.Stanza) {
	for end := time.Now().Add(d); time.Now().Before(end); c.rest(100 * time.Millisecond) {
		c.replies()
	}
	for _, s := range c.session.take() {
		if s.Kind == stanza.IQ {
			list = append(list, s)
		}
	}
	return list
}

// replies answers what the peers have been asked, as their program does.
func (c *coreRig) replies() {
	fetched := c.mesh.fetched
	c.mesh.fetched = nil
	for _, ev := range fetched {
		c.avatarFetched(ev)
	}
	for _, d := range c.mesh.take() {
		if d.Token&inquiryToken == 0 {
			c.mesh.kept = append(c.mesh.kept, d)
			continue
		}
		c.questions = append(c.questions, d)
		c.delivered(linklocal.Delivered{Token: d.Token})
		if c.client == nil {
			continue
		}
		if kind, payload := c.client(d.Stanza.Payload[0]); kind != "" {
			c.replied(d, kind, payload)
		}
	}
}

// replied is a peer's answer to a question.
func (c *coreRig) replied(d linklocal.Delivery, kind string, payload ...*stanza.Element) {
	s := stanza.Stanza{Kind: stanza.IQ, Type: kind, ID: d.Stanza.ID, From: d.Peer, Payload: payload}
	c.fromMesh(linklocal.Received{Peer: d.Peer, Proxy: d.Proxy, Stanza: s})
}

// outcome puts the only answer to a request in a word.
func outcome(t *testing.T, list []stanza.Stanza) string {
	t.Helper()
	if len(list) != 1 || list[0].ID != "q" {
		t.Errorf("answered by %+v", list)
		return ""
	}
	if e, failed := stanza.ErrorOf(list[0]); failed {
		return e.Condition
	}
	return list[0].Type
}

func query(space string) *stanza.Element { return stanza.New(space, "query") }

// everything is what is on the pass list of iqs, and a selection of what is not: what
// comes of a get and a set to the gateway, and of a get to a peer and a colleague.
var everything = []struct {
	rule, space, local          string
	get, set, peer, gone, proxy string
}{
	{"MAP-X1", stanza.NSDiscoInfo, "query", "result", no, "result", no, "result"},
	{"MAP-X2", stanza.NSDiscoItems, "query", "result", no, "result", no, "result"},
	{"MAP-X3 MAP-X4", stanza.NSVCard, "vCard", "result", no, "result", no, no},
	{"MAP-X5", stanza.NSVersion, "query", "result", no, no, no, "result"},
	{"MAP-X6", stanza.NSPing, "ping", "result", no, "result", no, "result"},
	{"MAP-X7", stanza.NSTime, "time", "result", no, no, no, no},
	{"MAP-X8", stanza.NSLast, "query", "result", no, "result", "result", no},
	{"MAP-X9 GW-13", stanza.NSGateway, "query", "result", "bad-request", no, no, no},
	{"MAP-X9 GW-3", stanza.NSRegister, "query", "result", "result", no, no, no},
	{"MAP-X9 GW-20", "http://jabber.org/protocol/commands", "command", no, "item-not-found", no, no, no},
	{"MAP-X4", "http://jabber.org/protocol/pubsub", "pubsub", no, no, no, no, no},
	{"MAP-X4", "jabber:iq:roster", "query", no, no, no, no, no},
	{"MAP-X4", "jabber:iq:private", "query", no, no, no, no, no},
	{"MAP-X4", "urn:xmpp:mam:2", "query", no, no, no, no, no},
	{"MAP-X4", "urn:xmpp:carbons:2", "enable", no, no, no, no, no},
	{"MAP-X4", "urn:xmpp:blocking", "block", no, no, no, no, no},
	{"MAP-X10", "urn:xmpp:jingle:1", "jingle", no, no, no, no, no},
	{"MAP-X10", "http://jabber.org/protocol/si", "si", no, no, no, no, no},
	{"MAP-X10", "http://jabber.org/protocol/ibb", "open", no, no, no, no, no},
	{"MAP-X10", "http://jabber.org/protocol/bytestreams", "query", no, no, no, no, no},
	{"MAP-X10", "jabber:iq:rpc", "query", no, no, no, no, no},
	{"INJ-18 INJ-35", "urn:example:unknown", "x", no, no, no, no, no},
	{"INJ-18", stanza.NSDiscoInfo, "other", no, no, no, no, no},
}

const no = "service-unavailable"

func TestEverything(t *testing.T) {
	for _, row := range everything {
		payload := stanza.New(row.space, row.local)
		synctestRun(t, row.rule+" GW-14 "+row.space+" "+row.local+": one answer to each request of either side", func(t *testing.T) {
			c := serving(t, nil, nil)
			c.meets(romeoName, "forza")
			c.peerGone(romeoName, "")
			c.session.take()
			for _, at := range []struct{ kind, to, want string }{
				{"get", component, row.get}, {"set", component, row.set},
				{"get", julietJID, row.peer}, {"set", julietJID, no}, {"get", julietJID + "/any", row.peer},
				{"get", romeoJID, row.gone}, {"set", romeoJID, no},
				{"get", `nobody\40pc@` + component, "item-not-found"}, {"get", `a\20@` + component, "item-not-found"},
			} {
				list := c.requests(at.kind, at.to, payload)
				if got := outcome(t, list); got != at.want {
					t.Errorf("%s to %s: %s, want %s", at.kind, at.to, got, at.want)
				}
				if len(list) == 1 && (list[0].From != at.to || list[0].To != aliceJID+"/desk") {
					t.Errorf("from %s to %s", list[0].From, list[0].To)
				}
			}
			for kind, want := range map[string]string{"get": row.proxy, "set": no} {
				s := stanza.Stanza{Kind: stanza.IQ, Type: kind, ID: "q", Payload: []*stanza.Element{payload}}
				c.mesh.take()
				c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: s})
				if row.space == stanza.NSVCard { // Alice's server, which is asked, says nothing
					c.rest(cardPatience)
					c.session.take()
				}
				var list []stanza.Stanza
				for _, d := range c.mesh.take() {
					list = append(list, d.Stanza)
				}
				if got := outcome(t, list); got != want {
					t.Errorf("%s of Juliet: %s, want %s", kind, got, want)
				}
			}
			if len(c.waits(time.Second)) != 0 {
				t.Error("something of the mesh went upstream")
			}
		})
	}
	synctestRun(t, "MAP-X12 what is no request is told so, by the gateway and for a peer", func(t *testing.T) {
		c := serving(t, nil, nil)
		for _, to := range []string{component, julietJID} {
			for _, list := range [][]stanza.Stanza{
				c.requests("get", to), c.requests("set", to, query("a"), query("b")), c.requests("fetch", to, query("a")),
			} {
				if got := outcome(t, list); got != "bad-request" {
					t.Errorf("%s: %s", to, got)
				}
			}
		}
		if list := c.requests("result", julietJID, query(stanza.NSVersion)); len(list) != 0 {
			t.Errorf("an answer was answered: %+v", list)
		}
	})
}

// disclosing is a client that says what it is, and answers nothing else.
func disclosing(i caps.Info) client {
	return func(q *stanza.Element) (string, *stanza.Element) {
		if q.Name.Space == stanza.NSDiscoInfo {
			return "result", i.Query(q.Attr("node"))
		}
		return "error", stanza.New("", "error").With("type", "cancel").Add(stanza.New(stanza.NSStanzaErrors, no))
	}
}

// program is a chat program with these features.
func program(name string, features ...string) caps.Info {
	return caps.Info{Identities: []caps.Identity{{Category: "client", Type: "pc", Name: name}}, Features: append(features, stanza.NSDiscoInfo)}
}

// txtOf is a TXT record that names a program with such features.
func txtOf(i caps.Info) []string {
	return []string{"txtvers=1", "node=http://psi-im.org", "hash=sha-1", "ver=" + i.Ver()}
}

// asked says which namespaces the peers have been asked for.
func (c *coreRig) asked() (list []string) {
	for _, d := range c.questions {
		list = append(list, d.Stanza.Payload[0].Name.Space)
	}
	c.questions = nil
	return list
}

func infoIn(t *testing.T, list []stanza.Stanza) caps.Info {
	t.Helper()
	if outcome(t, list) != "result" {
		t.Fatalf("%+v", list)
	}
	i, err := caps.Parse(list[0].Payload[0])
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// shownCapsOf is the <c/> of Juliet's presence to a colleague who asks.
func (c *coreRig) capsShown() (m caps.Mark) {
	c.session.take()
	c.hears(pres(aliceJID, julietJID, "unsubscribe"))
	c.hears(pres(aliceJID, julietJID, "subscribe"))
	for _, s := range c.session.take() {
		if el := s.Child(stanza.NSCaps, "c"); s.From == julietJID && s.Type == "" && el != nil {
			m = caps.Mark{Node: el.Attr("node"), Hash: el.Attr("hash"), Ver: el.Attr("ver")}
		}
	}
	return m
}

func TestCapabilities(t *testing.T) {
	simple := program("Simple", stanza.NSVersion)
	rich := program("Rich", stanza.NSVersion, "urn:xmpp:jingle:1", "http://jabber.org/protocol/muc", "urn:xmpp:omemo:2")

	synctestRun(t, "GW-1 LL-CAP-9 the gateway's presence bears the hash of what it answers, its node is echoed", func(t *testing.T) {
		c := serving(t, nil, nil)
		c.hears(pres(aliceJID, component, "subscribe"))
		var el *stanza.Element
		for _, s := range c.session.take() {
			if s.Type == "" {
				el = s.Child(stanza.NSCaps, "c")
			}
		}
		node := el.Attr("node") + "#" + el.Attr("ver")
		list := c.requests("get", component, query(stanza.NSDiscoInfo).With("node", node))
		i := infoIn(t, list)
		if i.Ver() != el.Attr("ver") || list[0].Payload[0].Attr("node") != node {
			t.Errorf("%+v for %s", i, node)
		}
		if want := (caps.Identity{Category: "gateway", Type: "xmpp", Name: "Link-local bridge"}); i.Identities[0] != want {
			t.Errorf("identity %+v", i.Identities)
		}
		for _, f := range []string{stanza.NSDiscoInfo, stanza.NSDiscoItems, stanza.NSGateway, stanza.NSVersion, stanza.NSVCard, stanza.NSPing, stanza.NSTime, stanza.NSLast, `jid\20escaping`, stanza.NSCaps} {
			if !i.Has(f) {
				t.Errorf("%s is missing", f)
			}
		}
		if got := outcome(t, c.requests("get", component, query(stanza.NSDiscoInfo).With("node", node+"x"))); got != "item-not-found" {
			t.Errorf("a bad node: %s", got)
		}
	})
	synctestRun(t, "LL-CAP-1 LL-CAP-2 MAP-T9 a colleague's record bears the hash of what a peer is answered", func(t *testing.T) {
		c := serving(t, nil, nil)
		p := c.mesh.published[0].Profile
		if p.Node == "" || p.Hash != "sha-1" {
			t.Fatalf("published: %+v", p)
		}
		for _, node := range []string{"", p.Node + "#" + p.Ver} {
			s := stanza.Stanza{Kind: stanza.IQ, Type: "get", ID: "q", Payload: []*stanza.Element{query(stanza.NSDiscoInfo).With("node", node)}}
			c.mesh.take()
			c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: s})
			i := infoIn(t, []stanza.Stanza{c.mesh.take()[0].Stanza})
			if i.Ver() != p.Ver || !slices.Equal(i.Features, policy.Features(policy.AsColleague)) {
				t.Errorf("%+v does not have the hash %s", i, p.Ver)
			}
		}
	})
	synctestRun(t, "LL-CAP-3 MAP-P5 verified and nothing left out: the peer's own values", func(t *testing.T) {
		c := serving(t, txtOf(simple), disclosing(simple))
		if m := c.capsShown(); m != (caps.Mark{}) {
			t.Errorf("shown before anybody knows: %+v", m)
		}
		i := infoIn(t, c.requests("get", julietJID, query(stanza.NSDiscoInfo)))
		want := caps.Mark{Node: "http://psi-im.org", Hash: "sha-1", Ver: simple.Ver()}
		if m := c.capsShown(); m != want || i.Ver() != m.Ver {
			t.Errorf("shown %+v, want %+v", m, want)
		}
		node := want.Node + "#" + want.Ver
		list := c.requests("get", julietJID+"/any", query(stanza.NSDiscoInfo).With("node", node))
		if again := infoIn(t, list); again.Ver() != want.Ver || list[0].Payload[0].Attr("node") != node {
			t.Errorf("%s: %+v", node, again)
		}
	})
	synctestRun(t, "LL-CAP-3 LL-CAP-10 SEC-4 what does not cross is left out, and the hash is of the rest", func(t *testing.T) {
		c := serving(t, txtOf(rich), disclosing(rich))
		i := infoIn(t, c.requests("get", julietJID, query(stanza.NSDiscoInfo)))
		if !slices.Equal(i.Features, []string{stanza.NSVersion, stanza.NSDiscoInfo}) || i.Identities[0].Name != "Rich" {
			t.Errorf("%+v", i)
		}
		m := c.capsShown()
		if m.Node != capsNode || m.Ver != i.Ver() || m.Ver == rich.Ver() {
			t.Errorf("shown %+v", m)
		}
		infoIn(t, c.requests("get", julietJID, query(stanza.NSDiscoInfo).With("node", m.Node+"#"+m.Ver)))
		if got := outcome(t, c.requests("get", julietJID, query(stanza.NSDiscoInfo).With("node", "http://psi-im.org#"+rich.Ver()))); got != "item-not-found" {
			t.Errorf("LL-CAP-9 the hash of what is not answered: %s", got)
		}
	})
	synctestRun(t, "LL-CAP-3 LL-CAP-5 without a hash: no capabilities in presence, and what is told is about this peer only", func(t *testing.T) {
		txt := []string{"txtvers=1", "node=http://psi-im.org", "ver=1"}
		c := serving(t, txt, disclosing(rich))
		if i := infoIn(t, c.requests("get", julietJID, query(stanza.NSDiscoInfo))); i.Identities[0].Name != "Rich" {
			t.Errorf("%+v", i)
		}
		if m := c.capsShown(); m != (caps.Mark{}) || len(c.abilities) != 0 {
			t.Errorf("shown %+v, kept %v", m, c.abilities)
		}
		c.meets(romeoName, "forza", txt...)
		c.asked()
		c.requests("get", romeoJID, query(stanza.NSDiscoInfo))
		if len(c.asked()) != 1 {
			t.Error("Romeo was taken for Juliet")
		}
	})
	synctestRun(t, "LL-CAP-5 INJ-25 a forged answer is neither kept nor passed on, and counted once", func(t *testing.T) {
		c := serving(t, txtOf(simple), disclosing(rich))
		i := infoIn(t, c.requests("get", julietJID, query(stanza.NSDiscoInfo)))
		if i.Identities[0].Name != julietName || len(c.abilities) != 0 || c.drops.of("INJ-25") != 1 {
			t.Errorf("%+v, kept %v, counted %d", i, c.abilities, c.drops.of("INJ-25"))
		}
		if m := c.capsShown(); m != (caps.Mark{}) {
			t.Errorf("shown %+v", m)
		}
		c.asked()
		infoIn(t, c.requests("get", julietJID, query(stanza.NSDiscoInfo)))
		if list := c.asked(); len(list) != 0 {
			t.Errorf("asked again for %v", list)
		}
		c.client = disclosing(simple)
		c.meets(romeoName, "forza", txtOf(simple)...)
		if i := infoIn(t, c.requests("get", romeoJID, query(stanza.NSDiscoInfo))); i.Identities[0].Name != "Simple" {
			t.Errorf("Romeo pays for it: %+v", i)
		}
	})
	synctestRun(t, "LL-CAP-5 MAP-X13 what one client was asked says nothing of the next one under that name", func(t *testing.T) {
		c := serving(t, txtOf(simple), nil)
		about := query(stanza.NSDiscoInfo)
		c.hears(iqFromAlice("p", julietJID, about))
		asked := c.mesh.take()
		c.delivered(linklocal.Delivered{Token: asked[0].Token})
		c.meets(julietName, "pronto", txtOf(rich)...)
		c.hears(iqFromAlice("q", julietJID, about))
		late := stanza.Stanza{Kind: stanza.IQ, Type: "result", ID: asked[0].Stanza.ID, Payload: []*stanza.Element{simple.Query("")}}
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: late})
		c.rest(answerTime)
		if p := c.peers[localOf(julietName)]; p.can != nil || p.mute || c.drops.of("INJ-25") != 0 {
			t.Errorf("the second is taken for what the first is: %+v, mute %v", p.can, p.mute)
		}
		c.client = disclosing(rich)
		if list := c.waits(time.Second); len(list) != 2 || !infoIn(t, list[1:]).Has(stanza.NSVersion) {
			t.Errorf("answers %+v", list)
		}
	})
	synctestRun(t, "LL-CAP-6 fifty peers come and nobody is asked; what one has told holds for all with that hash", func(t *testing.T) {
		c := serving(t, txtOf(simple), disclosing(simple))
		for n := range 50 {
			c.meets(fmt.Sprint("p", n, "@pc"), fmt.Sprint("pc", n), txtOf(simple)...)
		}
		if c.waits(time.Minute); len(c.asked()) != 0 {
			t.Error("somebody was asked")
		}
		for n := range 50 {
			infoIn(t, c.requests("get", proxyOf(fmt.Sprint("p", n, "@pc")), query(stanza.NSDiscoInfo)))
		}
		if list := c.asked(); len(list) != 1 {
			t.Errorf("%d were asked", len(list))
		}
	})
	synctestRun(t, "LL-CAP-6 a first conversation is a reason to ask a client that says something of itself, and no other", func(t *testing.T) {
		c := serving(t, txtOf(simple), disclosing(simple))
		c.streamOpened(linklocal.StreamOpened{Proxy: aliceJID, Peer: julietName})
		c.waits(time.Second)
		if list := c.asked(); len(list) != 1 || c.peers[localOf(julietName)].can == nil {
			t.Errorf("asked for %v", list)
		}
		c.meets(romeoName, "forza", "txtvers=1", "node=libpurple", "ver=2.14.12")
		c.streamOpened(linklocal.StreamOpened{Proxy: aliceJID, Peer: romeoName})
		c.waits(time.Second)
		if list := c.asked(); len(list) != 0 {
			t.Errorf("Pidgin is asked for %v", list)
		}
	})
	synctestRun(t, "MAP-M3 typing is told to a client that says that it understands it, and to no other", func(t *testing.T) {
		chatty := program("Chatty", stanza.NSChatStates)
		typing := stanza.Stanza{Kind: stanza.Message, Type: "chat", ID: "m", From: aliceJID + "/desk", To: julietJID,
			Payload: []*stanza.Element{stanza.New(stanza.NSChatStates, "composing")}}
		c := serving(t, txtOf(chatty), disclosing(chatty))
		c.hears(typing)
		if c.waits(time.Second); len(c.mesh.kept) != 0 || c.drops.of("MAP-M3") != 1 {
			t.Errorf("sent %+v", c.mesh.kept)
		}
		c.requests("get", julietJID, query(stanza.NSDiscoInfo))
		c.hears(typing)
		if c.waits(time.Second); len(c.mesh.kept) != 1 {
			t.Errorf("sent %+v", c.mesh.kept)
		}
		c.peerGone(julietName, "")
		typing.ID = "another"
		c.hears(typing)
		if n := c.box.Usage().Entries; n != 1 { // the one on its way
			t.Errorf("typing is kept for who is away: %d entries", n)
		}
	})
	synctestRun(t, "INJ-21 an identity that is none of a client, or misleads, is not shown", func(t *testing.T) {
		odd := caps.Info{Identities: []caps.Identity{{Category: "server", Type: "im", Name: "S"}, {Category: "client", Type: "pc", Name: "x\u202Ey"}}, Features: []string{stanza.NSDiscoInfo}}
		c := serving(t, txtOf(odd), disclosing(odd))
		i := infoIn(t, c.requests("get", julietJID, query(stanza.NSDiscoInfo)))
		if len(i.Identities) != 1 || i.Identities[0] != (caps.Identity{Category: "client", Type: "pc"}) {
			t.Errorf("%+v", i)
		}
	})
}

func TestTwoHundredAbilities(t *testing.T) {
	synctestRun(t, "INJ-25 capabilities are remembered within bounds", func(t *testing.T) {
		c := serving(t, nil, nil)
		for n := range 2 * maxAbilities {
			i := program(strings.Repeat("x", n%7) + fmt.Sprint(n))
			c.client = disclosing(i)
			name := fmt.Sprint("p", n, "@pc")
			c.meets(name, "pc", txtOf(i)...)
			c.streamOpened(linklocal.StreamOpened{Proxy: aliceJID, Peer: name})
			c.replies()
			c.peerGone(name, "")
		}
		if n := len(c.abilities); n != maxAbilities {
			t.Errorf("%d are kept", n)
		}
	})
}

func TestReachableIsWhatCrosses(t *testing.T) {
	payloads := map[string]string{
		stanza.NSChatStates: "active", "urn:xmpp:receipts": "request", "urn:xmpp:message-correct:0": "replace",
		"urn:xmpp:chat-markers:0": "markable", "jabber:x:oob": "x",
		"urn:xmpp:omemo:2": "encrypted", "http://jabber.org/protocol/muc#user": "x", "urn:xmpp:carbons:2": "private", "http://jabber.org/protocol/xhtml-im": "html",
	}
	for space, local := range payloads {
		m := stanza.Stanza{Kind: stanza.Message, Type: "chat", ID: "m", Payload: []*stanza.Element{
			stanza.New("", "body").AddText("hi"), stanza.New(space, local).Add(stanza.New(space, "url").AddText("http://x")),
		}}
		up, _ := translate.MessageToServer(m, julietJID, aliceJID, newID, translate.MessageOptions{})
		down, _ := translate.MessageToMesh(m, aliceInstance, julietName, translate.MessageOptions{})
		t.Run("LL-CAP-10 "+space, func(t *testing.T) {
			if up, down := up.Child(space, local) != nil, down.Child(space, local) != nil; up != down || up != policy.Reachable(space) {
				t.Errorf("called reachable: %v; crosses upwards %v, downwards %v", policy.Reachable(space), up, down)
			}
		})
	}
}
