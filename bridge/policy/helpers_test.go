package policy

import (
	"strings"
	"testing"

	"meshbridge/internal/stanza"
)

const (
	proxyJID      = `juliet\40pronto@lan.example.com`
	proxyInstance = `nurse\40example.com@bridge`
	nurse         = "nurse@example.com"
)

// office is the policy of most tests: the nurse is listed, users of
// friends.example may subscribe.
func office() Policy {
	return Policy{
		Domain:  "lan.example.com",
		Listed:  map[string]bool{nurse: true},
		Domains: map[string]bool{"friends.example": true},
		Mesh:    Bound,
	}
}

// row is a case and what is to come of it. verdict is "relay", "answer", "ask", "drop"
// or the condition of the refusal; "unsubscribed" for a refused presence.
type row struct {
	name    string
	xml     string
	change  func(*Case, *Policy) // from the case in which everything is in order
	verdict string
	rule    string
}

func (r row) run(t *testing.T, c stanza.Content, base Case, decide func(Case, Policy) Verdict) {
	t.Run(r.name, func(t *testing.T) {
		base, p := base, office()
		base.Stanza = read(t, c, r.xml)
		if r.change != nil {
			r.change(&base, &p)
		}
		v := decide(base, p)
		if got := describe(v, base.Stanza); got != r.verdict || v.Rule != r.rule {
			t.Errorf("%s under %q, want %s under %q", got, v.Rule, r.verdict, r.rule)
		}
	})
}

// blockedBy has somebody block the other.
func blockedBy(who Block) func(*Case, *Policy) {
	return func(c *Case, _ *Policy) { c.Blocked = who }
}

// describe puts a verdict in the words of a row.
func describe(v Verdict, s stanza.Stanza) string {
	reply, told := v.Reply(s)
	switch {
	case v.Action == Refuse && !told:
		return "refuse without a word"
	case v.Action != Refuse && told:
		return "a word without refusal"
	case v.Action == Drop:
		return "drop"
	case v.Action == Relay:
		return "relay"
	case v.Action == Answer:
		return "answer"
	case v.Action == Ask:
		return "ask"
	case reply.Type == "unsubscribed":
		return "unsubscribed"
	}
	e, _ := stanza.ErrorOf(reply)
	return e.Condition
}

func read(t testing.TB, c stanza.Content, xml string) stanza.Stanza {
	t.Helper()
	r := stanza.NewReader(strings.NewReader(string(stanza.AppendHeader(nil, c, stanza.Header{}))+xml), c, stanza.MeshLimits())
	if _, err := r.Header(); err != nil {
		t.Fatal(err)
	}
	r.Trust()
	e, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	s, ok := stanza.Parse(e)
	if !ok {
		t.Fatalf("no stanza: %s", xml)
	}
	return s
}

// Requests that stand for their kind.
const (
	ping    = `<ping xmlns='urn:xmpp:ping'/>`
	version = `<query xmlns='jabber:iq:version'/>`
	info    = `<query xmlns='http://jabber.org/protocol/disco#info'/>`
	items   = `<query xmlns='http://jabber.org/protocol/disco#items'/>`
	vcard   = `<vCard xmlns='vcard-temp'/>`
	clock   = `<time xmlns='urn:xmpp:time'/>`
	last    = `<query xmlns='jabber:iq:last'/>`
	prompt  = `<query xmlns='jabber:iq:gateway'/>`
	command = `<command xmlns='http://jabber.org/protocol/commands' node='who'/>`
	joining = `<query xmlns='jabber:iq:register'/>`
	leaving = `<query xmlns='jabber:iq:register'><remove/></query>`
	roster  = `<query xmlns='jabber:iq:roster'/>`
	body    = `<body>hi</body>`
)
