package linklocal

import (
	"context"
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
	// Token names a message in [Delivered] and [Returned]. A stanza with token 0
	// goes out on an open stream or not at all: an answer, which means nothing on
	// another one.
	Token uint64
}

type pairKey struct{ proxy, peer string } // key, folded instance

// pair is a proxy and a peer, and what is between them.
type pair struct {
	key    pairKey
	stream *stream            // nil: none is open
	cancel context.CancelFunc // of the dial under way; nil: none
	queue  []message          // not yet given to the writer
	sent   []message          // given to the writer, not confirmed
	timer  *time.Timer        // for the next look at sent
}

type message struct {
	Delivery
	written time.Time // zero: not yet on the wire
	acked   bool      // the peer's kernel had it at the last look
}

// Send hands a stanza on to a peer. Addresses are those of the stream, whatever
// the stanza says.
func (m *Mesh) Send(d Delivery) {
	m.commands.add(func() { m.send(d) })
}

func (m *Mesh) send(d Delivery) {
	key := pairKey{d.Proxy, mdns.Fold(d.Peer)}
	p := m.pairs[key]
	if d.Token == 0 {
		if p != nil && p.stream != nil {
			p.stream.enqueue(outgoing{data: p.stream.render(d.Stanza)})
		}
		return
	}
	if p == nil {
		p = &pair{key: key}
		m.pairs[key] = p
	}
	p.queue = append(p.queue, message{Delivery: d})
	if s := p.stream; s != nil {
		m.hold(p, func(msg message) bool { return !fits(msg.Host, s.host.Host) })
	}
	m.flush(p)
}

// render writes a stanza with the addresses of this stream.
func (s *stream) render(st stanza.Stanza) []byte {
	st.From, st.To = s.self, s.instance
	return stanza.Append(nil, stanza.Client, st)
}

// flush moves a pair on: its queue into the stream, or a dial for want of one.
func (m *Mesh) flush(p *pair) {
	if p.stream == nil {
		m.reach(p)
		return
	}
	for len(p.queue) > 0 {
		next := p.queue[0]
		if !p.stream.enqueue(outgoing{data: p.stream.render(next.Stanza), token: next.Token}) {
			return // its writer says so when there is room
		}
		p.queue = p.queue[1:]
		p.sent = append(p.sent, next)
	}
}

// reach opens a stream for a pair that has something to say and none.
func (m *Mesh) reach(p *pair) {
	if len(p.queue) == 0 || p.cancel != nil {
		m.forget(p)
		return
	}
	proxy, peer := m.proxies[p.key.proxy], m.peers[p.key.peer]
	switch {
	case proxy == nil:
		m.giveBack(p, ErrNoProxy)
		return
	case peer == nil || len(peer.links) == 0:
		m.giveBack(p, ErrAbsent)
		return
	case proxy.announced.IsZero():
		return // published calls again
	}
	d := dialing{
		proxy: proxy.Key, self: proxy.instance, instance: peer.instance,
		notBefore: proxy.announced.Add(settleTime),
	}
	for _, i := range peer.interfaces() {
		d.links = append(d.links, peer.links[i].Interface)
	}
	ctx, cancel := context.WithCancel(m.ctx)
	p.cancel = cancel
	m.handlers.Add(1)
	go func() {
		defer m.handlers.Done()
		defer cancel()
		s, err := m.dial(ctx, d)
		if err != nil {
			m.call(func() { m.unreached(p, err) })
			return
		}
		defer s.close()
		m.converseDialled(s, p)
	}()
}

// converseDialled runs a stream that we opened, unless the peer opened one
// meanwhile: theirs counts, and nothing was said on ours.
func (m *Mesh) converseDialled(s *stream, p *pair) {
	wanted := false
	m.call(func() {
		wanted = m.pairs[p.key] == p && p.stream == nil && p.cancel != nil
		if p.cancel = nil; !wanted {
			m.flush(p)
		}
	})
	if !wanted {
		_ = s.writeNow(stanza.AppendClose(nil))
		s.drain(lingerTime)
		return
	}
	m.converse(s, nil)
}

// unreached takes in that a dial failed.
func (m *Mesh) unreached(p *pair, err error) {
	p.cancel = nil
	if p.stream != nil {
		m.flush(p)
		return
	}
	m.cfg.Log.Debug("peer not reached", "peer", p.key.peer, "error", err)
	m.giveBack(p, err)
}

// attach makes a bound stream the one of its pair. The newest counts: clients
// replace an older one themselves (LL-STR-18). What was said on it and not
// confirmed is said again.
func (m *Mesh) attach(s *stream) {
	m.streams[s] = struct{}{}
	key := pairKey{s.proxy, mdns.Fold(s.instance)}
	p := m.pairs[key]
	if p == nil {
		p = &pair{key: key}
		m.pairs[key] = p
	}
	if p.cancel != nil {
		p.cancel()
	}
	if old := p.stream; old != nil {
		p.unsay()
		old.finish()
	}
	p.stream = s
	same := m.recognise(key.peer, s.host)
	m.hold(p, func(msg message) bool { return !same || !fits(msg.Host, s.host.Host) })
	m.flush(p)
}

