//go:build linux

package e2e

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	hashi "github.com/hashicorp/mdns"
	"github.com/miekg/dns"
)

// A card is all that there is to see of an instance.
type card struct {
	Host      string
	Port      int
	Addresses []string // without scope, sorted
	TXT       []string // octets, sorted
}

func newCard(host string, port int, addresses, txt []string) card {
	c := card{strings.TrimSuffix(host, "."), port, nil, slices.Clone(txt)}
	for _, a := range addresses {
		if addr, err := netip.ParseAddr(a); err == nil {
			c.Addresses = append(c.Addresses, addr.WithZone("").String())
		}
	}
	slices.Sort(c.Addresses)
	slices.Sort(c.TXT)
	c.Addresses, c.TXT = slices.Compact(c.Addresses), slices.Compact(c.TXT)
	return c
}

// A stranger is a computer on the LAN with port 5353 to itself, on which each of the
// stacks that are not Avahi runs.
type stranger struct {
	*host
	shown *journal[shown]
}

// shown is what zeroconf_peer.py tells.
type shown struct {
	Ev, Instance, Server string
	Port                 int
	Addresses, TXT       []string
}

func (s shown) card(t testing.TB) card {
	t.Helper()
	var txt []string
	for _, h := range s.TXT {
		data, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		txt = append(txt, string(data))
	}
	return newCard(s.Server, s.Port, s.Addresses, txt)
}

// newStranger puts a computer without Avahi on the LAN.
func (o *office) newStranger(t testing.TB, name string) *stranger {
	t.Helper()
	h := &host{namespace: o.plug(t, name), office: o, dir: filepath.Join(o.dir, name)}
	h.v4 = netip.AddrFrom4([4]byte{10, 77, 2, byte(10 + len(o.roles))})
	h.ip(t, "addr", "add", h.v4.String()+"/24", "dev", "eth0")
	h.ip(t, "route", "add", "default", "dev", "eth0")
	mkdir(t, h.dir)
	h.linkLocal(t, "eth0")
	return &stranger{h, newJournal[shown]()}
}

// python starts zeroconf_peer.py.
func (s *stranger) python(t testing.TB, args ...string) *process {
	t.Helper()
	return s.run(t, "zeroconf", func(text string) {
		var e shown
		if json.Unmarshal([]byte(text), &e) == nil {
			s.shown.add(e)
		}
	}, append([]string{"/usr/bin/python3", filepath.Join(filepath.Dir(tools.alice), "zeroconf_peer.py")}, args...)...)
}

