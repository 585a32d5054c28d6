package linklocal

import (
	"net/netip"
	"slices"
	"strings"
)

// Machine is by what the holder of an instance is recognised (INJ-26): the host name
// in its records, and where it was found. An address alone is evidence for one
// stream, now; the hardware behind it outlives a lease.
type Machine struct {
	Host  string // SRV target without .local, in lower case
	Seats []Seat // at most maxSeats; of a stream's far end, the first is where the stream leads to
}

// Seat is an address, and the hardware behind it where that is known.
type Seat struct {
	Addr netip.Addr // link-local ones with their zone
	MAC  string     // as net.HardwareAddr writes it, "" when not known
}

// maxSeats bounds how many places of one machine are remembered: a laptop has a
// cable, a radio, two families and leases that change.
const maxSeats = 16

// alike reports whether two machines have a place in common: an address or the
// hardware, as far as records tell.
func (m Machine) alike(other Machine) bool {
	return m.Host == other.Host && slices.ContainsFunc(other.Seats, m.knows)
}

// knows reports whether a place, or the hardware there, is one of the machine's.
func (m Machine) knows(at Seat) bool {
	return slices.ContainsFunc(m.Seats, func(s Seat) bool {
		return s.Addr == at.Addr || s.MAC != "" && s.MAC == at.MAC
	})
}

// Pin returns what is proved of a stream's far end: the host name, the place that the
// stream leads to, and the addresses with the same hardware. What else its records
// name anybody could have put there.
func (m Machine) Pin() Machine {
	pin := Machine{Host: m.Host}
	for i, s := range m.Seats {
		if i == 0 || s.MAC != "" && s.MAC == m.Seats[0].MAC {
			pin.Seats = append(pin.Seats, s)
		}
	}
	return pin
}

// Is reports whether far, the far end of a stream, is the pinned machine m: the same
// host name, and a stream that leads to the hardware or an address of it. Where the
// kernel knows no hardware the addresses in the records have to do.
func (m Machine) Is(far Machine) bool {
	switch {
	case m.Host != far.Host || len(far.Seats) == 0:
		return false
	case m.knows(far.Seats[0]):
		return true
	}
	return far.Seats[0].MAC == "" && m.alike(far)
}

// With returns the machine with the places of another sighting of it behind its own,
// as far as there is room. One of another host name has none in common.
func (m Machine) With(other Machine) Machine {
	if m.Host != other.Host {
		return m
	}
	m.Seats = slices.Clone(m.Seats)
	for _, s := range other.Seats {
		if !slices.Contains(m.Seats, s) && len(m.Seats) < maxSeats {
			m.Seats = append(m.Seats, s)
		}
	}
	return m
}

// String returns the machine as [ParseMachine] reads it.
func (m Machine) String() string {
	var b strings.Builder
	for i, s := range m.Seats {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(s.Addr.String())
		if s.MAC != "" {
			b.WriteString("=" + s.MAC)
		}
	}
	return b.String() + " " + m.Host
}

// ParseMachine reads what String wrote. It reports false for anything else.
func ParseMachine(text string) (m Machine, ok bool) {
	seats, host, ok := strings.Cut(text, " ")
	if !ok || host == "" || host != strings.ToLower(host) {
		return Machine{}, false
	}
	m.Host = host
	for one := range strings.SplitSeq(seats, ",") {
		addr, mac, _ := strings.Cut(one, "=")
		a, err := netip.ParseAddr(addr)
		if err != nil || len(m.Seats) == maxSeats {
			return Machine{}, false
		}
		m.Seats = append(m.Seats, Seat{a, mac})
	}
	return m, true
}
