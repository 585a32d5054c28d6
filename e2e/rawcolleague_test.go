//go:build linux

package e2e

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A rawColleague is a remote person whose XMPP client is played by the test: fast
// enough to see a server at saturation, and with every copy of what came, over all
// the sessions that the person has. What judges the client itself is alice.py.
type rawColleague struct {
	place *namespace // where their server is
	name  string
	seen  *journal[sighting]
	pongs *journal[string] // ids of answers to what they asked
	// relaxed leaves it to the kernel when to acknowledge what was read.
	relaxed bool

	mu      sync.Mutex
	session *rawSession // guarded by mu; the latest; nil: there was none
}

// A rawSession is one login. What is read on it goes to its owner.
type rawSession struct {
	conn    net.Conn
	d       *xml.Decoder
	relaxed bool
	ended   chan struct{} // closed when all that came has been read

	mu sync.Mutex // of writing
}

func (o *office) newRawColleague(name string) *rawColleague {
	return &rawColleague{place: o.srv, name: name, seen: newJournal[sighting](), pongs: newJournal[string]()}
}

// login begins a new session and becomes available. Of the one before all that came
// is taken in first.
func (c *rawColleague) login(t testing.TB) {
	t.Helper()
	if s := c.current(); s != nil {
		s.conn.Close()
		<-s.ended
	}
	s := &rawSession{relaxed: c.relaxed, ended: make(chan struct{})}
	err := c.place.do(func() (err error) {
		s.conn, err = net.DialTimeout("tcp", "127.0.0.1:5222", 5*time.Second)
		return err
	})
	if err == nil {
		err = s.open(c.name)
	}
	if err != nil {
		t.Fatalf("%s cannot log in: %v", c.name, err)
	}
	c.place.owner.Cleanup(func() { s.conn.Close() })
	go c.read(s)
	c.mu.Lock()
	c.session = s
	c.mu.Unlock()
	if err := s.write("<presence/>"); err != nil {
		t.Fatal(err)
	}
}

func (c *rawColleague) current() *rawSession {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// open authenticates by PLAIN (RFC 4616) and binds a resource (RFC 6120 section 7).
func (s *rawSession) open(name string) error {
	s.conn.SetDeadline(time.Now().Add(soon))
	if err := s.header(); err != nil {
		return err
	}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + name + "\x00" + password))
	if err := s.ask(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">`+plain+`</auth>`, "success"); err != nil {
		return err
	}
	if err := s.header(); err != nil {
		return err
	}
	err := s.ask(`<iq type="set" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>phone</resource></bind></iq>`, "iq")
	s.conn.SetDeadline(time.Time{})
	return err
}

// header begins a stream and reads up to the features behind the server's header.
func (s *rawSession) header() error {
	s.d = xml.NewDecoder(promptly{s.conn})
	if s.relaxed {
		s.d = xml.NewDecoder(s.conn)
	}
	if err := s.write(`<?xml version="1.0"?><stream:stream xmlns="jabber:client" xmlns:stream="` + streamNS + `" to="example.org" version="1.0">`); err != nil {
		return err
	}
	if _, err := nextStart(s.d); err != nil {
		return err
	}
	_, err := nextNode(s.d)
	return err
}

// promptly has the kernel acknowledge at once what is read. A server with Nagle's
// algorithm writes on only then, and what would be measured is how long the kernel
// of the test puts that off.
type promptly struct{ net.Conn }

func (p promptly) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if raw, rawErr := p.Conn.(*net.TCPConn).SyscallConn(); rawErr == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) }) // closed: nothing to acknowledge
	}
	return n, err
}

// ask writes an element and wants one of that name for an answer, without error.
func (s *rawSession) ask(text, want string) error {
	if err := s.write(text); err != nil {
		return err
	}
	n, err := nextNode(s.d)
	if err == nil && (n.XMLName.Local != want || n.attr("type") == "error") {
		err = fmt.Errorf("the server answered %+v", n)
	}
	return err
}

func (s *rawSession) write(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.conn.Write([]byte(text))
	return err
}

// read takes in and answers what comes, until the session ends.
func (c *rawColleague) read(s *rawSession) {
	defer close(s.ended)
	for {
		n, err := nextNode(s.d)
		if err != nil {
			s.conn.Close()
			return
		}
		c.take(s, n)
	}
}

func (c *rawColleague) take(s *rawSession, n node) {
	from, id, kind := n.attr("from"), n.attr("id"), n.attr("type")
	answer := ""
	switch n.XMLName.Local {
	case "message":
		c.seen.add(sightingOf(n))
	case "presence":
		if kind == "subscribe" {
			answer = fmt.Sprintf(`<presence to="%s" type="subscribed"/>`, quoted(from))
		}
	case "iq":
		switch _, ping := n.child("ping"); {
		case kind == "result" || kind == "error":
			c.pongs.add(id)
		case ping || kind == "set": // a set is the roster's (RFC 6121 section 2.1.6)
			answer = fmt.Sprintf(`<iq to="%s" id="%s" type="result"/>`, quoted(from), quoted(id))
		default:
			answer = fmt.Sprintf(`<iq to="%s" id="%s" type="error"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`, quoted(from), quoted(id))
		}
	}
	if answer != "" {
		if from == "" { // their own server
			answer = strings.Replace(answer, ` to=""`, "", 1)
		}
		_ = s.write(answer) // a session that has ended asks nothing any more
	}
}

var errOffline = errors.New("there is no session")

func (c *rawColleague) say(to, id string) error { return c.write(to, id, id) }

// write is say with a text of its own.
func (c *rawColleague) write(to, id, text string) error {
	s := c.current()
	if s == nil {
		return errOffline
	}
	select {
	case <-s.ended:
		return errOffline
	default:
	}
	return s.write(fmt.Sprintf(`<message to="%s" type="chat" id="%s"><body>%s</body></message>`, quoted(to), quoted(id), quoted(text)))
}

func (c *rawColleague) sightings() []sighting { return c.seen.all() }

// flush waits until all that the server had for them has come.
func (c *rawColleague) flush(t testing.TB) {
	t.Helper()
	pongs, id := c.pongs.now(), fmt.Sprintf("flush-%d", time.Now().UnixNano())
	if err := c.current().write(`<iq id="` + id + `" type="get" to="example.org"><ping xmlns="urn:xmpp:ping"/></iq>`); err != nil {
		t.Fatalf("%s cannot ping: %v", c.name, err)
	}
	pongs.await(t, later, "the server's answer to "+c.name, func(got string) bool { return got == id })
}
