package linklocal

import (
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"meshbridge/internal/stanza"
)

// talking returns a mesh with one bound stream, and the peer's end of it.
func talking(b *testing.B, handle func(Event)) (m *Mesh, peer net.Conn) {
	b.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	peer, err = net.Dial("tcp4", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	conn, err := ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	m, stop := bare(handle, func(c *Config) { c.Limits = Limits{PeerRate: 1e9, PeerBurst: 1e9, TotalRate: 1e9} })
	s := m.bound(m.newStream(&prefixed{conn, strings.NewReader(fuzzHeader + ">")}, bareLink(), netip.MustParseAddr("10.2.1.187")))
	if _, err := s.rd.Header(); err != nil {
		b.Fatal(err)
	}
	attached := make(chan struct{})
	m.handlers.Go(func() {
		defer s.close()
		m.call(func() { _ = m.attach(s) })
		close(attached)
		m.converse(s, nil)
	})
	<-attached
	b.Cleanup(func() {
		peer.Close()
		stop()
	})
	return m, peer
}

const benchMessage = `<message to='nurse@bridge' from='juliet@pronto' type='chat'><body>art thou &lt;b&gt;R&lt;/b&gt; &amp; &quot;co&quot; é</body>` +
	`<html xmlns='http://www.w3.org/1999/xhtml'><body><font>art thou &lt;b&gt;R&lt;/b&gt; &amp; &quot;co&quot; é</font></body></html><x xmlns='jabber:x:event'><composing/></x></message>`

// BenchmarkReceive is a message of libpurple's from the wire to the event.
func BenchmarkReceive(b *testing.B) {
	got := make(chan struct{}, 1)
	n := 0
	_, peer := talking(b, func(ev Event) {
		if _, ok := ev.(Received); ok {
			if n++; n == b.N {
				n = 0
				got <- struct{}{}
			}
		}
	})
	b.ReportAllocs()
	b.SetBytes(int64(len(benchMessage)))
	b.ResetTimer()
	for range b.N {
		if _, err := io.WriteString(peer, benchMessage); err != nil {
			b.Fatal(err)
		}
	}
	<-got
}

// BenchmarkSend is a message from Send to the wire.
func BenchmarkSend(b *testing.B) {
	m, peer := talking(b, func(Event) {})
	st := stanza.Stanza{Kind: stanza.Message, Type: "chat", ID: "1", Payload: []*stanza.Element{stanza.New("", "body").AddText("It is the east, and Juliet is the sun.")}}
	one := len(stanza.Append(nil, stanza.Client, stanza.Stanza{Kind: st.Kind, Type: st.Type, ID: st.ID, From: "nurse@bridge", To: "juliet@pronto", Payload: st.Payload}))
	b.ReportAllocs()
	b.ResetTimer()
	const window = 32
	buf := make([]byte, window*one)
	for sent := 0; sent < b.N; {
		batch := min(window, b.N-sent)
		for i := range batch {
			m.Send(Delivery{Proxy: "nurse", Peer: "juliet@pronto", Token: uint64(sent + i + 1), Stanza: st})
		}
		if _, err := io.ReadFull(peer, buf[:batch*one]); err != nil {
			b.Fatal(err)
		}
		sent += batch
	}
}
