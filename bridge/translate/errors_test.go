package translate

import (
	"strings"
	"testing"

	"meshbridge/internal/stanza"
)

const stanzas = ` xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'`

func TestErrorToServer(t *testing.T) {
	const head = serverOpen + ` type='error' id='1'><error type='`
	tests := []struct{ name, in, want string }{
		{"MAP-E1 MAP-M9 condition and text kept, by is the component, the echo goes",
			`<body>echo</body><error type='wait' by='evil.example'><resource-constraint` + stanzas + `/><text` + stanzas + `>later</text><x xmlns='urn:x'/></error>`,
			`wait' by='lan.example.com'><resource-constraint` + stanzas + `/><text` + stanzas + `>later</text>`},
		{"MAP-E1 the address in gone goes too",
			`<error type='cancel'><gone` + stanzas + `>xmpp:evil@example.com</gone></error>`,
			`cancel' by='lan.example.com'><gone` + stanzas + `/>`},
		{"MAP-E2 unknown condition", `<error type='modify'><nonsense` + stanzas + `/></error>`,
			`modify' by='lan.example.com'><undefined-condition` + stanzas + `/>`},
		{"MAP-E2 no condition", `<error type='cancel'/>`,
			`cancel' by='lan.example.com'><undefined-condition` + stanzas + `/>`},
		{"MAP-E2 no error at all", `<body>echo</body>`,
			`cancel' by='lan.example.com'><undefined-condition` + stanzas + `/>`},
		{"MAP-E2 unknown type: the one of the condition", `<error type='x'><forbidden` + stanzas + `/></error>`,
			`auth' by='lan.example.com'><forbidden` + stanzas + `/>`},
		{"MAP-E3 code beside a condition is ignored", `<error code='404'><forbidden` + stanzas + `/></error>`,
			`auth' by='lan.example.com'><forbidden` + stanzas + `/>`},
		{"MAP-E3 code alone", `<error code='404'>Not Found</error>`,
			`cancel' by='lan.example.com'><item-not-found` + stanzas + `/>`},
		{"MAP-E3 code alone, timeout", `<error code='504'/>`,
			`wait' by='lan.example.com'><remote-server-timeout` + stanzas + `/>`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, _ := toServerXML(t, `<message type='error' id='1'>`+test.in+`</message>`)
			equal(t, got, head+test.want+`</error></message>`)
		})
	}
	t.Run("MAP-E3 each code of old clients has a condition of RFC 6120", func(t *testing.T) {
		for _, code := range []string{"302", "400", "401", "403", "404", "405", "406", "407", "408", "409", "500", "501", "502", "503", "504", "510"} {
			condition := legacyCondition(code)
			if _, known := errorType(condition); !known || condition == "undefined-condition" {
				t.Errorf("%s gives %q", code, condition)
			}
		}
	})
	t.Run("INJ-17 an error without id goes nowhere", func(t *testing.T) {
		const in = `<message type='error'><error type='cancel'/></message>`
		if _, out := toServerXML(t, in); out.Dropped != "INJ-17" {
			t.Errorf("%+v", out)
		}
		if _, out := toMeshXML(t, in, MessageOptions{}); out.Dropped != "INJ-17" {
			t.Errorf("%+v", out)
		}
	})
}

func TestErrorToMesh(t *testing.T) {
	t.Run("MAP-E5 MAP-M9 no body and no echo towards a peer", func(t *testing.T) {
		got, _ := toMeshXML(t, `<message type='error' id='1' from='nurse@example.com'><body>echo</body><subject>s</subject>`+
			`<error type='cancel' by='example.com'><service-unavailable`+stanzas+`/></error></message>`, MessageOptions{})
		equal(t, got, meshOpen+` type='error' id='1'><error type='cancel'><service-unavailable`+stanzas+`/></error></message>`)
	})
	t.Run("MAP-E5 a notice in words, marked, with what to do", func(t *testing.T) {
		text := NoticeText(stanza.Error{Condition: "forbidden"}, "Alice <b>")
		got := write(stanza.Client, Notice(proxyInstance, juliet, "n1", text))
		const shown = `[gateway] Your message to Alice &lt;b&gt; was not delivered: this bridge does not let you write to them. Ask the administrator of your network to allow it.`
		equal(t, got, meshOpen+` type='chat' id='n1'><body>`+shown+`</body><html xmlns='http://www.w3.org/1999/xhtml'><body><font>`+shown+`</font></body></html></message>`)
	})
	t.Run("every notice ends with a next step", func(t *testing.T) {
		for _, condition := range []string{"registration-required", "item-not-found", "service-unavailable", "remote-server-not-found",
			"remote-server-timeout", "policy-violation", "resource-constraint", "undefined-condition", "gone", OwnBlock} {
			text := NoticeText(stanza.Error{Condition: condition}, "Alice")
			step := text[strings.LastIndex(strings.TrimSuffix(text, "."), ". ")+2:]
			switch verb, _, _ := strings.Cut(step, " "); verb {
			case "Ask", "Check", "Try", "Tell", "Send", "Wait", "Unblock":
			default:
				t.Errorf("%s: %q", condition, text)
			}
		}
	})
}
