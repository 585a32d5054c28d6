package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"mellium.im/xmpp/jid"

	"meshbridge/internal/stanza"
)

// Config says what the server is.
type Config struct {
	// Address is where Start listens; empty means 127.0.0.1 and any free port.
	// What is listened to elsewhere can be read by whoever sits in between.
	Address string

	// Host is the server's own domain, such as example.org.
	Host string

	// Components maps each component's domain to its secret.
	Components map[string]string

	// HandshakeDelay is how long the server thinks before it answers a right
	// digest.
	HandshakeDelay time.Duration

	// MaxStanza is the largest stanza taken from a component, in bytes; 0 means
	// 256 KiB. A larger one ends its stream with policy-violation.
	MaxStanza int

	// Log tells what happens; nil means nowhere.
	Log *slog.Logger
}

// Server is an XMPP server with a few accounts and components. Its methods may be
// called from any goroutine.
type Server struct {
	listens  bool
	host     string
	delay    time.Duration
	maximum  int
	log      *slog.Logger
	closed   chan struct{}  // closed by Close
	handlers sync.WaitGroup // what Account.Handle started

	mu         sync.Mutex
	address    string                 // guarded by mu; where the next Start listens
	run        *run                   // guarded by mu; nil while stopped
	secrets    map[string]string      // guarded by mu; by component domain
	components map[string]*connection // guarded by mu; authenticated, by domain
	accounts   map[string]*Account    // guarded by mu; by bare JID
}

// run is what lives between a Start and a Stop.
type run struct {
	listener net.Listener          // nil when only Dial reaches the server
	stopped  chan struct{}         // closed by Stop
	serving  sync.WaitGroup        // its goroutines
	conns    map[net.Conn]struct{} // guarded by Server.mu
}

// ErrStopped is returned by Dial while the server is stopped or has too many
// connections.
var ErrStopped = errors.New("the embedded server takes no connection: connection refused")

// New returns a running server that does not listen: only Dial reaches it. End it
// with Close.
func New(c Config) (*Server, error) { return start(c, false) }

// Listen returns a running server that listens on c.Address. End it with Close.
func Listen(c Config) (*Server, error) { return start(c, true) }

func start(c Config, listens bool) (*Server, error) {
	s := &Server{
		listens: listens, address: c.Address, delay: c.HandshakeDelay, maximum: c.MaxStanza, log: c.Log,
		closed:     make(chan struct{}),
		secrets:    map[string]string{},
		components: map[string]*connection{},
		accounts:   map[string]*Account{},
	}
	host, err := jid.New("", c.Host, "")
	if err != nil {
		return nil, fmt.Errorf("embedded server: host %q: %w", c.Host, err)
	}
	s.host = host.Domainpart()
	for name, secret := range c.Components {
		d, err := jid.New("", name, "")
		if err != nil {
			return nil, fmt.Errorf("embedded server: component %q: %w", name, err)
		}
		s.secrets[d.Domainpart()] = secret
	}
	if s.address == "" {
		s.address = "127.0.0.1:0"
	}
	if s.maximum == 0 {
		s.maximum = maxStanza
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.Start(); err != nil {
		return nil, err
	}
	return s, nil
}

// Addr returns the address that components connect to, host:port. It stays the same
// over Stop and Start.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// Start runs the server again after Stop, on the same port.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		return nil
	}
	r := &run{stopped: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	if s.listens {
		l, err := net.Listen("tcp", s.address)
		if err != nil {
			return fmt.Errorf("embedded server: %w: name another address", err)
		}
		s.address, r.listener = l.Addr().String(), l
		r.serving.Go(func() { s.accept(r) })
	}
	s.run = r
	return nil
}

// Stop ends the server as a crash would: every connection breaks without a word and
// nobody is told that anybody went offline. Rosters and what waits for absent
// accounts survive, as on a disk; who was online is offline.
func (s *Server) Stop() {
	s.mu.Lock()
	r := s.run
	if r == nil {
		s.mu.Unlock()
		return
	}
	s.run = nil
	close(r.stopped)
	if r.listener != nil {
		r.listener.Close()
	}
	for conn := range r.conns {
		conn.Close()
	}
	for _, a := range s.accounts {
		a.presence = nil
	}
	s.mu.Unlock()
	r.serving.Wait()
}

// Close stops the server for good, and waits for everything it started.
func (s *Server) Close() {
	s.Stop()
	s.mu.Lock()
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	s.mu.Unlock()
	s.handlers.Wait()
}

// SetSecret changes what a component must know the next time it connects.
func (s *Server) SetSecret(component, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[normal(component)] = secret
}

// Connected reports whether the component of that domain is authenticated now.
func (s *Server) Connected(component string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.components[normal(component)] != nil
}

// Disconnect breaks every component's connection, without a word.
func (s *Server) Disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return
	}
	for conn := range s.run.conns {
		conn.Close()
	}
}

// Fail ends every authenticated component's stream with a stream error.
func (s *Server) Fail(condition, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.components {
		c.fail(&stanza.StreamError{Condition: condition, Text: text})
	}
}

// accept serves connections until the listener is closed.
func (s *Server) accept(r *run) {
	for {
		conn, err := r.listener.Accept()
		if err == nil {
			s.admit(conn)
			continue
		}
		select {
		case <-r.stopped:
			return
		case <-time.After(acceptPause):
			s.log.Warn("accepting a component", "error", err)
		}
	}
}

// admit serves conn unless the server is stopped or has too many already.
func (s *Server) admit(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.run
	if r == nil || len(r.conns) >= maxConnections {
		conn.Close()
		return false
	}
	r.conns[conn] = struct{}{}
	r.serving.Go(func() {
		s.serve(conn, r.stopped)
		conn.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(r.conns, conn)
	})
	return true
}

// Dial connects to the server without a network: it has the shape of
// upstream.Config.Dial and can be used in virtual time. The connection says that
// it leads to loopback, which is as true.
func (s *Server) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	if !s.admit(far) {
		near.Close()
		return nil, ErrStopped
	}
	return memoryConn{near}, nil
}

// memoryConn is one end of a pipe with an address that tells how far it reaches.
type memoryConn struct{ net.Conn }

// RemoteAddr returns loopback.
func (memoryConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5347} }
