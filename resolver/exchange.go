package resolver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// errStray: a packet came that is no answer to the question. On a fresh port only
// somebody who guesses sends such.
var errStray = errors.New("only answers to other questions")

// exchange asks one server one question. A truncated answer is not an answer: the
// question is asked again over TCP (RFC 2181 section 9), as it is when somebody may
// be guessing at it, since TCP leaves nothing to guess. A server that does not
// know EDNS is asked without it (RFC 6891 section 7).
func (r *Resolver) exchange(ctx context.Context, server netip.AddrPort, q question, edns bool) (*dns.Msg, error) {
	m, err := r.roundTrip(ctx, "udp", server, q, edns)
	if err == nil && edns && (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented) {
		edns = false
		m, err = r.roundTrip(ctx, "udp", server, q, edns)
	}
	if errors.Is(err, errStray) || err == nil && m.Truncated {
		m, err = r.roundTrip(ctx, "tcp", server, q, edns)
		if err == nil && m.Truncated {
			err = errors.New("an answer truncated even over TCP")
		}
	}
	return m, err
}

// roundTrip sends the question from a fresh port with a fresh ID and waits for the
// answer to it.
func (r *Resolver) roundTrip(ctx context.Context, network string, server netip.AddrPort, q question, edns bool) (*dns.Msg, error) {
	deadline := time.Now().Add(r.cfg.Timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	conn, err := r.cfg.Dial(ctx, network, server.String())
	if err != nil {
		return nil, silence(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	_ = conn.SetDeadline(deadline)
	ask := packet(q, edns)
	c := &dns.Conn{Conn: conn, UDPSize: packetSize}
	if err := c.WriteMsg(ask); err != nil {
		return nil, silence(err)
	}
	m, err := c.ReadMsg()
	if _, broken := errors.AsType[net.Error](err); broken || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, silence(err)
	}
	if err != nil || !answers(m, ask) {
		return nil, errStray
	}
	return m, nil
}

func packet(q question, edns bool) *dns.Msg {
	m := new(dns.Msg).SetQuestion(q.name+".", q.kind)
	m.Id = dns.Id()
	if edns {
		m.SetEdns0(packetSize, false)
	}
	return m
}

// answers reports whether m is an answer to ask: anybody can send a packet, but not
// one that repeats what was asked. A server that could not read the question need
// not repeat it.
func answers(m, ask *dns.Msg) bool {
	if m.Rcode == dns.RcodeFormatError && len(m.Question) == 0 {
		return m.Response && m.Id == ask.Id
	}
	return m.Response && m.Id == ask.Id && m.Opcode == dns.OpcodeQuery && len(m.Question) == 1 &&
		m.Question[0].Qtype == ask.Question[0].Qtype && m.Question[0].Qclass == ask.Question[0].Qclass &&
		strings.EqualFold(m.Question[0].Name, ask.Question[0].Name)
}

// silence puts into words that a server did not answer.
func silence(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer")
	}
	return fmt.Errorf("no answer: %w", err)
}
