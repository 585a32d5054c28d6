package config

import (
	"slices"
	"strings"

	"mellium.im/xmpp/jid"
)

// each hands every entry of a list to take; a key without a value is an empty list.
func (v value) each(do string, take func(item value)) {
	if v.kind == null || v.kind == unusable {
		return
	}
	if v.kind != list {
		v.fail("is "+v.kind.noun()+" and should be a list", do)
		return
	}
	for i, n := range v.items {
		item := value{node: n, path: v.path + "[" + itoa(i) + "]", r: v.r}
		v.r.at[item.path] = n.mark
		take(item)
	}
}

// interfaces takes the names of the interfaces to serve. Whether they exist is
// not asked: on a router they come and go.
func interfaces(dst *[]string) func(value) {
	return func(v value) {
		const do = "write the interfaces of your LAN, such as [br-lan]"
		found := []string{}
		v.each(do, func(item value) {
			name, ok := item.scalar("write the name of a network interface")
			switch {
			case !ok:
			case !interfaceName(name):
				item.fail(quote(name)+" cannot be a network interface", "write a name that \"ip link\" shows, such as br-lan")
			case slices.Contains(found, name):
				item.fail(quote(name)+" is listed twice", "remove one of the two")
			default:
				found = append(found, name)
			}
		})
		if len(v.items) == 0 && (v.kind == list || v.kind == null) {
			v.fail("names no interface", do)
		}
		*dst = found
	}
}

func interfaceName(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= maxIfName && !strings.ContainsAny(s, "/: \t*?")
}

// machine takes the host label that stands after the @ of a proxy instance and
// before .local. Letters, digits and hyphens only (LL-I18N-1): names with
// & < > or " break the stream headers of common clients (LL-3-31).
func machine(dst *string) func(value) {
	return func(v value) {
		do := "write letters a to z, digits and hyphens, at most " + itoa(maxMachine)
		text, ok := v.scalar(do)
		if !ok {
			return
		}
		name := strings.ToLower(text)
		if ldhLabel(name) && len(name) <= maxMachine && plainDomain(name) {
			*dst = name
			return
		}
		if better := ldhOnly(name); better != "" && better != name {
			do += ", such as " + better
		}
		v.fail(quote(text)+" cannot be a machine name", do)
	}
}

func ldhLabel(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" &&
		s[0] != '-' && s[len(s)-1] != '-'
}

// plainDomain reports whether a JID keeps the label as it is: "xn--..." stands for
// other letters, and proxy instances have to be legal JIDs (MAPJ-12).
func plainDomain(label string) bool {
	j, err := jid.New("", label, "")
	return err == nil && j.Domainpart() == label
}

// ldhOnly is the nearest machine name to s, or "".
func ldhOnly(s string) string {
	label, _, _ := strings.Cut(s, ".")
	words := strings.FieldsFunc(label, func(c rune) bool { return !ldhLabel(string(c)) })
	near := strings.Join(words, "-")
	if len(near) > maxMachine {
		near = strings.TrimRight(near[:maxMachine], "-")
	}
	return near
}
