package bridge

import (
	"strconv"
	"strings"
	"time"

	"meshbridge/bridge/outbox"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
)

// warning begins the keys of warnings among the notices.
const warning = "unencrypted"

// warnings is who was warned in this run.
type warnings struct {
	told   *recent[store.Pair]
	logged time.Time // when one was last logged
}

func newWarnings() warnings { return warnings{told: newRecent[store.Pair](warnPause, maxNoticed)} }

// warn tells the two whose first message is on its way that what they write is neither
// encrypted on the LAN nor signed there, once a day (SEC-3). The message goes first and
// waits for nothing; one of an outage warns when it goes out, when both can be told.
func (g *Gateway) warn(c *colleague, p *peer, s stanza.Stanza) {
	pair := store.Pair{Colleague: c.key(), Local: p.local}
	if !g.cfg.Access.WarnUnencrypted || g.session == nil || g.stopping ||
		!hasWords(s) || g.levelOf(p) >= policy.Authenticated {
		return
	}
	now := time.Now()
	if _, told := g.warnings.told.get(pair, now); told {
		return
	}
	key := noteKey(warning, pair)
	if g.noticedLately(key) {
		return
	}
	g.warnings.told.note(pair, "", now)
	g.noteDown(key)
	g.letter(c.key(), "What you and "+describe(p)+" write to each other is not encrypted on the local network "+g.addr.Machine()+
		", where they are"+g.doubt(c, p)+". Write nothing secret. I say so once a day.")
	g.tellPeer(c, p, "What you and "+c.called()+" write to each other is not encrypted on this network: others on it may be able to read it. Write nothing secret.")
	if now.Sub(g.warnings.logged) >= dropLogPause {
		g.warnings.logged = now
		g.log.Info("people write to each other over the LAN unencrypted, and were told", "rule", "SEC-3")
	}
	g.log.Debug("told that the LAN is not encrypted", "peer", translate.Tame(p.instance), "colleague", c.key())
}

// doubt says that who a peer is rests on the network alone, where nobody has vouched for
// them.
func (g *Gateway) doubt(c *colleague, p *peer) string {
	if g.levelFor(p, c.key()) > policy.Bound {
		return ""
	}
	return ", and nothing but that network vouches for who they are"
}

// hasWords reports whether a message says something to somebody.
func hasWords(s stanza.Stanza) bool {
	return s.Kind == stanza.Message && s.Type != "error" && s.Child("", "body") != nil
}

// warnOf warns the two of a message that was written upstream just now.
func (g *Gateway) warnOf(e outbox.Entry) {
	c, p := g.colleagues[colleagueOf(e.Recipient)], g.peers[e.Sender]
	if c != nil && p != nil {
		g.warn(c, p, e.Stanza)
	}
}

// noteSeparator parts the name of a note from those whom it is about. It stands in no
// address (RFC 7622 section 3).
const noteSeparator = "\x00"

// noteKey is the key of a note of that name about a colleague and a peer.
func noteKey(name string, pair store.Pair) string {
	return name + noteSeparator + pair.Colleague + noteSeparator + pair.Local
}

// noteDown remembers that something was said now, across restarts. The oldest notes make
// room for new ones.
func (g *Gateway) noteDown(key string) {
	name, _, _ := strings.Cut(key, noteSeparator)
	if kept := g.notes(name); len(kept) >= maxNotes {
		oldest := kept[0]
		for _, k := range kept {
			if g.noteTime(k) < g.noteTime(oldest) {
				oldest = k
			}
		}
		g.setFact(store.Notices, oldest, "")
	}
	g.setFact(store.Notices, key, strconv.FormatInt(g.wallClock(), 10))
}

// notes lists the keys of the notes of that name.
func (g *Gateway) notes(name string) (keys []string) {
	for key := range g.facts[store.Notices] {
		if strings.HasPrefix(key, name+noteSeparator) {
			keys = append(keys, key)
		}
	}
	return keys
}

// noticedLately reports whether that was said within a day, as far as the clock on the
// wall can tell, whichever way it was set since. One that is not set can tell nothing,
// and then it is said once in a run (GW-24).
func (g *Gateway) noticedLately(key string) bool {
	then, now := g.noteTime(key), g.wallClock()
	return then != 0 && now != 0 && time.Duration(max(now-then, then-now))*time.Second < warnPause
}

// noteTime is when a note was made, in seconds since 1970; 0 where no clock was set.
func (g *Gateway) noteTime(key string) int64 {
	then, err := strconv.ParseInt(g.fact(store.Notices, key), 10, 64)
	if err != nil {
		return 0
	}
	return then
}

// wallClock is the time now, in seconds since 1970; 0 while the clock is not set.
func (g *Gateway) wallClock() int64 {
	if !g.clockSet() {
		return 0
	}
	return time.Now().Unix()
}

// clockSet reports whether this machine knows the time of day (GW-24).
func (g *Gateway) clockSet() bool { return !g.timeOfDay(time.Now()).IsZero() }
