package upstream

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"meshbridge/internal/stanza"
)

// life is what one connection of a hostile or unlucky server is like.
type life struct {
	header    string        // its stream header; "" hangs up at once
	headerAt  time.Duration // how long it thinks before it
	answer    string        // after the handshake: <handshake/>, an error, junk, ""
	answerAt  time.Duration // how long it thinks before that
	end       string        // what it says at the end of a session
	endAt     time.Duration // how long a session lives
	echo      bool          // whether it routes self pings
	oneByOne  bool          // whether it reads a byte at a time
	deafAfter bool          // whether it stops reading once authenticated
}

func drawLife(t *rapid.T) life {
	ms := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(0, 7000).Draw(t, "ms")) * time.Millisecond
	})
	return life{
		header: rapid.SampledFrom([]string{
			goodHeader, goodHeader, goodHeader, goodHeader, "",
			strings.Replace(goodHeader, "3BF96D32", "", 1),
			strings.Replace(goodHeader, "lan.", "wan.", 1),
		}).Draw(t, "header"),
		headerAt: ms.Draw(t, "header at"),
		answer: rapid.SampledFrom([]string{
			`<handshake/>`, `<handshake/>`, `<handshake/>`, `<handshake/>`, "",
			`<message from='alice@example.org' to='a@lan.example.org'/><handshake/>`,
			streamError("not-authorized", ""), streamError("conflict", ""), `<iq>`,
		}).Draw(t, "answer"),
		answerAt:  ms.Draw(t, "answer at"),
		end:       rapid.SampledFrom([]string{"", "</stream:stream>", streamError("reset", ""), streamError("system-shutdown", ""), "\x00"}).Draw(t, "end"),
		endAt:     ms.Draw(t, "end at"),
		echo:      rapid.Bool().Draw(t, "echo"),
		oneByOne:  rapid.Bool().Draw(t, "one by one"),
		deafAfter: rapid.Bool().Draw(t, "deaf"),
	}
}

// recorder notes, per connection, what the link wrote before the server authenticated
// it.
type recorder struct {
	mu            sync.Mutex
	before        []byte
	authenticated bool
}

// live plays a life on a connection.
func (l life) live(f *far, rec *recorder) {
	defer f.conn.Close()
	f.pause(l.headerAt)
	if l.header == "" {
		return
	}
	f.conn.Write([]byte(l.header))
	f.pause(l.answerAt)
	if l.answer == "" {
		return
	}
	if strings.HasPrefix(l.answer, "<handshake/>") {
		rec.mu.Lock() // no byte is noted between this and the next
		f.mu.Lock()
		rec.before, rec.authenticated = append([]byte(nil), f.raw...), true
		f.mu.Unlock()
		rec.mu.Unlock()
	}
	f.conn.Write([]byte(l.answer))
	if l.deafAfter {
		f.stopReading()
	}
	f.pause(l.endAt)
	f.conn.SetWriteDeadline(time.Now().Add(time.Second))
	f.conn.Write([]byte(l.end))
	f.pause(time.Millisecond)
}

// opening is every byte that a connection may carry before <handshake/>.
var opening = string(stanza.AppendHeader(nil, stanza.Component, stanza.Header{To: testDomain})) +
	"<handshake>" + Digest("3BF96D32", testSecret) + "</handshake>"

var idAttr = regexp.MustCompile(`<message [^>]*id='(\d+)-\d+'`)

// TestNothingOvertakesTheHandshake lets somebody send all the time, on every session
// there ever was, while servers come and go in every way; and looks at the bytes.
func TestNothingOvertakesTheHandshake(t *testing.T) {
	t.Run("INJ-1 INJ-2 recorded bytes of many reconnects", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			lives := rapid.SliceOfN(rapid.Custom(drawLife), 1, 8).Draw(rt, "lives")
			var wrong string
			synctest.Test(t, func(t *testing.T) { wrong = stress(t, lives) })
			if wrong != "" {
				rt.Fatal(wrong)
			}
		})
	})
}

// stress runs a link against these lives, and returns what was wrong with the bytes.
func stress(t *testing.T, lives []life) (wrong string) {
	var mu sync.Mutex
	var sessions []*Session
	var recorders []*recorder
	r := newRig(t)
	r.serve = func(f *far) {
		mu.Lock()
		rec := new(recorder)
		l := lives[len(recorders)%len(lives)]
		recorders = append(recorders, rec)
		mu.Unlock()
		f.setEcho(l.echo)
		f.setSlow(l.oneByOne)
		l.live(f, rec)
	}
	r.run()
	for began := time.Now(); time.Since(began) < 3*time.Minute; pass(500 * time.Millisecond) {
		for _, e := range r.take() {
			if up, ok := e.(Up); ok {
				sessions = append(sessions, up.Session)
			}
		}
		for n, s := range sessions {
			for i := range 5 {
				s.Send(chat(fmt.Sprintf("%d-%d", n, i)))
			}
		}
	}
	r.cancel()
	<-r.done
	synctest.Wait()
	owner := map[string]int{}
	for n, f := range r.fars {
		before, all := f.split(recorders[n])
		if !strings.HasPrefix(opening, before) { // the server may have hung up in the middle
			return fmt.Sprintf("connection %d: before <handshake/> %q, want %q", n, before, opening)
		}
		for _, m := range idAttr.FindAllStringSubmatch(all, -1) {
			if c, seen := owner[m[1]]; seen && c != n {
				return fmt.Sprintf("session %s wrote on connections %d and %d", m[1], c, n)
			}
			owner[m[1]] = n
		}
	}
	return ""
}

// split returns what the link wrote before the server authenticated it, and all.
func (f *far) split(rec *recorder) (before, all string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !rec.authenticated {
		return string(f.raw), string(f.raw)
	}
	return string(rec.before), string(f.raw)
}
