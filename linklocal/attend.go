package linklocal

import (
	"context"
	"errors"
	"io"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
)

// Who closes a laptop or pulls a cable says no goodbye, and what they have published lives
// for up to 75 minutes in everybody's memory. Three things make the mesh doubt that somebody
// is still there: a connection that fails, questions that nobody answers, and silence.
// A doubt ends with an answer, or with the peer's departure after seven seconds.

// Attend says whether somebody is waiting to see how a peer stands: then it is asked for
// a sign of life after 40 s of silence, else after 110 s. It is remembered for a peer who is
// not here yet.
func (m *Mesh) Attend(instance string, closely bool) {
	m.commands.add(func() {
		key := mdns.Fold(instance)
		if closely {
			m.closely[key] = true
		} else {
			delete(m.closely, key)
		}
		if p := m.peers[key]; p != nil {
			m.attend(key, p)
		}
	})
}

// attend says how long a peer may be silent.
func (m *Mesh) attend(key string, p *peer) {
	silence := seldomSilence
	if m.closely[key] {
		silence = closeSilence
	}
	m.engine.Attend(ServiceType, p.instance, silence)
}

// suspect has the records of a peer asked for (RFC 6762 section 10.4, LL-9-6).
func (m *Mesh) suspect(instance string, link mdns.Interface, why string) {
	m.engine.Doubt(ServiceType, instance, link.Index, why)
}

// doubtSlow doubts a peer that is being dialled once that takes long, so that it is not left to
// the time limits of every address to find out that nobody is there. What it returns is to
// be told how the dial went.
func (m *Mesh) doubtSlow(ctx context.Context, d *dialing) (ended func(error)) {
	doubt := func(why string) {
		for _, at := range d.links {
			m.suspect(d.instance, at.link, why)
		}
	}
	slow := time.AfterFunc(doubtAfter, func() { doubt("it does not take a connection") })
	return func(err error) {
		inTime := slow.Stop()
		switch {
		case err != nil && ctx.Err() == nil:
			doubt("it could not be connected to")
		case err == nil && !inTime:
			for _, at := range d.links {
				m.engine.Alive(ServiceType, d.instance, at.link.Index)
			}
		}
	}
}

// doubtUnheard doubts the peer of a stream whose kernel has not acknowledged a message in
// time: TCP itself gives up much later.
func (m *Mesh) doubtUnheard(p *pair) {
	for _, msg := range p.sent {
		if msg.acked.IsZero() && !msg.written.IsZero() && time.Since(msg.written) >= doubtAfter {
			m.suspect(p.stream.instance, p.stream.iface, "it does not acknowledge a message")
			p.doubted = true
			return
		}
	}
}

// settleUnheard ends such a doubt: the kernel has acknowledged everything.
func (m *Mesh) settleUnheard(p *pair) {
	if p.doubted {
		p.doubted = false
		m.engine.Alive(ServiceType, p.stream.instance, p.stream.iface.Index)
	}
}

// doubtBroken doubts the peer of a stream that broke.
func (m *Mesh) doubtBroken(s *stream, err error) {
	if err == nil || s.closer.Load() || m.stopping() || errors.Is(err, stanza.ErrClosed) || errors.Is(err, errTheirs) || errors.Is(err, io.EOF) {
		return
	}
	m.suspect(s.instance, s.iface, "its connection broke")
}
