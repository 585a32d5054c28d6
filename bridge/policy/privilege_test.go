package policy

import (
	"testing"

	"meshbridge/internal/stanza"
)

func TestPrivilege(t *testing.T) {
	said := func(from, to, space string) string {
		return `<message from='` + from + `' to='` + to + `'><privilege xmlns='` + space + `'><perm access='roster' type='both'/></privilege></message>`
	}
	by := func(bare string, at Target) func(*Case, *Policy) {
		return func(c *Case, _ *Policy) { c.Colleague, c.Target = Colleague{JID: bare}, at }
	}
	const one, two, me = "urn:xmpp:privilege:1", "urn:xmpp:privilege:2", "lan.example.com"
	rows := []row{
		{"GW-17 the server of a listed colleague", said("example.com", me, one), by("example.com", Gateway), "answer", "GW-17"},
		{"GW-17 in the newer form", said("example.com", me, two), by("example.com", Gateway), "answer", "GW-17"},
		{"GW-17 the server of an admitted domain", said("friends.example", me, two), by("friends.example", Gateway), "answer", "GW-17"},
		{"GW-17 a colleague for her domain", said("nurse@example.com", me, two), by(nurse, Gateway), "drop", "GW-17"},
		{"GW-17 a colleague's device", said("nurse@example.com/x", me, two), by(nurse, Gateway), "drop", "GW-17"},
		{"GW-17 something at the server", said("example.com/announce", me, two), by("example.com", Gateway), "drop", "GW-17"},
		{"GW-17 a server that nobody here has to do with", said("else.example", me, two), by("else.example", Gateway), "drop", "GW-17"},
		{"GW-17 a stranger's", said("who@else.example", me, two), by("who@else.example", Gateway), "drop", "GW-17"},
		{"INJ-32 our own domain", said(me, me, two), by(me, Gateway), "drop", "INJ-32"},
		{"INJ-17 as an error", `<message from='example.com' to='lan.example.com' type='error'><privilege xmlns='urn:xmpp:privilege:2'/></message>`, by("example.com", Gateway), "drop", "INJ-17"},
		{"to a peer it is nothing", said("nurse@example.com", proxyJID, two), nil, "relay", ""},
	}
	for _, r := range rows {
		r.run(t, stanza.Component, fromNurse(), FromServer)
	}
}
