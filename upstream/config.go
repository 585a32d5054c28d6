package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"
)

// DefaultPort is where servers listen for components when nobody said otherwise
// (XEP-0114; both Prosody's and ejabberd's default).
const DefaultPort = 5347

// Target is one place where the server may be reached.
type Target struct {
	Address string      // host:port; without a port, DefaultPort
	TLS     *tls.Config // nil: plaintext. The caller sets ServerName: the configured domain, not what DNS returned
}

// Config says which component this is and where its server is.
type Config struct {
	// Domain is the component's own domain (not the server's). Required.
	Domain string

	// Secret is shared with the server's component entry. Required. It is used
	// byte for byte and appears in no log line and no error.
	Secret string

	// Targets yields the servers in the order to be tried. It is called at each
	// reconnect, so that what moves in the DNS is found again; the whole list is
	// walked. Required.
	Targets func(ctx context.Context) ([]Target, error)

	// InsecurePlaintext allows a plaintext stream to an address that is not
	// loopback.
	InsecurePlaintext bool

	// Dial opens connections; nil means a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// MaxStanza is the largest stanza sent or taken, in bytes as written;
	// 0 means 256 KiB.
	MaxStanza int

	// ShutdownSpread is the upper end of the random wait before reconnecting
	// after system-shutdown; 0 means 10 s.
	ShutdownSpread time.Duration

	// Random yields numbers from 0 to 1 for the waits between attempts; nil
	// means math/rand.
	Random func() float64

	// Count is told each time a stanza from the server is dropped, with the ID
	// of the rule it broke: INJ-31 or INJ-32. Nil means nobody counts.
	Count func(rule string)

	// Log is where the link tells of its state; nil means nowhere.
	Log *slog.Logger
}

// String returns the domain only, so that a Config printed by accident does not
// print its secret.
func (c Config) String() string { return fmt.Sprintf("upstream.Config{Domain: %q}", c.Domain) }

// GoString is String.
func (c Config) GoString() string { return c.String() }

// LogValue is String, for log/slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// withDefaults returns c with every optional field filled in.
func (c Config) withDefaults() Config {
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.MaxStanza == 0 {
		c.MaxStanza = maxStanza
	}
	if c.ShutdownSpread == 0 {
		c.ShutdownSpread = shutdownSpread
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.Count == nil {
		c.Count = func(string) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Secret == "":
		return errors.New("the component secret is empty: put the one from the server's component entry into secret_file")
	case c.Targets == nil:
		return errors.New("upstream.Config.Targets is nil: say where the server is")
	case c.MaxStanza < 0:
		return fmt.Errorf("the largest stanza is %d bytes: give a positive number, or leave it out for %d", c.MaxStanza, maxStanza)
	}
	return nil
}
