package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"meshbridge/bridge/control"
	"meshbridge/bridge/terminal"
)

// Style says what the terminal can show.
type Style struct {
	ASCII bool // no marks beyond it
}

// mark is what stands before a line.
type mark int

const (
	good mark = iota
	odd       // may be as it should
	bad
	plain
)

func (s Style) mark(m mark) string {
	if s.ASCII {
		return [...]string{"+", "!", "x", " "}[m]
	}
	return [...]string{"✓", "!", "✗", " "}[m]
}

// Bounds of what is listed; --json has all.
const (
	maxPeople     = 10
	maxRecipients = 10
	maxDrops      = 8
	labelWidth    = 12
)

// Status writes a status: a line for each part, and below it what is wrong there with
// what to do about it.
func Status(w io.Writer, s control.Status, style Style) error {
	p := &page{style: style, left: slices.Clone(s.Troubles)}
	p.head(s)
	p.upstream(s.Upstream)
	for _, i := range s.Interfaces {
		p.line(i.Name, interfaceText(i), i.Name)
	}
	p.people(s)
	p.outbox(s.Outbox)
	p.drops(s.Drops)
	p.rest()
	_, err := io.WriteString(w, p.b.String())
	return err
}

// page is a status being written.
type page struct {
	b     strings.Builder
	style Style
	left  []control.Trouble // not written yet
}

func (p *page) head(s control.Status) {
	memory := "heap " + size(s.Memory.Heap)
	if s.Memory.RSS > 0 {
		memory = "rss " + size(s.Memory.RSS) + ", " + memory
	}
	fmt.Fprintf(&p.b, "meshbridge %s  up %s  %s  pid %d  %s\n", terminal.Printable(s.Version), span(s.UptimeSeconds), memory, s.PID, s.State)
}

// line writes a line, with the worst mark of the troubles about any of subjects, and
// those troubles.
func (p *page) line(label, text string, subjects ...string) {
	var mine []control.Trouble
	m := good
	p.left = slices.DeleteFunc(p.left, func(t control.Trouble) bool {
		if !slices.Contains(subjects, t.About) {
			return false
		}
		mine = append(mine, t)
		m = max(m, gravity(t))
		return true
	})
	p.write(m, label, text)
	for _, t := range mine {
		p.trouble(t)
	}
}

func gravity(t control.Trouble) mark {
	if t.Degraded {
		return bad
	}
	return odd
}

func (p *page) write(m mark, label, text string) {
	line := fmt.Sprintf("%s %-*s %s", p.style.mark(m), labelWidth, terminal.Printable(label), terminal.Printable(text))
	p.b.WriteString(strings.TrimRight(line, " ") + "\n")
}

func (p *page) trouble(t control.Trouble) {
	indent := strings.Repeat(" ", labelWidth+3)
	fmt.Fprintf(&p.b, "%s%s\n%s-> %s\n", indent, terminal.Printable(t.What), indent, terminal.Printable(t.Next))
}

func (p *page) upstream(u control.Upstream) {
	text := u.Domain + " at " + u.Address
	switch u.State {
	case "up":
		text += ", since " + span(u.SinceSeconds) + ", " + count(u.Reconnects, "reconnect")
	default:
		text += ", " + u.State
	}
	p.line("upstream", text, "upstream")
}

func interfaceText(i control.Interface) string {
	if !i.Joined {
		return "not joined"
	}
	heard := count(int(i.Packets), "packet")
	if i.LastSeconds != nil {
		heard += ", the last " + span(*i.LastSeconds) + " ago"
	}
	return people(i.Peers) + ", " + heard
}

func (p *page) people(s control.Status) {
	here, streams := 0, 0
	for _, peer := range s.Peers {
		streams += peer.Streams
		if peer.Present {
			here++
		}
	}
	port := ""
	if s.Mesh.Up {
		port = fmt.Sprintf(", port %d", s.Mesh.Port)
	}
	p.line("lan", people(here)+", "+count(streams, "stream")+port, "mesh")
	p.names(len(s.Peers), func(k int) string { return peerText(s.Peers[k]) })
	p.colleagues(s.Colleagues)
	p.held(s.Held)
}

