package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/internal/stanza"
)

// stage is an office in which a scenario is played.
type stage struct {
	*office
	script *scenario
	server *standin
	people map[string]*person
	vars   map[string]string
	now    step
	begun  time.Time

	settings string // lines of bridge.yaml
	ignored  []pattern
	dials    int // looked at

	mu    sync.Mutex
	news  chan struct{}         // something came
	queue map[string][]incoming // by who got it, and from whom: "server", "juliet alice"
	story []string              // everything that came, with its time
	away  bool                  // the server takes no connections
}

// incoming is a stanza or another element that somebody got, or the end of a stream.
type incoming struct {
	at time.Time
	el *stanza.Element // nil: the stream has ended
}

const toServer = "server"

func newStage(t *testing.T, s *scenario, chunk int) *stage {
	p := &stage{
		script: s, server: &standin{pongs: true, chunk: chunk}, people: map[string]*person{}, vars: map[string]string{},
		news: make(chan struct{}, 1), queue: map[string][]incoming{}, begun: time.Now(),
	}
	p.office = newOffice(t, withStandin(p.server))
	p.dialled = p.server
	p.lan.SetChunk(chunk)
	p.dial = p.connect
	p.server.ear = func(e *stanza.Element) { p.came(toServer, e) }
	return p
}

// connect is how the bridge reaches the server.
func (p *stage) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	p.mu.Lock()
	away := p.away
	p.mu.Unlock()
	if away {
		return nil, errors.New("connection refused")
	}
	return p.server.dial(ctx, network, addr)
}

// came notes what somebody got.
func (p *stage) came(who string, e *stanza.Element) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue[who] = append(p.queue[who], incoming{time.Now(), e})
	p.story = append(p.story, fmt.Sprintf("%9s  %s got %s", p.clock(time.Now()), who, p.show(who, e)))
	select {
	case p.news <- struct{}{}:
	default:
	}
}

func (p *stage) clock(t time.Time) string { return t.Sub(p.begun).Round(time.Millisecond).String() }

func contentOf(who string) stanza.Content {
	if who == toServer {
		return stanza.Component
	}
	return stanza.Client
}

func (p *stage) show(who string, e *stanza.Element) string {
	if e == nil {
		return "the end of the stream"
	}
	return string(stanza.AppendElement(nil, contentOf(who), e))
}

// fail ends the scenario: where, when, what was expected, and all that came.
func (p *stage) fail(format string, a ...any) {
	p.Helper()
	p.mu.Lock()
	story := strings.Join(p.story, "\n\t")
	p.mu.Unlock()
	p.Fatalf("%s: at %s: %s\n\t%s\nWhat came, of all:\n\t%s\nThe log of the bridge:\n%s",
		p.now.at, p.clock(time.Now()), p.now.text, fmt.Sprintf(format, a...), story, p.log)
}

// take waits for the next thing that somebody got and takes it out of the queue. what
// says which of them count; others are left for later.
func (p *stage) take(who string, wait time.Duration, what func(incoming) bool) (incoming, bool) {
	deadline := time.After(wait)
	for {
		p.mu.Lock()
		q := p.queue[who]
		i := slices.IndexFunc(q, what)
		if i >= 0 {
			ev := q[i]
			p.queue[who] = slices.Delete(q, i, i+1)
			p.mu.Unlock()
			return ev, true
		}
		p.mu.Unlock()
		select {
		case <-p.news:
		case <-deadline:
			return incoming{}, false
		}
	}
}

// isStanza selects what is no end of a stream and nothing that is ignored.
func (p *stage) isStanza(ev incoming) bool {
	return ev.el != nil && !slices.ContainsFunc(p.ignored, func(pat pattern) bool {
		difference, _ := matchStanza(pat, ev.el, p.vars)
		return difference == ""
	})
}

func isEnd(ev incoming) bool { return ev.el == nil }

// left returns what somebody got and nobody has looked at.
func (p *stage) left() []string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	for _, who := range slices.Sorted(maps.Keys(p.queue)) {
		for _, ev := range p.queue[who] {
			if p.isStanza(ev) {
				list = append(list, fmt.Sprintf("%s got at %s: %s", who, p.clock(ev.at), p.show(who, ev.el)))
			}
		}
	}
	return list
}

