package upstream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"context"
)

// meet makes a server that opens the session, says last after so long and hangs up.
func meet(after time.Duration, last string) func(*far) {
	return func(f *far) {
		f.conn.Write([]byte(goodHeader + `<handshake/>`))
		f.pause(after)
		f.conn.Write([]byte(last))
		f.pause(time.Millisecond)
		f.conn.Close()
	}
}

// refuseWith makes a server that answers the handshake with a stream error.
func refuseWith(condition string) func(*far) {
	return func(f *far) {
		f.conn.Write([]byte(goodHeader))
		f.conn.Write([]byte(streamError(condition, "server's own words")))
	}
}

// inTurn makes each connection meet the next of servers, and later ones nobody.
func inTurn(servers ...func(*far)) func(*far) {
	var n atomic.Int32
	return func(f *far) {
		if i := int(n.Add(1)) - 1; i < len(servers) {
			servers[i](f)
		}
	}
}

// gaps returns the waits between the attempts, in order.
func (r *rig) gaps() []time.Duration {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []time.Duration
	for i := 1; i < len(r.dials); i++ {
		list = append(list, r.dials[i].at-r.dials[i-1].at)
	}
	return list
}

func TestErrorClasses(t *testing.T) {
	for _, condition := range []string{"not-authorized", "host-unknown", "invalid-namespace"} {
		inBubble(t, "COMP-5 "+condition+" is permanent: 5 min, and loud", func(t *testing.T) {
			r := newRig(t)
			r.serve = refuseWith(condition)
			r.run()
			d := r.down()
			if d.Class != Refused || d.Session != nil {
				t.Errorf("%#v, want Refused without a session", d)
			}
			if log := r.log.String(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "server's own words") {
				t.Errorf("log without an error or without the server's words: %s", log)
			}
			if !strings.Contains(d.Err.Error(), ": ") || !strings.Contains(d.Err.Error(), condition) {
				t.Errorf("error %q does not say what and what to do", d.Err)
			}
			pass(5 * time.Minute)
			if got := r.gaps(); !slices.Equal(got, []time.Duration{5 * time.Minute}) {
				t.Errorf("attempts after %v, want one after 5m", got)
			}
		})
	}
	inBubble(t, "COMP-5 conflict: back-off, three in 60 s bring a pause of 5 min", func(t *testing.T) {
		r := newRig(t)
		r.serve = refuseWith("conflict")
		r.run()
		pass(5*time.Minute + 10*time.Second)
		want := []time.Duration{time.Second, 2 * time.Second, 5 * time.Minute, 4 * time.Second}
		if got := r.gaps(); !slices.Equal(got, want) {
			t.Errorf("attempts after %v, want %v", got, want)
		}
		if d := r.down(); d.Class != Conflict || !strings.Contains(d.Err.Error(), "stop the other program") {
			t.Errorf("%#v: want Conflict and its remedy", d)
		}
	})
	inBubble(t, "COMP-5 conflicts far apart bring no pause", func(t *testing.T) {
		r := newRig(t)
		r.serve = meet(40*time.Second, streamError("conflict", ""))
		r.run()
		pass(5 * time.Minute)
		if got := r.gaps(); len(got) < 4 || slices.Max(got) > 2*time.Minute {
			t.Errorf("attempts after %v", got)
		}
	})
	for name, last := range map[string]string{
		"system-shutdown":    streamError("system-shutdown", "server's own words"),
		"reset":              streamError("reset", "server's own words"),
		"connection-timeout": streamError("connection-timeout", "server's own words"),
		"EOF":                "",
		"end of stream":      "</stream:stream>",
		"bad XML":            "<message",
	} {
		inBubble(t, "COMP-5 COMP-8 "+name+" is transient: back in 60 s", func(t *testing.T) {
			r := newRig(t)
			r.serve = meet(time.Second, last)
			r.run()
			pass(time.Second + 10*time.Millisecond)
			d := r.down()
			if d.Class != Transient || d.Session == nil {
				t.Errorf("%#v, want a transient end of a session", d)
			}
			if strings.Contains(last, "words") && !strings.Contains(r.log.String(), "server's own words") {
				t.Errorf("log without the server's words: %s", r.log.String())
			}
			pass(time.Minute)
			if got := r.gaps(); len(got) == 0 || got[0] > time.Minute {
				t.Errorf("attempts after %v", got)
			}
		})
	}
}

