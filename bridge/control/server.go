package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"time"
)

// Bounds. Whoever asks is trusted with the answers, and still holds nothing up.
const (
	maxClients   = 16               // at once; a few terminals with "status -w"
	maxRequest   = 64 << 10         // octets of a question: thousands of message IDs
	readTimeout  = 5 * time.Second  // for the question
	writeTimeout = 10 * time.Second // for a line of the answer: the reader may be stopped
	askTimeout   = 10 * time.Second // for an answer that comes at once
	workTimeout  = time.Minute      // for a reload: parts of the bridge may begin anew
)

// Host is who answers. Its methods are called from many goroutines and heed their context.
type Host interface {
	Status(context.Context) (Status, error)
	Outbox(context.Context) ([]Message, error)
	// Drop drops messages by number, or all that waits for an address.
	Drop(ctx context.Context, ids []uint64, to string) (Dropped, error)
	// Browse tells of everybody on the LAN and then, unless once, of every change
	// until tell fails or ctx ends.
	Browse(ctx context.Context, once bool, tell func(sighting any) error) error
	Reload(context.Context) (Reloaded, error)
}

// Server is the control socket of a running bridge.
type Server struct {
	listener *net.UnixListener
	path     string
	file     fs.FileInfo
	gid      int
	host     Host
	log      *slog.Logger

	retired sync.Once
	stop    context.CancelFunc
	ctx     context.Context
	clients chan struct{} // has room for those who may be here at once
	running sync.WaitGroup
}

// Listen makes the socket at path and answers for host, until Close. gid is the group
// that may ask beside root and the user of this process; negative for none. The error
// says what to do.
func Listen(path string, gid int, host Host, log *slog.Logger) (*Server, error) {
	l, err := listen(path, gid)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: l, path: path, gid: gid, host: host, log: log, clients: make(chan struct{}, maxClients)}
	s.file, _ = os.Lstat(path) // of a socket that is gone already nothing has to be removed
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.running.Go(s.accept)
	return s, nil
}

// Retire removes the socket: nobody new is let in, and who asked before is answered.
func (s *Server) Retire() {
	s.retired.Do(func() {
		if s.file != nil {
			unlink(s.path, s.file)
		}
		s.listener.Close()
	})
}

// Close removes the socket, cuts everybody off and waits until nobody is left.
func (s *Server) Close() {
	if s == nil {
		return
	}
	s.stop()
	s.Retire()
	s.running.Wait()
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			s.log.Warn("control socket: nobody can be let in just now, trying again; if it says that too many files are open, raise LimitNOFILE= of the service", "err", err)
			s.pause()
			continue
		}
		select {
		case s.clients <- struct{}{}:
			s.running.Go(func() {
				defer func() { <-s.clients }()
				s.serve(conn)
			})
		default:
			_ = say(conn, Reply{Error: "too many ask at once; end one of them and try again"}) // it is told or not
			conn.Close()
		}
	}
}

// pause waits a moment after a failed accept, most likely for want of descriptors.
func (s *Server) pause() {
	select {
	case <-s.ctx.Done():
	case <-time.After(time.Second):
	}
}

// serve answers one client. A question that makes us stumble is logged and forgotten:
// nobody who asks may end the bridge.
func (s *Server) serve(conn *net.UnixConn) {
	defer conn.Close()
	if conn.SetReadDeadline(time.Now().Add(readTimeout)) != nil { // before the next line, whose deadline has to be the last
		return
	}
	defer context.AfterFunc(s.ctx, func() { _ = conn.SetReadDeadline(time.Now()) })() // who has not asked yet need not any more
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("a question failed; please report this", "err", r, "stack", string(debug.Stack()))
		}
	}()
	last := Reply{End: true}
	if err := s.answer(conn); err != nil {
		last = Reply{Error: err.Error()}
	}
	_ = say(conn, last) // who does not listen any more misses nothing
}

func (s *Server) answer(conn *net.UnixConn) error {
	who, err := credentialsOf(conn)
	if err != nil {
		return fmt.Errorf("cannot tell who asks: %w", err)
	}
	if !who.mayAsk(s.gid) {
		s.log.Warn("control socket: refused; if they shall ask, make them members of control.group", "uid", who.uid)
		return errors.New("you may not ask; run this as root or as the user of the service, or become a member of control.group")
	}
	ask, err := readRequest(conn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	s.running.Go(func() { // a client that leaves ends its answer
		_, _ = io.Copy(io.Discard, conn)
		cancel()
	})
	return s.ask(ctx, ask, func(item any) error { return tell(conn, item) })
}

// ask lets the host answer.
func (s *Server) ask(ctx context.Context, r Request, tell func(any) error) error {
	if r.Ask == AskBrowse {
		return s.host.Browse(ctx, r.Once, tell)
	}
	ctx, cancel := context.WithTimeout(ctx, timeFor(r))
	defer cancel()
	switch r.Ask {
	case AskStatus:
		return one(tell)(s.host.Status(ctx))
	case AskOutbox:
		list, err := s.host.Outbox(ctx)
		for _, m := range list {
			if err := tell(m); err != nil {
				return err
			}
		}
		return err
	case AskDrop:
		return one(tell)(s.host.Drop(ctx, r.IDs, r.To))
	case AskReload:
		return one(tell)(s.host.Reload(ctx))
	}
	return fmt.Errorf("nothing is known of %q", r.Ask)
}

// timeFor is how long a question may take that comes to an end.
func timeFor(r Request) time.Duration {
	if r.Ask == AskReload {
		return workTimeout
	}
	return askTimeout
}

// one tells the only item of an answer.
func one(tell func(any) error) func(item any, err error) error {
	return func(item any, err error) error {
		if err != nil {
			return err
		}
		return tell(item)
	}
}

func readRequest(conn *net.UnixConn) (r Request, err error) {
	line, err := bufio.NewReader(io.LimitReader(conn, maxRequest)).ReadBytes('\n')
	switch {
	case errors.Is(err, io.EOF):
		return r, fmt.Errorf("a question is one line of at most %d octets", maxRequest)
	case err != nil:
		return r, err
	}
	if r, err = parse(line); err != nil {
		return r, err
	}
	return r, conn.SetReadDeadline(time.Time{})
}

// parse reads the line of a question.
func parse(line []byte) (r Request, err error) {
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("a question is one JSON object: %w", err)
	}
	if r.Version != Version {
		return r, fmt.Errorf("the bridge that runs speaks version %d here and was asked in version %d; restart the service, so that both are the same program", Version, r.Version)
	}
	return r, nil
}

// tell writes an item.
func tell(conn net.Conn, item any) error {
	data, err := json.Marshal(item)
	if err != nil {
		return err
	}
	return say(conn, Reply{Item: data})
}

func say(conn net.Conn, r Reply) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err = conn.Write(append(data, '\n'))
	return err
}
