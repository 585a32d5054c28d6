package resolver

import (
	"errors"

	"meshbridge/resolver/uri"
)

// The ways in which a resolution fails; compare with errors.Is. Each is the Kind of
// an [Error].
var (
	// ErrNotFQDN: the domain is a single label, an IP address or no DNS name. No
	// question was asked (RFC 3861 section 4).
	ErrNotFQDN = uri.ErrNotFQDN

	// ErrUnavailable: the domain publishes that it does not offer the service
	// (RFC 2782 page 4).
	ErrUnavailable = errors.New("service decidedly not available (target .)")

	// ErrNoRecords: there is nothing that could be connected to.
	ErrNoRecords = errors.New("no records")

	// ErrTemporary: what the DNS holds could not be found out now: a server
	// failure, a refusal, silence, or the end of the time there was.
	ErrTemporary = errors.New("temporary")

	// ErrAliases: a chain of CNAME records is a loop or longer than 8.
	ErrAliases = errors.New("aliases lead nowhere")

	// ErrLinkLocal: a record leads to a host under .local, which means something
	// only on the link where that host is (RFC 6762 section 3).
	ErrLinkLocal = errors.New("a name of the local link")

	// ErrBadURI: the URI is not one that can be asked for.
	ErrBadURI = errors.New("cannot be looked up")
)

// Error is why a resolution yields no target.
type Error struct {
	Kind   error  // one of the variables above
	Detail string // what was met
	Advice string // what to do about it
}

// Error returns the kind, what was met and what to do.
func (e *Error) Error() string {
	s := e.Kind.Error()
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Advice != "" {
		s += "; " + e.Advice
	}
	return s
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

const (
	askAgain  = "ask again later, or another DNS server"
	writeFQDN = "write the whole name, as example.org"
)

func temporary(detail string) error {
	return &Error{Kind: ErrTemporary, Detail: detail, Advice: askAgain}
}

// graver returns the error that says more about a domain: what could not be found
// out before what is decidedly so.
func graver(a, b error) error {
	if gravity(b) > gravity(a) {
		return b
	}
	return a
}

// gravity orders the kinds of errors.
func gravity(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrNoRecords):
		return 1
	case errors.Is(err, ErrUnavailable):
		return 2
	case errors.Is(err, ErrAliases):
		return 3
	}
	return 4
}
