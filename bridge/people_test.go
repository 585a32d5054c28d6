package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"mellium.im/xmpp/jid"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
	"meshbridge/linklocal/meshtest"
)

func mustJID(s string) jid.JID { return jid.MustParse(s) }

// person is somebody on the LAN with a Bonjour client that behaves and writes like
// libpurple: no ids, html beside every body, no version in its header.
type person struct {
	o        *office
	instance string
	host     *mdnstest.Host
	hostname string
	addr     netip.Addr
	listener io.Closer
	port     uint16
	pub      *mdns.Publication
	engine   *mdns.Engine
	stop     context.CancelFunc
	done     chan error

	ear    func(with string, e *stanza.Element) // told of what is read, and with nil of a stream's end; set before they come
	client client                               // answers questions; nil as in Bonjour clients, set before they come

	mu    sync.Mutex
	alias string           // answers calls under this instance; "" for its own
	talks map[string]*talk // by instance of the other side; the newest
	all   []*talk
	heard []heard
	found []found
}

// heard is a stanza that a person got.
type heard struct {
	at   time.Time
	from string // instance that the stream is from
	stanza.Stanza
}

// found is what a person's client was told of an instance.
type found struct {
	at time.Time
	mdns.Event
}

// talk is one stream.
type talk struct {
	*meshtest.Conn
	with string
	mu   sync.Mutex
	raw  strings.Builder // all that was read
}

// joins puts somebody on the LAN.
func (o *office) joins(instance, hostname, addr string, txt ...string) *person {
	o.Helper()
	return o.joinsOn(o.lan.Host(hostname, addr), &person{instance: instance, hostname: hostname, addr: netip.MustParsePrefix(addr).Addr()}, txt...)
}

// joinsOn puts somebody on a machine that is there.
func (o *office) joinsOn(host *mdnstest.Host, p *person, txt ...string) *person {
	o.Helper()
	p.o, p.host, p.talks = o, host, map[string]*talk{}
	p.listens()
	p.signOn(txt...)
	o.people = append(o.people, p)
	return p
}

// listens takes calls at the person's address.
func (p *person) listens() {
	p.o.Helper()
	ln, err := p.o.lan.Listen(netip.AddrPortFrom(p.addr, p.port))
	p.o.must(err)
	p.listener, p.port = ln, netip.MustParseAddrPort(ln.Addr().String()).Port()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go p.answer(&talk{Conn: conn.(*meshtest.Conn)})
		}
	}()
}

// juliet joins with what a fresh Pidgin says of its user.
func (o *office) juliet() *person {
	o.Helper()
	return o.joins(julietName, "pronto", "10.2.1.187/24", "txtvers=1", "status=avail")
}

// signOn announces the person, anew after a signOff.
func (p *person) signOn(txt ...string) {
	p.o.Helper()
	var err error
	p.engine, err = mdns.New(mdns.Config{Interfaces: []string{"eth0"}, Host: p.hostname, Network: p.host})
	p.o.must(err)
	p.pub = p.engine.Publish(mdns.Service{
		Kin:  func([]string) bool { return true }, // what a native client has, it defends
		Type: linklocal.ServiceType, Instance: p.instance, Port: p.port, TXT: txt,
		Rename: func(n int) string { return fmt.Sprint(p.instance, "-", n) },
	})
	p.engine.Browse(linklocal.ServiceType, p.find)
	ctx, cancel := context.WithCancel(context.Background())
	p.stop, p.done = cancel, make(chan error, 1)
	engine, done := p.engine, p.done
	go func() { done <- engine.Run(ctx) }()
}

// signOff says goodbye.
func (p *person) signOff() {
	if p.stop != nil {
		p.hangUp()
		p.stop()
		<-p.done
		p.stop = nil
	}
}

// hangUp closes all conversations.
func (p *person) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.all {
		t.Close()
	}
	p.talks, p.all = map[string]*talk{}, nil
}

// takesCalls lets connections to this person succeed or fail.
func (p *person) takesCalls(yes bool) {
	var err error
	if !yes {
		err = errors.New("no route to host")
	}
	p.o.lan.Refuse(netip.AddrPortFrom(p.addr, p.port), err)
}

func (p *person) close() {
	p.signOff()
	p.listener.Close()
	p.hangUp()
}

func (p *person) says(txt ...string) { p.pub.SetTXT(append([]string{"txtvers=1"}, txt...)) }

func (p *person) find(ev mdns.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found = append(p.found, found{time.Now(), ev})
}

// sees returns the record of an instance as this person's client shows it, and
// whether it shows the instance at all.
func (p *person) sees(instance string) (linklocal.Profile, bool) {
	txt, here := p.record(instance)
	return linklocal.ParseTXT(txt), here
}

// record is sees, of the strings in the TXT record.
func (p *person) record(instance string) ([]string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.found) - 1; i >= 0; i-- {
		if f := p.found[i]; mdns.Fold(f.Instance) == mdns.Fold(instance) {
			return f.TXT, f.Kind != mdns.Removed
		}
	}
	return nil, false
}

// expectSees checks how an instance is shown: "dnd Busy", "avail", or "" for not at all.
func (p *person) expectSees(instance, want string) {
	p.o.Helper()
	synctest.Wait()
	got := ""
	if profile, here := p.sees(instance); here {
		got = strings.TrimSpace(string(profile.Status) + " " + profile.Message)
	}
	if got != want {
		p.o.Errorf("%s sees %s as %q, want %q", p.instance, instance, got, want)
	}
}

