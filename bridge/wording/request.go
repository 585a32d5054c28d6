package wording

import (
	"strings"
	"unicode"

	"meshbridge/bridge/config"
)

// Verb is what somebody wants of the gateway; "" is nothing that it knows.
type Verb string

// The verbs, as they are typed.
const (
	Help    Verb = "help"
	Who     Verb = "who"
	Status  Verb = "status"
	Block   Verb = "block"
	Unblock Verb = "unblock"
	Link    Verb = "link"
	Unlink  Verb = "unlink"
	Invite  Verb = "invite"
)

// verbs lists them. It is never changed.
var verbs = [...]Verb{Help, Who, Status, Block, Unblock, Link, Unlink, Invite}

// Request is one message to the gateway.
type Request struct {
	Verb Verb
	// Object is what stands behind the verb, without quotes and brackets around it:
	// a name or an address. Whether the verb wants one is not looked at here.
	Object string
	// Meant is the verb that an unknown word resembles, "" for none.
	Meant Verb
}

// maxRequest bounds what is read of a message, in octets: a verb and an address of
// whatever length. A letter is no request.
const maxRequest = 4096

// Read reads a message.
func Read(text string) Request {
	if len(text) > maxRequest {
		return Request{}
	}
	first, rest, _ := strings.Cut(oneLine(text), " ")
	typed := strings.ToLower(strings.TrimFunc(first, isMark))
	if typed == "" && strings.Contains(first, "?") {
		typed = string(Help)
	}
	for _, v := range verbs {
		if typed == string(v) {
			return Request{Verb: v, Object: object(rest)}
		}
	}
	return Request{Meant: nearest(typed)}
}

// oneLine is a text with single blanks and without anything that does not show.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// isMark reports whether a character before or behind a verb means nothing.
func isMark(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// object takes quotes and brackets off a name, and the end of a sentence.
func object(s string) string {
	const quotes = "\"'`<>()[]“”„‘’«» "
	return strings.TrimRight(strings.TrimLeft(s, quotes), quotes+".!,;:?")
}

// Name is what a name is compared by: as it would be read behind a verb, in lower case.
func Name(s string) string { return strings.ToLower(object(oneLine(s))) }

// nearest returns the verb that a slip of the finger made this of.
func nearest(typed string) Verb {
	if len(typed) < 3 {
		return ""
	}
	options := make([]string, len(verbs))
	for i, v := range verbs {
		options[i] = string(v)
	}
	return Verb(config.Nearest(typed, options))
}
