package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// changed writes the keys of a sound file that are not at their default, as YAML, in
// the order of the file. No secret can be among them: none stands in the file.
func changed(root *node) string {
	if root == nil {
		return ""
	}
	var b strings.Builder
	writeChanged(&b, root, new(Config).table(), nil)
	return b.String()
}

// writeChanged writes what is below a section; path leads to it.
func writeChanged(b *strings.Builder, section *node, rows []key, path []string) {
	indent := strings.Repeat("  ", len(path))
	for _, p := range section.pairs {
		at := append(slices.Clone(path), p.key)
		if row := find(rows, p.key); row.take == nil {
			var inner strings.Builder
			writeChanged(&inner, p.value, row.keys, at)
			if inner.Len() > 0 {
				b.WriteString(indent + p.key + ":\n" + inner.String())
			}
			continue
		}
		if !isDefault(at, p.value) {
			b.WriteString(indent + p.key + ":")
			writeNode(b, p.value, indent+"  ")
		}
	}
}

// isDefault reports whether a file with nothing but this value is one without it.
func isDefault(path []string, n *node) bool {
	c := Defaults()
	rows := c.table()
	var row *key
	for _, name := range path {
		row = find(rows, name)
		rows = row.keys
	}
	row.take(value{node: n, path: strings.Join(path, "."), r: newReport("")})
	return reflect.DeepEqual(c, Defaults())
}

// writeNode writes a value behind its key, in block style.
func writeNode(b *strings.Builder, n *node, indent string) {
	switch n.kind {
	case scalar:
		b.WriteString(" " + yamlText(n.text) + "\n")
	case list:
		b.WriteString("\n")
		for _, item := range n.items {
			writeItem(b, item, indent)
		}
	case table:
		b.WriteString("\n")
		for _, p := range n.pairs {
			b.WriteString(indent + p.key + ":")
			writeNode(b, p.value, indent+"  ")
		}
	default:
		b.WriteString("\n")
	}
}

// writeItem writes an entry of a list.
func writeItem(b *strings.Builder, item *node, indent string) {
	if item.kind != table {
		b.WriteString(indent + "-")
		writeNode(b, item, indent+"  ")
		return
	}
	lead := "- "
	for _, p := range item.pairs {
		b.WriteString(indent + lead + p.key + ":")
		writeNode(b, p.value, indent+"    ")
		lead = "  "
	}
}

// bare is text that YAML reads back as it is.
var bare = regexp.MustCompile(`^[A-Za-z0-9/][A-Za-z0-9@%+./:_-]*$`)

// yamlText quotes text where YAML would read something else. Control characters are
// in no value that was accepted.
func yamlText(s string) string {
	if bare.MatchString(s) && !strings.HasSuffix(s, ":") && !strings.EqualFold(s, "null") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
