package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// canned is a connection whose other end says what it was given, then hangs up, and
// takes everything.
type canned struct {
	net.Conn
	in io.Reader
}

func (c canned) Read(p []byte) (int, error)       { return c.in.Read(p) }
func (canned) Write(p []byte) (int, error)        { return len(p), nil }
func (canned) Close() error                       { return nil }
func (canned) RemoteAddr() net.Addr               { return &net.UnixAddr{} }
func (canned) SetDeadline(time.Time) error        { return nil }
func (canned) SetReadDeadline(time.Time) error    { return nil }
func (canned) SetWriteDeadline(t time.Time) error { return nil }

// FuzzServer feeds a link with whatever a server may say, after the header and after
// <handshake/>.
func FuzzServer(f *testing.F) {
	for _, s := range []string{
		"", "</stream:stream>", "<message", "<message/>", "<handshake/>", "<x xmlns='urn:x'/>",
		`<message from='alice@example.org' to='a@lan.example.org' id='1'><body>hi</body></message>`,
		`<iq type='get' id='1' from='lan.example.org' to='lan.example.org'><ping xmlns='urn:xmpp:ping'/></iq>`,
		`<presence from='@/@' to='///'/><presence from='xn--@xn--' to='\xff'/>`,
		streamError("conflict", "\x1b[31m"), `<stream:error/>`, `<stream:error>text</stream:error>`,
		`<message from='a' to='a@lan.example.org'>` + strings.Repeat("<a>", 70) + strings.Repeat("</a>", 70) + `</message>`,
	} {
		f.Add(true, []byte(s))
		f.Add(false, []byte(s))
	}
	f.Fuzz(func(t *testing.T, authenticated bool, data []byte) {
		in := goodHeader
		if authenticated {
			in += "<handshake/>"
		}
		link, err := New(Config{
			Domain: testDomain, Secret: testSecret, MaxStanza: 4096, Targets: newTargets,
			Dial: func(context.Context, string, string) (net.Conn, error) {
				return canned{in: io.MultiReader(strings.NewReader(in), strings.NewReader(string(data)))}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		var ups, downs int
		e := link.attempt(context.Background(), Target{Address: "a"}, func(e Event) {
			switch e := e.(type) {
			case Up:
				ups++
			case Down:
				downs++
				if e.Err == nil || strings.ContainsAny(e.Err.Error(), "\x1b\n") {
					t.Errorf("error %q", e.Err)
				}
			case Received:
				if ups != 1 || downs != 0 || !link.domain.holds(e.Stanza.To) || link.domain.holds(e.Stanza.From) || e.Stanza.From == "" {
					t.Errorf("handed out %+v", e.Stanza)
				}
			}
		})
		if downs != 1 || ups > 1 || authenticated && ups != 1 || e.err == nil {
			t.Errorf("%d Ups and %d Downs, %v", ups, downs, e.err)
		}
		if errors.Is(e.err, errUnanswered) {
			t.Error("a link that was alive counts as dead")
		}
	})
}

// BenchmarkSend measures a stanza from Send to the buffer that is written.
func BenchmarkSend(b *testing.B) {
	s := newSession(canned{}, "a", testDomain, maxStanza, time.Now())
	st := chat("1")
	var batch []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := s.Send(st); err != nil {
			b.Fatal(err)
		}
		if i%burstStanzas == burstStanzas-1 {
			batch = batch[:0]
			s.compose(&batch)
			s.window = window{seq: s.window.seq, sweep: s.window.sweep} // as though it was routed
		}
	}
}
