package bridge

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// at is a machine at one address.
func at(host, addr, mac string) linklocal.Machine {
	return linklocal.Machine{Host: host, Seats: []linklocal.Seat{{Addr: netip.MustParseAddr(addr), MAC: mac}}}
}

var (
	prontoAt = at("pronto", "10.2.1.187", "aa:aa")
	lease    = at("pronto", "10.2.1.42", "aa:aa") // the same laptop with another lease
	radio    = at("pronto", "10.2.1.43", "bb:bb") // and with its other card
	mallory  = at("mallory", "10.2.1.66", "ee:ee")
)

func asks(level config.Mesh) func(*config.Config) {
	return func(c *config.Config) {
		c.Access.Mesh = level
		c.Colleagues[0].Introduce = config.IntroduceOff // no welcome beside the questions
		c.Colleagues = append(c.Colleagues, config.Colleague{JID: mustJID("bob@example.org"), Nick: "Bob"})
	}
}

// newLevelRig is a gateway that asks for a level, with Juliet on the mesh.
func newLevelRig(t testing.TB, level config.Mesh) *coreRig {
	c := newCoreRig(t, asks(level))
	c.up()
	c.peer(julietName, "pronto")
	c.hears(pres(aliceJID+"/r", component, ""))
	c.session.take()
	return c
}

// speaks lets Juliet write to a colleague from a machine.
func (c *coreRig) speaks(m linklocal.Machine, to, body string) {
	c.fromMesh(linklocal.Received{Peer: julietName, Proxy: to, Machine: &m,
		Stanza: stanza.Stanza{Kind: stanza.Message, ID: newID(), Type: "chat", Payload: []*stanza.Element{stanza.New("", "body").AddText(body)}}})
}

// wrote returns the messages that the server was given since the last time: "who > whom:
// text", with the gateway as "gateway", and how many of them Juliet sent.
func (c *coreRig) wrote() (list []string, crossed int) {
	for _, s := range c.session.take() {
		if s.Kind != stanza.Message {
			continue
		}
		from := s.From
		if from == component {
			from = "gateway"
		} else {
			crossed++
		}
		list = append(list, from+" > "+s.To+": "+bodyOf(s))
	}
	return list, crossed
}

// told returns what the mesh was given since the last time: errors by their condition,
// else the text.
func (c *coreRig) told() (list []string) {
	for _, d := range c.mesh.take() {
		if e, ok := stanza.ErrorOf(d.Stanza); ok {
			list = append(list, e.Condition+bodyOf(d.Stanza)) // no body, one hopes (MAP-E5)
		} else {
			list = append(list, bodyOf(d.Stanza))
		}
	}
	return list
}

func (c *coreRig) theJuliet() *peer { return c.seen[julietName] }

func TestLevels(t *testing.T) {
	states := []struct {
		name                    string
		prepare                 func(c *coreRig)
		bound, approved, linked bool // does a message cross under that level
	}{
		{"nobody said anything", func(*coreRig) {}, true, false, false},
		{"Alice said yes", func(c *coreRig) { c.approve(c.theJuliet(), aliceJID) }, true, true, false},
		{"an admin said yes", func(c *coreRig) { c.approve(c.theJuliet(), "") }, true, true, false},
		{"Bob said yes", func(c *coreRig) { c.approve(c.theJuliet(), "bob@example.org") }, true, false, false},
		{"Alice said no", func(c *coreRig) { c.deny(c.theJuliet(), aliceJID) }, true, false, false},
		{"an admin said yes, Alice no", func(c *coreRig) { c.approve(c.theJuliet(), ""); c.deny(c.theJuliet(), aliceJID) }, true, false, false},
		{"Alice said yes, an admin no", func(c *coreRig) { c.approve(c.theJuliet(), aliceJID); c.deny(c.theJuliet(), "") }, true, false, false},
		{"she has linked an account", func(c *coreRig) { c.link(prontoAt) }, true, true, true},
		{"she has linked an account, and Alice said no", func(c *coreRig) { c.link(prontoAt); c.deny(c.theJuliet(), aliceJID) }, true, false, false},
		{"another machine has linked an account", func(c *coreRig) { c.link(mallory) }, true, false, false},
	}
	for _, s := range states {
		for level, want := range map[config.Mesh]bool{config.Bound: s.bound, config.Approved: s.approved, config.Linked: s.linked} {
			synctestRun(t, fmt.Sprintf("SEC-2 %s: %s", level, s.name), func(t *testing.T) {
				c := newLevelRig(t, level)
				c.recognised(linklocal.Recognised{Peer: julietName, Machine: prontoAt})
				s.prepare(c)
				c.session.take()
				c.speaks(prontoAt, aliceJID, "hello")
				if _, crossed := c.wrote(); (crossed == 1) != want {
					t.Errorf("crossed: %d, want %v", crossed, want)
				}
				if counted := c.drops.of("SEC-2") == 1; counted == want {
					t.Errorf("SEC-2 was counted: %v", counted)
				}
			})
		}
	}
}

