package linklocal_test

import (
	"context"
	"net/netip"
	"regexp"
	"strings"
	"sync"

	"meshbridge/linklocal/meshtest"
)

// purple is a client that does with streams what libpurple does, as measured: a
// stream that comes in replaces the one to the same person,
// which is closed without another look; messages wait for the peer's header.
type purple struct {
	c      *meshtest.Client
	buddy  string // talks to one person
	forget bool   // drops what waits for a stream that is replaced, as the real one does

	mu      sync.Mutex
	current *talk    // guarded by mu
	buffer  []string // guarded by mu; stanzas that wait for current
	read    []string // guarded by mu; message ids, in order, with repeats
	dropped []string // guarded by mu; stanzas lost with a replaced stream
	dials   int      // guarded by mu
}

// talk is one stream of a purple.
type talk struct {
	*meshtest.Stream
	ours  bool // we opened it
	ready bool // both headers were exchanged
}

func newPurple(c *meshtest.Client, buddy string) *purple {
	p := &purple{c: c, buddy: buddy}
	go p.accept()
	return p
}

func (p *purple) accept() {
	for {
		s, err := p.c.Accept()
		if err != nil {
			return
		}
		go p.run(&talk{Stream: s}, "")
	}
}

// purpleHost is a client with several buddies: the header of a stream says which of
// them it is from, whatever its messages say.
type purpleHost struct {
	c       *meshtest.Client
	buddies map[string]*purple // by instance

	mu        sync.Mutex
	invisible int // guarded by mu; streams that were from no buddy
}

func (h *purpleHost) talksTo(buddy string) *purple {
	p := &purple{c: h.c, buddy: buddy}
	h.buddies[buddy] = p
	return p
}

func (h *purpleHost) accept() {
	for {
		s, err := h.c.Accept()
		if err != nil {
			return
		}
		go h.welcome(s)
	}
}

// welcome reads the header of a stream and hands it to the buddy's end.
func (h *purpleHost) welcome(s *meshtest.Stream) {
	text, b := "", make([]byte, 4096)
	for !headed(text) {
		n, err := s.Read(b)
		if err != nil {
			s.Close()
			return
		}
		text += string(b[:n])
	}
	if p := h.buddies[attribute(text, "from")]; p != nil {
		p.run(&talk{Stream: s}, text)
		return
	}
	h.mu.Lock()
	h.invisible++
	h.mu.Unlock()
	s.Close()
}

// headed reports whether a stream header stands in text.
func headed(text string) bool {
	at := strings.Index(text, "<stream:stream ")
	return at >= 0 && strings.Contains(text[at:], ">")
}

// write sends a message, over a new stream if there is none.
func (p *purple) write(id string) {
	text := "<message to='" + p.buddy + "' from='" + p.c.Instance + "' type='chat' id='" + id + "'><body>" + id + "</body></message>"
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.current == nil:
		p.buffer = append(p.buffer, text)
		p.current = &talk{ours: true}
		p.dials++
		go p.dial(p.current)
	case p.current.ready:
		go p.current.Say(text)
	default:
		p.buffer = append(p.buffer, text)
	}
}

func (p *purple) dial(t *talk) {
	s, err := p.c.Dial(context.Background(), p.buddy)
	p.mu.Lock()
	if err != nil || p.current != t {
		p.mu.Unlock()
		if err == nil {
			s.Close() // replaced while it was connecting
		}
		return
	}
	t.Stream = s
	p.mu.Unlock()
	if s.Say(meshtest.Header(p.c.Instance, p.buddy)) == nil {
		p.run(t, "")
	}
}

var idOf = regexp.MustCompile(`<message [^>]*id='([^']*)'[^>]*>.*?</message>`)

// run reads a stream to its end. text is what was read of it already.
func (p *purple) run(t *talk, text string) {
	defer t.Close()
	defer p.over(t)
	known := false
	for b := make([]byte, 4096); ; {
		if !known && headed(text) {
			known = true
			if !p.established(t) {
				return
			}
		}
		for {
			m := idOf.FindStringSubmatchIndex(text)
			if m == nil {
				break
			}
			p.mu.Lock()
			p.read = append(p.read, text[m[2]:m[3]])
			p.mu.Unlock()
			text = text[m[1]:]
		}
		if strings.Contains(text, endTag) {
			t.Say(endTag)
			return
		}
		n, err := t.Read(b)
		if err != nil {
			return
		}
		text += string(b[:n])
	}
}

// established takes in the peer's header. What waited goes out.
func (p *purple) established(t *talk) bool {
	p.mu.Lock()
	old := p.current
	if !t.ours && old != nil && old != t {
		if p.forget && !old.ready {
			p.dropped = append(p.dropped, p.buffer...)
			p.buffer = nil
		}
		if old.Stream != nil {
			go func() { old.Say(endTag); old.Close() }()
		}
	}
	if t.ours && old != t {
		p.mu.Unlock()
		return false
	}
	p.current, t.ready = t, true
	waiting := p.buffer
	p.buffer = nil
	p.mu.Unlock()
	if !t.ours && t.Say(meshtest.Header(p.c.Instance, p.buddy)) != nil {
		return false
	}
	for _, text := range waiting {
		if t.Say(text) != nil {
			return false
		}
	}
	return true
}

// over forgets a stream that has ended.
func (p *purple) over(t *talk) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == t {
		p.current = nil
	}
}

// hangUp closes the conversation, as when its window is closed.
func (p *purple) hangUp() {
	p.mu.Lock()
	var s *meshtest.Stream
	if p.current != nil {
		s = p.current.Stream
	}
	p.mu.Unlock()
	if s != nil {
		s.Say(endTag)
		s.Close()
	}
}

// heard returns the ids of the messages read, each once, in the order in which they
// came first.
func (p *purple) heard() (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := map[string]bool{}
	for _, id := range p.read {
		if !seen[id] {
			seen[id] = true
			list = append(list, id)
		}
	}
	return list
}

// standing returns how many streams between a host and the mesh are open.
func standing(o *office, host netip.Addr) (n int) {
	for _, c := range o.Connections() {
		for _, end := range []*meshtest.Conn{c, c.Far()} {
			if addrOf(end) == host {
				n++
			}
		}
	}
	return n
}

func addrOf(c *meshtest.Conn) netip.Addr {
	return netip.MustParseAddrPort(c.LocalAddr().String()).Addr()
}
