package bridge

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"meshbridge/bridge/adhoc"
	"meshbridge/bridge/form"
)

// beginStats tells how the gateway is.
func (g *Gateway) beginStats(_ string, reply func(adhoc.Step)) {
	reply(adhoc.Step{Form: form.Form{Title: "Statistics", Fields: g.stats()}})
}

// stats is how the gateway is. It names nobody.
func (g *Gateway) stats() []form.Field {
	people, colleagues, usage := 0, 0, g.box.Usage()
	for _, p := range g.peers {
		if p.present {
			people++
		}
	}
	for _, c := range g.colleagues {
		if c.published {
			colleagues++
		}
	}
	line := func(name, label, value string) form.Field {
		return form.Field{Var: name, Kind: form.TextSingle, Label: label, Values: []string{value}}
	}
	return []form.Field{
		line("version", "Version", g.opts.Version),
		line("uptime", "Running for", howLong(time.Since(g.began))),
		line("peers", "People on the LAN", strconv.Itoa(people)),
		line("colleagues", "Colleagues shown there", strconv.Itoa(colleagues)),
		line("outbox", "Messages kept", fmt.Sprintf("%d (%d KiB)", usage.Entries, (usage.Bytes+1023)>>10)),
		line("commands", "Commands under way", strconv.Itoa(g.dialogues.Open())),
		line("memory", "Memory", fmt.Sprintf("%.1f MiB", float64(footprint())/(1<<20))),
		{Var: "refused", Kind: form.TextMulti, Label: "Refused or dropped, by rule", Values: g.refusals()},
	}
}

// refusals lists the rules under which something was refused or dropped, with how
// often.
func (g *Gateway) refusals() []string {
	list := []string{}
	for _, r := range g.drops.rules() {
		list = append(list, r+": "+strconv.FormatUint(g.drops.of(r), 10))
	}
	if len(list) == 0 {
		return []string{"nothing"}
	}
	return list
}

// footprint is what the program holds of the machine's memory, in bytes, beside its code.
func footprint() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys - m.HeapReleased
}

// statsText is the same in words.
func (g *Gateway) statsText() string {
	var lines []string
	for _, f := range g.stats() {
		lines = append(lines, f.Label+": "+strings.Join(f.Values, ", "))
	}
	return strings.Join(lines, "\n")
}
