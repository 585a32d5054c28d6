package hostile

import (
	"fmt"
	"strings"
)

// Layer says who has to stop an input.
type Layer int

const (
	Reader  Layer = iota // the XML reader: a stream error
	Stream               // the stream it came on, which is well-formed: a stream error
	Stanza               // a stanza error; the stream goes on
	Silence              // nobody answers, and the stream goes on
	Closing              // the end of the stream, in good order
)

// Input is something of which nothing may be passed on.
type Input struct {
	Name  string
	First bool   // Text stands in place of the stream header; else behind it
	Text  string // with ME and YOU
	By    Layer
	Want  string // the condition of the error; "" where there is none
}

// Lives reports whether the stream goes on behind the input.
func (i Input) Lives() bool { return i.By == Stanza || i.By == Silence }

// Inputs returns the whole table.
func Inputs() []Input {
	var all []Input
	for _, part := range [][]Input{
		beforeHeader(), headers(), headerNames(),
		vectors(), tokens(), references(), encodings(), namespaces(), sizes(),
		senders(), recipients(), topLevel(),
	} {
		all = append(all, part...)
	}
	return all
}

// Pass is something legal. Its bodies arrive exactly so.
type Pass struct {
	Name   string
	Header string   // in place of the usual one; "" for that
	Text   string   // with ME and YOU
	Bodies []string // with ME and YOU
}

// Arrives returns the bodies with names in them.
func (p Pass) Arrives(me, you string) (list []string) {
	for _, b := range p.Bodies {
		list = append(list, Fill(b, me, you))
	}
	return list
}

// Fill puts names into a text. ASCII in them must not need escaping.
func Fill(text, me, you string) string {
	return strings.NewReplacer(
		"REFME", fmt.Sprintf("&#x%X;%s", me[0], me[1:]),
		"BIGME", strings.ToUpper(me), "BIGYOU", strings.ToUpper(you),
		"ME", me, "YOU", you,
	).Replace(text)
}

const (
	open   = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'`
	header = open + ` from='ME' to='YOU'>`
	begin  = `<message from='ME' to='YOU'>`
	evil   = `<body>smuggled</body>`
	whole  = begin + evil + `</message>`
)

// within makes inputs that stand in a message which would be passed on if they were
// taken.
func within(want string, parts ...[2]string) []Input {
	var list []Input
	for _, p := range parts {
		list = append(list, Input{Name: p[0], Text: begin + evil + p[1] + `</message>`, Want: want})
	}
	return list
}

// raw makes inputs of the reader that stand for themselves.
func raw(want string, parts ...[2]string) []Input { return by(Reader, want, parts...) }

func by(l Layer, want string, parts ...[2]string) []Input {
	var list []Input
	for _, p := range parts {
		list = append(list, Input{Name: p[0], Text: p[1], By: l, Want: want})
	}
	return list
}

// first makes inputs that stand in place of the header.
func first(l Layer, want string, parts ...[2]string) []Input {
	list := by(l, want, parts...)
	for i := range list {
		list[i].First = true
	}
	return list
}

func join(parts ...[]Input) (all []Input) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// many is n attributes.
func many(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}
