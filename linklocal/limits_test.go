package linklocal_test

import (
	"bytes"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

func TestLimits(t *testing.T) {
	inOffice(t, "LL-STR-25 no header within 10 s", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.dial(j, nurse)
		if d := o.closes(s, 15*time.Second); d < 9900*time.Millisecond || d > 10600*time.Millisecond {
			t.Errorf("closed after %v", d)
		}
		refusedWith(t, s, "connection-timeout")
	})
	inOffice(t, "LL-STR-25 a header that drips in is no better", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.dial(j, nurse)
		for _, b := range "<stream:stream" {
			if s.Say(string(b)) != nil {
				break
			}
			o.wait(time.Second)
		}
		o.closes(s, time.Second)
		refusedWith(t, s, "connection-timeout")
	})
	inOffice(t, "LL-STR-25 INJ-6 nor a first stanza that does not come", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.dial(j, nurse)
		o.wait(5 * time.Second)
		o.say(s, "%s", meshtest.Header("", ""))
		if d := o.closes(s, 15*time.Second); d > 5600*time.Millisecond {
			t.Errorf("closed after %v more", d)
		}
		refusedWith(t, s, "connection-timeout")
	})
	inOffice(t, "LL-STR-25 a peer that never answers our header", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.send(juliet, 1, "hello")
		s, err := j.AcceptWithin(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if d := o.closes(s.Start(), 15*time.Second); d < 9900*time.Millisecond || d > 10600*time.Millisecond {
			t.Errorf("closed after %v", d)
		}
		o.wait(time.Second)
		if _, returned := o.tokens(); len(returned) != 1 {
			t.Errorf("returned %v", returned)
		}
	})
	inOffice(t, "LL-STR-25 a body of 60 kB of < is delivered, 2 MiB are refused", func(t *testing.T, o *office) {
		o.SetChunk(0)
		j, _ := o.staff()
		s := o.call(j, nurse)
		escaped := strings.Repeat("&lt;", 60<<10)
		o.say(s, "<message><body>%s</body><html xmlns='http://www.w3.org/1999/xhtml'><body>%[1]s</body></html></message>", escaped)
		events := of[linklocal.Received](o)
		if len(events) != 1 || events[0].Stanza.Child("", "body").Text() != strings.Repeat("<", 60<<10) {
			t.Fatal("not delivered whole")
		}
		s.Say("<message><body>" + strings.Repeat("x", 2<<20))
		o.closes(s, 2*time.Second)
		refusedWith(t, s, "policy-violation")
	})
	inOffice(t, "LL-STR-25 eight handshakes from one address, the others are served", func(t *testing.T, o *office) {
		j, r := o.staff()
		var open []*meshtest.Stream
		for range linklocal.MaxHandshakes {
			open = append(open, o.dial(j, nurse))
		}
		ninth := o.dial(j, nurse)
		o.closes(ninth, time.Second)
		refusedWith(t, ninth, "policy-violation")
		s := o.call(r, nurse)
		o.say(s, "<message><body>me too</body></message>")
		if len(o.received()) != 1 {
			t.Error("the other peer is not served")
		}
		open[0].Close()
		o.wait(10 * time.Millisecond)
		o.call(j, nurse)
		if o.count("LL-STR-25") != 1 {
			t.Errorf("counted %d", o.count("LL-STR-25"))
		}
	})
	inOffice(t, "LL-STR-25 so many connections from one address, the others are served", func(t *testing.T, o *office) {
		j, r := o.staff()
		var keys []string
		for len(keys) < linklocal.DefaultLimits().StreamsPerAddress {
			key := strings.Repeat("x", len(keys)+1)
			o.publish(key, key[max(0, len(key)-40):]+"@b"+strings.Repeat("y", len(keys)/40))
			keys = append(keys, key)
		}
		o.wait(5 * time.Second)
		for _, p := range of[linklocal.ProxyChanged](o) {
			if p.Announced && p.Proxy != nurseJ {
				o.call(j, p.Instance)
			}
		}
		over := o.dial(j, nurse)
		o.closes(over, time.Second)
		refusedWith(t, over, "policy-violation")
		o.call(r, nurse)
	})
	inOffice(t, "LL-STR-25 so many bound streams in all, and dials count", func(t *testing.T, o *office) {
		j, r := o.staff()
		o.publish("tybalt@example.com", tybalt)
		o.wait(5 * time.Second)
		first := o.call(j, nurse)
		o.call(j, tybalt)
		over := o.call(r, nurse)
		o.closes(over, time.Second)
		if text := got(over); !strings.Contains(text, "<resource-constraint ") || !strings.HasSuffix(text, endTag) {
			t.Errorf("told %q", text)
		}
		o.send(romeo, 1, "no descriptor left")
		o.wait(2 * time.Second)
		if _, returned := o.tokens(); len(returned) != 1 {
			t.Error("dialled all the same")
		}
		first.Close()
		o.wait(time.Second)
		s := o.call(r, nurse)
		o.say(s, "<message><body>room</body></message>")
		if len(o.received()) != 1 || o.count("LL-STR-25") != 1 {
			t.Errorf("told of %q, counted %d", o.received(), o.count("LL-STR-25"))
		}
	}, with(func(c *linklocal.Config) { c.Limits.Streams = 2 }))
	inOffice(t, "LL-STR-25 half-open connections from everywhere keep nobody out", func(t *testing.T, o *office) {
		j, r := o.staff()
		kept := o.call(j, nurse)
		var open []*meshtest.Stream
		for i := range 3 * linklocal.MaxUnbound {
			s, err := j.DialFrom(t.Context(), nurse, netip.AddrFrom4([4]byte{10, 2, 1, byte(2 + i/2)}))
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, s.Start())
		}
		o.wait(time.Second)
		if in := o.mesh.Inside(); in.Total != 1+linklocal.MaxUnbound {
			t.Errorf("%+v", in)
		}
		refusedWith(t, open[0], "resource-constraint")
		if n := o.count("LL-STR-25"); n != 2*linklocal.MaxUnbound {
			t.Errorf("counted %d", n)
		}
		for _, s := range []*meshtest.Stream{kept, o.call(r, nurse)} {
			o.say(s, "<message><body>in</body></message>")
		}
		o.send(juliet, 1, "out")
		o.hears(kept, "<body>out</body>")
		if len(o.received()) != 2 {
			t.Errorf("told of %q", o.received())
		}
		for _, s := range open {
			s.Close()
		}
	})
	inOffice(t, "LL-STR-25 X3 thousands of connections that come and go leave nothing behind", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.call(j, nurse).Close()
		o.wait(time.Minute)
		before := goroutines()
		for i := range 5000 {
			s := o.dial(j, nurse)
			switch i % 3 {
			case 0:
				s.Say("<stream:str")
			case 1:
				s.Say(meshtest.Header(juliet, "nobody@bridge"))
			}
			s.Close()
			synctest.Wait()
		}
		o.wait(time.Minute)
		if n := goroutines(); n > before {
			t.Errorf("%d goroutines, %d before", n, before)
		}
		if in := o.mesh.Inside(); in.Open+in.Handshakes+in.Total+in.Streams+in.Contacts > 0 {
			t.Errorf("left over: %+v", in)
		}
	})
	inOffice(t, "a peer that does not read loses its own stream and nothing else", func(t *testing.T, o *office) {
		j, r := o.staff()
		s := o.stuck(j)
		for i := range 200 { // more than its queue takes
			o.send(juliet, uint64(i+1), "stuck")
		}
		other := o.call(r, nurse)
		o.send(romeo, 1000, "swift")
		if d := o.until(time.Second, "romeo is served", func() bool { return len(bodies(other)) == 1 }); d > 100*time.Millisecond {
			t.Errorf("romeo waited %v", d)
		}
		o.wait(9 * time.Second)
		if o.mesh.Inside().Streams != 2 {
			t.Error("lost before its time")
		}
		o.wait(2 * time.Second)
		if !s.Far().Closed() {
			t.Error("the stuck stream is still open after 11 s")
		}
		_, returned := o.tokens()
		if len(returned) != 200 {
			t.Fatalf("%d came back", len(returned))
		}
		for i, token := range returned {
			if token != uint64(i+1) {
				t.Fatalf("token %d at place %d", token, i)
			}
		}
		if _, closed := other.Got(); closed {
			t.Error("romeo's stream was closed too")
		}
		s.Close()
	})
}

