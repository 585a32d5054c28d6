package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Target is where the component port of the XMPP server is. The zero Target
// is no place.
type Target struct {
	Scheme string // "tcp" (plaintext) or "tls"
	Host   string // IP address without brackets, or a DNS name in lower case
	Port   uint16 // 1 to 65535
}

// String is the target as a URI, its port always written out.
func (t Target) String() string {
	return t.Scheme + "://" + t.HostPort()
}

// HostPort is the target as net.Dial wants it.
func (t Target) HostPort() string {
	return net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port)))
}

// Addr is the target's IP address; false when the host is a name.
func (t Target) Addr() (netip.Addr, bool) {
	ip, err := netip.ParseAddr(t.Host)
	return ip.Unmap(), err == nil
}

// Loopback reports whether the target is this host by its very text: a
// loopback address or the name localhost. Where another name leads is known
// only when it is dialled (SEC-5).
func (t Target) Loopback() bool {
	if ip, ok := t.Addr(); ok {
		return ip.IsLoopback()
	}
	return t.Host == "localhost" || strings.HasSuffix(t.Host, ".localhost")
}

// threeForms is what an admin can write; every refusal says it
// (docs/decisions/003-where-the-server-is.md).
const threeForms = "write tcp://127.0.0.1:5347 for a server on this host, " +
	"tls://HOST:5347 for a server whose component port speaks TLS (or has stunnel or haproxy before it), or " +
	"tcp://HOST:5347 with insecure_plaintext: true inside a VPN"

// target takes upstream.uri.
func target(dst *Target) func(value) {
	return func(v value) {
		text, ok := v.scalar(threeForms)
		if !ok {
			return
		}
		t, what, do := parseTarget(text)
		if what != "" {
			v.fail(what, do)
			return
		}
		*dst = t
	}
}

// parseTarget reads "tcp://host[:port]" or "tls://host[:port]"; what is empty
// when that worked.
func parseTarget(text string) (t Target, what, do string) {
	scheme, rest, _ := strings.Cut(text, ":")
	switch scheme = strings.ToLower(scheme); scheme {
	case "tcp", "tls":
	case "xmpp", "im", "pres", "srv":
		return t, scheme + ": is not yet resolvable in this version", "write tls://host:5347 with the server's host name"
	default:
		return t, quote(text) + " is not an address of a server", threeForms
	}
	u, err := url.Parse(text)
	if err != nil || !strings.HasPrefix(rest, "//") || u.Hostname() == "" {
		return t, quote(text) + " names no host", threeForms
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return t, "holds more than a host and a port", "write " + scheme + "://" + plain(u.Host)
	}
	t = Target{Scheme: scheme, Host: strings.ToLower(u.Hostname()), Port: defaultComponentPort}
	if p := u.Port(); p != "" || strings.HasSuffix(u.Host, ":") {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return Target{}, quote(text) + " has no usable port", "write a port from 1 to 65535, usually 5347"
		}
		t.Port = uint16(n)
	}
	return checkHost(t)
}

// checkHost refuses hosts that can be no server.
func checkHost(t Target) (_ Target, what, do string) {
	if ip, ok := t.Addr(); ok {
		if ip.IsUnspecified() || ip.IsMulticast() {
			return Target{}, quote(t.Host) + " is the address of no host", threeForms
		}
		return t, "", ""
	}
	name := strings.TrimSuffix(t.Host, ".")
	numeric := strings.Trim(name, "0123456789.") == "" // 10.0.0.300 would be asked of DNS
	bad := strings.ContainsAny(name, " \t\"'<>&/\\@%,;:[]()")
	if name == "" || len(name) > 253 || numeric || bad {
		return Target{}, quote(t.Host) + " is not a host", threeForms
	}
	return t, "", ""
}
