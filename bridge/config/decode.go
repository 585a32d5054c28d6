package config

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// readTree turns the text into a tree. It returns nil when the text is not
// YAML (which is then the only problem reported) and an empty table when it
// holds nothing but comments.
func readTree(data []byte, r *report) *node {
	if !legalText(data, r) {
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return &node{kind: table, mark: mark{1, 1}}
	case err != nil:
		syntaxProblem(err, data, r)
		return nil
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		syntaxProblem(err, data, r)
		return nil
	default:
		r.failAt(mark{second.Line, second.Column}, "", "a second YAML document begins here",
			"keep one document: remove the line --- and what belongs to the other file")
	}
	return convert(&doc, "", r)
}

// convert copies a YAML node, refusing what this file format does not use.
func convert(y *yaml.Node, path string, r *report) *node {
	n := &node{mark: mark{y.Line, y.Column}}
	if y.Style&yaml.TaggedStyle != 0 {
		r.failAt(n.mark, path, "has the YAML tag "+quote(y.Tag), "remove the tag: tags are not used here")
	}
	switch y.Kind {
	case yaml.DocumentNode:
		if len(y.Content) == 0 {
			return &node{kind: table, mark: mark{1, 1}}
		}
		return convert(y.Content[0], path, r)
	case yaml.MappingNode:
		n.kind = table
		for i := 0; i+1 < len(y.Content); i += 2 {
			n.addPair(y.Content[i], y.Content[i+1], path, r)
		}
	case yaml.SequenceNode:
		n.kind = list
		for i, c := range y.Content {
			n.items = append(n.items, convert(c, path+"["+strconv.Itoa(i)+"]", r))
		}
	case yaml.AliasNode:
		n.kind = unusable
		r.failAt(n.mark, path, "is a YAML alias", "write the value out: aliases are not used here")
	default:
		n.text = y.Value
		if y.Tag == "!!null" {
			n.kind = null
		}
	}
	return n
}

func (n *node) addPair(k, v *yaml.Node, path string, r *report) {
	m := mark{k.Line, k.Column}
	if k.Kind != yaml.ScalarNode {
		r.failAt(m, path, "has a key that is no word", "write one of the documented keys")
		return
	}
	n.pairs = append(n.pairs, pair{key: k.Value, mark: m, value: convert(v, join(path, k.Value), r)})
}

// join is the path of a key. A key of strange characters is quoted in it.
func join(path, key string) string {
	if strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" || len(key) > maxShown {
		key = quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// legalText reports the first byte that no YAML text may hold; the library
// would name it without its line.
func legalText(data []byte, r *report) bool {
	at := mark{1, 1}
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		switch {
		case c == utf8.RuneError && size == 1:
			r.failAt(at, "", "is not UTF-8 text", "save the file as UTF-8")
			return false
		case c < ' ' && c != '\n' && c != '\r' && c != '\t', c == 0x7f:
			r.failAt(at, "", "holds the control character "+quote(string(c)), "remove it")
			return false
		case c == '\n':
			at = mark{at.line + 1, 0}
		}
		at.column++
		i += size
	}
	return true
}

// isYAML reports whether the library can read data.
func isYAML(data []byte) bool {
	var doc yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&doc)
	return err == nil || errors.Is(err, io.EOF)
}

// tabIndent finds the first line that is indented with a tab and no comment; zero
// when none is.
func tabIndent(data []byte) mark {
	for i, line := range strings.Split(string(data), "\n") {
		space := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if tab := strings.IndexByte(space, '\t'); tab >= 0 && len(space) < len(line) && line[len(space)] != '#' && strings.TrimSpace(line) != "" {
			return mark{i + 1, tab + 1}
		}
	}
	return mark{}
}
