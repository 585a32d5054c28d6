package bridge

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"meshbridge/bridge/address"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// Subscriptions to people who were never seen.
func TestInAdvance(t *testing.T) {
	fallback, _ := address.ProxyLocal("STRASSE\u00DF@pc")
	for name, c := range map[string]struct{ local, instance string }{
		"of a plain name":      {`never\40seen`, "never@seen"},
		"whose name is hashed": {fallback, "STRASSE\u00DF@pc"},
	} {
		synctestRun(t, "GW-8 GW-22 GW-9 somebody "+name+" is subscribed to in advance, seen when they come, and left again", func(t *testing.T) {
			rig, to := newCoreRig(t), c.local+"@"+component
			rig.up()
			rig.hears(pres(aliceJID, to, "subscribe"))
			if got := words(rig.session.take()); !slices.Equal(got, []string{aliceJID + " subscribed", aliceJID + " unavailable"}) {
				t.Errorf("answered by %q", got)
			}
			rig.peer(c.instance, "host")
			if got := words(rig.session.take()); !slices.Equal(got, []string{aliceJID + " available"}) {
				t.Errorf("they come: %q", got)
			}
			rig.peerGone(c.instance, "")
			rig.hears(pres(aliceJID, to, "unsubscribe"))
			rig.session.take()
			rig.hears(pres(aliceJID, to, "subscribe"))
			rig.hears(pres(aliceJID, to, "unsubscribe"))
			rig.hears(pres(aliceJID, to, "unsubscribe"))
			if got := words(rig.session.take()); !slices.Equal(got, []string{aliceJID + " subscribed", aliceJID + " unavailable", aliceJID + " unsubscribed"}) {
				t.Errorf("left: %q", got)
			}
			if n := rig.subs[store.Pair{Colleague: aliceJID, Local: c.local}]; n != 0 || len(rig.store.Subscriptions) != 0 {
				t.Error("still subscribed")
			}
		})
	}
	synctestRun(t, "GW-9 who waits for a hashed name in vain can leave", func(t *testing.T) {
		c, to := newCoreRig(t), fallback+"@"+component
		c.up()
		c.hears(pres(aliceJID, to, "probe"))
		c.session.take()
		c.hears(pres(aliceJID, to, "unsubscribe"))
		if got := words(c.session.take()); !slices.Equal(got, []string{aliceJID + " unsubscribed"}) || len(c.subs) != 0 || len(c.peers) != 0 {
			t.Errorf("answered by %q", got)
		}
	})
	synctestRun(t, "GW-16 an impossible address is nobody's business, whoever knows the gateway", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.hears(pres(aliceJID, component, "subscribe"))
		c.session.take()
		for range 3 {
			c.hears(pres(aliceJID, `a\20@`+component, "unsubscribe"))
			c.hears(pres(aliceJID, `a\20@`+component, "unsubscribed"))
		}
		if got := c.session.take(); len(got) != 0 || c.subs[store.Pair{Colleague: aliceJID}] != store.Watching {
			t.Errorf("%+v, subscriptions %v", got, c.subs)
		}
	})
	synctestRun(t, "GW-15 a message to somebody who is awaited is kept, and delivered when they come", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.hears(chat(aliceJID, "1", "too early"))
		if got := errorsIn(c.session.take()); !slices.Equal(got, []string{julietJID + " item-not-found"}) {
			t.Errorf("never seen: %q", got)
		}
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		c.session.take()
		c.hears(chat(aliceJID, "2", "in time"))
		if len(c.session.take()) != 0 || len(c.mesh.take()) != 0 {
			t.Error("something was said")
		}
		c.peer(julietName, "pronto")
		if d := c.mesh.take(); len(d) != 1 || bodyOf(d[0].Stanza) != "in time" {
			t.Errorf("%+v", d)
		}
	})
}

func TestGivenUpInOrder(t *testing.T) {
	synctestRun(t, "MAP-E4 GW-15 what no stream could deliver is answered for each message, in order", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		var want []string
		for n := range 5 {
			c.hears(chat(aliceJID+"/desk", fmt.Sprint(n), "x"))
			want = append(want, fmt.Sprint(n)+" remote-server-timeout wait "+aliceJID+"/desk "+julietJID)
		}
		var back []uint64
		for _, d := range c.mesh.take() {
			back = append(back, d.Token)
		}
		c.returned(linklocal.Returned{Proxy: aliceJID, Peer: julietName, Tokens: back, Err: linklocal.ErrStream})
		c.peerGone(julietName, "")
		c.session.take()
		c.expire(time.Now().Add(c.cfg.Outbox.MaxAge + time.Hour))
		var got []string
		for _, s := range c.session.take() {
			if e, ok := stanza.ErrorOf(s); ok {
				got = append(got, s.ID+" "+e.Condition+" "+e.Type+" "+s.To+" "+s.From)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
	})
}
