package bridge

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/bridge/address"
	"meshbridge/bridge/config"
	"meshbridge/linklocal/mdns/mdnstest"
	"meshbridge/linklocal/meshtest"
	"meshbridge/upstream/embedded"
)

const (
	component = "lan.example.org"
	secret    = "an office secret"

	aliceJID      = "alice@example.org"
	aliceInstance = `alice\40example.org@office`
	julietName    = "juliet@pronto"
	julietJID     = `juliet\40pronto@` + component
	romeoName     = "romeo@forza"
	romeoJID      = `romeo\40forza@` + component
)

// office is a whole bridge in virtual time: a LAN in memory with people on it, the
// gateway, and a server.
type office struct {
	*testing.T
	lan     *meshtest.LAN
	router  *mdnstest.Host
	server  *embedded.Server // nil where a stand-in is in its place
	dialled *standin
	cfg     config.Config
	log     *logbook
	level   slog.Level
	store   *fakeStore // nil: the real one
	dial    func(context.Context, string, string) (net.Conn, error)

	gateway  *Gateway
	stop     context.CancelFunc
	ended    chan error
	patience time.Duration // more for a slow server

	mu     sync.Mutex
	wires  []*wire // of all connections to the server
	people []*person
	dead   bool            // the bridge can reach nobody, as when it was killed
	mute   map[string]bool // hosts whose packets get lost
}

// scene plays a test in an office of its own. change prepares the configuration.
func scene(t *testing.T, name string, play func(o *office), change ...func(*office)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t, change...)
			defer o.close()
			play(o)
		})
	})
}

func newOffice(t *testing.T, change ...func(*office)) *office {
	o := &office{T: t, lan: meshtest.New(), cfg: config.Defaults(), log: new(logbook), store: newFakeStore(), mute: map[string]bool{}}
	o.cfg.State = filepath.Join(t.TempDir(), "state")
	o.cfg.LinkLocal.Interfaces = []string{"eth0"}
	o.cfg.Upstream.Target = config.Target{Scheme: "tcp", Host: "127.0.0.1", Port: 5347}
	o.cfg.Upstream.Domain = component
	o.cfg.Upstream.Secret = config.NewSecret(secret)
	o.cfg.Access.WarnUnencrypted = false // an office that knows
	o.list(aliceJID, "Alice")
	for _, f := range change {
		f(o)
	}
	if o.dial == nil {
		o.serve(embedded.Config{})
	}
	o.router = o.lan.Host("router", "10.2.1.1/24")
	o.lan.SetHooks(mdnstest.Hooks{Lose: o.loses})
	return o
}

// list puts a colleague on the admin's list.
func (o *office) list(address, nick string) {
	o.cfg.Colleagues = append(o.cfg.Colleagues, config.Colleague{JID: mustJID(address), Nick: nick})
}

// serve sets the server up.
func (o *office) serve(c embedded.Config) {
	c.Host, c.Components = "example.org", map[string]string{component: secret}
	var err error
	o.server, err = embedded.New(c)
	o.must(err)
	o.dial = o.server.Dial
}

// close ends everything, and holds what must be true of every scene.
func (o *office) close() {
	if o.stop != nil {
		o.sigterm()
	}
	for _, p := range o.people {
		p.close()
	}
	if o.server != nil {
		o.server.Close()
	}
	o.checkWires()
}

// start starts the bridge, and waits until it is up.
func (o *office) start() {
	o.Helper()
	o.launch()
	o.pass(3*time.Second + o.patience)
	if !o.gateway.readyTold {
		o.Fatalf("the bridge is not ready:\n%s", o.log)
	}
}

// together is an office in which Juliet and Alice see each other.
func (o *office) together() (*friend, *person) {
	o.Helper()
	alice, juliet := o.alice(), o.juliet()
	o.start()
	alice.subscribes(julietJID)
	o.pass(6 * time.Second) // settled, and no answer within the pause of another
	alice.expectSees(julietJID, "available")
	juliet.expectSees(aliceInstance, "avail At my desk")
	alice.got()
	return alice, juliet
}

