//go:build linux

package e2e

import (
	"crypto/sha1"
	"encoding/xml"
	"fmt"
	"net"
	"testing"
)

// A standIn is the simplest XEP-0114 component there is.
type standIn struct {
	net.Conn
	d *xml.Decoder
}

// newStandIn connects one from the router to the server and authenticates it.
func (o *office) newStandIn(t testing.TB) *standIn {
	t.Helper()
	c := &standIn{}
	err := o.router.do(func() (err error) {
		c.Conn, err = net.Dial("tcp", serverWAN+":5347")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, `<stream:stream xmlns="jabber:component:accept" xmlns:stream="%s" to="%s">`, streamNS, domain)
	c.d = xml.NewDecoder(c)
	header, err := nextStart(c.d)
	if err != nil {
		t.Fatal(err)
	}
	id := node{Attrs: header.Attr}.attr("id")
	fmt.Fprintf(c, "<handshake>%x</handshake>", sha1.Sum([]byte(id+secret)))
	if n, err := nextNode(c.d); err != nil || n.XMLName.Local != "handshake" {
		t.Fatalf("the server answered %v, %v", n.XMLName, err)
	}
	return c
}

// swallow takes everything and does nothing, until the stream ends.
func (c *standIn) swallow(into *journal[node]) {
	for {
		n, err := nextNode(c.d)
		if err != nil {
			return
		}
		into.add(n)
	}
}

// echo answers every message with its own body until the stream ends.
func (c *standIn) echo() {
	for {
		n, err := nextNode(c.d)
		if err != nil {
			return
		}
		if text := n.text("body"); text != "" && n.attr("type") != "error" {
			fmt.Fprintf(c, `<message from="%s" to="%s" type="chat"><body>%s</body></message>`,
				quoted(n.attr("to")), quoted(n.attr("from")), quoted(text))
		}
	}
}
