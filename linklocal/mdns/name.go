package mdns

import (
	"errors"
	"strings"
)

// A name is a domain name exactly as it stands on the wire, uncompressed: labels, each
// behind its length octet, closed by a zero octet. Dots, quotes and UTF-8 are data inside
// a label here (RFC 6763 section 4.3), so nothing needs escaping.
type name string

// Limits of RFC 1035 section 2.3.4, in octets.
const (
	maxLabel = 63
	maxName  = 255
)

var errName = errors.New("mdns: a label must have 1 to 63 octets and a name at most 255; shorten it")

// makeName joins labels to a name. It fails when a label or the whole is out of bounds.
func makeName(labels ...string) (name, error) {
	var b strings.Builder
	for _, l := range labels {
		if l == "" || len(l) > maxLabel {
			return "", errName
		}
		b.WriteByte(byte(len(l)))
		b.WriteString(l)
	}
	b.WriteByte(0)
	if b.Len() > maxName {
		return "", errName
	}
	return name(b.String()), nil
}

// typeName turns a service type such as "_presence._tcp" into its name below local.
func typeName(serviceType string) (name, error) {
	return makeName(append(strings.Split(strings.TrimSuffix(serviceType, "."), "."), "local")...)
}

// child puts one label in front of n.
func (n name) child(label string) (name, error) {
	if label == "" || len(label) > maxLabel || len(label)+1+len(n) > maxName {
		return "", errName
	}
	return name(string([]byte{byte(len(label))}) + label + string(n)), nil
}

// first is the leftmost label, "" for the root.
func (n name) first() string {
	if len(n) == 0 || int(n[0])+1 > len(n) {
		return ""
	}
	return string(n[1 : 1+int(n[0])])
}

// parent is n without its first label; the root is its own parent.
func (n name) parent() name {
	if len(n) <= 1 || int(n[0])+1 > len(n) {
		return n
	}
	return n[1+int(n[0]):]
}

// split is n with the dots of its first label taken for separators, as it is written where
// names are text; "" when there are none, or no name comes of it.
func (n name) split() name {
	labels := strings.Split(n.first(), ".")
	if len(labels) < 2 {
		return ""
	}
	out := n.parent()
	for k := len(labels) - 1; k >= 0; k-- {
		longer, err := out.child(labels[k])
		if err != nil {
			return ""
		}
		out = longer
	}
	return out
}

// valid reports whether n is a well-formed wire name.
func (n name) valid() bool {
	if len(n) == 0 || len(n) > maxName {
		return false
	}
	rest := n
	for len(rest) > 0 && rest[0] != 0 {
		if rest[0] > maxLabel || int(rest[0])+1 >= len(rest) {
			return false
		}
		rest = rest.parent()
	}
	return len(rest) == 1
}

// fold gives the form under which names are compared: ASCII letters in lower case, every
// other octet untouched (RFC 6762 section 16). Length octets are below 'A' and stay.
func (n name) fold() name { return name(Fold(string(n))) }

// hostText is n for people: labels joined by dots, without a closing "local".
func (n name) hostText() string {
	var labels []string
	for rest := n; rest.first() != ""; rest = rest.parent() {
		labels = append(labels, rest.first())
	}
	if k := len(labels); k > 1 && Fold(labels[k-1]) == "local" {
		labels = labels[:k-1]
	}
	return strings.Join(labels, ".")
}

// Fold returns the key under which two instances (or host labels) are the same: ASCII
// letters in lower case, all other octets unchanged (RFC 6762 section 16).
func Fold(instance string) string {
	for i := 0; i < len(instance); i++ {
		if c := instance[i]; 'A' <= c && c <= 'Z' {
			return foldFrom(instance, i)
		}
	}
	return instance
}

func foldFrom(s string, i int) string {
	b := []byte(s)
	for ; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
