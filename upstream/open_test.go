package upstream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meshbridge/internal/stanza"
)

func TestDigest(t *testing.T) {
	for _, v := range []struct{ id, secret, want string }{
		{"3BF96D32", "secret", "b09ea9b3b7f586be8a08d0a3dd7466f110aeb136"},
		{"3BF96D32", "mysecret", "b975470c7433fb415b523a9c9281f7dddbbff0e7"},
		{"", "secret", "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4"},
		{"a&b", "s3cr&t", "ec6bc183a4667168ba3132bda751500c5c90157f"},
		{"a&amp;b", "s3cr&t", "5e82f5edcc813a551b81ef0e7690323b172420ec"},
		{"gPybzaOzBmaADgxKXu9UClbprp0=", "pässwörd", "1d14b9535a2d477fe362cb70eeecf7933a7eb142"},
		{"3BF96D32", " secret ", "b6bcd3ba613304be1b03766d109d192a843c99b2"},
	} {
		t.Run(fmt.Sprintf("COMP-2 V-4 digest of %q and %q", v.id, v.secret), func(t *testing.T) {
			if got := Digest(v.id, v.secret); got != v.want {
				t.Errorf("Digest = %s, want %s", got, v.want)
			}
		})
	}
}

func TestOpening(t *testing.T) {
	inBubble(t, "COMP-1 the header names the component, and neither version nor from", func(t *testing.T) {
		f := newRig(t).run().far()
		if (f.header != stanza.Header{To: testDomain}) {
			t.Errorf("header = %+v, want to=%s alone", f.header, testDomain)
		}
		if n := strings.Count(f.bytes(), "<"); n != 2 { // the XML declaration and the header
			t.Errorf("wrote %q before the server's header", f.bytes())
		}
	})
	inBubble(t, "COMP-2 V-4 the id is taken after XML unescaping", func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Secret = "s3cr&t" }).run()
		f := r.far()
		f.say(strings.Replace(goodHeader, "3BF96D32", "a&amp;b", 1))
		const want = "<handshake>ec6bc183a4667168ba3132bda751500c5c90157f</handshake>"
		if got := f.bytes(); !strings.HasSuffix(got, want) {
			t.Errorf("wrote %q, want %s", got, want)
		}
	})
	inBubble(t, "INJ-1 a handshake that takes 5 s: until then header and digest only", func(t *testing.T) {
		r := newRig(t).run()
		f := r.far()
		f.say(goodHeader)
		before := f.bytes()
		pass(5 * time.Second)
		if got := f.bytes(); got != before || len(f.stanzas()) != 0 {
			t.Errorf("wrote %q while waiting", strings.TrimPrefix(got, before))
		}
		if ev := r.take(); len(ev) != 0 {
			t.Errorf("handed out %v before <handshake/>", ev)
		}
		f.say(`<handshake/>`)
		if _, ok := r.last().(Up); !ok {
			t.Errorf("the last event is %T, want Up", r.last())
		}
	})
	for name, first := range map[string]string{
		"a message":             `<message from='alice@example.org' to='x@lan.example.org'><body>hi</body></message>`,
		"presence":              `<presence from='alice@example.org' to='x@lan.example.org'/>`,
		"another namespace":     `<handshake xmlns='urn:other'/>`,
		"a handshake with text": `<handshake>b09ea9b3</handshake>`,
		"features":              `<stream:features/>`,
		"the end":               `</stream:stream>`,
		"no XML":                `HTTP/1.1 400 Bad Request`,
	} {
		inBubble(t, "COMP-3 INJ-30 before <handshake/>: "+name, func(t *testing.T) {
			r := newRig(t).run()
			f := r.far()
			f.say(goodHeader)
			before := f.bytes()
			f.say(first + `<message from='alice@example.org' to='x@lan.example.org'/><handshake/>`)
			events := r.take()
			if len(events) != 1 {
				t.Fatalf("events %v, want one Down", events)
			}
			if d, ok := events[0].(Down); !ok || d.Session != nil || d.Class != Transient {
				t.Errorf("event %#v, want a transient Down without a session", events[0])
			}
			if got := f.bytes(); got != before {
				t.Errorf("wrote %q after it", strings.TrimPrefix(got, before))
			}
		})
	}
	for name, header := range map[string]string{
		"no id":         strings.Replace(goodHeader, " id='3BF96D32'", "", 1),
		"an empty id":   strings.Replace(goodHeader, "3BF96D32", "", 1),
		"another from":  strings.Replace(goodHeader, "lan.example.org", "evil.example", 1),
		"a user's from": strings.Replace(goodHeader, "from='lan", "from='x@lan", 1),
	} {
		inBubble(t, "COMP-4 a header with "+name+": nothing is sent", func(t *testing.T) {
			r := newRig(t).run()
			f := r.far()
			before := f.bytes()
			f.say(header)
			pass(refusalGrace)
			if d := r.down(); d.Session != nil || d.Class != Transient {
				t.Errorf("event %#v, want a transient Down without a session", d)
			}
			if got := f.bytes(); got != before {
				t.Errorf("wrote %q after that header", strings.TrimPrefix(got, before))
			}
		})
	}
	inBubble(t, "COMP-4 a header in other spelling is the same domain", func(t *testing.T) {
		r := newRig(t).run()
		f := r.far()
		f.say(strings.Replace(goodHeader, "lan.example.org", "LAN.Example.org.", 1) + `<handshake/>`)
		if _, ok := r.last().(Up); !ok {
			t.Errorf("the last event is %#v, want Up", r.last())
		}
	})
	inBubble(t, "COMP-5 host-unknown behind a header without id, as Prosody sends it", func(t *testing.T) {
		r := newRig(t).run()
		f := r.far()
		f.say(`<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id=''>`)
		f.say(streamError("host-unknown", ""))
		if d := r.down(); d.Class != Refused {
			t.Errorf("class %v of %v, want refused", d.Class, d.Err)
		}
	})
	inBubble(t, "a server that says nothing is given up after 30 s", func(t *testing.T) {
		r := newRig(t).run()
		pass(openTimeout)
		if d := r.down(); d.Session != nil {
			t.Errorf("event %#v", d)
		}
	})
	inBubble(t, "the context ends an opening at once", func(t *testing.T) {
		r := newRig(t).run()
		began := time.Now()
		r.cancel()
		if err := <-r.done; err == nil || time.Since(began) != 0 {
			t.Errorf("Run returned %v after %v", err, time.Since(began))
		}
		if ev := r.take(); len(ev) != 0 {
			t.Errorf("events %v", ev)
		}
	})
}

