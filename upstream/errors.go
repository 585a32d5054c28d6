package upstream

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// What Send may answer. A caller compares with errors.Is; the texts of the wrapped
// errors add the particulars.
var (
	// ErrClosed: the session is over. Wait for the next Up.
	ErrClosed = errors.New("the upstream session is closed")

	// ErrQueueFull: the server does not keep up. Try again after the next Routed.
	ErrQueueFull = errors.New("the upstream queue is full")

	// ErrTooBig: the stanza is larger than Config.MaxStanza; the server would
	// answer by ending the stream.
	ErrTooBig = errors.New("the stanza is larger than max_stanza")

	// ErrIncomplete: a stanza without from or to, or an iq without id or type, or
	// one of these with characters that XML cannot carry (XEP-0114 section 3).
	ErrIncomplete = errors.New("the stanza lacks an attribute that a component must write")

	// ErrForeignFrom: the stanza's from is not in the component's domain.
	ErrForeignFrom = errors.New("the stanza is from another domain than the component's")
)

// ServerError is a stream error that the server sent (RFC 6120 section 4.9).
type ServerError struct {
	Condition string // as "not-authorized"
	Text      string // the server's own words, shortened and without control characters; may be empty
	Domain    string // the component's domain
}

// Error returns the condition, the server's words and what to do about it.
func (e *ServerError) Error() string {
	text := "the server ended the stream of " + e.Domain + " with " + e.Condition
	if e.Text != "" {
		text += fmt.Sprintf(" (%q)", e.Text)
	}
	if advice := e.advice(); advice != "" {
		text += ": " + advice
	}
	return text
}

func (e *ServerError) advice() string {
	switch e.Condition {
	case "not-authorized":
		return "write the secret of the server's component entry into secret_file; both sides must hold the same bytes"
	case "host-unknown":
		return "add a component entry for " + e.Domain + " on the server, or correct upstream.domain"
	case "invalid-namespace":
		return "this port does not speak to components; use the server's component port (5347 unless changed)"
	case "conflict":
		return "another connection holds " + e.Domain + "; if it lasts, stop the other program that uses this domain and secret"
	case "policy-violation":
		return "the server found a stanza too large or too frequent; compare upstream.max_stanza with the server's limit"
	}
	return ""
}

// Class returns what the condition means for the next attempt.
func (e *ServerError) Class() Class {
	switch e.Condition {
	case "not-authorized", "host-unknown", "invalid-namespace":
		return Refused
	case "conflict":
		return Conflict
	}
	return Transient
}

// classify returns the class of any failure: what the server said, or Transient.
func classify(err error) Class {
	if said, ok := errors.AsType[*ServerError](err); ok {
		return said.Class()
	}
	return Transient
}

// isShutdown reports whether the server went down in order: it and all its clients
// will be back at the same moment.
func isShutdown(err error) bool {
	said, ok := errors.AsType[*ServerError](err)
	return ok && said.Condition == "system-shutdown"
}

// plainText makes one short line of a server's words. They are a stranger's: no
// control character of theirs gets into the log.
func plainText(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > maxText {
		s = string(runes[:maxText]) + "..."
	}
	return strings.TrimSpace(s)
}
