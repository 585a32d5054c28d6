package address

import (
	"errors"
	"fmt"
	"strings"

	"mellium.im/xmpp/jid"

	"meshbridge/internal/xep0106"
)

// MaxMachine is the longest machine name a Map accepts, in octets. It leaves a
// proxy instance its hash, a collision suffix and something to read.
const MaxMachine = 40

// Map translates between the mesh and one component domain. It is immutable and
// may be used by several goroutines.
type Map struct {
	component jid.JID
	machine   string
}

// NewMap returns the Map of a gateway that owns componentDomain upstream and
// shows colleagues as "...@machine" on the mesh. The error says what to change.
func NewMap(componentDomain, machine string) (*Map, error) {
	component, err := Parse(componentDomain)
	if err != nil || component.Domain().String() != component.String() {
		return nil, fmt.Errorf("%q is no domain for a component; use one of your own below the server's, such as lan.example.org", componentDomain)
	}
	machine, err = parseMachine(machine)
	if err != nil {
		return nil, err
	}
	return &Map{component: component, machine: machine}, nil
}

// parseMachine checks a machine name and returns it as PRECIS and IDNA leave it.
// It must be a domain label: whole proxy instances are legal JIDs then, and none
// has "&", "<", ">" or a quote in it (LL-3-31).
func parseMachine(machine string) (string, error) {
	const hint = "use up to 40 letters, digits and inner hyphens, such as office"
	switch {
	case machine == "":
		return "", errors.New("the machine name is empty; " + hint)
	case len(machine) > MaxMachine:
		return "", fmt.Errorf("machine name %q is longer than %d octets; %s", machine, MaxMachine, hint)
	}
	j, err := jid.New("", machine, "")
	if err != nil || strings.ContainsAny(j.Domainpart(), ".[") || len(j.Domainpart()) > MaxMachine {
		return "", fmt.Errorf("machine name %q cannot be shown by every client; %s", machine, hint)
	}
	return j.Domainpart(), nil
}

// Component returns the address of the gateway itself: the bare component domain.
func (m *Map) Component() jid.JID { return m.component }

// Machine returns the machine part of every proxy instance, in lower case.
func (m *Map) Machine() string { return m.machine }

// Owns reports whether j is an address of the gateway or under it: its domain is
// the component domain (XEP-0114 section 3, COMP-7).
func (m *Map) Owns(j jid.JID) bool { return j.Domainpart() == m.component.Domainpart() }

// ProxyJID returns the bare proxy JID of the peer with this instance: the one
// address under which it is ever shown upstream.
func (m *Map) ProxyJID(instance string) jid.JID {
	local, _ := ProxyLocal(instance)
	proxy, err := m.component.WithLocal(local)
	if err != nil {
		// Cannot be: ProxyLocal has had this local part checked by the same
		// library. Should it ever be, the gateway speaks for itself.
		return m.component
	}
	return proxy
}

// Instance returns the proxy instance that stands for a colleague on the mesh
// (MAPJ-12): at most 63 octets, in lower case, a legal JID itself, without "&",
// "<", ">" and quotes. A resource is left out. Two bare JIDs never get the same
// instance; a peer may have it already, see Suffixed.
func (m *Map) Instance(colleague jid.JID) (instance string, rule Rule) {
	colleague = colleague.Bare()
	user := asciiLower(xep0106.Escape(colleague.Domainpart())) // an IPv6 literal has colons
	if local := colleague.Localpart(); local != "" {
		user = local + xep0106.Code('@') + user
	}
	room := MaxInstance - len("@") - len(m.machine)
	if len(user) <= room && legal(user) { // never ends like a fallback: no domain has "~"
		return user + "@" + m.machine, Plain
	}
	return shorten(user, tail(colleague.String()), room) + "@" + m.machine, Fallback
}
