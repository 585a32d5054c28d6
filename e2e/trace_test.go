//go:build linux

package e2e

import (
	"regexp"
	"time"
)

// A step is one line of the trace that the program writes of each message at log
// level debug.
type step struct {
	at            time.Time
	what, way, id string
}

var stepLine = regexp.MustCompile(`msg=message step=(\w+) way=(\w+) id=(\S+)`)

// stepsOf reads the trace off what programs wrote.
func stepsOf(programs ...*process) []step {
	var all []step
	for _, p := range programs {
		for _, l := range p.lines.all() {
			if m := stepLine.FindStringSubmatch(l.text); m != nil {
				all = append(all, step{l.at, m[1], m[2], m[3]})
			}
		}
	}
	return all
}

// reached lists the ids of one ledger that the trace shows at a step.
func (l *ledger) reached(steps []step, what string) map[string]bool {
	ids := map[string]bool{}
	for _, s := range steps {
		if _, ours := l.number(s.id); ours && s.what == what && s.way == l.way {
			ids[s.id] = true
		}
	}
	return ids
}
