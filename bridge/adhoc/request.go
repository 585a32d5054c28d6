package adhoc

import (
	"regexp"

	"meshbridge/bridge/form"
	"meshbridge/internal/stanza"
)

// NS is the namespace of commands, and the node of their list.
const NS = stanza.NSCommands

// Action is what is to be done with a command (XEP-0050 section 4.1).
type Action string

const (
	Execute  Action = "execute" // begin, or what the step has for its default
	Next     Action = "next"
	Complete Action = "complete"
	Prev     Action = "prev"
	Cancel   Action = "cancel"
)

// Request is what somebody wants of a command.
type Request struct {
	From    string // full JID
	Node    string // which command
	Session string // "" begins one
	Action  Action
	form    *stanza.Element // filled in; may be nil
}

// tag is the form of a language tag (RFC 5646 section 2.1), well within its grammar.
var tag = regexp.MustCompile(`^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,8}$`)

// Read reads a request. Whatever language is asked for, the answer is English and says
// so; only what is no language at all is refused.
func Read(s stanza.Stanza) (Request, *Fault) {
	e := s.Payload[0]
	r := Request{From: s.From, Node: e.Attr("node"), Session: e.Attr("sessionid"), Action: Action(e.Attr("action"))}
	switch r.Action {
	case "":
		r.Action = Execute
	case Execute, Next, Complete, Prev, Cancel:
	default:
		return r, malformedAction
	}
	for _, lang := range [...]string{s.Lang, e.Lang()} {
		if lang != "" && !tag.MatchString(lang) {
			return r, badLocale
		}
	}
	r.form = e.Child(form.NS, "x")
	return r, nil
}
