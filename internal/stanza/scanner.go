package stanza

import (
	"io"
	"math"
	"unicode/utf8"
)

// scanner takes the bytes of a stream apart into the tokens of XML. Its error is
// sticky: after the first one next returns 0, which is no legal character anywhere,
// so every loop ends by itself.
type scanner struct {
	src      io.Reader
	buf      []byte
	pos, end int

	limits  Limits
	trusted bool   // one budget per stanza from now on
	budget  int    // bytes left until a limit is broken
	mark    int    // the budget below which more has to be claimed
	over    string // why the current stanza is skipped; its tokens are not kept then
	depth   int    // open elements under the stream
	err     error
	scratch []byte
	names   map[string]string // names seen, so that each is kept once
}

func newScanner(src io.Reader, l Limits) scanner {
	return scanner{src: src, buf: make([]byte, 4096), limits: l, budget: unlimited(l.Unbound)}
}

func unlimited(n int) int {
	if n == 0 {
		return math.MaxInt
	}
	return n
}

func (s *scanner) fail(condition, text string) {
	if s.err == nil {
		s.err = &StreamError{condition, text}
	}
}

// refuse is fail for a fault behind which it is still clear where the stanza ends:
// where such stanzas are skipped, the stream goes on. A server lets some faults of
// its users through, and they must not cost everybody the stream.
func (s *scanner) refuse(condition, text string) {
	if s.limits.Skip && s.trusted {
		s.skip(text)
	} else {
		s.fail(condition, text)
	}
}

// skip notes why the current stanza is not kept. The rest of it costs nothing.
func (s *scanner) skip(why string) {
	if s.over == "" {
		s.over = why
	}
	s.budget = math.MaxInt
}

// fill makes sure that a byte is at hand.
func (s *scanner) fill() bool {
	for s.err == nil && s.pos == s.end {
		n, err := s.src.Read(s.buf)
		s.pos, s.end = 0, n
		switch {
		case n > 0:
		case err == io.EOF:
			s.err = io.ErrUnexpectedEOF
		case err != nil:
			s.err = err
		}
	}
	return s.err == nil
}

// peek returns the next byte without taking it.
func (s *scanner) peek() byte {
	if !s.fill() {
		return 0
	}
	return s.buf[s.pos]
}

// next takes one byte.
func (s *scanner) next() byte {
	if !s.fill() {
		return 0
	}
	b := s.buf[s.pos]
	s.pos++
	s.spend(1)
	return b
}

// spend takes n bytes off the budget.
func (s *scanner) spend(n int) {
	if s.budget -= n; s.budget < 0 {
		s.refuse("policy-violation", "too many bytes")
	}
	for s.limits.Claim != nil && s.trusted && s.budget < s.mark && s.err == nil {
		s.mark -= ClaimStep
		if !s.limits.Claim() {
			s.fail("resource-constraint", "too many large stanzas at once")
		}
	}
}

// rune takes one character that begins with the byte first and checks it.
func (s *scanner) rune(first byte) rune {
	if first < utf8.RuneSelf {
		if !isChar(rune(first)) {
			s.refuse("not-well-formed", "a character that XML does not allow")
		}
		return rune(first)
	}
	enc := [utf8.UTFMax]byte{first}
	n := 1
	for n < utf8.UTFMax && !utf8.FullRune(enc[:n]) {
		enc[n] = s.peek()
		if s.err != nil || utf8.RuneStart(enc[n]) {
			break
		}
		s.next()
		n++
	}
	r, size := utf8.DecodeRune(enc[:n])
	if size != n || r == utf8.RuneError && size == 1 || !isChar(r) {
		s.refuse("not-well-formed", "malformed UTF-8 or a character that XML does not allow")
	}
	return r
}

// keep adds a character to the token being read, unless the stanza is skipped. In
// the tag of the stanza itself some is kept all the same: who sent it is wanted.
func (s *scanner) keep(r rune) {
	if s.over == "" || s.depth == 0 && len(s.scratch) < maxHead {
		s.scratch = utf8.AppendRune(s.scratch, r)
	}
}

// take returns the token being read and begins a new one.
func (s *scanner) take() string {
	text := string(s.scratch)
	s.scratch = s.scratch[:0]
	if cap(s.scratch) > maxScratch {
		s.scratch = nil
	}
	return text
}

// maxScratch is how many bytes a stream keeps for its next token.
const maxScratch = 16 << 10

func (s *scanner) skipSpace() bool {
	found := false
	for isSpace(s.peek()) && s.err == nil {
		s.next()
		found = true
	}
	return found
}

// maxHead bounds in bytes what is kept of an attribute of a stanza that is skipped:
// a JID has at most 3071 (RFC 7622 section 3.1).
const maxHead = 3072

// qname is a name as written, with its prefix.
type qname struct{ prefix, local string }

// maxName bounds a name in bytes; the longest in any XMPP schema has 31.
const maxName = 256

// qname reads a qualified name (Namespaces in XML 1.0 section 4).
func (s *scanner) qname() qname {
	name := qname{local: s.ncname()}
	if s.peek() == ':' {
		s.next()
		name.prefix, name.local = name.local, s.ncname()
	}
	return name
}

func (s *scanner) ncname() string {
	var name [maxName + utf8.UTFMax]byte
	n := 0
	for s.err == nil {
		b := s.peek()
		if b < utf8.RuneSelf && !isNameChar(rune(b)) {
			break
		}
		r := s.rune(s.next())
		if n == 0 && !isNameStart(r) || !isNameChar(r) {
			s.fail("not-well-formed", "a name with a character that names cannot have")
		}
		if n > maxName {
			s.refuse("policy-violation", "a name is too long")
			continue
		}
		n += utf8.EncodeRune(name[n:], r)
	}
	if n == 0 {
		s.fail("not-well-formed", "a name is missing")
	}
	return s.intern(name[:n])
}

// maxNames bounds the names that a stream remembers: a conversation uses a dozen.
const maxNames = 64

// intern returns a name as a string, the same one each time it comes.
func (s *scanner) intern(name []byte) string {
	if known, ok := s.names[string(name)]; ok {
		return known
	}
	text := string(name)
	if len(s.names) < maxNames {
		if s.names == nil {
			s.names = map[string]string{}
		}
		s.names[text] = text
	}
	return text
}
