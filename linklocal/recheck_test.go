package linklocal_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

func TestRecheck(t *testing.T) {
	const look = 40 * time.Second // recheckEvery, and what a look takes
	closed := func(s *meshtest.Stream) bool {
		_, closed := s.Got()
		return closed
	}
	// replaced puts Juliet's instance on another machine while a stream of hers is open.
	replaced := func(o *office) *meshtest.Stream {
		j, _ := o.staff()
		s := o.call(j, nurse)
		j.Host.Detach("eth0") // without a goodbye
		o.client("mallory", juliet, "10.2.1.66/24")
		o.wait(look)
		return s
	}
	inOffice(t, "INJ-23 the address rotates, the hardware is the same: the stream lives", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		if err := j.Move("10.2.1.42/24"); err != nil {
			t.Fatal(err)
		}
		o.wait(2 * look)
		o.say(s, "<message><body>still I</body></message>")
		if closed(s) || len(o.received()) != 1 || o.count("INJ-23") != 0 {
			t.Errorf("closed %v, received %q", closed(s), o.received())
		}
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.42", "aa:aa"))
	inOffice(t, "INJ-23 another address is added: the stream lives", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		j.Host.SetAddrs("eth0", julietAt, "10.2.1.42/24")
		o.wait(2 * look)
		if closed(s) {
			t.Error("closed")
		}
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.42", "bb:bb"))
	inOffice(t, "INJ-23 another machine with other hardware: closed, counted and logged", func(t *testing.T, o *office) {
		s := replaced(o)
		if !closed(s) || o.count("INJ-23") != 1 || !strings.Contains(o.logged(), "announced from another machine") {
			t.Errorf("closed %v, counted %d, logged %q", closed(s), o.count("INJ-23"), o.logged())
		}
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.66", "bb:bb"))
	inOffice(t, "INJ-23 another machine whose hardware the kernel has to look for: closed", func(t *testing.T, o *office) {
		s := replaced(o)
		if !closed(s) {
			t.Error("the stream lives")
		}
	}, hardware("10.2.1.187", "aa:aa"), func(o *office) {
		o.cfg.SetStir(func(a netip.Addr) { o.macs[a] = "bb:bb" })
	})
	inOffice(t, "INJ-23 other records, and the neighbour table says nothing against it: the stream lives", func(t *testing.T, o *office) {
		s := replaced(o)
		if closed(s) {
			t.Error("closed")
		}
	}, hardware("10.2.1.187", "aa:aa"))
	inOffice(t, "INJ-23 other records, and the hardware of the stream was never known: the stream lives", func(t *testing.T, o *office) {
		s := replaced(o)
		if closed(s) {
			t.Error("closed")
		}
	}, hardware("10.2.1.66", "bb:bb"))
	inOffice(t, "INJ-23 INJ-24 another machine that calls itself by the same host name, while the old one answers: the stream lives", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		j.Host.Detach("eth0")
		o.join(meshtest.Person{Host: o.Host("pronto-too", "10.2.1.66/24"), Name: "pronto", Instance: juliet, Addrs: addrs("10.2.1.66")})
		o.wait(3 * look)
		if closed(s) {
			t.Error("closed")
		}
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.66", "bb:bb"))
	inOffice(t, "INJ-23 from the cable to the radio: the stream that was left behind is closed soon", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		for _, c := range o.Connections() {
			c.SetUnsent(1)
			c.Far().SetUnsent(1)
		}
		if err := j.Move("10.2.1.42/24"); err != nil {
			t.Fatal(err)
		}
		o.closes(s, time.Minute)
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.42", "bb:bb"))
	inOffice(t, "INJ-23 records that lead off the link stir nobody", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		j.Host.SetAddrs("eth0", "192.0.2.7/24")
		o.wait(2 * look)
		if closed(s) {
			t.Error("closed")
		}
	}, hardware("10.2.1.187", "aa:aa"), func(o *office) {
		o.cfg.SetStir(func(a netip.Addr) { o.t.Errorf("a packet to %v", a) })
	})
	inOffice(t, "INJ-23 what the closed stream had not delivered is held, not given to the other machine", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		for _, c := range o.Connections() {
			c.SetUnsent(1)
			c.Far().SetUnsent(1)
		}
		o.sendTo("pronto", 1, "x")
		o.hears(s, "<body>x</body>")
		j.Host.Detach("eth0")
		k := o.client("mallory", juliet, "10.2.1.66/24")
		o.closes(s, look)
		theirs := o.answer(k)
		o.wait(10 * time.Second)
		if len(bodies(theirs)) > 0 {
			t.Errorf("said to the other machine: %q", bodies(theirs))
		}
		if _, returned := o.tokens(); len(returned) != 1 {
			t.Errorf("returned %v", returned)
		}
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.66", "bb:bb"))
}

func TestKnow(t *testing.T) {
	pronto := linklocal.Machine{Host: "pronto", Seats: []linklocal.Seat{{Addr: netip.MustParseAddr("10.2.1.187"), MAC: "aa:aa"}}}
	// again is an office whose bridge was started again, with Juliet at an address.
	again := func(o *office, addr string) *meshtest.Client {
		o.mesh.Know(juliet, pronto)
		o.publish(nurseJ, nurse)
		j := o.client("pronto", juliet, addr)
		o.wait(4 * time.Second)
		return j
	}
	held := func(o *office) (n int) {
		for _, r := range of[linklocal.Returned](o) {
			if r.Err == linklocal.ErrHeld {
				n += len(r.Tokens)
			}
		}
		return n
	}
	inOffice(t, "INJ-26 after a restart: another address of the same hardware has what waited", func(t *testing.T, o *office) {
		j := again(o, "10.2.1.42/24")
		o.sendTo("pronto", 1, "x")
		o.hears(o.answer(j), "<body>x</body>")
	}, hardware("10.2.1.42", "aa:aa"))
	inOffice(t, "INJ-26 after a restart: another machine waits until the old one had a minute to answer", func(t *testing.T, o *office) {
		j := again(o, "10.2.1.66/24")
		o.sendTo("pronto", 1, "x")
		s := o.answer(j)
		o.wait(3 * time.Second)
		if held(o) != 1 || len(bodies(s)) > 0 {
			t.Fatalf("held %d, said %q", held(o), bodies(s))
		}
		o.forget()
		o.until(time.Minute, "told that it may go", func() bool { return len(of[linklocal.PeerChanged](o)) > 0 })
		o.sendTo("pronto", 1, "x")
		o.hears(s, "<body>x</body>")
	}, hardware("10.2.1.66", "bb:bb"))
	inOffice(t, "INJ-26 a machine that somebody says yes to gets what waits at once", func(t *testing.T, o *office) {
		j := again(o, "10.2.1.66/24")
		o.sendTo("pronto", 1, "x")
		s := o.answer(j)
		o.wait(3 * time.Second)
		events := of[linklocal.Contested](o)
		if len(events) != 1 || events[0].Peer != juliet || events[0].Holder.String() != pronto.String() || events[0].Claimant.Seats[0].MAC != "bb:bb" {
			t.Fatalf("told %+v", events)
		}
		o.forget()
		o.mesh.Know(juliet, events[0].Claimant)
		o.until(time.Minute, "told that it may go", func() bool { return len(of[linklocal.PeerChanged](o)) > 0 })
		o.sendTo("pronto", 1, "x")
		o.hears(s, "<body>x</body>")
	}, hardware("10.2.1.66", "bb:bb"))
	inOffice(t, "INJ-26 a message for one machine goes to no other, however long that one is silent", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		j := o.client("pronto", juliet, "10.2.1.66/24")
		o.wait(4 * time.Second)
		s := o.call(j, nurse)
		for range 4 {
			o.mesh.Send(linklocal.Delivery{Proxy: nurseJ, Peer: juliet, Host: "pronto", Machine: &pronto, Token: 1, Stanza: message("x")})
			o.wait(time.Minute)
		}
		if held(o) != 4 || len(bodies(s)) > 0 {
			t.Errorf("held %d, said %q", held(o), bodies(s))
		}
	}, hardware("10.2.1.66", "bb:bb"))
	inOffice(t, "INJ-24 a message for one machine goes to it while another holds the instance", func(t *testing.T, o *office) {
		o.mesh.Know(juliet, linklocal.Machine{Host: "pronto", Seats: []linklocal.Seat{{Addr: netip.MustParseAddr("10.2.1.66"), MAC: "bb:bb"}}})
		o.publish(nurseJ, nurse)
		j := o.client("pronto", juliet, julietAt)
		o.wait(4 * time.Second)
		s := o.call(j, nurse)
		o.mesh.Send(linklocal.Delivery{Proxy: nurseJ, Peer: juliet, Host: "pronto", Machine: &pronto, Token: 1, Stanza: message("x")})
		o.hears(s, "<body>x</body>")
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.66", "bb:bb"))
	inOffice(t, "INJ-26 who is there is told once, and again when that is news", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.call(j, nurse).Close()
		o.wait(time.Second)
		o.call(j, nurse).Close()
		if err := j.Move("10.2.1.42/24"); err != nil {
			t.Fatal(err)
		}
		o.wait(5 * time.Second)
		o.call(j, nurse).Close()
		var told []string
		for _, r := range of[linklocal.Recognised](o) {
			told = append(told, r.Peer+": "+r.Machine.String())
		}
		want := []string{juliet + ": 10.2.1.187=aa:aa pronto", juliet + ": 10.2.1.42=aa:aa,10.2.1.187=aa:aa pronto"}
		if strings.Join(told, "\n") != strings.Join(want, "\n") {
			t.Errorf("told %q", told)
		}
	}, hardware("10.2.1.187", "aa:aa", "10.2.1.42", "aa:aa"))
	inOffice(t, "INJ-24 a spoofed goodbye and another host's claim, while the old one answers: held, and what waits goes to the old one", func(t *testing.T, o *office) {
		o.publish("tybalt@example.com", tybalt)
		j, _ := o.staff()
		alive := o.call(j, tybalt)
		mallory := o.Host("pronto-too", "10.2.1.66/24") // calls itself pronto as well
		j.Host.Detach("eth0")                           // its own records are not heard for a while
		k := o.join(meshtest.Person{Host: mallory, Name: "pronto", Instance: juliet, Addrs: addrs("10.2.1.66")})
		o.wait(4 * time.Second)
		o.sendTo("pronto", 1, "x")
		s := o.answer(k)
		for range 10 { // the old one answers on its stream
			o.wait(20 * time.Second)
			o.say(alive, "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
			o.sendTo("pronto", 1, "x")
		}
		o.wait(time.Second)
		if held(o) != 11 || len(bodies(s)) > 0 || len(of[linklocal.Contested](o)) != 1 {
			t.Errorf("held %d, said %q, contested %d", held(o), bodies(s), len(of[linklocal.Contested](o)))
		}
	})
}
