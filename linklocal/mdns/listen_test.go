package mdns_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"meshbridge/linklocal/mdns"
)

func TestEngineWithoutAHost(t *testing.T) {
	inOffice(t, "an engine without a host asks and finds, and says nothing of itself", func(t *testing.T, o *office) {
		a := o.node("pronto", "10.2.1.1", "fe80::1").up()
		defer a.stop()
		a.publish("juliet@pronto", "txtvers=1")
		<-time.After(5 * time.Second)
		o.ClearLog()
		h := o.Host("listener", "10.2.1.2", "fe80::2")
		l := o.engine(h, mdns.Config{}).browse().up()
		failed := make(chan mdns.Status, 1)
		l.Publish(mdns.Service{Type: presence, Instance: "x", Port: 1, Notify: func(s mdns.Status) { failed <- s }})
		if s := <-failed; s.State != mdns.Failed || s.Err == nil {
			t.Errorf("publishing: %+v", s)
		}
		<-time.After(5 * time.Second)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		ep, err := l.Resolve(ctx, presence, "juliet@pronto", 1, true)
		want(t, "error", err, nil)
		want(t, "port", ep.Port, 5562)
		h.SetAddrs("eth0", "10.2.1.3")
		<-time.After(5 * time.Second)
		l.stop()
		wantAll(t, "events", l.told(), "added juliet@pronto")
		asked := 0
		for _, p := range o.Log() {
			var m dns.Msg
			if err := m.Unpack(p.Data); err != nil {
				t.Fatal(err)
			}
			if p.Host != "listener" {
				continue
			}
			asked++
			if m.Response || len(m.Ns) > 0 || len(m.Question) == 0 {
				t.Errorf("the listener said %v", &m)
			}
		}
		if asked == 0 {
			t.Error("the listener asked nothing")
		}
	})
}
