package linklocal_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

// TestHeaderSent is what clients read at the beginning of a stream, byte for byte.
func TestHeaderSent(t *testing.T) {
	const namespaces = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'`
	const names = ` from='` + nurse + `' to='` + juliet + `'`
	inOffice(t, "LL-STR-2 LL-STR-3 LL-STR-4 LL-STR-29 the header of a stream we open", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.send(juliet, 1, "hello")
		s, err := j.AcceptWithin(10 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		o.hears(s.Start(), ">")
		o.wait(2 * time.Second)
		if want := namespaces + names + ` version='1.0' xml:lang='en'>`; got(s) != want {
			t.Errorf("got  %q\nwant %q", got(s), want)
		}
	})
	for _, tt := range []struct{ name, version, want string }{
		{"LL-STR-2 LL-STR-4 LL-STR-7 LL-STR-8 the answer to a client without a version", ``, ` xml:lang='en'>`},
		{"LL-STR-4 a version below 1.0 is none", ` version='0.9'`, ` xml:lang='en'>`},
		{"LL-STR-5 LL-STR-8 features follow when both say 1.0", ` version='1.0'`, ` version='1.0' xml:lang='en'><stream:features/>`},
		{"LL-STR-6 versions are numbers", ` version='01.10'`, ` version='1.0' xml:lang='en'><stream:features/>`},
	} {
		inOffice(t, tt.name, func(t *testing.T, o *office) {
			j, _ := o.staff()
			s := o.dial(j, nurse)
			o.say(s, `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='%s' to='%s'%s>`, juliet, nurse, tt.version)
			o.wait(time.Second)
			text := regexp.MustCompile(` id='[0-9a-f]{32}'`).ReplaceAllString(got(s), " ID")
			if want := namespaces + names + " ID" + tt.want; text != want {
				t.Errorf("got  %q\nwant %q", text, want)
			}
		})
	}
	inOffice(t, "LL-STR-2 a name that the client left out is left out", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.dial(j, nurse)
		o.say(s, "%s", meshtest.Header("", ""))
		o.hears(s, ">")
		if attribute(got(s), "from")+attribute(got(s), "to") != "" {
			t.Errorf("names in %q", got(s))
		}
		o.say(s, "<message from='%s' to='%s'><body>me</body></message>", juliet, nurse)
		o.wait(time.Second) // her address is looked up
		if len(o.received()) != 1 {
			t.Error("not bound")
		}
	})
	inOffice(t, "LL-STR-2 the case of both names is as announced", func(t *testing.T, o *office) {
		o.publish(nurseJ, "Nurse@Bridge")
		c := o.client("pronto", "Juliet@Pronto", julietAt)
		o.wait(4 * time.Second)
		o.send(strings.ToLower(c.Instance), 1, "hello")
		s := o.answer(c)
		if attribute(got(s), "from") != "Nurse@Bridge" || attribute(got(s), "to") != "Juliet@Pronto" {
			t.Errorf("header %q", got(s))
		}
		o.hears(s, "<message from='Nurse@Bridge' to='Juliet@Pronto'")
		in := o.dial(c, "Nurse@Bridge")
		o.say(in, "%s", meshtest.Header("juliet@pronto", "nurse@bridge"))
		o.hears(in, "from='Nurse@Bridge' to='Juliet@Pronto'")
	})
	inOffice(t, "LL-STR-7 every stream has another id, and ours needs none", func(t *testing.T, o *office) {
		j, r := o.staff()
		a, b := attribute(got(o.call(j, nurse)), "id"), attribute(got(o.call(r, nurse)), "id")
		if a == b || len(a) != 32 || len(b) != 32 {
			t.Errorf("ids %q and %q", a, b)
		}
	})
}

