package presubmit

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

const maxLines = 500

func TestFormatting(t *testing.T) {
	for _, s := range sources(t) {
		want, err := format.Source(s.text)
		if err != nil {
			t.Errorf("%s: %v", s.path, err)
		} else if !bytes.Equal(want, s.text) {
			t.Errorf("%s: run gofmt -w", s.path)
		}
	}
}

func TestFileLength(t *testing.T) {
	for _, s := range sources(t) {
		if n := bytes.Count(s.text, []byte("\n")); n > maxLines {
			t.Errorf("%s has %d lines: is it still one idea?", s.path, n)
		}
	}
}

func TestPackageDocs(t *testing.T) {
	documented := make(map[string]bool)
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		doc := s.ast.Doc.Text()
		opening := "Package " + s.ast.Name.Name + " "
		if s.ast.Name.Name == "main" {
			opening = "Command "
		}
		documented[s.folder()] = documented[s.folder()] || strings.HasPrefix(doc, opening)
	}
	for folder, ok := range documented {
		if !ok {
			t.Errorf("%s: no file has a package comment (\"Package name ...\", \"Command name ...\")", folder)
		}
	}
}

func TestNoInitFunctions(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s:%d: no init functions", s.path, s.line(f))
			}
		}
	}
}

// Tests neither sleep, which makes them slow and flaky (use testing/synctest or
// an injected clock), nor skip, which hides what they do not prove.
func TestTestsNeitherSleepNorSkip(t *testing.T) {
	for _, s := range sources(t) {
		if !s.isTest() {
			continue
		}
		clock := s.imported("time")
		ast.Inspect(s.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			on, _ := sel.X.(*ast.Ident)
			switch sel.Sel.Name {
			case "Sleep":
				if on != nil && on.Name == clock {
					t.Errorf("%s:%d: no time.Sleep in tests", s.path, s.line(n))
				}
			case "Skip", "Skipf", "SkipNow":
				if on != nil && len(on.Name) <= 2 && strings.ContainsAny(on.Name, "tbf") {
					t.Errorf("%s:%d: no skipping", s.path, s.line(n))
				}
			}
			return true
		})
	}
}

// The convenient half of encoding/xml is no XMPP parser: it accepts what expat
// refuses and writes what nobody can read back. RawToken alone may lie beneath
// the strict reader.
func TestOnlyRawTokensOfXML(t *testing.T) {
	for _, s := range sources(t) {
		name := s.imported("encoding/xml")
		if s.isTest() || name == "" {
			continue
		}
		if bytes.Contains(s.text, []byte("innerxml")) {
			t.Errorf("%s: no innerxml", s.path)
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && bannedXML(sel, name) {
				t.Errorf("%s:%d: %s of encoding/xml is not to be used", s.path, s.line(n), sel.Sel.Name)
			}
			return true
		})
	}
}

func bannedXML(sel *ast.SelectorExpr, name string) bool {
	switch sel.Sel.Name {
	case "NewEncoder", "Encoder", "Unmarshal", "Unmarshaler":
		on, ok := sel.X.(*ast.Ident)
		return ok && on.Name == name
	case "Token", "Decode", "DecodeElement", "EncodeToken", "EncodeElement":
		on, ok := sel.X.(*ast.Ident)
		return !ok || on.Name != name // a method; xml.Token is a harmless type
	}
	return false
}

// elsewhere are documents that are not in the repository. A comment names a rule
// by its ID alone, or a file of docs.
var elsewhere = regexp.MustCompile(`\b(DESIG[N]|CONFORMANC[E]|THREAT[S]|VECTOR[S]|REAL-CLIENT[S])\b`)

func TestOnlyDocumentsThatAreHere(t *testing.T) {
	for _, s := range sources(t) {
		for i, line := range strings.Split(string(s.text), "\n") {
			if name := elsewhere.FindString(line); name != "" {
				t.Errorf("%s:%d: %s is not in the repository", s.path, i+1, name)
			}
		}
	}
}

// A next step that the program prints begins with the name it was called by
// (docs/decisions/009-names.md), which may be a path's last part or a link's.
func TestNextStepsNameTheProgramAsCalled(t *testing.T) {
	fixed := regexp.MustCompile(`\bmeshbridge (run|check|resolve|jid|browse|status|secret|demo|version|help)\b`)
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			text, ok := n.(*ast.BasicLit)
			if ok && text.Kind == token.STRING && fixed.MatchString(text.Value) {
				t.Errorf("%s:%d: name the program as it was called, not meshbridge", s.path, s.line(n))
			}
			return true
		})
	}
}
