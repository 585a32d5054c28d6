//go:build linux

package e2e

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// A rawTalker is a person on the LAN whose Bonjour client is played by the test: as
// a rawPeer, but with much to say, on whatever stream there is, and a new one when
// it has ended. Like such clients they write what they have and never hear whether
// it came.
type rawTalker struct {
	*host
	instance string
	door     netip.AddrPort // where the bridge takes streams
	seen     *journal[sighting]
	notice   *process // of Avahi; nil: not announced

	mu   sync.Mutex
	conn net.Conn // guarded by mu; the latest stream that is open; nil: none
}

// talkerPort is where the talkers take streams.
const talkerPort = 5298

func (h *host) newRawTalker(t testing.TB, instance string) *rawTalker {
	t.Helper()
	k := &rawTalker{host: h, instance: instance, seen: newJournal[sighting]()}
	var l net.Listener
	err := h.do(func() (err error) {
		l, err = net.Listen("tcp", fmt.Sprintf(":%d", talkerPort))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); k.hangUp() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go k.welcome(conn)
		}
	}()
	k.appears(t)
	return k
}

// appears announces the person; vanishes withdraws them and ends their stream.
func (k *rawTalker) appears(t testing.TB) {
	t.Helper()
	k.notice = k.publish(t, k.instance, talkerPort, "txtvers=1", "status=avail")
}

func (k *rawTalker) vanishes(t testing.TB) {
	t.Helper()
	k.notice.kill(t)
	k.hangUp()
}

func (k *rawTalker) hangUp() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conn != nil {
		k.conn.Close()
		k.conn = nil
	}
}

// welcome takes a stream that the bridge opened.
func (k *rawTalker) welcome(conn net.Conn) {
	d := xml.NewDecoder(conn)
	start, err := nextStart(d)
	if err == nil {
		_, err = conn.Write([]byte(header(k.instance, node{Attrs: start.Attr}.attr("from"))))
	}
	if err != nil {
		conn.Close()
		return
	}
	k.keep(conn)
	k.read(conn, d)
}

var errUnwelcome = errors.New("the stream is not answered")

// call opens a stream.
func (k *rawTalker) call(to string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 5 * time.Second, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(k.v4, 0))}
	var conn net.Conn
	err := k.do(func() (err error) {
		conn, err = dialer.Dial("tcp", k.door.String())
		return err
	})
	if err != nil {
		return nil, err
	}
	d := xml.NewDecoder(conn)
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err = conn.Write([]byte(header(k.instance, to))); err == nil {
		_, err = nextStart(d)
	}
	if err != nil {
		conn.Close()
		return nil, errUnwelcome
	}
	conn.SetDeadline(time.Time{})
	k.keep(conn)
	go k.read(conn, d)
	return conn, nil
}

func (k *rawTalker) keep(conn net.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.conn = conn
}

// read takes in what comes, until the stream ends. To questions such a client has
// nothing to say.
func (k *rawTalker) read(conn net.Conn, d *xml.Decoder) {
	for {
		n, err := nextNode(d)
		if err != nil {
			break
		}
		if n.XMLName.Local == "message" {
			k.seen.add(sightingOf(n))
		}
	}
	conn.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conn == conn {
		k.conn = nil
	}
}

func (k *rawTalker) say(to, id string) (err error) {
	k.mu.Lock()
	conn := k.conn
	k.mu.Unlock()
	if conn == nil {
		if conn, err = k.call(to); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(conn, `<message to="%s" from="%s" type="chat" id="%s"><body>%s</body></message>`,
		quoted(to), quoted(k.instance), quoted(id), quoted(id))
	return err
}

func (k *rawTalker) sightings() []sighting { return k.seen.all() }