func TestHeaderRead(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"LL-STR-1 a stanza before the header", `<message from='` + juliet + `' to='` + nurse + `'><body>x</body></message>`, "bad-format"},
		{"LL-STR-3 another content namespace", `<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>`, "invalid-namespace"},
		{"LL-STR-3 another stream namespace", `<stream:stream xmlns='jabber:client' xmlns:stream='urn:x'>`, "invalid-namespace"},
		{"LL-STR-3 V-12 UTF-16", `<?xml version='1.0' encoding='UTF-16'?>`, "unsupported-encoding"},
		{"LL-STR-23 no XML", "GET / HTTP/1.1\r\n\r\n", "not-well-formed"},
		{"LL-STR-24 a document type", `<!DOCTYPE x [<!ENTITY a 'b'>]>`, "restricted-xml"},
		{"LL-STR-25 17 KiB before binding", `<stream:stream x='` + strings.Repeat("x", 17<<10), "policy-violation"},
	} {
		inOffice(t, tt.name, func(t *testing.T, o *office) {
			j, _ := o.staff()
			s := o.dial(j, nurse)
			s.Say(tt.in) // the end may not be read
			o.closes(s, 2*time.Second)
			refusedWith(t, s, tt.want)
			if len(of[linklocal.Received](o)) > 0 || o.count("LL-STR-23") != 1 {
				t.Errorf("events %v, counts %v", o.received(), o.counts)
			}
		})
	}
	inOffice(t, "LL-STR-3 no XML declaration, other prefixes and attributes", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.dial(j, nurse)
		o.say(s, `<s:stream to='%s' from='%s' id='theirs' xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams' xml:lang='de'>`, nurse, juliet)
		o.say(s, "<message><body>hallo</body></message><message xml:lang='it'><body>ciao</body></message>")
		if id := attribute(got(s), "id"); id == "theirs" || id == "" {
			t.Errorf("LL-STR-7: id %q", id)
		}
		events := of[linklocal.Received](o)
		if len(events) != 2 {
			t.Fatalf("%d events", len(events))
		}
		if events[0].Stanza.Lang != "de" || events[1].Stanza.Lang != "it" {
			t.Errorf("LL-STR-8: languages %q and %q", events[0].Stanza.Lang, events[1].Stanza.Lang)
		}
	})
	inOffice(t, "LL-STR-8 the language of the stream is that of stanzas without one", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.send(juliet, 1, "hello")
		s, err := j.AcceptWithin(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		o.hears(s.Start(), ">")
		o.say(s, "%s", strings.Replace(meshtest.Header(juliet, nurse), " from=", " xml:lang='de' from=", 1))
		o.say(s, "<message><body>hallo</body></message>")
		if events := of[linklocal.Received](o); len(events) != 1 || events[0].Stanza.Lang != "de" {
			t.Errorf("got %+v", events)
		}
	})
}

// TestFeatures is when the first stanza may follow the headers (AMB-20).
func TestFeatures(t *testing.T) {
	answer := func(o *office, version string) (*meshtest.Stream, time.Time) {
		j, _ := o.staff()
		o.send(juliet, 1, "hello")
		s, err := j.AcceptWithin(5 * time.Second)
		if err != nil {
			o.t.Fatal(err)
		}
		o.hears(s.Start(), ">")
		o.say(s, "%s", strings.Replace(meshtest.Header(juliet, nurse), " from=", version+" from=", 1))
		return s, time.Now()
	}
	inOffice(t, "LL-STR-4 a peer without version gets the first stanza at once", func(t *testing.T, o *office) {
		s, at := answer(o, "")
		o.hears(s, "<body>hello</body>")
		if d := time.Since(at); d > 100*time.Millisecond {
			t.Errorf("after %v", d)
		}
	})
	for what, features := range map[string]string{
		"": "<x xmlns='urn:x'/>", ", TLS for whom wants it": "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
		", the same as version 2.0 had it": "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><optional/></starttls>",
	} {
		inOffice(t, "LL-STR-5 a peer of version 1.0 gets it after its features"+what, func(t *testing.T, o *office) {
			s, _ := answer(o, ` version="1.0"`)
			o.wait(time.Second)
			if strings.Contains(got(s), "<message") {
				t.Error("before the features")
			}
			o.say(s, "<stream:features>%s</stream:features>", features)
			at := time.Now()
			o.hears(s, "<body>hello</body>")
			if d := time.Since(at); d > 100*time.Millisecond {
				t.Errorf("after %v", d)
			}
		})
	}
	inOffice(t, "LL-STR-5 or after three seconds without", func(t *testing.T, o *office) {
		s, at := answer(o, ` version="1.0"`)
		o.hears(s, "<body>hello</body>")
		if d := time.Since(at); d < 2900*time.Millisecond || d > 3100*time.Millisecond {
			t.Errorf("after %v", d)
		}
	})
}
