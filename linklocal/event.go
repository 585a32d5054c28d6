package linklocal

import "meshbridge/internal/stanza"

// Event is what the mesh tells: [PeerChanged], [PeerGone], [Received], [Delivered],
// [Returned], [StreamOpened], [Disclosed], [Recognised], [Contested], [ProxyChanged],
// [AvatarFetched] or [Listening].
type Event interface{ event() }

// Peer is a person on the mesh as DNS-SD shows them.
type Peer struct {
	Instance   string // as the peer writes it
	Host       string // SRV target without .local, "" while unknown
	Interfaces []string
	Profile    Profile
}

// PeerChanged tells that a peer came, or that what it says of itself changed. It is
// told once more without a change when what was held back for the peer may go.
type PeerChanged struct{ Peer Peer }

// PeerGone tells that a peer left, after the departure delay.
type PeerGone struct {
	Instance string
	Why      string // in words why it was taken for gone; "" when it said goodbye or its records expired
}

// Received is a stanza that a bound peer sent to a proxy instance. From and To are
// as the peer wrote them and must not be copied anywhere: Peer and Proxy say who
// and to whom.
type Received struct {
	Peer    string   // instance that the stream is bound to
	Proxy   string   // key of the addressed proxy
	Machine *Machine // where the stream leads to; not to be changed
	Stanza  stanza.Stanza
}

// Delivered tells that a message has reached its peer's machine.
type Delivered struct{ Token uint64 }

// Returned gives messages back, in the order in which they were sent: none of them
// is known to have arrived. They may be sent again, with ErrHeld once the peer is
// told of anew.
type Returned struct {
	Proxy, Peer string // key and folded instance
	Tokens      []uint64
	Err         error
	Machine     *Machine // with ErrHeld, who has the instance now; not to be changed
}

// StreamOpened tells that a proxy and a peer have a stream, or another one: it may be
// another program that reads it now.
type StreamOpened struct{ Proxy, Peer string } // key and instance

// Disclosed tells what a peer says that it can, in the features of a stream that we
// opened (XEP-0174 section 10). It is as good as the hash in its record.
type Disclosed struct {
	Peer  string          // instance
	Query *stanza.Element // answer to disco#info; not to be changed
}

// Recognised tells who holds an instance, when that is news: another machine, or the
// same one at another place. It is for [Mesh.Know] in the next run.
type Recognised struct {
	Peer    string // instance
	Machine Machine
}

// Contested tells that a second machine claims an instance while its holder may still
// be there (INJ-24). The claimant gets nothing that is meant for the holder. It is over
// with [Recognised] or [PeerGone].
type Contested struct {
	Peer             string // instance
	Holder, Claimant Machine
}

// ProxyChanged tells how publishing a proxy goes.
type ProxyChanged struct {
	Proxy     string // key
	Instance  string // its name now, after renames
	Announced bool   // false: on the way, or given up when Err is set
	Err       error
}

// AvatarFetched tells what came of [Mesh.FetchAvatar].
type AvatarFetched struct {
	Hash   string
	Avatar string // the octets that have this hash; "" when they were not to be had
}

// Listening tells that the mesh is on at least one link and at which port.
type Listening struct{ Port uint16 }

func (PeerChanged) event()   {}
func (PeerGone) event()      {}
func (Received) event()      {}
func (Delivered) event()     {}
func (Returned) event()      {}
func (StreamOpened) event()  {}
func (Disclosed) event()     {}
func (Recognised) event()    {}
func (Contested) event()     {}
func (ProxyChanged) event()  {}
func (AvatarFetched) event() {}
func (Listening) event()     {}
