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
}

var changes = [...]string{"add", "change", "remove"}

// EventOf is a sighting in that form.
func EventOf(s linklocal.Sighting) Event {
	return Event{
		Event: changes[s.Change], Origin: origin(s), Instance: s.Instance, Interfaces: s.Interfaces,
		Host: hostName(s.Host), Port: s.Port, Addresses: texts(s.Addrs), TXT: s.TXT,
	}
}

// sighting is an event that another program has told. What it makes no sense of is left
// out.
func (e Event) sighting() linklocal.Sighting {
	s := linklocal.Sighting{Change: linklocal.Change(max(0, slices.Index(changes[:], e.Event))), Port: e.Port, TXT: e.TXT}
	var txt []string
	for _, key := range slices.Sorted(maps.Keys(e.TXT)) {
		txt = append(txt, key+"="+e.TXT[key])
	}
	s.Peer = linklocal.Peer{
		Instance: e.Instance, Interfaces: e.Interfaces, Host: strings.TrimSuffix(e.Host, ".local"), Profile: linklocal.ParseTXT(txt),
	}
	for _, a := range e.Addresses {
		if addr, err := netip.ParseAddr(a); err == nil {
			s.Addrs = append(s.Addrs, addr)
		}
	}
	return s
}

func (v *view) writeJSON(s linklocal.Sighting) error { return terminal.WriteJSON(v.Out, EventOf(s)) }

func origin(s linklocal.Sighting) string {
	if s.Domain != "" {
		return "wide-area"
	}
	return ""
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

// writeText prints "+ br-lan juliet@pronto pronto.local:5298 10.2.1.187 avail "text" [mark]".
// The columns are as wide as names usually are: a stream of lines cannot know more.
func (v *view) writeText(s linklocal.Sighting) error {
	sign := [...]string{"+", "=", "-"}[s.Change]
	line := fmt.Sprintf("%s %-8s %-28s", sign, strings.Join(s.Interfaces, ","), terminal.Printable(s.Instance))
	if s.Change != linklocal.Left {
		line += " " + strings.Join(v.details(s), "  ")
	}
	_, err := fmt.Fprintln(v.Out, strings.TrimRight(line, " "))
	return err
}

// inQuotes keeps a message from ending its quotes and going on as a mark.
var inQuotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func (v *view) details(s linklocal.Sighting) []string {
	at := "does not answer"
	if s.Port != 0 {
		at = net.JoinHostPort(terminal.Printable(hostName(s.Host)), strconv.Itoa(int(s.Port)))
	}
	out := []string{at}
	if len(s.Addrs) > 0 {
		out = append(out, strings.Join(texts(s.Addrs), " "))
	}
	out = append(out, string(s.Profile.Status))
	if s.Profile.Message != "" {
		out = append(out, `"`+terminal.Printable(inQuotes.Replace(s.Profile.Message))+`"`)
	}
	if mark := v.mark(s.Profile); mark != "" {
		out = append(out, mark)
	}
	return out
}

// mark tells whose proxy an instance is (LL-4-9).
func (v *view) mark(p linklocal.Profile) string {
	switch {
	case !p.HasGateway:
		return ""
	case v.Domain != "" && p.Gateway == linklocal.GatewayMark(v.Domain):
		return "[proxy of " + v.Domain + "]"
	}
	return "[proxy of gateway " + terminal.Printable(p.Gateway) + "]"
}