// launch starts the bridge.
func (o *office) launch() {
	o.Helper()
	opts := Options{
		Log: o.logger(), Version: "test",
		Network: o.router, Transport: o.lan.Transport(), Dial: o.tap,
		floor: time.Unix(1, 0), // virtual time begins in the year 2000
	}
	var err error
	if o.store == nil {
		o.gateway, err = New(o.cfg, opts)
		o.must(err)
	} else {
		o.gateway, err = assemble(o.cfg, opts)
		o.must(err)
		o.gateway.keeper = o.store
		o.gateway.recall(o.store.copy())
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	o.stop, o.ended = cancel, ended
	g := o.gateway
	go func() { ended <- g.Run(ctx) }()
}

// logger writes into the logbook.
func (o *office) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(o.log, &slog.HandlerOptions{Level: o.level}))
}

// sigterm ends the bridge in order.
func (o *office) sigterm() {
	o.Helper()
	o.stop()
	if err := <-o.ended; err != nil {
		o.Errorf("Run: %v", err)
	}
	o.stop = nil
}

// kill ends the bridge as kill -9 does: nobody hears anything of it any more, and its
// store is as it was.
func (o *office) kill() {
	o.Helper()
	o.pass(200 * time.Millisecond) // a group commit
	restore := o.backup()
	o.silence(true)
	if o.server != nil {
		o.server.Disconnect()
	} else {
		o.dialled.hangsUp()
	}
	synctest.Wait()
	o.sigterm()
	restore()
	o.silence(false)
}

// backup copies what is stored, and returns a function that puts it back.
func (o *office) backup() func() {
	o.Helper()
	if o.store != nil {
		saved := o.store.copy()
		return func() {
			o.store.State = saved
			clear(o.store.mail)
			for _, m := range saved.Messages {
				o.store.mail[m.ID] = m
			}
		}
	}
	file := filepath.Join(o.cfg.State, "meshbridge.db")
	saved, err := os.ReadFile(file)
	o.must(err)
	return func() { o.must(os.WriteFile(file, saved, 0o600)) }
}

// onDisk gives an office a real store.
func onDisk(o *office) { o.store = nil }

// silence cuts the bridge off, or lets it be heard again.
func (o *office) silence(dead bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dead, o.mute["router"] = dead, dead
}

// loses makes the packets of a mute host get lost.
func (o *office) loses(s mdnstest.Sent) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mute[s.Host]
}

// tap is how the bridge reaches the server: every octet is noted.
func (o *office) tap(ctx context.Context, network, addr string) (net.Conn, error) {
	o.mu.Lock()
	dead := o.dead
	o.mu.Unlock()
	if dead {
		return nil, errors.New("the bridge is dead")
	}
	conn, err := o.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: conn}
	o.mu.Lock()
	o.wires = append(o.wires, w)
	o.mu.Unlock()
	return w, nil
}

// wire returns the newest connection to the server.
func (o *office) wire() *wire {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.wires[len(o.wires)-1]
}

// pass lets time pass, and what was begun come to rest.
func (o *office) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// counted returns how often the gateway counted a rule in this life.
func (o *office) counted(rule string) uint64 { return o.gateway.drops.of(rule) }

// expectCount checks a count.
func (o *office) expectCount(rule string, want uint64) {
	o.Helper()
	if got := o.counted(rule); got != want {
		o.Errorf("%s was counted %d times, want %d", rule, got, want)
	}
}

// expect compares lists of words.
func (o *office) expect(what string, got []string, want ...string) {
	o.Helper()
	if !slices.Equal(got, want) {
		o.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// logbook is the log of the bridge.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// times returns how many lines have a text in them.
func (l *logbook) times(text string) int {
	n := 0
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func proxyOf(name string) string {
	local, _ := address.ProxyLocal(name)
	return local + "@" + component
}
