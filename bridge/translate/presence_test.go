package translate

import (
	"testing"

	"meshbridge/bridge/caps"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

func presenceXML(txt []string, o PresenceOptions) string {
	return write(stanza.Component, PresenceFromProfile(linklocal.ParseTXT(txt), proxyJID, nurse, o))
}

func TestPresenceFromProfile(t *testing.T) {
	const open = `<presence from='` + proxyJID + `' to='nurse@example.com'>`
	const noPhoto = `<x xmlns='vcard-temp:x:update'><photo/></x></presence>`
	full := []string{"txtvers=1", "status=dnd", "msg=R&D <busy>", "nick=JuliC", "hash=sha-1",
		"node=http://code.google.com/p/exodus", "ver=QgayPKawpkPSDYmwT/WM94uAlu0=", "phsh=4A5EB7171B58E08A6881721E3B43D5A44419A2BE"}
	const photo = `<x xmlns='vcard-temp:x:update'><photo>4a5eb7171b58e08a6881721e3b43d5a44419a2be</photo></x></presence>`
	exodus := caps.Mark{Node: "http://code.google.com/p/exodus", Hash: "sha-1", Ver: "QgayPKawpkPSDYmwT/WM94uAlu0="}
	const status = `<show>dnd</show><status>R&amp;D &lt;busy&gt;</status>`

	t.Run("V-10 MAP-P5 whole, with capabilities that the gateway answers for", func(t *testing.T) {
		equal(t, presenceXML(full, PresenceOptions{Caps: exodus}), open+status+
			`<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://code.google.com/p/exodus' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>`+photo)
	})
	t.Run("MAP-P5 without an answer for the hash no capabilities, whatever the record says", func(t *testing.T) {
		equal(t, presenceXML(full, PresenceOptions{}), open+status+photo)
	})
	t.Run("MAP-P1 V-10 available has no show", func(t *testing.T) {
		equal(t, presenceXML([]string{"txtvers=1"}, PresenceOptions{}), open+noPhoto)
		equal(t, presenceXML([]string{"status=avail"}, PresenceOptions{}), open+noPhoto)
		equal(t, presenceXML([]string{"status=xa"}, PresenceOptions{}), open+noPhoto)
	})
	t.Run("MAP-P2 away", func(t *testing.T) {
		equal(t, presenceXML([]string{"status=away"}, PresenceOptions{}), open+`<show>away</show>`+noPhoto)
	})
	t.Run("MAP-P3 dnd", func(t *testing.T) {
		equal(t, presenceXML([]string{"status=dnd"}, PresenceOptions{}), open+`<show>dnd</show>`+noPhoto)
	})
	t.Run("MAP-P4 LL-3.1-16 msg is the status, empty is none", func(t *testing.T) {
		equal(t, presenceXML([]string{"msg=Hi"}, PresenceOptions{}), open+`<status>Hi</status>`+noPhoto)
		equal(t, presenceXML([]string{"msg="}, PresenceOptions{}), open+noPhoto)
	})
	t.Run("MAP-P6 only 40 hexadecimal digits are a photo", func(t *testing.T) {
		equal(t, presenceXML([]string{"phsh=4A5EB7171B58E08A6881721E3B43D5A44419A2BE"}, PresenceOptions{}), open+photo)
		equal(t, presenceXML([]string{"phsh=4a5eb7"}, PresenceOptions{}), open+noPhoto)
		equal(t, presenceXML([]string{"phsh=zz5eb7171b58e08a6881721e3b43d5a44419a2be"}, PresenceOptions{}), open+noPhoto)
	})
	t.Run("MAP-P11 MAP-P13 other keys change nothing; no priority, idle or delay", func(t *testing.T) {
		equal(t, presenceXML([]string{"vc=CVA!", "ext=a b", "port.p2pj=5298", "txtvers=1", "x=y", "jid=ceo@example.com", "email=a@b", "nick=CEO"}, PresenceOptions{}),
			open+noPhoto)
	})
	t.Run("MAP-P12 V-10 gone", func(t *testing.T) {
		equal(t, write(stanza.Component, Unavailable(proxyJID, nurse)), `<presence from='`+proxyJID+`' to='nurse@example.com' type='unavailable'/>`)
	})
	t.Run("what the admin hides is not shown", func(t *testing.T) {
		equal(t, presenceXML(full, PresenceOptions{HideMessage: true, HidePhoto: true}), open+`<show>dnd</show></presence>`)
	})
	t.Run("LL-I18N-4 whatever stood in the record, the presence can be read", func(t *testing.T) {
		s := read(t, stanza.Component, presenceXML([]string{"msg=a\x00\x01b\xffc\ufffe]]>"}, PresenceOptions{}))
		equal(t, s.Child("", "status").Text(), "ab\ufffdc]]>")
	})
}

func TestDisplayName(t *testing.T) {
	tests := []struct {
		name string
		p    linklocal.Profile
		want string
	}{
		{"nick", linklocal.Profile{Nick: "JuliC", First: "Juliet", Last: "Capulet"}, "JuliC"},
		{"given and family name", linklocal.Profile{First: "Juliet", Last: "Capulet"}, "Juliet Capulet"},
		{"given name", linklocal.Profile{First: "Juliet"}, "Juliet"},
		{"instance", linklocal.Profile{}, "juliet@pronto"},
		{"direction override", linklocal.Profile{Nick: "a\u202Eb\u2066c\x07\n d"}, "abc d"},
		{"nothing left of the nick", linklocal.Profile{Nick: "\u202E"}, "juliet@pronto"},
		{"an address in the record is no name", linklocal.Profile{JIDs: []string{"ceo@example.com"}, Emails: []string{"c@x"}}, "juliet@pronto"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { equal(t, DisplayName(test.p, juliet), test.want) })
	}
	long := linklocal.Profile{Nick: "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"}
	if n := len([]rune(DisplayName(long, ""))); n != 64 {
		t.Errorf("%d characters, want 64", n)
	}
}