func TestReconnect(t *testing.T) {
	inBubble(t, "COMP-8 the next target at once; all dead: 0.5 to 1 s, doubling to 60 s", func(t *testing.T) {
		r := newRig(t)
		r.resolve = targets("a", "b")
		r.refuse["a:5347"], r.refuse["b:5347"] = errRefused, errRefused
		r.run()
		pass(4 * time.Minute)
		const want = "a@0s b@0s a@1s b@1s a@3s b@3s a@7s b@7s a@15s b@15s a@31s b@31s a@1m3s b@1m3s a@2m3s b@2m3s a@3m3s b@3m3s"
		if got := r.route(); got != want {
			t.Errorf("went\n%s, want\n%s", got, want)
		}
	})
	inBubble(t, "COMP-8 the random wait begins at half", func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Random = func() float64 { return 0 } })
		r.refuse["a:5347"] = errRefused
		r.run()
		pass(4 * time.Second)
		if got := r.route(); got != "a@0s a@500ms a@1.5s a@3.5s" {
			t.Errorf("went %s", got)
		}
	})
	inBubble(t, "COMP-8 after EOF the second target at once", func(t *testing.T) {
		r := newRig(t)
		r.resolve = targets("a", "b")
		r.serve = meet(time.Second-time.Millisecond, "")
		r.run()
		pass(5 * time.Second)
		// a and b fail one after the other; the list is through, and a pause follows.
		if got := r.route(); got != "a@0s b@1s a@3s b@4s" {
			t.Errorf("went %s", got)
		}
	})
	inBubble(t, "COMP-8 61 s of session put the wait back to the first", func(t *testing.T) {
		r := newRig(t)
		r.refuse["a:5347"] = errRefused
		r.run()
		pass(10 * time.Second) // 0 1 3 7, next 15
		r.mu.Lock()
		delete(r.refuse, "a:5347")
		r.serve = meet(61*time.Second-time.Millisecond, "")
		r.mu.Unlock()
		pass(68 * time.Second)
		if got := r.route(); got != "a@0s a@1s a@3s a@7s a@15s a@1m17s" {
			t.Errorf("went %s", got)
		}
	})
	inBubble(t, "COMP-8 COMP-9 after a long session the others are tried at once, dead ones before it included", func(t *testing.T) {
		r := newRig(t)
		r.resolve = targets("a", "b")
		r.refuse["a:5347"] = errRefused
		r.serve = meet(61*time.Second-time.Millisecond, "")
		r.run()
		pass(65 * time.Second)
		if got := r.route(); got != "a@0s b@0s a@1m1s a@1m2s b@1m2s" {
			t.Errorf("went %s", got)
		}
	})
	inBubble(t, "COMP-8 after system-shutdown a random part of 10 s", func(t *testing.T) {
		r := newRig(t)
		r.serve = meet(time.Second, streamError("system-shutdown", ""))
		r.run()
		pass(12 * time.Second)
		if got := r.route(); got != "a@0s a@11s" {
			t.Errorf("went %s", got)
		}
	})
	for _, condition := range []string{"system-shutdown", "conflict"} {
		inBubble(t, "COMP-8 COMP-9 "+condition+" does not keep us from the next target", func(t *testing.T) {
			r := newRig(t)
			r.resolve = targets("a", "b")
			r.serve = inTurn(meet(time.Second, streamError(condition, "")), meet(time.Hour, ""))
			r.run()
			pass(12 * time.Second)
			if got := r.route(); got != "a@0s b@1s" {
				t.Errorf("went %s", got)
			}
		})
		inBubble(t, "COMP-8 COMP-9 nor does "+condition+" before a session", func(t *testing.T) {
			r := newRig(t)
			r.resolve = targets("a", "b")
			r.serve = inTurn(refuseWith(condition), meet(time.Hour, ""))
			r.run()
			if got := r.route(); got != "a@0s b@0s" {
				t.Errorf("went %s", got)
			}
		})
	}
	inBubble(t, "SEC-7 Waiting says whether somebody refuses us, once the list is through", func(t *testing.T) {
		r := newRig(t)
		r.resolve = targets("stale", "dead")
		r.refuse["dead:5347"] = errRefused
		r.serve = inTurn(refuseWith("host-unknown"), meet(time.Second, ""))
		r.run()
		pass(5*time.Minute + 10*time.Second)
		want := []Waiting{{5 * time.Minute, true}, {time.Second, false}}
		if got := r.waited(); len(got) < 2 || !slices.Equal(got[:2], want) {
			t.Errorf("waits %v, want %v", got, want)
		}
	})
	inBubble(t, "COMP-5 SEC-7 a place that another program takes again and again is refused to us", func(t *testing.T) {
		r := newRig(t)
		r.serve = meet(time.Second, streamError("conflict", ""))
		r.run()
		pass(time.Minute)
		want := []Waiting{{time.Second, false}, {2 * time.Second, false}, {5 * time.Minute, true}}
		if got := r.waited(); !slices.Equal(got, want) {
			t.Errorf("waits %v, want %v", got, want)
		}
		if log := r.log.String(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "stop the other program") {
			t.Errorf("log without an error or a remedy: %s", log)
		}
	})
	inBubble(t, "COMP-9 each reconnect asks again where the server is", func(t *testing.T) {
		r := newRig(t)
		r.serve = meet(time.Second, "")
		r.run()
		r.mu.Lock()
		r.resolve = targets("moved", "b", "a")
		r.mu.Unlock()
		pass(1500 * time.Millisecond)
		if got := r.route(); got != "a@0s moved@1.001s" {
			t.Errorf("went %s", got)
		}
	})
	inBubble(t, "COMP-9 the whole list is walked", func(t *testing.T) {
		r := newRig(t)
		r.resolve = targets("a", "b", "c", "d")
		for _, dead := range []string{"a:5347", "b:5347", "c:5347"} {
			r.refuse[dead] = errRefused
		}
		r.run()
		if got := r.route(); got != "a@0s b@0s c@0s d@0s" {
			t.Errorf("went %s", got)
		}
		if n := len(r.take()); n != 3 {
			t.Errorf("%d events, want a Down for each of three", n)
		}
	})
	inBubble(t, "COMP-5 COMP-9 one that refuses us does not hide the others", func(t *testing.T) {
		r := newRig(t)
		r.resolve = targets("stale", "dead", "good")
		r.refuse["dead:5347"] = errRefused
		r.serve = inTurn(refuseWith("host-unknown"), meet(time.Hour, ""))
		r.run()
		if got := r.route(); got != "stale@0s dead@0s good@0s" {
			t.Errorf("went %s", got)
		}
	})
	inBubble(t, "COMP-5 COMP-8 the list is through and one refused us: 5 min", func(t *testing.T) {
		r := newRig(t)
		r.resolve = targets("stale", "dead")
		r.refuse["dead:5347"] = errRefused
		r.serve = refuseWith("host-unknown")
		r.run()
		pass(5 * time.Minute)
		if got := r.route(); got != "stale@0s dead@0s stale@5m0s dead@5m0s" {
			t.Errorf("went %s", got)
		}
	})
	for _, life := range []time.Duration{time.Second, time.Hour} {
		inBubble(t, "COMP-5 COMP-8 one that refuses us does not keep us from one lost after "+life.String(), func(t *testing.T) {
			r := newRig(t)
			r.resolve = targets("stale", "good")
			refuse, serve := refuseWith("host-unknown"), meet(life-time.Millisecond, "")
			r.serve = inTurn(refuse, serve, refuse)
			want := fmt.Sprintf("stale@0s good@0s stale@%v good@%[1]v", life+time.Second)
			if life >= stableAfter { // then the round after it begins with the others
				r.serve = inTurn(refuse, serve, refuse, refuse)
				want = fmt.Sprintf("stale@0s good@0s stale@%v stale@%v good@%[2]v", life, life+time.Second)
			}
			r.run()
			pass(life + time.Second)
			if got := r.route(); got != want {
				t.Errorf("went %s, want %s", got, want)
			}
		})
		inBubble(t, "COMP-5 a refusal that ends a session is one, after "+life.String(), func(t *testing.T) {
			r := newRig(t)
			r.serve = meet(life-time.Millisecond, streamError("not-authorized", ""))
			r.run()
			pass(life + 5*time.Minute)
			// The session's end is the stream error, a millisecond before the line's.
			if got, want := r.route(), fmt.Sprint("a@0s a@", life+5*time.Minute-time.Millisecond); got != want {
				t.Errorf("went %s, want %s", got, want)
			}
		})
	}
	inBubble(t, "a server list in new order each time makes no tight loop", func(t *testing.T) {
		r := newRig(t)
		lists := [][]string{{"a", "b"}, {"b", "a"}}
		n := 0
		r.resolve = func() ([]Target, error) { n++; return targets(lists[n%2]...)() }
		r.serve = meet(0, "")
		r.run()
		pass(time.Minute)
		if got := len(r.gaps()); got > 20 {
			t.Errorf("%d attempts in a minute", got)
		}
	})
	inBubble(t, "ever new addresses make no tight loop", func(t *testing.T) {
		r := newRig(t)
		n := 'a'
		r.resolve = func() ([]Target, error) { n++; return targets(string(n))() }
		r.serve = meet(0, "")
		r.run()
		pass(time.Minute)
		if got := len(r.gaps()); got > roundTargets*7 {
			t.Errorf("%d attempts in a minute", got)
		}
	})
	inBubble(t, "a resolver that fails is asked again, with back-off", func(t *testing.T) {
		r := newRig(t)
		asked := 0
		r.resolve = func() ([]Target, error) {
			if asked++; asked%2 == 0 {
				return nil, nil
			}
			return nil, errors.New("SERVFAIL")
		}
		r.run()
		pass(10 * time.Second)
		synctest.Wait()
		if asked != 4 { // 0 1 3 7
			t.Errorf("asked %d times in 10 s", asked)
		}
		for _, e := range r.take() {
			if d, ok := e.(Down); !ok || d.Target != "" || d.Class != Transient {
				t.Errorf("event %#v", e)
			}
		}
	})
	inBubble(t, "COMP-15 an address without a port gets 5347", func(t *testing.T) {
		r := newRig(t)
		r.resolve = func() ([]Target, error) {
			return []Target{{Address: "xmpp.example.org"}, {Address: "fe80::1%eth0"}, {Address: "[::1]"}, {Address: "[::1]:1"}}, nil
		}
		addresses := []string{"xmpp.example.org:5347", "[fe80::1%eth0]:5347", "[::1]:5347", "[::1]:1"}
		for _, a := range addresses {
			r.refuse[a] = errRefused
		}
		r.run()
		var got []string
		for _, d := range r.dials {
			got = append(got, d.address)
		}
		if !slices.Equal(got, addresses) {
			t.Errorf("dialled %q, want %q", got, addresses)
		}
	})
}

