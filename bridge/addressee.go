package bridge

import "meshbridge/bridge/address"

// reader reads addresses on stanzas of the server. Preparing an address as RFC 7622
// wants it is most of the work that a message makes, and the same few write to the
// same few: what was read a while ago is looked up.
type reader struct {
	senders    map[string]string
	recipients map[string]addressee
}

// addressee is what an address of ours says of itself.
type addressee struct {
	legal    bool // it is a JID
	bare     bool // without a local part: the gateway
	possible bool // its local part may be a peer's
	proxy    address.Proxy
}

// Bounds of a reader. Who writes with ever new addresses only costs us their reading.
const (
	maxRead     = 2048 // addresses kept of each kind; then it begins anew
	maxReadSize = 256  // octets of one that is kept
)

func newReader() *reader {
	return &reader{senders: map[string]string{}, recipients: map[string]addressee{}}
}

// sender returns the bare JID of a sender, "" when it is none.
func (r *reader) sender(from string) string {
	if bare, known := r.senders[from]; known {
		return bare
	}
	bare := ""
	if j, err := address.Parse(from); err == nil {
		bare = j.Bare().String()
	}
	keep(r.senders, from, bare)
	return bare
}

// recipient returns what the address of a recipient stands for.
func (r *reader) recipient(to string) addressee {
	if a, known := r.recipients[to]; known {
		return a
	}
	a := addressee{}
	if j, err := address.Parse(to); err == nil {
		a.legal, a.bare = true, j.Localpart() == ""
		a.proxy, a.possible = address.ParseProxy(j.Localpart())
	}
	keep(r.recipients, to, a)
	return a
}

func keep[V any](m map[string]V, key string, v V) {
	if len(key) > maxReadSize {
		return
	}
	if len(m) >= maxRead {
		clear(m)
	}
	m[key] = v
}
