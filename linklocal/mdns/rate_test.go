package mdns_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"meshbridge/linklocal/mdns/mdnstest"
)

// TestOncePerSecond lets people ask whatever and whenever they like while names are probed,
// announced, changed, contested and withdrawn.
func TestOncePerSecond(t *testing.T) {
	for seed := range uint64(40) {
		inOffice(t, fmt.Sprintf("LL-5-5 no record twice within a second, day %d", seed), func(t *testing.T, o *office) {
			chance := rand.New(rand.NewPCG(seed, 0))
			n := o.node("pronto", "10.2.1.1", "fe80::1").up()
			p := n.publish("juliet@pronto", "n=0")
			s := []*stranger{o.stranger("10.2.1.9"), o.stranger("fe80::9")}
			for k := range 200 {
				pass(time.Duration(chance.IntN(300)) * time.Millisecond)
				switch what := chance.IntN(20); what {
				case 0:
					p.SetTXT([]string{fmt.Sprintf("n=%d", k)})
				case 1:
					p.Withdraw()
					p = n.publish(fmt.Sprintf("juliet%d@pronto", k), "n=0")
				case 2:
					s[0].says(flush(t, "pronto.local. 120 IN A 10.2.1.200"))
				case 3:
					n.host.SetAddrs(mdnstest.DefaultInterface, fmt.Sprintf("10.2.1.%d", 1+k%7), "fe80::1")
				case 4:
					s[1].says(flush(t, `juliet@pronto._presence._tcp.local. 10 IN TXT "n=0"`))
				default:
					typ := []uint16{dns.TypeA, dns.TypeANY, dns.TypeTXT, dns.TypePTR, dns.TypeSRV}[chance.IntN(5)]
					name := []string{"pronto.local.", "juliet@pronto._presence._tcp.local.", presenceName}[chance.IntN(3)]
					s[chance.IntN(2)].asks(name, typ)
				}
			}
			pass(10 * time.Second)
			checkOncePerSecond(t, o)
			n.stop()
		})
	}
}

func checkOncePerSecond(t *testing.T, o *office) {
	t.Helper()
	last := map[string]time.Duration{}
	for _, f := range o.responses("pronto") {
		for _, rr := range slices.Concat(f.Answer, f.Extra) {
			key := f.Dst.String() + " " + rr.String()
			if at, ok := last[key]; ok && f.Multicast() && f.after-at < time.Second && rr.Header().Ttl > 0 {
				t.Errorf("at %v and %v: %s", at, f.after, flat(rr))
			}
			last[key] = f.after
		}
	}
}
