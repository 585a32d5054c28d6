package bridge

import (
	"bytes"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"meshbridge/internal/stanza"
)

// wire is a connection to the server on which everything is noted.
type wire struct {
	net.Conn
	mu       sync.Mutex
	wrote    bytes.Buffer
	read     bytes.Buffer
	early    []byte // written before <handshake/> was read
	known    bool   // it was
	times    []time.Time
	deadline time.Time
	stuck    bool // nothing written gets anywhere any more
}

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	w.wrote.Write(b)
	if !w.known {
		w.early = append(w.early, b...)
	}
	w.times = append(w.times, time.Now())
	stuck, deadline := w.stuck, w.deadline
	w.mu.Unlock()
	if stuck {
		<-time.After(time.Until(deadline))
		return 0, os.ErrDeadlineExceeded
	}
	return w.Conn.Write(b)
}

// jam makes nothing that is written get anywhere any more.
func (w *wire) jam() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stuck = true
}

func (w *wire) SetWriteDeadline(t time.Time) error {
	w.mu.Lock()
	w.deadline = t
	w.mu.Unlock()
	return w.Conn.SetWriteDeadline(t)
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.read.Write(b[:n])
	w.known = w.known || bytes.Contains(w.read.Bytes(), []byte("<handshake"))
	return n, err
}

// text returns what was written, and what of it before <handshake/>.
func (w *wire) text() (all, early string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wrote.String(), string(w.early)
}

// sent returns the stanzas written on the connection, pings left out.
func (w *wire) sent() []stanza.Stanza {
	text, _ := w.text()
	r := stanza.NewReader(strings.NewReader(text), stanza.Component, stanza.Limits{})
	if _, err := r.Header(); err != nil {
		return nil
	}
	var list []stanza.Stanza
	for {
		e, err := r.Next()
		if err != nil {
			return list
		}
		if s, ok := stanza.Parse(e); ok && s.To != component {
			list = append(list, s)
		}
	}
}

// checkWires holds for every scene what must hold for every stanza: the sender's
// domain is the component's, and nothing but header and proof stands before the
// server's <handshake/>.
func (o *office) checkWires() {
	o.Helper()
	for _, w := range o.wires {
		for _, s := range w.sent() {
			if _, domain, _ := strings.Cut(s.From, "@"); domain != component && s.From != component {
				o.Errorf("sent upstream from a foreign address: %s", stanza.Append(nil, stanza.Component, s))
			}
		}
		for _, kind := range []string{"<message", "<presence", "<iq"} {
			if _, early := w.text(); strings.Contains(early, kind) {
				o.Errorf("sent before <handshake/>: %s", early)
			}
		}
	}
}

// upstreamSaw returns everything sent upstream so far, on all connections.
func (o *office) upstreamSaw() []stanza.Stanza {
	o.mu.Lock()
	wires := o.wires
	o.mu.Unlock()
	var list []stanza.Stanza
	for _, w := range wires {
		list = append(list, w.sent()...)
	}
	return list
}
