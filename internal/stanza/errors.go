package stanza

import "errors"

// ErrClosed is returned by [Reader.Next] once the peer has closed its side of the
// stream with </stream:stream>. What follows on the connection is not read.
var ErrClosed = errors.New("stream closed by the other side")

// StreamError is a stream-level error (RFC 6120 section 4.9). As an error of the
// [Reader] it is the answer that the sender of the bad input deserves.
type StreamError struct {
	Condition string // the defined condition, as "not-well-formed"
	Text      string // for people; may be empty
}

func (e *StreamError) Error() string {
	if e.Text == "" {
		return "stream error " + e.Condition
	}
	return "stream error " + e.Condition + ": " + e.Text
}

// Element returns the <stream:error/> to send.
func (e *StreamError) Element() *Element {
	el := New(NSStream, "error").Add(New(NSStreamErrors, e.Condition))
	if e.Text != "" {
		el.Add(New(NSStreamErrors, "text").AddText(e.Text))
	}
	return el
}

// AsStreamError reads a received <stream:error/>. A missing condition is read as
// undefined-condition. It reports false for any other element.
func AsStreamError(e *Element) (*StreamError, bool) {
	if e.Name != (Name{NSStream, "error"}) {
		return nil, false
	}
	condition, text := defined(e, NSStreamErrors)
	return &StreamError{condition, text}, true
}

// Skipped is returned by [Reader.Next] for a stanza that broke a limit or a rule and
// was read past without being kept, where [Limits.Skip] asks for that. The stream
// goes on behind it.
type Skipped struct {
	Head   Stanza // addresses, id and type as far as they were readable; no payload
	Reason string // which limit or rule
}

func (e *Skipped) Error() string { return "stanza not taken: " + e.Reason }

// Error is a stanza error (RFC 6120 section 8.3).
type Error struct {
	Type      string // cancel, auth, wait, modify or continue
	Condition string // the defined condition, as "item-not-found"
	Text      string // for people; may be empty
	By        string // the address of who found the error; may be empty
}

// Element returns the <error/> child.
func (e Error) Element() *Element {
	el := New("", "error").With("type", e.Type).With("by", e.By).Add(New(NSStanzaErrors, e.Condition))
	if e.Text != "" {
		el.Add(New(NSStanzaErrors, "text").AddText(e.Text))
	}
	return el
}

// ErrorOf reads the <error/> of a stanza of type error. A missing condition is
// read as undefined-condition, a missing type as cancel. It reports false when
// the stanza is of another type or has no <error/>.
func ErrorOf(s Stanza) (Error, bool) {
	e := s.Child("", "error")
	if s.Type != "error" || e == nil {
		return Error{}, false
	}
	condition, text := defined(e, NSStanzaErrors)
	kind := e.Attr("type")
	if kind == "" {
		kind = "cancel"
	}
	return Error{Type: kind, Condition: condition, Text: text, By: e.Attr("by")}, true
}

// Reply returns the error answer to a stanza: addresses swapped, same kind and id,
// nothing of the payload echoed. It reports false for what must not be answered
// with an error: an error, or the result of an iq (RFC 6120 section 8.3.1).
func Reply(s Stanza, e Error) (Stanza, bool) {
	if s.Type == "error" || s.Kind == IQ && s.Type == "result" {
		return Stanza{}, false
	}
	return Stanza{
		Kind: s.Kind, From: s.To, To: s.From, ID: s.ID, Type: "error",
		Payload: []*Element{e.Element()},
	}, true
}

// defined returns the defined condition and the text among the children of an error.
func defined(e *Element, space string) (condition, text string) {
	for _, c := range e.Elements() {
		switch {
		case c.Name.Space != space:
		case c.Name.Local == "text":
			text = c.Text()
		case condition == "":
			condition = c.Name.Local
		}
	}
	if condition == "" {
		condition = "undefined-condition"
	}
	return condition, text
}
