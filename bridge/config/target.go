package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"meshbridge/resolver/uri"
)

// Target is where the component port of the XMPP server is: literally, or by a URI
// that the DNS resolves. The zero Target is no place.
type Target struct {
	Scheme string  // "tcp" (plaintext), "tls", or that of URI
	Host   string  // IP address without brackets, or a DNS name in lower case; of a URI its domain as JIDs have it
	Port   uint16  // 1 to 65535; 0 for a URI
	URI    uri.URI // xmpp:, im:, pres: or srv:, without an account; zero for a literal target
}

// Literal reports whether the target is a host and a port, with no record set of
// the DNS before it.
func (t Target) Literal() bool { return t.URI == uri.URI{} }

// String is the target as a URI, the port of a literal one always written out.
func (t Target) String() string {
	if !t.Literal() {
		return t.URI.String()
	}
	return t.Scheme + "://" + t.HostPort()
}

// HostPort is a literal target as net.Dial wants it.
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

// anyForm is what an admin can write who has written none of it.
const anyForm = threeForms + ", or xmpp:example.org to find the server of that domain in the DNS"

// target takes upstream.uri.
func target(dst *Target) func(value) {
	return func(v value) {
		text, ok := v.scalar(anyForm)
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

// parseTarget reads "tcp://host[:port]", "tls://host[:port]" or a URI for the DNS;
// what is empty when that worked.
func parseTarget(text string) (t Target, what, do string) {
	scheme, rest, _ := strings.Cut(text, ":")
	switch scheme = strings.ToLower(scheme); scheme {
	case "tcp", "tls":
		return literalTarget(text, scheme, rest)
	case uri.XMPP, uri.IM, uri.Pres, uri.SRV:
		return lookedUpTarget(text, scheme)
	}
	return t, quote(text) + " is not an address of a server", anyForm
}

// lookedUpTarget reads a URI whose domain the DNS is asked about (RES-6120-6,
// RES-6120-10).
func lookedUpTarget(text, scheme string) (t Target, what, do string) {
	u, err := uri.Parse(text)
	do = map[string]string{
		uri.SRV: "write srv:_name._tcp.example.org",
		uri.IM:  "write im:user@example.org", uri.Pres: "write pres:user@example.org",
	}[scheme]
	if do == "" {
		do = "write xmpp: and the server's domain, as xmpp:example.org"
	}
	switch {
	case err != nil:
		return t, quote(text) + " " + reasonOf(err), do
	case u.Account != "":
		return t, quote(text) + " names an account to log in as (RFC 5122 section 2.3)", do
	case u.Scheme == uri.XMPP && u.Local+u.Resource != "":
		return t, quote(text) + " names a person and not a server", "write " + uri.URI{Scheme: uri.XMPP, Domain: u.Domain}.String()
	}
	if _, err := uri.FQDN(u.Domain); err != nil {
		return t, quote(text) + " is " + err.Error(), do + "; for a server on this host write tcp://127.0.0.1:5347"
	}
	return Target{Scheme: u.Scheme, Host: u.Domain, URI: u}, "", ""
}

// reasonOf puts an error of the URI parser behind the quoted text.
func reasonOf(err error) string {
	if errors.Is(err, uri.ErrPercent) {
		return err.Error()
	}
	return "is " + err.Error()
}

// literalTarget reads what follows "tcp:" or "tls:".
func literalTarget(text, scheme, rest string) (t Target, what, do string) {
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
	if ascii, err := uri.ASCII(t.Host); err == nil && ascii != strings.TrimSuffix(t.Host, ".") {
		t.Host = ascii // what DNS is asked, and what the certificate is for
	}
	name := strings.TrimSuffix(t.Host, ".")
	numeric := strings.Trim(name, "0123456789.") == "" // 10.0.0.300 would be asked of DNS
	bad := strings.ContainsAny(name, " \t\"'<>&/\\@%,;:[]()")
	if name == "" || len(name) > 253 || numeric || bad {
		return Target{}, quote(t.Host) + " is not a host", threeForms
	}
	return t, "", ""
}
