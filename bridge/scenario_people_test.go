package bridge

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing/synctest"
	"time"

	"meshbridge/internal/stanza"
)

func (p *stage) serverGets(st step) { p.expectNext(toServer, st) }

func (p *stage) serverGetsMany(st step) { p.expectMany(toServer, st) }

func (p *stage) ignores(st step) {
	list, err := patternsOf(stanza.Component, p.resolve(toServer, st.words["XML"]))
	if err != nil {
		p.fail("%v", err)
	}
	p.ignored = append(p.ignored, list...)
}

func (p *stage) breaks(step) { p.server.hangsUp() }

func (p *stage) down(step) { p.setAway(true); p.server.hangsUp() }

func (p *stage) back(step) { p.setAway(false) }

func (p *stage) setAway(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = yes
}

func (p *stage) endsStream(st step) {
	text := ""
	if said := st.words["TEXT"]; said != "" {
		text = `<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>` + escaped(said) + `</text>`
	}
	// The bridge may close before it has read all of it.
	io.WriteString(p.server.newest(), `<stream:error><`+st.words["WORD"]+` xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>`+text+`</stream:error></stream:stream>`)
	p.server.hangsUp()
}

func (p *stage) refuses(st step) { p.server.set(func(s *standin) { s.refuses = st.words["WORD"] }) }

func (p *stage) accepts(step) { p.server.set(func(s *standin) { s.refuses = "" }) }

func (p *stage) keepsHandshake(step) { p.server.silences(true) }

func (p *stage) givesHandshake(step) {
	p.server.silences(false)
	p.octets(p.server.newest(), "<handshake/>")
}

func (p *stage) shares(step) { p.server.set(func(s *standin) { s.twin = true }) }

func (p *stage) alone(step) { p.server.set(func(s *standin) { s.twin = false }) }

func (p *stage) chokes(st step) { p.server.set(func(s *standin) { s.allergy = st.words["WORD"] }) }

func (p *stage) noPongs(step) { p.server.set(func(s *standin) { s.pongs = false }) }

func (p *stage) routesNothing(step) { p.server.set(func(s *standin) { s.lost, s.pongs = true, false }) }

func (p *stage) serverSeesEnd(st step) {
	if _, ok := p.take(toServer, st.patience(), isEnd); !ok {
		p.fail("the stream goes on")
	}
}

// isDialled waits for a connection that no step has spoken of yet.
func (p *stage) isDialled(st step) {
	begun := time.Now()
	for p.server.count() == p.dials {
		if time.Since(begun) >= st.patience() {
			p.fail("there was no connection")
		}
		p.pass(100 * time.Millisecond)
	}
	if least := st.duration("LEAST", 0); time.Since(begun) < least {
		p.fail("there was one after %v", time.Since(begun))
	}
	p.dials = p.server.count()
}

func (p *stage) isNotDialled(st step) {
	before := p.server.count()
	p.pass(st.patience())
	if n := p.server.count() - before; n > 0 {
		p.fail("there were %d connections", n)
	}
	p.dials = before
}

// peer returns somebody who was on the LAN before.
func (p *stage) peer(st step) *person {
	who := p.people[st.words["PEER"]]
	if who == nil {
		p.fail("%s was not on the LAN yet", st.words["PEER"])
	}
	return who
}

func (p *stage) appears(st step) {
	name := st.words["PEER"]
	txt := recordOf(st.words["TXT"])
	if who := p.people[name]; who != nil {
		who.signOff() // a former life of which nobody heard the end
		p.setMute(who.hostname, false)
		who.takesCalls(true)
		who.signOn(txt...)
		return
	}
	p.people[name] = p.arrives(name, txt)
}

