package mdnstest

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"meshbridge/linklocal/mdns"
)

// Crowd is an office full of people: each has a host of its own with one client, which shows
// its records as libpurple and Avahi do and answers for them. It is one program that speaks
// for all of them, each from its own address, over IPv4. What it says is not made by package
// mdns.
type Crowd struct {
	Size    int
	Base    netip.Addr    // of the first of them; the others follow. IPv4
	Arrival time.Duration // over which they come
	Terse   bool          // their answers have nothing beside what was asked for

	mu       sync.Mutex
	told     int // announcements and answers sent; guarded by mu
	lost     int // packets that could not be sent; guarded by mu
	people   []*person
	byName   map[string]*person // by instance
	byHost   map[string]*person
	conn     mdns.Conn
	index    int
	agenda   errands
	open     map[netip.AddrPort]*inquiry // questions for all, by who asked
	received chan mdns.Packet
}

// person is one of a Crowd.
type person struct {
	instance, host string // domain names as github.com/miekg/dns writes them
	addr           netip.Addr
	here           bool                 // has been announced
	said           map[uint16]time.Time // when a type of record was last answered with
}

// inquiry is a question for all of a type that waits for its known answers to be complete.
type inquiry struct {
	known map[*person]bool
	at    time.Time
}

// Times of an Avahi (RFC 6762 sections 6, 7.2 and 8.3).
const (
	crowdDelayMin  = 20 * time.Millisecond
	crowdDelayMax  = 120 * time.Millisecond
	crowdTruncated = 450 * time.Millisecond
	crowdGap       = time.Second
)

const crowdType = "_presence._tcp.local."

// escapes writes a label as github.com/miekg/dns does.
var escapes = strings.NewReplacer(".", `\.`, "@", `\@`)

// Instance is the name of the k-th of them, as one label: 39 octets, which make 62 on the
// wire with the type and the domain behind them.
func (c *Crowd) Instance(k int) string {
	return fmt.Sprintf("capulet.%06d@pronto-%06d-reception1", k, k)
}

// Told is how many packets the crowd has sent, and how many could not be sent.
func (c *Crowd) Told() (told, lost int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told, c.lost
}

// Run lets everybody come and answer on one interface, until ctx ends. Nobody says goodbye.
// It closes conn.
func (c *Crowd) Run(ctx context.Context, conn mdns.Conn, at mdns.Interface) error {
	if err := conn.Join(at, mdns.IPv4); err != nil {
		conn.Close()
		return err
	}
	c.conn, c.index = conn, at.Index
	c.gather()
	c.open, c.received = map[netip.AddrPort]*inquiry{}, make(chan mdns.Packet, inbox)
	over := make(chan error, 1)
	go func() { over <- c.listen() }()
	for _, p := range c.people {
		c.after(rand.N(c.Arrival+1), func() { c.announce(p) })
	}
	c.work(ctx)
	conn.Close()
	return <-over
}

func (c *Crowd) gather() {
	c.byName, c.byHost = map[string]*person{}, map[string]*person{}
	a := c.Base
	for k := range c.Size {
		p := &person{
			instance: escapes.Replace(c.Instance(k)) + "." + crowdType,
			host:     fmt.Sprintf("pronto-%06d-reception1.local.", k), addr: a, said: map[uint16]time.Time{dns.TypePTR: {}},
		}
		c.people = append(c.people, p)
		c.byName[p.instance], c.byHost[p.host] = p, p
		a = a.Next()
	}
}

// listen hands over questions; answers are of no interest here.
func (c *Crowd) listen() error {
	defer close(c.received)
	for {
		p, err := c.conn.Receive(mdns.IPv4)
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return err
		case len(p.Data) > 2 && p.Data[2]&0x80 == 0:
			c.received <- p
		}
	}
}

func (c *Crowd) work(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	defer func() {
		go func() {
			for range c.received { // lets listen end
			}
		}()
	}()
	for {
		if len(c.agenda) > 0 {
			timer.Reset(time.Until(c.agenda[0].at))
		}
		select {
		case <-ctx.Done():
			return
		case p := <-c.received:
			c.hear(p)
		case <-timer.C:
		}
		for len(c.agenda) > 0 && !c.agenda[0].at.After(time.Now()) {
			heap.Pop(&c.agenda).(errand).do()
		}
	}
}

func (c *Crowd) after(d time.Duration, do func()) {
	heap.Push(&c.agenda, errand{time.Now().Add(d), do})
}

// announce shows a person, and once more a second later.
func (c *Crowd) announce(p *person) {
	c.say(p, all(p), nil)
	if !p.here {
		p.here = true
		c.after(crowdGap, func() { c.announce(p) })
	}
}

