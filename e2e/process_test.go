//go:build linux

package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is one running program of the office. Both its outputs are read
// line by line into a journal, which is printed when the test fails.
type process struct {
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *journal[line]
	begun time.Time
	ended chan struct{} // closed when the process is gone and its output read
}

// A command says what to run and how.
type command struct {
	name string   // for the log
	argv []string // program and arguments
	env  []string // added to the test's own environment
	line func(string)
	// line, if set, is called with each line of standard output as it comes.
}

// start runs c in namespace n. The process is killed, with all it started,
// when the office closes (not when a part of the test ends), and when the test
// binary dies.
func (n *namespace) start(t testing.TB, book *logbook, c command) *process {
	t.Helper()
	argv := append([]string{"netns", "exec", n.name}, c.argv...)
	p := &process{name: c.name, lines: newJournal[line](), ended: make(chan struct{})}
	p.cmd = exec.Command("ip", argv...)
	p.cmd.Env = append(os.Environ(), c.env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.begun = time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", c.name, err)
	}
	book.open(p)
	var reading sync.WaitGroup
	reading.Go(func() { p.read(stdout, c.line) })
	reading.Go(func() { p.read(stderr, nil) })
	go func() {
		reading.Wait()
		p.lines.add(line{time.Now(), fmt.Sprintf("[%s ended: %s]", p.name, waited(p.cmd))})
		close(p.ended)
	}()
	n.owner.Cleanup(func() { p.kill(n.owner) })
	return p
}

// waited reaps the process and says how it ended.
func waited(cmd *exec.Cmd) string {
	if err := cmd.Wait(); err != nil {
		return err.Error()
	}
	return "exit status 0"
}

// read files every line of r in the journal and hands it on.
func (p *process) read(r io.Reader, each func(string)) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		p.lines.add(line{time.Now(), lines.Text()})
		if each != nil {
			each(lines.Text())
		}
	}
	_, _ = io.Copy(io.Discard, r) // a line over the limit must not stop the program
}

// write sends one line to the program's standard input.
func (p *process) write(t testing.TB, text string) {
	t.Helper()
	if _, err := io.WriteString(p.stdin, text+"\n"); err != nil {
		t.Fatalf("%s does not take commands any more: %v", p.name, err)
	}
}

// signal sends sig to the process alone.
func (p *process) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatalf("%v to %s: %v", sig, p.name, err)
	}
}

// cpu is the processor time that the process has used; 0 when it has ended.
func (p *process) cpu(t testing.TB) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name may hold blanks
	var ticks int                                 // of utime and stime, proc_pid_stat(5), 100 a second
	for _, field := range strings.Fields(rest)[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// kill ends the process and its group at once.
func (p *process) kill(t testing.TB) {
	t.Helper()
	if p.alive() {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // gone in between: as good
	}
	p.awaitEnd(t, 10*time.Second)
}

// alive reports whether the process still runs.
func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// awaitEnd waits for the process to end and returns its exit code; -1 when a
// signal ended it.
func (p *process) awaitEnd(t testing.TB, within time.Duration) int {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-deadline.C:
		t.Fatalf("%s still runs after %v", p.name, within)
		return 0
	}
}

// A logbook knows every process of an office, to print their logs when the
// test has failed.
type logbook struct {
	mu        sync.Mutex
	processes []*process // guarded by mu
}

func (b *logbook) open(p *process) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.processes = append(b.processes, p)
}

// printed bounds what is shown of each process; E2E_KEEP=1 keeps all of it.
const printed = 250

// dump prints the last lines of every process.
func (b *logbook) dump(t testing.TB) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.processes {
		lines := p.lines.all()
		t.Logf("---- %s: %d lines", p.name, len(lines))
		for _, l := range lines[max(0, len(lines)-printed):] {
			t.Logf("%s %s: %s", l.at.Format("05.000"), p.name, l.text)
		}
	}
}

// save writes every log whole into folder.
func (b *logbook) save(folder string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, p := range b.processes {
		f, err := os.Create(fmt.Sprintf("%s/%02d-%s.log", folder, i, p.name))
		if err != nil {
			return err
		}
		for _, l := range p.lines.all() {
			fmt.Fprintln(f, l.at.Format("15:04:05.000"), l.text)
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// named returns the processes of that name, in the order of their start.
func (b *logbook) named(name string) []*process {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []*process
	for _, p := range b.processes {
		if p.name == name {
			found = append(found, p)
		}
	}
	return found
}
