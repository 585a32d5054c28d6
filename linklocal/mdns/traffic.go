package mdns

import (
	"sync/atomic"
	"time"
)

// Traffic is what was heard on a joined interface.
type Traffic struct {
	Interface Interface
	Joined    time.Time
	Packets   uint64    // since then; what we sent ourselves is not counted
	Last      time.Time // when the latest of them came; zero: none did
}

// ears count what is heard on an interface. The engine counts, anybody reads.
type ears struct {
	at      Interface
	joined  time.Time
	packets atomic.Uint64
	last    atomic.Int64 // a time.Duration since joined
}

func (t *ears) heard(now time.Time) {
	t.packets.Add(1)
	t.last.Store(int64(now.Sub(t.joined)))
}

// Traffic tells how much is heard on each interface joined now.
func (e *Engine) Traffic() []Traffic {
	var all []Traffic
	for _, t := range e.snap.Load().ears {
		heard := Traffic{Interface: t.at, Joined: t.joined, Packets: t.packets.Load()}
		if heard.Packets > 0 {
			heard.Last = t.joined.Add(time.Duration(t.last.Load()))
		}
		all = append(all, heard)
	}
	return all
}
