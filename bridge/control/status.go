package control

import "time"

// Status is how a running bridge is. Lists are never null; times are RFC 3339.
type Status struct {
	Version       string    `json:"version"`
	PID           int       `json:"pid"`
	State         string    `json:"state"` // ok, or degraded: at least one trouble is
	Started       time.Time `json:"started"`
	UptimeSeconds int64     `json:"uptime_seconds"`
	Config        Config    `json:"config"`

	Upstream   Upstream    `json:"upstream"`
	Mesh       Mesh        `json:"mesh"`
	Interfaces []Interface `json:"interfaces"`
	Peers      []Peer      `json:"peers"`
	Colleagues []Colleague `json:"colleagues"`
	Held       []Held      `json:"held"`
	Outbox     Outbox      `json:"outbox"`
	Drops      []Drop      `json:"drops"`
	Memory     Memory      `json:"memory"`
	Troubles   []Trouble   `json:"troubles"`
}

// Config is the configuration that is in force.
type Config struct {
	File    string    `json:"file"`
	Loaded  time.Time `json:"loaded"`
	Refused string    `json:"refused,omitempty"` // why the last reload was refused; what was in force still is
}

// Upstream is the connection to the server.
type Upstream struct {
	State        string    `json:"state"` // up, connecting, or waiting (for the next attempt)
	Domain       string    `json:"domain"`
	Address      string    `json:"address"` // of the server; the last one tried while not up
	Since        time.Time `json:"since"`   // of the state up or not up
	SinceSeconds int64     `json:"since_seconds"`
	Reconnects   int       `json:"reconnects"`
	Shared       bool      `json:"shared"` // another connection takes a part of what is for this component (COMP-17)
	Class        string    `json:"class,omitempty"`
	Error        string    `json:"error,omitempty"`         // of the last attempt that failed, with what to do; absent while up
	RetrySeconds int64     `json:"retry_seconds,omitempty"` // to the next attempt
}

// Mesh is the LAN's side as a whole.
type Mesh struct {
	Up   bool   `json:"up"` // on at least one interface
	Port uint16 `json:"port"`

	// What was done to find out who has vanished without a goodbye, since the start.
	LivenessQuestions uint64 `json:"liveness_questions"` // to peers of whom nothing was heard for a while
	Doubts            uint64 `json:"doubts"`             // times that a peer was doubted, and asked for in everybody's hearing
	Vanished          uint64 `json:"vanished"`           // peers that were gone then
}

// Interface is a configured network interface.
type Interface struct {
	Name         string `json:"name"`
	Joined       bool   `json:"joined"`
	SinceSeconds int64  `json:"since_seconds"`       // since it was joined
	Packets      uint64 `json:"packets"`             // of multicast DNS heard there since, our own not counted
	LastSeconds  *int64 `json:"last_packet_seconds"` // since the last of them; null when there was none
	Peers        int    `json:"peers"`
}

// Peer is a person on the LAN, or one for whom something waits.
type Peer struct {
	Instance string `json:"instance"`
	JID      string `json:"jid"`
	Present  bool   `json:"present"`
	Level    string `json:"level"`   // what is known of who it is: bound, approved, linked
	Streams  int    `json:"streams"` // open ones
	Watchers int    `json:"watchers"`
}

// Colleague is a remote user.
type Colleague struct {
	JID      string `json:"jid"`
	Nick     string `json:"nick"`
	Listed   bool   `json:"listed"`   // in the configuration
	Asked    bool   `json:"asked"`    // was sent the subscription request
	Accepted bool   `json:"accepted"` // lets the gateway see when they are online
	Left     bool   `json:"left"`     // of somebody listed: has unregistered, and may register again
	Online   bool   `json:"online"`
	Instance string `json:"instance"` // on the LAN; "" while not there
}

// Held is a peer that is not let through, or not as whom it claims to be.
type Held struct {
	Peer      string `json:"peer"`
	Colleague string `json:"colleague"` // "" for all
	Why       string `json:"why"`
	Next      string `json:"next"`
	Seconds   int64  `json:"seconds"`
}

// Outbox is what is kept until it is delivered.
type Outbox struct {
	Durability    string      `json:"durability"`
	Messages      int         `json:"messages"`
	Bytes         int         `json:"bytes"` // of memory
	LimitMessages int         `json:"limit_messages"`
	LimitBytes    int64       `json:"limit_bytes"`
	InFlight      int         `json:"in_flight"`
	OldestSeconds int64       `json:"oldest_seconds"`
	Recipients    []Recipient `json:"recipients"` // who has most first
}

// Recipient is somebody for whom messages are kept.
type Recipient struct {
	Direction     string `json:"direction"` // up or down
	To            string `json:"to"`        // a JID, or an instance
	Messages      int    `json:"messages"`
	OldestSeconds int64  `json:"oldest_seconds"`
}

// Drop counts what was refused or dropped under a rule.
type Drop struct {
	Rule        string `json:"rule"`
	Count       uint64 `json:"count"`
	Last        string `json:"last"` // the peer or colleague who was last concerned; "" when that is not known
	LastSeconds int64  `json:"last_seconds"`
}

// Memory is what the process takes.
type Memory struct {
	RSS  int64 `json:"rss"`  // bytes resident; 0 where the system does not say
	Heap int64 `json:"heap"` // bytes of live and dead objects
}

// Trouble is something that is wrong or looks so, and what to do about it.
type Trouble struct {
	About    string `json:"about"` // upstream, mesh, an interface, outbox, store, config, held
	What     string `json:"what"`
	Next     string `json:"next"`
	Degraded bool   `json:"degraded"` // false: may be as it should
}
