package bridge

import (
	"fmt"
	"testing"

	"meshbridge/bridge/config"
	"meshbridge/internal/stanza"
	"meshbridge/upstream"
)

// answersIn counts the errors for Alice's messages by id.
func answersIn(list []stanza.Stanza) map[string]int {
	count := map[string]int{}
	for _, s := range list {
		if s.Kind == stanza.Message && s.Type == "error" {
			count[s.ID]++
		}
	}
	return count
}

func TestOwed(t *testing.T) {
	const many = 3000
	// asleep has Alice write to Juliet, who is not here.
	asleep := func(t *testing.T, n int) *coreRig {
		c := newCoreRig(t, func(cfg *config.Config) { cfg.Outbox.PerRecipient, cfg.Outbox.Total = many, many })
		c.up()
		c.peer(julietName, "pronto")
		c.peerGone(julietName, "")
		for i := range n {
			c.hears(chat(aliceJID+"/desk", fmt.Sprint("a", i), "x"))
		}
		return c
	}
	synctestRun(t, "COMP-14 who wrote what is given up is told on the next session when this one ends first", func(t *testing.T) {
		c := asleep(t, 3)
		c.session.take()
		c.drop(nil, julietJID)
		if got := answersIn(c.session.take()); len(got) != 3 {
			t.Fatalf("answered: %v", got)
		}
		c.down(upstream.Down{}) // and nobody knows whether the server has routed them
		c.Gateway.up(c.session)
		if got := answersIn(c.session.take()); len(got) != 3 || got["a0"] != 1 {
			t.Errorf("answered on the next one: %v", got)
		}
		c.routed(c.session.seq)
		c.down(upstream.Down{})
		c.Gateway.up(c.session)
		if got := answersIn(c.session.take()); len(got) != 0 {
			t.Errorf("answered again: %v", got)
		}
	})
	synctestRun(t, "COMP-14 however many are given up at once", func(t *testing.T) {
		c := asleep(t, many)
		c.session.take()
		c.drop(nil, julietJID)
		got := c.session.take()
		for range 20 {
			c.routed(c.session.seq)
			got = append(got, c.session.take()...)
		}
		if n := len(answersIn(got)); n != many {
			t.Errorf("%d of %d answered; %+v", n, many, c.drops.list(c.began))
		}
	})
	synctestRun(t, "MAP-M19 what was given up may be sent again under its id", func(t *testing.T) {
		c := asleep(t, 1)
		c.drop(nil, julietJID)
		c.hears(chat(aliceJID+"/desk", "a0", "x"))
		if n := c.box.Usage().Entries; n != 1 {
			t.Errorf("%d are kept of what Alice wrote again", n)
		}
		c.peer(julietName, "pronto")
		if got := bodiesIn(deliveries(c.mesh.take())); len(got) != 1 {
			t.Errorf("Juliet is told %v", got)
		}
	})
}