// hold gives back what must not go to who holds the peer's instance now (INJ-26).
func (m *Mesh) hold(p *pair, held func(message) bool) {
	r := Returned{Proxy: p.key.proxy, Peer: p.key.peer, Err: ErrHeld}
	p.queue = slices.DeleteFunc(p.queue, func(msg message) bool {
		if !held(msg) {
			return false
		}
		m.cfg.Count("INJ-26")
		r.Tokens = append(r.Tokens, msg.Token)
		return true
	})
	if len(r.Tokens) > 0 {
		m.cfg.Handle(r)
	}
}

// unsay puts what is not confirmed back in front of the queue.
func (p *pair) unsay() {
	again := make([]message, 0, len(p.sent)+len(p.queue))
	for _, msg := range p.sent {
		again = append(again, message{Delivery: msg.Delivery})
	}
	p.queue = append(again, p.queue...)
	p.sent = nil
}

// written takes in that the writer of s has written a message.
func (m *Mesh) written(s *stream, token uint64) {
	p := m.pairs[pairKey{s.proxy, mdns.Fold(s.instance)}]
	if p == nil || p.stream != s {
		return
	}
	for i := range p.sent {
		if p.sent[i].Token == token {
			p.sent[i].written = time.Now()
		}
	}
	if p.timer == nil {
		p.timer = m.after(confirmTime, func() { m.confirm(p) })
	}
	m.flush(p)
}

// confirm looks whether the peer's kernel has acknowledged everything. What it had
// at the last look too, a second ago, has arrived: the stream outlived it
// (LL-STR-30).
func (m *Mesh) confirm(p *pair) {
	p.timer = nil
	if p.stream == nil || m.pairs[p.key] != p {
		return
	}
	left, err := unsent(p.stream.conn)
	rest := p.sent[:0]
	for _, msg := range p.sent {
		if msg.acked {
			m.cfg.Handle(Delivered{msg.Token})
			continue
		}
		msg.acked = err == nil && left == 0 && !msg.written.IsZero()
		rest = append(rest, msg)
	}
	p.sent = rest
	if len(p.sent) > 0 {
		p.timer = m.after(confirmTime, func() { m.confirm(p) })
	}
}

// closing takes in that the peer has closed its side: nothing more is said on this
// stream. A peer that had the stream for a while and closes it in order has read
// what its kernel acknowledged; one that closes at once may not have.
func (m *Mesh) closing(s *stream) {
	p := m.pairs[pairKey{s.proxy, mdns.Fold(s.instance)}]
	if p == nil || p.stream != s {
		return
	}
	p.stream = nil
	if left, err := unsent(s.conn); err == nil && left == 0 && time.Since(s.opened) >= closeTimeout {
		for len(p.sent) > 0 && !p.sent[0].written.IsZero() {
			m.cfg.Handle(Delivered{p.sent[0].Token})
			p.sent = p.sent[1:]
		}
	}
	m.giveBack(p, ErrStream)
}

// detach takes in that a stream is over.
func (m *Mesh) detach(s *stream, err error) {
	delete(m.streams, s)
	p := m.pairs[pairKey{s.proxy, mdns.Fold(s.instance)}]
	if p == nil || p.stream != s {
		return
	}
	m.cfg.Log.Debug("stream ended", "peer", s.instance, "error", err)
	p.stream = nil
	m.giveBack(p, ErrStream)
}

// giveBack returns everything that a pair holds, in order.
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
	if p.stream == nil && p.cancel == nil && len(p.queue) == 0 && len(p.sent) == 0 && m.pairs[p.key] == p {
		delete(m.pairs, p.key)
	}
}

// closePairs ends what the chosen pairs have.
func (m *Mesh) closePairs(chosen func(pairKey) bool, err error) {
	for k, p := range m.pairs {
		if !chosen(k) {
			continue
		}
		if p.cancel != nil {
			p.cancel()
		}
		if p.stream != nil {
			p.stream.finish()
			p.stream = nil
		}
		m.giveBack(p, err)
	}
}

// received passes a stanza of a bound peer on to the one it is for: the proxy it is
// addressed to, or the one of the stream when it says nothing.
func (m *Mesh) received(s *stream, st stanza.Stanza) {
	key := s.proxy
	if st.To != "" && mdns.Fold(st.To) != mdns.Fold(s.self) {
		to := m.own[mdns.Fold(st.To)]
		if to == nil {
			m.cfg.Count("INJ-7")
			m.bounce(s, st, stanza.Error{Type: "cancel", Condition: "item-not-found"})
			return
		}
		key = to.Key
	}
	for _, body := range st.Children("", "body") {
		if len(body.Text()) > maxBody {
			m.cfg.Count("LL-STR-25")
			m.bounce(s, st, stanza.Error{Type: "modify", Condition: "policy-violation", Text: "the message is too long"})
			return
		}
	}
	m.cfg.Handle(Received{Peer: s.instance, Proxy: key, Stanza: st})
}

// bounce answers a stanza with an error on the stream it came on.
func (m *Mesh) bounce(s *stream, st stanza.Stanza, e stanza.Error) {
	if r, ok := stanza.Reply(st, e); ok {
		s.enqueue(outgoing{data: stanza.Append(nil, stanza.Client, r)})
	}
}
