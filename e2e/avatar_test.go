//go:build linux

package e2e

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// picture paints noise of some size in octets.
func picture(t testing.TB, side int) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, side, side))
	for i := range m.Pix {
		m.Set(i%side, i/side, color.Gray{Y: uint8(rand.N(256))})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sumOf(data []byte) string {
	s := sha1.Sum(data)
	return hex.EncodeToString(s[:])
}

// shows matches presence that tells of a picture.
func shows(from, sum string) func(clientEvent) bool {
	return func(e clientEvent) bool {
		return presence(from, "")(e) && strings.Contains(e.XML, "<photo>"+sum+"</photo>")
	}
}

// card asks for a vCard and returns the picture in it.
func (a *client) card(t testing.TB, of string) (xml string, photo []byte) {
	t.Helper()
	answers, id := a.events.now(), fmt.Sprint("card", time.Now().UnixNano())
	a.do(t, "raw", "xml", fmt.Sprintf(`<iq type="get" id="%s" to="%s"><vCard xmlns="vcard-temp"/></iq>`, id, quoted(of)))
	e := answers.await(t, later, "the card of "+of, func(e clientEvent) bool { return e.Ev == "iq" && e.ID == id })
	_, inner, _ := strings.Cut(e.XML, "<BINVAL>")
	inner, _, _ = strings.Cut(inner, "</BINVAL>")
	photo, err := base64.StdEncoding.DecodeString(inner)
	if err != nil {
		t.Fatalf("%v in %s", err, e.XML)
	}
	return e.XML, photo
}

// setCard gives Alice's account a vCard and tells of its picture in presence.
func (a *client) setCard(t testing.TB, card string, sum string) {
	t.Helper()
	answers := a.events.now()
	a.do(t, "raw", "xml", `<iq type="set" id="mine"><vCard xmlns="vcard-temp">`+card+`</vCard></iq>`)
	e := answers.await(t, soon, "the server has the card", func(e clientEvent) bool { return e.Ev == "iq" && e.ID == "mine" })
	if e.Type != "result" {
		t.Fatalf("the server says %s", e.XML)
	}
	a.do(t, "raw", "xml", `<presence><x xmlns="vcard-temp:x:update"><photo>`+sum+`</photo></x></presence>`)
}

func photo(data []byte) string {
	return "<PHOTO><TYPE>image/png</TYPE><BINVAL>" + base64.StdEncoding.EncodeToString(data) + "</BINVAL></PHOTO>"
}

// null asks the LAN for the NULL record of a name, as a program without multicast DNS of
// its own does (RFC 6762 section 6.7); "" when nobody answers.
func (s *scene) null(t testing.TB, name string) string {
	t.Helper()
	m := new(dns.Msg)
	m.Id = 4711
	m.Question = []dns.Question{{Name: name, Qtype: dns.TypeNULL, Qclass: dns.ClassINET}}
	q, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	var data string
	err = s.pronto.do(func() error {
		conn, err := net.ListenUDP("udp4", nil)
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := conn.WriteToUDP(q, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: mdnsPort}); err != nil {
			return err
		}
		if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
			return err
		}
		for packet := make([]byte, 65535); ; {
			n, _, err := conn.ReadFromUDP(packet)
			answer := new(dns.Msg)
			if err != nil {
				return nil // nobody
			}
			if answer.Unpack(packet[:n]) == nil {
				for _, rr := range answer.Answer {
					if null, ok := rr.(*dns.NULL); ok {
						data = null.Data
						return nil
					}
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestAvatars shows what Alice and Juliet look like to each other, through either server.
func TestAvatars(t *testing.T) {
	for name, raise := range map[string]backend{"Prosody": onProsodyWithCharles, "ejabberd": onEjabberd} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, both, racing, raise)
			t.Run("LL-AV-5 LL-AV-8 LL-AV-13 MAP-P6 MAP-X3 the icon of Juliet's client is told to Alice, who fetches it", s.testJulietsPicture)
			t.Run("LL-AV-1 LL-AV-11 LL-AV-15 MAP-T8 PRIV-1 Alice's picture is on the mesh, under both names, ahead of its hash", s.testAlicesPicture)
			if name == "Prosody" {
				t.Run("LL-AV-15 Juliet's client shows the picture of a colleague whose instance has dots and no escapes", s.testCharlesPicture)
			}
		})
	}
}

func (s *scene) testJulietsPicture(t *testing.T) {
	icon := picture(t, 70)
	file := filepath.Join(s.dir, "juliet.png")
	write(t, file, string(icon), 0o644)
	alices := s.alice.events.now()
	s.juliet.write(t, "icon "+file)
	alices.await(t, later, "Juliet's picture is told", shows(julietJID, sumOf(icon)))
	xml, got := s.alice.card(t, julietJID)
	if !bytes.Equal(got, icon) || !strings.Contains(xml, "<TYPE>image/png</TYPE>") {
		t.Errorf("%d octets, want %d: %.300s", len(got), len(icon), xml)
	}
	s.juliet.write(t, "icon")
	alices.await(t, later, "she has none any more", func(e clientEvent) bool {
		return presence(julietJID, "")(e) && strings.Contains(e.XML, "<photo") && !strings.Contains(e.XML, "</photo>")
	})
	if xml, got = s.alice.card(t, julietJID); len(got) != 0 {
		t.Errorf("still in the card: %.300s", xml)
	}
}

// charles has an address so long that his instance is a fallback name, which has dots but
// nothing escaped.
const (
	charles         = "charles.lutwidge.dodgson.known.as.lewis.carroll"
	charlesInstance = "charles.lutwidge.dodgson.known.as.lewis.carro~044b722e44@office"
)

// onProsodyWithCharles is a server where charles has an account, too, and is a colleague.
func onProsodyWithCharles(t testing.TB, o *office) (server, setup) {
	t.Helper()
	p := o.newProsody(t, o.inSrv())
	write(t, filepath.Join(p.site.dir, "data", "example%2eorg", "accounts", strings.ReplaceAll(charles, ".", "%2e")+".dat"),
		fmt.Sprintf("return { [\"password\"] = %q };\n", password), 0o600)
	way := ordinary
	way.colleagues = []string{"alice", charles}
	return p, way
}

func (s *scene) testCharlesPicture(t *testing.T) {
	face := picture(t, 75)
	juliets := s.juliet.events.start()
	c := s.login(t, charles)
	juliets.await(t, soon, "Juliet sees him", signedOn(charlesInstance))
	began := time.Now()
	c.setCard(t, `<NICKNAME>Lewis</NICKNAME>`+photo(face), sumOf(face))
	e := juliets.await(t, later, "Juliet's client shows his picture", func(e bonjourEvent) bool {
		return e.Ev == "icon" && e.Name == charlesInstance && e.Sum == sumOf(face)
	})
	t.Logf("MEASURED picture: set on the server to shown by Juliet's client: %v", e.at.Sub(began))
	other := picture(t, 85)
	s.settle(t, s.tap.heard.start(), charlesInstance, dns.TypeTXT)
	c.setCard(t, photo(other), sumOf(other))
	juliets.await(t, later, "and then his next one", func(e bonjourEvent) bool {
		return e.Ev == "icon" && e.Name == charlesInstance && e.Sum == sumOf(other)
	})
	c.logout(t)
}

// testAlicesPicture asks for the octets as dig would. libpurple on Avahi never gets as
// far: it hands Avahi the name as text, and to that the backslash in an escaped instance
// begins an octet in three digits, which "\\40e" is not.
func (s *scene) testAlicesPicture(t *testing.T) {
	face := picture(t, 80)
	wire, began := s.tap.heard.now(), time.Now()
	s.alice.setCard(t, `<FN>Alice Liddell</FN><N><GIVEN>Alice</GIVEN><FAMILY>Liddell</FAMILY></N>`+photo(face), sumOf(face))
	wire.await(t, soon, "the picture itself", func(h heard) bool {
		null, ok := h.rr.(*dns.NULL)
		return ok && h.instance == aliceInstance && null.Data == string(face)
	})
	told := wire.await(t, soon, "her record tells of it", func(h heard) bool {
		txt, ok := h.rr.(*dns.TXT)
		return ok && h.instance == aliceInstance && strings.Contains(strings.Join(txt.Txt, " "), "phsh="+sumOf(face))
	})
	t.Logf("MEASURED picture: set on the server to told of on the LAN: %v", told.at.Sub(began))
	for _, name := range []string{`alice\\40example\.org\@office.` + serviceName, `alice\\40example.org\@office.` + serviceName} {
		if got := s.null(t, name); got != string(face) {
			t.Errorf("%s: %d octets, want %d", name, len(got), len(face))
		}
	}
	if txt := strings.Join(s.tap.txt(aliceInstance), " "); strings.Contains(txt, "Liddell") {
		t.Errorf("the record says %s", txt)
	}
}
