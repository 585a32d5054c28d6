package view

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"meshbridge/bridge/terminal"
	"meshbridge/linklocal"
)

// event is the documented form of a line of JSON.
type event struct {
	Event      string            `json:"event"` // add, change or remove
	Instance   string            `json:"instance"`
	Interfaces []string          `json:"interfaces"`
	Host       string            `json:"host"` // with .local; "" while unknown
	Port       uint16            `json:"port"` // 0 while unknown
	Addresses  []string          `json:"addresses"`
	TXT        map[string]string `json:"txt"`
}

func (v *view) writeJSON(s linklocal.Sighting) error {
	e := event{
		Event: [...]string{"add", "change", "remove"}[s.Change], Instance: s.Instance, Interfaces: s.Interfaces,
		Host: hostName(s.Host), Port: s.Port, Addresses: texts(s.Addrs), TXT: s.TXT,
	}
	return terminal.WriteJSON(v.Out, e)
}

func hostName(label string) string {
	if label == "" {
		return ""
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
		quoted := strings.ReplaceAll(terminal.Printable(s.Profile.Message), `"`, `\"`) // or it could end itself and go on as a mark
		out = append(out, `"`+quoted+`"`)
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
