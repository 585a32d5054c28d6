package linklocal

import "time"

// written takes in that the writer of s has written a message, or with token 0 that
// it has room again.
func (m *Mesh) written(s *stream, token uint64) {
	p := m.carrying(s)
	if p == nil {
		return
	}
	for i := range p.sent {
		if p.sent[i].Token == token {
			p.sent[i].written = time.Now()
		}
	}
	if p.timer == nil {
		p.timer = m.after(confirmLook, func() { m.confirm(p) })
	}
	m.flush(p)
}

// confirm looks whether the peer's kernel has acknowledged everything. What it had at
// a look a second ago has arrived: the stream outlived it (LL-STR-30).
func (m *Mesh) confirm(p *pair) {
	p.timer = nil
	if p.stream == nil || m.pairs[p.key] != p {
		return
	}
	left, err := unsent(p.stream.conn)
	rest := p.sent[:0]
	for _, msg := range p.sent {
		switch {
		case !msg.acked.IsZero() && time.Since(msg.acked) >= confirmTime:
			m.cfg.Handle(Delivered{msg.Token})
			continue
		case msg.acked.IsZero() && err == nil && left == 0 && !msg.written.IsZero():
			msg.acked = time.Now()
		}
		rest = append(rest, msg)
	}
	clear(p.sent[len(rest):])
	if p.sent = rest; len(rest) > 0 {
		m.doubtUnheard(p)
		p.timer = m.after(confirmLook, func() { m.confirm(p) })
	}
	if err == nil && left == 0 {
		m.settleUnheard(p)
		m.heard(p.stream)
	}
}

// closing takes in that the peer has closed its side: nothing more is said on this
// stream. What it acknowledged has arrived if the stream outlived it. The rest may
// have crossed with the closing tag, which a client sends on its way out, without
// another look at what has come in.
func (m *Mesh) closing(s *stream) {
	p := m.carrying(s)
	if p == nil {
		return
	}
	p.stream = nil
	left, err := unsent(s.conn)
	for len(p.sent) > 0 {
		first := p.sent[0]
		aged := !first.written.IsZero() && time.Since(first.written) >= confirmTime
		if !aged || first.acked.IsZero() && (err != nil || left != 0) {
			break
		}
		m.cfg.Handle(Delivered{first.Token})
		p.sent = p.sent[1:]
	}
	m.giveBack(p, m.reason(ErrStream))
}
