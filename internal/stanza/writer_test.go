package stanza

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAppend(t *testing.T) {
	for _, tt := range []struct {
		name    string
		content Content
		in      Stanza
		want    string
	}{
		{"V-10 goodbye", Component, Stanza{Kind: Presence, From: `juliet\40pronto@lan.example.com`, To: "nurse@example.com", Type: "unavailable"},
			`<presence from='juliet\40pronto@lan.example.com' to='nurse@example.com' type='unavailable'/>`},
		{"INJ-14 text that looks like markup stays text", Component,
			Stanza{Kind: Message, Payload: []*Element{New("", "body").AddText("</body></message><message from='x'>&amp;")}},
			`<message><body>&lt;/body&gt;&lt;/message&gt;&lt;message from='x'&gt;&amp;amp;</body></message>`},
		{"INJ-14 quotes and line ends in attributes", Client, Stanza{Kind: IQ, ID: "'\"\n\t\r<>&"},
			`<iq id='&apos;&quot;&#10;&#9;&#13;&lt;&gt;&amp;'/>`},
		{"MAP-M12 characters that XML forbids are dropped", Client,
			Stanza{Kind: Message, Payload: []*Element{New("", "body").AddText("a\x01\uFFFEb\xffc\r")}},
			"<message><body>ab\uFFFDc&#13;</body></message>"},
		{"namespaces are declared where they begin", Component,
			Stanza{Kind: Message, Lang: "de", Payload: []*Element{New("u", "x").Add(New("u", "y"), New("", "body"), New(NoNamespace, "z"))}},
			`<message xml:lang='de'><x xmlns='u'><y/><body xmlns='jabber:component:accept'/><z xmlns=''/></x></message>`},
		{"an attribute in a namespace gets a prefix", Client,
			Stanza{Kind: Message, Payload: []*Element{{Name: Name{"u", "x"}, Attrs: []Attr{{Name{"v", "a"}, "1"}}}}},
			`<message><x xmlns='u' xmlns:a0='v' a0:a='1'/></message>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, string(Append(nil, tt.content, tt.in))); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tt.want, string(AppendElement(nil, tt.content, tt.in.Element()))); d != "" {
				t.Errorf("as an element: %s", d)
			}
		})
	}
}

func TestAppendStreamElements(t *testing.T) {
	got := string(AppendElement(nil, Client, (&StreamError{"invalid-from", "who?"}).Element()))
	want := `<stream:error><invalid-from xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>who?</text></stream:error>`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	header := string(AppendHeader(nil, Component, Header{To: "lan.example.org"}))
	want = `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='lan.example.org'>`
	if d := cmp.Diff(want, header); d != "" {
		t.Error(d)
	}
}

func TestErrors(t *testing.T) {
	t.Run("INJ-17 no error is answered with an error", func(t *testing.T) {
		for _, s := range []Stanza{{Kind: Message, Type: "error"}, {Kind: IQ, Type: "error"}, {Kind: IQ, Type: "result"}} {
			if r, ok := Reply(s, Error{"cancel", "item-not-found", "", ""}); ok {
				t.Errorf("%+v was answered with %+v", s, r)
			}
		}
	})
	t.Run("an answer swaps the addresses and echoes no payload", func(t *testing.T) {
		s := Stanza{Kind: Message, From: "a", To: "b", ID: "1", Type: "chat", Payload: []*Element{New("", "body").AddText("secret")}}
		r, ok := Reply(s, Error{"auth", "forbidden", "no", "lan.example.org"})
		want := `<message from='b' to='a' type='error' id='1'><error type='auth' by='lan.example.org'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no</text></error></message>`
		if got := string(Append(nil, Client, r)); !ok || got != want {
			t.Errorf("got %s", got)
		}
		if e, ok := ErrorOf(r); !ok || e != (Error{"auth", "forbidden", "no", "lan.example.org"}) {
			t.Errorf("read back as %+v", e)
		}
	})
	t.Run("MAP-E2 an error without a condition is undefined", func(t *testing.T) {
		s := Stanza{Kind: Message, Type: "error", Payload: []*Element{New("", "error")}}
		if e, _ := ErrorOf(s); e.Condition != "undefined-condition" || e.Type != "cancel" {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("a stream error is read with its text", func(t *testing.T) {
		rd := open(t, strings.NewReader(componentHeader+`<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>replaced</text></stream:error>`), Component, MeshLimits())
		e, err := rd.Next()
		if err != nil {
			t.Fatal(err)
		}
		if se, ok := AsStreamError(e); !ok || *se != (StreamError{"conflict", "replaced"}) {
			t.Errorf("got %+v", se)
		}
	})
}

func TestElementEdits(t *testing.T) {
	e := New("", "x").With("a", "1").With("b", "2").With("a", "").With("b", "3")
	if d := cmp.Diff([]Attr{{Name{"", "b"}, "3"}}, e.Attrs); d != "" {
		t.Error(d)
	}
	if Clean("a\x00\xff\xffb\uFFFF") != "a\uFFFD\uFFFDb" {
		t.Errorf("Clean left %q", Clean("a\x00\xffb\uFFFF"))
	}
}
