package bridge

import (
	"fmt"
	"strings"
	"time"

	"meshbridge/bridge/control"
	"meshbridge/linklocal"
)

// What is wrong, or looks so, each with what to do about it. Nothing here but looks at
// what the status says anyway.

// silentInterface is how long an interface may hear nothing before that looks odd: every
// machine with mDNS says something now and then.
const silentInterface = 10 * time.Minute

// troubles judges a status. program is what next steps call the program.
func troubles(s control.Status, program string) []control.Trouble {
	var all []control.Trouble
	add := func(degraded bool, about, what, next string) {
		all = append(all, control.Trouble{About: about, What: what, Next: next, Degraded: degraded})
	}
	if s.Config.Refused != "" {
		add(true, "config", "the file was changed and is not in force: "+s.Config.Refused,
			"mend "+s.Config.File+", then "+program+" reload; until then the former one holds")
	}
	if s.Upstream.State != "up" {
		add(true, "upstream", serverTrouble(s.Upstream), serverRemedy(s.Upstream, program))
	}
	if s.Upstream.Shared {
		add(true, "upstream", "another connection serves "+s.Upstream.Domain+" too, and the server gives each of them a part of what is for us",
			"stop the other program that uses this domain and secret; the server's log says from where it connects")
	}
	for _, i := range s.Interfaces {
		switch {
		case !i.Joined:
			add(true, i.Name, "is not up, or does not exist", "bring it up, or correct linklocal.interfaces and reload")
		case i.Packets == 0 && i.SinceSeconds >= seconds(silentInterface):
			add(false, i.Name, "nothing was heard there for "+span(i.SinceSeconds),
				"multicast snooping or a firewall in the way? Try "+program+" browse --local -i "+i.Name)
		}
	}
	if o := s.Outbox; 10*o.Messages >= 9*o.LimitMessages || 10*int64(o.Bytes) >= 9*o.LimitBytes {
		add(true, "outbox", "is nearly full; what does not fit is refused",
			program+" outbox list says for whom it waits; drop what nobody will read, or raise outbox.total and outbox.bytes")
	}
	for _, c := range s.Colleagues {
		if c.Listed && c.Asked && !c.Accepted && s.Upstream.State == "up" {
			add(false, c.JID, c.JID+" has not accepted the subscription request of "+s.Upstream.Domain,
				"ask them to accept it; until then they are not on the LAN")
		}
	}
	for _, h := range s.Held {
		add(false, h.Peer, h.Why, h.Next)
	}
	return all
}

func serverTrouble(u control.Upstream) string {
	what := "not connected for " + span(u.SinceSeconds)
	if u.Error != "" {
		what += ": " + u.Error
	}
	return what
}

// serverRemedy says what to do beside what the error says itself.
func serverRemedy(u control.Upstream, program string) string {
	next := "the next attempt is on its way"
	if u.RetrySeconds > 0 {
		next = "the next attempt comes in " + span(u.RetrySeconds)
	}
	switch {
	case u.Class == "refused" || u.Class == "conflict":
		return "mend that and reload, which tries at once; else " + next
	case u.Error == "":
		return next
	case strings.HasPrefix(u.Error, "upstream.uri "):
		return program + " resolve --trace shows every step; " + next
	}
	return "see whether the server runs and its component port is open to this host; " + next
}

// twins tells of another bridge with our component domain (LL-4-9).
func twins(list []linklocal.Twin) []control.Trouble {
	if len(list) == 0 {
		return nil
	}
	t := list[0]
	return []control.Trouble{{
		About: "mesh", Degraded: true,
		What: fmt.Sprintf("another bridge on %s (%s) shows %d colleagues, such as %s, for the same component domain", t.Interface, t.Source, len(list), t.Instance),
		Next: "stop one of the two, or give it a component domain of its own",
	}}
}

// span is a length of time in words, as exact as anybody wants to know it.
func span(s int64) string {
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm", s/60)
	case s < 86400:
		return fmt.Sprintf("%dh%dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dd%dh", s/86400, s/3600%24)
}
