//go:build linux

package e2e

import (
	"fmt"
	"sync"
	"testing"
)

// A typist is a person on the LAN with a libpurple client that is killed now and
// then. Their screen shows no ids, so the text of each message is its id.
type typist struct {
	host *host
	wire *wiretap

	mu      sync.Mutex
	clients []*bonjour // guarded by mu; the last one is in use
}

// signOn starts a client, the first or a new one.
func (p *typist) signOn(t testing.TB) {
	t.Helper()
	b := p.host.newBonjour(t, "juliet", "Juliet", "Capulet")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clients = append(p.clients, b)
}

func (p *typist) client() *bonjour {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clients[len(p.clients)-1]
}

// say types into the conversation with somebody.
func (p *typist) say(to, id string) error {
	_, err := fmt.Fprintf(p.client().stdin, "send %s %s\n", to, id)
	return err
}

// sightings is what the screen showed; it does not show stamps.
func (p *typist) sightings() []sighting {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []sighting
	for _, b := range p.clients {
		for _, e := range b.events.all() {
			if e.Ev == "message" {
				all = append(all, sighting{at: e.at, id: e.Seen})
			}
		}
	}
	return all
}

// stamped is sightings with the delay stamps read off the wire, in the order of the
// copies of each.
func (p *typist) stamped() []sighting {
	late, shown := p.wire.stamps(), map[string]int{}
	all := p.sightings()
	for i, s := range all {
		if copies := late[s.id]; len(copies) > 0 {
			all[i].late = copies[min(shown[s.id], len(copies)-1)]
		}
		shown[s.id]++
	}
	return all
}

// stamps tells of each message to the LAN, by id, which of its copies bore a delay
// stamp of the component.
func (w *wiretap) stamps() map[string][]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	late := map[string][]bool{}
	for _, f := range w.flows {
		if !w.outward(f) {
			continue
		}
		for _, n := range stanzas(string(f.data)) {
			if n.XMLName.Local == "message" && n.attr("id") != "" {
				late[n.attr("id")] = append(late[n.attr("id")], delayedBy(n, domain))
			}
		}
	}
	return late
}