// arrives puts somebody on a machine of the LAN, which others may be on already.
func (p *stage) arrives(name string, txt []string) *person {
	r := p.script.cast[name]
	host := r.host
	if host == "" {
		host = hostNameOf(r.address[strings.LastIndexByte(r.address, '@')+1:])
	}
	who := &person{instance: r.address, hostname: host, addr: netip.MustParseAddr(r.ip), ear: p.earOf(name)}
	for _, other := range p.people {
		if other.hostname == host && other.addr.String() == r.ip {
			return p.joinsOn(other.host, who, txt...)
		}
	}
	return p.joinsOn(p.lan.Host(host, r.ip+"/24"), who, txt...)
}

// hostNameOf makes a host name of what stands behind the @ of an instance.
func hostNameOf(machine string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return -1
	}, strings.ToLower(machine))
	if name == "" {
		return "machine"
	}
	return name
}

// recordOf is a TXT record with these keys.
func recordOf(words string) []string {
	if words == "" {
		words = "status=avail"
	}
	txt, _ := txtOfWords(words) // was checked when it was read
	return append([]string{"txtvers=1"}, txt...)
}

// earOf hears what a peer gets.
func (p *stage) earOf(name string) func(with string, e *stanza.Element) {
	return func(with string, e *stanza.Element) {
		for other := range p.script.cast {
			if p.address(name, other) == with {
				with = other
			}
		}
		if with == p.address(name, "gateway") {
			with = "gateway"
		}
		p.came(name+" "+with, e)
	}
}

func (p *stage) setMute(host string, yes bool) {
	p.office.mu.Lock()
	defer p.office.mu.Unlock()
	p.mute[host] = yes
}

func (p *stage) changes(st step) { p.peer(st).pub.SetTXT(recordOf(st.words["TXT"])) }

func (p *stage) leaves(st step) { p.peer(st).signOff() }

func (p *stage) vanishes(st step) {
	who := p.peer(st)
	p.setMute(who.hostname, true)
	who.takesCalls(false)
	who.hangUp()
}

func (p *stage) moves(st step) {
	who := p.peer(st)
	addr, err := netip.ParseAddr(st.words["ADDRESS"])
	if err != nil {
		p.fail("%v", err)
	}
	who.listener.Close()
	who.addr = addr
	who.listens()
	who.host.SetAddrs("eth0", addr.String()+"/24")
}

func (p *stage) takesNoCalls(st step) { p.peer(st).takesCalls(false) }

func (p *stage) answersAs(st step) {
	who := p.peer(st)
	who.mu.Lock()
	defer who.mu.Unlock()
	who.alias = st.words["WORD"]
}

func (p *stage) takesCalls(st step) { p.peer(st).takesCalls(true) }

func (p *stage) hangsUp(st step) { p.peer(st).hangUp() }

func (p *stage) peerSends(st step) {
	name := st.words["PEER"]
	p.octets(p.peer(st).stream(p.address(name, st.words["NAME"])), p.fillIn(p.resolve(name, st.words["XML"])))
}

// peerPours writes on while the scenario goes on, as a program does that sends much.
func (p *stage) peerPours(st step) {
	name := st.words["PEER"]
	var all strings.Builder
	for n := range st.count("N") {
		p.vars["n"] = decimal(n + 1)
		all.WriteString(p.fillIn(p.resolve(name, st.words["XML"])))
	}
	delete(p.vars, "n")
	t := p.peer(st).stream(p.address(name, st.words["NAME"]))
	go io.WriteString(t, all.String())
}

// peerOpens leaves the reading to the same ear as on any stream.
func (p *stage) peerOpens(st step) {
	who, name := p.peer(st), st.words["PEER"]
	with := p.address(name, st.words["NAME"])
	t := who.dial(with)
	t.with = with
	who.enter(t)
	go who.read(t, stanza.NewReader(t, stanza.Client, stanza.MeshLimits()), make(chan struct{}))
	p.octets(t, p.fillIn(p.resolve(name, st.words["XML"])))
}

func (p *stage) peerGets(st step) { p.expectNext(st.words["PEER"]+" "+st.words["NAME"], st) }

