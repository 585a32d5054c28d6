package config

import (
	"bytes"
	"reflect"
	"slices"
)

// Change says what of a running bridge has to begin anew for another configuration.
// What is in none of its fields can be changed while everything goes on.
type Change struct {
	Program  bool // everything: addresses, or what is remembered, are others
	Upstream bool // the connection to the server
	Mesh     bool // streams and instances on the LAN
	Control  bool // the control socket
}

// ChangeTo compares a configuration with the next.
func (c Config) ChangeTo(next Config) Change {
	return Change{
		Program:  c.State != next.State || c.Upstream.Domain != next.Upstream.Domain || c.Outbox.Durability != next.Outbox.Durability,
		Upstream: !c.Upstream.connectsLike(next.Upstream),
		Mesh:     !c.LinkLocal.looksLike(next.LinkLocal),
		Control:  c.Control != next.Control,
	}
}

// connectsLike compares what a connection depends on.
func (u Upstream) connectsLike(o Upstream) bool {
	same := u.Target == o.Target && u.ComponentPort == o.ComponentPort && u.Domain == o.Domain &&
		u.Secret.Equal(o.Secret) && u.InsecurePlaintext == o.InsecurePlaintext && u.MaxStanza == o.MaxStanza
	return same && bytes.Equal(u.TLSPin, o.TLSPin) && u.TLSRoots.Equal(o.TLSRoots)
}

// looksLike compares what streams and instances depend on.
func (l LinkLocal) looksLike(o LinkLocal) bool {
	l.ShowAwayAs = o.ShowAwayAs
	l.Interfaces, o.Interfaces = slices.Sorted(slices.Values(l.Interfaces)), slices.Sorted(slices.Values(o.Interfaces))
	return reflect.DeepEqual(l, o)
}
