package resolver

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Explain writes how a result came about, step by step and in words, and what to
// publish where something is missing. uri is what was asked for, err what the
// resolution returned with r.
func (r Result) Explain(w io.Writer, uri string, err error) {
	fmt.Fprintf(w, "%-50s  %s\n", printable(uri), r.Trace.Subject)
	name, server := r.Trace.widths()
	n := 0
	for _, s := range r.Trace.Steps {
		if s.Type == "" {
			fmt.Fprintf(w, "        %s\n", s.Outcome)
			continue
		}
		n++
		fmt.Fprintf(w, "%3d %-4s %-*s  %-*s  %5s  %s\n", n, s.Type, name, s.Name, server, s.Server, millis(s.Took), s.Outcome)
		for _, l := range s.Lines {
			fmt.Fprintf(w, "        %s  <- %s\n", l.Record, l.Note)
		}
	}
	cost := fmt.Sprintf("%d questions, %s", len(r.Queries), millis(r.Trace.Took))
	if err != nil {
		fmt.Fprintf(w, "=> %s   %s\n", printable(err.Error()), cost)
	} else {
		fmt.Fprintf(w, "=> %s   %s\n", r.summary(), cost)
		if r.Targets[0].Transport != SIP {
			fmt.Fprintf(w, "   Whichever is reached, its certificate must be for %s.\n", r.Verify)
		}
	}
	for _, line := range r.advice() {
		fmt.Fprintln(w, line)
	}
}

// widths of the columns of names and servers.
func (t Trace) widths() (name, server int) {
	for _, s := range t.Steps {
		if s.Type != "" {
			name, server = max(name, len(s.Name)), max(server, len(s.Server.String()))
		}
	}
	return name, server
}

// summary names the first target and how many more there are.
func (r Result) summary() string {
	t := r.Targets[0]
	s := fmt.Sprintf("%s %s (%s)", t.Transport, t.Address, t.Host)
	switch n := len(r.Targets) - 1; n {
	case 0:
	case 1:
		s += ", then 1 more"
	default:
		s += fmt.Sprintf(", then %d more", n)
	}
	return s
}

// advice says what to publish for the record sets that are missing. Where one for
// XMPP exists, nothing is.
func (r Result) advice() []string {
	var lines []string
	for _, set := range r.Trace.Missing {
		label, _, _ := strings.Cut(set, ".")
		port := map[string]int{"_xmpp-client": portClient, "_xmpp-server": portServer, "_im": portServer, "_pres": portServer}[label]
		if port != 0 && !strings.Contains(set, "._sip.") && (len(lines) == 0 || label != "_im" && label != "_pres") {
			lines = append(lines, fmt.Sprintf("      %s SRV 0 0 %d xmpp.%s.", set, port, r.Verify))
		}
	}
	if lines == nil || r.Trace.published() {
		return nil
	}
	who := "this domain's server"
	if strings.Contains(r.JID, "@") {
		who = "this user"
	}
	return append([]string{"note: to make " + who + " reachable by XMPP publish, with the name of the host where it runs,"}, lines...)
}

// published reports whether there is any SRV record for XMPP.
func (t Trace) published() bool {
	return slices.ContainsFunc(t.Steps, func(s Step) bool { return strings.Contains(s.Name, "_xmpp") && len(s.Lines) > 0 })
}

func millis(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

// printable keeps what an admin typed from moving the cursor of who reads it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
