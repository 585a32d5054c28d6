package linklocal

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"meshbridge/linklocal/mdns"
)

// bare is a mesh without multicast DNS: its tables are as a test fills them, and
// nobody's address can be looked up. handle is called on its goroutine.
func bare(handle func(Event), change func(*Config)) (m *Mesh, stop func()) {
	cfg := Config{
		Interfaces: []string{"eth0"}, Machine: "bridge", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Handle: handle, hardware: func(netip.Addr) string { return "" }, stir: func(netip.Addr) {},
	}
	change(&cfg)
	m, err := New(cfg)
	if err != nil {
		panic(err)
	}
	m.ctx, m.stop = context.WithCancel(context.Background())
	p := &proxy{Proxy: Proxy{Key: "nurse"}, instance: "nurse@bridge", announced: time.Now()}
	m.proxies["nurse"], m.own["nurse@bridge"] = p, p
	m.peers["juliet@pronto"] = &peer{
		instance: "juliet@pronto", links: map[int]mdns.Event{1: {Instance: "juliet@pronto", Interface: bareLink()}},
	}
	quit := make(chan struct{})
	go func() {
		for {
			select {
			case fn := <-m.requests:
				fn()
			case <-m.commands.ready:
				for _, fn := range m.commands.take() {
					fn()
				}
			case <-quit:
				close(m.stopped)
				return
			}
		}
	}()
	return m, func() {
		m.stop()
		m.handlers.Wait()
		close(quit)
		<-m.stopped
	}
}

func bareLink() mdns.Interface { return link(1, "10.2.1.1/24") }

// bound makes s a stream of Juliet's to the nurse.
func (m *Mesh) bound(s *stream) *stream {
	s.instance, s.proxy, s.self = "juliet@pronto", "nurse", "nurse@bridge"
	s.host = mdns.Endpoint{Host: "pronto", Port: 5298, Addrs: []netip.Addr{s.remote}}
	s.mayWrite()
	return s
}
