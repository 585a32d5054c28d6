package resolvertest

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// Dial is for resolver.Config: it leads to the server within this process, whatever the
// address, by a connection that takes one question. What is fed to it is
// framed as over TCP; the server tells UDP from TCP by the network asked for.
func (s *Server) Dial(_ context.Context, network, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	conn := memory{&dns.Conn{Conn: far}, net.Addr(net.UDPAddrFromAddrPort(netip.AddrPort{}))}
	if strings.HasPrefix(network, "tcp") {
		conn.from = net.TCPAddrFromAddrPort(netip.AddrPort{})
	}
	go func() {
		defer far.Close()
		if m, err := conn.ReadMsg(); err == nil {
			s.ServeDNS(conn, m)
			_, _ = far.Read(make([]byte, 1)) // until the asker has closed
		}
	}()
	return near, nil
}

// memory is the server's end of a connection within the process.
type memory struct {
	*dns.Conn
	from net.Addr
}

// RemoteAddr implements dns.ResponseWriter.
func (m memory) RemoteAddr() net.Addr { return m.from }

// Network implements dns.ResponseWriter.
func (m memory) Network() string { return m.from.Network() }

// TsigStatus implements dns.ResponseWriter.
func (m memory) TsigStatus() error { return nil }

// TsigTimersOnly implements dns.ResponseWriter.
func (m memory) TsigTimersOnly(bool) {}

// Hijack implements dns.ResponseWriter.
func (m memory) Hijack() {}
