package embedded

import "time"

// Times a component connection may take.
const (
	openTimeout  = 10 * time.Second      // for the stream header, and again for the handshake
	writeTimeout = 10 * time.Second      // for one write; a component that takes no bytes for so long is cut off
	acceptPause  = 50 * time.Millisecond // after a failed accept: file descriptors are short, others must end first
	closeTimeout = 1 * time.Second       // for the last bytes of a stream that has failed
)

// Bounds of what is held.
const (
	maxConnections = 16        // at a time, authenticated or not
	maxStanza      = 256 << 10 // default of Config.MaxStanza, bytes
	outboxBytes    = 4 << 20   // waiting for one component; over it the component is cut off
	inboxStanzas   = 256       // waiting for one account to look; over it the newest is dropped
	offlineStanzas = 100       // kept for an account that is away; over it the sender gets an error
	rosterContacts = 10000     // of one account; over it a subscription is refused
)
