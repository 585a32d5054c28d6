package bridge

import (
	"context"
	"errors"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/control"
	"meshbridge/bridge/view"
	"meshbridge/linklocal"
)

// What a service answers on its control socket.

var _ control.Host = (*Service)(nil)

// Status tells how everything is.
func (s *Service) Status(ctx context.Context) (control.Status, error) {
	s.mu.Lock()
	g := s.gateway
	in := control.Config{File: s.file, Loaded: s.loaded, Refused: s.refused}
	s.mu.Unlock()
	return g.status(ctx, in)
}

// Outbox lists what is kept.
func (s *Service) Outbox(ctx context.Context) ([]control.Message, error) { return s.now().Outbox(ctx) }

// Drop drops what waits.
func (s *Service) Drop(ctx context.Context, ids []uint64, to string) (control.Dropped, error) {
	return s.now().Drop(ctx, ids, to)
}

// Browse tells of everybody on the LAN.
func (s *Service) Browse(ctx context.Context, once bool, tell func(any) error) error {
	return s.now().browse(ctx, once, tell)
}

func (g *Gateway) browse(ctx context.Context, once bool, tell func(any) error) error {
	lan, err := look(ctx, g, func(g *Gateway) *linklocal.Mesh { return g.lan })
	if err != nil {
		return err
	}
	err = lan.Look(ctx, once, g.objections, func(s linklocal.Sighting) error { return tell(view.EventOf(s)) })
	if errors.Is(err, linklocal.ErrStopped) {
		return errors.New("the bridge has left the LAN, to end or to begin anew; ask again")
	}
	return err
}

// openSocket makes the control socket. Without it the bridge works as well, and nobody
// can ask.
func (s *Service) openSocket() {
	s.mu.Lock()
	c := s.cfg.Control
	s.mu.Unlock()
	s.moveSocket(c)
}

// retireAfter is for the answers under way on a socket that is no more: among them is
// the one to who asked for the reload that ended it.
const retireAfter = 5 * time.Second

// moveSocket makes the control socket where the configuration wants it.
func (s *Service) moveSocket(c config.Control) {
	if old := s.socket; old != nil {
		old.Retire()
		s.socket = nil
		s.retired = append(s.retired, old)
		time.AfterFunc(retireAfter, old.Close)
	}
	if c.Socket == "" {
		return
	}
	socket, err := control.Listen(c.Socket, c.GroupID, s, s.log)
	if err != nil {
		s.log.Warn("nobody can ask this bridge how it is: " + err.Error())
		return
	}
	s.socket = socket
}

func (s *Service) closeSockets() {
	s.socket.Close()
	for _, old := range s.retired {
		old.Close()
	}
}
