package linklocal

import (
	"slices"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
)

// Delivery is a stanza for a peer from a proxy.
type Delivery struct {
	Proxy  string // key
	Peer   string // instance
	Stanza stanza.Stanza
	// Host is the host name that the peer had when the message was taken on. A
	// stream with another host gives it back as ErrHeld. "" fits every host.
	Host string
	// Machine is the only one that may have the message: any other gives it back as
	// ErrHeld, and who held the instance before does not matter. nil leaves that to
	// what the mesh itself knows.
	Machine *Machine
	// Token names a message in [Delivered] and [Returned]. A stanza with token 0
	// goes out on an open stream or not at all: an answer, which means nothing on
	// another one.
	Token uint64
	// Stamp is the delay stamp (XEP-0203) that a message bears from the second time on
	// that it is said (LL-STR-30). Zero: the stanza bears it already, or never.
	Stamp stanza.Delay
	// IfOpen gives a message back at once as ErrStream when no stream is open.
	IfOpen bool
}

type pairKey struct{ proxy, peer string } // key, folded instance

// pair is a proxy and a peer, and what is between them.
type pair struct {
	key      pairKey
	stream   *stream     // nil: none is open
	stranger bool        // the far end of stream is another machine than the peer was (INJ-26)
	dial     *dialing    // under way; nil: none
	queue    []message   // not yet given to the writer
	sent     []message   // given to the writer, not confirmed
	timer    *time.Timer // for the next look at sent
	doubted  bool        // the peer was doubted because it did not acknowledge some of that
}

type message struct {
	Delivery
	written time.Time // zero: not yet on the wire
	acked   time.Time // when the peer's kernel was first seen to have it; zero: not yet
}

// Send hands a stanza on to a peer. Addresses are those of the stream, whatever
// the stanza says.
func (m *Mesh) Send(d Delivery) {
	m.commands.add(func() { m.send(d) })
}

func (m *Mesh) send(d Delivery) {
	key := pairKey{d.Proxy, mdns.Fold(d.Peer)}
	if d.Token == 0 {
		p := m.pairs[key]
		if p == nil || p.stream == nil || !p.stream.enqueue(outgoing{data: p.stream.render(d.Stanza)}) {
			m.cfg.Count("mesh-answer")
			return
		}
		p.stream.carries(d.Stanza)
		return
	}
	p := m.pair(key)
	if d.IfOpen && p.stream == nil {
		m.forget(p)
		m.cfg.Handle(Returned{Proxy: key.proxy, Peer: key.peer, Tokens: []uint64{d.Token}, Err: ErrStream})
		return
	}
	p.queue = append(p.queue, message{Delivery: d})
	m.hold(p)
	m.flush(p)
}

// pair returns the pair with that key, which may be new.
func (m *Mesh) pair(key pairKey) *pair {
	p := m.pairs[key]
	if p == nil {
		p = &pair{key: key}
		m.pairs[key] = p
	}
	return p
}

// carrying returns the pair whose stream s is, or nil when it has another now.
func (m *Mesh) carrying(s *stream) *pair {
	if p := m.pairs[s.key()]; p != nil && p.stream == s {
		return p
	}
	return nil
}

// flush moves a pair on: its queue into the stream, or a dial for want of one.
func (m *Mesh) flush(p *pair) {
	switch {
	case p.stream == nil:
		m.reach(p)
		return
	case len(p.queue) > 0 && m.cutOff(p.stream):
		m.part(p.stream) // which comes back here
		return
	}
	for len(p.queue) > 0 {
		next := p.queue[0]
		if !p.stream.enqueue(outgoing{data: p.stream.render(next.Stanza), token: next.Token}) {
			return // its writer says so when there is room
		}
		p.stream.carries(next.Stanza)
		p.queue[0] = message{} // or what lies behind the slice would keep it
		p.queue = p.queue[1:]
		p.sent = append(p.sent, next)
	}
}

// attach makes a bound stream the one of its pair. The newest counts: clients
// replace an older one themselves (LL-STR-18). What was said on it and not
// confirmed is said again. The error says why the stream cannot be used after all.
func (m *Mesh) attach(s *stream) error {
	if err := m.outdated(s); err != nil {
		return err
	}
	m.streams[s] = struct{}{}
	p := m.pair(s.key())
	m.abandon(p)
	p.stranger = !m.recognise(s)
	if old := p.stream; old != nil {
		p.unsay()
		old.finish()
	}
	p.stream = s
	m.reached(p.key.peer)
	m.cfg.Handle(StreamOpened{Proxy: s.proxy, Peer: s.instance})
	m.hold(p)
	m.flush(p)
	return nil
}

