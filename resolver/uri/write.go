package uri

import (
	"strings"

	"meshbridge/internal/xep0106"
)

// String writes u so that Parse reads the same address back. The account is left
// out: it is nobody's address.
func (u URI) String() string {
	switch u.Scheme {
	case XMPP:
		return XMPP + ":" + u.path()
	case SRV:
		return SRV + ":" + u.Service + "." + u.Domain
	}
	return u.Scheme + ":" + encode(xep0106.Unescape(u.Local), mailboxSafe) + "@" + u.host()
}

func (u URI) path() string {
	s := literal(u.Domain)
	if s == "" {
		s = encode(u.Domain, pathSafe)
	}
	if u.Local != "" {
		s = encode(u.Local, pathSafe) + "@" + s
	}
	if u.Resource != "" {
		s += "/" + encode(u.Resource, pathSafe)
	}
	return s
}

// host is the domain of a mailbox, where the grammar has no percent-encoding (RFC
// 3860 appendix A): A-labels, unless there is no such form.
func (u URI) host() string {
	if s := literal(u.Domain); s != "" {
		return s
	}
	if name, err := ASCII(u.Domain); err == nil {
		return name
	}
	return encode(u.Domain, pathSafe)
}

// literal is an IPv6 address in its brackets, which stand for themselves (RFC 3986
// section 3.2.2); "" for any other domain.
func literal(domain string) string {
	if strings.HasPrefix(domain, "[") {
		return domain
	}
	return ""
}

// pathSafe reports whether c stands for itself in an xmpp: URI (RFC 5122 section
// 2.2). What is not allowed in the resource alone cannot occur in the other parts.
func pathSafe(c byte) bool {
	return c > ' ' && c < 0x7f && strings.IndexByte("\"#%/<>?@[\\]^`{|}", c) < 0
}

// mailboxSafe reports whether c stands for itself in the mailbox of an im: or pres:
// URI. RFC 3922 section 3.2 lets "?" pass too, where it would begin the headers.
func mailboxSafe(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!$*._~+=", c) >= 0
}

// encode percent-encodes every octet that is not safe.
func encode(s string, safe func(byte) bool) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; safe(c) {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
		}
	}
	return b.String()
}
