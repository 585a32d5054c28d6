package policy

import (
	"slices"
	"strings"
	"testing"

	"meshbridge/internal/stanza"
)

// fromNurse is a case from the server in which everything is in order.
func fromNurse() Case {
	return Case{Target: Person, Peer: Peer{Present: true}, Colleague: Colleague{JID: nurse}}
}

func up(kind, attrs, payload string) string {
	return `<` + kind + ` from='nurse@example.com/x' to='` + proxyJID + `'` + attrs + `>` + payload + `</` + kind + `>`
}

func stranger(c *Case, _ *Policy) { c.Colleague = Colleague{JID: "who@else.example"} }
func friend(c *Case, _ *Policy)   { c.Colleague = Colleague{JID: "romeo@friends.example"} }
func asleep(c *Case, _ *Policy)   { c.Peer.Present = false }
func target(x Target) func(*Case, *Policy) {
	return func(c *Case, _ *Policy) { c.Target = x }
}

func both(a, b func(*Case, *Policy)) func(*Case, *Policy) {
	return func(c *Case, p *Policy) { a(c, p); b(c, p) }
}

func denied(asked Level) func(*Case, *Policy) {
	return func(c *Case, p *Policy) { c.Peer.Denied, p.Mesh = true, asked }
}

func TestFromServer(t *testing.T) {
	rows := []row{
		{"V-9 upstream: a listed colleague to a peer", up("message", ``, body), nil, "relay", ""},
		{"MAP-M14 to a full proxy JID", `<message from='nurse@example.com/x' to='` + proxyJID + `/y'>` + body + `</message>`, nil, "relay", ""},
		{"GW-15 to a peer who sleeps: kept", up("message", ``, body), asleep, "relay", ""},

		{"INJ-31 no from", `<message to='` + proxyJID + `'>` + body + `</message>`, nil, "drop", "INJ-31"},
		{"INJ-31 no to", `<message from='nurse@example.com/x'>` + body + `</message>`, nil, "drop", "INJ-31"},
		{"INJ-31 to another domain", `<message from='nurse@example.com/x' to='a@b.example/lan.example.com'>` + body + `</message>`, nil, "drop", "INJ-31"},
		{"INJ-31 a sender that could not be read", up("message", ``, body), func(c *Case, _ *Policy) { c.Colleague = Colleague{} }, "drop", "INJ-31"},
		{"INJ-31 the domain in capitals is ours", `<message from='nurse@example.com/x' to='` + `a@LAN.example.com'>` + body + `</message>`, nil, "relay", ""},
		{"INJ-32 V-9 our own echo", `<message from='x@lan.example.com' to='` + proxyJID + `'>` + body + `</message>`, nil, "drop", "INJ-32"},
		{"INJ-32 the component itself", `<message from='LAN.example.com/a@b' to='` + proxyJID + `'>` + body + `</message>`, nil, "drop", "INJ-32"},
		{"INJ-11 V-9 to the proxy of another colleague", up("message", ``, body), target(OwnSide), "item-not-found", "INJ-11"},

		{"INJ-33 GW-15 a stranger", up("message", ``, body), stranger, "forbidden", "INJ-33"},
		{"INJ-33 a stranger does not learn who exists", up("message", ``, body), both(stranger, target(Unknown)), "forbidden", "INJ-33"},
		{"INJ-33 GW-15 one who would have to subscribe first", up("message", ``, body), friend, "registration-required", "INJ-33"},
		{"INJ-9 a subscriber of an admitted domain", up("message", ``, body), both(friend, func(c *Case, _ *Policy) { c.Colleague.Subscribed = true }), "relay", ""},
		{"GW-15 no such instance ever seen", up("message", ``, body), target(Unknown), "item-not-found", "GW-15"},
		{"GW-15 no such instance possible", up("message", ``, body), target(Impossible), "item-not-found", "GW-15"},
		{"what another bridge publishes", up("message", ``, body), func(c *Case, _ *Policy) { c.Peer.Gateway = true }, "item-not-found", "LL-4-9"},

		{"to a peer who has blocked this colleague", up("message", ``, body), blockedBy(ByPeer), "service-unavailable", "block"},
		{"to a peer whom this colleague has blocked", up("message", ``, body), blockedBy(ByColleague), "not-acceptable", "block"},
		{"a question to a peer who has blocked this colleague", up("iq", ` type='get' id='1'`, ping), blockedBy(ByPeer), "service-unavailable", "block"},

		{"SEC-2 to a peer whom this colleague denied, where a yes is asked for", up("message", ``, body), denied(Approved), "forbidden", "SEC-2"},
		{"SEC-2 where an account is asked for", up("message", ``, body), denied(Linked), "forbidden", "SEC-2"},
		{"SEC-2 where neither is", up("message", ``, body), denied(Bound), "relay", ""},
		{"SEC-2 an error is not answered", up("message", ` type='error' id='1'`, body), both(denied(Approved), func(c *Case, _ *Policy) { c.Relayed = true }), "drop", "SEC-2"},

		{"GW-15 a body over 64 KiB", up("message", ``, `<body>`+strings.Repeat("x", 64<<10+1)+`</body>`), nil, "policy-violation", "LL-STR-25"},
		{"a body of 64 KiB", up("message", ``, `<body>`+strings.Repeat("x", 64<<10)+`</body>`), nil, "relay", ""},
		{"MAP-M6 groupchat", up("message", ` type='groupchat'`, body), nil, "service-unavailable", "MAP-M6"},
		{"MAP-M8 a headline for a peer who is there", up("message", ` type='headline'`, body), nil, "relay", ""},
		{"MAP-M8 a headline for a peer who is not", up("message", ` type='headline'`, body), asleep, "drop", "MAP-M8"},
		{"MAP-M9 INJ-17 an error to nothing we sent", up("message", ` type='error' id='7'`, body), nil, "drop", "INJ-17"},
		{"MAP-M9 an error to what we relayed", up("message", ` type='error' id='7'`, body), func(c *Case, _ *Policy) { c.Relayed = true }, "relay", ""},
		{"GW-15 a refused error is not bounced", up("message", ` type='error' id='7'`, body), both(stranger, func(c *Case, _ *Policy) { c.Relayed = true }), "drop", "INJ-33"},

		{"help", up("message", ``, body), target(Gateway), "answer", "MAP-M13"},
		{"nothing said", up("message", ``, ``), target(Gateway), "drop", "MAP-M13"},
		{"no conversation with strangers", up("message", ``, body), both(stranger, target(Gateway)), "service-unavailable", "MAP-M13"},
		{"GW-20 an admin who is nobody's colleague has something to say", up("message", ``, body), both(both(stranger, target(Gateway)), func(c *Case, p *Policy) { p.Admins = map[string]bool{c.Colleague.JID: true} }), "answer", "MAP-M13"},
		{"MAP-M6 groupchat to the gateway", up("message", ` type='groupchat'`, body), target(Gateway), "service-unavailable", "MAP-M6"},
	}
	for _, r := range rows {
		r.run(t, stanza.Component, fromNurse(), FromServer)
	}
}

