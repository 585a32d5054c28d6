package translate

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// pixel is the picture of V-6 in base64.
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

const pixelHash = "4a5eb7171b58e08a6881721e3b43d5a44419a2be"

func octets(t testing.TB, text string) string {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// vcard reads the card that stands in the answer of a server.
func vcard(t *testing.T, inner string) *stanza.Element {
	t.Helper()
	return read(t, stanza.Component, `<iq type='result' id='1'><vCard xmlns='vcard-temp'>`+inner+`</vCard></iq>`).Child(stanza.NSVCard, "vCard")
}

func TestCardFromServer(t *testing.T) {
	photo := func(data string) string { return `<PHOTO><TYPE>text/html</TYPE><BINVAL>` + data + `</BINVAL></PHOTO>` }
	gif := func(n int) string {
		return base64.StdEncoding.EncodeToString([]byte("GIF89a" + strings.Repeat("x", n-6)))
	}
	for _, c := range []struct {
		name, inner string
		want        Card
		large       bool
	}{
		{"nothing in it", ``, Card{}, false},
		{"MAP-T7 names and addresses, and nothing that the mesh has no word for",
			`<FN>Dr. Alice</FN><N><FAMILY>Liddell</FAMILY><GIVEN>Alice</GIVEN><MIDDLE>P</MIDDLE></N><NICKNAME>Ali</NICKNAME><BDAY>1852-05-04</BDAY>` +
				`<TEL><NUMBER>1</NUMBER></TEL><ADR><CTRY>UK</CTRY></ADR><EMAIL><INTERNET/><USERID>a@x</USERID></EMAIL><EMAIL><USERID> </USERID></EMAIL><EMAIL/><JABBERID>b@y</JABBERID>`,
			Card{First: "Alice", Last: "Liddell", Nick: "Ali", Emails: []string{"a@x"}}, false},
		{"INJ-21 what steers a display goes", "<NICKNAME>a\u202Eb\nc</NICKNAME><N><GIVEN>\u2066</GIVEN></N><EMAIL><USERID>a\u202E@x</USERID></EMAIL>",
			Card{Nick: "ab c", Emails: []string{"a@x"}}, false},
		{"LL-AV-14 a picture is known by its octets, with white space anywhere", photo("\n " + pixel[:20] + "\n\t" + pixel[20:] + " "), Card{Photo: octets(t, pixel)}, false},
		{"LL-AV-14 no image", photo(base64.StdEncoding.EncodeToString([]byte("<html>"))), Card{}, false},
		{"no base64", photo("R0lGODlh!"), Card{}, false},
		{"base64 that is cut off", photo(pixel[:len(pixel)-1]), Card{}, false},
		{"no octets", photo(""), Card{}, false},
		{"LL-AV-2 8 KiB are as much as there may be", photo(gif(8192)), Card{Photo: octets(t, gif(8192))}, false},
		{"LL-AV-2 one octet more", photo(gif(8193)), Card{}, true},
		{"LL-AV-2 20 kB", photo(gif(20000)), Card{}, true},
		{"a picture elsewhere is not fetched", `<PHOTO><EXTVAL>http://127.0.0.1/x.png</EXTVAL></PHOTO>`, Card{}, false},
		{"another namespace", `<NICKNAME xmlns='urn:x'>Ali</NICKNAME>`, Card{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, large := CardFromServer(vcard(t, c.inner))
			if d := cmp.Diff(c.want, got); d != "" || large != c.large {
				t.Errorf("large: %v, %s", large, d)
			}
		})
	}
	t.Run("INJ-21 long texts and many addresses are cut", func(t *testing.T) {
		long := strings.Repeat("é", 1000)
		c, _ := CardFromServer(vcard(t, `<NICKNAME>`+long+`</NICKNAME><N><GIVEN>`+long+`</GIVEN></N>`+strings.Repeat(`<EMAIL><USERID>`+long+`</USERID></EMAIL>`, 50)))
		if utf8.RuneCountInString(c.Nick) != 64 || utf8.RuneCountInString(c.First) != 64 || len(c.Emails) != 4 || utf8.RuneCountInString(c.Emails[0]) != 254 {
			t.Errorf("%+v", c)
		}
	})
}

func TestCardElement(t *testing.T) {
	xml := func(c Card) string { return string(stanza.AppendElement(nil, stanza.Component, c.Element())) }
	t.Run("LL-AV-13 V-6 the picture in base64, with the type of its octets", func(t *testing.T) {
		equal(t, xml(Card{Name: "x", Photo: octets(t, pixel)}),
			`<vCard xmlns='vcard-temp'><FN>x</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>`+pixel+`</BINVAL></PHOTO></vCard>`)
	})
	t.Run("LL-AV-14 HTML is no picture", func(t *testing.T) {
		equal(t, xml(Card{Name: "x", Photo: "<html>"}), `<vCard xmlns='vcard-temp'><FN>x</FN></vCard>`)
	})
	t.Run("all parts of it", func(t *testing.T) {
		equal(t, xml(Card{Name: "A", First: "F", Last: "L", Nick: "N", Emails: []string{"e", "f"}, JID: "j", Note: "D"}),
			`<vCard xmlns='vcard-temp'><FN>A</FN><N><FAMILY>L</FAMILY><GIVEN>F</GIVEN></N><NICKNAME>N</NICKNAME>`+
				`<EMAIL><INTERNET/><USERID>e</USERID></EMAIL><EMAIL><INTERNET/><USERID>f</USERID></EMAIL><JABBERID>j</JABBERID><DESC>D</DESC></vCard>`)
	})
}

func TestPhotoTold(t *testing.T) {
	const x = `<x xmlns='vcard-temp:x:update'>`
	for presence, want := range map[string]string{
		`<presence>` + x + `<photo>` + strings.ToUpper(pixelHash) + `</photo></x></presence>`:   pixelHash,
		`<presence>` + x + `<photo> ` + pixelHash + "\n" + `</photo></x></presence>`:            pixelHash,
		`<presence>` + x + `<photo/></x></presence>`:                                            "none",
		`<presence>` + x + `</x></presence>`:                                                    "nothing told",
		`<presence/>`:                                                                           "nothing told",
		`<presence>` + x + `<photo>abc</photo></x></presence>`:                                  "nothing told",
		`<presence type='unavailable'>` + x + `<photo>` + pixelHash + `</photo></x></presence>`: "nothing told",
		`<message>` + x + `<photo>` + pixelHash + `</photo></x></message>`:                      "nothing told",
	} {
		t.Run("MAP-T8", func(t *testing.T) {
			hash, told := PhotoTold(read(t, stanza.Component, presence))
			got := hash
			switch {
			case !told && hash == "":
				got = "nothing told"
			case told && hash == "":
				got = "none"
			}
			if got != want {
				t.Errorf("%s: %s, want %s", presence, got, want)
			}
		})
	}
}

// FuzzCard: whatever a server gives for a card, what is taken of it is within bounds, fit to
// be shown, and stands in a card and a record that can be read again.
func FuzzCard(f *testing.F) {
	for _, inner := range []string{
		``, `<NICKNAME>Ali</NICKNAME><N><GIVEN>A</GIVEN><FAMILY>L</FAMILY></N>`, `<EMAIL><USERID>a@x</USERID></EMAIL><EMAIL/>`,
		`<PHOTO><BINVAL>` + pixel + `</BINVAL></PHOTO>`, `<PHOTO><BINVAL>R0lG ODlh</BINVAL></PHOTO>`, `<PHOTO><EXTVAL>x</EXTVAL></PHOTO>`,
	} {
		f.Add(inner)
	}
	f.Fuzz(func(t *testing.T, inner string) {
		s, ok := tryRead(stanza.Component, `<iq id='1' type='result'><vCard xmlns='vcard-temp'>`+inner+`</vCard></iq>`)
		if !ok || s.Child(stanza.NSVCard, "vCard") == nil {
			return
		}
		c, large := CardFromServer(s.Child(stanza.NSVCard, "vCard"))
		if len(c.Photo) > linklocal.MaxAvatar || large && c.Photo != "" || c.Photo != "" && ImageType(c.Photo) == "" {
			t.Fatalf("a picture of %d octets", len(c.Photo))
		}
		for _, text := range append(c.Emails, c.Nick, c.First, c.Last) {
			if tame(text, maxText) != text || len(c.Emails) > maxAddresses {
				t.Fatalf("%+v", c)
			}
		}
		again := write(stanza.Component, stanza.Stanza{Kind: stanza.IQ, Type: "result", ID: "1", Payload: []*stanza.Element{c.Element()}})
		back, ok := tryRead(stanza.Component, again)
		if !ok {
			t.Fatalf("cannot be read: %s", again)
		}
		if got, _ := CardFromServer(back.Child(stanza.NSVCard, "vCard")); !cmp.Equal(got, c) {
			t.Fatalf("%+v came back as %+v", c, got)
		}
		txt := ProfileFromPresence(Resource{}, ProfileOptions{Nick: c.Nick, First: c.First, Last: c.Last, Emails: c.Emails}).TXT(0)
		if p := linklocal.ParseTXT(txt); p.Nick != c.Nick || p.First != c.First || p.Last != c.Last || slices.ContainsFunc(txt, func(s string) bool { return len(s) > 255 }) {
			t.Fatalf("%+v stands in the record as %q", c, txt)
		}
	})
}