// goroutines counts those that are alive in the virtual time of this test. The number
// that the runtime keeps is off by dozens while a thread hands its dead ones over; a
// listing stops the world first.
func goroutines() int {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	return bytes.Count(all, []byte(", synctest bubble "))
}

func TestFullQueue(t *testing.T) {
	inOffice(t, "a message behind more answers than the queue takes goes out when there is room", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.stuck(j)
		for range 100 {
			o.send(juliet, 0, "answer")
		}
		o.send(juliet, 1, "message")
		o.wait(time.Second)
		if o.count("mesh-answer") == 0 {
			t.Error("the queue took everything")
		}
		o.hears(s.Start(), "<body>message</body>")
	})
}

// stuck opens a stream whose client reads no further than the header.
func (o *office) stuck(c *meshtest.Client) *meshtest.Stream {
	o.t.Helper()
	s, err := c.Dial(o.t.Context(), nurse)
	if err != nil {
		o.t.Fatal(err)
	}
	go s.Say(meshtest.Header(c.Instance, nurse))
	b := make([]byte, 4096)
	for text := ""; !strings.HasSuffix(text, "xml:lang='en'>"); {
		n, err := s.Read(b)
		if err != nil {
			o.t.Fatal(err)
		}
		text += string(b[:n])
	}
	o.wait(time.Second)
	return s
}

func TestOffLink(t *testing.T) {
	inOffice(t, "SEC-8 V-9 case 11: a source that is not on the link hears nothing", func(t *testing.T, o *office) {
		j, _ := o.staff()
		for _, addr := range []string{"203.0.113.9", "10.2.2.187", "127.0.0.1"} {
			s, err := j.DialFrom(t.Context(), nurse, netip.MustParseAddr(addr))
			if err != nil {
				t.Fatal(err)
			}
			s.Start().Say(meshtest.Header(juliet, nurse))
			o.closes(s, time.Second)
			if got(s) != "" {
				t.Errorf("%s was told %q", addr, got(s))
			}
		}
		if o.count("SEC-8") != 3 {
			t.Errorf("counted %d", o.count("SEC-8"))
		}
	})
	inOffice(t, "SEC-8 a network that came to the interface later is on the link", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.host.SetAddrs("eth0", bridgeAt+"/24", "10.9.0.1/24")
		o.wait(5 * time.Second)
		s, err := j.DialFrom(t.Context(), nurse, netip.MustParseAddr("10.9.0.7"))
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		o.say(s, "%s", meshtest.Header(juliet, nurse))
		o.closes(s, 5*time.Second)
		refusedWith(t, s, "invalid-from") // let in, but not Juliet
	})
}
