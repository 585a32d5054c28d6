package config

import (
	"cmp"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Problem is one fault of a configuration.
type Problem struct {
	File   string // name of the configuration file as it was given
	Line   int    // 1 is the first line; 0 when the fault has no place in the text
	Column int    // 1 is the first character; 0 when Line is 0
	Key    string // dotted path such as "linklocal.interfaces[1]"; may be empty
	What   string // what is wrong
	Do     string // what to do about it; never empty
}

// String is the problem as one line: "file:line:col: key: what; what to do".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		b.WriteString(":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column))
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.What + "; " + p.Do)
	return b.String()
}

// Errors is everything that is wrong with a configuration, in the order of the
// file. Load and Parse return it as their error.
type Errors []Problem

// Error is all problems, one per line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// mark is a place in the text.
type mark struct{ line, column int }

// report collects the problems of one file and remembers where its keys stand.
type report struct {
	file     string
	program  string // what next steps call the program
	problems Errors
	warnings Errors
	at       map[string]mark // of every value seen, by path
	bad      map[string]bool // paths that have a problem already
	last     []func()        // checks to make when every key was read
	unread   bool            // the file itself could not be read

	root        *node // of the text, once it was read
	secretOwner int   // user ID of the secret file, -1 when none was read
}

func newReport(file string) *report {
	return &report{file: file, program: filepath.Base(os.Args[0]), secretOwner: -1, at: make(map[string]mark), bad: make(map[string]bool)}
}

// finally keeps a check for when every key was read.
func (r *report) finally(check func()) { r.last = append(r.last, check) }

// fail records a problem of the key at path. Where path was not written, the
// problem stands at the section that should hold it, else at the file's start.
func (r *report) fail(path, what, do string) {
	r.failAt(r.place(path), path, what, do)
}

// missing reports a required key that was not written; line is what to add.
func (r *report) missing(path, line string) {
	where := " under " + path[:strings.LastIndexByte(path, '.')]
	if strings.Contains(path, "].") {
		where = " to this entry"
	}
	r.fail(path, "is missing", "add "+line+where)
}

// warn records what is suspicious about the key at path and may be meant.
func (r *report) warn(path, what, do string) {
	m := r.place(path)
	r.warnings = append(r.warnings, Problem{File: r.file, Line: m.line, Column: m.column, Key: path, What: what, Do: do})
}

func (r *report) failAt(m mark, path, what, do string) {
	r.bad[path] = true
	r.problems = append(r.problems, Problem{
		File: r.file, Line: m.line, Column: m.column, Key: path, What: what, Do: do,
	})
}

func (r *report) place(path string) mark {
	for {
		if m, ok := r.at[path]; ok {
			return m
		}
		dot := strings.LastIndexByte(path, '.')
		if dot < 0 {
			return mark{1, 1}
		}
		path = path[:dot]
	}
}

// err is nil or the sorted Errors.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	return r.problems.sorted()
}

// sorted puts e in the order of the file.
func (e Errors) sorted() Errors {
	sort.SliceStable(e, func(x, y int) bool {
		a, b := e[x], e[y]
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) < 0
	})
	return e
}

// plain shows a value as a part of what to write.
func plain(s string) string {
	q := quote(s)
	return strings.ReplaceAll(q[1:strings.LastIndexByte(q, '"')], `\\`, `\`)
}

// quote shows a value from the file in a message: escaped, so that it cannot
// move a terminal's cursor, and short.
func quote(s string) string {
	if len(s) > maxShown {
		return strconv.QuoteToGraphic(strings.ToValidUTF8(s[:maxShown], "")) + "..."
	}
	return strconv.QuoteToGraphic(s)
}