func TestFromServerIQ(t *testing.T) {
	ask := func(payload string) string { return up("iq", ` type='get' id='1'`, payload) }
	rows := []row{
		{"disco#info of the gateway", ask(info), target(Gateway), "answer", "MAP-X1"},
		{"disco#items of the gateway", ask(items), target(Gateway), "answer", "MAP-X2"},
		{"version of the gateway", ask(version), target(Gateway), "answer", "MAP-X5"},
		{"MAP-X6 ping of the gateway", ask(ping), target(Gateway), "answer", "MAP-X6"},
		{"a stranger may ask what the gateway is", ask(info), both(stranger, target(Gateway)), "answer", "MAP-X1"},
		{"MAP-X3 the gateway's card", ask(vcard), target(Gateway), "answer", "MAP-X3"},
		{"MAP-X4 nobody changes it", up("iq", ` type='set' id='1'`, vcard), target(Gateway), "service-unavailable", "INJ-18"},
		{"MAP-X7 the gateway's time", ask(clock), target(Gateway), "answer", "MAP-X7"},
		{"MAP-X8 the gateway's uptime", ask(last), target(Gateway), "answer", "MAP-X8"},
		{"GW-13 the prompt", ask(prompt), target(Gateway), "answer", "GW-13"},
		{"GW-13 an address from a name", up("iq", ` type='set' id='1'`, prompt), target(Gateway), "answer", "GW-13"},
		{"GW-20 MAP-X9 a command", up("iq", ` type='set' id='1'`, command), target(Gateway), "answer", "GW-20"},
		{"GW-20 a command is no question", ask(command), target(Gateway), "service-unavailable", "INJ-18"},
		{"MAP-X9 a peer takes no commands", up("iq", ` type='set' id='1'`, command), nil, "service-unavailable", "INJ-18"},
		{"GW-3 what there is to register", ask(joining), both(friend, target(Gateway)), "answer", "GW-3"},
		{"GW-3 registering", up("iq", ` type='set' id='1'`, joining), both(friend, target(Gateway)), "answer", "GW-3"},
		{"GW-3 a listed colleague leaves", up("iq", ` type='set' id='1'`, leaving), target(Gateway), "answer", "GW-3"},
		{"GW-3 GW-15 leaving without having come", up("iq", ` type='set' id='1'`, leaving), both(friend, target(Gateway)), "registration-required", "GW-3"},
		{"GW-3 GW-15 leaving twice", up("iq", ` type='set' id='1'`, leaving), both(func(c *Case, _ *Policy) { c.Colleague.Left = true }, target(Gateway)), "registration-required", "GW-3"},
		{"GW-3 GW-15 a stranger's registration", up("iq", ` type='set' id='1'`, joining), both(stranger, target(Gateway)), "forbidden", "GW-3"},
		{"MAP-X9 GW-3 nobody registers with a peer", ask(joining), nil, "service-unavailable", "INJ-18"},
		{"MAP-X9 a peer is no gateway", ask(prompt), nil, "service-unavailable", "INJ-18"},
		{"MAP-X6 ping of a peer who is there", ask(ping), nil, "ask", "MAP-X6"},
		{"MAP-X6 GW-15 ping of a peer who is not", ask(ping), asleep, "service-unavailable", "GW-15"},
		{"disco#info of a peer", ask(info), nil, "ask", "MAP-X1"},
		{"disco#items of a peer", ask(items), nil, "answer", "MAP-X2"},
		{"version of a peer", ask(version), nil, "ask", "MAP-X5"},
		{"MAP-X3 a peer's card", ask(vcard), nil, "ask", "MAP-X3"},
		{"MAP-X4 nobody changes it either", up("iq", ` type='set' id='1'`, vcard), nil, "service-unavailable", "INJ-18"},
		{"GW-15 the card of a peer who is away", ask(vcard), asleep, "service-unavailable", "GW-15"},
		{"MAP-X7 a peer's time", ask(clock), nil, "ask", "MAP-X7"},
		{"MAP-X8 since when a peer is away", ask(last), asleep, "answer", "MAP-X8"},
		{"PRIV-3 a stranger does not learn that", ask(last), both(stranger, asleep), "forbidden", "INJ-33"},
		{"GW-15 what nobody serves, of a peer who is away", ask(roster), asleep, "service-unavailable", "GW-15"},
		{"PRIV-3 a stranger cannot ping to see who is there", ask(ping), stranger, "forbidden", "INJ-33"},
		{"PRIV-3 nor learn that somebody is not", ask(ping), both(stranger, asleep), "forbidden", "INJ-33"},
		{"PRIV-3 nor can one who did not subscribe", ask(ping), friend, "registration-required", "INJ-33"},
		{"INJ-35 INJ-18 iq set roster", up("iq", ` type='set' id='1'`, roster), nil, "service-unavailable", "INJ-18"},
		{"INJ-18 iq set roster to the gateway", up("iq", ` type='set' id='1'`, roster), target(Gateway), "service-unavailable", "INJ-18"},
		{"MAP-X4 pubsub", ask(`<pubsub xmlns='http://jabber.org/protocol/pubsub'/>`), nil, "service-unavailable", "INJ-18"},
		{"MAP-X10 jingle", up("iq", ` type='set' id='1'`, `<jingle xmlns='urn:xmpp:jingle:1'/>`), nil, "service-unavailable", "INJ-18"},
		{"MAP-X12 no child", ask(``), nil, "bad-request", "MAP-X12"},
		{"MAP-X12 a bad type", up("iq", ` type='fetch' id='1'`, ping), target(Gateway), "bad-request", "MAP-X12"},
		{"an answer nobody waits for", up("iq", ` type='result' id='1'`, ``), nil, "drop", "MAP-X11"},
		{"GW-15 an iq to nobody", ask(ping), target(Unknown), "item-not-found", "GW-15"},
		{"INJ-11 an iq to the proxy of another colleague", ask(ping), target(OwnSide), "item-not-found", "INJ-11"},
		{"INJ-32 an iq of our own", `<iq from='lan.example.com' to='lan.example.com' type='get' id='1'>` + ping + `</iq>`, target(Gateway), "drop", "INJ-32"},
	}
	for _, r := range rows {
		r.run(t, stanza.Component, fromNurse(), FromServer)
	}
	t.Run("what is listed is answered and what is answered is listed", func(t *testing.T) {
		all := []string{ping, version, info, items, vcard, clock, last, prompt, joining, roster, command}
		for role, c := range map[Role]Case{AsComponent: {Target: Gateway}, AsPeer: fromNurse(), AsColleague: fromJuliet()} {
			c.Colleague.JID = nurse
			decide := FromServer
			if role == AsColleague {
				decide = FromMesh
			}
			for _, payload := range all {
				answered := false
				for _, kind := range []string{"get", "set"} {
					c.Stanza = read(t, stanza.Component, up("iq", ` type='`+kind+`' id='1'`, payload))
					v := decide(c, office())
					answered = answered || v.Action == Answer || v.Action == Ask
				}
				space := c.Stanza.Payload[0].Name.Space
				listed := slices.Contains(Features(role), space)
				if role == AsPeer {
					listed = listed || Reachable(space) // of some, the peer decides
				}
				if listed != answered {
					t.Errorf("role %d, %s: listed %v, answered %v", role, payload, listed, answered)
				}
			}
			if !slices.IsSorted(Features(role)) {
				t.Errorf("role %d: %q is not sorted", role, Features(role))
			}
		}
	})
}

func TestErrors(t *testing.T) {
	t.Run("GW-15 each reason with its type; id kept, addresses swapped", func(t *testing.T) {
		for reason, kind := range map[Reason]string{
			NeverSeen: "cancel", NotServed: "cancel", Forbidden: "auth", NotRegistered: "auth",
			Unreachable: "wait", TooFast: "wait", TooLarge: "modify", Malformed: "modify",
		} {
			v := Verdict{Action: Refuse, Error: reason.StanzaError()}
			reply, ok := v.Reply(read(t, stanza.Component, up("message", ` id='7'`, body)))
			got := string(stanza.Append(nil, stanza.Component, reply))
			want := `<message from='` + proxyJID + `' to='nurse@example.com/x' type='error' id='7'><error type='` + kind + `'><` +
				string(reason) + ` xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
			if !ok || got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
	})
	t.Run("GW-15 an error is never bounced", func(t *testing.T) {
		v := Verdict{Action: Refuse, Error: Forbidden.StanzaError()}
		if reply, ok := v.Reply(read(t, stanza.Component, up("message", ` type='error' id='7'`, ``))); ok {
			t.Errorf("%+v", reply)
		}
	})
}
