package policy

import (
	"strings"
	"testing"

	"meshbridge/internal/stanza"
)

// fromJuliet is a case from the mesh in which everything is in order.
func fromJuliet() Case {
	return Case{Target: Person, Peer: Peer{Level: Bound, Present: true}, Colleague: Colleague{JID: nurse}}
}

func message(attrs, payload string) string {
	return `<message from='juliet@pronto' to='` + proxyInstance + `'` + attrs + `>` + payload + `</message>`
}

func get(payload string) string {
	return `<iq from='juliet@pronto' to='` + proxyInstance + `' type='get' id='1'>` + payload + `</iq>`
}

func TestFromMesh(t *testing.T) {
	rows := []row{
		{"V-9 case 1: a bound peer to a listed colleague", message(``, body), nil, "relay", ""},
		{"a chat message", message(` type='chat'`, body), nil, "relay", ""},
		{"V-9 case 2: a stream that is not bound", message(``, body), func(c *Case, _ *Policy) { c.Peer.Level = Unbound }, "drop", "INJ-4"},
		{"not bound although the policy forgot to ask", message(``, body), func(c *Case, p *Policy) { c.Peer.Level, p.Mesh = Unbound, Unbound }, "drop", "INJ-4"},
		{"an instance of another bridge", message(``, body), func(c *Case, _ *Policy) { c.Peer.Gateway = true }, "drop", "LL-4-9"},
		{"V-9 case 7: an instance that is not published", message(``, body), func(c *Case, _ *Policy) { c.Target = Unknown }, "item-not-found", "INJ-7"},
		{"INJ-11 peer to peer", message(``, body), func(c *Case, _ *Policy) { c.Target = OwnSide }, "item-not-found", "INJ-11"},

		{"INJ-9 a colleague who is not listed and did not subscribe", message(``, body), func(c *Case, _ *Policy) { c.Colleague = Colleague{JID: "romeo@friends.example"} }, "forbidden", "INJ-9"},
		{"INJ-9 a subscriber of an admitted domain", message(``, body), func(c *Case, _ *Policy) { c.Colleague = Colleague{JID: "romeo@friends.example", Subscribed: true} }, "relay", ""},
		{"INJ-9 a registered user of an admitted domain", message(``, body), func(c *Case, _ *Policy) { c.Colleague = Colleague{JID: "romeo@friends.example", Registered: true} }, "relay", ""},
		{"INJ-10 a subscriber whose domain is no longer admitted", message(``, body), func(c *Case, _ *Policy) { c.Colleague = Colleague{JID: "x@else.example", Subscribed: true} }, "forbidden", "INJ-10"},
		{"INJ-10 a colleague of the component domain, even if listed", message(``, body), func(c *Case, p *Policy) {
			c.Colleague = Colleague{JID: "x@lan.example.com", Subscribed: true}
			p.Listed["x@lan.example.com"], p.Domains["lan.example.com"] = true, true
		}, "forbidden", "INJ-10"},
		{"INJ-9 a policy that says nothing allows nobody", message(``, body), func(_ *Case, p *Policy) { *p = Policy{Domain: "lan.example.com"} }, "forbidden", "INJ-10"},

		{"to a colleague who has blocked this peer", message(``, body), blockedBy(ByColleague), "service-unavailable", "block"},
		{"to a colleague whom this peer has blocked", message(``, body), blockedBy(ByPeer), "not-acceptable", "block"},
		{"between two who have blocked each other", message(``, body), blockedBy(ByPeer | ByColleague), "not-acceptable", "block"},
		{"a question to a colleague who has blocked this peer", get(ping), blockedBy(ByColleague), "service-unavailable", "block"},
		{"an error to who has blocked this peer", message(` type='error' id='7'`, `<error type='cancel'/>`), func(c *Case, _ *Policy) { c.Relayed, c.Blocked = true, ByColleague }, "drop", "block"},
		{"a word to the gateway itself of who blocks", message(``, body), func(c *Case, _ *Policy) { c.Target, c.Colleague, c.Blocked = Gateway, Colleague{}, ByPeer }, "answer", "MAP-M13"},
		{"INJ-13 V-9 case 12: a forged subscribed", `<presence type='subscribed' to='` + proxyInstance + `'/>`, nil, "drop", "INJ-13"},
		{"INJ-13 any presence", `<presence/>`, nil, "drop", "INJ-13"},
		{"INJ-17 an error to nothing we sent", message(` type='error' id='7'`, `<error type='cancel'/>`), nil, "drop", "INJ-17"},
		{"INJ-17 an error without an id, whatever the memory says", message(` type='error'`, `<error type='cancel'/>`), func(c *Case, _ *Policy) { c.Relayed = true }, "drop", "INJ-17"},
		{"MAP-M9 an error to what we relayed", message(` type='error' id='7'`, `<error type='cancel'/>`), func(c *Case, _ *Policy) { c.Relayed = true }, "relay", ""},
		{"INJ-17 an error that is refused is only dropped", message(` type='error' id='7'`, `<error type='cancel'/>`), func(c *Case, _ *Policy) { c.Relayed, c.Target = true, Unknown }, "drop", "INJ-7"},
		{"MAP-M7 groupchat", message(` type='groupchat'`, body), nil, "service-unavailable", "MAP-M7"},
		{"GW-15 a body over 64 KiB", message(``, `<body>`+strings.Repeat("x", 64<<10+1)+`</body>`), nil, "policy-violation", "LL-STR-25"},
		{"a body of 64 KiB", message(``, `<body>`+strings.Repeat("x", 64<<10)+`</body>`), nil, "relay", ""},
		{"two bodies that are too long together", message(``, `<body>`+strings.Repeat("x", 40<<10)+`</body><body xml:lang='de'>`+strings.Repeat("x", 40<<10)+`</body>`), nil, "policy-violation", "LL-STR-25"},

		{"a word to the gateway itself", message(``, body), func(c *Case, _ *Policy) { c.Target, c.Colleague = Gateway, Colleague{} }, "answer", "MAP-M13"},
		{"SEC-2 INJ-27 a word to the gateway itself, below the level", message(``, body), func(c *Case, p *Policy) { c.Target, c.Colleague, p.Mesh = Gateway, Colleague{}, Linked }, "answer", "MAP-M13"},
		{"INJ-4 a word to the gateway itself, not bound", message(``, body), func(c *Case, _ *Policy) { c.Target, c.Peer.Level = Gateway, Unbound }, "drop", "INJ-4"},
		{"nothing said to the gateway itself", message(``, ``), func(c *Case, _ *Policy) { c.Target, c.Colleague = Gateway, Colleague{} }, "drop", "MAP-M13"},
		{"an error to the gateway itself", message(` type='error' id='7'`, body), func(c *Case, _ *Policy) { c.Target, c.Relayed = Gateway, true }, "drop", "MAP-M13"},
	}
	for _, r := range rows {
		r.run(t, stanza.Client, fromJuliet(), FromMesh)
	}
}

