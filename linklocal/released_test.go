package linklocal_test

import (
	"runtime"
	"testing"
	"time"
	"weak"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

func TestDeliveredIsLetGoOf(t *testing.T) {
	inOffice(t, "LL-STR-30 a message that was delivered is not kept for as long as its stream stands", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		var sent []weak.Pointer[stanza.Element]
		for token := range uint64(3) {
			m := message("hello")
			sent = append(sent, weak.Make(m.Payload[0]))
			o.mesh.Send(linklocal.Delivery{Proxy: nurseJ, Peer: juliet, Token: token + 1, Stanza: m})
		}
		o.wait(5 * time.Second)
		if d, _ := o.tokens(); len(d) != len(sent) || len(bodies(s)) != len(sent) {
			t.Fatalf("delivered %v", d)
		}
		runtime.GC()
		for i, e := range sent {
			if e.Value() != nil {
				t.Errorf("message %d is kept", i)
			}
		}
		runtime.KeepAlive(o.mesh)
	})
}
