package resolver

import (
	"net/netip"
	"time"
)

// Trace is how a result was found, in order.
type Trace struct {
	Subject string // what was looked up and by which document
	Steps   []Step
	Missing []string // SRV record sets that do not exist and would have been used, as "_im._xmpp.example.org."
	Took    time.Duration
}

// Step is one question, or, when it has no Type, a decision.
type Step struct {
	Type    string         // "SRV", "A" or "AAAA"
	Name    string         // what was asked about, without the dot at the end
	Server  netip.AddrPort // that answered, or was last asked
	Took    time.Duration
	Outcome string // what came back, or what was decided
	Lines   []Line
}

// Line is one record of an answer and what became of it.
type Line struct {
	Record string
	Note   string
}

// decide adds a decision to the trace.
func (t *Trace) decide(text string) { t.Steps = append(t.Steps, Step{Outcome: text}) }
