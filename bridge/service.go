package bridge

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/control"
)

// Service is a gateway that can be given another configuration while it runs, and be
// asked how it is.
type Service struct {
	file string
	load func() (config.Config, error)
	opts ServiceOptions
	log  *slog.Logger
	asks chan reloading

	mu      sync.Mutex
	gateway *Gateway      // guarded by mu
	cfg     config.Config // in force; guarded by mu
	loaded  time.Time     // guarded by mu
	refused string        // why the last reload was; guarded by mu
	ready   bool          // of the gateway; guarded by mu

	socket  *control.Server // of the goroutine of Run, and so is
	retired []*control.Server
	former  *config.Config // to go back to when a new gateway does not come up
}

// ServiceOptions are what a service needs beside what its gateways do.
type ServiceOptions struct {
	Options
	SetLevel  func(slog.Level) // changes how much is logged; may be nil
	Reloading func()           // called when a reload begins; may be nil
	Reloaded  func()           // and when it is over, however it went; may be nil
}

// reloading is a wish to reload.
type reloading struct {
	ctx    context.Context
	answer chan reloaded // has room for one
}

type reloaded struct {
	control.Reloaded
	err error
}

// NewService returns a service for a checked configuration, which load reads anew from
// file. As [New], it opens the store.
func NewService(file string, cfg config.Config, load func() (config.Config, error), opts ServiceOptions) (*Service, error) {
	s := &Service{file: file, load: load, opts: opts, log: opts.Log, asks: make(chan reloading)}
	if s.log == nil {
		s.log = slog.Default()
	}
	return s, s.succeed(cfg)
}

// succeed makes the gateway that runs from now on.
func (s *Service) succeed(cfg config.Config) error {
	opts := s.opts.Options
	opts.Ready = s.isReady
	opts.Undone = s.undone
	g, err := New(cfg, opts)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateway, s.ready = g, false
	s.inForce(cfg)
	return nil
}

// inForce notes which configuration is. The caller holds mu.
func (s *Service) inForce(cfg config.Config) {
	s.cfg, s.loaded, s.refused = cfg, time.Now(), ""
	if s.opts.SetLevel != nil {
		s.opts.SetLevel(cfg.Log.Level)
	}
}

// isReady takes in that the gateway works.
func (s *Service) isReady() {
	s.mu.Lock()
	s.ready = true
	s.mu.Unlock()
	if s.opts.Ready != nil {
		s.opts.Ready()
	}
}

// undone takes in that the gateway went back to the configuration before.
func (s *Service) undone(former config.Config, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inForce(former)
	s.refused = why.Error()
}

// now returns the gateway that runs.
func (s *Service) now() *Gateway {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gateway
}

// Run bridges until ctx ends, as [Gateway.Run] does. It may be called once.
func (s *Service) Run(ctx context.Context) error {
	s.openSocket()
	defer s.closeSockets()
	for {
		next, err := s.reign(ctx)
		if next == nil {
			return err
		}
		if err := s.install(*next); err != nil {
			return err
		}
	}
}

// reign runs one gateway. It returns the configuration of the next one, or nil when
// the program is to end.
func (s *Service) reign(ctx context.Context) (next *config.Config, err error) {
	runs, stop := context.WithCancel(ctx)
	defer stop()
	g, done := s.now(), make(chan error, 1)
	go func() { done <- g.Run(runs) }()
	for {
		select {
		case err := <-done:
			return s.fallen(ctx, err), err
		case ask := <-s.asks:
			if next := s.reload(ask, g); next != nil {
				stop()
				if err := <-done; err != nil {
					s.log.Error("the former gateway did not end well", "error", err)
				}
				return next, nil
			}
		}
	}
}

// fallen returns what to go back to when a gateway failed that a reload has brought up
// and that was never ready.
func (s *Service) fallen(ctx context.Context, err error) *config.Config {
	former := s.former
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil || ctx.Err() != nil || former == nil || s.ready {
		return nil
	}
	s.refused = err.Error()
	return former
}

// install brings a gateway up, or the one before when that cannot be.
func (s *Service) install(next config.Config) error {
	s.mu.Lock()
	before, refused := s.cfg, s.refused
	s.mu.Unlock()
	err := s.succeed(next)
	if err != nil {
		s.log.Error("the new configuration does not come up; the former one is in force again. Mend the file and reload", "error", err)
		refused = err.Error()
		if err := s.succeed(before); err != nil {
			return err
		}
	}
	s.former = nil
	if refused == "" {
		s.former = &before
	}
	s.mu.Lock()
	s.refused = refused
	s.mu.Unlock()
	return nil
}

// Reload reads the configuration anew and puts it in force: as a whole, or not at all,
// and then the error says why. It waits until that is done.
func (s *Service) Reload(ctx context.Context) (control.Reloaded, error) {
	ask := reloading{ctx, make(chan reloaded, 1)}
	select {
	case s.asks <- ask:
	case <-ctx.Done():
		return control.Reloaded{}, tooBusy(ctx)
	}
	select {
	case r := <-ask.answer:
		return r.Reloaded, r.err
	case <-ctx.Done():
		return control.Reloaded{}, tooBusy(ctx)
	}
}

// reload carries a reload out. It returns a configuration that needs another gateway.
func (s *Service) reload(ask reloading, g *Gateway) (next *config.Config) {
	s.tell(s.opts.Reloading)
	defer s.tell(s.opts.Reloaded)
	cfg, err := s.load()
	if err != nil {
		ask.answer <- reloaded{err: s.refuse(err)}
		return nil
	}
	s.mu.Lock()
	what := s.cfg.ChangeTo(cfg)
	s.mu.Unlock()
	out := reloaded{Reloaded: control.Reloaded{Restarted: []string{}}}
	if what.Program {
		out.Restarted = append(out.Restarted, "all")
		next = &cfg
		s.mu.Lock()
		s.refused = ""
		s.mu.Unlock()
	} else {
		restarted, err := g.Change(context.Background(), cfg)
		if err != nil {
			ask.answer <- reloaded{err: s.refuse(err)}
			return nil
		}
		out.Restarted = append(out.Restarted, restarted...)
		s.mu.Lock()
		s.inForce(cfg)
		s.mu.Unlock()
	}
	if what.Control {
		out.Restarted = append(out.Restarted, "control")
		s.moveSocket(cfg.Control)
	}
	for _, warning := range cfg.Warnings() {
		s.log.Warn(warning)
	}
	s.log.Info("reloaded", "colleagues", len(cfg.Colleagues), "restarted", strings.Join(out.Restarted, ","))
	ask.answer <- out
	return next
}

// refuse keeps why a reload cannot be, and tells the log.
func (s *Service) refuse(err error) error {
	s.mu.Lock()
	s.refused = err.Error()
	s.mu.Unlock()
	for line := range strings.Lines(err.Error()) {
		s.log.Error("reload refused: " + strings.TrimSuffix(line, "\n"))
	}
	s.log.Warn("the configuration that was in force still is; mend the file and reload")
	return errors.New("reload refused, the former configuration stays in force: " + err.Error())
}

// tell calls a hook of the program, once the service is ready: before that a service
// manager waits for something else.
func (s *Service) tell(hook func()) {
	s.mu.Lock()
	ready := s.ready
	s.mu.Unlock()
	if ready && hook != nil {
		hook()
	}
}
