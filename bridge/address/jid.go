package address

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"mellium.im/xmpp/jid"
)

// maxJID is the longest JID there can be, in octets: three parts of 1023 and two
// separators (RFC 7622 section 3.1). It spares us normalising anything longer.
const maxJID = 3*1023 + 2

// Parse reads a JID as RFC 7622 section 3.2 says: it is cut at the first "/"
// before an "@" is looked for. Beyond what the library checks, a domain with an
// empty label is refused. The error says which part is wrong and repeats none.
func Parse(s string) (jid.JID, error) {
	if len(s) > maxJID {
		return jid.JID{}, errors.New("not a JID: longer than any can be")
	}
	local, domain, resource, err := jid.SplitString(s)
	if err != nil {
		return jid.JID{}, fmt.Errorf("not a JID: %w", err)
	}
	j, err := jid.New(local, domain, resource)
	if err != nil {
		return jid.JID{}, fmt.Errorf("not a JID: its %s is not allowed", wrongPart(local, domain))
	}
	if strings.Contains("."+j.Domainpart()+".", "..") {
		return jid.JID{}, errors.New("not a JID: empty label in its domain")
	}
	return j, nil
}

// wrongPart names the part that keeps a JID from being one. The library's own
// error would repeat a stranger's label at full length.
func wrongPart(local, domain string) string {
	if _, err := jid.New("", domain, ""); err != nil {
		return "domain"
	}
	if _, err := jid.New(local, domain, ""); err != nil {
		return "local part"
	}
	return "resource"
}

// enforce returns local as PRECIS UsernameCaseMapped leaves it and whether it is
// a legal local part at all (RFC 7622 section 3.3).
func enforce(local string) (string, bool) {
	if local == "" || len(local) > maxJID {
		return "", false
	}
	j, err := jid.New(local, "x", "")
	if err != nil {
		return "", false
	}
	return j.Localpart(), true
}

// legal reports whether local is a local part that PRECIS leaves as it is.
func legal(local string) bool {
	enforced, ok := enforce(local)
	return ok && enforced == local
}

// oldStable reports whether a server that still prepares local parts with
// nodeprep (RFC 3920 appendix A: case folding and NFKC) leaves s as it is. PRECIS
// keeps "ß", nodeprep makes it "ss": such a name would change its JID on the way.
func oldStable(s string) bool {
	if isASCII(s) {
		return asciiLower(s) == s
	}
	return norm.NFKC.String(cases.Fold().String(s)) == s
}

// asciiLower folds the way DNS names are compared: A to Z only, every other
// octet exact (RFC 6762 section 16).
func asciiLower(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return lowerFrom(s, i)
		}
	}
	return s
}

func lowerFrom(s string, from int) string {
	b := []byte(s)
	for i := from; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
