package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"meshbridge/bridge/control"
	"meshbridge/bridge/terminal"
)

// Outbox writes the messages that are kept, a line for each.
func Outbox(w io.Writer, list []control.Message) error {
	var b strings.Builder
	if len(list) == 0 {
		b.WriteString("nothing waits\n")
	} else {
		fmt.Fprintf(&b, "%8s  %-4s  %8s  %10s  %5s  %-9s  %s\n", "id", "way", "age", "size", "tries", "state", "from -> to")
	}
	for _, m := range list {
		fmt.Fprintf(&b, "%8d  %-4s  %8s  %10s  %5d  %-9s  %s -> %s\n", m.ID, m.Direction, span(m.AgeSeconds), size(int64(m.Bytes)),
			m.Tries, m.State, terminal.Printable(cmp.Or(m.From, "the gateway")), terminal.Printable(cmp.Or(m.To, "nobody known")))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
