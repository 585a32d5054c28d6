package presubmit

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "meshbridge"

// directions says for the packages below a folder which folders of this
// module they may import from beside their own. The first row that fits
// counts. cmd/bridge -> bridge -> {linklocal, upstream, resolver} ->
// internal/stanza, and the three never import each other.
var directions = []struct {
	folder string
	may    []string
}{
	{"internal/stanza", nil},
	{"internal/xep0106", nil},
	{"internal/presubmit", []string{"bridge/config"}},
	{"linklocal/mdns", nil}, // knows nothing about chat
	{"linklocal", []string{"internal/stanza"}},
	{"upstream", []string{"internal/stanza"}},
	{"resolver/uri", []string{"internal/xep0106"}}, // knows nothing about DNS questions
	{"resolver", []string{"internal/xep0106"}},
	{"bridge/address", []string{"internal/xep0106"}},
	{"bridge/config", []string{"resolver/uri"}},
	{"bridge/caps", []string{"internal/stanza"}},
	{"bridge/form", []string{"internal/stanza"}},
	{"bridge/adhoc", []string{"bridge/form", "internal/stanza"}},
	{"bridge/outbox", []string{"internal/stanza"}},
	{"bridge/store", []string{"bridge/address", "bridge/outbox", "internal/stanza"}},
	{"bridge", []string{"linklocal", "upstream", "resolver", "internal/stanza"}},
	{"cmd", []string{"bridge", "resolver"}},
	{"e2e", []string{"bridge", "cmd", "linklocal", "upstream", "resolver", "internal"}},
}

// allowed are the modules this program is built from (docs/decisions/001-libraries.md),
// each with the folders whose non-test code may import it; none means all.
var allowed = map[string][]string{
	"gopkg.in/yaml.v3":                   {"bridge/config/decode.go"},
	"go.etcd.io/bbolt":                   {"bridge/store"},
	"github.com/miekg/dns":               {"linklocal/mdns", "resolver"},
	"github.com/hashicorp/mdns":          {"linklocal/mdns"},
	"github.com/coreos/go-systemd/v22":   {"cmd"},
	"github.com/VictoriaMetrics/metrics": nil,
	"gosrc.io/xmpp":                      {"bridge"},
	"mellium.im/xmpp":                    nil,
	"golang.org/x/net":                   nil,
	"golang.org/x/sys":                   nil,
	"golang.org/x/text":                  {"bridge/address"},
	"github.com/google/go-cmp":           {"_test.go"},
	"go.uber.org/goleak":                 {"_test.go"},
	"pgregory.net/rapid":                 {"_test.go"},
}

func TestImportDirections(t *testing.T) {
	for _, s := range sources(t) {
		for _, path := range s.imports() {
			inner, ours := strings.CutPrefix(path, module+"/")
			if ours && !mayImport(s.folder(), inner) {
				t.Errorf("%s: package %s must not import %s (docs/architecture.md)", s.path, s.folder(), path)
			}
		}
	}
}

func mayImport(from, to string) bool {
	for _, row := range directions {
		if below(from, row.folder) {
			return below(to, row.folder) || slices.ContainsFunc(row.may, func(f string) bool { return below(to, f) })
		}
	}
	return false
}

func below(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func TestImportDirectionsRefuse(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"upstream", "linklocal", false},
		{"linklocal", "upstream/embedded", false},
		{"linklocal/mdns", "internal/stanza", false},
		{"linklocal", "linklocal/mdns", true},
		{"internal/stanza", "bridge", false},
		{"bridge/policy", "linklocal", true},
		{"cmd/bridge", "bridge/demo", true},
		{"cmd/bridge", "upstream", false},
		{"cmd/bridge", "resolver", true},
		{"resolver", "upstream", false},
		{"resolver", "linklocal/mdns", false},
		{"resolver/uri", "resolver", false},
		{"bridge/config", "resolver", false},
		{"bridgehead", "bridge", false},
	} {
		if got := mayImport(c.from, c.to); got != c.want {
			t.Errorf("mayImport(%s, %s) = %v", c.from, c.to, got)
		}
	}
}

func TestThirdPartyImports(t *testing.T) {
	for _, s := range sources(t) {
		for _, path := range s.imports() {
			first, _, _ := strings.Cut(path, "/")
			if !strings.Contains(first, ".") {
				continue // standard library, or ours
			}
			owner, known := ownerOf(path)
			switch {
			case !known:
				t.Errorf("%s: %s is not among the libraries of docs/decisions/001-libraries.md", s.path, path)
			case owner == "mellium.im/xmpp" && path != "mellium.im/xmpp/jid":
				t.Errorf("%s: %s: of mellium.im/xmpp only jid is used", s.path, path)
			case !s.isTest() && !placed(s.path, allowed[owner]):
				t.Errorf("%s: %s belongs in %s only", s.path, path, strings.Join(allowed[owner], ", "))
			}
		}
	}
}

func ownerOf(path string) (string, bool) {
	for name := range allowed {
		if below(path, name) {
			return name, true
		}
	}
	return "", false
}

func placed(path string, places []string) bool {
	return len(places) == 0 || slices.ContainsFunc(places, func(p string) bool { return below(path, p) })
}

func TestDirectDependencies(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	required := regexp.MustCompile(`(?m)^(?:\t|require )(\S+) v\S+(.*)$`)
	rows := required.FindAllStringSubmatch(string(data), -1)
	if len(rows) < 5 {
		t.Fatalf("understood only %d lines of go.mod", len(rows))
	}
	for _, row := range rows {
		if _, known := allowed[row[1]]; !known && !strings.Contains(row[2], "// indirect") {
			t.Errorf("go.mod: %s is a direct dependency and not among the libraries of docs/decisions/001-libraries.md", row[1])
		}
	}
	if strings.Contains(string(data), "\nreplace ") {
		t.Error("go.mod: no replace directives")
	}
}
