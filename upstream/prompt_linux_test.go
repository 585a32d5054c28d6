package upstream

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPrompt has a connection write and read by turns, after which the kernel would
// wait with its acknowledgements.
func TestPrompt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	conn, one := prompt(near), make([]byte, 1)
	for range 10 {
		for _, turn := range [][2]net.Conn{{conn, far}, {far, conn}} {
			if _, err := turn[0].Write(one); err != nil {
				t.Fatal(err)
			}
			if _, err := turn[1].Read(one); err != nil {
				t.Fatal(err)
			}
		}
	}
	raw, err := near.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	on := 0
	if cerr := raw.Control(func(fd uintptr) { on, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	if on != 1 {
		t.Error("acknowledgements wait for company")
	}
}
