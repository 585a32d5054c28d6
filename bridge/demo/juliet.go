package demo

import (
	"sync"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// julietInstance is how Juliet's client advertises her.
const julietInstance = "juliet@pronto"

// juliet is the person on the LAN: a mesh without a mark is an XEP-0174 client with
// one instance of its own.
type juliet struct {
	p           *play
	mesh        *linklocal.Mesh
	alice       string // instance of the proxy, set before sees is closed
	sees, reads chan struct{}
	once, read  sync.Once
}

func newJuliet(p *play) (*juliet, error) {
	j := &juliet{p: p, sees: make(chan struct{}), reads: make(chan struct{})}
	var err error
	j.mesh, err = linklocal.New(linklocal.Config{
		Interfaces: []string{p.Interface}, Machine: "pronto", LegacyPort: true,
		DepartureDelay: 2 * time.Second, Log: p.Log, Handle: j.handle,
	})
	if err != nil {
		return nil, err
	}
	j.mesh.Publish(linklocal.Proxy{
		Key: julietInstance, Instance: julietInstance,
		Rename:  func(int) string { return julietInstance },
		Profile: linklocal.Profile{Status: linklocal.Available, First: "Juliet", Last: "Capulet"},
	})
	return j, nil
}

func (j *juliet) write(body string) {
	j.p.out.say("juliet", "writes to %s: %s", j.alice, quoted(body))
	j.mesh.Send(linklocal.Delivery{
		Proxy: julietInstance, Peer: j.alice, Token: 1,
		Stanza: stanza.Stanza{Kind: stanza.Message, Type: "chat", Payload: []*stanza.Element{
			stanza.New("", "body").AddText(body),
		}},
	})
}

// handle is what Juliet's client does with what arrives.
func (j *juliet) handle(ev linklocal.Event) {
	switch ev := ev.(type) {
	case linklocal.ProxyChanged:
		if ev.Announced {
			j.p.out.say("juliet", "is on the LAN as %s", ev.Instance)
		}
	case linklocal.PeerChanged:
		if ev.Peer.Profile.Nick == "Alice" {
			j.once.Do(func() {
				j.alice = ev.Peer.Instance
				j.p.out.say("juliet", "sees %s (%s): %q", ev.Peer.Profile.Nick, ev.Peer.Instance, ev.Peer.Profile.Message)
				close(j.sees)
			})
		}
	case linklocal.Received:
		j.message(ev.Stanza)
	}
}

func (j *juliet) message(s stanza.Stanza) {
	if j.p.Verbose {
		j.p.out.stanza("juliet", stanza.Client, s)
	}
	if body := s.Child("", "body"); body != nil && s.Type != "error" {
		j.p.out.say("juliet", "reads: %s", quoted(body.Text()))
		if body.Text() == aliceSays {
			j.read.Do(func() { close(j.reads) })
		}
	}
}
