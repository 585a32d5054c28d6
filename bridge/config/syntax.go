package config

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// slips are the usual ways in which a file fails to be YAML: a part of the message
// of the YAML library, and what it means to somebody who has never heard of tokens.
var slips = []struct{ says, what, do string }{
	{"mapping values are not allowed", "there is a second colon on the line, or an indentation that fits no section",
		"put a value that holds a colon and a space in quotes, and indent the keys of one section alike"},
	{"cannot start any token", "a value begins with a character that has a meaning of its own",
		"put a value that begins with @, %, ` or a tab in quotes"},
	{"violates indentation", "a tab stands where spaces should", "indent with spaces"},
	{"expected ',' or ']'", "the [ of a list is not closed, or a comma is missing in it", "close the list with ]"},
	{"expected ',' or '}'", "a { is not closed, or a comma is missing after it", "close it with }"},
	{"unexpected end of stream", "a quote is opened and not closed", "close it on the same line"},
	{"could not find expected ':'", "a key has no colon", "write KEY: VALUE, with a space after the colon"},
	{"did not find expected key", "the line is indented differently from its neighbours, or something follows a value that was complete",
		"indent the keys of one section alike, and put nothing after a closing quote"},
	{"block sequence entries are not allowed", "a - begins a list where a value was expected",
		"put the first - on a line of its own, below the key"},
	{"expected '-' indicator", "a line inside a list does not begin with -", "begin every entry with -, indented alike"},
	{"unknown escape character", "there is a backslash inside double quotes", "use single quotes, in which a backslash is itself"},
	{"unknown anchor", "a value begins with *, which YAML takes for a reference", "put the value in quotes"},
	{"alphabetic or numeric character", "a value begins with * or &, which YAML takes for a reference", "put the value in quotes"},
	{"expected whitespace or line break", "a value begins with ! or %, which have a meaning in YAML", "put the value in quotes"},
	{"undefined tag handle", "a value begins with !, which YAML takes for a tag", "put the value in quotes"},
}

// syntaxProblem reports an error of the YAML library, in words of our own where it
// is one of the usual slips.
func syntaxProblem(err error, data []byte, r *report) {
	const shape = `^yaml: (?:line (\d+): )?((?s:.*))$`
	said, line := err.Error(), 1
	if m := regexp.MustCompile(shape).FindStringSubmatch(said); m != nil {
		said = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
	}
	if tab := tabIndent(data); tab != (mark{}) {
		r.failAt(tab, "", "is not YAML: a tab indents this line", "indent with spaces")
		return
	}
	if first := culprit(data); first > 0 {
		line = first
	}
	at := mark{line, 1}
	for _, slip := range slips {
		if strings.Contains(said, slip.says) {
			r.failAt(at, "", "is not YAML: "+slip.what, slip.do)
			return
		}
	}
	r.failAt(at, "", "is not YAML ("+said+")",
		"look here and at the lines next to it for a missing colon, quote or bracket, or a wrong indentation")
}

// maxCulprit is how many lines a file may have for its culprit to be looked for: the
// file is read once for each.
const maxCulprit = 400

// culprit is the line with which the trouble begins: what stands before it is YAML,
// and no longer piece is. The library names the line on which it gave up, or began.
// 0 when the file is too long to look.
func culprit(data []byte) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	if len(lines) > maxCulprit {
		return 0
	}
	for end := len(data); len(lines) > 0; {
		end -= len(lines[len(lines)-1])
		lines = lines[:len(lines)-1]
		if isYAML(data[:end]) {
			return len(lines) + 1
		}
	}
	return 0
}
