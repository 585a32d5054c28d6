package bridge

import (
	"io"
	"strings"
	"testing"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// Stanzas as libpurple and as a server write them.
const (
	fromPidgin = `<message to='` + aliceInstance + `' from='` + julietName + `' type='chat'><body>art thou &lt;b&gt;R&lt;/b&gt; &amp; &quot;co&quot; é</body>` +
		`<html xmlns='http://www.w3.org/1999/xhtml'><body><font>art thou &lt;b&gt;R&lt;/b&gt; &amp; &quot;co&quot; é</font></body></html>` +
		`<x xmlns='jabber:x:event'><composing/></x></message>`
	fromProsody = `<message from='alice@example.org/phone' to='` + julietJID + `' type='chat' id='5e0c1b6a'>` +
		`<body>neither, fair saint &amp; &lt;lady&gt; é</body><active xmlns='http://jabber.org/protocol/chatstates'/>` +
		`<request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='5e0c1b6a'/></message>`
)

// endless repeats a text behind a stream header.
type endless struct {
	text string
	rest string
}

func newEndless(c stanza.Content, text string) *endless {
	return &endless{text, string(stanza.AppendHeader(nil, c, stanza.Header{ID: "1"}))}
}

func (e *endless) Read(b []byte) (int, error) {
	if e.rest == "" {
		e.rest = e.text
	}
	n := copy(b, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func newStream(b *testing.B, src io.Reader, c stanza.Content) *stanza.Reader {
	r := stanza.NewReader(src, c, stanza.MeshLimits())
	if _, err := r.Header(); err != nil {
		b.Fatal(err)
	}
	r.Trust()
	return r
}

func next(b *testing.B, r *stanza.Reader) stanza.Stanza {
	e, err := r.Next()
	if err != nil {
		b.Fatal(err)
	}
	s, _ := stanza.Parse(e)
	return s
}

// writer is a session and a mesh that write what they get, as the real ones do.
type writer struct {
	buf   []byte
	seq   uint64
	token uint64
	ping  stanza.Stanza // the last
}

func (w *writer) Send(s stanza.Stanza) (uint64, error) {
	w.seq++
	if isPing(s) {
		w.ping = s
		return w.seq, nil
	}
	w.buf = stanza.Append(w.buf[:0], stanza.Component, s)
	return w.seq, nil
}

type meshWriter struct {
	fakeMesh
	writer
}

func (w *meshWriter) Send(d linklocal.Delivery) {
	d.Stanza.From, d.Stanza.To = aliceInstance, julietName
	w.buf = stanza.Append(w.buf[:0], stanza.Client, d.Stanza)
	w.token = d.Token
}

// BenchmarkMeshToServer is the way of a message through the gateway: strict parse,
// verdict, rewrite, outbox, write, and the server's word that it was routed.
func BenchmarkMeshToServer(b *testing.B) {
	c := newCoreRig(b)
	w := new(writer)
	c.Gateway.up(w)
	c.peer(julietName, "pronto")
	r := newStream(b, newEndless(stanza.Client, fromPidgin), stanza.Client)
	b.ReportAllocs()
	for n := 0; b.Loop(); {
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: next(b, r)})
		if n++; n%32 == 0 { // a routed ping stands behind so many, and Alice's client answers another
			c.routed(w.seq)
			c.hears(result(w.ping))
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "stanzas/s")
	if !strings.Contains(string(w.buf), "art thou &lt;b&gt;R") {
		b.Fatalf("wrote %s", w.buf)
	}
}

// BenchmarkServerToMesh is the other way.
func BenchmarkServerToMesh(b *testing.B) {
	c := newCoreRig(b)
	c.up()
	w := new(meshWriter)
	c.Gateway.mesh = w
	c.peer(julietName, "pronto")
	c.hears(pres(aliceJID+"/phone", component, ""))
	r := newStream(b, newEndless(stanza.Component, fromProsody), stanza.Component)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		s := next(b, r)
		s.ID = string(stanzaID(n))
		c.hears(s)
		c.delivered(linklocal.Delivered{Token: w.token})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "stanzas/s")
	if !strings.Contains(string(w.buf), "<font>neither") {
		b.Fatalf("wrote %s", w.buf)
	}
}

// stanzaID makes every message another one.
func stanzaID(n int) []byte {
	id := []byte("00000000")
	for i := len(id) - 1; n > 0; i-- {
		id[i] = "0123456789abcdef"[n&15]
		n >>= 4
	}
	return id
}
