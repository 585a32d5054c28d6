//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A crashRun is one run as it stands in the file of results, one line each.
type crashRun struct {
	Row, Server string
	Run         int
	Date        string // UTC
	Commit      string
	Version     string // of the server
	Up, Down    tally
	Took        time.Duration // see recovery
}

// String is what the log says of a tally.
func (y tally) String() string {
	return fmt.Sprintf("%d written, %d accepted, %d seen, %d errored, %d lost, %d again, %d only seen, %d refused",
		y.Written, y.Accepted, y.Seen, y.Errored, y.Lost, y.Repeats, y.Unrecorded, y.Refused)
}

// A crashBook knows which runs are done. With CRASH_RESULTS it lives in that file,
// and goes on there; CRASH_ROWS names the keys of the rows to do, CRASH_OFFICES how many
// offices of each server share them.
type crashBook struct {
	file    string
	rows    []string
	runs    int // of each row
	offices int
	commit  string

	mu   sync.Mutex
	done []crashRun // guarded by mu
}

// perOffice is how many runs of a row are done in one office.
const perOffice = 10

// An assignment is a row and the runs of it to do.
type assignment struct {
	row  crashRow
	runs []int
}

func openCrashBook(t *testing.T) *crashBook {
	t.Helper()
	b := &crashBook{file: os.Getenv("CRASH_RESULTS"), rows: strings.Fields(os.Getenv("CRASH_ROWS")), runs: fromEnvironment(t, "CRASH_RUNS", 5), offices: fromEnvironment(t, "CRASH_OFFICES", 2), commit: commit()}
	b.done = readRuns(t, b.file)
	return b
}

// fromEnvironment reads a number from the environment.
func fromEnvironment(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s: it must be a number from 1 on", name, text)
	}
	return n
}

// readRuns reads a file of results; none is no results.
func readRuns(t *testing.T, file string) (all []crashRun) {
	t.Helper()
	if file == "" {
		return nil
	}
	content, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(content)) {
		var r crashRun
		if err := json.Unmarshal([]byte(l), &r); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, r)
	}
	return all
}

// todo lists what is still to do on a server, some runs of each of those rows.
func (b *crashBook) todo(server string, which func(row int) bool) []assignment {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []assignment
	for i, row := range crashRows {
		if !which(i) || len(b.rows) > 0 && !slices.Contains(b.rows, row.key) {
			continue
		}
		a := assignment{row: row}
		for run := 1; run <= b.runs && len(a.runs) < perOffice; run++ {
			if !slices.ContainsFunc(b.done, func(r crashRun) bool { return r.Row == row.key && r.Server == server && r.Run == run }) {
				a.runs = append(a.runs, run)
			}
		}
		if len(a.runs) > 0 {
			all = append(all, a)
		}
	}
	return all
}

// enter takes in a run that is over.
func (b *crashBook) enter(t *testing.T, r crashRun) {
	t.Helper()
	r.Commit, r.Version = b.commit, packaged(r.Server)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done = append(b.done, r)
	if b.file == "" {
		return
	}
	f, err := os.OpenFile(b.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(f).Encode(r); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// commit names what is tested, with a + when something has been changed since.
func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short=10", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	name := strings.TrimSpace(string(out))
	if changed, err := exec.Command("git", "status", "--porcelain", "--untracked-files=no", "..").Output(); err != nil || len(changed) > 0 {
		name += "+"
	}
	return name
}

// packaged is the version of a Debian package.
func packaged(name string) string {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", name).Output()
	if err != nil {
		return "unknown"
	}
	return string(out)
}

// The table stands between these lines of the page.
const (
	tableBegin = "<!-- made by make crash-table -->"
	tableEnd   = "<!-- end -->"
)

// TestCrashTable writes the results of CRASH_RESULTS into the page CRASH_TABLE. Else
// it shows that such a table says what the results do.
func TestCrashTable(t *testing.T) {
	page := os.Getenv("CRASH_TABLE")
	if page == "" {
		some := []crashRun{
			{Row: "sat", Server: "prosody", Date: "2026-11-21 10:00:00", Commit: "abc", Version: "1", Took: time.Second,
				Up: tally{Written: 10, Accepted: 9, Seen: 9, Repeats: 4, Unaccepted: 1}},
			{Row: "sat", Server: "prosody", Date: "2026-11-22 10:00:00", Commit: "abc", Version: "1", Took: 3 * time.Second,
				Up: tally{Written: 10, Accepted: 10, Seen: 9, Errored: 1, Lost: 0, Repeats: 1}},
		}
		want := "| server killed (-9) at saturation | prosody | to Alice | 2 | 20 | 19 | 18 | 1 | 0 | 4 / 2.5 | 1 | 0 | 2.00 s / 3.00 s |"
		if got := crashTable(some); !strings.Contains(got, want) || !strings.Contains(got, "2026-11-21 to 2026-11-22, commit abc, prosody 1") {
			t.Errorf("%s\nhas no\n%s", got, want)
		}
		return
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), tableBegin+"\n")
	_, after, end := strings.Cut(rest, tableEnd)
	if !ok || !end {
		t.Fatalf("%s does not say where the table goes", page)
	}
	table := crashTable(readRuns(t, os.Getenv("CRASH_RESULTS")))
	write(t, page, before+tableBegin+"\n"+table+tableEnd+after, 0o644)
}

