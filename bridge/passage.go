package bridge

import (
	"crypto/rand"
	"crypto/sha256"
	"time"

	"meshbridge/internal/stanza"
)

// passage is a message that crossed between two, for an error that answers it.
type passage struct {
	up               bool // to the server
	colleague, local string
	id               string
}

// mark tells a message with an id from every other but its repeats: same sender,
// recipient, id and body (MAP-M19). The zero mark is that of all without id: of
// those nobody can say.
type mark [sha256.Size]byte

func markOf(from, to string, s stanza.Stanza) mark {
	if s.ID == "" {
		return mark{}
	}
	body := ""
	if b := s.Child("", "body"); b != nil {
		body = b.Text()
	}
	text := make([]byte, 0, 512)
	for _, part := range [...]string{from, to, s.ID, s.Type, body} {
		text = append(append(text, part...), 0)
	}
	return sha256.Sum256(text)
}

// isRepeat reports whether a message was taken in within the last ten minutes.
func (g *Gateway) isRepeat(m mark, now time.Time) bool {
	_, known := g.repeated.get(m, now)
	if known {
		g.drops.count("MAP-M19")
	}
	return known
}

// took notes that a message was taken in.
func (g *Gateway) took(m mark, now time.Time) {
	if m != (mark{}) {
		g.repeated.note(m, "", now)
	}
}

// newID returns an unpredictable id of 128 bits and more.
func newID() string { return rand.Text() }
