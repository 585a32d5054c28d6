package translate

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"meshbridge/internal/stanza"
)

const (
	// maxResources bounds the devices kept of one colleague; of more, the one
	// heard of longest ago is forgotten.
	maxResources = 32
	// maxStatusText bounds the status text kept of a device, in octets. A TXT
	// record takes 251.
	maxStatusText = 512
)

// Resource is the presence of one device of a colleague (RFC 6121 section 4.7).
type Resource struct {
	Name     string // resourcepart; "" for a presence from the bare JID
	Priority int    // -128 to 127
	Show     string // "", "chat", "away", "xa" or "dnd"
	Status   string // text beside it, in one language; may be empty
	order    uint64 // when it was last heard of, counted up
}

// Resources gathers the presences of all devices of one colleague, so that one
// proxy instance can stand for them. The zero value is ready: nobody is online.
// It is not safe for concurrent use.
type Resources struct {
	// Lang is the language tag preferred where a status comes in several.
	Lang string

	online map[string]Resource
	heard  uint64
}

// Apply takes in a presence of the colleague, which the caller has found to be
// his. Unavailable from a full JID ends one device; unavailable from the bare
// JID, a presence error or the end of our subscription ends all of them. Other
// types say nothing about being online and change nothing.
func (r *Resources) Apply(p stanza.Stanza) {
	_, name, _ := strings.Cut(p.From, "/")
	switch {
	case p.Kind != stanza.Presence:
	case p.Type == "":
		r.put(r.read(name, p))
	case p.Type == "unavailable" && name != "":
		delete(r.online, name)
	case p.Type == "unavailable", p.Type == "error", p.Type == "unsubscribed":
		clear(r.online)
	}
}

// Best returns the device that speaks for the colleague: the highest priority,
// then the most available show, then the latest. It reports false when none is
// online with a priority of zero or more: the others take no messages.
func (r *Resources) Best() (Resource, bool) {
	var best Resource
	found := false
	for _, d := range r.online {
		if d.Priority >= 0 && (!found || d.before(best)) {
			best, found = d, true
		}
	}
	return best, found
}

// Only returns the device of a colleague who is online with one alone.
func (r *Resources) Only() (Resource, bool) {
	for _, d := range r.online {
		return d, len(r.online) == 1
	}
	return Resource{}, false
}

// Available reports whether the colleague can be reached on some device.
func (r *Resources) Available() bool {
	_, ok := r.Best()
	return ok
}

// before reports whether d speaks for the colleague rather than o.
func (d Resource) before(o Resource) bool {
	if d.Priority != o.Priority {
		return d.Priority > o.Priority
	}
	if a, b := distance(d.Show), distance(o.Show); a != b {
		return a < b
	}
	return d.order > o.order
}

// distance ranks a show by how far its owner is from chatting.
func distance(show string) int {
	switch show {
	case "chat":
		return 0
	case "away":
		return 2
	case "xa":
		return 3
	case "dnd":
		return 4
	}
	return 1
}

// read returns what an available presence says of the device of that name.
func (r *Resources) read(name string, p stanza.Stanza) Resource {
	r.heard++
	d := Resource{Name: name, Status: pickStatus(p, r.Lang), order: r.heard}
	if e := p.Child("", "show"); e != nil {
		switch show := strings.TrimSpace(e.Text()); show {
		case "chat", "away", "xa", "dnd":
			d.Show = show
		}
	}
	if e := p.Child("", "priority"); e != nil {
		// One out of range or illegible counts as none (RFC 6121 section 4.7.2.3).
		if n, err := strconv.ParseInt(strings.TrimSpace(e.Text()), 10, 8); err == nil {
			d.Priority = int(n)
		}
	}
	return d
}

// put keeps d, in place of the oldest device when there are too many.
func (r *Resources) put(d Resource) {
	if r.online == nil {
		r.online = make(map[string]Resource)
	}
	if _, known := r.online[d.Name]; !known && len(r.online) >= maxResources {
		oldest := d
		for _, o := range r.online {
			if o.order < oldest.order {
				oldest = o
			}
		}
		delete(r.online, oldest.Name)
	}
	r.online[d.Name] = d
}

// pickStatus returns the status text in the preferred language, else the one
// without xml:lang, else the first.
func pickStatus(p stanza.Stanza, lang string) string {
	list := p.Children("", "status")
	if len(list) == 0 {
		return ""
	}
	i := pickLang(list, func(l string) bool { return speaks(l, lang) })
	if i < 0 {
		i = pickLang(list, func(l string) bool { return l == "" })
	}
	text := list[max(i, 0)].Text()
	n := min(len(text), maxStatusText)
	for n > 0 && n < len(text) && !utf8.RuneStart(text[n]) {
		n--
	}
	return strings.Clone(text[:n])
}
