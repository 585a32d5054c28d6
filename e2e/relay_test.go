//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

const (
	relayWindow = 256  // messages that the sender is ahead of Alice
	relayCount  = 4000 // messages of one run
	relayPings  = 300  // messages of one run one at a time
	relayRounds = 3    // runs of each, by turns
)

// BenchmarkRelay sets the way from a mesh stream through the program to Alice beside
// that of a bare component on the same server, by turns. Its metrics: both rates
// (messages a second, the median of the runs), their ratio, what the program adds to
// the median time of a message that is alone on its way, and the processor time of a
// message in the server, which bounds what a machine can reach, and in the program.
//
// A prompt client has its kernel acknowledge at once; with a relaxed one it does so
// when it likes, up to 40 ms later, and a server with Nagle's algorithm (Prosody) puts
// off until then what it has to say besides.
func BenchmarkRelay(b *testing.B) {
	for _, brand := range brands {
		for _, durability := range []string{"memory", "disk"} {
			for _, client := range []string{"prompt", "relaxed"} {
				b.Run(brand.name+"/"+durability+"/"+client, func(b *testing.B) {
					r := newRelay(b, brand.plain, durability, client == "relaxed")
					for b.Loop() {
						r.measure(b)
					}
				})
			}
		}
	}
}

// A relay is an office for that.
type relay struct {
	*crashScene
	with setup
}

func newRelay(b *testing.B, raise backend, durability string, relaxed bool) *relay {
	b.Helper()
	r := &relay{crashScene: &crashScene{office: newOffice(b, onlyV4)}}
	r.server, r.with = raise(b, r.office)
	r.with.more = "limits: {peer_rate: 1000000, peer_burst: 1000000, total_rate: 1000000}\n" +
		"outbox: {per_recipient: 1000, durability: " + durability + "}\n"
	r.alice = r.newRawColleague("alice")
	r.alice.relaxed = relaxed
	r.alice.login(b)
	r.romeo = r.newHost(b, "forza").newRawTalker(b, romeoInstance)
	r.start(b, r.with)
	r.warmUp(b, r.romeo, r.alice, aliceInstance, "hello.")
	r.stop(b)
	return r
}

// A pace is what one run came to.
type pace struct {
	rate   float64       // messages a second
	lone   time.Duration // median of those one at a time
	server time.Duration // processor time of the server for a message
	bridge time.Duration // and of the program
}

func (r *relay) measure(b *testing.B) {
	b.Helper()
	var bare, bridged []pace
	for round := range relayRounds {
		bare = append(bare, r.bare(b, fmt.Sprintf("bare.%d.", round)))
		bridged = append(bridged, r.bridged(b, fmt.Sprintf("bridged.%d.", round)))
	}
	rate := func(p pace) float64 { return p.rate }
	lone := func(p pace) time.Duration { return p.lone }
	server := func(p pace) time.Duration { return p.server }
	program := func(p pace) time.Duration { return p.bridge }
	b.ReportMetric(0, "ns/op") // the time of the whole says nothing
	b.ReportMetric(median(bare, rate), "bare/s")
	b.ReportMetric(median(bridged, rate), "bridged/s")
	b.ReportMetric(median(bridged, rate)/median(bare, rate), "ratio")
	b.ReportMetric(float64((median(bridged, lone) - median(bare, lone)).Microseconds()), "added-µs")
	b.ReportMetric(float64(median(bare, server).Microseconds()), "server-bare-µs")
	b.ReportMetric(float64(median(bridged, server).Microseconds()), "server-bridged-µs")
	b.ReportMetric(float64(median(bridged, program).Microseconds()), "bridge-µs")
}

// median of what of gives.
func median[E any, V float64 | time.Duration](all []E, of func(E) V) V {
	var values []V
	for _, e := range all {
		values = append(values, of(e))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// bare has a component that does nothing else write to Alice.
func (r *relay) bare(b *testing.B, prefix string) pace {
	b.Helper()
	c := r.newStandIn(b)
	defer c.Close()
	go c.swallow(newJournal[node]())
	return r.race(b, &ledger{prefix: prefix}, func(id string) error {
		_, err := fmt.Fprintf(c, `<message from="%s" to="%s" type="chat" id="%s"><body>%s</body></message>`,
			quoted(romeoJID), aliceJID, id, id)
		return err
	})
}

// bridged has Romeo write to her.
func (r *relay) bridged(b *testing.B, prefix string) pace {
	b.Helper()
	r.start(b, r.with)
	defer r.stop(b)
	r.warmUp(b, r.romeo, r.alice, aliceInstance, prefix+"warm.")
	return r.race(b, &ledger{prefix: prefix}, func(id string) error { return r.romeo.say(aliceInstance, id) })
}

// race measures one sender.
func (r *relay) race(b *testing.B, book *ledger, say func(id string) error) pace {
	b.Helper()
	var p pace
	begun, server, bridge := time.Now(), r.server.cpu(b), r.bridge.cpu(b)
	r.flood(b, book, 0, relayCount, relayWindow, say)
	p.rate = relayCount / time.Since(begun).Seconds()
	p.server, p.bridge = (r.server.cpu(b)-server)/relayCount, (r.bridge.cpu(b)-bridge)/relayCount
	var alone []time.Duration
	for n := range relayPings {
		begun := time.Now()
		r.flood(b, book, relayCount+n, 1, 1, say)
		alone = append(alone, time.Since(begun))
	}
	p.lone = median(alone, func(d time.Duration) time.Duration { return d })
	return p
}

// flood sends n messages, never more than a window ahead of Alice, and waits for the
// last.
func (r *relay) flood(b *testing.B, book *ledger, first, n, window int, say func(id string) error) {
	b.Helper()
	alices, got := r.alice.seen.now(), 0
	deadline := time.After(2 * time.Minute)
	until := func(enough int) {
		for got < enough {
			events, more := alices.journal.from(alices.next)
			alices.next += len(events)
			got += count(events, func(s sighting) bool { _, ours := book.number(s.id); return ours })
			if len(events) > 0 {
				continue
			}
			select {
			case <-more:
			case <-deadline:
				b.Fatalf("Alice has only %d of %d", got, n)
			}
		}
	}
	for i := range n {
		until(i + 1 - window)
		if err := say(book.id(first + i)); err != nil {
			b.Fatal(err)
		}
	}
	until(n)
}
