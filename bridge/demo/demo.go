package demo

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"

	"mellium.im/xmpp/jid"

	"meshbridge/bridge"
	"meshbridge/bridge/config"
	"meshbridge/upstream/embedded"
)

// Options say how the demo runs.
type Options struct {
	Verbose   bool         // show the stanzas too
	Stay      bool         // go on after the conversation, until the context ends
	Interface string       // where the mesh is; "" for the loopback interface
	Out       io.Writer    // the transcript
	Log       *slog.Logger // the gateway's log
	Name      string       // what the program is called by, for next steps
}

// The cast. The domains are reserved for examples (RFC 2606).
const (
	host      = "example.org"
	component = "lan.example.org"
	aliceJID  = "alice@example.org"
	machine   = "office"

	// secret is shared between the two ends of a stream inside this process.
	secret = "both ends are in this process"
)

// play is a running demo.
type play struct {
	Options
	out    transcript
	alice  *alice
	juliet *juliet
}

// Run plays the demo. It returns nil when the conversation took place in both
// directions, and with Stay when ctx has ended after it. The error says what did
// not happen, and what to do.
func Run(ctx context.Context, o Options) error {
	var err error
	if o.Interface, err = stage(o.Interface); err != nil {
		return err
	}
	state, err := os.MkdirTemp("", "meshbridge-demo-")
	if err != nil {
		return fmt.Errorf("a folder for the state: %w; set TMPDIR to a folder that you may write to", err)
	}
	defer os.RemoveAll(state)
	server, err := embedded.Listen(embedded.Config{
		Host: host, Components: map[string]string{component: secret}, Log: o.Log,
	})
	if err != nil {
		return fmt.Errorf("the embedded server: %w", err)
	}
	defer server.Close()

	p := &play{Options: o, out: transcript{w: o.Out}}
	p.alice = newAlice(p, server)
	gateway, err := p.newGateway(server.Addr(), state)
	if err != nil {
		return err
	}
	p.juliet, err = newJuliet(p)
	if err != nil {
		return err
	}
	return p.perform(ctx, gateway.Run, p.juliet.mesh.Run)
}

// newGateway returns the very gateway of the verb run.
func (p *play) newGateway(server, state string) (*bridge.Gateway, error) {
	cfg, err := p.config(server, state)
	if err != nil {
		return nil, err
	}
	return bridge.New(cfg, bridge.Options{
		Log: p.Log, Version: "demo",
		Ready: func() { p.out.say("bridge", "authenticated at the server, and on the mesh at %s", p.Interface) },
	})
}

func (p *play) config(server, state string) (config.Config, error) {
	cfg := config.Defaults()
	at, err := net.ResolveTCPAddr("tcp", server)
	if err != nil {
		return cfg, fmt.Errorf("the embedded server's address: %w", err)
	}
	who, err := jid.Parse(aliceJID)
	if err != nil {
		return cfg, err
	}
	cfg.State = state
	cfg.LinkLocal.Interfaces = []string{p.Interface}
	cfg.LinkLocal.Machine = machine
	cfg.Upstream.Target = config.Target{Scheme: "tcp", Host: at.IP.String(), Port: uint16(at.Port)}
	cfg.Upstream.Domain = component
	cfg.Upstream.Secret = config.NewSecret(secret)
	cfg.Colleagues = []config.Colleague{{JID: who, Nick: "Alice"}}
	return cfg, nil
}
