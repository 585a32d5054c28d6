package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"meshbridge/internal/stanza"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testDomain = "lan.example.org"
	testSecret = "tops3cret"
	goodHeader = `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' ` +
		`xmlns:stream='http://etherx.jabber.org/streams' from='lan.example.org' id='3BF96D32'>`
)

// rig is a Link in virtual time whose every connection leads to the test.
type rig struct {
	t      *testing.T
	link   *Link
	start  time.Time
	cancel context.CancelFunc
	done   chan error
	over   chan struct{} // closed at the end of the test

	mu      sync.Mutex
	events  []Event
	fars    []*far
	dials   []dialled
	resolve func() ([]Target, error)
	refuse  map[string]error // by address
	serve   func(*far)       // what each connection meets, nil: nothing, the test speaks
	counts  map[string]int
	log     syncBuffer
}

// syncBuffer is a buffer to log into while a test reads it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

type dialled struct {
	address string
	at      time.Duration // since the rig began
}

// newRig makes a rig; run begins it. It must be called inside a synctest bubble.
func newRig(t *testing.T, change ...func(*Config)) *rig {
	r := &rig{t: t, start: time.Now(), over: make(chan struct{}), refuse: map[string]error{}, counts: map[string]int{}}
	r.resolve = func() ([]Target, error) { return []Target{{Address: "a:5347"}}, nil }
	c := Config{
		Domain: testDomain, Secret: testSecret, InsecurePlaintext: true,
		Dial: r.dial,
		Targets: func(context.Context) ([]Target, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.resolve()
		},
		Count:  r.count,
		Random: func() float64 { return 1 },
		Log:    slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&c)
	}
	link, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	r.link = link
	return r
}

// run starts the link and stops it at the end of the test.
func (r *rig) run() *rig {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan error, 1)
	go func() { r.done <- r.link.Run(ctx, r.handle) }()
	r.t.Cleanup(func() {
		cancel()
		close(r.over)
		for _, f := range r.fars {
			f.conn.Close()
		}
	})
	synctest.Wait()
	return r
}

func (r *rig) handle(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *rig) count(rule string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[rule]++
}

func (r *rig) dial(ctx context.Context, _, address string) (net.Conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dials = append(r.dials, dialled{address, time.Since(r.start)})
	if err := r.refuse[address]; err != nil {
		return nil, err
	}
	near, conn := net.Pipe()
	f := &far{conn: conn, echo: true, over: r.over}
	r.fars = append(r.fars, f)
	go f.listen()
	if r.serve != nil {
		go r.serve(f)
	}
	return near, nil
}

// far returns the newest connection.
func (r *rig) far() *far {
	r.t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.fars) == 0 {
		r.t.Fatal("the link has dialled nobody")
	}
	return r.fars[len(r.fars)-1]
}

// up leads the newest connection to its session.
func (r *rig) up() (*far, *Session) {
	r.t.Helper()
	f := r.far()
	f.say(goodHeader)
	f.say(`<handshake/>`)
	synctest.Wait()
	e, ok := r.last().(Up)
	if !ok {
		r.t.Fatalf("the last event is %T after <handshake/>, want Up", r.last())
	}
	return f, e.Session
}

func (r *rig) last() Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) == 0 {
		return nil
	}
	return r.events[len(r.events)-1]
}

// take returns the events since the last take.
func (r *rig) take() []Event {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	events := r.events
	r.events = nil
	return events
}

// down returns the last event, which must be a Down.
func (r *rig) down() Down {
	r.t.Helper()
	synctest.Wait()
	d, ok := r.last().(Down)
	if !ok {
		r.t.Fatalf("the last event is %#v, want Down", r.last())
	}
	return d
}

// far is the server's end of a connection. It notes every byte that the link writes
// and, while echo is set, routes self pings as a server does.
type far struct {
	conn net.Conn
	over chan struct{} // closed at the end of the test

	mu      sync.Mutex
	echo    bool
	deaf    bool // reads no more
	slow    bool // reads a byte at a time
	raw     []byte
	header  stanza.Header
	got     []*stanza.Element
	ended   error     // what the link's stream ended with
	endedAt time.Time // when
}

// Read notes what passes, for the reader in listen.
func (f *far) Read(p []byte) (int, error) {
	f.mu.Lock()
	deaf, slow := f.deaf, f.slow
	f.mu.Unlock()
	if deaf {
		<-f.over
	}
	if slow {
		p = p[:1]
	}
	n, err := f.conn.Read(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.raw = append(f.raw, p[:n]...)
	return n, err
}

// pause waits, though not beyond the end of the test.
func (f *far) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-f.over:
	}
}

