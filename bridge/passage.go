package bridge

import (
	"crypto/rand"
	"crypto/sha256"
	"time"

	"meshbridge/internal/stanza"
)

// Directions of a message that crossed.
const (
	toMesh   = "down"
	toServer = "up"
)

// passage names a message that crossed between two, for an error that answers it.
func passage(direction string, c *colleague, p *peer, id string) string {
	return direction + " " + c.key() + " " + p.local + " " + id
}

// fingerprint tells a message with an id from every other but its repeats: same
// sender, recipient, id and body (MAP-M19). Without an id nobody can say: "".
func fingerprint(from, to string, s stanza.Stanza) string {
	if s.ID == "" {
		return ""
	}
	body := ""
	if b := s.Child("", "body"); b != nil {
		body = b.Text()
	}
	text := make([]byte, 0, 256)
	for _, part := range [...]string{from, to, s.ID, s.Type, body} {
		text = append(append(text, part...), 0)
	}
	sum := sha256.Sum256(text)
	return string(sum[:])
}

// isRepeat reports whether a message was taken in within the last ten minutes.
func (g *Gateway) isRepeat(mark string, now time.Time) bool {
	if mark == "" {
		return false
	}
	_, known := g.repeated.get(mark, now)
	if known {
		g.drops.count("MAP-M19")
	}
	return known
}

// took notes that a message was taken in.
func (g *Gateway) took(mark string, now time.Time) {
	if mark != "" {
		g.repeated.note(mark, "", now)
	}
}

// newID returns an unpredictable id of 128 bits and more.
func newID() string { return rand.Text() }
