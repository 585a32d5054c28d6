package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
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
	events  []Event // but for the next
	waits   []Waiting
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
	if w, ok := e.(Waiting); ok {
		r.waits = append(r.waits, w)
		return
	}
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

// up leads the newest connection to its session, and through its first sweep.
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
	f.forget()
	return f, e.Session
}

// waited returns the pauses told of so far.
func (r *rig) waited() []Waiting {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.waits)
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

// ending returns the Down of a session, nil when there was none.
func (r *rig) ending(s *Session) *Down {
	for _, e := range r.take() {
		if d, ok := e.(Down); ok && d.Session == s {
			return &d
		}
	}
	return nil
}

// pass lets that much of the bubble's time pass.
func pass(d time.Duration) { <-time.After(d) }
