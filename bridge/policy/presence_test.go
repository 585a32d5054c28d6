package policy

import (
	"testing"

	"meshbridge/internal/stanza"
)

func TestPresence(t *testing.T) {
	typed := func(kind string) string { return up("presence", ` type='`+kind+`'`, ``) }
	subscribed := func(c *Case, _ *Policy) { c.Colleague.Subscribed = true }
	marked := func(c *Case, _ *Policy) { c.Peer.Gateway = true }
	rows := []row{
		{"PRIV-5 a listed colleague comes online", up("presence", ``, ``), target(Gateway), "relay", ""},
		{"PRIV-5 a registered one", up("presence", ``, ``), both(friend, func(c *Case, _ *Policy) { c.Colleague.Registered = true }), "relay", ""},
		{"PRIV-5 one who neither is listed nor registered", up("presence", ``, ``), friend, "drop", "PRIV-5"},
		{"PRIV-5 a subscriber did not ask to be shown", up("presence", ``, ``), both(friend, subscribed), "drop", "PRIV-5"},
		{"PRIV-5 a stranger", up("presence", ``, ``), both(stranger, target(Gateway)), "drop", "PRIV-5"},
		{"a registered user whose domain is no longer admitted", up("presence", ``, ``), both(stranger, func(c *Case, _ *Policy) { c.Colleague.Registered = true }), "drop", "PRIV-5"},
		{"MAP-T4 unavailable is always heard", typed("unavailable"), stranger, "relay", ""},
		{"MAP-T4 so is an error, which is never answered", typed("error"), nil, "relay", ""},
		{"the colleague grants our subscription", typed("subscribed"), target(Gateway), "answer", "GW-4"},
		{"a stranger grants what nobody asked", typed("subscribed"), both(stranger, target(Gateway)), "drop", "PRIV-5"},
		{"the colleague ends our subscription", typed("unsubscribed"), target(Gateway), "answer", "GW-9"},

		{"subscribe to the gateway", typed("subscribe"), target(Gateway), "answer", "GW-4"},
		{"subscribe to a peer", typed("subscribe"), nil, "answer", "GW-8"},
		{"subscribe to a peer who sleeps", typed("subscribe"), asleep, "answer", "GW-8"},
		{"by a user of an admitted domain", typed("subscribe"), friend, "answer", "GW-8"},
		{"by a stranger", typed("subscribe"), stranger, "unsubscribed", "GW-8"},
		{"GW-16 to nobody", typed("subscribe"), target(Unknown), "unsubscribed", "GW-8"},
		{"GW-22 in advance, to somebody who may come", typed("subscribe"), target(Awaited), "answer", "GW-22"},
		{"GW-8 in advance, by a stranger", typed("subscribe"), both(stranger, target(Awaited)), "unsubscribed", "GW-8"},
		{"subscribe to what another bridge publishes", typed("subscribe"), marked, "unsubscribed", "LL-4-9"},
		{"INJ-11 subscribe to another colleague", typed("subscribe"), target(OwnSide), "unsubscribed", "INJ-11"},

		{"a subscriber's probe", typed("probe"), subscribed, "answer", "GW-6"},
		{"a probe that proves a forgotten subscription", typed("probe"), nil, "answer", "GW-21"},
		{"a probe of somebody not seen yet", typed("probe"), target(Unknown), "answer", "GW-22"},
		{"a probe of somebody who may come", typed("probe"), target(Awaited), "answer", "GW-22"},
		{"a probe of an impossible address", typed("probe"), target(Impossible), "unsubscribed", "GW-22"},
		{"a probe of what another bridge publishes", typed("probe"), marked, "answer", "GW-22"},
		{"PRIV-3 a stranger's probe", typed("probe"), stranger, "unsubscribed", "PRIV-3"},
		{"PRIV-3 a stranger's probe of nobody, no different", typed("probe"), both(stranger, target(Unknown)), "unsubscribed", "PRIV-3"},
		{"PRIV-3 a former subscriber's probe", typed("probe"), both(stranger, subscribed), "unsubscribed", "PRIV-3"},
		{"INJ-11 a probe of another colleague", typed("probe"), target(OwnSide), "unsubscribed", "INJ-11"},

		{"a subscriber leaves", typed("unsubscribe"), subscribed, "answer", "GW-9"},
		{"and leaves again", typed("unsubscribe"), nil, "drop", "GW-9"},

		{"and who has waited in vain", typed("unsubscribe"), both(subscribed, target(Awaited)), "answer", "GW-9"},
		{"GW-16 unsubscribe from an impossible address", typed("unsubscribe"), both(subscribed, target(Impossible)), "drop", "GW-16"},
		{"GW-16 presence to somebody who may come", up("presence", ``, ``), target(Awaited), "drop", "GW-16"},
		{"GW-16 presence to nobody", up("presence", ``, ``), target(Unknown), "drop", "GW-16"},
		{"GW-16 unsubscribed to nobody", typed("unsubscribed"), target(Impossible), "drop", "GW-16"},
		{"GW-16 an error from nowhere", typed("error"), target(Impossible), "drop", "GW-16"},
		{"GW-16 an unknown type", typed("invisible"), nil, "drop", "GW-16"},
		{"INJ-11 presence to another colleague", up("presence", ``, ``), target(OwnSide), "drop", "INJ-11"},
		{"INJ-31 no to", `<presence from='nurse@example.com'/>`, nil, "drop", "INJ-31"},
		{"INJ-32 our own presence comes back", `<presence from='` + proxyJID + `' to='lan.example.com'/>`, target(Gateway), "drop", "INJ-32"},
	}
	for _, r := range rows {
		r.run(t, stanza.Component, fromNurse(), FromServer)
	}
	t.Run("unsubscribed goes from bare to bare JID", func(t *testing.T) {
		s := read(t, stanza.Component, `<presence from='who@else.example/phone' to='`+proxyJID+`/x' type='probe'/>`)
		reply, _ := Verdict{Action: Refuse}.Reply(s)
		got := string(stanza.Append(nil, stanza.Component, reply))
		if want := `<presence from='` + proxyJID + `' to='who@else.example' type='unsubscribed'/>`; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestWhoMay(t *testing.T) {
	const listed, admitted, other = nurse, "romeo@friends.example", "who@else.example"
	tests := []struct {
		name                    string
		c                       Colleague
		subscribe, talk, appear bool
	}{
		{"listed", Colleague{JID: listed}, true, true, true},
		{"listed and subscribed", Colleague{JID: listed, Subscribed: true}, true, true, true},
		{"listed, and has left", Colleague{JID: listed, Left: true}, true, false, false},
		{"listed, has left, and is subscribed", Colleague{JID: listed, Left: true, Subscribed: true}, true, true, false},
		{"of an admitted domain", Colleague{JID: admitted}, true, false, false},
		{"of an admitted domain, subscribed", Colleague{JID: admitted, Subscribed: true}, true, true, false},
		{"of an admitted domain, registered", Colleague{JID: admitted, Registered: true}, true, true, true},
		{"PRIV-3 of no admitted domain any more", Colleague{JID: other, Subscribed: true, Registered: true}, false, false, false},
		{"INJ-10 of the component domain", Colleague{JID: "x@lan.example.com", Subscribed: true, Registered: true}, false, false, false},
		{"the admitted domain as a resource", Colleague{JID: "a@else.example/friends.example"}, false, false, false},
		{"nobody", Colleague{}, false, false, false},
	}
	p := office()
	p.Domains["lan.example.com"] = true
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := test.c
			got := [3]bool{p.MaySubscribe(c.JID), p.MayTalk(c), p.MayAppear(c)}
			if want := [3]bool{test.subscribe, test.talk, test.appear}; got != want {
				t.Errorf("subscribe, talk, appear: %v, want %v", got, want)
			}
		})
	}
}
