package adhoc

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"meshbridge/internal/stanza"
)

// Bounds of sessions.
const (
	life    = 10 * time.Minute // for a form to be filled in; and that a session is remembered as over
	maxOpen = 64               // sessions at a time
	maxOwn  = 4                // of one person; a fifth ends the first
	maxKept = 256              // those that are over included
)

// session is one run of a command.
type session struct {
	id, owner, node string
	steps           []Step // shown one after the other; none: it is over
	busy            bool   // between a form and the next step
	since           time.Time
}

func (s *session) open() bool { return s.busy || len(s.steps) > 0 }

func (s *session) end() { s.steps, s.busy = nil, false }

// Sessions are the commands that people are in the middle of. The zero value is fit
// for use.
type Sessions struct{ list []*session } // oldest first

// Answer takes the answer to a request: the payload of a result, or the fault.
type Answer func(*stanza.Element, *Fault)

// Serve goes on with the session of a request, or lets one begin. answer is called
// once, when the command has come to its next step.
func (t *Sessions) Serve(r Request, begin func(reply func(Step)), answer Answer) {
	t.age()
	if r.Session != "" {
		t.goOn(r, answer)
		return
	}
	if r.Action != Execute {
		answer(nil, badAction)
		return
	}
	s := t.add(r)
	if s == nil {
		answer(nil, busy)
		return
	}
	begin(func(next Step) { s.advance(next, answer) })
}

// goOn serves a request within a session.
func (t *Sessions) goOn(r Request, answer Answer) {
	s := t.find(r)
	switch {
	case s == nil:
		answer(nil, badSession)
	case !s.open():
		answer(nil, expired)
	case s.busy, r.Action == Prev && len(s.steps) < 2:
		answer(nil, badAction)
	case r.Action == Cancel:
		s.end()
		answer(s.element("canceled"), nil)
	case r.Action == Prev:
		s.steps = s.steps[:len(s.steps)-1]
		s.show(answer)
	default:
		s.submit(r, answer)
	}
}

// submit takes in a form that was filled in. One that is not as it should be can be
// sent again.
func (s *session) submit(r Request, answer Answer) {
	step := s.steps[len(s.steps)-1]
	if !step.allows(r.Action) {
		answer(nil, badAction)
		return
	}
	answers, err := step.Form.Read(r.form)
	if err != nil {
		answer(nil, badPayload)
		return
	}
	s.busy, s.since = true, time.Now()
	step.Then(answers, func(next Step) { s.advance(next, answer) })
}

// advance takes a session to its next step.
func (s *session) advance(next Step, answer Answer) {
	s.busy = false
	if next.Then != nil {
		s.steps = append(s.steps, next)
		s.show(answer)
		return
	}
	s.end()
	answer(s.element("completed").Add(next.note(), next.x()), nil)
}

// show answers with the step that a session is at.
func (s *session) show(answer Answer) {
	s.since = time.Now()
	step := s.steps[len(s.steps)-1]
	answer(s.element("executing").Add(step.actions(len(s.steps) > 1), step.note(), step.x()), nil)
}

func (s *session) element(status string) *stanza.Element {
	return stanza.New(NS, "command").With("node", s.node).With("sessionid", s.id).With("status", status).SetLang("en")
}

// find returns the session of a request, if it is its sender's.
func (t *Sessions) find(r Request) *session {
	i := slices.IndexFunc(t.list, func(s *session) bool { return s.id == r.Session })
	if i < 0 || t.list[i].owner != r.From || t.list[i].node != r.Node {
		return nil
	}
	return t.list[i]
}

// add begins a session, or returns nil when there are too many.
func (t *Sessions) add(r Request) *session {
	var open, own []*session
	for _, s := range t.list {
		if s.open() {
			open = append(open, s)
			if bare(s.owner) == bare(r.From) {
				own = append(own, s)
			}
		}
	}
	switch idle := slices.IndexFunc(own, func(s *session) bool { return !s.busy }); {
	case len(own) < maxOwn && len(open) < maxOpen:
	case len(own) < maxOwn, idle < 0:
		return nil
	default:
		own[idle].end()
	}
	if len(t.list) >= maxKept {
		over := slices.IndexFunc(t.list, func(s *session) bool { return !s.open() })
		t.list = slices.Delete(t.list, over, over+1) // there is one: maxOpen is less
	}
	s := &session{id: rand.Text(), owner: r.From, node: r.Node, busy: true, since: time.Now()}
	t.list = append(t.list, s)
	return s
}

// age ends sessions whose owner does not go on, and forgets those that were over for as
// long again.
func (t *Sessions) age() {
	t.list = slices.DeleteFunc(t.list, func(s *session) bool {
		idle := time.Since(s.since)
		if idle >= life && !s.busy {
			s.end()
		}
		return idle >= 2*life && !s.busy
	})
}

// Open counts the sessions that are not over.
func (t *Sessions) Open() (n int) {
	t.age()
	for _, s := range t.list {
		if s.open() {
			n++
		}
	}
	return n
}

func bare(jid string) string {
	jid, _, _ = strings.Cut(jid, "/")
	return jid
}