func (f *far) listen() {
	r := stanza.NewReader(f, stanza.Component, stanza.Limits{})
	h, err := r.Header()
	f.mu.Lock()
	f.header = h
	f.mu.Unlock()
	for err == nil {
		var el *stanza.Element
		if el, err = r.Next(); err == nil {
			f.note(el)
		}
	}
	f.mu.Lock()
	f.ended, f.endedAt = err, time.Now()
	f.mu.Unlock()
	// A closed stream's connection is read on, so that nothing blocks.
	for err == stanza.ErrClosed {
		if _, readErr := f.Read(make([]byte, 512)); readErr != nil {
			err = readErr
		}
	}
}

func (f *far) note(el *stanza.Element) {
	f.mu.Lock()
	f.got = append(f.got, el)
	echo := f.echo
	f.mu.Unlock()
	if echo && isSelfPing(el) {
		f.conn.SetWriteDeadline(time.Now().Add(time.Minute))
		f.conn.Write(stanza.AppendElement(nil, stanza.Component, el))
	}
}

func isSelfPing(el *stanza.Element) bool {
	return el.Name.Local == "iq" && el.Attr("from") == testDomain && el.Attr("to") == testDomain
}

// say writes bytes to the link. Nobody may be reading them any more.
func (f *far) say(s string) {
	f.conn.SetWriteDeadline(time.Now().Add(time.Second))
	f.conn.Write([]byte(s))
	synctest.Wait()
}

// stopReading makes the server take no more bytes, but for those of one read.
func (f *far) stopReading() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deaf = true
}

func (f *far) setSlow(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slow = on
}

func (f *far) setEcho(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.echo = on
}

// bytes returns all that the link has written.
func (f *far) bytes() string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(f.raw)
}

// stanzas returns what the link has written but the handshake and its own pings.
func (f *far) stanzas() []*stanza.Element {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []*stanza.Element
	for _, el := range f.got {
		if el.Name.Local != "handshake" && !isSelfPing(el) {
			list = append(list, el)
		}
	}
	return list
}

// pings returns the ids of the self pings that the link has written.
func (f *far) pings() []string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for _, el := range f.got {
		if isSelfPing(el) {
			ids = append(ids, el.Attr("id"))
		}
	}
	return ids
}

// end returns how and when the link's stream ended, nil while it has not.
func (f *far) end() (error, time.Time) {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ended, f.endedAt
}

// chat is a message from the mesh to Alice.
func chat(id string) stanza.Stanza {
	return stanza.Stanza{
		Kind: stanza.Message, From: `juliet\40pronto@` + testDomain, To: "alice@example.org", ID: id, Type: "chat",
		Payload: []*stanza.Element{stanza.New("", "body").AddText("hello")},
	}
}

// bigChat is a message of about size bytes.
func bigChat(size int) stanza.Stanza {
	st := chat("big")
	st.Payload = []*stanza.Element{stanza.New("", "body").AddText(strings.Repeat("x", size))}
	return st
}

func inBubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

var errRefused = errors.New("connection refused")

func targets(names ...string) func() ([]Target, error) {
	return func() ([]Target, error) {
		var list []Target
		for _, n := range names {
			list = append(list, Target{Address: n + ":5347"})
		}
		return list, nil
	}
}

// route returns the dials as text: "a@0s b@0s a@1s".
func (r *rig) route() string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	var parts []string
	for _, d := range r.dials {
		parts = append(parts, fmt.Sprintf("%s@%v", strings.TrimSuffix(d.address, ":5347"), d.at))
	}
	return strings.Join(parts, " ")
}

func newTargets(context.Context) ([]Target, error) { return nil, nil }

// route sends the self pings back that have not been, and all that follow.
func (f *far) route() {
	ids := f.pings()
	f.setEcho(true)
	f.say(ping(ids[len(ids)-1]))
}

func ping(id string) string {
	return `<iq type='get' id='` + id + `' from='lan.example.org' to='lan.example.org'><ping xmlns='urn:xmpp:ping'/></iq>`
}

// ending returns the Down of a session, nil when there was none.
func (r *rig) ending(s *Session) *Down {
	for _, e := range r.take() {
		if d, ok := e.(Down); ok && d.Session == s {
			return &d
		}
	}
	return nil
}
