package bridge

import (
	"slices"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
)

func demanding(level config.Mesh) func(*office) {
	return func(o *office) { o.cfg.Access.Mesh = level }
}

// do runs something in the gateway's own goroutine.
func (o *office) do(fn func(g *Gateway)) {
	o.Helper()
	o.gateway.post(due{new(alarm), func() { fn(o.gateway) }})
	o.pass(time.Millisecond)
}

// approves lets a colleague say yes to a peer, or for "" an admin.
func (o *office) approves(name, colleague string) {
	o.do(func(g *Gateway) { g.approve(g.peerOf(localOf(name)), colleague) })
}

// isHeld returns why anything is held back.
func (o *office) isHeld() (why []string) {
	o.do(func(g *Gateway) {
		for _, h := range g.held() {
			why = append(why, h.why)
		}
	})
	return why
}

func TestApprovedOffice(t *testing.T) {
	const question = "juliet@pronto on the local network wants to write to you (computer pronto, address 10.2.1.187)." +
		" If you know them, answer: approve juliet@pronto\nIf you do not, answer: deny juliet@pronto"
	scene(t, "LL-11.5-1 SEC-2 access.mesh approved: refused in words, asked once, and after the yes both ways; a restart keeps it", func(o *office) {
		alice, juliet := o.together()
		juliet.writes(aliceInstance, "hello")
		juliet.writes(aliceInstance, "anybody there?")
		alice.writes(julietJID, "who are you?")
		alice.writes(julietJID, "and from where?")
		o.pass(5 * time.Second)
		o.expect("Alice reads", alice.reads(), component+": "+question)
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": [gateway] Your message to Alice was not delivered: they have not approved you yet, and have been asked. Send it again when they have said yes.")
		o.approves(julietName, aliceJID)
		o.pass(5 * time.Second)
		o.expect("Juliet reads", juliet.reads(),
			aliceInstance+": [gateway] You can write to Alice now. Send again what was not delivered.", aliceInstance+": who are you?", aliceInstance+": and from where?")
		juliet.writes(aliceInstance, "Juliet")
		o.pass(time.Second)
		o.expect("Alice reads", alice.reads(), julietJID+": Juliet")
		o.kill()
		juliet.hangUp()
		o.start()
		alice.Unavailable()
		alice.Available("", "")
		o.pass(20 * time.Second)
		alice.got()
		juliet.writes(aliceInstance, "still Juliet")
		o.pass(time.Second)
		o.expect("Alice reads", alice.reads(), julietJID+": still Juliet")
	}, demanding(config.Approved), onDisk)
	scene(t, "INJ-24 INJ-26 SEC-2 approved, and another host takes her name: nothing that waits, no word, approved again first", func(o *office) {
		alice, juliet := o.together()
		juliet.writes(aliceInstance, "hello")
		o.approves(julietName, aliceJID)
		juliet.signOff()
		o.pass(5 * time.Second)
		alice.writes(julietJID, "for Juliet alone")
		alice.got()
		juliet.got()
		impostor := o.joins(julietName, "mallory", "10.2.1.66/24", "txtvers=1", "status=avail")
		o.pass(2 * time.Minute)
		impostor.writes(aliceInstance, "it is I, juliet")
		o.pass(2 * time.Minute)
		if words := impostor.reads(); len(words) != 1 || !strings.Contains(words[0], "they have not approved you yet") {
			o.Errorf("the impostor reads %q", words)
		}
		if words := alice.reads(); len(words) != 1 || !strings.HasPrefix(words[0], component+": ") || !strings.Contains(words[0], "mallory") {
			o.Errorf("Alice reads %q", words)
		}
		if why := o.isHeld(); !slices.Contains(why, "has not been approved (computer mallory, address 10.2.1.66)") ||
			!slices.Contains(why, "kept for the computer pronto: 1; the name is at mallory now") {
			o.Errorf("held %q", why)
		}
		impostor.signOff()
		o.pass(5 * time.Second)
		juliet.signOn("txtvers=1", "status=avail")
		o.pass(10 * time.Second)
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": for Juliet alone")
		juliet.writes(aliceInstance, "I am back")
		o.pass(time.Second)
		o.expect("Alice reads", alice.reads(), julietJID+": I am back")
	}, demanding(config.Approved))
	scene(t, "INJ-26 the router starts again while somebody is away: another host with the name has nothing of what waits", func(o *office) {
		alice, juliet := o.together()
		juliet.writes(aliceInstance, "hello")
		o.pass(3 * time.Second)
		alice.got()
		if facts := o.store.Facts[store.Identities]; len(facts) != 1 {
			o.Errorf("remembered: %v", facts)
		}
		juliet.signOff()
		o.kill()
		impostor := o.joins(julietName, "mallory", "10.2.1.66/24", "txtvers=1", "status=avail")
		o.start()
		o.pass(2 * time.Minute)
		alice.Unavailable()
		alice.Available("", "")
		alice.writes(julietJID, "hello mallory") // bound: another person, who gets what is new
		o.pass(2 * time.Minute)
		o.expect("the other reads", impostor.reads(), aliceInstance+": hello mallory")
	})
}

