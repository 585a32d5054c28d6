package stanza

import (
	"bytes"
	"errors"
)

// errNoStanza is the error of Decode for XML that is no message, presence or iq.
var errNoStanza = errors.New("no stanza")

// Decode reads one stanza as [Append] wrote it for the content of a component. It is
// for what this program has written itself and kept; the error says where that is not
// what it was.
func Decode(b []byte) (Stanza, error) {
	stream := append(AppendHeader(nil, Component, Header{}), b...)
	r := NewReader(bytes.NewReader(AppendClose(stream)), Component, Limits{})
	if _, err := r.Header(); err != nil {
		return Stanza{}, err
	}
	e, err := r.Next()
	if err != nil {
		return Stanza{}, err
	}
	s, ok := Parse(e)
	if !ok {
		return Stanza{}, errNoStanza
	}
	if _, err := r.Next(); err != ErrClosed {
		return Stanza{}, errNoStanza
	}
	return s, nil
}
