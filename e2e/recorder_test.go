//go:build linux

package e2e

import (
	"crypto/sha1"
	"encoding/xml"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// A recorder is the server side of XEP-0114 that keeps every byte and can
// misbehave. Behind it lives a played Alice, who accepts, is available, and
// answers pings.
type recorder struct {
	script  []answer // what connection 1, 2, … meets; the last one stays
	streams *journal[*componentStream]
	stanzas *journal[stanzaIn]
	close   func()

	mu    sync.Mutex
	alice string // guarded by mu; her presence's children
}

// An answer is what a connection gets for its handshake.
type answer int

const (
	accepts answer = iota // <handshake/> at once, if the digest is right
	dawdles               // the same, dawdle later
	refuses               // not-authorized, whatever the digest
	mute                  // nothing at all
)

const dawdle = 5 * time.Second

// A componentStream is one connection of the program under test.
type componentStream struct {
	*record
	number  int
	welcome chan struct{} // closed when <handshake/> was written
	at      time.Time     // when that was, readable after welcome
}

// A stanzaIn is one element that came after the handshake.
type stanzaIn struct {
	at time.Time
	node
	stream int
	raw    string
}

// newRecorder listens where the server would.
func (o *office) newRecorder(t testing.TB, script ...answer) *recorder {
	t.Helper()
	r := &recorder{script: script, streams: newJournal[*componentStream](), stanzas: newJournal[stanzaIn]()}
	var l net.Listener
	err := o.srv.do(func() (err error) {
		l, err = net.Listen("tcp", serverWAN+":5347")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r.close = func() {
		l.Close()
		for _, s := range r.streams.all() {
			s.conn.Close()
		}
	}
	t.Cleanup(r.close)
	go func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s := &componentStream{record: newRecord(conn), number: n, welcome: make(chan struct{})}
			r.streams.add(s)
			go r.serve(s, script[min(n, len(script))-1])
		}
	}()
	return r
}

// serve leads one connection through its life.
func (r *recorder) serve(s *componentStream, a answer) {
	d := xml.NewDecoder(s.reader())
	if _, err := nextStart(d); err != nil {
		return
	}
	id := fmt.Sprintf("stream&%d", s.number) // to be unescaped before it is hashed (COMP-2)
	s.write(`<?xml version="1.0"?><stream:stream xmlns="jabber:component:accept" xmlns:stream="%s" from="%s" id="%s">`,
		streamNS, domain, quoted(id))
	handshake, err := nextNode(d)
	if err != nil {
		return
	}
	digest := fmt.Sprintf("%x", sha1.Sum([]byte(id+secret)))
	if a == refuses || handshake.XMLName.Local != "handshake" || handshake.Text != digest {
		s.write(`<stream:error><not-authorized xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error></stream:stream>`)
		s.conn.Close()
		return
	}
	switch a {
	case mute:
		return
	case dawdles:
		<-time.After(dawdle)
	}
	s.at = time.Now()
	s.write("<handshake/>")
	close(s.welcome)
	r.converse(s, d)
}

// welcomed waits until <handshake/> was written and returns when that was.
func (s *componentStream) welcomed(t testing.TB, within time.Duration) time.Time {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	select {
	case <-s.welcome:
	case <-deadline.C:
		t.Fatalf("no handshake within %v; heard: %q", within, s.text())
	}
	return s.at
}

func (s *componentStream) write(format string, args ...any) {
	fmt.Fprintf(s.conn, format, args...) // a broken connection shows in the record
}

// converse files every stanza and lets Alice answer.
func (r *recorder) converse(s *componentStream, d *xml.Decoder) {
	for {
		begin := d.InputOffset()
		n, err := nextNode(d)
		if err != nil {
			s.write("</stream:stream>")
			s.conn.Close()
			return
		}
		data, _, _ := s.look()
		raw := strings.TrimSpace(string(data[begin:d.InputOffset()]))
		r.stanzas.add(stanzaIn{time.Now(), n, s.number, raw})
		r.reply(s, n, raw)
	}
}

// reply is what a server and Alice would do.
func (r *recorder) reply(s *componentStream, n node, raw string) {
	from, to := n.attr("from"), n.attr("to")
	switch kind := n.XMLName.Local; {
	case to == domain || strings.HasSuffix(to, "@"+domain):
		s.write("%s", raw) // routed back to the component
	case kind == "presence" && n.attr("type") == "subscribe":
		s.write(`<presence from="%s" to="%s" type="subscribed"/>`, aliceJID, quoted(from))
		s.write("%s", r.presence(from))
	case kind == "presence" && n.attr("type") == "probe":
		s.write("%s", r.presence(from))
	case kind == "iq" && (n.attr("type") == "get" || n.attr("type") == "set"):
		s.write(`<iq from="%s" to="%s" id="%s" type="result"/>`, quoted(to), quoted(from), quoted(n.attr("id")))
	}
}

// presence is Alice's, to one address.
func (r *recorder) presence(to string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf(`<presence from="%s/phone" to="%s">%s</presence>`, aliceJID, quoted(to), r.alice)
}

// current returns the newest connection.
func (r *recorder) current(t testing.TB) *componentStream {
	t.Helper()
	all := r.streams.all()
	if len(all) == 0 {
		t.Fatal("the bridge has not connected")
	}
	return all[len(all)-1]
}

// send writes a stanza to the component as the server would.
func (r *recorder) send(t testing.TB, xml string) {
	t.Helper()
	r.current(t).write("%s", xml)
}

// onlyHandshake is all that may be on the wire before the server's answer.
var onlyHandshake = regexp.MustCompile(
	`^(<\?xml[^>]*\?>)?\s*<stream:stream [^<>]*>\s*<handshake( [^<>]*)?>[0-9a-f]{40}</handshake>\s*$`)

// stream matches the n-th connection.
func stream(n int) func(*componentStream) bool {
	return func(s *componentStream) bool { return s.number == n }
}

// message matches a message by its body.
func message(body string) func(stanzaIn) bool {
	return func(s stanzaIn) bool { return s.XMLName.Local == "message" && s.text("body") == body }
}
