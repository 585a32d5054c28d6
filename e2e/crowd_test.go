//go:build linux

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
)

// A crowd is one more machine on the LAN that plays a whole office of people, each with an
// address of its own. CROWD_SIZE people come, 2000 by default; who wants to know how calm
// the program is afterwards says for how long it is watched in CROWD_IDLE, such as 10m.
const (
	crowdSize    = 2000
	crowdNet     = "/16"
	crowdRouter  = "10.78.0.1"
	crowdFirst   = "10.78.1.0"
	crowdArrival = 10 * time.Second
)

// crowdSocket lets a crowd speak through a real socket.
type crowdSocket struct {
	*ipv4.PacketConn
	router netip.Addr
	heard  atomic.Int64 // packets from the router
}

// Families, Join, Leave, Send and Receive implement mdns.Conn.
func (s *crowdSocket) Families() []mdns.Family { return []mdns.Family{mdns.IPv4} }

func (s *crowdSocket) Join(i mdns.Interface, _ mdns.Family) error {
	return s.JoinGroup(&net.Interface{Index: i.Index}, &net.UDPAddr{IP: mdns.IPv4.Group().AsSlice()})
}

func (s *crowdSocket) Leave(mdns.Interface, mdns.Family) error { return nil }

func (s *crowdSocket) Send(p mdns.Packet, src netip.Addr) error {
	_, err := s.WriteTo(p.Data, &ipv4.ControlMessage{Src: src.AsSlice(), IfIndex: p.IfIndex}, net.UDPAddrFromAddrPort(p.Dst))
	return err
}

func (s *crowdSocket) Receive(mdns.Family) (mdns.Packet, error) {
	buf := make([]byte, 9000)
	for {
		n, _, from, err := s.ReadFrom(buf)
		if err != nil {
			return mdns.Packet{}, fmt.Errorf("%w: %w", net.ErrClosed, err)
		}
		if src := from.(*net.UDPAddr).AddrPort(); src.Addr().Unmap() == s.router {
			s.heard.Add(1)
			return mdns.Packet{Data: buf[:n], Src: src}, nil
		}
	}
}

