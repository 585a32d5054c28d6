package bridge

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

func TestRoutes(t *testing.T) {
	returned := func(c *coreRig, why error, list ...linklocal.Delivery) {
		ev := linklocal.Returned{Proxy: aliceJID, Peer: julietName, Err: why}
		for _, d := range list {
			ev.Tokens = append(ev.Tokens, d.Token)
		}
		c.returned(ev)
	}
	bodies := func(list []linklocal.Delivery) (out []string) {
		for _, d := range list {
			out = append(out, bodyOf(d.Stanza))
		}
		return out
	}
	start := func(t *testing.T) *coreRig {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		c.hears(pres(aliceJID+"/r", component, ""))
		return c
	}
	synctestRun(t, "a try that failed is repeated after 1, 2, 4 s, up to a minute, in order", func(t *testing.T) {
		c := start(t)
		for i := range 3 {
			c.hears(chat(aliceJID+"/r", fmt.Sprint(i), fmt.Sprint(i)))
		}
		var gaps []string
		for range 9 {
			list := c.mesh.take()
			expectWords(t, bodies(list), []string{"0", "1", "2"})
			returned(c, linklocal.ErrStream, list...)
			c.peer(julietName, "pronto") // still there: no reason to hurry
			since := time.Now()
			for len(c.mesh.sent) == 0 {
				c.rest(time.Second)
			}
			gaps = append(gaps, time.Since(since).String())
		}
		expectWords(t, gaps, []string{"1s", "2s", "4s", "8s", "16s", "32s", "1m0s", "1m0s", "1m0s"})
		c.delivered(linklocal.Delivered{Token: c.mesh.sent[0].Token})
		returned(c, linklocal.ErrStream, c.mesh.take()[1:]...)
		c.hears(chat(aliceJID+"/r", "3", "3")) // does not overtake
		c.rest(500 * time.Millisecond)
		expectWords(t, bodies(c.mesh.take()), nil)
		c.rest(time.Second)
		expectWords(t, bodies(c.mesh.sent), []string{"1", "2", "3"}) // who was reached is tried again soon
		c.mesh.deliver(c)
		if len(c.routes) != 0 || len(c.flying) != 0 || c.box.Usage().Entries != 0 {
			t.Errorf("left: %v", c.routes)
		}
	})
	synctestRun(t, "a peer who is back is tried at once, whatever the pause", func(t *testing.T) {
		c := start(t)
		c.hears(chat(aliceJID+"/r", "1", "hello"))
		for range 7 {
			returned(c, linklocal.ErrStream, c.mesh.take()...)
			c.rest(time.Minute)
		}
		returned(c, linklocal.ErrStream, c.mesh.take()...)
		c.peerGone(julietName, "")
		c.rest(5 * time.Second)
		c.peer(julietName, "pronto")
		expectWords(t, bodies(c.mesh.take()), []string{"hello"})
	})
	synctestRun(t, "one event that gives back messages of two routes moves both", func(t *testing.T) {
		c := start(t)
		c.hears(chat(aliceJID+"/r", "1", "to pronto"))
		first := c.mesh.take()
		c.peer(julietName, "tardo")
		c.hears(chat(aliceJID+"/r", "2", "to tardo"))
		second := c.mesh.take()
		returned(c, linklocal.ErrStream, append(second, first...)...)
		c.rest(2 * time.Second)
		expectWords(t, bodies(c.mesh.take()), []string{"to tardo"})
		c.peer(julietName, "pronto")
		expectWords(t, bodies(c.mesh.take()), []string{"to pronto"})
	})
	synctestRun(t, "what is held is tried again within a minute", func(t *testing.T) {
		c := start(t)
		c.hears(chat(aliceJID+"/r", "1", "hello"))
		returned(c, linklocal.ErrHeld, c.mesh.take()...)
		c.rest(59 * time.Second)
		expectWords(t, bodies(c.mesh.take()), nil)
		c.rest(2 * time.Second)
		expectWords(t, bodies(c.mesh.take()), []string{"hello"})
	})
	synctestRun(t, "messages from before the host was known come first, and are for that host", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "")
		c.hears(pres(aliceJID+"/r", component, ""))
		c.hears(chat(aliceJID+"/r", "1", "first"))
		returned(c, linklocal.ErrStream, c.mesh.take()...)
		c.peerChanged(linklocal.Peer{Instance: julietName, Host: "Pronto"})
		c.hears(chat(aliceJID+"/r", "2", "second"))
		c.rest(2 * time.Second)
		list := c.mesh.take()
		expectWords(t, bodies(list), []string{"first", "second"})
		for _, d := range list {
			if !strings.EqualFold(d.Host, "pronto") {
				t.Errorf("%s is for host %q", bodyOf(d.Stanza), d.Host)
			}
		}
		returned(c, linklocal.ErrStream, list...)
		c.peer(julietName, "evil")
		c.rest(time.Minute)
		expectWords(t, bodies(c.mesh.take()), nil)
	})
	synctestRun(t, "at most 32 are with the mesh, and the rest follows in order", func(t *testing.T) {
		c := start(t)
		var want []string
		for i := range 100 {
			c.hears(chat(aliceJID+"/r", fmt.Sprint(i), fmt.Sprint(i)))
			want = append(want, fmt.Sprint(i))
		}
		var got []string
		for len(got) < 100 {
			list := c.mesh.take()
			if len(list) == 0 || len(c.flying) > meshWindow {
				t.Fatalf("%d handed over, %d in flight", len(list), len(c.flying))
			}
			got = append(got, bodies(list)...)
			c.delivered(linklocal.Delivered{Token: list[0].Token})
			for _, d := range list[1:] {
				c.delivered(linklocal.Delivered{Token: d.Token})
			}
		}
		expectWords(t, got, want)
	})
	synctestRun(t, "a token nobody knows changes nothing", func(t *testing.T) {
		c := start(t)
		c.delivered(linklocal.Delivered{Token: 99})
		c.returned(linklocal.Returned{Tokens: []uint64{98, 99}, Err: linklocal.ErrAbsent})
		if len(c.routes) != 0 {
			t.Error("a route appeared")
		}
	})
	synctestRun(t, "INJ-33 a proxy that could not be published is tried again with the next try", func(t *testing.T) {
		c := start(t)
		c.hears(chat(aliceJID+"/r", "1", "hello"))
		c.proxyChanged(linklocal.ProxyChanged{Proxy: aliceJID, Instance: aliceInstance, Err: errors.New("every name is taken")})
		returned(c, linklocal.ErrNoProxy, c.mesh.take()...)
		c.rest(2 * time.Second)
		expectWords(t, bodies(c.mesh.take()), []string{"hello"})
		if n := len(c.mesh.published); n != 2 {
			t.Errorf("published %d times", n)
		}
	})
}

