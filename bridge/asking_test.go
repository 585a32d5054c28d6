package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

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
	synctestRun(t, "LL-11.5-1 MAP-E5 SEC-2 after a no nobody is asked again, and what the colleague writes is refused", func(t *testing.T) {
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
