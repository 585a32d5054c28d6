package bridge

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
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
			list = append(list, e.Condition)
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

func TestAsking(t *testing.T) {
	synctestRun(t, "SEC-2 a message below the level is refused in words, and the colleague is asked once, whatever comes", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		c.speaks(prontoAt, aliceJID, "hello")
		list, _ := c.wrote()
		want := "gateway > " + aliceJID + ": juliet@pronto on the local network wants to write to you (computer pronto, address 10.2.1.187)." +
			" If you know them, answer: approve juliet@pronto\nIf you do not, answer: deny juliet@pronto"
		expectWords(t, list, []string{want})
		expectWords(t, c.told(), []string{"forbidden", "[gateway] Your message to Alice was not delivered: they have not approved you yet, and have been asked. Send it again when they have said yes."})
		for range 3 {
			c.speaks(mallory, aliceJID, "hello?")
			c.rest(2 * time.Hour)
		}
		list, _ = c.wrote()
		expectWords(t, list, nil)
		if h := c.held(); len(h) != 1 || h[0].peer != c.theJuliet() || h[0].colleague != aliceJID || !strings.Contains(h[0].why, "address 10.2.1.187") || !strings.Contains(h[0].todo, "approve or deny juliet@pronto") {
			t.Errorf("held: %+v", h)
		}
	})
	synctestRun(t, "SEC-2 after the yes it crosses, and nobody is held back", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		c.speaks(prontoAt, aliceJID, "hello")
		c.wrote()
		c.told()
		c.approve(c.theJuliet(), aliceJID)
		expectWords(t, c.told(), []string{"[gateway] You can write to Alice now. Send again what was not delivered."})
		c.speaks(prontoAt, aliceJID, "hello again")
		list, _ := c.wrote()
		expectWords(t, list, []string{julietJID + " > " + aliceJID + ": hello again"})
		c.speaks(prontoAt, "bob@example.org", "and you?")
		list, _ = c.wrote()
		if len(list) != 1 || !strings.HasPrefix(list[0], "gateway > bob@example.org: juliet@pronto") {
			t.Errorf("Bob: %q", list)
		}
		if h := c.held(); len(h) != 1 || h[0].colleague != "bob@example.org" {
			t.Errorf("held: %+v", h)
		}
	})
	synctestRun(t, "SEC-2 after a no nobody is asked again, and what the colleague writes is refused", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		c.speaks(prontoAt, aliceJID, "hello")
		c.deny(c.theJuliet(), aliceJID)
		c.wrote()
		c.told()
		c.rest(time.Hour)
		c.speaks(mallory, aliceJID, "hello?")
		expectWords(t, c.told(), []string{"forbidden", "[gateway] Your message to Alice was not delivered: they do not take messages from you here."})
		c.hears(chat(aliceJID+"/r", "1", "go away"))
		sent := c.session.take()
		if len(sent) != 1 {
			t.Fatalf("told %+v", sent)
		}
		if e, ok := stanza.ErrorOf(sent[0]); !ok || !strings.Contains(e.Text, "said no to this person") {
			t.Errorf("told %+v", sent)
		}
		if len(c.held()) != 0 || len(c.routes) != 0 {
			t.Errorf("held %+v, routes %d", c.held(), len(c.routes))
		}
	})
	for _, who := range []string{aliceJID, ""} {
		synctestRun(t, fmt.Sprintf("SEC-2 a no of %q answers what waits for a yes, once, and nobody else's", who), func(t *testing.T) {
			c := newLevelRig(t, config.Approved)
			c.peer(romeoName, "forza")
			c.hears(chat(aliceJID+"/r", "1", "are you there?"))
			c.hears(chat(aliceJID+"/r", "2", "hello?"))
			romeo := chat(aliceJID+"/r", "3", "and you?")
			romeo.To = romeoJID
			c.hears(romeo)
			c.session.take()
			c.deny(c.theJuliet(), who)
			wantWords(t, "Alice is told", errorsIn(c.session.take()), julietJID+" forbidden", julietJID+" forbidden")
			if n := len(c.routes); n != 1 {
				t.Errorf("%d queues are left", n)
			}
			c.deny(c.theJuliet(), who)
			c.rest(4 * 24 * time.Hour)
			if got := errorsIn(c.session.take()); slices.Contains(got, julietJID+" forbidden") {
				t.Errorf("and again: %q", got)
			}
		})
	}
	synctestRun(t, "SEC-2 a yes is for the machine that was asked about, whoever spoke since", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		c.speaks(prontoAt, aliceJID, "it is I")
		c.speaks(mallory, aliceJID, "no, I")
		c.approve(c.theJuliet(), aliceJID)
		c.wrote()
		c.speaks(mallory, aliceJID, "let me in")
		if _, crossed := c.wrote(); crossed != 0 {
			t.Error("the other machine was let in")
		}
		c.speaks(prontoAt, aliceJID, "it is I")
		if _, crossed := c.wrote(); crossed != 1 {
			t.Error("she was not")
		}
	})
	synctestRun(t, "SEC-2 linked: the peer is told what to do, and nobody is asked", func(t *testing.T) {
		c := newLevelRig(t, config.Linked)
		c.speaks(prontoAt, aliceJID, "hello")
		list, _ := c.wrote()
		expectWords(t, list, nil)
		told := c.told()
		if len(told) != 2 || told[0] != "forbidden" || !strings.Contains(told[1], "link juliet@example.org, to gateway@office") {
			t.Errorf("told %q", told)
		}
		if h := c.held(); len(h) != 1 || !strings.Contains(h[0].why, "own an XMPP account") {
			t.Errorf("held: %+v", h)
		}
	})
	synctestRun(t, "SEC-2 INJ-27 a code is to be typed to the gateway, and not to who took its name first", func(t *testing.T) {
		c := newLevelRig(t, config.Linked)
		c.listening = time.Now()
		c.showContact()
		c.contactChanged(linklocal.ProxyChanged{Proxy: contactKey, Instance: "gateway-2@office", Announced: true})
		c.mesh.take()
		c.speaks(prontoAt, aliceJID, "hello")
		if told := strings.Join(c.told(), " "); !strings.Contains(told, "to gateway-2@office.") || strings.Contains(told, contactName) {
			t.Errorf("told %q", told)
		}
		if h := c.held(); len(h) != 1 || !strings.HasSuffix(h[0].todo, "to gateway-2@office") {
			t.Errorf("held: %+v", h)
		}
	})
	synctestRun(t, "SEC-2 INJ-24 the name in a question, sent back in words, is that of the one whom it is about", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		for _, instance := range []string{"juliet@pronto.", "“juliet@pronto”", "juliet  x@pronto", "gateway@offline", strings.Repeat("j", 60)} {
			c.peer(instance, "mallory")
			p := c.seen[instance]
			_, name := wordsOf("deny " + c.typeable(p))
			if local, unclear := c.exactly(name); local != p.local {
				t.Errorf("%q is to be denied as %q, and that denies %q %s", instance, c.typeable(p), local, unclear)
			}
			c.noticed, c.asking = newRecent[subject](noticePause, maxNoticed), newRecent[subject](askPause, maxNoticed)
			c.session.take()
			c.askAbout(c.colleagues[aliceJID], p, nil, "")
			if list, _ := c.wrote(); len(list) != 1 || !strings.Contains(list[0], "answer: deny "+c.typeable(p)) {
				t.Errorf("asked %q", list)
			}
		}
	})
	synctestRun(t, "SEC-2 linked: who writes to a peer that has not linked is told that it waits, whoever wrote first", func(t *testing.T) {
		for _, first := range []bool{false, true} {
			c := newLevelRig(t, config.Linked)
			if first {
				c.speaks(prontoAt, aliceJID, "hello")
				c.wrote()
			}
			c.hears(chat(aliceJID+"/r", "1", "are you there?"))
			c.hears(chat(aliceJID+"/r", "2", "hello?"))
			list, _ := c.wrote()
			if len(list) != 1 || !strings.HasPrefix(list[0], "gateway > "+aliceJID+": Your message to juliet@pronto on the local network waits: they have yet to prove there that they own an XMPP account") || strings.Contains(list[0], "approve") {
				t.Errorf("Juliet wrote before, %v: %q", first, list)
			}
			if h := c.held(); len(h) != 1 {
				t.Errorf("held: %+v", h)
			}
		}
	})
	synctestRun(t, "SEC-2 INJ-9 who may not be written to at all is not asked", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		c.policy.Listed = map[string]bool{}
		c.speaks(prontoAt, aliceJID, "hello")
		list, _ := c.wrote()
		expectWords(t, list, nil)
		if told := c.told(); len(told) != 2 || !strings.Contains(told[1], "does not let you write to them") || len(c.held()) != 0 {
			t.Errorf("told %q, held %+v", told, c.held())
		}
	})
	synctestRun(t, "SEC-2 made-up names in one colleague's words take no memory, nor the room of others", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		peers := len(c.peers)
		for n := range maxApprovalsEach + 50 {
			c.decideNamed(aliceJID, fmt.Sprintf("nobody%d@nowhere", n), n%2 == 0)
		}
		if n, more := len(c.facts[store.Approvals]), len(c.peers)-peers; n != maxApprovalsEach || more != 0 {
			t.Errorf("%d words, and %d peers more", n, more)
		}
		if said := c.decideNamed(aliceJID, "one@more", true); !strings.Contains(said, "no room") {
			t.Errorf("told %q", said)
		}
		if c.decideNamed(aliceJID, "nobody0@nowhere", false); c.fact(store.Approvals, localOf("nobody0@nowhere")+" "+aliceJID) != saidNo {
			t.Error("she cannot change her mind")
		}
		if said := c.decideNamed("bob@example.org", julietName, true); !strings.Contains(said, "is approved") {
			t.Errorf("Bob is told %q", said)
		}
	})
	synctestRun(t, "SEC-2 a no at the lowest level, where it changes nothing, leaves nothing behind", func(t *testing.T) {
		c := newLevelRig(t, config.Bound)
		peers := len(c.peers)
		c.decideNamed(aliceJID, "nobody@nowhere", false)
		if n := len(c.peers) - peers; n != 0 || len(c.facts[store.Approvals]) != 0 {
			t.Errorf("%d peers, %v", n, c.facts[store.Approvals])
		}
	})
	synctestRun(t, "SEC-2 typing and questions below the level ask nobody", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		for _, s := range []stanza.Stanza{
			{Kind: stanza.Message, Type: "chat", Payload: []*stanza.Element{stanza.New(stanza.NSChatStates, "composing")}},
			{Kind: stanza.IQ, Type: "get", ID: "q", Payload: []*stanza.Element{stanza.New(stanza.NSDiscoInfo, "query")}},
			{Kind: stanza.Message, Type: "error", ID: "e"},
		} {
			c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Machine: &prontoAt, Stanza: s})
		}
		list, _ := c.wrote()
		if len(list) != 0 || len(c.held()) != 0 {
			t.Errorf("wrote %q, held %+v", list, c.held())
		}
	})
	synctestRun(t, "SEC-2 a thousand made-up names make five questions an hour, and bounded memory", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		for hour := range 2 {
			for i := range 1000 {
				name := fmt.Sprintf("u%d-%d@x", hour, i)
				c.peer(name, "x")
				c.fromMesh(linklocal.Received{Peer: name, Proxy: aliceJID, Machine: &mallory, Stanza: chat("", "1", "hi")})
			}
			if list, _ := c.wrote(); len(list) != askBurst {
				t.Errorf("%d questions", len(list))
			}
			c.rest(askPause)
		}
		for i := range maxHolds + 10 {
			c.markHeld(c.peerOf(fmt.Sprintf(`p%d\40x`, i)), fmt.Sprintf("c%d@example.org", i), nil)
		}
		if n := len(c.held()); n != maxHolds {
			t.Errorf("%d held", n)
		}
	})
	synctestRun(t, "SEC-2 while the server is away nobody is taken for asked", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		c.lost()
		c.speaks(prontoAt, aliceJID, "hello")
		c.Gateway.up(c.session)
		c.session.take()
		c.speaks(prontoAt, aliceJID, "hello")
		if list, _ := c.wrote(); len(list) != 1 {
			t.Errorf("asked %q", list)
		}
	})
	synctestRun(t, "SEC-2 questions, approvals and denials survive a restart", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		c.speaks(prontoAt, aliceJID, "hello")
		c.recognised(linklocal.Recognised{Peer: julietName, Machine: prontoAt})
		again := func() *coreRig {
			n := newLevelRig(t, config.Approved)
			n.recall(c.store.copy())
			n.store = c.store
			n.keeper = c.store
			return n
		}
		c = again()
		c.speaks(prontoAt, aliceJID, "hello")
		if list, _ := c.wrote(); len(list) != 0 || len(c.held()) != 1 {
			t.Errorf("asked again: %q, held %+v", list, c.held())
		}
		c.approve(c.theJuliet(), aliceJID)
		c.deny(c.theJuliet(), "bob@example.org")
		c = again()
		c.speaks(lease, aliceJID, "hello")
		c.speaks(lease, "bob@example.org", "hello")
		if list, crossed := c.wrote(); crossed != 1 || len(list) != 1 {
			t.Errorf("wrote %q", list)
		}
	})
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
			c.peerGone(julietName)
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
		c.peerGone(julietName)
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
		c.peerGone(julietName)
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
