package mdns

import (
	"context"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// A link is one address family on one interface: the unit on which multicast DNS counts
// what was said and when (RFC 6762 section 6).
type link struct {
	i      *iface
	e      *Engine
	family Family
	failed bool // the last send failed

	quietly bool // failing is no news

	queue    [][]byte  // packets waiting for their turn
	nextSend time.Time // not before this
	pacer    *alarm

	sent         map[recKey]time.Time // when a record was last multicast here
	echoes       map[uint64][]time.Time
	seed         maphash.Seed
	replies      []*reply
	asked        map[setKey]time.Time // when somebody else asked
	unicastUntil time.Time            // a unicast response may answer our QU question until then

	tokens   float64 // for unicast answers
	tokensAt time.Time
}

func newLink(i *iface, f Family) *link {
	return &link{
		i: i, e: i.e, family: f, sent: map[recKey]time.Time{}, echoes: map[uint64][]time.Time{}, asked: map[setKey]time.Time{},
		seed: maphash.MakeSeed(), tokens: unicastBurst, tokensAt: i.e.now,
	}
}

// quiet forgets what waits for its time or turn.
func (l *link) quiet() {
	l.e.agenda.stop(l.pacer)
	l.queue, l.pacer = nil, nil
	for _, r := range l.replies {
		l.e.agenda.stop(r.alarm)
	}
	l.replies = nil
}

// send multicasts data as soon as the pace allows.
func (l *link) send(data []byte) {
	if len(l.queue) == 0 && !l.e.now.Before(l.nextSend) {
		l.transmit(data)
		return
	}
	l.queue = append(l.queue, data)
	if len(l.queue) == 1 {
		l.pacer = l.e.agenda.at(l.nextSend, l.sendNext)
	}
}

func (l *link) sendNext() {
	if len(l.queue) > 0 && !l.e.now.Before(l.nextSend) { // else a question went in between
		data := l.queue[0]
		l.queue = l.queue[1:]
		l.transmit(data)
	}
	if len(l.queue) > 0 {
		l.pacer = l.e.agenda.at(l.nextSend, l.sendNext)
	}
}

// transmit multicasts data now and remembers it, to know it when it is looped back.
func (l *link) transmit(data []byte) {
	l.nextSend = l.e.now.Add(packetGap * time.Duration(1+len(data)/maxSend)) // a large one is several frames
	key := maphash.Bytes(l.seed, data)
	l.echoes[key] = append(l.echoes[key], l.e.now.Add(echoHold))
	l.pruneEchoes()
	l.put(data, netip.AddrPortFrom(l.family.Group(), Port))
}

// put hands data to the network.
func (l *link) put(data []byte, to netip.AddrPort) {
	err := l.e.conn.Send(Packet{Data: data, Dst: to, IfIndex: l.i.Index}, l.i.source(l.family))
	if err == nil {
		return
	}
	if to.Addr().IsMulticast() && !l.failed {
		l.failed = true
		l.e.lookBy(l.e.now.Add(reconcileEvery))
		level := slog.LevelWarn
		if l.quietly {
			level = slog.LevelDebug
		}
		l.e.log.Log(context.Background(), level, "cannot send multicast, trying again later", "if", l.i.Name, "family", int(l.family), "err", err)
	}
}

// knock tries whether a link that failed can send again, with a question that harms nobody
// and that the other family does not hear.
func (l *link) knock() bool {
	q := question{name: l.e.host.claim.name, typ: typeA, class: classIN}
	l.failed, l.quietly = false, true
	for _, p := range packQuestions([]question{q}, l.i.cache.known) {
		l.transmit(p)
	}
	l.quietly = false
	return !l.failed
}

// isEcho recognises the loopback copy of an own packet: same octets, an own source address,
// and one copy per packet sent. A neighbour program that shares our address and says the
// same is still heard, because it brings a second copy.
func (l *link) isEcho(p Packet) bool {
	if !l.i.owns(p.Src.Addr()) {
		return false
	}
	key := maphash.Bytes(l.seed, p.Data)
	times := l.echoes[key]
	if len(times) == 0 {
		return false
	}
	if times = times[1:]; len(times) == 0 {
		delete(l.echoes, key)
	} else {
		l.echoes[key] = times
	}
	return true
}

func (l *link) pruneEchoes() {
	if len(l.echoes) < 128 {
		return
	}
	for key, times := range l.echoes {
		times = slices.DeleteFunc(times, func(t time.Time) bool { return t.Before(l.e.now) })
		if l.echoes[key] = times; len(times) == 0 {
			delete(l.echoes, key)
		}
	}
}

// departure is when a packet sent now will have left, behind all that is queued.
func (l *link) departure() time.Time {
	at := l.e.now
	if l.nextSend.After(at) {
		at = l.nextSend
	}
	return at.Add(time.Duration(len(l.queue)) * packetGap)
}

// noteSent books records as multicast (RFC 6762 section 6). Goodbyes unbook.
func (l *link) noteSent(rs []record) {
	at := l.departure()
	for _, r := range rs {
		if r.ttl == 0 {
			delete(l.sent, r.key())
			continue
		}
		l.sent[r.key()] = at
	}
	if len(l.sent) > 4*warnPublished*3 {
		l.pruneSent()
	}
}

// pruneSent forgets times that no rule asks for any more: a quarter of the longest TTL.
func (l *link) pruneSent() {
	old := l.e.now.Add(-time.Duration(ttlOther) * time.Second / 4)
	for key, at := range l.sent {
		if at.Before(old) {
			delete(l.sent, key)
		}
	}
}

// takeToken asks whether one more unicast packet may go; it bounds what a flood of
// one-shot questions can draw from us.
func (l *link) takeToken() bool {
	l.tokens = min(unicastBurst, l.tokens+l.e.now.Sub(l.tokensAt).Seconds()*unicastPerSecond)
	l.tokensAt = l.e.now
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	return true
}