// nothingLeft holds for every scenario that all that came was expected.
func (p *stage) nothingLeft() {
	if list := p.left(); len(list) > 0 {
		p.now = step{at: p.script.file, text: "(the end)"}
		p.fail("nobody expected:\n\t%s", strings.Join(list, "\n\t"))
	}
}

// expectQuiet lets time pass in which none of some people gets anything.
func (p *stage) expectQuiet(d time.Duration, who func(key string) bool) {
	p.pass(d)
	for _, line := range p.left() {
		if key, _, _ := strings.Cut(line, " got"); who(key) {
			p.fail("%s", line)
		}
	}
}

func (p *stage) serverHearsNothing(st step) {
	p.expectQuiet(st.patience(), func(key string) bool { return key == toServer })
}

func (p *stage) peerHearsNothing(st step) {
	p.expectQuiet(st.patience(), func(key string) bool { return strings.HasPrefix(key, st.words["PEER"]+" ") })
}

func (p *stage) silence(st step) { p.expectQuiet(st.patience(), func(string) bool { return true }) }

func (p *stage) skip(step) {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.queue)
}

func (p *stage) quietLAN(st step) {
	since := time.Now()
	p.pass(st.patience())
	if n := p.packets("router", since); n > 0 {
		p.fail("there were %d packets", n)
	}
}

// expectNext takes as many stanzas as a step has patterns, and compares.
func (p *stage) expectNext(who string, st step) {
	patterns, err := patternsOf(contentOf(who), p.resolve(who, st.words["XML"]))
	if err != nil {
		p.fail("%v", err)
	}
	p.expectAll(who, st, patterns, time.Now())
}

// expectMany is expectNext, so many times.
func (p *stage) expectMany(who string, st step) {
	begun := time.Now()
	for n := range st.count("N") {
		p.vars["n"] = decimal(n + 1)
		patterns, err := patternsOf(contentOf(who), p.resolve(who, st.words["XML"]))
		if err != nil {
			p.fail("%v", err)
		}
		p.expectAll(who, st, patterns, begun)
	}
	delete(p.vars, "n")
}

func (p *stage) expectAll(who string, st step, patterns []pattern, begun time.Time) {
	wait := st.patience()
	for len(patterns) > 0 {
		ev, ok := p.take(who, wait-time.Since(begun), p.isStanza)
		if !ok {
			p.fail("%s got nothing more within %v; expected\n\t%s", who, wait, p.show(who, patterns[0]))
		}
		if least := st.duration("LEAST", 0); least > 0 && ev.at.Sub(begun) < least {
			p.fail("%s got this before %v:\n\t%s", who, least, p.show(who, ev.el))
		}
		patterns = p.met(who, patterns, ev.el, st.anyOrder())
	}
}

// anyOrder reports whether a step said so.
func (st step) anyOrder() bool { return strings.Contains(st.text, "gets in any order") }

// met takes the pattern off the list that a stanza fits: the first, or any.
func (p *stage) met(who string, patterns []pattern, got *stanza.Element, any bool) []pattern {
	first := ""
	for i, want := range patterns {
		difference, vars := matchStanza(want, got, p.vars)
		if difference == "" {
			p.vars = vars
			return slices.Delete(slices.Clone(patterns), i, i+1)
		}
		if i == 0 {
			first = difference
		}
		if !any {
			break
		}
	}
	p.fail("%s\n\texpected %s\n\tcame     %s", first, p.show(who, patterns[0]), p.show(who, got))
	return nil
}

// resolve puts addresses in place of names in braces, as they are on that side:
// upstream a peer is its proxy JID, on the LAN a colleague is a proxy instance.
func (p *stage) resolve(who, text string) string {
	return braces.ReplaceAllStringFunc(text, func(found string) string {
		m := braces.FindStringSubmatch(found)
		return escaped(p.address(who, m[1]) + m[2])
	})
}

func (p *stage) address(who, name string) string {
	r := p.script.cast[name]
	switch {
	case name == "gateway" && who == toServer:
		return component
	case name == "gateway":
		return "gateway@office"
	case r.peer && who == toServer:
		return proxyOf(r.address)
	case r.peer || who == toServer:
		return r.address
	}
	return strings.ReplaceAll(r.address, "@", `\40`) + "@office"
}

