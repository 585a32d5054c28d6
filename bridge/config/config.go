package config

import (
	"crypto/x509"
	"log/slog"
	"net/netip"
	"time"

	"mellium.im/xmpp/jid"
)

// Config is a whole, checked configuration. The zero value is not usable; the
// ways to get one are [Load], [Parse] and [Defaults].
type Config struct {
	// State is the absolute or working-folder-relative path of the state folder.
	State string
	Log   Log

	LinkLocal  LinkLocal
	Upstream   Upstream
	Resolver   Resolver
	Colleagues []Colleague // in the order of the file, no two with the same JID
	Access     Access
	Privacy    Privacy
	Outbox     Outbox
	Limits     Limits
	Control    Control
}

// Log says how much is logged.
type Log struct {
	Level slog.Level // the lowest level that is written
}

// LinkLocal is the side of the LAN (XEP-0174).
type LinkLocal struct {
	Interfaces []string // names of network interfaces, at least one, no duplicates
	Machine    string   // lower-case LDH label, 1 to 32 octets; colleagues appear as NAME@Machine
	Port       uint16   // TCP port of all proxy instances; 0 takes 5298 if it is free, else any free one
	ShowAwayAs Away     // how a colleague's "away" is shown on the LAN

	DepartureDelay time.Duration // 1 s to 60 s: an absence shorter than this is none

	AcceptAnonymousHeader bool // INJ-6: bind by source address alone when a stream names nobody
	LenientFrom           bool // INJ-5: strip a resource from a peer's from instead of refusing it
	AllowLowPorts         bool // INJ-22: dial peers on ports below 1024
	LegacyTXTPort         bool // AMB-3: publish port.p2pj, which old clients want
	GlobalIPv6            bool // LL-11.1-7: publish ULA and global IPv6 addresses beside link-local ones
}

// Away is how a colleague's away is shown in the TXT record.
type Away string

// The two ways to show away.
const (
	AwayAsAway Away = "away" // as XEP-0174 says
	AwayAsDND  Away = "dnd"  // for clients that show only dnd as away (Pidgin)
)

// Upstream is the side of the XMPP server (XEP-0114).
type Upstream struct {
	Target        Target // where the server's component port is
	ComponentPort uint16 // 1 to 65535: the port at the hosts that xmpp:, im: and pres: lead to
	Domain        string // the component's domain as RFC 7622 normalises it; peers live under it

	SecretFile string // as resolved against the config file's folder; "" when SecretEnv is used
	SecretEnv  string // name of an environment variable; "" when SecretFile is used
	Secret     Secret // what Load read from either; empty after Parse

	InsecurePlaintext bool // SEC-5: plaintext beyond loopback is wanted

	TLSCAFile string         // PEM file of an extra trust root, resolved; "" for none
	TLSRoots  *x509.CertPool // the system's roots and those of TLSCAFile; nil for the system's alone
	TLSPin    []byte         // SHA-256 of the server key's SubjectPublicKeyInfo; nil for no pin

	MaxStanza     int           // bytes: the largest stanza taken from the server
	WithdrawAfter time.Duration // COMP-12: colleagues leave the LAN when the server is away this long
}

// Resolver is how the DNS is asked.
type Resolver struct {
	Servers []netip.AddrPort // at most 3, no two alike; none for those of the system
}

// Colleague is one remote user whom the admin listed.
type Colleague struct {
	JID  jid.JID // bare, with a local part, never in Upstream.Domain (INJ-10)
	Nick string  // at most 250 octets; "" when none was given

	Introduce Introduce // how people of the LAN get into their contacts (GW-25)
}

// Introduce is how the people on the LAN get into a colleague's contacts.
type Introduce string

// The ways to get there.
const (
	IntroduceRoster Introduce = "roster" // the server is asked to list them, where it lets us; else the colleague finds them
	IntroduceAsk    Introduce = "ask"    // each of them asks once to be added
	IntroduceOff    Introduce = "off"    // the colleague finds them
)

// Access is who may cross beyond the listed colleagues.
type Access struct {
	Mesh    Mesh     // what the mesh side has to prove
	Domains []string // normalised; users of these may subscribe to peers
	Admins  []string // bare JIDs, normalised, no two alike: who may approve peers and command the gateway (GW-20)

	WarnUnencrypted bool // SEC-3: both sides are told once that the LAN's side is not encrypted
}

// Mesh is how much a peer on the LAN has to prove before its stanzas cross.
type Mesh string

// The levels. Each asks for what stands before it as well.
const (
	Bound    Mesh = "bound"    // the stream's identity fits the advertised records and the source address
	Approved Mesh = "approved" // an admin or the colleague said yes once
	Linked   Mesh = "linked"   // the peer proved that it owns an XMPP account (INJ-27)
)

// Outbox bounds what is kept until it is delivered.
type Outbox struct {
	Durability   Durability    // whether what is kept survives a crash
	PerRecipient int           // messages kept for one recipient
	Total        int           // messages kept in all
	Bytes        int64         // bytes kept in all
	MaxAge       time.Duration // what is older goes back to its sender as an error
}

// Durability is where kept messages are.
type Durability string

// The places.
const (
	Disk   Durability = "disk"   // on disk after 50 ms at most; a crash loses what was not there yet
	Memory Durability = "memory" // in memory alone, to spare a router's flash; a restart loses them
)

// Limits bounds what people on the LAN may take (docs/limits.md).
type Limits struct {
	PeerRate          int // stanzas a second of one peer in the long run (INJ-19)
	PeerBurst         int // stanzas of one peer at once
	TotalRate         int // stanzas a second of all peers together; at least PeerRate
	StreamsPerAddress int // connections from one address (LL-STR-25)
	Streams           int // connections in all, as far as file descriptors suffice
}

// Defaults is the configuration of a file that sets no key. What is required
// (linklocal.interfaces, upstream.uri, upstream.domain and the secret) is empty.
func Defaults() Config {
	return Config{
		State: "/var/lib/meshbridge",
		Log:   Log{Level: slog.LevelInfo},
		LinkLocal: LinkLocal{
			Machine:        "office",
			ShowAwayAs:     AwayAsAway,
			DepartureDelay: 2 * time.Second,
			LegacyTXTPort:  true,
		},
		Upstream: Upstream{
			ComponentPort: defaultComponentPort,
			MaxStanza:     256 << 10,
			WithdrawAfter: 15 * time.Minute,
		},
		Access:  Access{Mesh: Bound, WarnUnencrypted: true},
		Privacy: defaultPrivacy(),
		Outbox: Outbox{
			Durability:   Disk,
			PerRecipient: 200,
			Total:        2000,
			Bytes:        8 << 20,
			MaxAge:       168 * time.Hour,
		},
		Limits:  Limits{PeerRate: 50, PeerBurst: 200, TotalRate: 500, StreamsPerAddress: 128, Streams: 512},
		Control: defaultControl(),
	}
}
