package translate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// hear applies presences written in short: "resource:payload", a type in front
// of the resource as in "unavailable@resource:".
func hear(t *testing.T, r *Resources, short ...string) {
	t.Helper()
	for _, s := range short {
		head, payload, _ := strings.Cut(s, ":")
		kind, name, typed := strings.Cut(head, "@")
		if !typed {
			kind, name = "", head
		}
		from := nurse
		if name != "" {
			from += "/" + name
		}
		attr := ""
		if kind != "" {
			attr = " type='" + kind + "'"
		}
		r.Apply(read(t, stanza.Component, `<presence from='`+from+`'`+attr+`>`+payload+`</presence>`))
	}
}

func profile(t *testing.T, o ProfileOptions, short ...string) linklocal.Profile {
	t.Helper()
	var r Resources
	hear(t, &r, short...)
	best, ok := r.Best()
	if !ok {
		t.Fatalf("nobody online after %q", short)
	}
	return ProfileFromPresence(best, o)
}

func TestProfileFromPresence(t *testing.T) {
	type options = ProfileOptions
	status := func(s linklocal.Status, msg string) linklocal.Profile {
		return linklocal.Profile{Status: s, Message: msg}
	}
	tests := []struct {
		name     string
		o        options
		presence string
		want     linklocal.Profile
	}{
		{"MAP-T1 V-10 no show", options{}, "a:", status("avail", "")},
		{"MAP-T1 V-10 chat", options{}, "a:<show>chat</show>", status("avail", "")},
		{"unknown show", options{}, "a:<show>busy</show>", status("avail", "")},
		{"MAP-T2 V-10 away", options{}, "a:<show>away</show><status>x</status>", status("away", "x")},
		{"MAP-T2 V-10 xa", options{}, "a:<show>xa</show><status>x</status>", status("away", "x")},
		{"MAP-T2 V-10 away as dnd", options{ShowAwayAs: linklocal.DND}, "a:<show>away</show><status>x</status>", status("dnd", "x")},
		{"MAP-T2 V-10 xa as dnd", options{ShowAwayAs: linklocal.DND}, "a:<show>xa</show><status>x</status>", status("dnd", "x")},
		{"MAP-T3 V-10 dnd", options{}, "a:<show>dnd</show><status>x</status>", status("dnd", "x")},
		{"MAP-T5 status with its newlines", options{}, "a:<status>x\ny</status>", status("avail", "x\ny")},
		{"MAP-T5 hidden", options{HideMessage: true}, "a:<show>away</show><status>x</status>", status("away", "")},
		{"MAP-T6 nick", options{Nick: "Nurse"}, "a:", linklocal.Profile{Status: "avail", Nick: "Nurse"}},
		{"MAP-T6 nick hidden", options{Nick: "Nurse", HideNick: true}, "a:", status("avail", "")},
		{"only a verified photo is published", options{}, "a:<x xmlns='vcard-temp:x:update'><photo>4a5eb7171b58e08a6881721e3b43d5a44419a2be</photo></x>", status("avail", "")},
		{"photo", options{PhotoHash: "4a5eb7171b58e08a6881721e3b43d5a44419a2be"}, "a:", linklocal.Profile{Status: "avail", PhotoHash: "4a5eb7171b58e08a6881721e3b43d5a44419a2be"}},
		{"MAP-T9 capabilities are the gateway's, not the colleague's", options{Node: "n", Hash: "sha-1", Ver: "v"},
			"a:<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://x' ver='y'/>", linklocal.Profile{Status: "avail", Node: "n", Hash: "sha-1", Ver: "v"}},
		{"MAP-T12 away without a text", options{}, "a:<show>away</show>", status("away", "Away")},
		{"MAP-T12 xa without a text, shown as dnd", options{ShowAwayAs: linklocal.DND}, "a:<show>xa</show>", status("dnd", "Away")},
		{"MAP-T12 dnd with an empty text", options{}, "a:<show>dnd</show><status/>", status("dnd", "Do not disturb")},
		{"MAP-T12 the admin's words", options{AwayText: "Weg", DNDText: "Bitte nicht"}, "a:<show>dnd</show>", status("dnd", "Bitte nicht")},
		{"MAP-T12 hidden texts have no substitute", options{HideMessage: true}, "a:<show>dnd</show>", status("dnd", "")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, profile(t, test.o, test.presence)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("LL-3.1-19 MAP-T7 nothing about calls, names and addresses", func(t *testing.T) {
		txt := profile(t, options{Nick: "Nurse"}, "a:<status>x</status>").TXT(5298)
		if want := []string{"txtvers=1", "msg=x", "nick=Nurse", "port.p2pj=5298", "status=avail"}; !slices.Equal(txt, want) {
			t.Errorf("%q, want %q", txt, want)
		}
	})
	t.Run("V-10 a long status is cut to 250 octets", func(t *testing.T) {
		txt := profile(t, options{}, "a:<status>"+strings.Repeat("é", 300)+"</status>").TXT(0)
		if i := slices.Index(txt, "msg="+strings.Repeat("é", 125)); i < 0 || len(txt[i]) != 254 {
			t.Errorf("%q", txt)
		}
	})
}

func TestLanguage(t *testing.T) {
	t.Run("LL-I18N-8 one status of several: configured language, else without one, else the first", func(t *testing.T) {
		const de, en, none = `<status xml:lang='de-AT'>weg</status>`, `<status xml:lang='en'>gone</status>`, `<status>?</status>`
		for _, test := range []struct{ lang, payload, want string }{
			{"de", en + none + de, "weg"}, {"fr", en + none + de, "?"}, {"", en + de + none, "?"}, {"", en + de, "gone"},
		} {
			r := Resources{Lang: test.lang}
			hear(t, &r, "a:"+test.payload)
			best, _ := r.Best()
			if best.Status != test.want {
				t.Errorf("%q of %s: %q, want %q", test.lang, test.payload, best.Status, test.want)
			}
		}
	})
	t.Run("LL-I18N-8 msg becomes a status without xml:lang", func(t *testing.T) {
		s := PresenceFromProfile(linklocal.Profile{Message: "Hi"}, proxyJID, nurse, PresenceOptions{})
		if s.Lang != "" || s.Child("", "status").Lang() != "" {
			t.Errorf("%+v", s)
		}
	})
}

func TestResources(t *testing.T) {
	tests := []struct {
		name      string
		presences []string
		want      string // name of the best resource; "-" for nobody
	}{
		{"nobody", nil, "-"},
		{"MAP-T11 the higher priority", []string{"a:<priority>1</priority>", "b:<priority>5</priority><show>dnd</show>", "c:"}, "b"},
		{"MAP-T11 the more available show", []string{"a:<show>chat</show>", "b:", "c:<show>away</show>"}, "a"},
		{"MAP-T11 away before xa before dnd", []string{"a:<show>away</show>", "b:<show>xa</show>", "c:<show>dnd</show>"}, "a"},
		{"MAP-T11 the latest", []string{"a:", "b:", "a:<status>x</status>"}, "a"},
		{"MAP-T10 a negative priority does not count", []string{"a:<priority>-1</priority>", "b:<show>dnd</show>"}, "b"},
		{"MAP-T10 nor does it make somebody available", []string{"a:<priority>-1</priority>"}, "-"},
		{"a priority out of range counts as none", []string{"a:<priority>1000</priority>", "b:<priority>1</priority>"}, "b"},
		{"one of two devices leaves", []string{"a:", "b:", "unavailable@b:"}, "a"},
		{"MAP-T4 the last one leaves", []string{"a:", "unavailable@a:"}, "-"},
		{"MAP-T4 unavailable from the bare JID ends all", []string{"a:", "b:", "unavailable@:"}, "-"},
		{"MAP-T4 an error ends all", []string{"a:", "b:", "error@:<error type='cancel'/>"}, "-"},
		{"MAP-T4 unsubscribed ends all", []string{"a:", "b:", "unsubscribed@:"}, "-"},
		{"a probe or subscription says nothing", []string{"a:", "probe@:", "subscribe@:", "subscribed@:", "unsubscribe@:", "nonsense@a:"}, "a"},
		{"presence from the bare JID is a device too", []string{":<show>dnd</show>"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var r Resources
			hear(t, &r, test.presences...)
			best, ok := r.Best()
			if ok != r.Available() {
				t.Errorf("Best says %v, Available %v", ok, r.Available())
			}
			if want := test.want; ok == (want == "-") || ok && best.Name != want {
				t.Errorf("best %q, %v, want %q", best.Name, ok, want)
			}
		})
	}
	t.Run("a message is no presence", func(t *testing.T) {
		var r Resources
		r.Apply(read(t, stanza.Component, `<message from='nurse@example.com/a'/>`))
		if r.Available() {
			t.Error("available by a message")
		}
	})
	t.Run("only the latest 32 devices are kept, and little of each", func(t *testing.T) {
		var r Resources
		for i := range 100 {
			hear(t, &r, fmt.Sprintf("d%d:<status>%s</status>", i, strings.Repeat("é", 5000)))
		}
		best, _ := r.Best()
		if len(r.online) != 32 || best.Name != "d99" || len(best.Status) > 512 {
			t.Errorf("%d devices, best %s, status of %d octets", len(r.online), best.Name, len(best.Status))
		}
		if _, kept := r.online["d68"]; !kept {
			t.Error("d68 was forgotten before older ones")
		}
	})
}
