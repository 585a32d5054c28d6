package linklocal_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns/mdnstest"
	"meshbridge/linklocal/meshtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The people of V-9.
const (
	juliet = "juliet@pronto"
	romeo  = "romeo@forza"
	nurse  = `nurse\40example.com@bridge` // the proxy instance of
	nurseJ = "nurse@example.com"
	tybalt = `tybalt\40example.com@bridge`

	bridgeAt = "10.2.1.1"
	julietAt = "10.2.1.187/24"
	romeoAt  = "10.2.1.188/24"
)

// office is a LAN with a mesh on the host "bridge", in virtual time.
type office struct {
	*meshtest.LAN
	t    *testing.T
	host *mdnstest.Host
	cfg  linklocal.Config
	mesh *linklocal.Mesh

	cancel  context.CancelFunc
	ended   chan error
	clients []*meshtest.Client
	macs    map[netip.Addr]string // set before the mesh runs, or while it is idle

	mu     sync.Mutex
	events []told         // guarded by mu
	counts map[string]int // guarded by mu
	log    strings.Builder
}

type told struct {
	linklocal.Event
	at time.Time
}

// inOffice runs a subtest in virtual time, once with whole reads and once byte by
// byte. change may alter the configuration, and the host before the mesh is on it.
func inOffice(t *testing.T, name string, fn func(t *testing.T, o *office), change ...func(o *office)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		for _, way := range []struct {
			name  string
			chunk int
		}{{"whole", 0}, {"byte by byte", 1}} {
			t.Run(way.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := newOffice(t, change...)
					o.SetChunk(way.chunk)
					o.run()
					defer o.close()
					<-time.After(linklocal.Settling) // strangers are refused at once from here on
					fn(t, o)
				})
			})
		}
	})
}

func newOffice(t *testing.T, change ...func(o *office)) *office {
	o := &office{
		LAN: meshtest.New(), t: t, ended: make(chan error, 1),
		macs: map[netip.Addr]string{}, counts: map[string]int{},
	}
	o.host = o.Host("bridge", bridgeAt+"/24")
	o.cfg = linklocal.Config{
		Interfaces: []string{"eth0"}, Machine: "bridge", Mark: linklocal.GatewayMark("lan.example.com"),
		DepartureDelay: 2 * time.Second,
		Network:        o.host, Transport: o.Transport(),
		Log:    slog.New(slog.NewTextHandler(locked{o}, &slog.HandlerOptions{Level: slog.LevelInfo})),
		Handle: o.handle,
		Count: func(rule string) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.counts[rule]++
		},
	}
	o.cfg.SetHardware(func(a netip.Addr) string { return o.macs[a] })
	for _, fn := range change {
		fn(o)
	}
	return o
}

// with changes the configuration of an office.
func with(fn func(c *linklocal.Config)) func(*office) { return func(o *office) { fn(&o.cfg) } }

type locked struct{ o *office }

func (l locked) Write(b []byte) (int, error) {
	l.o.mu.Lock()
	defer l.o.mu.Unlock()
	return l.o.log.Write(b)
}

func (o *office) handle(ev linklocal.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, told{ev, time.Now()})
}

func (o *office) run() {
	o.t.Helper()
	var err error
	if o.mesh, err = linklocal.New(o.cfg); err != nil {
		o.t.Fatal(err)
	}
	var ctx context.Context
	ctx, o.cancel = context.WithCancel(context.Background())
	go func() { o.ended <- o.mesh.Run(ctx) }()
}

// stop ends the mesh, if it still runs, and returns what Run said.
func (o *office) stop() error {
	o.cancel()
	err := <-o.ended
	o.ended <- err
	return err
}

func (o *office) close() {
	if err := o.stop(); err != nil {
		o.t.Errorf("the mesh ended with %v", err)
	}
	for _, c := range o.clients {
		c.SignOff()
	}
	for _, c := range o.Connections() {
		c.Close()
		c.Far().Close()
	}
	left := o.mesh.Left()
	if left.Pairs+left.Streams+left.Handshakes+left.Open+left.Total > 0 {
		o.t.Errorf("left over at the end: %+v", left)
	}
}

// wait lets time pass.
func (o *office) wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// until lets at most d pass until cond holds, and fails otherwise. It returns how
// long it took, in steps of 10 ms.
func (o *office) until(d time.Duration, what string, cond func() bool) time.Duration {
	o.t.Helper()
	start := time.Now()
	for synctest.Wait(); !cond(); o.wait(10 * time.Millisecond) {
		if time.Since(start) > d {
			o.t.Fatalf("not within %v: %s", d, what)
		}
	}
	return time.Since(start)
}

// of returns the events of one type, in order.
func of[T linklocal.Event](o *office) []T {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []T
	for _, ev := range o.events {
		if e, ok := ev.Event.(T); ok {
			all = append(all, e)
		}
	}
	return all
}

// when returns the time of the last event of one type.
func when[T linklocal.Event](o *office) (at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, ev := range o.events {
		if _, ok := ev.Event.(T); ok {
			at = ev.at
		}
	}
	return at
}

// forget drops the events so far.
func (o *office) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = nil
}

func (o *office) count(rule string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts[rule]
}

func (o *office) logged() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.log.String()
}