// stream returns the open conversation with an instance, opening one if need be.
func (p *person) stream(instance string) *talk {
	p.o.Helper()
	p.mu.Lock()
	t := p.talks[instance]
	p.mu.Unlock()
	if t == nil {
		t = p.dial(instance)
		_, err := io.WriteString(t, meshtest.Header(p.instance, instance))
		p.o.must(err)
		t.with = instance
		p.enter(t)
		ready := make(chan struct{})
		go p.read(t, stanza.NewReader(t, stanza.Client, stanza.MeshLimits()), ready)
		<-ready
	}
	return t
}

// dial connects to where an instance can be reached.
func (p *person) dial(instance string) *talk {
	p.o.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	ifs := p.engine.Interfaces()
	if len(ifs) == 0 {
		p.o.Fatalf("%s is on no link", p.instance)
	}
	ep, err := p.engine.Resolve(ctx, linklocal.ServiceType, instance, ifs[0].Index, false)
	if err != nil || len(ep.Addrs) == 0 {
		p.o.Fatalf("%s cannot resolve %s: %v", p.instance, instance, err)
	}
	conn, err := p.o.lan.Dial(ctx, p.addr, netip.AddrPortFrom(ep.Addrs[0], ep.Port))
	p.o.must(err)
	return &talk{Conn: conn.(*meshtest.Conn)}
}

func (p *person) enter(t *talk) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.talks[t.with] = t
	p.all = append(p.all, t)
}

// answer takes a stream that the bridge opened.
func (p *person) answer(t *talk) {
	rd := stanza.NewReader(t, stanza.Client, stanza.MeshLimits())
	h, err := rd.Header()
	if err != nil {
		t.Close()
		return
	}
	t.with = h.From
	p.enter(t)
	if _, err := io.WriteString(t, meshtest.Header(p.answersAs(), h.From)); err != nil {
		t.Close()
		return
	}
	p.listen(t, rd)
}

// answersAs returns the instance under which calls are answered.
func (p *person) answersAs() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return cmp.Or(p.alias, p.instance)
}

// read reads a stream that this person opened.
func (p *person) read(t *talk, rd *stanza.Reader, ready chan<- struct{}) {
	_, err := rd.Header()
	close(ready)
	if err != nil {
		p.leave(t)
		return
	}
	p.listen(t, rd)
}

func (p *person) listen(t *talk, rd *stanza.Reader) {
	defer p.leave(t)
	rd.Trust()
	for {
		e, err := rd.Next()
		if err != nil {
			return
		}
		p.tell(t, e)
		if s, ok := stanza.Parse(e); ok {
			p.mu.Lock()
			p.heard = append(p.heard, heard{time.Now(), t.with, s})
			p.mu.Unlock()
			p.reply(t, s)
		}
	}
}

// reply answers a question as this person's program does.
func (p *person) reply(t *talk, s stanza.Stanza) {
	if p.client == nil || s.Kind != stanza.IQ || s.Type != "get" {
		return
	}
	kind, payload := p.client(s.Payload[0])
	r := stanza.Stanza{Kind: stanza.IQ, From: p.instance, To: t.with, ID: s.ID, Type: kind}
	if payload != nil {
		r.Payload = []*stanza.Element{payload}
	}
	t.Write(stanza.Append(nil, stanza.Client, r)) // a stream that has ended takes no answer
}

func (p *person) tell(t *talk, e *stanza.Element) {
	if p.ear != nil {
		p.ear(t.with, e)
	}
}

func (p *person) leave(t *talk) {
	t.Close()
	p.tell(t, nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.talks[t.with] == t {
		delete(p.talks, t.with)
	}
}

// Read notes what is read.
func (t *talk) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.mu.Lock()
	t.raw.Write(b[:n])
	t.mu.Unlock()
	return n, err
}

// writes sends a message as libpurple does.
func (p *person) writes(instance, body string) {
	p.o.Helper()
	esc := escaped(body)
	p.raw(instance, `<message to='`+escaped(instance)+`' from='`+escaped(p.instance)+`' type='chat'><body>`+esc+`</body>`+
		`<html xmlns='http://www.w3.org/1999/xhtml'><body><font>`+esc+`</font></body></html>`+
		`<x xmlns='jabber:x:event'><composing/></x></message>`)
}

// raw writes octets on the stream with an instance.
func (p *person) raw(instance, text string) {
	p.o.Helper()
	_, err := io.WriteString(p.stream(instance), text)
	p.o.must(err)
	synctest.Wait()
}

func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(s)
}

// got returns the stanzas this person got so far, and forgets them.
func (p *person) got() []heard {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.heard
	p.heard = nil
	return list
}

// reads returns the messages got since the last time, as Pidgin shows them: "who: text".
func (p *person) reads() []string {
	var list []string
	for _, h := range p.got() {
		if h.Kind == stanza.Message && h.Type != "error" {
			list = append(list, h.from+": "+shown(h.Stanza))
		}
	}
	return list
}

// shown is what libpurple displays of a message: the text of html/body/font.
func shown(s stanza.Stanza) string {
	const xhtml = "http://www.w3.org/1999/xhtml"
	html := s.Child(xhtml, "html")
	if html == nil || html.Child(xhtml, "body") == nil || html.Child(xhtml, "body").Child(xhtml, "font") == nil {
		return "(as HTML) " + bodyOf(s)
	}
	var b strings.Builder
	for _, n := range html.Child(xhtml, "body").Child(xhtml, "font").Nodes {
		if n.Element != nil {
			b.WriteString("\n")
			continue
		}
		b.WriteString(n.Text)
	}
	return b.String()
}

func bodyOf(s stanza.Stanza) string {
	if b := s.Child("", "body"); b != nil {
		return b.Text()
	}
	return ""
}
