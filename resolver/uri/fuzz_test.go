package uri

import (
	"testing"
	"unicode/utf8"

	"mellium.im/xmpp/jid"
	"pgregory.net/rapid"
)

// FuzzParse feeds arbitrary text: no panic, and what is read is normal, can be
// written, and reads back the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"xmpp:node@example.com/res", "xmpp://guest@example.com/support@example.com?message;a=b#c",
		"im:a%40b@example.com?x", "pres:j%C3%BCrgen@xn--mnchen-3ya.example", "srv:_xmpp-client._tcp.example.org",
		"xmpp:ji%C5%99i@%C4%8Dechy.example/v%20Praze", "im:%5C5c@[2001:db8::1]", "XMPP:Ａ@ｂ。example", "im:a@b@c",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := Parse(s)
		if err != nil || u.Domain == "" {
			return
		}
		if !utf8.ValidString(u.JID()) {
			t.Fatalf("%q becomes %q", s, u.JID())
		}
		u.Account = ""
		if again, err := Parse(u.String()); err != nil || again != u {
			t.Fatalf("%q becomes %+v, written %q, read %+v, %v", s, u, u.String(), again, err)
		}
	})
}

func TestRoundTrip(t *testing.T) {
	domains := rapid.SampledFrom([]string{"example.com", "čechy.example", "localhost", "192.0.2.1", "[2001:db8::1]"})
	rapid.Check(t, func(t *rapid.T) {
		local := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z0-9\\!#-%*+=?\[\]^_{|}~-]{0,20}`)).Draw(t, "local")
		j, err := jid.New(local, domains.Draw(t, "domain"), rapid.String().Draw(t, "resource"))
		if err != nil {
			return
		}
		again, err := jid.New(j.Localpart(), j.Domainpart(), j.Resourcepart())
		if err != nil || !again.Equal(j) {
			return // PRECIS is not idempotent for some texts: nothing could read these back
		}
		if u, err := Parse(Of(XMPP, j).String()); err != nil || u.JID() != j.String() {
			t.Fatalf("RES-5122-5: %q becomes %q becomes %q, %v", j, Of(XMPP, j), u.JID(), err)
		}
		if j.Localpart() == "" || outerSpace(j.Localpart()) {
			return
		}
		if u, err := Parse(Of(IM, j).String()); err != nil || u.JID() != j.Bare().String() {
			t.Fatalf("RES-3922-3: %q becomes %q becomes %q, %v", j, Of(IM, j), u.JID(), err)
		}
	})
}

// outerSpace reports whether a local part has an escaped space at an end, which
// XEP-0106 section 3 does not allow.
func outerSpace(local string) bool {
	const space = `\20`
	return len(local) >= len(space) && (local[:len(space)] == space || local[len(local)-len(space):] == space)
}
