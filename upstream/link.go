package upstream

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"

	"meshbridge/internal/stanza"
)

// Link is a component's connection to its server, made again whenever it breaks.
type Link struct {
	domain            domain
	digest            func(id string) string // the secret itself is in no field, so that none can print it
	repeats           func(text string) bool // whether a text repeats the secret
	targets           func(context.Context) ([]Target, error)
	insecurePlaintext bool
	dial              func(ctx context.Context, network, address string) (net.Conn, error)
	maxStanza         int
	count             func(rule string)
	log               *slog.Logger
	pace              pace // of the goroutine in Run, and so is
	care              care
}

// New checks the configuration. The errors say which key to mend.
func New(c Config) (*Link, error) {
	d, err := parseDomain(c.Domain)
	if err != nil {
		return nil, err
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	secret := c.Secret
	return &Link{
		domain:            d,
		digest:            func(id string) string { return Digest(id, secret) },
		repeats:           func(text string) bool { return strings.Contains(text, secret) },
		targets:           c.Targets,
		insecurePlaintext: c.InsecurePlaintext,
		dial:              c.Dial,
		maxStanza:         c.MaxStanza,
		count:             c.Count,
		log:               c.Log.With("component", string(d)),
		pace:              pace{random: c.Random, spread: c.ShutdownSpread},
	}, nil
}

// Run keeps the stream up until ctx ends, and returns why ctx did. It may be
// called once.
//
// It calls handle for every event, in order, from one goroutine at a time. While
// handle runs nothing is read, so it must not wait for long: a routed ping that
// nobody reads for 15 s counts as unanswered.
//
// When ctx ends while a session is up, what is queued is written (within 5 s),
// then </stream:stream>, and the server's own is waited for (5 s at most).
func (l *Link) Run(ctx context.Context, handle func(Event)) error {
	for ctx.Err() == nil {
		l.walk(ctx, handle)
	}
	return context.Cause(ctx)
}

// walk goes once over the list of targets, and then waits.
func (l *Link) walk(ctx context.Context, handle func(Event)) {
	var r round
	for ctx.Err() == nil && l.advance(ctx, &r, handle) {
	}
	if ctx.Err() == nil {
		l.sleep(ctx, l.pace.through(r), handle)
	}
}

// advance tries the next target of the round. It reports false when there is none.
func (l *Link) advance(ctx context.Context, r *round, handle func(Event)) bool {
	if len(r.list) == 0 && !r.through {
		if err := l.resolve(ctx, r); err != nil && ctx.Err() == nil {
			l.down(Down{Err: err}, handle)
		}
	}
	if len(r.list) == 0 {
		return false
	}
	t := r.take()
	e := l.attempt(ctx, t, handle)
	r.ended(t, e, l.pace.after(e, time.Now()))
	return true
}

// resolve fills the round with the targets that have not been tried in it. A round
// is bounded, however many addresses turn up.
func (l *Link) resolve(ctx context.Context, r *round) error {
	all, err := l.targets(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("no address is known for the server: see what upstream.uri resolves to")
	}
	r.add(all)
	return nil
}

// attempt tries one target, serves the session when there is one, and tells how it
// ended.
func (l *Link) attempt(ctx context.Context, t Target, handle func(Event)) ending {
	l.log.Debug("connecting to the server", "target", t.Address, "tls", t.TLS != nil)
	conn, err := l.connect(ctx, t)
	if err != nil {
		return l.failed(ctx, t, err, handle)
	}
	defer conn.Close()
	s, r, err := l.open(ctx, conn, t.Address)
	if err != nil {
		return l.failed(ctx, t, err, handle)
	}
	l.log.Info("authenticated", "target", t.Address)
	if l.care.on {
		l.log.Warn("the server ended the stream when it was given something of ours; now it gets one stanza at a time")
		s.takeCare()
	}
	err = l.serve(ctx, s, r, handle)
	e := ending{err: err, class: classify(err), lived: max(time.Since(s.since), 1)}
	if ctx.Err() != nil {
		e.class = Stopped
	}
	d := Down{Session: s, Target: t.Address, Err: err, Class: e.class}
	e.pending, d.Alone = s.pending()
	if !l.care.suspects(e) {
		d.Alone = 0
	}
	l.care.note(e)
	l.down(d, handle)
	return e
}

// serve runs a session to its end.
func (l *Link) serve(ctx context.Context, s *Session, r *stanza.Reader, handle func(Event)) error {
	go s.write()
	stop := context.AfterFunc(ctx, s.stop)
	handle(Up{s})
	err := s.read(r, l, handle)
	stop()
	s.end(farewellTo(err))
	<-s.written
	return s.causeOf(err)
}

// failed reports an attempt that led to no session.
func (l *Link) failed(ctx context.Context, t Target, err error, handle func(Event)) ending {
	e := ending{err: err, class: classify(err)}
	if ctx.Err() == nil { // otherwise it failed because we stopped it
		l.down(Down{Target: t.Address, Err: err, Class: e.class}, handle)
	}
	return e
}

// down tells the log and the handler.
func (l *Link) down(d Down, handle func(Event)) {
	level, text := slog.LevelWarn, "not connected to the server"
	switch d.Class {
	case Refused:
		level = slog.LevelError
	case Stopped:
		level, text = slog.LevelInfo, "left the server"
	}
	l.log.Log(context.Background(), level, text,
		"target", d.Target, "class", d.Class.String(), "error", d.Err)
	handle(d)
}

// said makes an error of a received <stream:error/>. Words that repeat the secret, or
// the digest where it was just sent, are kept to ourselves.
func (l *Link) said(e *stanza.StreamError, digest string) error {
	text := plainText(e.Text)
	if l.repeats(e.Text) || digest != "" && strings.Contains(e.Text, digest) {
		text = "words withheld, for they repeat the secret"
	}
	return &ServerError{Condition: e.Condition, Text: text, Domain: string(l.domain)}
}

// sleep waits between two rounds.
func (l *Link) sleep(ctx context.Context, w Waiting, handle func(Event)) {
	level, text := slog.LevelInfo, "waiting before the next attempt"
	if w.Refused {
		level, text = slog.LevelError, "no server takes this component, and the lines above say what has to be mended; waiting before the next attempt"
	}
	l.log.Log(ctx, level, text, "wait", w.For.Round(time.Millisecond).String())
	handle(w)
	select {
	case <-ctx.Done():
	case <-time.After(w.For):
	}
}
