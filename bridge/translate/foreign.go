package translate

import (
	"regexp"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// What a peer's client says of itself is a stranger's text: it is written anew,
// within bounds, and what cannot be read is left out.

// Version returns the answer to a question for the version of a program (XEP-0092);
// os may be empty.
func Version(name, version, os string) *stanza.Element {
	q := stanza.New(stanza.NSVersion, "query").Add(
		stanza.New(stanza.NSVersion, "name").AddText(tameName(name)),
		stanza.New(stanza.NSVersion, "version").AddText(tameName(version)))
	if os = tameName(os); os != "" {
		q.Add(stanza.New(stanza.NSVersion, "os").AddText(os))
	}
	return q
}

// VersionFromPeer rewrites what a client answered to a question for its version. It
// reports false when there is no such thing in the answer.
func VersionFromPeer(reply stanza.Stanza) (*stanza.Element, bool) {
	q := reply.Child(stanza.NSVersion, "query")
	if q == nil {
		return nil, false
	}
	word := func(name string) string {
		if e := q.Child(stanza.NSVersion, name); e != nil {
			return e.Text()
		}
		return ""
	}
	return Version(word("name"), word("version"), word("os")), true
}

// VersionFromProfile returns what a record says of the program that wrote it: without
// a hash, "ver" is a mere version text. It reports false when the record says nothing.
func VersionFromProfile(p linklocal.Profile) (*stanza.Element, bool) {
	if p.Hash != "" || p.Node == "" || p.Ver == "" {
		return nil, false
	}
	return Version(p.Node, p.Ver, ""), true
}

// zone is an offset as XEP-0082 section 3.2 writes it.
var zone = regexp.MustCompile(`^(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])$`)

// Time returns the answer to a question for the time (XEP-0202).
func Time(now time.Time) *stanza.Element {
	return clock(now.Format("-07:00"), now)
}

// TimeFromPeer rewrites what a client answered to a question for its time. It reports
// false when that is no time.
func TimeFromPeer(reply stanza.Stanza) (*stanza.Element, bool) {
	q := reply.Child(stanza.NSTime, "time")
	if q == nil {
		return nil, false
	}
	tzo, utc := q.Child(stanza.NSTime, "tzo"), q.Child(stanza.NSTime, "utc")
	if tzo == nil || utc == nil || !zone.MatchString(tzo.Text()) {
		return nil, false
	}
	t, err := time.Parse(time.RFC3339Nano, utc.Text())
	if err != nil {
		return nil, false
	}
	return clock(tzo.Text(), t), true
}

func clock(tzo string, t time.Time) *stanza.Element {
	return stanza.New(stanza.NSTime, "time").Add(
		stanza.New(stanza.NSTime, "tzo").AddText(tzo),
		stanza.New(stanza.NSTime, "utc").AddText(t.UTC().Format("2006-01-02T15:04:05Z")))
}
