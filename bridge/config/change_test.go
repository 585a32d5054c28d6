package config

import (
	"crypto/x509"
	"testing"
	"time"

	"mellium.im/xmpp/jid"
)

func TestChangeTo(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   Change
	}{
		{"nothing", func(*Config) {}, Change{}},
		{"interfaces in another order", func(c *Config) { c.LinkLocal.Interfaces = []string{"wlan0", "br-lan"} }, Change{}},
		{"colleagues", func(c *Config) { c.Colleagues = []Colleague{{JID: jid.MustParse("a@b")}} }, Change{}},
		{"what is live", func(c *Config) {
			c.Log.Level++
			c.LinkLocal.ShowAwayAs, c.Upstream.WithdrawAfter = AwayAsDND, time.Hour
			c.Access.Domains, c.Privacy.Show, c.Limits.Streams = []string{"x"}, nil, 99
			c.Outbox.Total, c.Resolver.Servers = 5, nil
		}, Change{}},
		{"another interface", func(c *Config) { c.LinkLocal.Interfaces = []string{"br-lan"} }, Change{Mesh: true}},
		{"machine", func(c *Config) { c.LinkLocal.Machine = "attic" }, Change{Mesh: true}},
		{"port", func(c *Config) { c.LinkLocal.Port = 5 }, Change{Mesh: true}},
		{"lenient_from", func(c *Config) { c.LinkLocal.LenientFrom = true }, Change{Mesh: true}},
		{"where the server is", func(c *Config) { c.Upstream.Target.Port++ }, Change{Upstream: true}},
		{"secret", func(c *Config) { c.Upstream.Secret = NewSecret("x") }, Change{Upstream: true}},
		{"pin", func(c *Config) { c.Upstream.TLSPin = []byte{1} }, Change{Upstream: true}},
		{"trust", func(c *Config) { c.Upstream.TLSRoots = x509.NewCertPool() }, Change{Upstream: true}},
		{"max_stanza", func(c *Config) { c.Upstream.MaxStanza++ }, Change{Upstream: true}},
		{"domain", func(c *Config) { c.Upstream.Domain = "other" }, Change{Program: true, Upstream: true}},
		{"state", func(c *Config) { c.State = "other" }, Change{Program: true}},
		{"durability", func(c *Config) { c.Outbox.Durability = Memory }, Change{Program: true}},
		{"socket", func(c *Config) { c.Control.Socket = "" }, Change{Control: true}},
	} {
		was := Defaults()
		was.LinkLocal.Interfaces = []string{"br-lan", "wlan0"}
		next := was
		c.change(&next)
		if got := was.ChangeTo(next); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