func TestFromMeshIQ(t *testing.T) {
	const from = `<iq from='juliet@pronto' to='` + proxyInstance + `'`
	rows := []row{
		{"disco#info", get(info), nil, "answer", "MAP-X1"},
		{"disco#items", get(items), nil, "answer", "MAP-X2"},
		{"version", get(version), nil, "answer", "MAP-X5"},
		{"MAP-X6 ping", get(ping), nil, "answer", "MAP-X6"},
		{"MAP-X6 ping to the gateway itself", get(ping), func(c *Case, _ *Policy) { c.Target = Gateway }, "answer", "MAP-X6"},
		{"INJ-18 iq set roster", from + ` type='set' id='1'>` + roster + `</iq>`, nil, "service-unavailable", "INJ-18"},
		{"INJ-18 set is refused also of what may be asked", from + ` type='set' id='1'>` + ping + `</iq>`, nil, "service-unavailable", "INJ-18"},
		{"time", get(`<time xmlns='urn:xmpp:time'/>`), nil, "service-unavailable", "INJ-18"},
		{"MAP-X3 a colleague's card", get(vcard), nil, "answer", "MAP-X3"},
		{"MAP-X4 that nobody changes", from + ` type='set' id='1'>` + vcard + `</iq>`, nil, "service-unavailable", "INJ-18"},
		{"MAP-X7 a colleague's time", get(clock), nil, "service-unavailable", "INJ-18"},
		{"last", get(`<query xmlns='jabber:iq:last'/>`), nil, "service-unavailable", "INJ-18"},
		{"MAP-X9 a command", from + ` type='set' id='1'>` + command + `</iq>`, nil, "service-unavailable", "INJ-18"},
		{"register", get(`<query xmlns='jabber:iq:register'/>`), nil, "service-unavailable", "INJ-18"},
		{"MAP-X10 a file offer", from + ` type='set' id='1'><si xmlns='http://jabber.org/protocol/si'/></iq>`, nil, "service-unavailable", "INJ-18"},
		{"MAP-X12 no child", get(``), nil, "bad-request", "MAP-X12"},
		{"MAP-X12 two children", get(ping + ping), nil, "bad-request", "MAP-X12"},
		{"MAP-X12 no id", from + ` type='get'>` + ping + `</iq>`, nil, "bad-request", "MAP-X12"},
		{"MAP-X12 no type", from + ` id='1'>` + ping + `</iq>`, nil, "bad-request", "MAP-X12"},
		{"an answer nobody waits for", from + ` type='result' id='1'>` + roster + `</iq>`, nil, "drop", "MAP-X11"},
		{"INJ-17 an iq error", from + ` type='error' id='1'/>`, nil, "drop", "MAP-X11"},
		{"the answer to a question of ours", from + ` type='result' id='1'>` + roster + `</iq>`, func(c *Case, _ *Policy) { c.Relayed = true }, "answer", "MAP-X11"},
		{"INJ-4 the answer of somebody unbound", from + ` type='result' id='1'/>`, func(c *Case, _ *Policy) { c.Relayed, c.Peer.Level = true, Unbound }, "drop", "INJ-4"},
		{"an iq to nobody", get(ping), func(c *Case, _ *Policy) { c.Target = Unknown }, "item-not-found", "INJ-7"},
		{"INJ-11 an iq from peer to peer", get(ping), func(c *Case, _ *Policy) { c.Target = OwnSide }, "item-not-found", "INJ-11"},
	}
	for _, r := range rows {
		r.run(t, stanza.Client, fromJuliet(), FromMesh)
	}
}

