package policy

import (
	"strings"
	"testing"

	"meshbridge/internal/stanza"
)

// Encrypted elements, and keys alone.
const (
	omemo    = `<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'><key rid='2'>a</key><iv>b</iv></header><payload>c</payload></encrypted>`
	omemo2   = `<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>c</payload></encrypted>`
	openpgp  = `<openpgp xmlns='urn:xmpp:openpgp:0'>a</openpgp>`
	oldpgp   = `<x xmlns='jabber:x:encrypted'>a</x>`
	eme      = `<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='OMEMO'/>`
	keysOnly = `<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'><key rid='2'>a</key></header></encrypted>`
)

func TestEncrypted(t *testing.T) {
	says := func(text string) string { return `<body>` + text + `</body>` }
	rows := []row{
		{"MAP-M11 with the words of Conversations", says("I sent you an OMEMO encrypted message but your client doesn’t seem to support that. Find more information on https://conversations.im/omemo") + omemo + eme, nil, "not-acceptable", "MAP-M11"},
		{"MAP-M11 with those of Gajim", says("You received a message encrypted with OMEMO but your client doesn't support OMEMO.") + eme + omemo, nil, "not-acceptable", "MAP-M11"},
		{"MAP-M11 with those of Dino", says("[This message is OMEMO encrypted]") + omemo2, nil, "not-acceptable", "MAP-M11"},
		{"MAP-M11 with words marked as such", says("Votre logiciel ne sait pas lire ceci.") + omemo + `<fallback xmlns='urn:xmpp:fallback:0' for='eu.siacs.conversations.axolotl'/>`, nil, "not-acceptable", "MAP-M11"},
		{"MAP-M11 with a mark for all of the body", says("Siehe oben.") + omemo + `<fallback xmlns='urn:xmpp:fallback:0'><body/></fallback>`, nil, "not-acceptable", "MAP-M11"},
		{"MAP-M11 without words", omemo + eme, nil, "not-acceptable", "MAP-M11"},
		{"MAP-M11 with empty ones", says(" ") + omemo2, nil, "not-acceptable", "MAP-M11"},
		{"MAP-M11 OpenPGP", says("This message is *encrypted* with OpenPGP (See :XEP:`0373`)") + openpgp, nil, "not-acceptable", "MAP-M11"},
		{"MAP-M11 OpenPGP of old", says("This message is encrypted.") + oldpgp, nil, "not-acceptable", "MAP-M11"},
		{"MAP-M11 OTR, whose body is the ciphertext", says("?OTR:AAMDJ+MVmSfjFZc=.") + `<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:otr:0'/>`, nil, "not-acceptable", "MAP-M11"},
		{"MAP-M11 to a peer who sleeps: not kept for later", says("[This message is OMEMO encrypted]") + omemo, asleep, "not-acceptable", "MAP-M11"},
		{"MAP-M11 keys alone are no message", keysOnly, nil, "drop", "MAP-M11"},
		{"MAP-M11 keys with a hint", eme + keysOnly + `<store xmlns='urn:xmpp:hints'/>`, nil, "drop", "MAP-M11"},
		{"MAP-M11 a body of her own beside something encrypted", says("lunch at noon?") + omemo, nil, "relay", ""},
		{"MAP-M11 a body whose quotation is marked, not the rest", says("&gt; hm\nyes") + omemo + `<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='5'/></fallback>`, nil, "relay", ""},
		{"MAP-M11 a mark that is about something else", says("yes") + omemo + `<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'/>`, nil, "relay", ""},
		{"MAP-M11 a long letter on the subject", says("OMEMO "+strings.Repeat("is good. ", 60)) + omemo, nil, "relay", ""},
		{"MAP-M11 a word about it, with nothing encrypted", says("do you have OMEMO?"), nil, "relay", ""},
		{"INJ-33 a stranger is not told about the reader", says("[This message is OMEMO encrypted]") + omemo, stranger, "forbidden", "INJ-33"},
	}
	for _, r := range rows {
		r.xml = up("message", ` type='chat' id='1'`, r.xml)
		r.run(t, stanza.Component, fromNurse(), FromServer)
	}
	t.Run("MAP-M11 MAP-M9 the answer to a message of ours is no message", func(t *testing.T) {
		c := fromNurse()
		c.Stanza, c.Relayed = read(t, stanza.Component, up("message", ` type='error' id='1'`, omemo)), true
		if v := FromServer(c, office()); v.Action != Relay {
			t.Errorf("%+v", v)
		}
	})
	t.Run("MAP-M11 the error says what to do", func(t *testing.T) {
		c := fromNurse()
		c.Stanza = read(t, stanza.Component, up("message", ` type='chat' id='1'`, omemo))
		reply, _ := FromServer(c, office()).Reply(c.Stanza)
		e, ok := stanza.ErrorOf(reply)
		if !ok || reply.ID != "1" || e.Type != "modify" || !strings.Contains(e.Text, "Turn encryption") {
			t.Errorf("%+v", reply)
		}
	})
}
