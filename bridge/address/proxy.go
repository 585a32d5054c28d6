package address

import (
	"strings"

	"meshbridge/internal/xep0106"
)

// ProxyLocal returns the local part of the proxy JID that stands for the peer
// with this instance (MAPJ-1 to MAPJ-9). It accepts any octets and always returns
// a legal local part; instances that are one DNS name (ASCII case apart) have
// one, others have others.
//
// The result is Plain when the escaped, ASCII-lower-cased instance passes PRECIS
// and the older nodeprep unchanged. Else it is a Fallback.
func ProxyLocal(instance string) (local string, rule Rule) {
	name := asciiLower(instance)
	if local = xep0106.Escape(name); fitsPlain(name, local) {
		return local, Plain
	}
	end := tail(name)
	local = skeleton(name) + end
	if !legal(local) || !oldStable(local) {
		local = asciiOnly(skeleton(name)) + end // the Bidi rule, or a character that wants another beside it
	}
	return local, Fallback
}

// fitsPlain reports whether name, whose escaped form is local, needs no fallback.
func fitsPlain(name, local string) bool {
	switch {
	case len(name) > MaxInstance:
		return false
	case strings.HasPrefix(name, " "), strings.HasSuffix(name, " "):
		return false // XEP-0106 section 3.2: `\20` neither first nor last
	case LooksFallback(name):
		return false
	}
	return legal(local) && oldStable(local)
}

// Proxy is what a local part under the component domain can stand for.
type Proxy struct {
	// Local is the local part as PRECIS enforces it: the key to compare and to
	// look up with.
	Local string
	// Rule is the form it has.
	Rule Rule
	// Instance is the peer's instance in ASCII lower case, for a Plain local part;
	// "" for a Fallback, which only the table of known peers can resolve.
	Instance string
}

// ParseProxy reads the local part of a JID under the component domain (MAPJ-10).
// It returns false when no instance whatsoever has this local part, so that it
// never was and never will be anybody's proxy JID (GW-22).
func ParseProxy(local string) (Proxy, bool) {
	local, ok := enforce(local)
	if !ok {
		return Proxy{}, false
	}
	if LooksFallback(local) {
		return Proxy{Local: local, Rule: Fallback}, true
	}
	name := xep0106.Unescape(local)
	if xep0106.Escape(name) != local || !fitsPlain(name, local) {
		return Proxy{}, false
	}
	return Proxy{Local: local, Rule: Plain, Instance: name}, true
}
