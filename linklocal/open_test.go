package linklocal_test

import (
	"testing"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

func TestIfOpen(t *testing.T) {
	ping := func(token uint64) linklocal.Delivery {
		return linklocal.Delivery{
			Proxy: nurseJ, Peer: juliet, Token: token, IfOpen: true,
			Stanza: stanza.Stanza{Kind: stanza.IQ, Type: "get", ID: "q", Payload: []*stanza.Element{stanza.New(stanza.NSPing, "ping")}},
		}
	}
	inOffice(t, "MAP-X6 what is for an open stream only opens none, and is told so at once", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.mesh.Send(ping(1))
		o.wait(time.Millisecond)
		o.wantReturned(linklocal.ErrStream, 1)
		o.forget()
		s := o.call(j, nurse)
		if opened := of[linklocal.StreamOpened](o); len(opened) != 1 || opened[0] != (linklocal.StreamOpened{Proxy: nurseJ, Peer: juliet}) {
			t.Errorf("opened: %+v", opened)
		}
		o.mesh.Send(ping(2))
		o.hears(s, "urn:xmpp:ping")
		o.wait(5 * time.Second)
		if d, r := o.tokens(); len(d) != 1 || len(r) != 0 {
			t.Errorf("delivered %v, returned %v", d, r)
		}
	})
}
