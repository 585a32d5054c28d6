package linklocal

import (
	"fmt"
	"runtime"
	"testing"

	"meshbridge/linklocal/mdns"
)

// sizes of offices.
var sizes = []int{10, 100, 1000, 10000}

// statuses are what a person changes between.
var statuses = []string{"status=avail", "status=away"}

// showing is what mDNS finds of the k-th peer: a libpurple client with capabilities.
func showing(k int, status string) mdns.Event {
	return mdns.Event{
		Kind: mdns.Added, Instance: fmt.Sprintf("capulet.%06d@pronto-%06d-reception1", k, k), Interface: bareLink(),
		Host: fmt.Sprintf("pronto-%06d-reception1", k),
		TXT: []string{"txtvers=1", "1st=Juliet", "last=Capulet", "port.p2pj=5298", status, "node=libpurple",
			"hash=sha-1", "ver=q07IKJEyjvHSyhy//CH0CxmKi8w="},
	}
}

// BenchmarkSeen is the change of somebody's status, from the event of mDNS to ours, in
// offices of all sizes, and what a peer takes in memory here.
func BenchmarkSeen(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("peers=%d", size), func(b *testing.B) {
			told := 0
			m, stop := bare(func(Event) { told++ }, func(*Config) {})
			defer stop()
			var before, after runtime.MemStats
			m.call(func() {
				runtime.GC()
				runtime.ReadMemStats(&before)
				for k := range size {
					m.seen(showing(k, statuses[0]))
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
			})
			changes := []mdns.Event{showing(size/2, statuses[1]), showing(size/2, statuses[0])}
			told = 0
			b.ReportAllocs()
			b.ResetTimer()
			m.call(func() {
				for n := range b.N {
					m.seen(changes[n%2])
				}
			})
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(size), "B/peer")
			if told != b.N {
				b.Fatalf("told %d times of %d changes", told, b.N)
			}
		})
	}
}
