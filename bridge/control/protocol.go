package control

import "encoding/json"

// Version is that of the protocol. A server answers questions of its own version only:
// both sides are the same program, which is replaced as a whole.
const Version = 1

// What can be asked.
const (
	AskStatus = "status" // one item: Status
	AskOutbox = "outbox" // an item for each message: Message
	AskDrop   = "drop"   // one item: Dropped
	AskBrowse = "browse" // items as they happen, as the verb browse prints them; ends with Once only
	AskReload = "reload" // one item: Reloaded
)

// Request is a question: the only line that a client sends.
type Request struct {
	Version int      `json:"version"`
	Ask     string   `json:"ask"`
	IDs     []uint64 `json:"ids,omitempty"`  // drop: of these messages
	To      string   `json:"to,omitempty"`   // drop: of all that wait for this address, a JID or an instance
	Once    bool     `json:"once,omitempty"` // browse: end when what is there has been told
}

// Reply is a line of an answer: an item, or the last line, which is End or Error.
type Reply struct {
	Item  json.RawMessage `json:"item,omitempty"`
	End   bool            `json:"end,omitempty"`
	Error string          `json:"error,omitempty"` // with what to do about it
}

// Message is one that is kept until it is delivered. What it says is nobody's business.
type Message struct {
	ID         uint64 `json:"id"`
	Direction  string `json:"direction"` // up, to the server, or down, to the LAN
	From       string `json:"from"`      // a JID, or an instance; "" for a notice of the gateway's
	To         string `json:"to"`        // a JID, or an instance
	AgeSeconds int64  `json:"age_seconds"`
	Bytes      int    `json:"bytes"` // as it stands on the wire
	Tries      int    `json:"tries"` // how often it was written
	State      string `json:"state"` // waiting, or in flight
}

// Dropped says how many messages were dropped. Their senders have been told.
type Dropped struct {
	Messages int `json:"messages"`
	InFlight int `json:"in_flight"` // left alone: they may have arrived already
}

// Reloaded says what a new configuration changed.
type Reloaded struct {
	Restarted []string `json:"restarted"` // what began anew for it: upstream, mesh, all, control
}