// addressed is a connection that claims to lead somewhere.
type addressed struct {
	net.Conn
	remote net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.remote }

func TestPlaintext(t *testing.T) {
	tcp := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 5347} }
	for _, c := range []struct {
		name   string
		remote net.Addr
		danger bool // insecure_plaintext
		tls    bool
		want   bool // bytes are written
	}{
		{"loopback", tcp("127.0.0.1"), false, false, true},
		{"all of 127/8", tcp("127.3.2.1"), false, false, true},
		{"IPv6 loopback", tcp("::1"), false, false, true},
		{"mapped loopback", tcp("::ffff:127.0.0.1"), false, false, true},
		{"a unix socket", &net.UnixAddr{Name: "/run/x", Net: "unix"}, false, false, true},
		{"a private address", tcp("10.0.0.5"), false, false, false},
		{"a mapped private address", tcp("::ffff:10.0.0.5"), false, false, false},
		{"a link-local address", tcp("fe80::1"), false, false, false},
		{"any address", tcp("0.0.0.0"), false, false, false},
		{"an address of a kind unknown", pipeAddr{}, false, false, false},
		{"a private address, danger typed", tcp("10.0.0.5"), true, false, true},
		{"a private address over TLS", tcp("10.0.0.5"), false, true, true},
	} {
		inBubble(t, "SEC-5 plaintext to "+c.name, func(t *testing.T) {
			var r *rig
			r = newRig(t, func(cfg *Config) {
				cfg.InsecurePlaintext = c.danger
				cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := r.dial(ctx, network, address)
					return addressed{conn, c.remote}, err
				}
			})
			if c.tls {
				r.resolve = func() ([]Target, error) {
					return []Target{{Address: "a:5347", TLS: &tls.Config{ServerName: "example.org"}}}, nil
				}
			}
			r.run()
			f := r.far()
			if got := f.bytes() != ""; got != c.want {
				t.Errorf("bytes written: %v, want %v", got, c.want)
			}
			if !c.want && (!errors.Is(r.down().Err, ErrPlaintext) || !strings.Contains(r.down().Err.Error(), "insecure_plaintext: true")) {
				t.Errorf("error %v, want ErrPlaintext and what to write", r.down().Err)
			}
		})
	}
	inBubble(t, "SEC-5 a name that was loopback and is not at the reconnect: 0 bytes", func(t *testing.T) {
		remote := tcp("127.0.0.1")
		var r *rig
		r = newRig(t, func(cfg *Config) {
			cfg.InsecurePlaintext = false
			cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := r.dial(ctx, network, address)
				r.mu.Lock()
				defer r.mu.Unlock()
				return addressed{conn, remote}, err
			}
		})
		r.serve = meet(time.Second, "")
		r.run()
		synctest.Wait()
		r.mu.Lock()
		remote, r.serve = tcp("10.0.0.5"), nil
		r.mu.Unlock()
		pass(3 * time.Second)
		if d := r.down(); !errors.Is(d.Err, ErrPlaintext) {
			t.Fatalf("error %v", d.Err)
		}
		if got := r.far().bytes(); got != "" || len(r.fars) < 2 {
			t.Errorf("wrote %q on connection %d", got, len(r.fars))
		}
	})
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
