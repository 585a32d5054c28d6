package translate

import (
	"testing"
	"unicode/utf8"

	"meshbridge/internal/stanza"
)

// FuzzForeign: whatever a client answers, what is passed on is within bounds and can
// be read again as what it is.
func FuzzForeign(f *testing.F) {
	for _, inner := range []string{
		`<query xmlns='jabber:iq:version'><name>P</name><version>1</version><os>Mac</os></query>`,
		`<time xmlns='urn:xmpp:time'><tzo>-06:00</tzo><utc>2006-12-19T17:58:35Z</utc></time>`,
		`<error code='404'/>`, `<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`,
	} {
		f.Add(inner)
	}
	f.Fuzz(func(t *testing.T, inner string) {
		for _, kind := range []string{"result", "error"} {
			s, ok := tryRead(stanza.Client, `<iq id='1' type='`+kind+`'>`+inner+`</iq>`)
			if !ok {
				return
			}
			out := stanza.Stanza{Kind: stanza.IQ, Type: "result", ID: "1"}
			if v, ok := VersionFromPeer(s); ok {
				out.Payload = append(out.Payload, v)
			}
			if c, ok := TimeFromPeer(s); ok {
				out.Payload = append(out.Payload, c)
			}
			if kind == "error" {
				e := ErrorToServer(s, "lan.example.com")
				if _, known := errorType(e.Condition); !known || utf8.RuneCountInString(e.Text) > maxText {
					t.Fatalf("%+v", e)
				}
				out.Payload = append(out.Payload, e.Element())
			}
			text := write(stanza.Component, out)
			if _, ok := tryRead(stanza.Component, text); !ok || len(text) > 8<<10 {
				t.Fatalf("cannot be read again, or too long: %q", text)
			}
		}
	})
}