// streamError is a server's <stream:error/> and the end of its stream.
func streamError(condition, text string) string {
	e := stanza.StreamError{Condition: condition, Text: text}
	return string(stanza.AppendClose(stanza.AppendElement(nil, stanza.Component, e.Element())))
}

func TestSecretStaysHidden(t *testing.T) {
	digest := Digest("3BF96D32", testSecret)
	for name, words := range map[string]string{
		"honest words": "wrong token",
		"the secret":   "wrong: " + testSecret,
		"the digest":   "wrong: " + digest,
	} {
		inBubble(t, "SEC-6 a wrong secret, the server answers with "+name, func(t *testing.T) {
			r := newRig(t).run()
			f := r.far()
			f.say(goodHeader)
			if !strings.Contains(f.bytes(), digest) {
				t.Fatal("no digest was sent")
			}
			f.say(streamError("not-authorized", words))
			shown := r.down().Err.Error() + r.log.String() + fmt.Sprintf("%v %+v %#v", r.link, r.link, *r.link)
			if strings.Contains(shown, testSecret) || strings.Contains(shown, digest) {
				t.Errorf("shown: %s", shown)
			}
			if strings.Contains(words, "token") && !strings.Contains(r.log.String(), words) {
				t.Errorf("the server's words are missing in the log: %s", r.log.String())
			}
		})
	}
	t.Run("SEC-6 a printed Config does not print its secret", func(t *testing.T) {
		c := Config{Domain: testDomain, Secret: testSecret}
		if s := fmt.Sprintf("%v %+v %#v %s", c, c, c, c.LogValue()); strings.Contains(s, testSecret) {
			t.Error(s)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	good := Config{Domain: testDomain, Secret: testSecret, Targets: newTargets}
	for name, c := range map[string]Config{
		"no domain":      {Secret: good.Secret, Targets: good.Targets},
		"an address":     {Domain: "a@b", Secret: good.Secret, Targets: good.Targets},
		"no secret":      {Domain: good.Domain, Targets: good.Targets},
		"no targets":     {Domain: good.Domain, Secret: good.Secret},
		"negative limit": {Domain: good.Domain, Secret: good.Secret, Targets: good.Targets, MaxStanza: -1},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(c); err == nil {
				t.Error("accepted")
			}
		})
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}

func TestServerWordsAreOneShortLine(t *testing.T) {
	got := plainText(strings.Repeat("a\nb\x1b[31m\u202e", 100))
	if strings.ContainsAny(got, "\n\x1b\u202e") || len(got) > maxText+10 {
		t.Errorf("%q", got)
	}
}
