package linklocal

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"testing"
	"time"

	"meshbridge/internal/stanza"
)

// constants are those of limits.go, by name.
var constants = map[string]any{
	"headerTimeout": headerTimeout, "idleTimeout": idleTimeout, "writeTimeout": writeTimeout, "userTimeout": userTimeout,
	"connectTimeout": connectTimeout, "dialPauseFirst": dialPauseFirst, "dialPauseLast": dialPauseLast,
	"largeTimeout": largeTimeout, "floodPatience": floodPatience, "turnAwayTime": turnAwayTime,
	"acceptPauseFirst": acceptPauseFirst, "acceptPauseLast": acceptPauseLast, "logPause": logPause,
	"maxHandshakes": maxHandshakes, "maxUnbound": maxUnbound, "writeQueue": writeQueue,
	"maxReadAhead": maxReadAhead, "maxReadAheadAll": maxReadAheadAll, "maxLargeAll": maxLargeAll,
	"maxCandidates": maxCandidates, "maxTwins": maxTwins, "maxRestless": maxRestless, "maxRequestQueue": maxRequestQueue, "maxDrain": maxDrain,
	"MaxAvatar": MaxAvatar, "avatarTimeout": avatarTimeout,
	"minStreams": minStreams, "reserved": reserved,
}

func TestDocumentedLimits(t *testing.T) {
	rows := documented(t)
	for _, name := range declared(t) {
		if _, ok := constants[name]; !ok {
			t.Errorf("%s is missing in this test", name)
		}
	}
	want := map[string]any{
		"ClaimStep": stanza.ClaimStep, "maxName": 256, "defaultMaxBody": 64 << 10, // the latter two are held by tests of their packages
	}
	for name, v := range constants {
		want[name] = v
	}
	m := stanza.MeshLimits()
	want["MeshLimits.Unbound"], want["MeshLimits.Stanza"], want["MeshLimits.Depth"], want["MeshLimits.Attrs"] = m.Unbound, m.Stanza, m.Depth, m.Attrs
	d := DefaultLimits()
	for key, n := range map[string]int{
		"peer_rate": d.PeerRate, "peer_burst": d.PeerBurst, "total_rate": d.TotalRate,
		"streams_per_address": d.StreamsPerAddress, "streams": d.Streams,
	} {
		want["limits."+key] = n
	}
	for name, v := range want {
		if got := rows[name]; got != shown(v) {
			t.Errorf("LL-STR-25 docs/limits.md says %q of %s, which is %s", got, name, shown(v))
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("docs/limits.md tells of %s, which is no limit", name)
	}
}

// documented returns the values in the tables by name.
func documented(t *testing.T) map[string]string {
	text, err := os.ReadFile("../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\|").FindAllStringSubmatch(string(text), -1) {
		rows[m[1]] = m[2]
	}
	return rows
}

// declared returns the names of the constants in limits.go.
func declared(t *testing.T) (names []string) {
	f, err := parser.ParseFile(token.NewFileSet(), "limits.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if g, ok := n.(*ast.GenDecl); ok && g.Tok == token.CONST {
			for _, s := range g.Specs {
				for _, id := range s.(*ast.ValueSpec).Names {
					names = append(names, id.Name)
				}
			}
		}
		return true
	})
	return names
}

// shown is a value as the tables write it.
func shown(v any) string {
	switch v := v.(type) {
	case time.Duration:
		return regexp.MustCompile("m0s$").ReplaceAllString(v.String(), "m")
	case int:
		switch {
		case v >= 1<<20 && v%(1<<20) == 0:
			return fmt.Sprintf("%d MiB", v>>20)
		case v >= 1<<10 && v%(1<<10) == 0:
			return fmt.Sprintf("%d KiB", v>>10)
		}
	}
	return fmt.Sprint(v)
}
