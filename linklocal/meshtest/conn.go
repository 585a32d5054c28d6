package meshtest

import (
	"errors"
	"net"
	"net/netip"
	"sync"
)

// Conn is one end of a connection. A write waits until the other end reads, so what
// was written has arrived.
type Conn struct {
	net.Conn
	local, remote netip.AddrPort
	far           *Conn
	chunk         int // most octets of one read; 0: no limit

	mu      sync.Mutex
	unacked int  // guarded by mu
	closed  bool // guarded by mu
}

// pipe returns the two ends of a connection, the dialling one first.
func pipe(from, to netip.AddrPort, chunk int) (near, far *Conn) {
	a, b := net.Pipe()
	near = &Conn{Conn: a, local: from, remote: to, chunk: chunk}
	far = &Conn{Conn: b, local: to, remote: from, chunk: chunk, far: near}
	near.far = far
	return near, far
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// Far returns the other end.
func (c *Conn) Far() *Conn { return c.far }

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	if c.chunk > 0 && len(b) > c.chunk {
		b = b[:c.chunk]
	}
	return c.Conn.Read(b)
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	return c.Conn.Close()
}

// Closed reports whether this end was closed.
func (c *Conn) Closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// SetUnsent makes the connection say that the far kernel has not acknowledged n
// octets; less than 0, that it does not know.
func (c *Conn) SetUnsent(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unacked = n
}

// Unsent says how much of what was written is not acknowledged.
func (c *Conn) Unsent() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unacked < 0 {
		return 0, errors.New("the connection is gone")
	}
	return c.unacked, nil
}
