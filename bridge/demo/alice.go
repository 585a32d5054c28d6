package demo

import (
	"strings"
	"sync"
	"time"

	"meshbridge/bridge/address"
	"meshbridge/internal/stanza"
	"meshbridge/upstream/embedded"
)

// alice is the colleague: an account of the server with a client that a script
// works.
type alice struct {
	p           *play
	account     *embedded.Account
	juliet      string // proxy JID
	found       chan struct{}
	sees, reads chan struct{}
	find        sync.Once
	once, read  sync.Once
}

func newAlice(p *play, server *embedded.Server) *alice {
	local, _ := address.ProxyLocal(julietInstance)
	a := &alice{
		p: p, account: server.Account(aliceJID), juliet: local + "@" + component,
		found: make(chan struct{}), sees: make(chan struct{}), reads: make(chan struct{}),
	}
	a.account.Handle(a.handle)
	a.account.Available("", "At my desk")
	return a
}

// ask lets Alice ask the bridge itself who is on the LAN.
func (a *alice) ask() {
	a.p.out.say("alice", "asks %s who is there", component)
	a.account.Send(component, "Who is there?")
}

// told reads the bridge's answer, and asks again as long as Juliet is not in it.
func (a *alice) told(body string) {
	if !strings.Contains(body, a.juliet) {
		time.AfterFunc(askAgain, func() { a.account.Send(component, "Who is there now?") })
		return
	}
	a.find.Do(func() {
		a.p.out.say("alice", "is told: %s", a.juliet)
		close(a.found)
	})
}

// askAgain is a pause: the bridge needs a moment to see who has just come.
const askAgain = 200 * time.Millisecond

// subscribe puts Juliet's proxy JID into Alice's roster.
func (a *alice) subscribe() {
	a.p.out.say("alice", "adds %s to her contacts", a.juliet)
	a.account.Subscribe(a.juliet)
}

func (a *alice) write(body string) {
	a.p.out.say("alice", "writes to juliet: %s", quoted(body))
	a.account.Send(a.juliet, body)
}

// handle is what Alice's client does with what arrives.
func (a *alice) handle(s stanza.Stanza) {
	if a.p.Verbose {
		a.p.out.stanza("alice", stanza.Client, s)
	}
	from, _, _ := strings.Cut(s.From, "/")
	body := s.Child("", "body")
	switch {
	case s.Kind == stanza.Presence && s.Type == "" && from == a.juliet:
		a.once.Do(func() {
			a.p.out.say("alice", "sees %s come online", from)
			close(a.sees)
		})
	case s.Kind == stanza.Message && from == component && body != nil:
		a.told(body.Text())
	case s.Kind == stanza.Message && s.Type != "error" && body != nil:
		a.p.out.say("alice", "reads from %s: %s", from, quoted(body.Text()))
		switch {
		case from != a.juliet:
			a.account.Send(s.From, "You wrote: "+body.Text())
		case body.Text() == julietSays:
			a.read.Do(func() { close(a.reads) })
		}
	}
}