// TestSaidAgain is about a client that opens a second stream right after it was told
// something on the first.
func TestSaidAgain(t *testing.T) {
	scene(t, "LL-STR-18 LL-STR-30 COMP-16 what her new stream repeats has the same id and the time of the first, and comes at once and before what is new", func(o *office) {
		alice, juliet := o.together()
		juliet.writes(aliceInstance, "hello")
		o.pass(time.Second)
		juliet.got()
		first := time.Now()
		alice.writes(julietJID, "one")
		alice.writes(julietJID, "two")
		o.pass(500 * time.Millisecond) // no second, which would confirm them
		said := messagesIn(stanzas(juliet.got()))
		o.expect("she reads", bodiesIn(said), "one", "two")
		juliet.forgets(aliceInstance)
		juliet.stream(aliceInstance)
		o.pass(100 * time.Millisecond)
		alice.writes(julietJID, "three")
		o.pass(100 * time.Millisecond)
		again := messagesIn(stanzas(juliet.got()))
		o.expect("she reads on the other", bodiesIn(again), "one", "two", "three")
		for i, s := range again {
			delay := s.Child(stanza.NSDelay, "delay")
			if i == len(said) {
				if delay != nil {
					o.Error("what is new is late")
				}
				continue
			}
			if delay == nil || delay.Attr("from") != component || s.ID != said[i].ID || said[i].Child(stanza.NSDelay, "delay") != nil {
				o.Fatalf("%s, then %s", stanza.Append(nil, stanza.Client, said[i]), stanza.Append(nil, stanza.Client, s))
			}
			if stamp, err := time.Parse(time.RFC3339Nano, delay.Attr("stamp")); err != nil || stamp.Sub(first).Abs() > 10*time.Millisecond {
				o.Errorf("stamp %s, taken in at %v", delay.Attr("stamp"), first.UTC())
			}
		}
		o.pass(5 * time.Second)
		o.expect("she reads no more", bodiesIn(messagesIn(stanzas(juliet.got()))))
	})
}

// forgets lets the person's next word to an instance go out on a new stream, while the
// old one is still open.
func (p *person) forgets(instance string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.talks, instance)
}
