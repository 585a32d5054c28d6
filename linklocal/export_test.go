package linklocal

import (
	"net/netip"
	"strconv"

	"meshbridge/internal/stanza"
)

// SetHardware stands in for the kernel's neighbour table.
func (c *Config) SetHardware(fn func(netip.Addr) string) {
	c.hardware, c.stir = fn, func(netip.Addr) {}
}

// SetStir stands in for the packet by which the kernel learns of hardware.
func (c *Config) SetStir(fn func(netip.Addr)) { c.stir = fn }

// SetDescriptors stands in for the kernel's limit of open files.
func (c *Config) SetDescriptors(fn func() (int, error)) { c.descriptors = fn }

// OpenFiles is what the kernel allows.
func OpenFiles() (int, error) { return openFiles() }

// Streams is how many connections the mesh bears.
func (m *Mesh) Streams() int { return m.doors.streams }

// Inside is how much the mesh holds.
type Inside struct {
	Peers, Proxies, Pairs, Contacts, Known, Streams, Ears int
	Handshakes, Open, Total                               int
}

// Inside looks while the mesh runs.
func (m *Mesh) Inside() (i Inside) {
	m.call(func() { i = m.inside() })
	return i
}

// Left looks once Run has returned.
func (m *Mesh) Left() Inside { return m.inside() }

func (m *Mesh) inside() Inside {
	m.doors.mu.Lock()
	defer m.doors.mu.Unlock()
	return Inside{
		Peers: len(m.peers), Proxies: len(m.proxies), Pairs: len(m.pairs), Contacts: len(m.contacts), Known: len(m.known),
		Streams: len(m.streams), Ears: len(m.ears),
		Handshakes: len(m.doors.handshakes), Open: len(m.doors.open), Total: m.doors.bound + len(m.doors.unbound),
	}
}

// The limits that tests go up to.
const (
	MaxHandshakes = maxHandshakes
	MaxUnbound    = maxUnbound
)

// What peers over their rate may have sent ahead, one of them and all together.
const (
	MaxReadAhead    = maxReadAhead
	MaxReadAheadAll = maxReadAheadAll
)

// ReadAheadFree is what is left of that.
func (m *Mesh) ReadAheadFree() int { return int(m.ahead.left.Load()) * chunkSize }

// MaxLargeAll is what large stanzas may take of all streams.
const MaxLargeAll = maxLargeAll

// LargeFree is what is left of that.
func (m *Mesh) LargeFree() int { return int(m.large.left.Load()) * stanza.ClaimStep }

// Settling is how long after the start people are still being found.
const Settling = settling

// MaxRestless is how many who left are remembered.
const MaxRestless = maxRestless

// LeaveOften lets so many peers leave.
func (m *Mesh) LeaveOften(times int) {
	m.call(func() {
		for k := range times {
			m.count("p" + strconv.Itoa(k))
		}
	})
}

// Restless is how many are remembered.
func (m *Mesh) Restless() (n int) {
	m.call(func() { n = len(m.restless) })
	return n
}
