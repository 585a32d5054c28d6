//go:build linux

package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A server is a real XMPP server of the office. What it stored is still there
// when it is killed and started again.
type server interface {
	up(t testing.TB)   // starts it and waits until all its ports answer
	kill(t testing.TB) // with -9
	freeze(t testing.TB, d time.Duration)
	cpu(t testing.TB) time.Duration
	said() *journal[line]
}

// A backend raises the server of an office and says how the bridge gets there.
type backend func(t testing.TB, o *office) (server, setup)

// A site says where a server stands and what it offers.
type site struct {
	place    *namespace
	dir      string // for all that it writes
	listen   string // address at which components connect, port 5347
	pem      string // certificate and key of the component port; empty: no TLS
	bare     bool   // TLS without a certificate
	generous bool   // the component may write rosters (ejabberd)
	broken   bool   // and fails when it tries
	kick     string // component_conflict_resolve; empty: as deployed
}

// inSrv is the site of the server that most scenes have: across the cable,
// without TLS.
func (o *office) inSrv() site {
	return site{place: o.srv, dir: filepath.Join(o.dir, "server"), listen: serverWAN}
}

// brands are the servers that the scenes run with.
var brands = []struct {
	name       string
	plain, tls backend
}{
	{"prosody", onProsody, behindStunnel},
	{"ejabberd", onEjabberd, onSecureEjabberd},
}

// deployed reads a file of deploy/ as it is shipped and replaces what an admin
// would: pairs of what stands there and what shall.
func deployed(t testing.TB, file string, pairs ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "deploy", filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for i := 0; i+1 < len(pairs); i += 2 {
		if strings.Count(text, pairs[i]) != 1 {
			t.Fatalf("deploy/%s has %q %d times, want once", file, pairs[i], strings.Count(text, pairs[i]))
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

// shippedSecret stands in the files of deploy where the secret goes.
const shippedSecret = "the line that meshbridge secret printed"

// awaitPorts waits until somebody accepts connections at all addresses of n.
func (n *namespace) awaitPorts(t testing.TB, who string, addresses ...string) {
	t.Helper()
	for _, a := range addresses {
		eventually(t, 20*time.Second, who+"'s port "+a, func() bool { return n.answers(a) })
	}
}

// answers reports whether somebody accepts connections at an address of n.
func (n *namespace) answers(address string) bool {
	return n.do(func() error {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err
	}) == nil
}
