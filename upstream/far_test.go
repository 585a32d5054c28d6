package upstream

import (
	"net"
	"sync"
	"testing/synctest"
	"time"

	"meshbridge/internal/stanza"
)

// far is the server's end of a connection. It notes every byte that the link writes
// and, while echo is set, routes self pings as a server does.
type far struct {
	conn net.Conn
	over chan struct{} // closed at the end of the test

	mu      sync.Mutex
	echo    bool
	taken   func(n int) bool // of the pings, those that a twin gets; n counts from 0
	n       int              // pings seen since taken was set
	allergy string           // what it says before it hangs up on a stanza whose id is POISON
	poison  bool             // it does that
	deaf    bool             // reads no more
	slow    bool             // reads a byte at a time
	raw     []byte
	header  stanza.Header
	got     []*stanza.Element
	ended   error     // what the link's stream ended with
	endedAt time.Time // when
}

// Read notes what passes, for the reader in listen.
func (f *far) Read(p []byte) (int, error) {
	f.mu.Lock()
	deaf, slow := f.deaf, f.slow
	f.mu.Unlock()
	if deaf {
		<-f.over
	}
	if slow {
		p = p[:1]
	}
	n, err := f.conn.Read(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.raw = append(f.raw, p[:n]...)
	return n, err
}

// pause waits, though not beyond the end of the test.
func (f *far) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-f.over:
	}
}

func (f *far) listen() {
	r := stanza.NewReader(f, stanza.Component, stanza.Limits{})
	h, err := r.Header()
	f.mu.Lock()
	f.header = h
	f.mu.Unlock()
	for err == nil {
		var el *stanza.Element
		if el, err = r.Next(); err == nil {
			f.note(el)
		}
	}
	f.mu.Lock()
	f.ended, f.endedAt = err, time.Now()
	f.mu.Unlock()
	// A closed stream's connection is read on, so that nothing blocks.
	for err == stanza.ErrClosed {
		if _, readErr := f.Read(make([]byte, 512)); readErr != nil {
			err = readErr
		}
	}
}

func (f *far) note(el *stanza.Element) {
	f.mu.Lock()
	f.got = append(f.got, el)
	echo, poison := f.echo, f.poison && el.Attr("id") == "POISON"
	if echo && f.taken != nil && isSelfPing(el) {
		echo = !f.taken(f.n)
		f.n++
	}
	f.mu.Unlock()
	if poison {
		f.conn.SetWriteDeadline(time.Now().Add(time.Second))
		f.conn.Write([]byte(f.allergy))
		f.conn.Close()
		return
	}
	if echo && isSelfPing(el) {
		f.conn.SetWriteDeadline(time.Now().Add(time.Minute))
		f.conn.Write(stanza.AppendElement(nil, stanza.Component, el))
	}
}

// forget drops what was noted so far, but for the handshake.
func (f *far) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = f.got[:1]
}

func isSelfPing(el *stanza.Element) bool {
	return el.Name.Local == "iq" && el.Attr("from") == testDomain && el.Attr("to") == testDomain
}

// say writes bytes to the link. Nobody may be reading them any more.
func (f *far) say(s string) {
	f.conn.SetWriteDeadline(time.Now().Add(time.Second))
	f.conn.Write([]byte(s))
	synctest.Wait()
}

// stopReading makes the server take no more bytes, but for those of one read.
func (f *far) stopReading() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deaf = true
}

func (f *far) setSlow(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slow = on
}

func (f *far) setEcho(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.echo = on
}

// bytes returns all that the link has written.
func (f *far) bytes() string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(f.raw)
}

// stanzas returns what the link has written but the handshake and its own pings.
func (f *far) stanzas() []*stanza.Element {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []*stanza.Element
	for _, el := range f.got {
		if el.Name.Local != "handshake" && !isSelfPing(el) {
			list = append(list, el)
		}
	}
	return list
}

// pings returns the ids of the self pings that the link has written.
func (f *far) pings() []string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for _, el := range f.got {
		if isSelfPing(el) {
			ids = append(ids, el.Attr("id"))
		}
	}
	return ids
}

// due returns the same when what is to have a ping behind it has got one.
func (f *far) due() []string {
	pass(pingDelay)
	return f.pings()
}

// end returns when and how the link's stream ended, nil while it has not.
func (f *far) end() (time.Time, error) {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.endedAt, f.ended
}

// share gives the pings that taken selects to a twin from now on; nil is the end of
// that.
func (f *far) share(taken func(n int) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.taken, f.n = taken, 0
}

// route sends the self pings back that have not been, and all that follow.
func (f *far) route() {
	ids := f.pings()
	f.setEcho(true)
	f.say(ping(ids[len(ids)-1]))
}

func ping(id string) string {
	return `<iq type='get' id='` + id + `' from='lan.example.org' to='lan.example.org'><ping xmlns='urn:xmpp:ping'/></iq>`
}
