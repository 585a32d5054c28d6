package bridge

import "time"

// Somebody waits to see how a peer stands when they are subscribed to it and online, or
// wrote with it of late. The mesh looks after such a peer closely; the others may have
// vanished for two minutes until it is found out.

// attended reports whether somebody waits to see how a peer stands.
func (g *Gateway) attended(p *peer) bool {
	if !p.present {
		return false
	}
	if !p.chatted.IsZero() && time.Since(p.chatted) < chatTime {
		return true
	}
	for bare := range p.watchers {
		if c := g.colleagues[bare]; c != nil && c.devices.Available() {
			return true
		}
	}
	return false
}

// attend tells the mesh when that has changed.
func (g *Gateway) attend(p *peer) {
	if now := g.attended(p); now != p.attended {
		p.attended = now
		g.mesh.Attend(p.instance, now)
	}
}

// attendFor does so for everybody whom a colleague watches.
func (g *Gateway) attendFor(c *colleague) {
	for _, p := range g.peers {
		if p.watchers[c.key()] {
			g.attend(p)
		}
	}
}

// chats notes that a peer and a colleague are writing to each other.
func (g *Gateway) chats(p *peer) {
	p.chatted = time.Now()
	if !p.chatEnd.set() {
		p.chatEnd = g.after(chatTime, func() { g.chatEnded(p) })
	}
	g.attend(p)
}

// chatEnded looks whether they have stopped.
func (g *Gateway) chatEnded(p *peer) {
	if left := time.Until(p.chatted.Add(chatTime)); left > 0 {
		p.chatEnd = g.after(left, func() { g.chatEnded(p) })
	}
	g.attend(p)
}
