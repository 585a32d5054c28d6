package linklocal

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"meshbridge/internal/stanza"
)

// juliet is the person of XEP-0174 section 2, with every key of its record.
func juliet() Profile {
	return Profile{
		Status: Available, Message: "Hanging out downtown", Nick: "JuliC",
		First: "Juliet", Last: "Capulet",
		Emails: []string{"juliet@capulet.lit"}, JIDs: []string{"juliet@capulet.lit"},
		Node: "http://www.adiumx.com", Hash: "sha-1", Ver: "QgayPKawpkPSDYmwT/WM94uAlu0=",
		PhotoHash: "a3839614e1a382bcfebbcf20464f519e81770813", VC: "CA!",
	}
}

// rdata packs strings as TXT record data (RFC 1035 section 3.3.14).
func rdata(txt []string) []byte {
	var b []byte
	for _, s := range txt {
		b = append(b, byte(len(s)))
		b = append(b, s...)
	}
	return b
}

// unpack takes TXT record data apart again.
func unpack(t testing.TB, b []byte) []string {
	var txt []string
	for len(b) > 0 {
		n := int(b[0])
		if len(b) < 1+n {
			t.Fatalf("string of %d octets, %d left", n, len(b)-1)
		}
		txt = append(txt, string(b[1:1+n]))
		b = b[1+n:]
	}
	return txt
}

func value(t testing.TB, txt []string, key string) (string, bool) {
	for _, s := range txt {
		if v, ok := strings.CutPrefix(s, key+"="); ok {
			return v, true
		}
	}
	return "", false
}

func TestTXTWritten(t *testing.T) {
	t.Run("LL-3.1-5 V-7 Juliet's record octet by octet, txtvers first", func(t *testing.T) {
		txt := juliet().TXT(5562)
		data := rdata(txt)
		sum := sha256.Sum256(data)
		if len(txt) != 14 || len(data) != 270 {
			t.Errorf("%d strings, %d octets, want 14 and 270", len(txt), len(data))
		}
		if got, want := hex.EncodeToString(data[:40]), "09747874766572733d310a3173743d4a756c69657418656d61696c3d6a756c69657440636170756c"; got != want {
			t.Errorf("starts %s, want %s", got, want)
		}
		if got, want := hex.EncodeToString(sum[:]), "553f1c736988a312f5e21d97582bb920db9f24896191ece42eb3049e9991cd8c"; got != want {
			t.Errorf("SHA-256 %s, want %s\n%q", got, want, txt)
		}
		if txt[0] != "txtvers=1" {
			t.Errorf("first string %q", txt[0])
		}
	})
	t.Run("LL-3-4 nothing to say is still a record: txtvers=1 alone", func(t *testing.T) {
		if got := hex.EncodeToString(rdata(Profile{}.TXT(0))); got != "09747874766572733d31" {
			t.Errorf("record data %s", got)
		}
	})
	t.Run("port.p2pj is the port of the SRV record, or is not there", func(t *testing.T) {
		if v, ok := value(t, juliet().TXT(5298), "port.p2pj"); !ok || v != "5298" {
			t.Errorf("port.p2pj = %q, %v", v, ok)
		}
		if v, ok := value(t, juliet().TXT(0), "port.p2pj"); ok {
			t.Errorf("port.p2pj = %q without a port", v)
		}
	})
	t.Run("V-7 the mark of a bridge", func(t *testing.T) {
		for domain, want := range map[string]string{"lan.example.com": "bd42c1c5", "lan.example.org": "0abf8254"} {
			p := Profile{Gateway: GatewayMark(domain), HasGateway: true}
			if got := p.TXT(0); !slices.Contains(got, "gw="+want) {
				t.Errorf("%s: %q, want gw=%s", domain, got, want)
			}
		}
	})
	t.Run("V-7b a backslash and UTF-8 are written as they are", func(t *testing.T) {
		txt := Profile{Nick: `c\d`, Message: "Grüße"}.TXT(0)
		if want := []string{"txtvers=1", "msg=Grüße", `nick=c\d`}; !slices.Equal(txt, want) {
			t.Errorf("%q, want %q", txt, want)
		}
	})
	t.Run("a wrong status or photo hash is not written", func(t *testing.T) {
		txt := Profile{Status: "xa", PhotoHash: "abc"}.TXT(0)
		if want := []string{"txtvers=1"}; !slices.Equal(txt, want) {
			t.Errorf("%q, want %q", txt, want)
		}
	})
	t.Run("LL-AV-3 V-6 phsh is the SHA-1 of the picture's octets, in any case", func(t *testing.T) {
		png, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
		if err != nil {
			t.Fatal(err)
		}
		sum := sha1.Sum(png)
		p := ParseTXT([]string{"phsh=" + strings.ToUpper(hex.EncodeToString(sum[:]))})
		if p.PhotoHash != hex.EncodeToString(sum[:]) || p.PhotoHash != "4a5eb7171b58e08a6881721e3b43d5a44419a2be" {
			t.Errorf("phsh %q for a picture of SHA-1 %x", p.PhotoHash, sum)
		}
	})
	t.Run("LL-AV-3 a photo hash is written in lower case", func(t *testing.T) {
		txt := Profile{PhotoHash: "4A5EB7171B58E08A6881721E3B43D5A44419A2BE"}.TXT(0)
		if v, _ := value(t, txt, "phsh"); v != "4a5eb7171b58e08a6881721e3b43d5a44419a2be" {
			t.Errorf("phsh = %q", v)
		}
	})
}