// link makes Juliet's link, given at a machine.
func (c *coreRig) link(m linklocal.Machine) {
	c.setFact(store.Links, c.theJuliet().local, "juliet@example.com "+m.Pin().String())
}

func TestApprovedMachine(t *testing.T) {
	for _, tt := range []struct {
		name string
		now  linklocal.Machine
		want bool
	}{
		{"INJ-26 another lease of the same hardware keeps the approval", lease, true},
		{"INJ-26 SEC-2 other hardware, the old one silent: approved again first", radio, false},
		{"INJ-24 INJ-26 another host: approved again first", mallory, false},
		{"INJ-24 another host with the address and the hardware: approved again first", at("mallory", "10.2.1.187", "aa:aa"), false},
	} {
		synctestRun(t, tt.name, func(t *testing.T) {
			c := newLevelRig(t, config.Approved)
			c.speaks(prontoAt, aliceJID, "hello")
			c.approve(c.theJuliet(), aliceJID)
			c.wrote()
			c.peerGone(julietName, "")
			c.rest(time.Hour)
			c.peer(julietName, tt.now.Host)
			c.speaks(tt.now, aliceJID, "me again")
			list, crossed := c.wrote()
			if (crossed == 1) != tt.want || len(list) != 1 {
				t.Errorf("wrote %q", list)
			}
			if tt.want {
				return
			}
			if h := c.held(); len(h) != 1 || !strings.Contains(h[0].why, tt.now.Host) {
				t.Errorf("held %+v", h)
			}
			c.approve(c.theJuliet(), aliceJID)
			for _, m := range []linklocal.Machine{tt.now, prontoAt} {
				c.peer(julietName, m.Host)
				c.speaks(m, aliceJID, "and again")
			}
			_, crossed = c.wrote()
			if both := tt.now.Host == prontoAt.Host; crossed != 1 && !both || both && crossed != 2 {
				t.Errorf("after another yes %d crossed", crossed)
			}
		})
	}
	deliveries := func(c *coreRig) (list []linklocal.Delivery) {
		for _, d := range c.mesh.take() {
			if d.Token != 0 {
				list = append(list, d)
			}
		}
		return list
	}
	synctestRun(t, "SEC-2 what a colleague writes waits for the yes, and then goes to that machine alone, in order", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		c.recognised(linklocal.Recognised{Peer: julietName, Machine: prontoAt})
		for i := range 3 {
			c.hears(chat(aliceJID+"/r", fmt.Sprint(i), fmt.Sprint(i)))
		}
		if list, _ := c.wrote(); len(list) != 1 || !strings.Contains(list[0], "Your message to juliet@pronto on the local network waits: nobody has said yet that they know them (computer pronto, address 10.2.1.187). If you know them, answer: approve juliet@pronto") {
			t.Errorf("told %q", list)
		}
		if len(deliveries(c)) != 0 || len(c.held()) != 1 {
			t.Errorf("held %+v", c.held())
		}
		c.approve(c.theJuliet(), aliceJID)
		list := deliveries(c)
		for i, d := range list {
			if bodyOf(d.Stanza) != fmt.Sprint(i) || d.Machine == nil || !d.Machine.Is(prontoAt) || d.Machine.Is(radio) {
				t.Errorf("%d: %q for %v", i, bodyOf(d.Stanza), d.Machine)
			}
		}
		if len(list) != 3 {
			t.Errorf("%d went out", len(list))
		}
	})
	synctestRun(t, "SEC-2 a yes before the machine was ever met is for the first that is found", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		c.approve(c.theJuliet(), aliceJID)
		c.hears(chat(aliceJID+"/r", "1", "hello"))
		if list := deliveries(c); len(list) != 1 || list[0].Machine != nil {
			t.Fatalf("went out: %+v", list)
		}
		c.recognised(linklocal.Recognised{Peer: julietName, Machine: prontoAt})
		c.speaks(prontoAt, aliceJID, "hello")
		c.speaks(radio, aliceJID, "hello")
		if _, crossed := c.wrote(); crossed != 1 {
			t.Errorf("%d crossed", crossed)
		}
	})
	synctestRun(t, "INJ-26 approved: another machine answers under the name: held, reported, and delivered after a yes", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		c.recognised(linklocal.Recognised{Peer: julietName, Machine: prontoAt})
		c.approve(c.theJuliet(), aliceJID)
		c.hears(chat(aliceJID+"/r", "1", "hello"))
		list := deliveries(c)
		c.wrote()
		c.returned(linklocal.Returned{Proxy: aliceJID, Peer: julietName, Tokens: []uint64{list[0].Token}, Err: linklocal.ErrHeld, Machine: &radio})
		said, _ := c.wrote()
		if len(said) != 1 || !strings.Contains(said[0], "another machine has that name now (computer pronto, address 10.2.1.43)") {
			t.Errorf("told %q", said)
		}
		if h := c.held(); len(h) != 1 || !strings.Contains(h[0].why, "10.2.1.43") {
			t.Errorf("held %+v", h)
		}
		c.approve(c.theJuliet(), aliceJID)
		if list := deliveries(c); len(list) != 1 || !list[0].Machine.Is(radio) {
			t.Errorf("went out: %+v", list)
		}
	})
	synctestRun(t, "INJ-26 bound: another host name: held, queue untouched, logged once, in what is held; a yes of the colleague delivers", func(t *testing.T) {
		c, log := newLevelRig(t, config.Bound), new(logbook)
		c.log = slog.New(slog.NewTextHandler(log, nil))
		c.peerGone(julietName, "")
		c.hears(chat(aliceJID+"/r", "1", "for pronto"))
		c.peer(julietName, "mallory")
		c.recognised(linklocal.Recognised{Peer: julietName, Machine: mallory})
		c.hears(chat(aliceJID+"/r", "2", "for mallory"))
		if list := deliveries(c); len(list) != 1 || bodyOf(list[0].Stanza) != "for mallory" {
			t.Errorf("went out: %+v", list)
		}
		if n := strings.Count(log.String(), "another host has a name on the LAN"); n != 1 {
			t.Errorf("logged %d times", n)
		}
		h := c.held()
		if len(h) != 1 || h[0].colleague != aliceJID || !strings.Contains(h[0].why, "kept for the computer pronto: 1; the name is at mallory now") {
			t.Errorf("held %+v", h)
		}
		c.approve(c.theJuliet(), aliceJID)
		if list := deliveries(c); len(list) != 1 || bodyOf(list[0].Stanza) != "for pronto" || list[0].Host != "mallory" || !list[0].Machine.Is(mallory) {
			t.Errorf("went out: %+v", list)
		}
		if h := c.held(); len(h) != 0 {
			t.Errorf("held %+v", h)
		}
	})
	synctestRun(t, "INJ-24 a second claimant is in what is held until the first speaks again", func(t *testing.T) {
		c := newLevelRig(t, config.Bound)
		c.contested(linklocal.Contested{Peer: julietName, Holder: prontoAt, Claimant: radio})
		if h := c.held(); len(h) != 1 || !strings.Contains(h[0].why, "10.2.1.43") || c.drops.of("INJ-24") != 1 {
			t.Errorf("held %+v", h)
		}
		c.recognised(linklocal.Recognised{Peer: julietName, Machine: prontoAt})
		if h := c.held(); len(h) != 0 {
			t.Errorf("held %+v", h)
		}
	})
}

