package config

import "meshbridge/resolver/uri"

// check judges what only shows when all keys are known. A value that has a
// problem of its own is not judged again.
func (c *Config) check(r *report) {
	for _, later := range r.last {
		later()
	}
	c.Upstream.checkSecret(r)
	c.Upstream.checkLink(r)
	c.Outbox.check(r, c.Upstream.MaxStanza)
	c.Limits.check(r)
}

func (u *Upstream) checkSecret(r *report) {
	_, file := r.at["upstream.secret_file"]
	_, env := r.at["upstream.secret_env"]
	switch {
	case file && env:
		r.fail("upstream.secret_env", "is set beside secret_file", "keep one of the two")
	case r.bad[""] || r.bad["upstream"] || r.bad["upstream.secret_file"]:
	case u.SecretFile == "" && !env:
		r.missing("upstream.secret_file", "secret_file: /etc/meshbridge/secret")
	}
}

// checkLink holds SEC-5 as far as the text shows it: an address of another
// host needs TLS or the typed danger. Names are judged when they are dialled.
func (u *Upstream) checkLink(r *report) {
	if r.bad["upstream.uri"] {
		return
	}
	_, literal := u.Target.Addr()
	plain := u.Target.Scheme == "tcp"
	if plain && literal && !u.Target.Loopback() && !u.InsecurePlaintext && !r.bad["upstream.insecure_plaintext"] {
		r.fail("upstream.uri", u.Target.String()+" would carry the secret and all messages in plain text to another host", threeForms)
	}
	if u.ComponentPort != defaultComponentPort && (u.Target.Literal() || u.Target.Scheme == uri.SRV) {
		where := "upstream.uri"
		if u.Target.Scheme == uri.SRV {
			where = "the SRV records"
		}
		r.fail("upstream.component_port", "has no effect on a "+u.Target.Scheme+": server", "write the port in "+where+", or remove component_port")
	}
	if plain && u.TLSPin != nil {
		r.fail("upstream.tls_pin", "has no effect on a tcp:// server", "write tls:// in upstream.uri, or remove tls_pin")
	}
	if plain && u.TLSCAFile != "" {
		r.fail("upstream.tls_ca_file", "has no effect on a tcp:// server", "write tls:// in upstream.uri, or remove tls_ca_file")
	}
}

func (o *Outbox) check(r *report, maxStanza int) {
	if o.Total < o.PerRecipient {
		r.fail("outbox.total", itoa(o.Total)+" is less than per_recipient ("+itoa(o.PerRecipient)+")",
			"raise total, or lower per_recipient")
	}
	if o.Bytes < int64(maxStanza) {
		r.fail("outbox.bytes", bytesText(o.Bytes)+" is less than one message may have (upstream.max_stanza)",
			"raise bytes, or lower upstream.max_stanza")
	}
}

func (l *Limits) check(r *report) {
	if l.TotalRate < l.PeerRate {
		r.fail("limits.total_rate", itoa(l.TotalRate)+" is less than peer_rate ("+itoa(l.PeerRate)+")",
			"raise total_rate, or lower peer_rate")
	}
}
