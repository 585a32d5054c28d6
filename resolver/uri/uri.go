package uri

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"meshbridge/internal/xep0106"

	"mellium.im/xmpp/jid"
)

// The schemes that are read.
const (
	XMPP = "xmpp"
	IM   = "im"
	Pres = "pres"
	SRV  = "srv"
)

// Why a text is none of these URIs; compare with errors.Is.
var (
	// ErrScheme: the text begins with no scheme that is read here.
	ErrScheme = errors.New("not an xmpp:, im:, pres: or srv: URI")

	// ErrPercent: a percent sign is not followed by two hexadecimal digits.
	ErrPercent = errors.New("has a % that two hexadecimal digits should follow")

	// ErrAddress: what the URI names is no JID or no name of an SRV record set.
	ErrAddress = errors.New("not an address")

	// ErrNotFQDN: the domain is a single label, an IP address or no DNS name. It is
	// the error of FQDN; Parse takes such domains.
	ErrNotFQDN = errors.New("not a fully qualified domain name")
)

// maxURI is the longest text that is read, in bytes: a JID of which every octet is
// percent-encoded has 9,213, and a query may follow that is not used.
const maxURI = 16 << 10

// URI is an address as a URI names it. Its parts are decoded and normalised.
type URI struct {
	Scheme string // XMPP, IM, Pres or SRV

	// Account is the user@host of xmpp://user@host/…: whom to log in as, never
	// a destination (RFC 5122 section 2.3). As written, percent-decoded.
	Account string

	Service  string // of srv: only: the labels before the domain, as "_xmpp-component._tcp"
	Local    string // "" for a server
	Domain   string // U-labels; "" only when an Account stands alone
	Resource string // "" for none
}

// Of is a JID as a URI of the scheme XMPP, IM or Pres. The last two name a person
// rather than a device: the resource is dropped (RFC 3922 section 3.2).
func Of(scheme string, j jid.JID) URI {
	u := URI{Scheme: scheme, Local: j.Localpart(), Domain: j.Domainpart(), Resource: j.Resourcepart()}
	if scheme != XMPP {
		u.Resource = ""
	}
	return u
}

// JID is the address that u names, as it is written on the wire; "" when it names
// none.
func (u URI) JID() string {
	s := u.Domain
	if u.Scheme == SRV {
		return ""
	}
	if u.Local != "" {
		s = u.Local + "@" + s
	}
	if u.Resource != "" {
		s += "/" + u.Resource
	}
	return s
}

// Parse reads a URI. The scheme may be in either case; queries, headers and
// fragments are ignored, whatever they hold (RFC 5122 sections 2.5 and 2.6, RFC
// 3860 appendix A). An error says what is wrong and repeats nothing of the text.
func Parse(s string) (URI, error) {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || len(s) > maxURI {
		return URI{}, ErrScheme
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	switch scheme = strings.ToLower(scheme); scheme {
	case XMPP:
		return parseXMPP(rest)
	case IM, Pres:
		return parseMailbox(scheme, rest)
	case SRV:
		return parseSRV(rest)
	}
	return URI{}, ErrScheme
}

// parseXMPP reads [//authority/]path, where path is [node@]host[/resource]. It is
// split before anything is decoded, so that an encoded @ or / separates nothing.
func parseXMPP(s string) (u URI, err error) {
	u.Scheme = XMPP
	if account, found := strings.CutPrefix(s, "//"); found {
		account, s, _ = strings.Cut(account, "/")
		if u.Account, err = decode(account); err != nil || s == "" {
			return u, err
		}
	}
	path, resource, device := strings.Cut(s, "/")
	local, host, person := strings.Cut(path, "@")
	if !person {
		local, host = "", path
	}
	if person && local == "" || device && resource == "" {
		return URI{}, fmt.Errorf("%w: nothing before the @ or after the /", ErrAddress)
	}
	for _, part := range []*string{&local, &host, &resource} {
		if *part, err = decode(*part); err != nil {
			return URI{}, err
		}
	}
	return u.with(local, host, resource)
}

// parseMailbox reads mailbox@domain. It is split at the first @ of what is still
// encoded; the decoded mailbox may hold anything, and is escaped to stand in a JID
// (RFC 3922 section 3.3, with the escapes of XEP-0106).
func parseMailbox(scheme, s string) (URI, error) {
	mailbox, host, ok := strings.Cut(s, "@")
	if !ok {
		return URI{}, fmt.Errorf("%w: no @", ErrAddress)
	}
	mailbox, err := decode(mailbox)
	if err != nil {
		return URI{}, err
	}
	if host, err = decode(host); err != nil {
		return URI{}, err
	}
	switch {
	case mailbox == "":
		return URI{}, fmt.Errorf("%w: empty local part", ErrAddress)
	case strings.Trim(mailbox, " ") != mailbox:
		return URI{}, fmt.Errorf("%w: a space at the end of its local part", ErrAddress) // XEP-0106 section 3
	}
	return URI{Scheme: scheme}.with(xep0106.Escape(mailbox), host, "")
}

// parseSRV reads _service._tcp.domain: what is to be connected to is a stream.
func parseSRV(s string) (URI, error) {
	service, rest, _ := strings.Cut(s, ".")
	proto, domain, _ := strings.Cut(rest, ".")
	if !serviceLabel(service) || !strings.EqualFold(proto, "_tcp") {
		return URI{}, fmt.Errorf("%w: no _service._tcp before the domain", ErrAddress)
	}
	return URI{Scheme: SRV, Service: strings.ToLower(service + "." + proto)}.with("", domain, "")
}

// serviceLabel reports whether s is an underscore and a name of letters, digits and
// hyphens, at most 62 of them; RFC 6335 would allow 15.
func serviceLabel(s string) bool {
	name, ok := strings.CutPrefix(s, "_")
	return ok && len(name) > 0 && len(name) <= 62 && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// with is u with the normalised parts of a JID.
func (u URI) with(local, host, resource string) (URI, error) {
	if !plainHost(host) {
		return URI{}, fmt.Errorf("%w: its domain is not allowed", ErrAddress)
	}
	j, err := jid.New(local, host, resource)
	if err != nil {
		return URI{}, fmt.Errorf("%w: not a JID (RFC 7622)", ErrAddress)
	}
	u.Local, u.Domain, u.Resource = j.Localpart(), j.Domainpart(), j.Resourcepart()
	if !plainHost(u.Domain) || local != "" && u.Local == "" || resource != "" && u.Resource == "" {
		return URI{}, fmt.Errorf("%w: not a JID (RFC 7622)", ErrAddress)
	}
	return u, nil
}

// decode undoes percent-encoding. What it yields is UTF-8 (RFC 5122 section 2.2).
func decode(s string) (string, error) {
	text, err := url.PathUnescape(s)
	switch {
	case err != nil:
		return "", ErrPercent
	case !utf8.ValidString(text):
		return "", fmt.Errorf("%w: not UTF-8", ErrAddress)
	}
	return text, nil
}
