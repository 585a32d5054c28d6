package linklocal_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshbridge/linklocal/meshtest"
)

// TestSettling is a bridge that comes back after it was killed: Juliet's client
// still has the address and the instance of the former one, and connects before the
// new one has found her and announced the nurse.
func TestSettling(t *testing.T) {
	early := func(t *testing.T, from, to string, fn func(o *office, s *meshtest.Stream)) {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t)
			j := o.client("pronto", juliet, "10.2.1.187/24")
			o.run()
			defer o.close()
			o.wait(150 * time.Millisecond) // it listens, and knows nobody
			conn, err := o.Dial(t.Context(), j.Addr, netip.MustParseAddrPort(bridgeAt+":5298"))
			if err != nil {
				t.Fatal(err)
			}
			s := (&meshtest.Stream{Conn: conn.(*meshtest.Conn)}).Start()
			o.say(s, "%s", meshtest.Header(from, to))
			fn(o, s)
		})
	}
	t.Run("who connects before everybody is found is kept waiting, not refused", func(t *testing.T) {
		early(t, juliet, nurse, func(o *office, s *meshtest.Stream) {
			o.wait(500 * time.Millisecond)
			if text, closed := s.Got(); text != "" || closed {
				t.Fatalf("answered with %q (closed: %v)", text, closed)
			}
			o.publish(nurseJ, nurse)
			o.hears(s, "<stream:stream ")
			o.say(s, "<message to='%s'><body>still there?</body></message>", nurse)
			if d := cmp.Diff([]string{juliet + ">" + nurseJ + ": still there?"}, o.received()); d != "" {
				t.Error(d)
			}
		})
	})
	t.Run("INJ-7 nor is it kept waiting for ever", func(t *testing.T) {
		early(t, juliet, "nobody@bridge", func(o *office, s *meshtest.Stream) {
			if took := o.closes(s, 10*time.Second); took < 4*time.Second {
				t.Errorf("refused after %v", took)
			}
			refusedWith(t, s, "host-unknown")
		})
	})
	t.Run("INJ-4 and a stranger is refused all the same", func(t *testing.T) {
		early(t, "mallory@nowhere", nurse, func(o *office, s *meshtest.Stream) {
			o.publish(nurseJ, nurse)
			o.closes(s, 10*time.Second)
			refusedWith(t, s, "invalid-from")
			if got := o.received(); len(got) > 0 {
				t.Errorf("told of %v", got)
			}
		})
	})
}