// hear takes in a query.
func (c *Crowd) hear(p mdns.Packet) {
	var m dns.Msg
	if m.Unpack(p.Data) != nil {
		return
	}
	forAll := c.open[p.Src]
	for _, q := range m.Question {
		switch who := c.about(q.Name); {
		case q.Qtype == dns.TypePTR && q.Name == crowdType && forAll == nil:
			forAll = c.inquire(p.Src)
		case who != nil && who.here:
			c.answer(who, q.Qtype)
		}
	}
	if forAll == nil {
		return
	}
	for _, rr := range m.Answer {
		if ptr, ok := rr.(*dns.PTR); ok && ptr.Hdr.Ttl >= 4500/2 {
			forAll.known[c.byName[ptr.Ptr]] = true
		}
	}
	forAll.at = time.Now()
	if m.Truncated {
		forAll.at = forAll.at.Add(crowdTruncated)
	}
}

func (c *Crowd) about(name string) *person {
	if p := c.byName[name]; p != nil {
		return p
	}
	return c.byHost[name]
}

// inquire opens a question for all. It is answered when no more known answers are to come.
func (c *Crowd) inquire(from netip.AddrPort) *inquiry {
	q := &inquiry{known: map[*person]bool{}}
	c.open[from] = q
	var look func()
	look = func() {
		if wait := time.Until(q.at); wait > 0 {
			c.after(wait, look)
			return
		}
		delete(c.open, from)
		for _, p := range c.people {
			if p.here && !q.known[p] {
				c.after(crowdDelayMin+rand.N(crowdDelayMax-crowdDelayMin), func() { c.answer(p, dns.TypePTR) })
			}
		}
	}
	c.after(time.Nanosecond, look) // behind the known answers of this packet
	return q
}

// answer says one record with what belongs to it, at most once a second.
func (c *Crowd) answer(p *person, typ uint16) {
	if time.Since(p.said[typ]) < crowdGap {
		return
	}
	p.said[typ] = time.Now()
	rrs := all(p)
	for k, rr := range rrs {
		if rr.Header().Rrtype == typ {
			rest := append(append([]dns.RR{}, rrs[:k]...), rrs[k+1:]...)
			if typ != dns.TypePTR || c.Terse {
				rest = nil
			}
			c.say(p, []dns.RR{rr}, rest)
		}
	}
}

// all lists the records of a person.
func all(p *person) []dns.RR {
	const unique = dns.ClassINET | 1<<15
	a16 := p.addr.As16()
	local := net.IP(append([]byte{0xFE, 0x80, 0, 0, 0, 0, 0, 0, 2, 0x16, 0x3E, 0xFF, 0xFE}, a16[13:]...))
	first, host, _ := strings.Cut(strings.TrimSuffix(p.instance, "."+crowdType), `\@`)
	return []dns.RR{
		&dns.PTR{Hdr: dns.RR_Header{Name: crowdType, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: 4500}, Ptr: p.instance},
		&dns.TXT{Hdr: dns.RR_Header{Name: p.instance, Rrtype: dns.TypeTXT, Class: unique, Ttl: 4500}, Txt: []string{
			"txtvers=1", "1st=" + first, "last=" + host, "port.p2pj=5298", "status=avail", "vc=", "email=", "jid=", "node=libpurple",
			"hash=sha-1", "ver=q07IKJEyjvHSyhy//CH0CxmKi8w=",
		}},
		&dns.SRV{Hdr: dns.RR_Header{Name: p.instance, Rrtype: dns.TypeSRV, Class: unique, Ttl: 120}, Port: 5298, Target: p.host},
		&dns.A{Hdr: dns.RR_Header{Name: p.host, Rrtype: dns.TypeA, Class: unique, Ttl: 120}, A: p.addr.AsSlice()},
		&dns.AAAA{Hdr: dns.RR_Header{Name: p.host, Rrtype: dns.TypeAAAA, Class: unique, Ttl: 120}, AAAA: local},
	}
}

// say multicasts one response from a person's address.
func (c *Crowd) say(p *person, answers, extra []dns.RR) {
	m := dns.Msg{Answer: answers, Extra: extra, Compress: true}
	m.Response, m.Authoritative = true, true
	data, err := m.Pack()
	if err == nil {
		err = c.conn.Send(mdns.Packet{Data: data, Dst: netip.AddrPortFrom(mdns.IPv4.Group(), mdns.Port), IfIndex: c.index}, p.addr)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told++; err != nil {
		c.lost++
	}
}

// errand is something that a Crowd will do.
type errand struct {
	at time.Time
	do func()
}

// errands are a heap.
type errands []errand

func (e errands) Len() int           { return len(e) }
func (e errands) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e errands) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *errands) Push(x any)        { *e = append(*e, x.(errand)) }
func (e *errands) Pop() any {
	old := *e
	x := old[len(old)-1]
	old[len(old)-1] = errand{}
	*e = old[:len(old)-1]
	return x
}
