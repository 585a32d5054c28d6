package bridge

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"meshbridge/internal/stanza"
)

// standin stands in for a server: it notes what the bridge sends and says whatever a
// test wants to be said.
type standin struct {
	o *office

	mu      sync.Mutex
	silent  bool          // never answers the proof with <handshake/>
	before  string        // said right before <handshake/>
	lost    bool          // swallows routed pings
	twin    bool          // swallows some of them, as a server does that gives them to another connection
	pongs   bool          // colleagues answer pings
	allergy string        // it ends the stream when it is given this text
	refuses string        // stream error instead of <handshake/>
	closes  time.Duration // how long it takes to answer a closing tag
	dials   int
	far     net.Conn // newest
	heard   []noted

	// Set before it is dialled.
	chunk int                   // most octets of one read; 0: no limit
	ear   func(*stanza.Element) // told of what is noted, and with nil of a closing tag
}

type noted struct {
	at time.Time
	stanza.Stanza
}

// withStandin puts a stand-in in the place of the server.
func withStandin(s *standin) func(*office) {
	return func(o *office) {
		s.o = o
		o.dial = s.dial
	}
}

func (s *standin) dial(context.Context, string, string) (net.Conn, error) {
	near, far := s.pipe()
	s.mu.Lock()
	s.far = far
	s.dials++
	s.mu.Unlock()
	go s.serve(far)
	return loopback{near}, nil
}

func (s *standin) pipe() (near, far net.Conn) {
	near, far = net.Pipe()
	if s.chunk > 0 {
		return sips{near, s.chunk}, sips{far, s.chunk}
	}
	return near, far
}

// sips is a connection that gives little at a time.
type sips struct {
	net.Conn
	most int
}

func (s sips) Read(b []byte) (int, error) { return s.Conn.Read(b[:min(len(b), s.most)]) }

// loopback is a connection that leads to this machine.
type loopback struct{ net.Conn }

func (loopback) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5347} }

func (s *standin) serve(conn net.Conn) {
	defer conn.Close()
	r := stanza.NewReader(conn, stanza.Component, stanza.Limits{})
	if _, err := r.Header(); err != nil {
		return
	}
	io.WriteString(conn, `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' `+
		`xmlns:stream='http://etherx.jabber.org/streams' from='`+component+`' id='3BF96D32'>`)
	if _, err := r.Next(); err != nil {
		return
	}
	s.mu.Lock()
	silent, before, refuses := s.silent, s.before, s.refuses
	s.mu.Unlock()
	switch {
	case refuses != "":
		io.WriteString(conn, `<stream:error><`+refuses+` xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`)
	case !silent:
		io.WriteString(conn, before+`<handshake/>`)
	}
	s.listen(conn, r)
}

func (s *standin) listen(conn net.Conn, r *stanza.Reader) {
	for {
		e, err := r.Next()
		if err == stanza.ErrClosed {
			s.mu.Lock()
			closes := s.closes
			s.mu.Unlock()
			s.tell(nil)
			<-time.After(closes)
			io.WriteString(conn, `</stream:stream>`)
			return
		}
		if err != nil {
			return
		}
		st, ok := stanza.Parse(e)
		s.mu.Lock()
		lost, pongs := s.lost, s.pongs
		ping := st.From == component && st.To == component
		lost = lost || s.twin && ping && st.ID[0]%2 == 0
		if s.allergy != "" && strings.Contains(string(stanza.AppendElement(nil, stanza.Component, e)), s.allergy) {
			s.mu.Unlock()
			io.WriteString(conn, `<stream:error><not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`)
			return
		}
		if ok && !ping {
			s.heard = append(s.heard, noted{time.Now(), st})
		}
		s.mu.Unlock()
		if !ping && !(isPing(st) && pongs) {
			s.tell(e)
		}
		switch {
		case ping && lost:
		case ping:
			conn.Write(stanza.Append(nil, stanza.Component, st))
		case isPing(st) && pongs:
			conn.Write(stanza.Append(nil, stanza.Component, result(st)))
		}
	}
}

func (s *standin) tell(e *stanza.Element) {
	if s.ear != nil {
		s.ear(e)
	}
}

func isPing(s stanza.Stanza) bool {
	return s.Kind == stanza.IQ && s.Child(stanza.NSPing, "ping") != nil
}

// silences makes the server say nothing to a proof any more, or speak again.
func (s *standin) silences(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = yes
}

// set changes how the server behaves.
func (s *standin) set(change func(*standin)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// newest returns the connection, or nil when there was none yet.
func (s *standin) newest() net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.far
}

// count returns how often it was dialled.
func (s *standin) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dials
}

// says writes octets to the bridge.
func (s *standin) says(text string) {
	s.o.Helper()
	s.mu.Lock()
	far := s.far
	s.mu.Unlock()
	_, err := io.WriteString(far, text)
	s.o.must(err)
	synctest.Wait()
}

// hangsUp breaks the connection.
func (s *standin) hangsUp() {
	if far := s.newest(); far != nil {
		far.Close()
	}
	synctest.Wait()
}

// noted returns what the bridge has sent since the last time.
func (s *standin) noted() []noted {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.heard
	s.heard = nil
	return list
}

// got returns the stanzas of noted.
func (s *standin) got() []stanza.Stanza {
	var list []stanza.Stanza
	for _, n := range s.noted() {
		list = append(list, n.Stanza)
	}
	return list
}

// told returns the presences sent since the last time: "to type-or-standing from".
func (s *standin) told() []string {
	var words []string
	for _, st := range s.got() {
		if st.Kind == stanza.Presence {
			words = append(words, st.From+" -> "+st.To+": "+standingOf(st))
		}
	}
	return words
}

// presence returns the presence of a colleague's device.
func presenceFrom(from, kind, inner string) string {
	if kind != "" {
		kind = ` type='` + kind + `'`
	}
	return `<presence from='` + from + `' to='` + component + `'` + kind + `>` + inner + `</presence>`
}

// comesOnline is the answer of Alice's server at the start: she is subscribed to by
// the gateway, and here.
func (s *standin) comesOnline(device, inner string) {
	s.o.Helper()
	s.says(presenceFrom(aliceJID+"/"+device, "", inner))
}
