package config

import (
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"mellium.im/xmpp/jid"
)

// base is the shortest file that is right.
const base = `linklocal: {interfaces: [br-lan]}
upstream: {uri: "tcp://127.0.0.1", domain: lan.example.org, secret_file: secret}
`

func mustParse(t *testing.T, text string) Config {
	t.Helper()
	cfg, err := Parse("/etc/meshbridge/bridge.yaml", []byte(text))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return cfg
}

// linkLocal, upstream and colleague are a right file with lines of their own.
func linkLocal(lines string) string {
	return "linklocal:\n  interfaces: [br-lan]\n  " + lines + "\n" +
		"upstream: {uri: \"tcp://127.0.0.1\", domain: lan.example.org, secret_file: secret}\n"
}

func upstream(lines string) string {
	return "linklocal: {interfaces: [br-lan]}\nupstream:\n  domain: lan.example.org\n  secret_file: secret\n  " + lines + "\n"
}

func colleague(uri string) string { return base + "colleagues:\n  - uri: \"" + uri + "\"\n" }

func TestShortestFile(t *testing.T) {
	want := Defaults()
	want.LinkLocal.Interfaces = []string{"br-lan"}
	want.Upstream.Target = Target{Scheme: "tcp", Host: "127.0.0.1", Port: 5347}
	want.Upstream.Domain = "lan.example.org"
	want.Upstream.SecretFile = "/etc/meshbridge/secret"
	if diff := cmp.Diff(want, mustParse(t, base)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEveryKeyIsRead(t *testing.T) {
	got := mustParse(t, `
state: /srv/state
log: {level: debug}
linklocal:
  interfaces: [br-lan, wlan0]
  machine: Kitchen-2
  port: 5298
  show_away_as: dnd
  departure_delay: 1m
  accept_anonymous_header: true
  lenient_from: true
  allow_low_ports: true
  legacy_txt_port: false
  global_ipv6: true
upstream:
  uri: TLS://XMPP.example.org:5275
  domain: LAN.Example.org.
  secret_env: OFFICE_SECRET
  insecure_plaintext: true
  tls_ca_file: ca/root.pem
  tls_pin: sha256/ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8=
  max_stanza: 65536
  withdraw_after: 1h30m
colleagues:
  - {uri: "xmpp:Alice@Example.org", nick: "Alice <3", introduce: ask}
  - uri: xmpp:bob@example.org
access:
  mesh: approved
  domains: [Example.org, münchen.example]
  admins: ["xmpp:Boss@Example.org"]
  warn_unencrypted: false
privacy:
  publish: [jid]
  show: []
outbox: {durability: memory, per_recipient: 3, total: 4, bytes: 1 MiB, max_age: 24h}
limits: {peer_rate: 5, peer_burst: 6, total_rate: 7, streams_per_address: 8, streams: 19}
control: {socket: run/c.sock, group: adm}
`)
	want := Config{
		State: "/srv/state",
		Log:   Log{Level: slog.LevelDebug},
		LinkLocal: LinkLocal{
			Interfaces: []string{"br-lan", "wlan0"}, Machine: "kitchen-2", Port: 5298,
			ShowAwayAs: AwayAsDND, DepartureDelay: time.Minute,
			AcceptAnonymousHeader: true, LenientFrom: true, AllowLowPorts: true, GlobalIPv6: true,
		},
		Upstream: Upstream{
			Target: Target{Scheme: "tls", Host: "xmpp.example.org", Port: 5275}, ComponentPort: 5347, Domain: "lan.example.org",
			SecretEnv: "OFFICE_SECRET", InsecurePlaintext: true, TLSCAFile: "/etc/meshbridge/ca/root.pem",
			TLSPin:    []byte(strings.Repeat("\x01\x23\x45\x67\x89\xab\xcd\xef", 4)),
			MaxStanza: 65536, WithdrawAfter: 90 * time.Minute,
		},
		Colleagues: []Colleague{
			{JID: jid.MustParse("alice@example.org"), Nick: "Alice <3", Introduce: IntroduceAsk},
			{JID: jid.MustParse("bob@example.org"), Introduce: IntroduceRoster},
		},
		Access:  Access{Mesh: Approved, Domains: []string{"example.org", "münchen.example"}, Admins: []string{"boss@example.org"}},
		Privacy: Privacy{Publish: []TXTKey{TXTJID}, Show: []TXTKey{}},
		Limits:  Limits{PeerRate: 5, PeerBurst: 6, TotalRate: 7, StreamsPerAddress: 8, Streams: 19},
		Outbox:  Outbox{Durability: Memory, PerRecipient: 3, Total: 4, Bytes: 1 << 20, MaxAge: 24 * time.Hour},
		Control: Control{Socket: "/etc/meshbridge/run/c.sock", Group: "adm", GroupID: -1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The table has every key once, and a row for every field of the LAN's side.
func TestKeysAreUnique(t *testing.T) {
	seen := make(map[string]bool)
	for _, path := range Keys() {
		if seen[path] {
			t.Errorf("%s stands in the table twice", path)
		}
		seen[path] = true
	}
	fields := reflect.TypeFor[LinkLocal]().NumField()
	if rows := len(new(LinkLocal).table()); rows != fields {
		t.Errorf("linklocal has %d keys for %d fields", rows, fields)
	}
}

func TestMachine(t *testing.T) {
	for _, c := range []struct{ rule, name, want string }{
		{"LL-3-31 r&d", "r&d", ""},
		{"LL-3-31 a<b", "a<b", ""},
		{"LL-3-31 a>b", "a>b", ""},
		{`LL-3-31 a"b`, `a"b`, ""},
		{"LL-I18N-1 büro", "büro", ""},
		{"LL-I18N-1 upper case is lowered", "Office-2", "office-2"},
		{"a dot", "office.local", ""},
		{"an underscore", "my_office", ""},
		{"a leading hyphen", "-office", ""},
		{"a trailing hyphen", "office-", ""},
		{"32 octets", strings.Repeat("a", 32), strings.Repeat("a", 32)},
		{"33 octets", strings.Repeat("a", 33), ""},
		{"nothing", "", ""},
		{"digits", "2", "2"},
		{"LL-I18N-1 punycode in disguise", "xn--bro-hoa", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			cfg, err := Parse("f", []byte(linkLocal("machine: '"+c.name+"'")))
			if (err == nil) != (c.want != "") || cfg.LinkLocal.Machine != c.want {
				t.Errorf("machine %q: got %q, error %v", c.name, cfg.LinkLocal.Machine, err)
			}
		})
	}
}

func TestTarget(t *testing.T) {
	for _, c := range []struct {
		rule, text string
		want       Target
		loopback   bool
	}{
		{"COMP-15 no port in YAML is 5347", "tcp://127.0.0.1", Target{Scheme: "tcp", Host: "127.0.0.1", Port: 5347}, true},
		{"COMP-15 no port in YAML is 5347 with TLS", "tls://x.example.org", Target{Scheme: "tls", Host: "x.example.org", Port: 5347}, false},
		{"a port is kept", "tcp://127.8.8.8:5275", Target{Scheme: "tcp", Host: "127.8.8.8", Port: 5275}, true},
		{"a slash at the end is nothing", "tcp://localhost/", Target{Scheme: "tcp", Host: "localhost", Port: 5347}, true},
		{"LL-I18N-7 a host in U-labels", "tls://xmpp.münchen.example", Target{Scheme: "tls", Host: "xmpp.xn--mnchen-3ya.example", Port: 5347}, false},
		{"IPv6 in brackets", "tcp://[::1]:5347", Target{Scheme: "tcp", Host: "::1", Port: 5347}, true},
		{"IPv4 written as IPv6", "tcp://[::ffff:127.0.0.1]", Target{Scheme: "tcp", Host: "::ffff:127.0.0.1", Port: 5347}, true},
		{"SEC-5 a name is judged when it is dialled", "tcp://xmpp.example.org", Target{Scheme: "tcp", Host: "xmpp.example.org", Port: 5347}, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got := mustParse(t, upstream("uri: '"+c.text+"'")).Upstream.Target
			if got != c.want || got.Loopback() != c.loopback {
				t.Errorf("%s: got %+v, loopback %v", c.text, got, got.Loopback())
			}
			again, what, _ := parseTarget(got.String())
			if what != "" || again != got {
				t.Errorf("%s does not read back: %+v (%s)", got, again, what)
			}
		})
	}
}

func TestNoHost(t *testing.T) {
	for _, host := range []string{
		"a..b", ".example.org", "example.org..", "exa$mple.org", "a!b", "a b", "10.0.0.300", "127.1", "0x7f.1", "example.123", "12",
		strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 127) + "ab",
	} {
		if got, what, _ := parseTarget("tls://" + host); what == "" {
			t.Errorf("%s is taken for %+v", host, got)
		}
	}
	for host, want := range map[string]string{
		"Server": "server", "a_b.example.org": "a_b.example.org", "example.org.": "example.org.", "MÜNCHEN.example.": "xn--mnchen-3ya.example.", "server1": "server1",
	} {
		if got, what, _ := parseTarget("tls://" + host); got.Host != want {
			t.Errorf("%s: %+v (%s)", host, got, what)
		}
	}
}

func TestLookedUpTarget(t *testing.T) {
	for _, c := range []struct{ rule, text, want, host, explains string }{
		{"RES-6120-6 a domain", "XMPP:Example.ORG", "xmpp:example.org", "example.org", "by xmpp:example.org and connects to port 5347 of its hosts (TLS, verified for example.org)"},
		{"LL-I18N-7 an A-label", "xmpp:xn--mnchen-3ya.example.", "xmpp:m%C3%BCnchen.example", "münchen.example", "verified for münchen.example"},
		{"RES-6120-6 im:", "im:Bridge@example.org?subject=x", "im:bridge@example.org", "example.org", "port 5347"},
		{"RES-6120-6 pres:", "pres:bridge@example.org", "pres:bridge@example.org", "example.org", "port 5347"},
		{"RES-6120-10 srv:", "srv:_XMPP-Component._tcp.Example.org", "srv:_xmpp-component._tcp.example.org", "example.org",
			"by srv:_xmpp-component._tcp.example.org and connects to the hosts and ports listed there (TLS, verified for example.org)"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			cfg := mustParse(t, upstream("uri: '"+c.text+"'\n  tls_pin: ''"))
			got := cfg.Upstream.Target
			if got.String() != c.want || got.Host != c.host || got.Port != 0 || got.Literal() || got.Loopback() {
				t.Errorf("%s: got %+v", c.text, got)
			}
			if server := cfg.Explain()[1]; !strings.Contains(server, c.explains) {
				t.Errorf("explains %q", server)
			}
			again, what, _ := parseTarget(got.String())
			if what != "" || again != got {
				t.Errorf("%s does not read back: %+v (%s)", got, again, what)
			}
		})
	}
	t.Run("COMP-15 the component port", func(t *testing.T) {
		if got := mustParse(t, upstream("uri: xmpp:example.org")).Upstream.ComponentPort; got != 5347 {
			t.Errorf("default %d", got)
		}
		if got := mustParse(t, upstream("uri: xmpp:example.org\n  component_port: 5275")).Upstream.ComponentPort; got != 5275 {
			t.Errorf("%d, want 5275", got)
		}
	})
	t.Run("RES-6120-7 a literal target is none of these", func(t *testing.T) {
		for _, uri := range []string{"tcp://127.0.0.1", "tls://xmpp.example.org"} {
			if !mustParse(t, upstream("uri: "+uri)).Upstream.Target.Literal() {
				t.Error(uri)
			}
		}
	})
}

func TestResolverServers(t *testing.T) {
	for text, want := range map[string]string{
		"[]": "[]", "": "[]", "[192.0.2.1]": "[192.0.2.1:53]",
		`["192.0.2.1:5353", "::1", "[fe80::1%eth0]:54"]`: "[192.0.2.1:5353 [::1]:53 [fe80::1%eth0]:54]",
	} {
		cfg := mustParse(t, base+"resolver: {servers: "+text+"}\n")
		if got := fmt.Sprint(cfg.Resolver.Servers); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestPlaintext(t *testing.T) {
	const danger = "uri: tcp://%s\n  insecure_plaintext: true"
	for _, host := range []string{"10.0.0.5", "192.168.1.1:5347", "198.51.100.7", "[fe80::1]", "[2001:db8::1]:5347", "169.254.1.1"} {
		t.Run("SEC-5 tcp to "+host+" needs the danger typed", func(t *testing.T) {
			_, err := Parse("bridge.yaml", []byte(upstream("uri: tcp://"+host)))
			if err == nil {
				t.Fatal("accepted")
			}
			for _, part := range []string{"bridge.yaml:5:8: upstream.uri", "tcp://127.0.0.1:5347", "tls://HOST:5347", "insecure_plaintext: true"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the refusal lacks %q: %v", part, err)
				}
			}
			cfg := mustParse(t, upstream(strings.Replace(danger, "%s", host, 1)))
			if w := cfg.Warnings(); len(w) != 1 || !strings.Contains(w[0], "plain text") {
				t.Errorf("warnings: %q", w)
			}
		})
	}
	for _, uri := range []string{"tcp://127.0.0.1", "tcp://localhost", "tls://198.51.100.7"} {
		cfg := mustParse(t, upstream("uri: "+uri+"\n  insecure_plaintext: true"))
		if w := cfg.Warnings(); w != nil {
			t.Errorf("%s: no danger, yet warned: %q", uri, w)
		}
	}
}

func TestColleague(t *testing.T) {
	for _, c := range []struct{ name, uri, want string }{
		{"plain", "xmpp:node@example.com", "node@example.com"},
		{"upper case", "XMPP:Node@Example.com", "node@example.com"},
		{"RES-5122-2 the authority is no destination", "xmpp://guest@example.com/support@example.com?message", "support@example.com"},
		{"query and fragment", "xmpp:support@example.com?message;subject=Hello%20World#frag", "support@example.com"},
		{"percent-encoded", "xmpp:ji%C5%99i@%C4%8Dechy.example", "jiři@čechy.example"},
		{"not encoded", "xmpp:jiři@čechy.example", "jiři@čechy.example"},
		{"escaped", "xmpp:juliet%5C40pronto@lan.example.com", `juliet\40pronto@lan.example.com`},
		{"A-label", "xmpp:a@xn--mnchen-3ya.example", "a@münchen.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := mustParse(t, colleague(strings.ReplaceAll(c.uri, `\`, `\\`))).Colleagues
			if len(got) != 1 || got[0].JID.String() != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
	t.Run("INJ-10 a colleague in the component domain is a config error", func(t *testing.T) {
		for _, uri := range []string{"xmpp:x@lan.example.org", "xmpp:x@LAN.example.ORG", "xmpp://a@b.c/x@lan.example.org"} {
			if _, err := Parse("f", []byte(colleague(uri))); err == nil || !strings.Contains(err.Error(), "own domain") {
				t.Errorf("%s: %v", uri, err)
			}
		}
	})
}

func TestNick(t *testing.T) {
	for n, ok := range map[int]bool{1: true, 250: true, 251: false} {
		_, err := Parse("f", []byte(colleague("xmpp:a@example.org")+"    nick: "+strings.Repeat("x", n)+"\n"))
		if (err == nil) != ok {
			t.Errorf("nick of %d octets: %v", n, err)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "65536": 65536, "64KiB": 64 << 10, "8 MiB": 8 << 20, "1GiB": 1 << 30,
	} {
		if n, ok := parseSize(text); !ok || n != want || mustSize(bytesText(n)) != n {
			t.Errorf("%s: %d %v", text, n, ok)
		}
	}
	for _, text := range []string{"", "KiB", "-1", "1KB", "1k", "1.5MiB", "9223372036854775807GiB", "0x10"} {
		if n, ok := parseSize(text); ok {
			t.Errorf("%q is no size, got %d", text, n)
		}
	}
}

func mustSize(s string) int64 {
	n, _ := parseSize(s)
	return n
}

func TestTooLargeAFile(t *testing.T) {
	_, err := Parse("f", []byte(base+strings.Repeat("#", maxFile)))
	if err == nil || !strings.Contains(err.Error(), "larger than 1MiB") {
		t.Errorf("got %v", err)
	}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{base, []string{
			"lan: finds people on br-lan; no colleague appears there",
			`server: connects to tcp://127.0.0.1:5347 (plain text on this host); people on the LAN become user\40machine@lan.example.org`,
			"access: nobody may talk to people on the LAN yet: list them under colleagues",
		}},
		{colleague("xmpp:alice@example.org") + "access: {domains: [example.net]}", []string{
			"lan: finds people on br-lan; 1 colleague appears there as NAME@office",
			`server: connects to tcp://127.0.0.1:5347 (plain text on this host); people on the LAN become user\40machine@lan.example.org`,
			"access: the listed colleagues may talk to people on the LAN, and users of example.net once they subscribe",
		}},
		{upstream("uri: tcp://xmpp.example.org"), []string{
			"lan: finds people on br-lan; no colleague appears there",
			`server: connects to tcp://xmpp.example.org:5347 (plain text, and only if that name is this host); people on the LAN become user\40machine@lan.example.org`,
			"access: nobody may talk to people on the LAN yet: list them under colleagues",
		}},
		{upstream("uri: tcp://10.8.0.1\n  insecure_plaintext: true") + "access: {domains: [a.example, b.example]}", []string{
			"lan: finds people on br-lan; no colleague appears there",
			`server: connects to tcp://10.8.0.1:5347 (PLAIN TEXT over the network); people on the LAN become user\40machine@lan.example.org`,
			"access: users of a.example, b.example may talk to people on the LAN once they subscribe",
		}},
	} {
		if diff := cmp.Diff(c.want, mustParse(t, c.text).Explain()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}
