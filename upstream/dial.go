package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// ErrPlaintext: the address that was dialled is not on this machine and the stream
// would not be encrypted.
var ErrPlaintext = errors.New("a plaintext component stream would leave this machine: " +
	"use tcp:// with a loopback address (tcp://127.0.0.1:5347), " +
	"or tls:// (ejabberd speaks it; put stunnel before Prosody), " +
	"or, inside a VPN, tcp:// with insecure_plaintext: true")

// connect opens a connection to one target on which bytes may be written: one
// that is encrypted, or stays on this machine, or that somebody wants plain.
func (l *Link) connect(ctx context.Context, t Target) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := l.dial(ctx, "tcp", withPort(t.Address))
	if err != nil {
		return nil, fmt.Errorf("%w: see whether the server runs and listens for components there", err)
	}
	conn = prompt(conn)
	switch {
	case t.TLS != nil:
		return encrypt(ctx, conn, t)
	case l.insecurePlaintext || local(conn.RemoteAddr()):
		return conn, nil
	}
	conn.Close()
	return nil, fmt.Errorf("%s: %w", conn.RemoteAddr(), ErrPlaintext)
}

// withPort adds the component port to an address that names none.
func withPort(address string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), strconv.Itoa(DefaultPort))
}

func encrypt(ctx context.Context, conn net.Conn, t Target) (net.Conn, error) {
	secure := tls.Client(conn, t.TLS)
	err := secure.HandshakeContext(ctx)
	if err == nil {
		return secure, nil
	}
	conn.Close()
	return nil, fmt.Errorf("TLS with %s: %w: %s", t.Address, err, tlsAdvice(err, t.TLS.ServerName))
}

// tlsAdvice says what to do about a handshake that failed.
func tlsAdvice(err error, name string) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "this port speaks no TLS, name the one that does"
	}
	// What ejabberd does on a component port that has no certificate of its own.
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return fmt.Sprintf("the server hung up: see whether this port of it has a certificate for %q", name)
	}
	return fmt.Sprintf("the certificate must be valid for %q", name)
}

// local reports whether an address cannot leave this machine. It looks at the
// address that was dialled, not at the name that led there.
func local(a net.Addr) bool {
	switch a := a.(type) {
	case *net.UnixAddr:
		return true
	case *net.TCPAddr:
		ip, ok := netip.AddrFromSlice(a.IP)
		return ok && ip.Unmap().IsLoopback()
	}
	return false
}