// hashicorp looks for instances with mdns.QueryContext. Of a packet that tells of several
// it takes in one, and it hears all packets: so each instance is asked for beside it, as
// another computer might.
func (s *stranger) hashicorp(t testing.TB, instances []string) map[string]card {
	t.Helper()
	found := map[string]card{}
	err := s.do(func() error {
		ni, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		group := &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: mdnsPort}
		asker, err := net.ListenMulticastUDP("udp4", ni, group)
		if err != nil {
			return err
		}
		defer asker.Close()
		for _, instance := range instances {
			entries := make(chan *hashi.ServiceEntry, 64)
			ask := time.AfterFunc(300*time.Millisecond, func() {
				m := new(dns.Msg)
				m.SetQuestion(fqdn(instance), dns.TypeANY)
				m.RecursionDesired = false
				if q, err := m.Pack(); err == nil {
					_, _ = asker.WriteToUDP(q, group)
				}
			})
			err := hashi.QueryContext(context.Background(), &hashi.QueryParam{
				Service: "_presence._tcp", Interface: ni, Entries: entries, DisableIPv6: true,
				Timeout: 1500 * time.Millisecond, Logger: log.New(io.Discard, "", 0),
			})
			ask.Stop()
			if err != nil {
				return err
			}
			close(entries)
			for e := range entries {
				var addresses, txt []string
				for _, a := range []net.IP{e.AddrV4, e.AddrV6} {
					if a != nil {
						addresses = append(addresses, a.String())
					}
				}
				for _, x := range e.InfoFields {
					txt = append(txt, unescape(x))
				}
				if labels := dns.SplitDomainName(e.Name); len(labels) == 4 {
					found[unescape(labels[0])] = newCard(e.Host, e.Port, addresses, txt)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// fqdn is an instance's name as miekg/dns reads it.
func fqdn(instance string) string {
	var b strings.Builder
	for _, c := range []byte(instance) {
		fmt.Fprintf(&b, `\%03d`, c)
	}
	return b.String() + "." + serviceName
}

// avahiBrowse is what avahi-browse prints of who is there, every address resolved.
func (h *host) avahiBrowse(t testing.TB) map[string]card {
	t.Helper()
	p := h.run(t, "avahi-browse", nil, "avahi-browse", "-prtk", "_presence._tcp")
	p.awaitEnd(t, soon)
	found := map[string]card{}
	for _, l := range p.lines.all() {
		f := strings.SplitN(l.text, ";", 10) // =;eth0;IPv4;name;type;domain;host;address;port;txt
		if len(f) != 10 || f[0] != "=" {
			continue
		}
		port, err := strconv.Atoi(f[8])
		if err != nil {
			t.Fatal(l.text)
		}
		name := unescape(f[3])
		found[name] = newCard(f[6], port, append(found[name].Addresses, f[7]), avahiStrings(f[9]))
	}
	return found
}

// avahiStrings reads "one" "two" as avahi-browse prints it.
func avahiStrings(text string) (list []string) {
	for text != "" {
		end := 1
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		list = append(list, unescape(text[1:end]))
		text = strings.TrimPrefix(text[min(end+1, len(text)):], " ")
	}
	return list
}

// The names that foreign stacks have to get right, and what their owners say.
var foreignNames = []struct{ jid, nick, msg string }{
	{"alice@example.org", "Alice", "at my desk"},
	{"john.smith@example.org", `John "the dot" Smith`, `back\slash; 100% = "done"`},
	{`o\27hara@example.org`, `Scarlett O'Hara`, "tomorrow, \\065 is another day"},
	{"jürgen@example.org", "Jürgen Groß", "Grüße aus 東京 😀"},
	{strings.Repeat("x", 42) + "@example.org", "Long", strings.Repeat("ü", 100)},
}

func instanceFor(jid string) string { return strings.Replace(jid, "@", `\40`, 1) + "@office" }

// TestForeignStacks has stacks that share no code with ours, nor with each other, look at
// what we publish.
func TestForeignStacks(t *testing.T) {
	t.Parallel()
	if _, err := racing(); err != nil {
		t.Fatal(err)
	}
	m := &mesh{office: newOffice(t, both)}
	m.server = m.newRecorder(t, accepts)
	m.server.mu.Lock()
	m.server.alice = "<show>dnd</show><status>" + foreignNames[0].msg + "</status>"
	m.server.mu.Unlock()
	pronto, snake := m.newHost(t, "pronto"), m.newStranger(t, "snake")
	with := ordinary
	for _, n := range foreignNames[1:] {
		with.more += fmt.Sprintf("  - {uri: %q, nick: %q}\n", "xmpp:"+n.jid, n.nick)
	}
	heard := m.tap.heard.now()
	m.bridge = m.newBridge(t, racing, with)
	m.bridge.ready(t)
	var instances []string
	for _, n := range foreignNames {
		m.server.send(t, fmt.Sprintf(`<presence from="%[1]s" to="%[2]s" type="subscribed"/><presence from="%[1]s/phone" to="%[2]s"><show>dnd</show><status>%[3]s</status></presence>`,
			quoted(n.jid), domain, quoted(n.msg)))
		instances = append(instances, instanceFor(n.jid))
	}
	for _, i := range instances {
		all := *heard
		all.await(t, soon, i, announces(i))
	}
	<-time.After(5 * time.Second) // what they say now is announced
	want := map[string]card{}
	ll, _ := m.router.linkLocal(t, lanDevice)
	port := int(m.tap.where(t, instances[0])[0].Port())
	for k, i := range instances {
		var txt []string
		for _, s := range m.tap.txt(i) {
			txt = append(txt, unescape(s))
		}
		for _, s := range []string{"txtvers=1", "status=dnd", "nick=" + foreignNames[k].nick, "msg=" + foreignNames[k].msg} {
			if !slices.Contains(txt, s) {
				t.Errorf("%s does not say %q, but %q", i, s, txt)
			}
		}
		want[i] = newCard("office.local", port, []string{routerLAN, ll.String()}, txt)
	}
	t.Run("LL-3-1 LL-3-20 LL-3-21 LL-3-26 avahi-browse", func(t *testing.T) {
		got := pronto.avahiBrowse(t)
		for i, c := range got { // it shows one address of a host that has both
			if !slices.Equal(c.Addresses, []string{routerLAN}) && !slices.Equal(c.Addresses, []string{ll.String()}) {
				t.Errorf("%s is at %q", i, c.Addresses)
			}
			c.Addresses = []string{routerLAN, ll.String()}
			got[i] = c
		}
		compareCards(t, want, got)
	})
	t.Run("LL-3-1 avahi-resolve", func(t *testing.T) {
		for flag, address := range map[string]string{"-4": routerLAN, "-6": ll.String()} {
			p := pronto.run(t, "avahi-resolve", nil, "avahi-resolve", flag, "-n", "office.local")
			p.lines.start().await(t, soon, "the address", has("office.local\t"+address))
		}
	})
	t.Run("LL-3-1 LL-3-20 LL-3-21 LL-3-26 python3-zeroconf", func(t *testing.T) {
		p := snake.python(t, "look")
		defer p.kill(t)
		got := map[string]card{}
		for _, i := range instances {
			got[i] = snake.shown.start().await(t, soon, i, func(s shown) bool { return s.Ev == "seen" && s.Instance == i }).card(t)
		}
		compareCards(t, want, got)
	})
	t.Run("LL-3-1 LL-3-20 LL-3-21 LL-3-26 mdns.QueryContext", func(t *testing.T) {
		compareCards(t, want, snake.hashicorp(t, instances))
	})
}

func compareCards(t *testing.T, want, got map[string]card) {
	t.Helper()
	for i, w := range want {
		if diff := cmp.Diff(w, got[i]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", i, diff)
		}
	}
}