// newCrowd lets people come to the LAN. The returned socket tells what the router sends.
func (o *office) newCrowd(t testing.TB, size int) (*mdnstest.Crowd, *crowdSocket) {
	t.Helper()
	o.router.ip(t, "addr", "add", crowdRouter+crowdNet, "dev", lanDevice)
	n := o.plug(t, "crowd")
	var commands strings.Builder
	a := netip.MustParseAddr(crowdFirst)
	for range size {
		fmt.Fprintf(&commands, "addr add %s%s dev eth0\n", a, crowdNet)
		a = a.Next()
	}
	batch := filepath.Join(o.dir, "crowd.ip")
	write(t, batch, commands.String(), 0o600)
	n.ip(t, "-batch", batch)
	index, err := n.device("eth0")
	if err != nil {
		t.Fatal(err)
	}
	s := &crowdSocket{router: netip.MustParseAddr(routerLAN)}
	err = n.do(func() error {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{Port: mdnsPort})
		if err != nil {
			return err
		}
		s.PacketConn = ipv4.NewPacketConn(c)
		return s.SetMulticastTTL(255)
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &mdnstest.Crowd{Size: size, Base: netip.MustParseAddr(crowdFirst), Arrival: crowdArrival}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, s, mdns.Interface{Index: index, Name: "eth0"}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c, s
}

// fromEnv reads a variable of the environment, where it is set.
func fromEnv[T any](t testing.TB, key string, otherwise T, read func(string) (T, error)) T {
	t.Helper()
	text := os.Getenv(key)
	if text == "" {
		return otherwise
	}
	v, err := read(text)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return v
}

// TestCrowd lets the program, built as it is used, see a whole office come.
func TestCrowd(t *testing.T) {
	t.Parallel()
	size := fromEnv(t, "CROWD_SIZE", crowdSize, strconv.Atoi)
	idle := fromEnv(t, "CROWD_IDLE", 0, time.ParseDuration)
	if _, err := plainly(); err != nil {
		t.Fatal(err)
	}
	o := newOffice(t, onlyV4)
	o.newRecorder(t, accepts)
	dir, err := os.MkdirTemp("", "crowd") // short enough for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	b := o.newBridge(t, plainly, setup{secret: secret, upstream: plaintext, colleagues: []string{"alice"}, control: socket})
	b.ready(t)
	empty := b.rss(t)
	c, router := o.newCrowd(t, size)
	t.Run(fmt.Sprintf("M5 %d people come to the LAN: the program sees them and stays small", size), func(t *testing.T) {
		want := min(size, 2048) // of more, the rest is counted
		var now crowdStatus
		eventually(t, crowdArrival+later, fmt.Sprintf("%d peers in status", want), func() bool {
			now = b.crowd(t, socket)
			told, _ := c.Told() // all have been announced twice
			return len(now.Interfaces) == 1 && now.Interfaces[0].Peers >= want && told >= 2*size
		})
		if now.Interfaces[0].Peers > want || size > want && now.dropped("M5") == 0 {
			t.Errorf("%d peers, %d records dropped", now.Interfaces[0].Peers, now.dropped("M5"))
		}
		told, lost := c.Told()
		rss := b.rss(t)
		t.Logf("MEASURED RSS with %d people: %d KiB, %d KiB before; they sent %d packets", size, rss, empty, told)
		if rss > 64<<10 || lost > 0 {
			t.Errorf("RSS is %d KiB, the budget is 64 MiB; %d packets could not be sent", rss, lost)
		}
	})
	t.Run(fmt.Sprintf("LL-5-7 %d people are there when the program comes: it sees them all", size), func(t *testing.T) {
		b.signal(t, unix.SIGTERM)
		b.awaitEnd(t, soon)
		b.up(t)
		b.ready(t)
		begun := time.Now()
		eventually(t, later, "all of them in status", func() bool {
			now := b.crowd(t, socket)
			return len(now.Interfaces) == 1 && now.Interfaces[0].Peers == min(size, 2048)
		})
		t.Logf("MEASURED %v from ready to all people seen; RSS %d KiB", time.Since(begun), b.rss(t))
	})
	if idle == 0 {
		return
	}
	cpu, packets, begun := b.cpu(t), router.heard.Load(), time.Now()
	<-time.After(idle)
	spent := b.cpu(t) - cpu
	t.Logf("MEASURED %v idle with %d people: %.2f %% of a core, %d packets sent, RSS %d KiB", idle, size,
		100*spent.Seconds()/time.Since(begun).Seconds(), router.heard.Load()-packets, b.rss(t))
}

// crowdStatus is what of status matters here.
type crowdStatus struct {
	Interfaces []struct{ Peers int }
	Drops      []struct {
		Rule  string
		Count int
	}
}

// crowd asks a bridge how it is.
func (b *bridge) crowd(t testing.TB, socket string) (now crowdStatus) {
	t.Helper()
	out, err := exec.Command(b.binary, "status", "--json", "--socket", socket).Output()
	if err := json.Unmarshal(out, &now); err != nil {
		t.Logf("status: %v", err)
	}
	_ = err // it is 3 when something is degraded
	return now
}

func (s crowdStatus) dropped(rule string) int {
	for _, d := range s.Drops {
		if d.Rule == rule {
			return d.Count
		}
	}
	return 0
}

// TestManyColleagues shows two hundred colleagues to a real Avahi and a real client.
func TestManyColleagues(t *testing.T) {
	t.Parallel()
	const many = 200
	if _, err := plainly(); err != nil {
		t.Fatal(err)
	}
	o := newOffice(t, both)
	server := o.newRecorder(t, accepts)
	juliet := o.newHost(t, "pronto").newBonjour(t, "juliet", "Juliet", "Capulet")
	with := setup{secret: secret, upstream: plaintext}
	shown := map[string]bool{}
	for k := range many {
		name := fmt.Sprintf("montague-%03d", k)
		with.colleagues = append(with.colleagues, name)
		shown[name+`\40example.org@office`] = true
	}
	list := func() (here int) {
		for _, e := range juliet.list(t) {
			if shown[e.Name] {
				here++
			}
		}
		return here
	}
	b := o.newBridge(t, plainly, with)
	b.ready(t)
	begun := time.Now()
	for _, name := range with.colleagues {
		server.send(t, fmt.Sprintf(`<presence from="%s/phone" to="%s"/>`, account(name), domain))
	}
	t.Run("LL-4-3 two hundred colleagues who come online are in a client's list", func(t *testing.T) {
		eventually(t, later, "all of them in Juliet's list", func() bool { return list() == many })
		t.Logf("MEASURED %d colleagues in the list of a libpurple client after %v", many, time.Since(begun))
	})
	t.Run("LL-9-1 they are all gone from it when the program ends", func(t *testing.T) {
		begun := time.Now()
		b.signal(t, unix.SIGTERM)
		if code := b.awaitEnd(t, soon); code != 0 {
			t.Errorf("exit code %d", code)
		}
		eventually(t, soon, "none of them in Juliet's list", func() bool { return list() == 0 })
		t.Logf("MEASURED %d colleagues gone from the list %v after SIGTERM", many, time.Since(begun))
	})
}
