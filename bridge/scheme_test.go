package bridge

import (
	"strings"
	"testing"

	"meshbridge/bridge/config"
)

func TestNoSchemeOnTheWire(t *testing.T) {
	const file = "linklocal: {interfaces: [eth0]}\nupstream: {uri: 'tcp://127.0.0.1', domain: lan.example.org, secret_file: x}\n" +
		"colleagues: [{uri: 'XMPP:Alice@Example.org?message;subject=x#y', nick: Alice}]\n"
	scene(t, "RES-5122-4 RES-5122-3 a colleague's URI is a bare JID on the wire", func(o *office) {
		o.together()
		greeted := false
		for _, s := range o.upstreamSaw() {
			greeted = greeted || s.To == aliceJID
			if strings.Contains(s.From+s.To, ":") {
				o.Errorf("from %q to %q", s.From, s.To)
			}
		}
		if !greeted {
			o.Error("nothing was sent to her")
		}
	}, func(o *office) {
		cfg, err := config.Parse("bridge.yaml", []byte(file))
		o.must(err)
		o.cfg.Colleagues = cfg.Colleagues
	})
}
