package bridge

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"meshbridge/internal/stanza"
)

// pattern is a stanza as a scenario expects it. Everything in it must be there as it
// is written, and nothing else; in values of attributes and in text
//
//   - stands for any characters
//     $id    stands for any value the first time and for the same one later;
//     within other text, for one word
//     ...    as the last child of an element allows more children
type pattern = *stanza.Element

// patternsOf reads the stanzas of a text, which is in order when the stream it is
// expected on could carry it.
func patternsOf(c stanza.Content, text string) (list []pattern, _ error) {
	head := string(stanza.AppendHeader(nil, c, stanza.Header{}))
	r := stanza.NewReader(strings.NewReader(head+text+"</stream:stream>"), c, stanza.Limits{})
	if _, err := r.Header(); err != nil {
		return nil, err
	}
	for {
		e, err := r.Next()
		switch {
		case err == stanza.ErrClosed && len(list) > 0:
			return list, nil
		case err == stanza.ErrClosed:
			return nil, fmt.Errorf("there is no stanza")
		case err != nil:
			return nil, fmt.Errorf("this is not XML as XMPP has it: %w", err)
		}
		list = append(list, e)
	}
}

// matchStanza compares. It returns where the two differ, or "" and the values that names
// have now.
func matchStanza(want pattern, got *stanza.Element, vars map[string]string) (difference string, _ map[string]string) {
	vars = maps.Clone(vars)
	return matchElement(want, got, vars), vars
}

func matchElement(want, got *stanza.Element, vars map[string]string) string {
	if want.Name != got.Name {
		return fmt.Sprintf("<%s> is there in place of <%s>", nameOf(got.Name), nameOf(want.Name))
	}
	in := " of <" + want.Name.Local + ">"
	for _, a := range want.Attrs {
		i := slices.IndexFunc(got.Attrs, func(b stanza.Attr) bool { return a.Name == b.Name })
		if i < 0 {
			return a.Name.Local + in + " is missing"
		}
		if !matchText(a.Value, got.Attrs[i].Value, vars) {
			return fmt.Sprintf("%s%s is %q in place of %q", a.Name.Local, in, got.Attrs[i].Value, a.Value)
		}
	}
	for _, b := range got.Attrs {
		if !slices.ContainsFunc(want.Attrs, func(a stanza.Attr) bool { return a.Name == b.Name }) {
			return fmt.Sprintf("%s%s is there, with %q", b.Name.Local, in, b.Value)
		}
	}
	return matchChildren(want, got, in, vars)
}

// matchChildren compares what is in an element. Among elements alone the order counts
// only for those of one name, as in XMPP.
func matchChildren(want, got *stanza.Element, in string, vars map[string]string) string {
	wants, gots := childrenOf(want), childrenOf(got)
	more := false
	if n := len(wants); n > 0 && wants[n-1].Element == nil && strings.TrimSpace(wants[n-1].Text) == "..." {
		wants, more = wants[:n-1], true
	}
	mixed := slices.ContainsFunc(gots, func(n stanza.Node) bool { return n.Element == nil })
	for _, w := range wants {
		i := 0
		if w.Element != nil && !mixed {
			i = slices.IndexFunc(gots, func(n stanza.Node) bool { return n.Element.Name == w.Element.Name })
		}
		if i < 0 || len(gots) == 0 {
			return "there is no " + shownNode(w) + in
		}
		if d := matchNode(w, gots[i], in, vars); d != "" {
			return d
		}
		gots = slices.Delete(gots, i, i+1)
	}
	if len(gots) > 0 && !more {
		return shownNode(gots[0]) + in + " is there as well"
	}
	return ""
}

func matchNode(want, got stanza.Node, in string, vars map[string]string) string {
	switch {
	case want.Element != nil && got.Element != nil:
		return matchElement(want.Element, got.Element, vars)
	case want.Element != nil || got.Element != nil || !matchText(want.Text, got.Text, vars):
		return shownNode(got) + in + " is there in place of " + shownNode(want)
	}
	return ""
}

func shownNode(n stanza.Node) string {
	if n.Element == nil {
		return fmt.Sprintf("the text %q", n.Text)
	}
	return "<" + nameOf(n.Element.Name) + ">"
}

// childrenOf returns the children without the white space between elements. The list is
// the caller's.
func childrenOf(e *stanza.Element) []stanza.Node {
	nodes := slices.Clone(e.Nodes)
	if len(e.Elements()) == 0 {
		return nodes
	}
	return slices.DeleteFunc(nodes, func(n stanza.Node) bool {
		return n.Element == nil && strings.TrimSpace(n.Text) == ""
	})
}

func nameOf(n stanza.Name) string { return strings.TrimSpace(n.Space + " " + n.Local) }

var variable = regexp.MustCompile(`\$([a-z][a-z0-9]*)`)

// matchText compares one value.
func matchText(want, got string, vars map[string]string) bool {
	if name := variable.FindString(want); name != "" && name == want {
		before, known := vars[name[1:]]
		vars[name[1:]] = got
		return got != "" && (!known || before == got)
	}
	var expr strings.Builder
	var unknown []string
	literal := func(text string) { expr.WriteString(strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, `.*`)) }
	end := 0
	for _, at := range variable.FindAllStringIndex(want, -1) {
		literal(want[end:at[0]])
		end = at[1]
		name := want[at[0]+1 : at[1]]
		if value, known := vars[name]; known {
			expr.WriteString(regexp.QuoteMeta(value))
			continue
		}
		expr.WriteString(`(\S+?)`)
		unknown = append(unknown, name)
	}
	literal(want[end:])
	found := regexp.MustCompile(`(?s)^` + expr.String() + `$`).FindStringSubmatch(got)
	for i, name := range unknown {
		if found != nil {
			vars[name] = found[i+1]
		}
	}
	return found != nil
}
