package bridge

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// Scenarios are conversations written down in testdata/scenarios, one to a file, which
// docs/scenarios.md explains: who says what, who hears what, and how time passes. Each
// is played on real streams by the whole bridge, from octets to octets: once as it
// comes, and once with every read on every connection cut to one octet.

const scenarioFolder = "testdata/scenarios"

// fewest is how many conversations there must be at least.
const fewest = 60

func TestScenarios(t *testing.T) {
	files, err := filepath.Glob(scenarioFolder + "/*.txt")
	if err != nil || len(files) < fewest {
		t.Fatalf("%d scenarios are here, want %d: %v", len(files), fewest, err)
	}
	for _, file := range files {
		s, err := readScenario(file)
		if err != nil {
			t.Error(err)
			continue
		}
		t.Run(s.name(), func(t *testing.T) {
			t.Run("as it comes", func(t *testing.T) { s.play(t, 0) })
			t.Run("one octet at a time", func(t *testing.T) { s.play(t, 1) })
		})
	}
}

// name is what a scenario proves, and what its file is called.
func (s *scenario) name() string {
	title := strings.TrimSuffix(filepath.Base(s.file), ".txt")
	return strings.Join(append(slices.Clone(s.rules), strings.ReplaceAll(title, "-", " ")), " ")
}

// play plays a scenario. chunk is the most octets of one read; 0: no limit.
func (s *scenario) play(t *testing.T, chunk int) {
	synctest.Test(t, func(t *testing.T) {
		p := newStage(t, s, chunk)
		defer p.close()
		for _, st := range s.steps {
			p.perform(st)
		}
		p.nothingLeft()
	})
}

// perform does one step, and lets come to rest what it began.
func (p *stage) perform(st step) {
	p.Helper()
	p.now = st
	st.phrase.do(p, st)
	synctest.Wait()
}

// repeat performs the steps of a block n times, with $n for the number.
func (p *stage) repeat(st step) {
	for n := range st.count("N") {
		p.vars["n"] = decimal(n + 1)
		for _, inner := range st.steps {
			p.perform(inner)
		}
	}
	delete(p.vars, "n")
}