// names lists people below their line.
func (p *page) names(n int, name func(k int) string) {
	for k := range n {
		if k == maxPeople {
			p.write(plain, "", fmt.Sprintf("and %d more", n-k))
			return
		}
		p.write(plain, "", name(k))
	}
}

func peerText(peer control.Peer) string {
	switch {
	case !peer.Present:
		return peer.Instance + ": away, messages wait"
	case peer.Streams > 0:
		return peer.Instance + ": " + peer.Level + ", " + count(peer.Streams, "stream")
	}
	return peer.Instance + ": " + peer.Level
}

func colleagueText(c control.Colleague) string {
	text := c.JID + ": "
	if c.Nick != "" {
		text = c.Nick + " " + text
	}
	switch {
	case c.Left:
		return text + "has unregistered; may register again in the chat program"
	case c.Instance != "":
		return text + "on the LAN as " + c.Instance
	case c.Online:
		return text + "online"
	}
	return text + "offline"
}

func (p *page) colleagues(list []control.Colleague) {
	listed, online, shown := 0, 0, 0
	subjects := []string{"colleagues"}
	for _, c := range list {
		subjects = append(subjects, c.JID)
		if c.Listed {
			listed++
		}
		if c.Online {
			online++
		}
		if c.Instance != "" {
			shown++
		}
	}
	p.line("colleagues", fmt.Sprintf("%d listed, %d online, %d on the LAN", listed, online, shown), subjects...)
	p.names(len(list), func(k int) string { return colleagueText(list[k]) })
}

func (p *page) held(list []control.Held) {
	if len(list) > 0 {
		p.write(odd, "held", people(len(list))+" not let through")
		for _, h := range list {
			p.left = slices.DeleteFunc(p.left, func(t control.Trouble) bool { return t.About == h.Peer && t.What == h.Why })
			who := h.Peer
			if h.Colleague != "" {
				who += " to " + h.Colleague
			}
			p.trouble(control.Trouble{What: who + ": " + h.Why, Next: h.Next})
		}
	}
}

func (p *page) outbox(o control.Outbox) {
	text := "empty"
	if o.Messages > 0 {
		text = fmt.Sprintf("%s (%s), %d in flight, the oldest %s", count(o.Messages, "message"), size(int64(o.Bytes)), o.InFlight, span(o.OldestSeconds))
	}
	p.line("outbox", text+"; kept "+where(o.Durability), "outbox", "store")
	for i, r := range o.Recipients {
		if i == maxRecipients {
			p.write(plain, "", fmt.Sprintf("and %d more recipients", len(o.Recipients)-i))
			break
		}
		p.write(plain, "", fmt.Sprintf("%s: %s, the oldest %s", cmp.Or(r.To, "nobody known"), count(r.Messages, "message"), span(r.OldestSeconds)))
	}
}

func where(durability string) string {
	if durability == "memory" {
		return "in memory"
	}
	return "on disk"
}

func (p *page) drops(list []control.Drop) {
	for i, d := range list {
		label := ""
		if i == 0 {
			label = "dropped"
		}
		if i == maxDrops {
			p.write(plain, "", fmt.Sprintf("and under %d more rules", len(list)-i))
			return
		}
		text := fmt.Sprintf("%d %s", d.Count, d.Rule)
		if d.Last != "" {
			text += fmt.Sprintf(" (last: %s, %s ago)", d.Last, span(d.LastSeconds))
		}
		p.write(plain, label, text)
	}
}

// rest writes the troubles about nothing that has a line.
func (p *page) rest() {
	for _, t := range p.left {
		p.write(gravity(t), t.About, "")
		p.trouble(t)
	}
}