// TestMeshLevel goes through all pairs of what is asked and what is known.
func TestMeshLevel(t *testing.T) {
	want := map[Level]map[Level]string{ // asked, then known
		Bound:         {Unbound: "drop", Bound: "relay", Approved: "relay", Linked: "relay", Authenticated: "relay"},
		Approved:      {Unbound: "drop", Bound: "forbidden", Approved: "relay", Linked: "relay", Authenticated: "relay"},
		Linked:        {Unbound: "drop", Bound: "forbidden", Approved: "forbidden", Linked: "relay", Authenticated: "relay"},
		Authenticated: {Unbound: "drop", Bound: "policy-violation", Approved: "policy-violation", Linked: "policy-violation", Authenticated: "relay"},
	}
	t.Run("SEC-2 each level asked for, each level known", func(t *testing.T) {
		for asked, states := range want {
			for known, verdict := range states {
				c, p := fromJuliet(), office()
				c.Stanza = read(t, stanza.Client, message(``, body))
				c.Peer.Level, p.Mesh = known, asked
				v := FromMesh(c, p)
				if got := describe(v, c.Stanza); got != verdict {
					t.Errorf("asked %d, known %d: %s under %q, want %s", asked, known, got, v.Rule, verdict)
				}
			}
		}
	})
}