// crashTable is the table of some results.
func crashTable(all []crashRun) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\n\n", provenance(all))
	b.WriteString("| what happens | server | way | runs | written | accepted | seen | errored | lost | repeats, most / mean | written and not accepted, most | only seen, most | whole again, median / most |\n")
	b.WriteString("|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, row := range crashRows {
		for _, brand := range brands {
			var runs []crashRun
			for _, r := range all {
				if r.Row == row.key && r.Server == brand.name {
					runs = append(runs, r)
				}
			}
			if len(runs) == 0 {
				continue
			}
			head := fmt.Sprintf("| %s | %s ", row.name, brand.name)
			for _, line := range []string{
				crashLine("to Alice", runs, func(r crashRun) tally { return r.Up }),
				crashLine("to the LAN", runs, func(r crashRun) tally { return r.Down }),
			} {
				if line != "" {
					b.WriteString(head + line)
				}
			}
		}
	}
	return b.String()
}

// crashLine sums up one way of some runs; nothing if nobody wrote that way.
func crashLine(way string, runs []crashRun, of func(crashRun) tally) string {
	var sum, most tally
	var took []time.Duration
	for _, r := range runs {
		y := of(r)
		sum.Written += y.Written
		sum.Accepted += y.Accepted
		sum.Seen += y.Seen
		sum.Errored += y.Errored
		sum.Lost += y.Lost
		sum.Repeats += y.Repeats
		most.Repeats = max(most.Repeats, y.Repeats)
		most.Unaccepted = max(most.Unaccepted, y.Unaccepted)
		most.Unrecorded = max(most.Unrecorded, y.Unrecorded)
		took = append(took, r.Took)
	}
	if sum.Written == 0 {
		return ""
	}
	slices.Sort(took)
	middle := (took[(len(took)-1)/2] + took[len(took)/2]) / 2
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d | %d / %.1f | %d | %d | %.2f s / %.2f s |\n",
		way, len(runs), sum.Written, sum.Accepted, sum.Seen, sum.Errored, sum.Lost,
		most.Repeats, float64(sum.Repeats)/float64(len(runs)), most.Unaccepted, most.Unrecorded,
		middle.Seconds(), took[len(took)-1].Seconds())
}

// wanted is how many runs of each row the table is meant to have.
const wanted = 100

// provenance says when and with what some results were had, and whether there are to
// be more.
func provenance(all []crashRun) string {
	rows := map[string]int{}
	for _, r := range all {
		rows[r.Row+" "+r.Server]++
	}
	more := ""
	if fewest := slices.Min(append(slices.Collect(maps.Values(rows)), wanted)); fewest < wanted {
		more = fmt.Sprintf("; %d of %d runs of each row so far", fewest, wanted)
	}
	days, commits, versions := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, r := range all {
		day, _, _ := strings.Cut(r.Date, " ")
		days[day], commits[r.Commit], versions[r.Server+" "+r.Version] = true, true, true
	}
	list := func(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
	span := list(days)
	if len(span) > 2 {
		span = []string{span[0], span[len(span)-1]}
	}
	return fmt.Sprintf("%s, commit %s, %s", strings.Join(span, " to "), strings.Join(list(commits), " and "), strings.Join(list(versions), ", ")) + more
}
