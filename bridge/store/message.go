package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"meshbridge/internal/stanza"
)

// Message is an accepted stanza that is not known to have arrived (COMP-14).
type Message struct {
	ID        uint64        // from 1, ascending in the order of acceptance
	Up        bool          // from the peer to the colleague; else the other way
	Colleague string        // bare JID
	Local     string        // local part of the peer's proxy JID
	Host      string        // of the peer, where only that one may get it (INJ-26); "" for any
	Sender    string        // who is told when it cannot be delivered; "" for nobody
	Origin    string        // the id that the sender gave it, where ours is another
	Accepted  time.Time     // by the wall clock, in milliseconds; zero when that was not set (GW-24)
	Stanza    stanza.Stanza // as it goes out; never changed once it is kept
}

// messageForm stands before every message on disk: one that this program does not
// know is damage.
const messageForm = 1

// append writes m behind dst. A stanza can have no NUL, and neither can what
// comes before it, but lengths are the shorter way.
func (m *Message) append(dst []byte) []byte {
	dst = append(dst, messageForm, 0)
	if m.Up {
		dst[len(dst)-1] = 1
	}
	at := int64(0)
	if !m.Accepted.IsZero() {
		at = m.Accepted.UnixMilli()
	}
	dst = binary.AppendVarint(dst, at)
	for _, text := range [...]string{m.Colleague, m.Local, m.Host, m.Sender, m.Origin} {
		dst = binary.AppendUvarint(dst, uint64(len(text)))
		dst = append(dst, text...)
	}
	return stanza.Append(dst, stanza.Component, m.Stanza)
}

var errMessage = errors.New("a message of an unknown form")

// parseMessage reads what append wrote.
func parseMessage(key, value string) (Message, error) {
	b := []byte(value)
	if len(key) != 8 || len(b) < 2 || b[0] != messageForm || b[1] > 1 {
		return Message{}, errMessage
	}
	m := Message{ID: binary.BigEndian.Uint64([]byte(key)), Up: b[1] == 1}
	at, n := binary.Varint(b[2:])
	if n <= 0 || m.ID == 0 {
		return Message{}, errMessage
	}
	if at != 0 {
		m.Accepted = time.UnixMilli(at)
	}
	b = b[2+n:]
	for _, text := range [...]*string{&m.Colleague, &m.Local, &m.Host, &m.Sender, &m.Origin} {
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) {
			return Message{}, errMessage
		}
		*text = string(b[n : n+int(length)])
		b = b[n+int(length):]
	}
	var err error
	if m.Stanza, err = stanza.Decode(b); err != nil {
		return Message{}, fmt.Errorf("a message: %w", err)
	}
	return m, nil
}

// messageKey sorts as the id does.
func messageKey(id uint64) string {
	return string(binary.BigEndian.AppendUint64(nil, id))
}

// Keep records a message until Drop. It is on disk once Saved says so. Unlike what
// Set takes it is bounded by the outbox, and not here.
func (s *Store) Keep(m Message) { s.keeper.keep(&m) }

// Drop forgets a message. It returns the number of the commit after which the disk
// has forgotten it too, or 0 when it never got there and never will.
func (s *Store) Drop(id uint64) (commit uint64) { return s.keeper.drop(id) }

// Saved returns the highest id up to which every message kept so far is on disk, or
// dropped, and the number of the last commit. While the disk fails that number is
// beyond all others: nobody should wait for it then.
func (s *Store) Saved() (id, commit uint64) { return s.keeper.saved() }

// Commits has something whenever Saved returns something new. There is one channel,
// for one reader.
func (s *Store) Commits() <-chan struct{} { return s.keeper.commits }

// Hurry has what was dropped leave the disk now, rather than after the time in which
// changes gather.
func (s *Store) Hurry() { s.keeper.hurry() }
