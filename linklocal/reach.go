package linklocal

import (
	"context"
	"errors"
	"time"

	"meshbridge/internal/stanza"
)

var errTooMany = errors.New("too many connections are open; they close when they are idle")

// reach opens a stream for a pair that has something to say and none.
func (m *Mesh) reach(p *pair) {
	proxy, peer := m.proxies[p.key.proxy], m.peers[p.key.peer]
	switch {
	case len(p.queue) == 0:
		m.forget(p)
		return
	case p.dial != nil:
		return // dialled and unreached call again
	case m.stopping():
		m.giveBack(p, ErrStopped)
		return
	case proxy == nil || proxy.failed:
		m.giveBack(p, ErrNoProxy)
		return
	case peer == nil || len(peer.links) == 0:
		m.giveBack(p, ErrAbsent)
		return
	case proxy.announced.IsZero():
		return // published calls again
	}
	if !m.claim(p) {
		return // released, set back or encouraged, it calls again
	}
	d := &dialing{
		proxy: proxy.Key, self: proxy.instance, instance: peer.instance,
		notBefore: later(proxy.announced, peer.since).Add(settleTime),
	}
	for _, i := range peer.links.order() {
		ev := peer.links[i]
		d.links = append(d.links, place{ev.Interface, ev.Source})
	}
	if !m.doors.dial() {
		m.release(p)
		m.giveBack(p, errTooMany)
		return
	}
	p.dial = d
	var ctx context.Context
	ctx, d.cancel = context.WithCancel(m.ctx)
	m.handlers.Go(func() {
		defer m.doors.hangUp()
		defer d.cancel()
		s, err := m.dial(ctx, d)
		if err != nil {
			m.call(func() { m.unreached(p, d, err) })
			return
		}
		defer s.close()
		m.dialled(s, p, d)
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// abandon gives up the dial under way, if there is one.
func (m *Mesh) abandon(p *pair) {
	if p.dial != nil {
		p.dial.cancel()
		p.dial = nil
		m.release(p)
	}
}

// dialled runs a stream that we opened, unless the peer opened one meanwhile:
// theirs counts, and nothing was said on ours.
func (m *Mesh) dialled(s *stream, p *pair, d *dialing) {
	wanted := false
	s.machine = s.identify()
	m.call(func() {
		if p.dial != d {
			return
		}
		p.dial = nil
		m.release(p)
		if wanted = m.attach(s) == nil; !wanted {
			m.flush(p)
		}
	})
	if !wanted {
		if s.writeWithin(lingerTime, stanza.AppendClose(nil)) == nil {
			s.drain(lingerTime)
		}
		return
	}
	m.converse(s, nil)
}

// unreached takes in that a dial failed.
func (m *Mesh) unreached(p *pair, d *dialing, err error) {
	if p.dial != d {
		return // abandoned
	}
	p.dial = nil
	m.cfg.Log.Debug("peer not reached", "peer", p.key.peer, "error", err)
	m.setBack(p, m.reason(err))
}