// outdated says what has changed since a stream was bound, a moment ago.
func (m *Mesh) outdated(s *stream) error {
	proxy, peer := m.proxies[s.proxy], m.peers[mdns.Fold(s.instance)]
	switch {
	case m.stopping():
		return errNotBound("system-shutdown", "the bridge is stopping")
	case proxy == nil || proxy.instance != s.self:
		return errNotBound("host-gone", "that instance is not here any more")
	case peer == nil || !peer.on(s.iface.Index):
		return errNotBound("invalid-from", "that instance is not on this link any more")
	}
	return nil
}

// hold gives back what must not go to who holds the peer's instance now (INJ-26).
func (m *Mesh) hold(p *pair) {
	if p.stream == nil {
		return
	}
	r := Returned{Proxy: p.key.proxy, Peer: p.key.peer, Err: ErrHeld, Machine: &p.stream.machine}
	p.queue = slices.DeleteFunc(p.queue, func(msg message) bool {
		if p.mayHave(msg) {
			return false
		}
		m.cfg.Count("INJ-26")
		r.Tokens = append(r.Tokens, msg.Token)
		return true
	})
	if len(r.Tokens) > 0 {
		m.waits(p.key.peer)
		m.cfg.Handle(r)
	}
}

// mayHave reports whether the far end of a pair's stream may have a message.
func (p *pair) mayHave(msg message) bool {
	switch {
	case !fits(msg.Host, p.stream.host.Host):
		return false
	case msg.Machine != nil:
		return msg.Machine.Is(p.stream.machine)
	}
	return !p.stranger
}

// unsay puts what is not confirmed back in front of the queue.
func (p *pair) unsay() {
	again := make([]message, 0, len(p.sent)+len(p.queue))
	for _, msg := range p.sent {
		again = append(again, message{Delivery: msg.Late()})
	}
	p.queue = append(again, p.queue...)
	p.sent = nil
}

// Late returns a delivery as it is said late, or once more: with its stamp.
func (d Delivery) Late() Delivery {
	d.Stanza, d.Stamp = d.Stamp.On(d.Stanza), stanza.Delay{}
	return d
}

// part ends the stream of a pair that stays: what it still has to say goes out on
// another one.
func (m *Mesh) part(s *stream) {
	s.finish()
	if p := m.carrying(s); p != nil {
		p.stream = nil
		p.unsay()
		m.flush(p)
	}
}

// detach takes in that a stream is over.
func (m *Mesh) detach(s *stream, err error) {
	delete(m.streams, s)
	m.doubtBroken(s, err)
	if p := m.carrying(s); p != nil {
		m.cfg.Log.Debug("stream ended", "peer", s.instance, "error", err)
		p.stream = nil
		m.giveBack(p, m.reason(ErrStream))
	}
}

// reason is why messages come back: err, unless the mesh is stopping.
func (m *Mesh) reason(err error) error {
	if m.stopping() {
		return ErrStopped
	}
	return err
}

// giveBack returns everything that a pair without a stream holds, in order.
func (m *Mesh) giveBack(p *pair, err error) {
	p.unsay()
	if len(p.queue) > 0 {
		r := Returned{Proxy: p.key.proxy, Peer: p.key.peer, Err: err}
		for _, msg := range p.queue {
			r.Tokens = append(r.Tokens, msg.Token)
		}
		p.queue = nil
		m.cfg.Handle(r)
	}
	m.forget(p)
}

// forget drops a pair with nothing in it.
func (m *Mesh) forget(p *pair) {
	if p.stream == nil && p.dial == nil && len(p.queue) == 0 && len(p.sent) == 0 && m.pairs[p.key] == p {
		delete(m.pairs, p.key)
	}
}

// closePairs ends what the chosen pairs have.
func (m *Mesh) closePairs(chosen func(pairKey) bool, err error) {
	for k, p := range m.pairs {
		if !chosen(k) {
			continue
		}
		m.abandon(p)
		if p.stream != nil {
			p.stream.finish()
			p.stream = nil
		}
		m.giveBack(p, err)
	}
}
