package linklocal

import (
	"slices"
	"time"
)

// contact is what is under way towards one peer that proxies want to reach: one dial
// at a time, whoever it is for, and a pause after each that failed (LL-STR-31). A
// laptop that was closed is not knocked at by everybody who has something to say to
// its owner, and other peers are none of its business.
type contact struct {
	dialling *pair         // whose turn it is; nil: nobody's
	waiting  []*pair       // for their turn, in order, each once
	pause    time.Duration // after the latest failure; 0: none since the peer was reached
	again    *time.Timer   // runs until the next dial may be made; nil: now
}

// claim gives the turn to a pair if the peer may be dialled now. Otherwise the pair
// is flushed once it may, or gets the outcome of the dial under way.
func (m *Mesh) claim(p *pair) bool {
	c := m.contacts[p.key.peer]
	if c == nil {
		c = &contact{}
		m.contacts[p.key.peer] = c
	}
	if c.dialling == nil && c.again == nil {
		c.dialling = p
		c.waiting = slices.DeleteFunc(c.waiting, func(w *pair) bool { return w == p })
		return true
	}
	if !slices.Contains(c.waiting, p) {
		c.waiting = append(c.waiting, p)
	}
	return false
}

// release ends the turn of a pair, if it has it. What waits is looked at next.
func (m *Mesh) release(p *pair) {
	if c := m.contacts[p.key.peer]; c != nil && c.dialling == p {
		c.dialling = nil
		m.after(0, func() { m.next(p.key.peer) })
	}
}

// next lets those who wait try their turn.
func (m *Mesh) next(peer string) {
	c := m.contacts[peer]
	if c == nil {
		return
	}
	waiting := c.waiting
	c.waiting = nil
	for _, p := range waiting {
		if m.pairs[p.key] == p {
			m.flush(p)
		}
	}
	if c.dialling == nil && c.again == nil && c.pause == 0 && len(c.waiting) == 0 && m.contacts[peer] == c {
		delete(m.contacts, peer)
	}
}

// setBack takes in that a dial failed: what waited for it has waited in vain too, and
// the peer is left alone for a while that grows.
func (m *Mesh) setBack(p *pair, err error) {
	c := m.contacts[p.key.peer]
	c.dialling = nil
	c.pause = min(max(2*c.pause, dialPauseFirst), dialPauseLast)
	c.again = m.after(c.pause, func() { m.encourage(p.key.peer) })
	waiting := append([]*pair{p}, c.waiting...)
	c.waiting = nil
	for _, w := range waiting {
		if m.pairs[w.key] == w && w.stream == nil {
			m.giveBack(w, err)
		}
	}
}

// encourage lets a peer be dialled again: the pause is over, or it has shown itself.
func (m *Mesh) encourage(peer string) {
	if c := m.contacts[peer]; c != nil && c.again != nil {
		c.again.Stop()
		c.again = nil
		m.next(peer)
	}
}

// reached takes in that a stream with a peer stands: there is nothing to be careful
// about.
func (m *Mesh) reached(peer string) {
	if c := m.contacts[peer]; c != nil {
		c.pause = 0
		m.encourage(peer)
		m.after(0, func() { m.next(peer) })
	}
}

// leave forgets what was under way towards a peer that has left.
func (m *Mesh) leave(peer string) {
	if c := m.contacts[peer]; c != nil {
		if c.again != nil {
			c.again.Stop()
		}
		delete(m.contacts, peer)
	}
}
