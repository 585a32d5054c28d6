package linklocal

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// loopback returns two ends of a real connection, the dialled one first.
func loopback(t *testing.T, from string, at string) (near, far *net.TCPConn) {
	t.Helper()
	ln, err := tcp{}.Listen(t.Context(), netip.MustParseAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	a, err := tcp{}.Dial(t.Context(), netip.MustParseAddr(from), netip.MustParseAddrPort(ln.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	b, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

func TestTCP(t *testing.T) {
	t.Run("LL-STR-29 a connection comes from the address asked for", func(t *testing.T) {
		near, far := loopback(t, "127.0.0.2", "127.0.0.1:0")
		if got := remote(far); got != netip.MustParseAddr("127.0.0.2") {
			t.Errorf("comes from %v", got)
		}
		if got := remote(near); got != netip.MustParseAddr("127.0.0.1") {
			t.Errorf("leads to %v", got)
		}
	})
	t.Run("LL-3-28 a port in use is told as such", func(t *testing.T) {
		ln, err := tcp{}.Listen(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"))
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		_, err = tcp{}.Listen(t.Context(), netip.MustParseAddrPort(ln.Addr().String()))
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("got %v", err)
		}
		_, err = tcp{}.Listen(t.Context(), netip.MustParseAddrPort("203.0.113.1:0"))
		if !errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Errorf("an address of somebody else: %v", err)
		}
	})
	t.Run("LL-STR-30 SIOCOUTQ: nothing is left of what the peer has read", func(t *testing.T) {
		near, far := loopback(t, "127.0.0.1", "127.0.0.1:0")
		if _, err := io.WriteString(near, "hello"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(far, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		if n, err := unsent(near); n != 0 || err != nil {
			t.Errorf("%d octets left, %v", n, err)
		}
	})
	t.Run("LL-STR-30 SIOCOUTQ: what the peer's window does not take is left", func(t *testing.T) {
		near, _ := loopback(t, "127.0.0.1", "127.0.0.1:0")
		chunk := make([]byte, 1<<20)
		for range 64 { // no machine buffers so much
			if err := near.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			_, werr := near.Write(chunk)
			if n, err := unsent(near); err != nil {
				t.Fatal(err)
			} else if werr != nil && n > 0 {
				return
			}
		}
		t.Error("64 MiB are with a peer that reads nothing")
	})
	t.Run("LL-STR-30 a connection that is closed counts nothing as acknowledged", func(t *testing.T) {
		near, _ := loopback(t, "127.0.0.1", "127.0.0.1:0")
		near.Close()
		if _, err := unsent(near); err == nil {
			t.Error("no error")
		}
	})
	t.Run("LL-STR-30 the kernel gives up on a silent peer after eight seconds", func(t *testing.T) {
		near, _ := loopback(t, "127.0.0.1", "127.0.0.1:0")
		limitUnacked(near)
		raw, err := near.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var got int
		var gotErr error
		if err := raw.Control(func(fd uintptr) {
			got, gotErr = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
		}); err != nil || gotErr != nil {
			t.Fatal(err, gotErr)
		}
		if got != 8000 {
			t.Errorf("TCP_USER_TIMEOUT is %d ms", got)
		}
	})
	t.Run("LL-11.1-6 a zone is the number that its interface has now, whatever was remembered of it", func(t *testing.T) {
		lo, err := net.InterfaceByName("lo")
		if err != nil {
			t.Fatal(err)
		}
		for in, want := range map[string]string{
			"[fe80::1%lo]:5298":     fmt.Sprintf("[fe80::1%%%d]:5298", lo.Index),
			"[fe80::1%pulled]:5298": "[fe80::1%pulled]:5298",
			"[2001:db8::1]:5298":    "[2001:db8::1]:5298",
			"10.2.1.1:5298":         "10.2.1.1:5298",
		} {
			if got := numbered(netip.MustParseAddrPort(in)); got.String() != want {
				t.Errorf("%s: %v", in, got)
			}
		}
	})
	t.Run("LL-11.1-6 addresses of connections keep their zone, IPv4 in IPv6 is IPv4", func(t *testing.T) {
		for in, want := range map[string]string{
			"[fe80::1%eth0]:5298": "fe80::1%eth0", "10.2.1.1:5298": "10.2.1.1", "[::ffff:10.2.1.1]:5298": "10.2.1.1",
		} {
			if got := addrOf(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(in))); got.String() != want {
				t.Errorf("%s: %v", in, got)
			}
		}
		if got := addrOf(&net.UnixAddr{Name: "x"}); got.IsValid() {
			t.Errorf("no address is %v", got)
		}
	})
}

func TestLastWords(t *testing.T) {
	t.Run("LL-STR-23 a peer that is still talking reads why it was refused, and no reset", func(t *testing.T) {
		m, stop := bare(func(Event) {}, func(*Config) {})
		defer stop()
		near, far := loopback(t, "127.0.0.1", "127.0.0.1:0")
		from := remote(near)
		v, _ := m.doors.enter(from)
		m.handlers.Go(func() { m.serve(near, bareLink(), v) })
		go io.Copy(far, strings.NewReader("zzz"+strings.Repeat("x", 256<<10)))
		heard, err := io.ReadAll(far)
		if err != nil || !strings.HasSuffix(string(heard), "</stream:error></stream:stream>") {
			t.Errorf("heard %q, then %v", heard, err)
		}
	})
}
