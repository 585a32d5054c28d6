package linklocal_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"meshbridge/linklocal"
)

// annex is another bridge on the LAN, for another component domain, that runs until stop.
func (o *office) annex(people *[]string) (m *linklocal.Mesh, stop func()) {
	o.t.Helper()
	m, err := linklocal.New(linklocal.Config{
		Interfaces: []string{"eth0"}, Machine: "annex", Mark: linklocal.GatewayMark("annex.example.com"),
		DepartureDelay: 2 * time.Second,
		Network:        o.Host("annex", "10.2.1.2/24"), Transport: o.Transport(), Log: slog.New(slog.DiscardHandler),
		Handle: func(ev linklocal.Event) {
			if e, ok := ev.(linklocal.PeerChanged); ok {
				*people = append(*people, e.Peer.Instance)
			}
		},
	})
	if err != nil {
		o.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	return m, func() { cancel(); <-ended }
}

func TestTwoBridges(t *testing.T) {
	inOffice(t, "LL-4-9 two bridges for ten minutes: each sees the people and none of the other's mirrors, and the LAN is quiet", func(t *testing.T, o *office) {
		var theirs []string
		annex, stop := o.annex(&theirs)
		defer stop()
		for n := range 3 {
			key := fmt.Sprintf("colleague%d@example.com", n)
			o.publish(key, fmt.Sprintf(`colleague%d\40example.com@bridge`, n))
			annex.Publish(linklocal.Proxy{Key: key, Instance: fmt.Sprintf(`colleague%d\40example.com@annex`, n), Rename: func(int) string { return "another@annex" }})
		}
		j := o.client("pronto", juliet, julietAt)
		o.wait(time.Minute)
		o.ClearLog()
		o.wait(10 * time.Minute)
		packets := map[string]int{}
		for _, s := range o.Log() {
			packets[s.Host]++
		}
		t.Logf("packets in ten minutes: %v", packets)
		for host, n := range packets {
			if n > 20 { // both ask her each 110 s whether she is there
				t.Errorf("%s sent %d packets", host, n)
			}
		}
		for who, people := range map[string][]string{"the bridge": o.people(), "the annex": theirs} {
			if len(people) != 1 || people[0] != juliet && people[0] != "+"+juliet {
				t.Errorf("%s saw %q", who, people)
			}
		}
		for n := range 3 {
			for _, machine := range []string{"bridge", "annex"} {
				name := fmt.Sprintf(`colleague%d\40example.com@%s`, n, machine)
				if _, ok := j.Sees(name); !ok {
					t.Errorf("she does not see %s", name)
				}
			}
		}
	})
}
