package bridge

import (
	"strings"
	"testing"
	"time"

	"meshbridge/internal/stanza"
)

func TestEncrypted(t *testing.T) {
	sealed := func(id, body string) stanza.Stanza {
		s := chat(aliceJID+"/phone", id, body)
		e := stanza.New("eu.siacs.conversations.axolotl", "encrypted").Add(stanza.New("eu.siacs.conversations.axolotl", "payload").AddText("c"))
		s.Payload = append(s.Payload, e)
		return s
	}
	const stead = "[This message is OMEMO encrypted]"
	synctestRun(t, "MAP-M11 each one is answered, Alice is told in words once in ten minutes, and Juliet hears nothing", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		c.peer(romeoName, "forza")
		words := func() (errors, notices int) {
			for _, s := range c.session.take() {
				e, failed := stanza.ErrorOf(s)
				switch {
				case failed && e.Condition == "not-acceptable" && s.From != component && s.To == aliceJID+"/phone":
					errors++
				case s.Kind == stanza.Message && s.From == component && s.To == aliceJID && strings.Contains(bodyOf(s), "cannot read encrypted"):
					notices++
				default:
					t.Errorf("%+v", s)
				}
			}
			return errors, notices
		}
		for _, id := range []string{"1", "2", "3"} {
			c.hears(sealed(id, stead))
		}
		if e, n := words(); e != 3 || n != 1 {
			t.Errorf("%d errors, %d notices", e, n)
		}
		s := sealed("4", stead)
		s.To = romeoJID
		c.hears(s)
		if e, n := words(); e != 1 || n != 1 {
			t.Errorf("about Romeo: %d errors, %d notices", e, n)
		}
		c.rest(noticePause)
		c.hears(sealed("5", stead))
		if e, n := words(); e != 1 || n != 1 {
			t.Errorf("ten minutes later: %d errors, %d notices", e, n)
		}
		if list := c.mesh.take(); len(list) != 0 || c.box.Usage().Entries != 0 || c.drops.of("MAP-M11") != 5 {
			t.Errorf("sent to the mesh: %+v; counted %d", list, c.drops.of("MAP-M11"))
		}
		c.hears(sealed("6", "lunch at noon?"))
		list := c.mesh.take()
		if len(list) != 1 || bodyOf(list[0].Stanza) != "lunch at noon?" || list[0].Stanza.Child("eu.siacs.conversations.axolotl", "encrypted") != nil {
			t.Errorf("her own words: %+v", list)
		}
		c.rest(time.Second)
	})
}