// What a record on the LAN says of its owner is hearsay.
func TestHearsay(t *testing.T) {
	const boss = "ceo@example.org"
	for _, level := range []config.Mesh{config.Bound, config.Approved, config.Linked} {
		scene(t, "INJ-20 jid, email and names in a record choose no sender, no recipient, no contact and no rights: "+string(level), func(o *office) {
			ceo := o.friend(boss)
			ceo.Available("", "")
			alice := o.alice()
			juliet := o.joins(julietName, "pronto", "10.2.1.187/24", "txtvers=1", "status=avail",
				"jid="+boss+" "+aliceJID, "email="+boss, "1st=Chief", "last=Executive", "nick=ceo")
			o.start()
			alice.subscribes(julietJID)
			o.pass(6 * time.Second)
			ceo.got()
			alice.got()
			juliet.writes(aliceInstance, "I am your boss")
			ceo.Send(julietJID, "are you me?")
			o.pass(3 * time.Second)
			for _, s := range alice.got() {
				if s.From != julietJID && s.From != component || s.From == julietJID && level != config.Bound {
					o.Errorf("Alice got %s from %s", s.Kind, s.From)
				}
			}
			for _, s := range ceo.got() {
				if s.Kind == stanza.Message && s.Type != "error" {
					o.Errorf("%s got %+v", boss, s)
				}
			}
			o.do(func(g *Gateway) {
				if len(g.peers) != 1 || g.levelOf(g.seen[julietName]) > 1 {
					o.Errorf("%d peers, level %d", len(g.peers), g.levelOf(g.seen[julietName]))
				}
				if g.subs[store.Pair{Colleague: boss, Local: localOf(julietName)}] != 0 {
					o.Error("the boss is subscribed")
				}
			})
		}, demanding(level), func(o *office) {
			o.cfg.Privacy.Show = []config.TXTKey{config.TXTJID, config.TXTEmail, config.TXTFirst, config.TXTLast, config.TXTNick}
		})
	}
	scene(t, "INJ-21 names of a record lose what misleads before anybody upstream sees them, addresses stay here", func(o *office) {
		alice := o.alice()
		long := strings.Repeat("J", 5000)
		juliet := o.joins(julietName, "pronto", "10.2.1.187/24", "txtvers=1", "status=avail", "nick=Ju\u202Eli\u0007\u2066et", "msg=at home", "jid="+aliceJID, "email=j@capulet.lit")
		romeo := o.joins(romeoName, "forza", "10.2.1.188/24", "txtvers=1", "status=avail", "nick="+long[:240])
		o.start()
		for _, who := range []string{julietJID, romeoJID} {
			alice.subscribes(who)
		}
		o.pass(6 * time.Second)
		juliet.writes(aliceInstance, "hello")
		romeo.writes(aliceInstance, "hello")
		o.pass(3 * time.Second)
		seen := 0
		for _, s := range alice.got() {
			text := string(stanza.Append(nil, stanza.Client, s))
			for _, bad := range []string{"\u202E", "\u2066", "\u0007", "capulet.lit"} {
				if strings.Contains(text, bad) {
					o.Errorf("%q crossed: %s", bad, text)
				}
			}
			if n := s.Child("http://jabber.org/protocol/nick", "nick"); n != nil {
				seen++
				if len(n.Text()) > 256 || !strings.HasPrefix(n.Text(), "J") {
					o.Errorf("a nick of %d octets", len(n.Text()))
				}
			}
		}
		if seen == 0 {
			o.Error("no nick was seen at all")
		}
	})
}

func TestNoLeak(t *testing.T) {
	scene(t, "PRIV-3 presence goes to subscribers alone: not for directed presence, a message, or a subscription that is over", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		o.pass(5 * time.Second)
		to := func(who, kind string) {
			s.says(strings.Replace(presenceFrom(who, kind, ""), "to='"+component, "to='"+julietJID, 1))
		}
		s.got()
		for _, who := range []string{aliceJID + "/phone", "eve@else.example/x", "dave@friends.example/x"} {
			to(who, "")
			to(who, "unavailable")
		}
		s.says(messageFrom(aliceJID+"/phone", "hello"))
		to("dave@friends.example", "subscribe")
		to("dave@friends.example", "unsubscribe")
		o.pass(10 * time.Second)
		told := s.told()
		juliet.says("status=away")
		o.pass(5 * time.Second)
		juliet.signOff()
		o.pass(5 * time.Second)
		for _, word := range append(told, s.told()...) {
			dave := strings.HasPrefix(word, julietJID+" -> dave@friends.example: ")
			if strings.HasPrefix(word, julietJID) && !dave || dave && strings.Contains(word, "away") {
				o.Errorf("told: %s", word)
			}
		}
	}, standInHere, func(o *office) { o.cfg.Access.Domains = []string{"friends.example"} })
}
