package mdns

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

// sizes of offices. There is room for maxInstances of the last.
var sizes = []int{10, 100, 1000, 10000}

// bystander is the k-th peer of an office.
type bystander struct{ name, host name }

func newBystander(t testing.TB, k int) bystander {
	host, err := makeName(fmt.Sprintf("pronto-%06d-reception1", k), "local")
	if err != nil {
		t.Fatal(err)
	}
	return bystander{instanceName(t, fmt.Sprintf("capulet.%06d@pronto-%06d-reception1", k, k)), host}
}

// records of a libpurple client with capabilities.
func (p bystander) records() []record {
	txt, _ := txtData([]string{"txtvers=1", "1st=Juliet", "last=Capulet", "port.p2pj=5298", "status=avail", "vc=", "email=", "jid=",
		"node=libpurple", "hash=sha-1", "ver=q07IKJEyjvHSyhy//CH0CxmKi8w="})
	return []record{ptrRecord(p.name.parent(), p.name), txtRecord(p.name, txt), srvRecord(p.name, p.host, 5298),
		addrRecord(p.host, netip.MustParseAddr("10.2.1.9")), addrRecord(p.host, netip.MustParseAddr("fe80::9"))}
}

// announcement is how the k-th peer comes, from an address of its own.
func announcement(t testing.TB, k int) Packet {
	return from(fmt.Sprintf("10.2.%d.%d:5353", k/250, k%250+2), packResponses(plain(newBystander(t, k).records()))[0])
}

// bystanders is a still engine that has heard so many peers.
func bystanders(b *testing.B, size int) *Engine {
	e, _ := still(b)
	for k := range size {
		e.receive(announcement(b, k))
		e.now = e.now.Add(time.Millisecond)
	}
	forward(e, 5*time.Second)
	return e
}

// ofSizes runs a benchmark in offices of all sizes.
func ofSizes(b *testing.B, fn func(b *testing.B, e *Engine, size int)) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("peers=%d", size), func(b *testing.B) {
			e := bystanders(b, size)
			b.ReportAllocs()
			b.ResetTimer()
			fn(b, e, size)
		})
	}
}

// BenchmarkCome is a peer who comes, and what it takes in memory from then on.
func BenchmarkCome(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("peers=%d", size), func(b *testing.B) {
			packets := make([]Packet, size)
			for k := range packets {
				packets[k] = announcement(b, k)
			}
			var before, after runtime.MemStats
			var e *Engine
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += size {
				b.StopTimer()
				e, _ = still(b)
				runtime.GC()
				runtime.ReadMemStats(&before)
				b.StartTimer()
				for _, p := range packets[:min(size, b.N-n)] {
					e.receive(p)
				}
				if b.N-n >= size {
					b.StopTimer()
					runtime.GC()
					runtime.ReadMemStats(&after)
					b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(e.ifaces[0].found)), "B/peer")
					b.StartTimer()
				}
			}
			runtime.KeepAlive(e)
		})
	}
}

// BenchmarkHear is an announcement of a peer who is known.
func BenchmarkHear(b *testing.B) {
	ofSizes(b, func(b *testing.B, e *Engine, size int) {
		p := announcement(b, 5)
		for b.Loop() {
			e.receive(p)
		}
	})
}

// BenchmarkQuestion is a question of another who browses, with a packet full of known
// answers. We show one instance, which it does not know.
func BenchmarkQuestion(b *testing.B) {
	ofSizes(b, func(b *testing.B, e *Engine, size int) {
		typ := e.browsers[0].typ
		var known []record
		for k := range 26 {
			known = append(known, ptrRecord(typ, newBystander(b, k).name))
		}
		p := from("10.2.0.7:5353", packQuestions([]question{{name: typ, typ: typePTR, class: classIN}}, func(question) []record { return known })[0])
		for b.Loop() {
			e.receive(p)
			e.links()[0].quiet()
		}
	})
}

// BenchmarkBrowse is a question of ours with all that we know, in as many packets as that
// takes, per peer.
func BenchmarkBrowse(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("peers=%d", size), func(b *testing.B) {
			e := bystanders(b, size)
			i := e.ifaces[0]
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += len(i.found) {
				i.ask(e.browsers[0].question())
				e.flush()
				e.links()[0].quiet()
				e.links()[1].quiet()
			}
		})
	}
}

// BenchmarkRefresh is an hour and a quarter, with all four questions for each peer, who does
// not answer, per peer.
func BenchmarkRefresh(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("peers=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; n < b.N; n += min(size, maxInstances) {
				b.StopTimer()
				e := bystanders(b, size)
				e.agenda.ring(e.now.Add(-time.Second))
				b.StartTimer()
				for end := e.now.Add(75 * time.Minute); e.now.Before(end); {
					at, _ := e.agenda.next()
					e.now = at
					e.agenda.ring(e.now)
					e.flush()
				}
			}
		})
	}
}

// BenchmarkLookUp is a peer who comes while all peers are looked up, as who looks at the LAN
// does.
func BenchmarkLookUp(b *testing.B) {
	const size = 1000
	packets := make([]Packet, size)
	for k := range packets {
		packets[k] = announcement(b, k)
	}
	b.ReportAllocs()
	for n := 0; n < b.N; n += size {
		b.StopTimer()
		e, _ := still(b)
		found := 0
		for k := range size {
			e.lookup(&lookup{name: newBystander(b, k).name, done: func(Endpoint, error) { found++ }}, 1, false)
		}
		e.flush()
		b.StartTimer()
		for _, p := range packets[:min(size, b.N-n)] {
			e.receive(p)
		}
		if b.StopTimer(); found < min(size, b.N-n) {
			b.Fatalf("%d found", found)
		}
	}
}
