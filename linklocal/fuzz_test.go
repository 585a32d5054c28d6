package linklocal

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/internal/stanza"
)

const fuzzHeader = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' `

// FuzzStranger feeds an accepted connection whose far end cannot be bound: there is
// no event, an end in bounded time, and what the stranger reads is well-formed.
func FuzzStranger(f *testing.F) {
	for _, seed := range []string{
		"", "<", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01", endOfStream,
		fuzzHeader + "from='juliet@pronto' to='nurse@bridge'>", fuzzHeader + "to='nurse@bridge'><message from='juliet@pronto'><body>x</body></message>",
		fuzzHeader + "><message from='juliet@pronto' to='nurse@bridge'><body>x</body></message>", fuzzHeader + ">" + endOfStream,
		fuzzHeader + "version='1.0' to='nobody@bridge' from='&lt;&quot;'>", fuzzHeader + "/>", "<message from='juliet@pronto' to='nurse@bridge'/>",
		fuzzHeader + "><presence to='nurse@bridge'/>", fuzzHeader + "><stream:error/>", `<?xml version='1.0' encoding='UTF-16'?>`,
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, anonymous bool) {
		synctest.Test(t, func(t *testing.T) {
			m, stop := bare(func(ev Event) {
				if r, ok := ev.(Received); ok {
					t.Errorf("told of %+v", r)
				}
			}, func(c *Config) { c.AcceptAnonymous = anonymous })
			defer stop()
			near, far := net.Pipe()
			from := netip.MustParseAddr("10.2.1.66")
			v, _ := m.doors.enter(from)
			m.handlers.Go(func() { m.serve(near, bareLink(), v) })
			go far.Write(data)
			start := time.Now()
			heard, _ := io.ReadAll(far)
			if d := time.Since(start); d > headerTimeout+2*lingerTime {
				t.Errorf("the end came after %v", d)
			}
			wellFormed(t, heard)
		})
	})
}

// wellFormed requires that a strict reader takes what was written, up to the end.
func wellFormed(t *testing.T, heard []byte) {
	if len(heard) == 0 {
		return
	}
	rd := stanza.NewReader(bytes.NewReader(heard), stanza.Client, stanza.MeshLimits())
	_, err := rd.Header()
	for err == nil {
		_, err = rd.Next()
	}
	if err != stanza.ErrClosed && err != io.EOF {
		t.Errorf("wrote %q: %v", heard, err)
	}
}

const endOfStream = "</stream:stream>"

// FuzzBound feeds a bound stream: every event is the bound peer's, and what the peer
// reads is well-formed.
func FuzzBound(f *testing.F) {
	for _, seed := range []string{
		"", " ", "<", endOfStream, "zzz",
		"<message><body>one</body></message><message><body>two</body></message>", "<message from='romeo@forza'/>",
		"<message to='nobody@bridge' id='1'/>", "<iq type='get' id='2' to='nurse@bridge'><query xmlns='jabber:iq:version'/></iq>",
		"<presence type='subscribed'/>", "<stream:features/>", "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
		"<message from='juliet@pronto/phone'/>", "<message xml:lang='de' to='NURSE@bridge'/>", "<!DOCTYPE x>", "<message>&nbsp;</message>",
		"<message><body>\xff</body></message>", "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", strings.Repeat("<a>", 70),
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, lenient bool) {
		synctest.Test(t, func(t *testing.T) {
			m, stop := bare(func(ev Event) {
				if r, ok := ev.(Received); ok && (r.Peer != "juliet@pronto" || r.Proxy != "nurse" || r.Stanza.From != r.Peer) {
					t.Errorf("told of %+v", r)
				}
			}, func(c *Config) { c.LenientFrom = lenient })
			defer stop()
			near, far := net.Pipe()
			// The reader begins behind a header.
			s := m.bound(m.newStream(&prefixed{near, strings.NewReader(fuzzHeader + ">")}, bareLink(), netip.MustParseAddr("10.2.1.187")))
			if _, err := s.rd.Header(); err != nil {
				t.Fatal(err)
			}
			m.handlers.Go(func() {
				defer s.close()
				var err error
				if m.call(func() { err = m.attach(s) }); err != nil {
					t.Error(err)
					return
				}
				m.converse(s, nil)
			})
			go far.Write(data)
			time.AfterFunc(time.Minute, func() { far.Close() })
			heard, _ := io.ReadAll(far)
			wellFormed(t, append([]byte(fuzzHeader+">"), heard...))
			m.handlers.Wait()
			if in := m.Inside(); in.Pairs+in.Streams != 0 {
				t.Errorf("left over: %+v", in)
			}
		})
	})
}

// prefixed is a connection that has something to read before its own.
type prefixed struct {
	net.Conn
	before *strings.Reader
}

func (p *prefixed) Read(b []byte) (int, error) {
	if p.before.Len() > 0 {
		return p.before.Read(b)
	}
	return p.Conn.Read(b)
}