func TestTXTSizes(t *testing.T) {
	t.Run("LL-3.1-2 no string is longer than 255 octets", func(t *testing.T) {
		msg, _ := value(t, Profile{Message: strings.Repeat("x", 300)}.TXT(0), "msg")
		if len(msg) != 251 {
			t.Errorf("msg of %d octets, want 251", len(msg))
		}
	})
	t.Run("LL-I18N-5 a text is cut between characters", func(t *testing.T) {
		msg, _ := value(t, Profile{Message: strings.Repeat("é", 300)}.TXT(0), "msg")
		if len(msg) != 250 || utf8.RuneCountInString(msg) != 125 || !utf8.ValidString(msg) {
			t.Errorf("msg of %d octets, %d characters", len(msg), utf8.RuneCountInString(msg))
		}
	})
	t.Run("LL-3.1-1 a record stays under 1300 octets and keeps what matters", func(t *testing.T) {
		full := greedy()
		txt := full.TXT(5298)
		if n := len(rdata(txt)); n > 1300 {
			t.Errorf("%d octets", n)
		}
		for _, key := range []string{"status", "phsh", "gw", "port.p2pj", "nick"} {
			if _, ok := value(t, txt, key); !ok {
				t.Errorf("%s is missing from %q", key, txt)
			}
		}
		if _, ok := value(t, txt, "ext"); ok {
			t.Error("ext kept although the record was too long")
		}
	})
	t.Run("LL-3.1-1 of a record a little too long the message is cut, at a character", func(t *testing.T) {
		p := greedy()
		p.Ext, p.First, p.Last, p.Hash, p.JIDs = nil, "", "", "", nil
		p.VC = strings.Repeat("v", 150)
		p.Message = "Zeit für" + strings.Repeat("ü", 2000)
		txt := p.TXT(5298)
		msg, ok := value(t, txt, "msg")
		if n := len(rdata(txt)); n > 1300 || n < 1298 {
			t.Errorf("%d octets, want just under 1300", n)
		}
		if !ok || !strings.HasPrefix(msg, "Zeit für") || !utf8.ValidString(msg) || len(msg) >= 251 {
			t.Errorf("msg = %q", msg)
		}
	})
	t.Run("identifiers are written whole or not at all", func(t *testing.T) {
		txt := Profile{Node: strings.Repeat("n", 251), Ver: "v", JIDs: []string{"a@x", strings.Repeat("j", 300), "b@y"}}.TXT(0)
		if want := []string{"txtvers=1", "jid=a@x b@y", "ver=v"}; !slices.Equal(txt, want) {
			t.Errorf("%q, want %q", txt, want)
		}
	})
}

// greedy is a person with as much to say as every key can hold.
func greedy() Profile {
	long := strings.Repeat("x", 200)
	return Profile{
		Status: DND, Message: strings.Repeat("m", 2000), Nick: long, First: long, Last: long,
		Emails: []string{long}, JIDs: []string{long}, Node: long, Hash: long, Ver: long, Ext: []string{long},
		PhotoHash: juliet().PhotoHash, VC: long, Gateway: GatewayMark("lan.example.com"), HasGateway: true,
	}
}

func TestTXTOwn(t *testing.T) {
	t.Run("LL-3.1-3 no key twice, LL-3.1-20 no key n", func(t *testing.T) {
		p := greedy()
		p.Message, p.First, p.Last, p.Node = "m", "f", "l", "n"
		seen := map[string]bool{}
		for _, s := range p.TXT(5298) {
			key, _, _ := strings.Cut(s, "=")
			if key = strings.ToLower(key); seen[key] || key == "n" {
				t.Errorf("key %q", key)
			}
			seen[key] = true
		}
	})
	t.Run("LL-I18N-3 what is written is UTF-8", func(t *testing.T) {
		for _, s := range (Profile{Nick: "J\xffrgen", Message: "a\x00b"}).TXT(0) {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Errorf("%q", s)
			}
		}
	})
}

