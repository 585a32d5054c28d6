package linklocal_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

// met lets Juliet talk with the nurse once, so that the mesh knows where she is.
func (o *office) met() *meshtest.Client {
	o.t.Helper()
	j, _ := o.staff()
	s := o.call(j, nurse)
	s.Close()
	o.wait(time.Second)
	o.forget()
	return j
}

// sendTo hands a message for a peer on a certain host to the mesh.
func (o *office) sendTo(host string, token uint64, body string) {
	o.mesh.Send(linklocal.Delivery{Proxy: nurseJ, Peer: juliet, Host: host, Token: token, Stanza: message(body)})
}

func TestHeld(t *testing.T) {
	const hour = 3600 * time.Second
	here := func(c *linklocal.Config) { c.DepartureDelay = hour } // a newcomer within the same presence
	held := func(o *office) (tokens []uint64) {
		for _, r := range of[linklocal.Returned](o) {
			if r.Err == linklocal.ErrHeld {
				tokens = append(tokens, r.Tokens...)
			}
		}
		return tokens
	}

	inOffice(t, "INJ-26 another address of the same hardware: delivered", func(t *testing.T, o *office) {
		j := o.met()
		if err := j.Move("10.2.1.42/24"); err != nil {
			t.Fatal(err)
		}
		o.wait(5 * time.Second)
		o.sendTo("pronto", 1, "x")
		o.hears(o.answer(j), "<body>x</body>")
		if len(held(o)) > 0 {
			t.Errorf("held %v", held(o))
		}
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.42", "aa:aa"))
	inOffice(t, "INJ-26 another address, one in common: delivered", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		j := o.join(meshtest.Person{
			Host: o.Host("pronto", julietAt, "fe80::187/64"), Name: "pronto", Instance: juliet, Addrs: addrs("10.2.1.187", "fe80::187%eth0"),
		})
		o.wait(4 * time.Second)
		o.call(j, nurse).Close()
		j.Host.SetAddrs("eth0", "10.2.1.42/24", "fe80::187/64")
		o.wait(5 * time.Second)
		o.sendTo("pronto", 1, "x")
		o.hears(o.answer(j), "<body>x</body>")
	}, hosting("10.2.1.1/24", "fe80::1/64"))
	inOffice(t, "INJ-26 other addresses and hardware, the old holder heard a moment ago: held, then delivered after a minute of silence", func(t *testing.T, o *office) {
		j := o.met()
		if err := j.Move("10.2.1.66/24"); err != nil {
			t.Fatal(err)
		}
		o.wait(5 * time.Second)
		o.sendTo("pronto", 1, "x")
		s := o.answer(j)
		o.wait(3 * time.Second)
		if d := held(o); !slices.Equal(d, []uint64{1}) || len(bodies(s)) > 0 {
			t.Fatalf("held %v, said %q", d, bodies(s))
		}
		o.sendTo("pronto", 2, "y") // on the open stream
		o.wait(3 * time.Second)
		if d := held(o); !slices.Equal(d, []uint64{1, 2}) || len(bodies(s)) > 0 {
			t.Fatalf("held %v, said %q", d, bodies(s))
		}
		o.say(s, "<message><body>it is I</body></message>")
		if len(o.received()) != 1 {
			t.Error("the newcomer's own words are not heard: it is bound")
		}
		if o.count("INJ-26") != 2 || !strings.Contains(o.logged(), "another machine claims an instance") {
			t.Errorf("counted %d, logged %q", o.count("INJ-26"), o.logged())
		}
		o.forget()
		o.until(time.Minute, "told that it may go", func() bool { return len(of[linklocal.PeerChanged](o)) > 0 })
		o.sendTo("pronto", 1, "x")
		o.hears(s, "<body>x</body>")
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.66", "bb:bb"), with(here))
	inOffice(t, "INJ-26 the newcomer's stream is closed meanwhile: told after the minute all the same", func(t *testing.T, o *office) {
		j := o.met()
		if err := j.Move("10.2.1.66/24"); err != nil {
			t.Fatal(err)
		}
		o.wait(5 * time.Second)
		o.sendTo("pronto", 1, "x")
		s := o.answer(j)
		o.wait(time.Second)
		s.Close()
		o.forget()
		o.until(time.Minute, "told that it may go", func() bool { return len(of[linklocal.PeerChanged](o)) > 0 })
		o.sendTo("pronto", 1, "x")
		o.hears(o.answer(j), "<body>x</body>")
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.66", "bb:bb"), with(here))
	inOffice(t, "INJ-26 the old holder speaks up again: delivered to it, nothing to the newcomer", func(t *testing.T, o *office) {
		j := o.met()
		if err := j.Move("10.2.1.66/24"); err != nil {
			t.Fatal(err)
		}
		o.wait(5 * time.Second)
		o.sendTo("pronto", 1, "x")
		wrong := o.answer(j)
		o.wait(3 * time.Second)
		wrong.Close()
		o.wait(40 * time.Second)
		if err := j.Move(julietAt); err != nil {
			t.Fatal(err)
		}
		o.wait(5 * time.Second)
		o.forget()
		right := o.call(j, nurse)
		o.until(time.Second, "told that it may go", func() bool { return len(of[linklocal.PeerChanged](o)) > 0 })
		o.sendTo("pronto", 1, "x")
		o.hears(right, "<body>x</body>")
		if len(bodies(wrong)) > 0 {
			t.Errorf("said to the newcomer: %q", bodies(wrong))
		}
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.66", "bb:bb"), with(here))
	inOffice(t, "INJ-26 the old holder has been silent for a minute: delivered, and logged", func(t *testing.T, o *office) {
		j := o.met()
		o.wait(time.Minute)
		if err := j.Move("10.2.1.66/24"); err != nil {
			t.Fatal(err)
		}
		o.wait(5 * time.Second)
		o.sendTo("pronto", 1, "x")
		o.hears(o.answer(j), "<body>x</body>")
		if !strings.Contains(o.logged(), "another machine") {
			t.Errorf("logged %q", o.logged())
		}
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.66", "bb:bb"), with(here))
	inOffice(t, "INJ-26 silent for less than a minute: held", func(t *testing.T, o *office) {
		o.publish("tybalt@example.com", tybalt)
		j := o.met()
		s := o.call(j, tybalt)
		o.wait(2 * time.Minute)
		o.say(s, "<message><body>I am here</body></message>")
		s.Close()
		o.wait(30 * time.Second)
		if err := j.Move("10.2.1.66/24"); err != nil {
			t.Fatal(err)
		}
		o.wait(5 * time.Second)
		o.sendTo("pronto", 1, "x")
		o.answer(j)
		o.wait(3 * time.Second)
		if len(held(o)) != 1 {
			t.Errorf("held %v", held(o))
		}
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.66", "bb:bb"), with(here))
	inOffice(t, "INJ-26 a new SRV record alone: the host is told when a stream shows it", func(t *testing.T, o *office) {
		j := o.met()
		o.wait(2 * time.Minute)
		o.forget()
		j.Host.Detach("eth0") // without a goodbye
		k := o.client("mallory", juliet, "10.2.1.66/24")
		o.wait(3 * time.Second)
		if n := len(of[linklocal.PeerChanged](o)); n != 0 {
			t.Fatalf("told %d times without a stream", n)
		}
		s := o.call(k, nurse)
		events := of[linklocal.PeerChanged](o)
		if len(events) != 1 || events[0].Peer.Host != "mallory" {
			t.Fatalf("told %+v", events)
		}
		o.sendTo("pronto", 1, "x")
		o.sendTo("mallory", 2, "for you")
		o.hears(s, "for you")
		if !slices.Equal(held(o), []uint64{1}) || len(bodies(s)) != 1 {
			t.Errorf("held %v, said %q", held(o), bodies(s))
		}
	}, with(here))
	inOffice(t, "INJ-26 LL-11.1-1 a laptop on two links is one once both places are known", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		h := o.onBoth()
		wired := o.join(meshtest.Person{Host: h, Name: "pronto", Instance: juliet, Addrs: addrs("10.2.1.187"), Port: 5298})
		radio := o.join(meshtest.Person{Host: h, Name: "pronto", Interface: "wlan0", Instance: juliet, Addrs: addrs("10.3.1.187"), Port: 5298})
		o.wait(4 * time.Second)
		o.call(wired, nurse)
		o.call(radio, nurse)
		o.wait(70 * time.Second)
		for i, c := range []*meshtest.Client{wired, radio, wired} {
			s := o.call(c, nurse)
			o.sendTo("pronto", uint64(i+1), "x")
			o.hears(s, "<body>x</body>")
		}
		if len(held(o)) > 0 {
			t.Errorf("held %v", held(o))
		}
	}, twoLinks, hardware("10.2.1.187", "aa:aa", "10.3.1.187", "bb:bb"))
	inOffice(t, "INJ-26 silent, but its connection stands: held", func(t *testing.T, o *office) {
		o.publish("tybalt@example.com", tybalt)
		j, _ := o.staff()
		o.call(j, tybalt)
		o.wait(2 * time.Minute)
		if err := j.Move("10.2.1.66/24"); err != nil {
			t.Fatal(err)
		}
		o.wait(5 * time.Second)
		o.sendTo("pronto", 1, "x")
		s := o.answer(j)
		o.wait(3 * time.Second)
		if len(held(o)) != 1 || len(bodies(s)) > 0 {
			t.Errorf("held %v, said %q", held(o), bodies(s))
		}
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.66", "bb:bb"), with(here))
	inOffice(t, "INJ-26 the old holder said goodbye: delivered", func(t *testing.T, o *office) {
		j := o.met()
		j.SignOff()
		o.wait(4 * time.Second)
		k := o.client("pronto", juliet, "10.2.1.66/24")
		o.wait(3 * time.Second)
		o.sendTo("pronto", 1, "x")
		o.hears(o.answer(k), "<body>x</body>")
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.66", "bb:bb"))
	for _, tt := range []struct {
		name string
		addr string
	}{
		{"INJ-26 another host name, at another address: held, however long it takes", "10.2.1.66/24"},
		{"INJ-26 another host name, at the same address: held, however long it takes", julietAt},
	} {
		inOffice(t, tt.name, func(t *testing.T, o *office) {
			j := o.met()
			j.SignOff()
			o.wait(4 * time.Second)
			k := o.client("mallory", juliet, tt.addr)
			o.wait(3 * time.Second)
			o.sendTo("pronto", 1, "x")
			s := o.answer(k)
			o.wait(3 * time.Minute)
			o.sendTo("pronto", 2, "y")
			o.sendTo("mallory", 3, "for you")
			o.hears(s, "for you")
			if !slices.Equal(held(o), []uint64{1, 2}) || len(bodies(s)) != 1 {
				t.Errorf("held %v, said %q", held(o), bodies(s))
			}
		})
	}
	inOffice(t, "INJ-26 a message for no host in particular fits every host", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.sendTo("", 1, "x")
		o.hears(o.answer(j), "<body>x</body>")
		o.sendTo("PRONTO", 2, "y")
		o.wait(3 * time.Second)
		if len(held(o)) > 0 {
			t.Errorf("held %v", held(o))
		}
	})
	inOffice(t, "what is known of peers does not outlive their presence", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		for range 5 {
			j := o.client("pronto", juliet, julietAt)
			o.wait(4 * time.Second)
			o.call(j, nurse)
			if in := o.mesh.Inside(); in.Known != 1 {
				t.Errorf("known: %d", in.Known)
			}
			j.SignOff()
			o.wait(10 * time.Second)
		}
		if in := o.mesh.Inside(); in.Known+in.Peers+in.Pairs+in.Streams != 0 {
			t.Errorf("left over: %+v", in)
		}
	})
}

// hardware fills the neighbour table: address, hardware, and so on.
func hardware(list ...string) func(*office) {
	return func(o *office) {
		for i := 0; i < len(list); i += 2 {
			o.macs[netip.MustParseAddr(list[i])] = list[i+1]
		}
	}
}
