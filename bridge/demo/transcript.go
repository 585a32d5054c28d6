package demo

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"meshbridge/internal/stanza"
)

// transcript prints what happens, a line for each thing, in the order in which it
// happens.
type transcript struct {
	w io.Writer

	mu    sync.Mutex
	start time.Time // of the first line; guarded by mu
}

// say prints what somebody does.
func (t *transcript) say(who, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.start.IsZero() {
		t.start = time.Now()
	}
	text := fmt.Sprintf(format, args...)
	// A transcript that nobody reads any more is no reason to stop.
	_, _ = fmt.Fprintf(t.w, "%6.2fs  %-7s %s\n", time.Since(t.start).Seconds(), who, text)
}

// stanza prints a stanza as it stands on the wire.
func (t *transcript) stanza(who string, c stanza.Content, s stanza.Stanza) {
	t.say(who, "    %s", stanza.Append(nil, c, s))
}

// quoted returns what somebody wrote, safe to print.
func quoted(s string) string {
	return strings.ReplaceAll(strconv.QuoteToGraphic(s), `\"`, `"`)
}