// client puts somebody on the LAN.
func (o *office) client(host, instance, addr string, txt ...string) *meshtest.Client {
	o.t.Helper()
	c, err := o.NewClient(host, instance, addr, txt...)
	if err != nil {
		o.t.Fatal(err)
	}
	o.clients = append(o.clients, c)
	return c
}

// join puts somebody on a host of their own making.
func (o *office) join(p meshtest.Person) *meshtest.Client {
	o.t.Helper()
	c, err := o.Join(p)
	if err != nil {
		o.t.Fatal(err)
	}
	o.clients = append(o.clients, c)
	return c
}

// publish shows a colleague as an instance.
func (o *office) publish(key, instance string) {
	o.mesh.Publish(linklocal.Proxy{
		Key: key, Instance: instance,
		Rename: func(n int) string {
			user, machine, _ := strings.Cut(instance, "@")
			return fmt.Sprintf("%s-%d@%s", user, n, machine)
		},
	})
}

// staff puts Juliet and Romeo on the LAN and shows them the nurse, and waits until
// everybody knows of everybody.
func (o *office) staff() (j, r *meshtest.Client) {
	o.t.Helper()
	o.publish(nurseJ, nurse)
	j, r = o.client("pronto", juliet, julietAt), o.client("forza", romeo, romeoAt)
	o.wait(4 * time.Second)
	return j, r
}

// send hands a message with a body to the mesh.
func (o *office) send(peer string, token uint64, body string) {
	o.sendFrom(nurseJ, peer, token, body)
}

func (o *office) sendFrom(proxy, peer string, token uint64, body string) {
	o.mesh.Send(linklocal.Delivery{Proxy: proxy, Peer: peer, Token: token, Stanza: message(body)})
}

func message(body string) stanza.Stanza {
	return stanza.Stanza{
		Kind: stanza.Message, Type: "chat", ID: "id-" + body,
		Payload: []*stanza.Element{stanza.New("", "body").AddText(body)},
	}
}

// dial connects a client to an instance, which it then hears.
func (o *office) dial(c *meshtest.Client, instance string) *meshtest.Stream {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s, err := c.Dial(ctx, instance)
	if err != nil {
		o.t.Fatalf("%s: %v", c.Instance, err)
	}
	return s.Start()
}

// say writes to a stream.
func (o *office) say(s *meshtest.Stream, format string, args ...any) {
	o.t.Helper()
	if err := s.Say(fmt.Sprintf(format, args...)); err != nil {
		o.t.Fatalf("saying %.100q: %v", format, err)
	}
	synctest.Wait()
}

// call opens a stream from a client to an instance, as libpurple does, and waits
// for the answering header.
func (o *office) call(c *meshtest.Client, instance string) *meshtest.Stream {
	o.t.Helper()
	s := o.dial(c, instance)
	o.say(s, "%s", meshtest.Header(c.Instance, instance))
	o.hears(s, "<stream:stream ")
	return s
}

// answer accepts a connection from the mesh and answers its header, as libpurple
// does.
func (o *office) answer(c *meshtest.Client) *meshtest.Stream {
	o.t.Helper()
	s, err := c.AcceptWithin(10 * time.Second)
	if err != nil {
		o.t.Fatal(err)
	}
	s.Start()
	o.hears(s, "<stream:stream ")
	from := attribute(got(s), "from")
	o.say(s, "%s", meshtest.Header(c.Instance, from))
	return s
}

func attribute(text, name string) string {
	m := regexp.MustCompile(` ` + name + `=['"]([^'"]*)['"]`).FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[1]
}

func got(s *meshtest.Stream) string {
	text, _ := s.Got()
	return text
}

// bodies returns what a client has read, in order.
func bodies(s *meshtest.Stream) (list []string) {
	for _, m := range regexp.MustCompile(`<body>([^<]*)</body>`).FindAllStringSubmatch(got(s), -1) {
		list = append(list, m[1])
	}
	return list
}

// hears waits until a client has read a text.
func (o *office) hears(s *meshtest.Stream, text string) {
	o.t.Helper()
	start := time.Now()
	for synctest.Wait(); !strings.Contains(got(s), text); o.wait(10 * time.Millisecond) {
		if _, closed := s.Got(); closed || time.Since(start) > 10*time.Second {
			o.t.Fatalf("no %q in %q (closed: %v)", text, got(s), closed)
		}
	}
}

// closes waits until the mesh has closed a connection, and returns how long it took.
func (o *office) closes(s *meshtest.Stream, within time.Duration) time.Duration {
	o.t.Helper()
	return o.until(within, "the connection is closed", func() bool {
		_, closed := s.Got()
		return closed
	})
}

// received returns the bodies that the mesh told of, with who said them to whom.
func (o *office) received() (list []string) {
	for _, r := range of[linklocal.Received](o) {
		text := ""
		if b := r.Stanza.Child("", "body"); b != nil {
			text = b.Text()
		}
		list = append(list, fmt.Sprintf("%s>%s: %s", r.Peer, r.Proxy, text))
	}
	return list
}

// tokens returns what was confirmed and what came back, in order.
func (o *office) tokens() (delivered, returned []uint64) {
	for _, d := range of[linklocal.Delivered](o) {
		delivered = append(delivered, d.Token)
	}
	for _, r := range of[linklocal.Returned](o) {
		returned = append(returned, r.Tokens...)
	}
	return delivered, returned
}
