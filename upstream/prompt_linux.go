package upstream

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// prompt has the kernel acknowledge at once what comes over a TCP connection. A
// server that leaves Nagle's algorithm on, as Prosody does, keeps the next stanza
// back until then; with an acknowledgement that waits for company (RFC 1122 section
// 4.2.3.2) each window would take 40 ms longer.
func prompt(conn net.Conn) net.Conn {
	t, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return conn
	}
	return &prompted{t, raw}
}

type prompted struct {
	*net.TCPConn
	raw syscall.RawConn
}

// Read is that of the connection. The kernel forgets the option now and then.
func (p *prompted) Read(b []byte) (int, error) {
	n, err := p.TCPConn.Read(b)
	_ = p.raw.Control(quickly) // closed meanwhile: nothing to acknowledge
	return n, err
}

func quickly(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) }
