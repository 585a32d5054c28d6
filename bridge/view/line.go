package view

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"meshbridge/bridge/terminal"
	"meshbridge/linklocal"
)

// Event is the documented form of a line of JSON. Origin is "wide-area" where the
// instance was found in a domain of the DNS, which then stands for the interfaces.
type Event struct {
	Event      string            `json:"event"` // add, change or remove
	Instance   string            `json:"instance"`
	Origin     string            `json:"origin,omitempty"`
	Interfaces []string          `json:"interfaces"`
	Host       string            `json:"host"` // with .local; "" while unknown
	Port       uint16            `json:"port"` // 0 while unknown
	Addresses  []string          `json:"addresses"`
	TXT        map[string]string `json:"txt"`
	Why        []string          `json:"why,omitempty"` // it is suspected to be gone, or does not get through
}

var changes = [...]string{"add", "change", "remove"}

// EventOf is a sighting in that form.
func EventOf(s linklocal.Sighting) Event {
	return Event{
		Event: changes[s.Change], Origin: origin(s), Instance: s.Instance, Interfaces: s.Interfaces,
		Host: hostName(s.Host), Port: s.Port, Addresses: texts(s.Addrs), TXT: s.TXT, Why: reasons(s),
	}
}

// profile is what an instance says of itself.
func (e Event) profile() linklocal.Profile {
	var txt []string
	for _, key := range slices.Sorted(maps.Keys(e.TXT)) {
		txt = append(txt, key+"="+e.TXT[key])
	}
	return linklocal.ParseTXT(txt)
}

func origin(s linklocal.Sighting) string {
	if s.Domain != "" {
		return "wide-area"
	}
	return ""
}

// reasons are what is to be said of somebody, doubts first.
func reasons(s linklocal.Sighting) []string {
	if s.Doubt.Why == "" {
		return s.Why
	}
	return append([]string{s.Doubt.Why}, s.Why...)
}

func hostName(label string) string {
	if whole, ok := strings.CutSuffix(label, "."); ok || label == "" {
		return whole
	}
	return label + ".local"
}

// texts is never nil: an empty list is [] in JSON.
func texts(addrs []netip.Addr) []string {
	out := make([]string, len(addrs))
	for k, a := range addrs {
		out[k] = a.String()
	}
	return out
}

// Print writes an event as o wants it.
func Print(o Options, e Event) error {
	if o.JSON {
		return terminal.WriteJSON(o.Out, e)
	}
	_, err := fmt.Fprintln(o.Out, o.line(e))
	return err
}

// Where the columns of a line begin. They are as wide as names usually are, since a
// stream of lines cannot know more, and with a status end at column 80.
const (
	atInterfaces = 2
	atInstance   = 11
	atHost       = 39
	atAddress    = 59
	atStatus     = 75
	atRest       = 81
)

// A message is cut where the line would be longer than lineMax, and not below
// messageMin: a name, an address or a reason never is.
const (
	lineMax    = 120
	messageMin = 16
)

var signs = map[string]string{"add": "+", "change": "=", "remove": "-"}

// line is an event in words, such as
//
//   - br-lan   juliet@pronto               pronto.local:5298   10.2.1.187 +1   avail "at my desk"
func (o Options) line(e Event) string {
	var r terminal.Row
	r.Put(0, signs[e.Event])
	r.Put(atInterfaces, terminal.Printable(strings.Join(e.Interfaces, ",")))
	r.Put(atInstance, terminal.Printable(e.Instance))
	if e.Event == changes[linklocal.Left] {
		return r.String()
	}
	r.Put(atHost, at(e))
	r.Put(atAddress, shortest(e.Addresses))
	p := e.profile()
	r.Put(atStatus, string(p.Status))
	notes := o.notes(p, e.Why)
	r.Put(atRest, quoted(p.Message, lineMax-max(atRest, r.Width()+1)-terminal.Width(notes)))
	r.Put(0, notes)
	return r.String()
}

func at(e Event) string {
	if e.Port == 0 {
		return "does not answer"
	}
	return net.JoinHostPort(terminal.Printable(e.Host), strconv.Itoa(int(e.Port)))
}

// shortest is the first address, which is one of IPv4 if there is any, and how many more
// there are.
func shortest(addresses []string) string {
	if len(addresses) == 0 {
		return ""
	}
	first := terminal.Printable(addresses[0])
	if more := len(addresses) - 1; more > 0 {
		first += " +" + strconv.Itoa(more)
	}
	return first
}

// inQuotes keeps a message from ending its quotes and going on as a note.
var inQuotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quoted is a message in quotes that takes so many columns at most, but not fewer than
// messageMin.
func quoted(message string, columns int) string {
	if message == "" {
		return ""
	}
	return `"` + terminal.Cut(terminal.Printable(inQuotes.Replace(message)), max(columns, messageMin)-2) + `"`
}

// inBrackets keeps a note from ending its brackets.
var inBrackets = strings.NewReplacer("[", "(", "]", ")")

// notes tell whose proxy an instance is (LL-4-9), and what stands against it.
func (o Options) notes(p linklocal.Profile, why []string) string {
	var all []string
	switch {
	case !p.HasGateway:
	case o.Domain != "" && p.Gateway == linklocal.GatewayMark(o.Domain):
		all = append(all, "proxy of "+o.Domain)
	default:
		all = append(all, "proxy of gateway "+p.Gateway)
	}
	all = append(all, why...)
	if len(all) == 0 {
		return ""
	}
	return "[" + terminal.Printable(inBrackets.Replace(strings.Join(all, "; "))) + "]"
}
