package translate

import (
	"strings"
	"testing"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

func cardXML(o CardOptions, txt ...string) string {
	return string(stanza.AppendElement(nil, stanza.Component, CardFromProfile(linklocal.ParseTXT(txt), juliet, o)))
}

func TestCardFromProfile(t *testing.T) {
	const open, end = `<vCard xmlns='vcard-temp'>`, `<DESC>` + unverified + `</DESC></vCard>`
	full := []string{"txtvers=1", "status=dnd", "msg=busy", "1st=Juliet", "last=Capulet", "nick=JuliC", "email=j@capulet.lit", "email=x@y", "jid=ceo@example.com"}
	t.Run("MAP-P7 MAP-P8 names are shown, addresses are not", func(t *testing.T) {
		equal(t, cardXML(CardOptions{}, full...), open+`<FN>JuliC</FN><N><FAMILY>Capulet</FAMILY><GIVEN>Juliet</GIVEN></N><NICKNAME>JuliC</NICKNAME>`+end)
		equal(t, cardXML(CardOptions{}, "1st=Juliet"), open+`<FN>Juliet</FN><N><GIVEN>Juliet</GIVEN></N>`+end)
	})
	t.Run("PRIV-2 everything switched off: the instance alone", func(t *testing.T) {
		equal(t, cardXML(CardOptions{HideNick: true, HideNames: true}, full...), open+`<FN>juliet@pronto</FN>`+end)
	})
	t.Run("MAP-P9 MAP-P10 INJ-20 addresses on demand, an XMPP address in words only", func(t *testing.T) {
		got := cardXML(CardOptions{ShowEmails: true, ShowJIDs: true}, full...)
		for _, want := range []string{`<EMAIL><INTERNET/><USERID>j@capulet.lit</USERID></EMAIL>`, "Claims to be ceo@example.com."} {
			if !strings.Contains(got, want) {
				t.Errorf("%s is missing in %s", want, got)
			}
		}
		if strings.Contains(got, "JABBERID") {
			t.Error(got)
		}
	})
	t.Run("INJ-21 control and bidi characters go, and what is too long", func(t *testing.T) {
		long := strings.Repeat("x", 200)
		got := cardXML(CardOptions{ShowEmails: true, ShowJIDs: true}, "nick=a\u202Eb\x01\u2066c", "1st="+long, "email=a\u202E\nb@c", "jid=\u202E")
		for _, bad := range []string{"\u202E", "\u2066", "\x01", long, "\nb"} {
			if strings.Contains(got, bad) {
				t.Errorf("%q is in %s", bad, got)
			}
		}
		if !strings.Contains(got, "<NICKNAME>abc</NICKNAME>") {
			t.Error(got)
		}
	})
}

// client reads an iq of a peer's program.
func client(t *testing.T, inner string) stanza.Stanza {
	t.Helper()
	return read(t, stanza.Client, `<iq type='result' id='1'>`+inner+`</iq>`)
}

func TestForeign(t *testing.T) {
	write := func(e *stanza.Element, ok bool) string {
		if !ok {
			return "nothing"
		}
		return string(stanza.AppendElement(nil, stanza.Component, e))
	}
	t.Run("MAP-X5 a version is written anew", func(t *testing.T) {
		const open = `<query xmlns='jabber:iq:version'>`
		got := write(VersionFromPeer(client(t, open+`<name>P&#x202e;</name><version>1</version><os> Mac </os><evil/></query>`)))
		equal(t, got, open+`<name>P</name><version>1</version><os>Mac</os></query>`)
		equal(t, write(VersionFromPeer(client(t, open+`</query>`))), open+`<name/><version/></query>`)
		equal(t, write(VersionFromPeer(client(t, `<query xmlns='urn:x'/>`))), "nothing")
	})
	t.Run("LL-CAP-7 only a ver without a hash is a version", func(t *testing.T) {
		for want, txt := range map[string][]string{
			`<query xmlns='jabber:iq:version'><name>libpurple</name><version>2.14.12</version></query>`: {"node=libpurple", "ver=2.14.12"},
			"nothing": {"node=n", "ver=v", "hash=sha-1"},
		} {
			equal(t, write(VersionFromProfile(linklocal.ParseTXT(txt))), want)
		}
		equal(t, write(VersionFromProfile(linklocal.ParseTXT([]string{"ver=1"}))), "nothing")
	})
	t.Run("MAP-X7 a time is read and written anew, or not at all", func(t *testing.T) {
		const open = `<time xmlns='urn:xmpp:time'>`
		for given, want := range map[string]string{
			`<tzo>-06:00</tzo><utc>2006-12-19T17:58:35Z</utc>`:   open + `<tzo>-06:00</tzo><utc>2006-12-19T17:58:35Z</utc></time>`,
			`<tzo>Z</tzo><utc>2006-12-19T18:58:35.5+01:00</utc>`: open + `<tzo>Z</tzo><utc>2006-12-19T17:58:35Z</utc></time>`,
			`<tzo>-06:00</tzo>`:                                    "nothing",
			`<utc>2006-12-19T17:58:35Z</utc>`:                      "nothing",
			`<tzo>here</tzo><utc>2006-12-19T17:58:35Z</utc>`:       "nothing",
			`<tzo>+15:00</tzo><utc>2006-12-19T17:58:35Z</utc>`:     "nothing",
			`<tzo>Z</tzo><utc>now</utc>`:                           "nothing",
			`<x xmlns='urn:x'/><tzo>Z</tzo><utc>2006-12-19</utc>`:  "nothing",
			`<tzo>Z</tzo><utc>2006-12-19T17:58:35Z</utc><evil/>`:   open + `<tzo>Z</tzo><utc>2006-12-19T17:58:35Z</utc></time>`,
			`<tzo>Z&#10;</tzo><utc>2006-12-19T17:58:35Z</utc>`:     "nothing",
			`<tzo>+00:00</tzo><utc> 2006-12-19T17:58:35Z </utc>`:   "nothing",
			`<tzo>+05:45</tzo><utc>9999-12-31T23:59:59.999Z</utc>`: open + `<tzo>+05:45</tzo><utc>9999-12-31T23:59:59Z</utc></time>`,
		} {
			if got := write(TimeFromPeer(client(t, open+given+`</time>`))); got != want {
				t.Errorf("%s -> %s, want %s", given, got, want)
			}
		}
	})
	t.Run("MAP-E1 MAP-E2 MAP-E3 an error of a client is read and written anew", func(t *testing.T) {
		read := func(inner string) stanza.Error {
			return ErrorToServer(read(t, stanza.Client, `<iq type='error' id='1'>`+inner+`</iq>`), "lan.example.com")
		}
		const ns = ` xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>`
		for inner, want := range map[string]stanza.Error{
			`<error type='auth'><forbidden` + ns + `</error>`:          {Type: "auth", Condition: "forbidden", By: "lan.example.com"},
			`<error code='404'/>`:                                      {Type: "cancel", Condition: "item-not-found", By: "lan.example.com"},
			`<error code='504'><service-unavailable` + ns + `</error>`: {Type: "cancel", Condition: "service-unavailable", By: "lan.example.com"},
			`<error type='fancy'><fancy` + ns + `</error>`:             {Type: "cancel", Condition: "undefined-condition", By: "lan.example.com"},
			``: {Type: "cancel", Condition: "undefined-condition", By: "lan.example.com"},
		} {
			if got := read(inner); got != want {
				t.Errorf("%s -> %+v, want %+v", inner, got, want)
			}
		}
	})
}
