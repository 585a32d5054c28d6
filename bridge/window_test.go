package bridge

import (
	"fmt"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/linklocal"
	"meshbridge/upstream"
)

func TestWindow(t *testing.T) {
	const bob = "bob@example.org"
	start := func(t *testing.T) *coreRig {
		c := newCoreRig(t, func(cfg *config.Config) {
			cfg.Colleagues = append(cfg.Colleagues, config.Colleague{JID: mustJID(bob)})
		})
		c.up()
		c.peer(julietName, "pronto")
		return c
	}
	burst := func(c *coreRig, n int) (want []string) {
		for i := range n {
			c.says(julietName, newID(), fmt.Sprint("line ", i))
			want = append(want, fmt.Sprint("line ", i))
		}
		return want
	}
	synctestRun(t, "COMP-16 of a hundred messages 32 are on their way at a time, in order, and all get there", func(t *testing.T) {
		c := start(t)
		want := burst(c, 100)
		var got []string
		for len(got) < 100 {
			sent := bodiesIn(c.session.sent)
			if len(sent) == 0 || len(sent) > 32 {
				t.Fatalf("%d at once after %d", len(sent), len(got))
			}
			got = append(got, sent...)
			c.session.take()
			c.routed(c.session.seq)
			if list := bodiesIn(c.session.sent); len(list) != 0 {
				t.Fatalf("%q before the others had arrived", list)
			}
			pings := c.pingsTo()
			c.session.take()
			for _, p := range pings {
				c.hears(result(p))
			}
		}
		expectWords(t, got, want)
		if n := c.box.Usage().Entries; n != 0 || c.colleagues[aliceJID].underWay != 0 {
			t.Errorf("%d are kept, %d under way", n, c.colleagues[aliceJID].underWay)
		}
	})
	synctestRun(t, "COMP-16 one colleague's window is not another's", func(t *testing.T) {
		c := start(t)
		burst(c, 50)
		c.session.take()
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: bob, Stanza: chat("", "b", "hello")})
		expectWords(t, bodiesIn(c.session.sent), []string{"hello"})
	})
	synctestRun(t, "COMP-16 who answers no ping is waited for 2 s, once, until they answer one", func(t *testing.T) {
		c := start(t)
		c.routing = true
		burst(c, 100)
		c.rest(arrivalPatience - time.Millisecond)
		if n := len(bodiesIn(c.session.sent)); n != 32 {
			t.Fatalf("%d before 2 s", n)
		}
		c.rest(time.Millisecond)
		if n := len(bodiesIn(c.session.sent)); n != 100 {
			t.Fatalf("%d after 2 s", n)
		}
		c.session.take()
		burst(c, 50)
		if n := len(bodiesIn(c.session.sent)); n != 50 {
			t.Fatalf("%d of another 50 at once", n)
		}
		c.rest(time.Millisecond)
		c.pong()
		c.session.take()
		burst(c, 50)
		if n := len(bodiesIn(c.session.sent)); n != 32 {
			t.Errorf("%d of another 50 after an answer", n)
		}
	})
	synctestRun(t, "COMP-16 a server that stands still is no silent client: no more than a window goes to it", func(t *testing.T) {
		for _, passedOn := range []bool{false, true} {
			c := start(t)
			burst(c, 100)
			if passedOn { // the messages, and the pings behind them; then it freezes
				c.routed(c.session.seq)
				c.routed(c.session.seq)
			}
			c.rest(10 * time.Second)
			if n := len(bodiesIn(c.session.sent)); n != 32 || c.colleagues[aliceJID].silent {
				t.Fatalf("%d went to a frozen server", n)
			}
			c.routing = true // back again, and Alice's client answers nothing
			c.rest(2 * arrivalPatience)
			if n := len(bodiesIn(c.session.sent)); n != 100 {
				t.Errorf("%d of 100", n)
			}
		}
	})
	synctestRun(t, "COMP-16 an answer in time keeps the window, and the next session begins with an empty one", func(t *testing.T) {
		c := start(t)
		c.routing = true
		burst(c, 100)
		c.rest(time.Second)
		c.pong()
		c.session.take()
		c.rest(arrivalPatience - time.Millisecond)
		if n := len(bodiesIn(c.session.sent)); n != 0 {
			t.Errorf("%d more without an answer", n)
		}
		c.down(upstream.Down{})
		c.Gateway.up(c.session)
		if n := len(bodiesIn(c.session.sent)); n != 32 {
			t.Errorf("%d on the next session", n)
		}
	})
	synctestRun(t, "COMP-13 when the bridge stops nothing is held back", func(t *testing.T) {
		c := start(t)
		burst(c, 100)
		c.session.take()
		c.stopping = true
		c.routed(c.session.seq)
		if n := len(bodiesIn(c.session.sent)); n != 68 {
			t.Errorf("%d of 68 go out", n)
		}
	})
}
