//go:build linux

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
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
// and goes on there; CRASH_ROWS names the keys of the rows to do.
type crashBook struct {
	file  string
	mu    sync.Mutex
	done  []crashRun // guarded by mu
	given map[string]bool
	last  int
	stamp struct{ commit string }
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
	b := &crashBook{file: os.Getenv("CRASH_RESULTS"), last: crashRuns(), given: map[string]bool{}}
	for key := range strings.FieldsSeq(os.Getenv("CRASH_ROWS")) {
		b.given[key] = true
	}
	b.stamp.commit = commit()
	if b.file == "" {
		return b
	}
	f, err := os.Open(b.file)
	if os.IsNotExist(err) {
		return b
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r crashRun
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%s: %v", b.file, err)
		}
		b.done = append(b.done, r)
	}
	return b
}

// todo lists what is still to do on a server, some runs of each row.
func (b *crashBook) todo(server string) []assignment {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []assignment
	for _, row := range crashRows {
		if len(b.given) > 0 && !b.given[row.key] {
			continue
		}
		a := assignment{row: row}
		for run := 1; run <= b.last && len(a.runs) < perOffice; run++ {
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
	r.Commit, r.Version = b.stamp.commit, packaged(r.Server)
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
