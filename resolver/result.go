package resolver

import (
	"net/netip"
	"time"
)

// Transport says what is spoken at a target.
type Transport string

// The transports of this version.
const (
	DirectTLS Transport = "direct-tls" // XMPP, TLS from the first byte (XEP-0368)
	StartTLS  Transport = "starttls"   // XMPP, TLS after <starttls/> (RFC 6120 section 5)
	XMPP      Transport = "xmpp"       // found under the label _xmpp of RFC 3861
	SIP       Transport = "sip"        // found under the label _sip of RFC 3861 (RFC 5509)
	Component Transport = "component"  // the component port of an XMPP server (XEP-0114)
)

// Target is one place to connect to.
type Target struct {
	Transport Transport
	Address   netip.AddrPort
	Host      string        // the name that led to the address: A-labels, no dot at the end; never to be verified
	TTL       time.Duration // how long the DNS vouches for it
}

// Result is what a resolution found and how. It is filled in as far as it got when
// there is an error, too.
type Result struct {
	Domain  string   // that was asked about, as XMPP writes it: U-labels
	JID     string   // that the URI names; "" when none
	Verify  string   // the one name to verify in TLS: Domain in A-labels (RFC 6120 section 13.7.2)
	Targets []Target // in the order to be tried, every one of them (RFC 3861 section 6)
	Queries []string // in the order asked, as "_im._xmpp.example.com. SRV"
	Trace   Trace
}
