package bridge

import (
	"fmt"
	"testing"
	"time"

	"meshbridge/bridge/store"
	"meshbridge/linklocal"

	"github.com/miekg/dns"
)

func TestNames(t *testing.T) {
	synctestRun(t, "LL-3-15 names are remembered within bounds", func(t *testing.T) {
		c := newCoreRig(t)
		for n := range maxNames + 10 {
			c.rememberName(fmt.Sprintf("user%d@friends.example", n), "a@office", "a-2@office")
		}
		c.rememberName("user0@friends.example", "a@office", "a-3@office")
		if n := len(c.facts[store.Names]); n != maxNames || c.fact(store.Names, "user0@friends.example") != "a-3@office" {
			t.Errorf("%d are remembered", n)
		}
	})
	t.Run("LL-3-15 a name chosen after a conflict comes first after a restart", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.hears(pres(aliceJID+"/desk", component, ""))
		if got := c.mesh.published[0]; got.Instance != aliceInstance || got.Rename(1) == got.Instance {
			t.Fatalf("first %+v", got)
		}
		taken := c.mesh.published[0].Rename(1)
		c.proxyChanged(linklocal.ProxyChanged{Proxy: aliceJID, Instance: taken, Announced: true})
		c = c.restarted()
		c.up()
		c.hears(pres(aliceJID+"/desk", component, ""))
		got := c.mesh.published[0]
		if got.Instance != taken || got.Rename(1) == taken || got.Rename(1) == aliceInstance || got.Rename(1) == got.Rename(2) {
			t.Errorf("%s, then %s, then %s", got.Instance, got.Rename(1), got.Rename(2))
		}
		c.proxyChanged(linklocal.ProxyChanged{Proxy: aliceJID, Instance: aliceInstance, Announced: true})
		if name := c.store.Facts[store.Names][aliceJID]; name != "" {
			t.Errorf("the wanted name was to be had, and %s is remembered", name)
		}
	})
	t.Run("LL-3-15 a name that no conflict explains is not taken", func(t *testing.T) {
		left := newFakeStore()
		left.Set(store.Names, aliceJID, "ceo@office")
		c := newCoreRigAfter(t, left)
		c.up()
		c.hears(pres(aliceJID+"/desk", component, ""))
		if got := c.mesh.published[0].Instance; got != aliceInstance {
			t.Errorf("published as %s", got)
		}
	})
	scene(t, "LL-3-15 LL-3-13 on the wire: the name that was taken is not probed for again", func(o *office) {
		o.joins(aliceInstance, "elsewhere", "10.2.1.191/24", "txtvers=1")
		o.pass(3 * time.Second)
		alice := o.alice()
		o.start()
		alice.subscribes(component)
		o.pass(5 * time.Second)
		name := o.gateway.colleagues[aliceJID].instance
		if name == "" || name == aliceInstance {
			o.Fatalf("published as %q", name)
		}
		o.sigterm()
		before := o.probes(aliceInstance)
		o.launch()
		o.pass(10 * time.Second)
		if again := o.gateway.colleagues[aliceJID].instance; again != name || o.probes(aliceInstance) != before {
			o.Errorf("published as %q, then %q, after %d probes for the taken name", name, again, o.probes(aliceInstance)-before)
		}
	})
}

// probes counts the bridge's probes for an instance.
func (o *office) probes(instance string) (n int) {
	for _, p := range o.lan.Log() {
		var m dns.Msg
		if p.Host != "router" || m.Unpack(p.Data) != nil || m.Response || len(m.Ns) == 0 {
			continue
		}
		for _, q := range m.Question {
			if instanceOf(q.Name) == instance {
				n++
			}
		}
	}
	return n
}