// let gives a name to a text that is too long to be written down.
func (p *stage) let(st step) {
	p.vars[st.words["VARIABLE"]] = strings.Repeat(st.words["WORD"], st.count("N"))
}

// fillIn puts values in place of variables in what somebody is to say.
func (p *stage) fillIn(text string) string {
	return variable.ReplaceAllStringFunc(text, func(name string) string {
		value, ok := p.vars[name[1:]]
		if !ok {
			p.fail("%s has no value yet", name)
		}
		return escaped(value)
	})
}

// config adds lines of bridge.yaml.
func (p *stage) config(st step) {
	if p.stop != nil {
		p.fail("the bridge is running: say this before it starts")
	}
	p.settings += st.words["SETTINGS"] + "\n"
}

// everyOffice are the settings without which no bridge starts.
const everyOffice = `linklocal.interfaces: [eth0]
upstream.uri: tcp://127.0.0.1:5347
upstream.domain: ` + component + `
upstream.secret_file: secret
`

// configure makes the configuration of what the scenario says so far.
func (p *stage) configure() {
	cfg, err := config.Parse("bridge.yaml", []byte(yamlOf(everyOffice+p.settings)+p.colleagues()))
	if err != nil {
		p.fail("%v", err)
	}
	cfg.State, cfg.Upstream.Secret = p.cfg.State, config.NewSecret(secret)
	p.cfg = cfg
}

// colleagues is the admin's list, as YAML.
func (p *stage) colleagues() string {
	var b strings.Builder
	b.WriteString("colleagues:\n")
	for _, name := range slices.Sorted(maps.Keys(p.script.cast)) {
		if r := p.script.cast[name]; r.colleague {
			fmt.Fprintf(&b, "  - uri: xmpp:%s\n    nick: %q\n    introduce: %s\n", r.address, r.nick, r.introduce)
		}
	}
	return b.String()
}

// yamlOf makes sections of lines such as "access.mesh: bound". Of two lines for one
// key the later counts.
func yamlOf(lines string) string {
	sections, order := map[string]map[string]string{}, []string{}
	for line := range strings.Lines(lines) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		section, name, _ := strings.Cut(key, ".")
		if sections[section] == nil {
			sections[section] = map[string]string{}
			order = append(order, section)
		}
		sections[section][name] = value
	}
	var b strings.Builder
	for _, section := range order {
		b.WriteString(section + ":\n")
		for _, name := range slices.Sorted(maps.Keys(sections[section])) {
			b.WriteString("  " + name + ":" + sections[section][name] + "\n")
		}
	}
	return b.String()
}

func (p *stage) starts(step) {
	if p.stop != nil {
		p.fail("the bridge is running")
	}
	p.configure()
	p.launch()
	p.pass(3 * time.Second)
	p.dials = p.server.count()
}

func (p *stage) running() {
	if p.stop == nil {
		p.fail("the bridge is not running")
	}
}

func (p *stage) stops(step) { p.running(); p.sigterm() }

func (p *stage) killed(step) { p.running(); p.kill() }

func (p *stage) forgets(step) {
	if p.stop != nil {
		p.fail("the bridge is running: it knows what it stored")
	}
	p.store = newFakeStore()
}

func (p *stage) counted(st step) {
	p.running()
	if got, want := p.office.counted(st.words["RULE"]), st.count("N"); got != uint64(want) {
		p.fail("it was counted %d times", got)
	}
}

func (p *stage) logged(st step) {
	if !strings.Contains(p.log.String(), st.words["TEXT"]) {
		p.fail("the log has no such line")
	}
}

func (p *stage) notLogged(st step) {
	if strings.Contains(p.log.String(), st.words["TEXT"]) {
		p.fail("the log has such a line")
	}
}

func (p *stage) serverSends(st step) {
	p.octets(p.server.newest(), p.fillIn(p.resolve(toServer, st.words["XML"])))
}

// octets writes to whoever is at the other end.
func (p *stage) octets(to io.Writer, text string) {
	if to == nil {
		p.fail("there is no connection")
	}
	_, err := io.WriteString(to, text)
	if _, mesh := to.(*talk); err != nil && !mesh { // a peer's stream may be ended before all is read
		p.fail("this cannot be sent: %v", err)
	}
}