func (p *stage) losesStream(st step) {
	if _, ok := p.take(st.words["PEER"]+" "+st.words["NAME"], st.patience(), isEnd); !ok {
		p.fail("it has not ended")
	}
}

func (p *stage) sees(st step) {
	want, _ := txtOfWords(st.words["TXT"]) // was checked when it was read
	p.until(st, func() error {
		profile, here := p.shownTo(st)
		if !here {
			return errors.New("it is not shown at all")
		}
		for _, kv := range want {
			key, value, _ := strings.Cut(kv, "=")
			got := valueOf(profile, key)
			if value == "*" && got != "" || value == got {
				continue
			}
			return fmt.Errorf("it is shown with %s=%q", key, got)
		}
		return nil
	})
}

func (p *stage) seesNot(st step) {
	p.until(st, func() error {
		if profile, here := p.shownTo(st); here {
			return fmt.Errorf("it is shown with %q", profile)
		}
		return nil
	})
}

func (p *stage) shownTo(st step) ([]string, bool) {
	who := p.peer(st)
	return who.record(p.address(st.words["PEER"], st.words["NAME"]))
}

// valueOf finds a key in the strings of a TXT record.
func valueOf(txt []string, key string) string {
	for _, kv := range txt {
		if k, v, _ := strings.Cut(kv, "="); strings.EqualFold(k, key) {
			return v
		}
	}
	return ""
}

// until asks again and again, until there is nothing to say against it.
func (p *stage) until(st step, objection func() error) {
	for begun := time.Now(); ; p.pass(100 * time.Millisecond) {
		synctest.Wait()
		err := objection()
		if err == nil {
			return
		}
		if time.Since(begun) >= st.patience() {
			p.fail("%v", err)
		}
	}
}

const device = "/phone"

func (p *stage) online(st step) { p.presence(st.words["COLLEAGUE"], device, "", "gateway") }

func (p *stage) offline(st step) { p.presence(st.words["COLLEAGUE"], device, "unavailable", "gateway") }

func (p *stage) subscribes(st step) {
	p.presence(st.words["COLLEAGUE"], "", "subscribe", st.words["PEER"])
}

func (p *stage) presence(from, device, kind, to string) {
	if kind != "" {
		kind = " type='" + kind + "'"
	}
	p.octets(p.server.newest(), p.resolve(toServer, "<presence from='{"+from+"}"+device+"' to='{"+to+"}'"+kind+"/>"))
}

func (p *stage) writes(st step) {
	who, to, text := st.words["WHO"], st.words["NAME"], p.fillInText(st.words["TEXT"])
	if !p.script.cast[who].peer {
		p.octets(p.server.newest(), p.resolve(toServer, "<message from='{"+who+"}"+device+"' to='{"+to+"}' type='chat'><body>")+escaped(text)+`</body></message>`)
		return
	}
	p.peer(step{words: map[string]string{"PEER": who}}).writes(p.address(who, to), text)
}

// fillInText is fillIn for what is no XML.
func (p *stage) fillInText(text string) string {
	return variable.ReplaceAllStringFunc(text, func(name string) string {
		if value, ok := p.vars[name[1:]]; ok {
			return value
		}
		return name
	})
}

func (p *stage) reads(st step) {
	who, from, want := st.words["WHO"], st.words["NAME"], p.fillInText(st.words["TEXT"])
	key := who + " " + from
	if !p.script.cast[who].peer {
		key = toServer
	}
	ev, ok := p.take(key, st.patience(), p.isStanza)
	if !ok {
		p.fail("%s got nothing within %v", who, st.patience())
	}
	s, _ := stanza.Parse(ev.el)
	text := bodyOf(s)
	if key != toServer {
		text = shown(s)
	}
	if key == toServer && (s.From != p.address(toServer, from) || s.To != p.address(toServer, who)) ||
		s.Kind != stanza.Message || s.Type == "error" || !matchText(want, text, p.vars) {
		p.fail("%s came in its place:\n\t%s", text, p.show(key, ev.el))
	}
}
