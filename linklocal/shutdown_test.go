package linklocal_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

func TestShutdown(t *testing.T) {
	inOffice(t, "every stream ends with </stream:stream>, every proxy with a goodbye, in a few seconds", func(t *testing.T, o *office) {
		j, r := o.staff()
		streams := []*meshtest.Stream{o.call(j, nurse), o.call(r, nurse)}
		o.send(juliet, 1, "last words")
		o.wait(10 * time.Millisecond)
		at := time.Now()
		if err := o.stop(); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(at); d > 4*time.Second { // of peers that are silent
			t.Errorf("took %v", d)
		}
		for _, s := range streams {
			if !strings.HasSuffix(got(s), endTag) {
				t.Errorf("no closing tag in %q", got(s))
			}
		}
		if !strings.Contains(got(streams[0]), "last words") {
			t.Error("what was queued is not out")
		}
		o.wait(2 * time.Second)
		if _, ok := j.Sees(nurse); ok {
			t.Error("no goodbye")
		}
	})
	inOffice(t, "peers that answer do not hold it up", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		go func() {
			for !strings.Contains(got(s), endTag) {
				<-time.After(time.Millisecond)
			}
			s.Say(endTag)
		}()
		at := time.Now()
		o.stop()
		if d := time.Since(at); d > 500*time.Millisecond {
			t.Errorf("took %v", d)
		}
	})
	inOffice(t, "in the middle of everything: messages come back, nothing hangs", func(t *testing.T, o *office) {
		o.publish("tybalt@example.com", tybalt)
		j, r := o.staff()
		o.dial(j, nurse) // a handshake that does not come about
		half := o.dial(r, tybalt)
		o.say(half, "%s", meshtest.Header("", "")) // nor this one
		o.publish("late@example.com", "late@bridge")
		o.send(juliet, 1, "waits for the handshake")
		o.sendFrom("late@example.com", juliet, 2, "waits for the name")
		talk := o.call(r, nurse)
		talk.Far().SetUnsent(1)
		o.send(romeo, 3, "not confirmed")
		stuck, err := j.Dial(t.Context(), tybalt)
		if err != nil {
			t.Fatal(err)
		}
		go stuck.Say(meshtest.Header(juliet, tybalt)) // and never reads
		o.hears(talk, "not confirmed")
		at := time.Now()
		if err := o.stop(); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(at); d > 5*time.Second {
			t.Errorf("took %v", d)
		}
		_, returned := o.tokens()
		slices.Sort(returned)
		if !slices.Equal(returned, []uint64{1, 2, 3}) {
			t.Errorf("returned %v", returned)
		}
		for _, ev := range of[linklocal.Returned](o) {
			if !errors.Is(ev.Err, linklocal.ErrStopped) {
				t.Errorf("returned with %v", ev.Err)
			}
		}
		o.wait(time.Second)
		if n := len(o.Connections()); n > 0 {
			t.Errorf("%d connections are open", n)
		}
	})
	inOffice(t, "during a dial", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.send(juliet, 1, "x")
		s, err := j.AcceptWithin(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		o.hears(s.Start(), ">")
		at := time.Now()
		o.stop()
		if d := time.Since(at); d > time.Second {
			t.Errorf("took %v", d)
		}
		o.wantReturned(linklocal.ErrStopped, 1)
	})
	inOffice(t, "calls after the end do nothing", func(t *testing.T, o *office) {
		o.staff()
		o.stop()
		o.forget()
		o.publish("x", "x@bridge")
		o.send(juliet, 1, "x")
		o.mesh.Withdraw(nurseJ)
		o.mesh.Retract("x@y")
		o.wait(5 * time.Second)
		o.mu.Lock()
		defer o.mu.Unlock()
		if len(o.events) > 0 {
			t.Errorf("events %+v", o.events)
		}
	})
}

func TestRunFails(t *testing.T) {
	t.Run("multicast DNS cannot work: Run says so and leaves nothing behind", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t)
			broken := errors.New("port 5353 is taken")
			o.host.FailOpen(broken)
			o.run()
			o.publish(nurseJ, nurse)
			err := <-o.ended
			if !errors.Is(err, broken) {
				t.Errorf("ended with %v", err)
			}
		})
	})
	t.Run("a configuration that cannot work anywhere", func(t *testing.T) {
		handle := func(linklocal.Event) {}
		for name, cfg := range map[string]linklocal.Config{
			"no handler":   {Interfaces: []string{"eth0"}, Machine: "bridge"},
			"no interface": {Machine: "bridge", Handle: handle},
			"no host name": {Interfaces: []string{"eth0"}, Machine: "my bridge", Handle: handle},
		} {
			if _, err := linklocal.New(cfg); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
	})
	t.Run("a caller that takes its time holds up the mesh and breaks nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t)
			handle := o.cfg.Handle
			o.cfg.Handle = func(ev linklocal.Event) {
				<-time.After(200 * time.Millisecond)
				handle(ev)
			}
			o.cfg.Log = slog.New(slog.DiscardHandler)
			o.run()
			defer o.close()
			j, _ := o.staff()
			s := o.call(j, nurse)
			for i := range 100 {
				o.send(juliet, uint64(i+1), "x")
				if s.Say("<message><body>y</body></message>") != nil {
					t.Fatal("cut off")
				}
			}
			o.wait(2 * time.Minute)
			if d, r := o.tokens(); len(d) != 100 || len(r) != 0 || len(o.received()) != 100 {
				t.Errorf("%d delivered, %d returned, %d received", len(d), len(r), len(o.received()))
			}
		})
	})
	t.Run("the context is over before the start", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t)
			m, err := linklocal.New(o.cfg)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := m.Run(ctx); err != nil {
				t.Errorf("ended with %v", err)
			}
		})
	})
}
