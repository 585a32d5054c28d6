//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Three servers of example.org, in the order of their priorities: one whose host
// is up and whose port is closed, one that is killed, and one that takes over.
const (
	spareWAN  = "10.77.3.2"
	closedWAN = "10.77.3.9"
	threeSRV  = `
_xmpp-client._tcp.example.org. 60 IN SRV 30 0 5222 three.example.org.
_xmpp-client._tcp.example.org. 60 IN SRV 10 0 5222 one.example.org.
_xmpp-client._tcp.example.org. 60 IN SRV 20 0 5222 two.example.org.
one.example.org.   60 IN A ` + closedWAN + `
two.example.org.   60 IN A ` + serverWAN + `
three.example.org. 60 IN A ` + spareWAN + `
`
)

// A failover is a scene whose server has a spare.
type failover struct {
	*scene
	names *nameserver
	spare *prosody
}

// TestFailover kills the server in mid-chat; the next one of the SRV records has
// the same people.
func TestFailover(t *testing.T) {
	f := &failover{}
	f.scene = newScene(t, onlyV4, racing, f.raise)
	t.Run("COMP-9 RES-6120-1 RES-6120-6 the servers are found by SRV, and the second one takes us", f.testFound)
	t.Run("COMP-8 COMP-9 COMP-14 the third takes over, and nothing is lost", f.testTakeover)
}

// raise starts the second server and the third.
func (f *failover) raise(t testing.TB, o *office) (server, setup) {
	t.Helper()
	pem := o.authority(t).issue(t, "example.org")
	spare := newNamespace(t, o.number, "spare")
	connect(t, o.router, "wan2", spare, "eth0")
	o.router.ip(t, "addr", "add", "10.77.3.1/24", "dev", "wan2")
	for _, address := range []string{spareWAN, closedWAN} {
		spare.ip(t, "addr", "add", address+"/24", "dev", "eth0")
	}
	f.names = o.router.asks(t, threeSRV)
	o.newStunnel(t, o.srv, serverWAN, pem)
	o.newStunnel(t, spare, spareWAN, pem)
	second, third := o.inSrv(), site{place: spare, dir: filepath.Join(o.dir, "spare")}
	second.listen, third.listen = "127.0.0.1", "127.0.0.1"
	f.spare = o.newProsody(t, third)
	way := ordinary
	way.upstream = fmt.Sprintf("  uri: xmpp:example.org\n  tls_ca_file: %s\n", o.authority(t).file)
	return o.newProsody(t, second), way
}

func (f *failover) testFound(t *testing.T) {
	if count(f.names.asked.all(), func(q dns.Question) bool {
		return q.Qtype == dns.TypeSRV && dns.CanonicalName(q.Name) == "_xmpp-client._tcp.example.org."
	}) == 0 {
		t.Errorf("nobody asked for the SRV records: %v", f.names.asked.all())
	}
	log := f.bridge.lines.start()
	log.await(t, soon, "the first refuses", has("not connected", closedWAN))
	log.await(t, soon, "the second takes us", has("msg=authenticated", serverWAN))
	f.bothTalk(t, "by SRV")
}

// testTakeover has Juliet write all the time, kills the server while she does,
// and has Alice come back on the spare.
func (f *failover) testTakeover(t *testing.T) {
	const n, last = 60, 20 // of Juliet's messages; what she typed before the kill
	first, log := f.alice, f.bridge.lines.now()
	seen, asked := len(first.received(julietJID)), f.names.asked.now()
	f.mirror(t)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var killed time.Time
	for i := range n {
		if i == last {
			f.server.kill(t)
			killed = time.Now()
		}
		f.juliet.send(t, aliceInstance, numbered("live", i, "of many"))
		if i < last || i > last+10 { // right after the kill she does not pause
			<-tick.C
		}
	}
	back := log.await(t, later, "the third takes us", has("msg=authenticated", spareWAN))
	t.Logf("MEASURED failover: server killed to authenticated at the next: %v", back.at.Sub(killed))
	f.alice = f.loginAt(t, f.spare.site.place, "alice")
	f.alices = append(f.alices, f.alice)
	f.alice.events.start().await(t, later, "the last message", body(julietJID, numbered("live", n-1, "of many")))
	if count(asked.rest(), func(q dns.Question) bool { return q.Qtype == dns.TypeSRV }) == 0 {
		t.Error("COMP-9: the SRV records were not asked for again")
	}
	f.alice.events.start().await(t, soon, "Juliet's presence", presence(julietJID, ""))
	f.bothTalk(t, "on the third")
	compareSessions(t, first.received(julietJID)[seen:], f.alice, "live", n)
}

// mirror gives the spare what the server knows, as a cluster would.
func (f *failover) mirror(t *testing.T) {
	t.Helper()
	to := filepath.Join(f.spare.site.dir, "data")
	if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(filepath.Join(f.inSrv().dir, "data")))); err != nil {
		t.Fatal(err)
	}
}
