//go:build linux

package e2e

import (
	"encoding/xml"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A meshStream is a mesh stream whose one end the test plays byte by byte.
type meshStream struct{ *record }

// dial connects from a host to an address of the router, from source if that
// is valid.
func (h *host) dial(to netip.AddrPort, source netip.Addr) (*meshStream, error) {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	if source.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
	}
	if to.Addr().IsLinkLocalUnicast() && to.Addr().Is6() {
		to = netip.AddrPortFrom(to.Addr().WithZone("eth0"), to.Port())
	}
	var conn net.Conn
	err := h.do(func() (err error) {
		conn, err = dialer.Dial("tcp", to.String())
		return err
	})
	if err != nil {
		return nil, err
	}
	return &meshStream{newRecord(conn)}, nil
}

// call dials Alice's proxy instance where the tap heard it announced (over
// IPv4 where there is IPv4).
func (h *host) call(t testing.TB) *meshStream {
	t.Helper()
	s, err := h.dial(h.office.lineTo(t, aliceInstance), netip.Addr{})
	if err != nil {
		t.Fatalf("nobody accepts streams for %s: %v", aliceInstance, err)
	}
	t.Cleanup(func() { s.conn.Close() })
	return s
}

// lineTo picks one address of an instance.
func (o *office) lineTo(t testing.TB, instance string) netip.AddrPort {
	t.Helper()
	all := o.tap.where(t, instance)
	for _, a := range all {
		if a.Addr().Is4() {
			return a
		}
	}
	return all[0]
}

// say writes to the stream. A stream that the other side has closed already is
// no failure: tests look at what it answered.
func (s *meshStream) say(format string, args ...any) {
	fmt.Fprintf(s.conn, format, args...)
}

// header opens the stream as libpurple does, leaving out what is empty.
func (s *meshStream) header(from, to string) { s.say("%s", header(from, to)) }

func header(from, to string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8" ?>` + "\n")
	fmt.Fprintf(&b, `<stream:stream xmlns="jabber:client" xmlns:stream="%s"`, streamNS)
	for _, a := range [][2]string{{"from", from}, {"to", to}} {
		if a[1] != "" {
			fmt.Fprintf(&b, ` %s="%s"`, a[0], quoted(a[1]))
		}
	}
	b.WriteString(">")
	return b.String()
}

// chat is a message as a mesh client writes it, leaving out what is empty.
func chat(from, to, body string) string {
	attrs := ""
	for _, a := range [][2]string{{"to", to}, {"from", from}} {
		if a[1] != "" {
			attrs += fmt.Sprintf(` %s='%s'`, a[0], quoted(a[1]))
		}
	}
	return fmt.Sprintf("<message%s type='chat'><body>%s</body></message>", attrs, quoted(body))
}

// hangUp closes the stream in good order.
func (s *meshStream) hangUp() {
	s.say("</stream:stream>")
	s.conn.Close()
}

// A rawPeer is a person on the LAN who is announced by Avahi and played by the
// test.
type rawPeer struct {
	*host
	instance string
	incoming *journal[*meshStream] // streams that the bridge opened
}

// newRawPeer announces an instance and answers the streams that come for it
// with a header and silence.
func (h *host) newRawPeer(t testing.TB, instance string, txt ...string) *rawPeer {
	t.Helper()
	p := h.newSilentPeer(t, instance)
	h.publish(t, instance, 5298, append([]string{"txtvers=1"}, txt...)...)
	return p
}

// newSilentPeer answers streams for an instance that nobody has announced yet.
func (h *host) newSilentPeer(t testing.TB, instance string) *rawPeer {
	t.Helper()
	p := &rawPeer{host: h, instance: instance, incoming: newJournal[*meshStream]()}
	var l net.Listener
	err := h.do(func() (err error) {
		l, err = net.Listen("tcp", ":5298")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s := &meshStream{newRecord(conn)}
			p.incoming.add(s)
			go s.welcome(instance)
		}
	}()
	t.Cleanup(func() {
		for _, s := range p.incoming.all() {
			s.conn.Close()
		}
	})
	return p
}

// welcome answers the header of a stream that the bridge opened.
func (s *meshStream) welcome(instance string) {
	d := xml.NewDecoder(s.reader())
	start, err := nextStart(d)
	if err != nil {
		return
	}
	s.header(instance, node{Attrs: start.Attr}.attr("from"))
}

// hears waits for a message with this body on any stream that the bridge
// opened to the peer, and returns it with the header of its stream.
func (p *rawPeer) hears(t testing.TB, within time.Duration, body string) (message, header node) {
	t.Helper()
	eventually(t, within, fmt.Sprintf("%q at %s", body, p.instance), func() bool {
		for _, s := range p.incoming.all() {
			start, err := nextStart(xml.NewDecoder(strings.NewReader(s.text())))
			if err != nil {
				continue
			}
			for _, n := range stanzas(s.text()) {
				if n.XMLName.Local == "message" && n.text("body") == body {
					message, header = n, node{Attrs: start.Attr}
					return true
				}
			}
		}
		return false
	})
	return message, header
}

// heard is all that the bridge ever wrote to the peer on streams it opened.
func (p *rawPeer) heard() string {
	var b strings.Builder
	for _, s := range p.incoming.all() {
		b.WriteString(s.text())
	}
	return b.String()
}