func TestIdentities(t *testing.T) {
	restart := func(t *testing.T, c *coreRig) *coreRig {
		n := newCoreRig(t)
		n.recall(c.store.copy())
		return n
	}
	synctestRun(t, "INJ-26 the machine of a peer whom somebody watches is known after a restart", func(t *testing.T) {
		c := newLevelRig(t, config.Bound)
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		c.recognised(linklocal.Recognised{Peer: julietName, Machine: prontoAt})
		c.recognised(linklocal.Recognised{Peer: julietName, Machine: lease})
		expectWords(t, restart(t, c).mesh.known, []string{julietName + " 10.2.1.187=aa:aa pronto"})
		c.recognised(linklocal.Recognised{Peer: julietName, Machine: radio.With(prontoAt)})
		expectWords(t, restart(t, c).mesh.known, []string{julietName + " 10.2.1.43=bb:bb,10.2.1.187=aa:aa pronto"})
	})
	synctestRun(t, "INJ-26 that of a peer for whom a message waits, too", func(t *testing.T) {
		c := newLevelRig(t, config.Bound)
		c.recognised(linklocal.Recognised{Peer: julietName, Machine: prontoAt})
		if len(c.store.Facts[store.Identities]) != 0 {
			t.Error("written for nobody")
		}
		c.peerGone(julietName, "")
		c.hears(chat(aliceJID+"/r", "1", "good morning"))
		expectWords(t, restart(t, c).mesh.known, []string{julietName + " 10.2.1.187=aa:aa pronto"})
	})
	synctestRun(t, "INJ-26 machines are remembered within bounds", func(t *testing.T) {
		c := newLevelRig(t, config.Bound)
		for i := range maxIdentities {
			c.setFact(store.Identities, fmt.Sprintf(`u%d\40x`, i), prontoAt.String())
		}
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		c.recognised(linklocal.Recognised{Peer: julietName, Machine: prontoAt})
		if n := len(c.facts[store.Identities]); n != 1 {
			t.Errorf("%d are remembered", n)
		}
	})
	synctestRun(t, "INJ-26 a damaged word about a machine is none", func(t *testing.T) {
		c := newCoreRig(t)
		s := c.store.copy()
		s.Facts[store.Identities] = map[string]string{`juliet\40pronto`: "10.2.1.1", `romeo\40forza`: mallory.String()}
		s.Facts[store.Approvals] = map[string]string{`juliet\40pronto`: "yes yes", `romeo\40forza`: "perhaps"}
		c.recall(s)
		expectWords(t, c.mesh.known, []string{"romeo@forza " + mallory.String()})
		for _, local := range []string{`juliet\40pronto`, `romeo\40forza`} {
			if c.approved(c.peerOf(local), aliceJID) {
				t.Errorf("%s is approved", local)
			}
		}
	})
}