func TestParseTXT(t *testing.T) {
	tests := []struct {
		name string
		txt  []string
		want Profile
	}{
		{"LL-3.1-12 addresses separated by any number of spaces", []string{"email=a@x  b@y "},
			Profile{Status: Available, Emails: []string{"a@x", "b@y"}}},
		{"LL-3.1-13 a list of claimed JIDs", []string{"jid=a@x b@y"},
			Profile{Status: Available, JIDs: []string{"a@x", "b@y"}}},
		{"LL-3.1-11 given and family name", []string{"1st=Juliet", "last=Capulet"},
			Profile{Status: Available, First: "Juliet", Last: "Capulet"}},
		{"LL-3.1-14 nick", []string{"nick=JuliC"}, Profile{Status: Available, Nick: "JuliC"}},
		{"LL-3.1-16 msg, spaces kept", []string{"msg= Hi "}, Profile{Status: Available, Message: " Hi "}},
		{"LL-3.1-15 dnd", []string{"status=dnd"}, Profile{Status: DND}},
		{"LL-3.1-15 away, as some client may spell it", []string{"Status=AWAY"}, Profile{Status: Away}},
		{"LL-3.1-15 unknown status is avail and said to the log", []string{"status=xa"},
			Profile{Status: Available, Odd: []string{`unknown status "xa", taken as avail`}}},
		{"LL-3.1-6 txtvers 2 is read like 1", []string{"txtvers=2", "status=dnd"}, Profile{Status: DND}},
		{"LL-3.1-6 of an unknown txtvers nothing is read", []string{"txtvers=9", "status=dnd", "nick=x"},
			Profile{Status: Available, Odd: []string{`unknown txtvers "9", other keys not read`}}},
		{"LL-3.1-7 txtvers anywhere", []string{"status=dnd", "txtvers=1"}, Profile{Status: DND}},
		{"LL-3.1-7 or absent", []string{"status=dnd"}, Profile{Status: DND}},
		{"LL-3.1-9 unknown keys are ignored without a word", []string{"x-unk=1", "AIM=j", "slumming=1", "n=x"},
			Profile{Status: Available}},
		{"LL-CAP-8 ext is a set of opaque names", []string{"ext=rcd sgc rcd"},
			Profile{Status: Available, Ext: []string{"rcd", "sgc"}}},
		{"LL-3.1-17 node, hash, ver", []string{"node=http://x", "hash=sha-1", "ver=abc="},
			Profile{Status: Available, Node: "http://x", Hash: "sha-1", Ver: "abc="}},
		{"LL-3.1-17 ver without hash is kept apart by the missing hash", []string{"node=libpurple", "ver=2.14.12"},
			Profile{Status: Available, Node: "libpurple", Ver: "2.14.12"}},
		{"LL-3.1-18 LL-AV-3 photo hash in any case", []string{"phsh=4A5EB7171B58E08A6881721E3B43D5A44419A2BE"},
			Profile{Status: Available, PhotoHash: "4a5eb7171b58e08a6881721e3b43d5a44419a2be"}},
		{"LL-3.1-18 what is no SHA-1 is no photo hash", []string{"phsh=xyz"},
			Profile{Status: Available, Odd: []string{`phsh "xyz" is no SHA-1, avatar ignored`}}},
		{"LL-3-9 port.p2pj is not even looked at", []string{"port.p2pj=1"}, Profile{Status: Available}},
		{"the mark of another bridge", []string{"GW=bd42c1c5"},
			Profile{Status: Available, Gateway: "bd42c1c5", HasGateway: true}},
		{"a mark without a value counts", []string{"gw"}, Profile{Status: Available, HasGateway: true}},
		{"a mark counts in any version of the record", []string{"gw=1", "txtvers=9"},
			Profile{Status: Available, Gateway: "1", HasGateway: true, Odd: []string{`unknown txtvers "9", other keys not read`}}},
		{"LL-I18N-3 UTF-8", []string{"msg=Grüße"}, Profile{Status: Available, Message: "Grüße"}},
		{"LL-I18N-4 what XML forbids goes", []string{"msg=a\x00b\xffc\ufffed\te\nf"},
			Profile{Status: Available, Message: "ab\ufffdcd\te\nf"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, ParseTXT(test.txt)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("LL-I18N-4 what was read can stand in XML", func(t *testing.T) {
		p := ParseTXT([]string{"msg=a\x00\xff\x1f]]>", "nick=\ufffe<&"})
		d := xml.NewDecoder(strings.NewReader("<a>" + escaped(p.Message+p.Nick) + "</a>"))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

func TestParseTXTForms(t *testing.T) {
	t.Run("LL-3.1-4 LL-3.1-8 V-7 the odd record: first key wins, in any case", func(t *testing.T) {
		data, err := hex.DecodeString("09747874766572733d310b5374617475733d617761790a5354415455533d646e64053d6f6f7073076d73673d613d62056e69636b3d04666c616707782d756e6b3d31")
		if err != nil {
			t.Fatal(err)
		}
		want := Profile{Status: Away, Message: "a=b"}
		if diff := cmp.Diff(want, ParseTXT(unpack(t, data))); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("LL-3-5 no record, no strings, one zero byte: a person without keys", func(t *testing.T) {
		for _, p := range []Profile{ParseTXT(), ParseTXT(nil), ParseTXT([]string{""}), ParseTXT([]string{}, []string{"", ""})} {
			if diff := cmp.Diff(Profile{Status: Available}, p); diff != "" {
				t.Error(diff)
			}
		}
	})
	t.Run("LL-3-18(a) several records of one owner are read as one", func(t *testing.T) {
		p := ParseTXT([]string{"txtvers=1", "1st=Juliet"}, []string{"status=dnd"}, []string{"status=away", "last=Capulet"})
		want := Profile{Status: DND, First: "Juliet", Last: "Capulet"}
		if diff := cmp.Diff(want, p); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("what was written is read back", func(t *testing.T) {
		want := juliet()
		want.Ext, want.Gateway, want.HasGateway = []string{"rcd", "sgc"}, "bd42c1c5", true
		if diff := cmp.Diff(want, ParseTXT(want.TXT(5562))); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("LL-3.1-19 vc, letters in any order", func(t *testing.T) {
		for vc, want := range map[string]Calls{
			"!CVA": {Audio: true, Video: true, MultiParty: true, Idle: true},
			"A":    {Audio: true},
			"":     {},
		} {
			if got := ParseCalls(vc); got != want {
				t.Errorf("%q: %+v", vc, got)
			}
		}
	})
	t.Run("a long strange value is shortened for the log", func(t *testing.T) {
		odd := ParseTXT([]string{"status=" + strings.Repeat("\u202e\n", 60)}).Odd
		if len(odd) != 1 || len(odd[0]) > 300 || strings.ContainsAny(odd[0], "\n\u202e") {
			t.Errorf("%q", odd)
		}
	})
}

// TestProfileEqual changes one field after the other, so that a field added
// later cannot be forgotten in Equal.
func TestProfileEqual(t *testing.T) {
	for i := range reflect.TypeFor[Profile]().NumField() {
		p, q := juliet(), juliet()
		f := reflect.ValueOf(&q).Elem().Field(i)
		switch f.Kind() {
		case reflect.String:
			f.SetString(f.String() + "x")
		case reflect.Bool:
			f.SetBool(!f.Bool())
		case reflect.Slice:
			f.Set(reflect.Append(f, reflect.ValueOf("x")))
		}
		name := reflect.TypeFor[Profile]().Field(i).Name
		if want := name == "Odd"; p.Equal(q) != want {
			t.Errorf("Equal = %v after a change of %s", !want, name)
		}
	}
}

func FuzzTXT(f *testing.F) {
	for _, p := range []Profile{juliet(), greedy(), {}} {
		f.Add(rdata(p.TXT(5298)))
	}
	f.Add([]byte("\x0bStatus=away\x0aSTATUS=dnd\x05=oops\x07msg=a=b\x05nick=\x04flag"))
	f.Add([]byte("\x02gw\x09txtvers=9\x08msg=\xff\x00\xc3\xa9"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, data []byte) {
		var txt []string
		for len(data) > 0 {
			n := min(int(data[0]), len(data)-1)
			txt, data = append(txt, string(data[1:1+n])), data[1+n:]
		}
		p := ParseTXT(txt)
		for _, s := range slices.Concat([]string{p.Message, p.Nick, p.First, p.Last, p.Node, p.Hash, p.Ver, p.VC, p.Gateway}, p.Emails, p.JIDs, p.Ext, p.Odd) {
			if stanza.Clean(s) != s {
				t.Errorf("%q is not fit for XML", s)
			}
		}
		own := p.TXT(5298)
		if size := len(rdata(own)); size > 1300 || own[0] != "txtvers=1" {
			t.Errorf("%d octets, first %q", size, own[0])
		}
		for _, s := range own {
			if len(s) > 255 || stanza.Clean(s) != s {
				t.Errorf("%q of %d octets", s, len(s))
			}
		}
		if again := ParseTXT(own).TXT(5298); !slices.Equal(own, again) {
			t.Errorf("written %q\nread and written %q", own, again)
		}
	})
}

func BenchmarkParseTXT(b *testing.B) {
	txt := juliet().TXT(5562)
	b.ReportAllocs()
	for b.Loop() {
		ParseTXT(txt)
	}
}
