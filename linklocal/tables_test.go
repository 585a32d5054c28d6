package linklocal

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
)

func TestModern(t *testing.T) {
	for version, want := range map[string]bool{
		"1.0": true, "01.10": true, "1.1": true, "2.0": true, "10.0": true, "1.00": true,
		"": false, "0.9": false, "0.99": false, "00.1": false, "1": false, "1.": false, ".1": false, "one.zero": false,
		"1.0.0": false, "-1.0": false, "+1.0": false, " 1.0": false, "1.0 ": false, "99999999999.0": false,
	} {
		t.Run("LL-STR-6 version "+version, func(t *testing.T) {
			if modern(version) != want {
				t.Errorf("modern(%q) = %v", version, !want)
			}
		})
	}
}

func TestAdmit(t *testing.T) {
	const bound = "juliet@pronto"
	for _, tt := range []struct {
		name, from string
		lenient    bool
		ok         bool
	}{
		{"the bound instance", bound, false, true},
		{"in other letters", "JULIET@Pronto", false, true},
		{"nobody", "", false, true},
		{"another instance", "romeo@forza", false, false},
		{"a resource", bound + "/phone", false, false},
		{"a resource, lenient", bound + "/phone", true, true},
		{"an empty resource, lenient", bound + "/", true, true},
		{"another with a resource, lenient", "romeo@forza/" + bound, true, false},
		{"a resource alone, lenient", "/phone", true, true},
		{"a longer name", bound + ".local", false, false},
		{"a shorter name", "juliet@pront", false, false},
		{"white space", " " + bound, false, false},
		{"escaped", `juliet\40pronto`, false, false},
		{"letters beyond ASCII are not folded", "ʝuliet@pronto", false, false},
	} {
		t.Run("INJ-5 "+tt.name, func(t *testing.T) {
			st := stanza.Stanza{From: tt.from}
			err := admit(&st, bound, tt.lenient)
			if (err == nil) != tt.ok {
				t.Fatalf("admit(%q): %v", tt.from, err)
			}
			if err == nil && st.From != bound {
				t.Errorf("INJ-3: the sender is %q", st.From)
			}
			var se *stanza.StreamError
			if err != nil && (!errors.As(err, &se) || se.Condition != "invalid-from") {
				t.Errorf("refused with %v", err)
			}
		})
	}
}

func link(index int, prefixes ...string) mdns.Interface {
	i := mdns.Interface{Index: index, Name: "eth0"}
	for _, p := range prefixes {
		i.Addrs = append(i.Addrs, netip.MustParsePrefix(p))
	}
	return i
}

func TestOnLink(t *testing.T) {
	eth0 := link(1, "10.2.1.1/24", "192.168.7.1/30", "fe80::1/64", "2001:db8:1::1/64")
	for addr, want := range map[string]bool{
		"10.2.1.187": true, "10.2.2.1": false, "192.168.7.2": true, "192.168.7.5": false, "127.0.0.1": false, "8.8.8.8": false,
		"fe80::99%eth0": true, "fe80::99": true, "2001:db8:1::99": true, "2001:db8:2::99": false, "::1": false,
		"::ffff:10.2.1.187": false, "0.0.0.0": false, "::": false,
	} {
		t.Run("SEC-8 INJ-22 "+addr, func(t *testing.T) {
			if onLink(eth0, netip.MustParseAddr(addr)) != want {
				t.Errorf("onLink = %v", !want)
			}
		})
	}
	t.Run("SEC-8 no address at all", func(t *testing.T) {
		if onLink(eth0, netip.Addr{}) {
			t.Error("the zero address is on the link")
		}
	})
}

func TestIsBroadcast(t *testing.T) {
	eth0 := link(1, "10.2.1.1/24", "192.168.7.1/30", "172.16.0.0/31", "10.9.9.9/32", "fe80::1/64")
	for addr, want := range map[string]bool{
		"255.255.255.255": true, "10.2.1.255": true, "192.168.7.3": true,
		"10.2.1.254": false, "10.2.2.255": false, "172.16.0.1": false, "10.9.9.9": false, "fe80::ffff:ffff": false,
	} {
		t.Run("INJ-22 "+addr, func(t *testing.T) {
			if isBroadcast(eth0, netip.MustParseAddr(addr)) != want {
				t.Errorf("isBroadcast = %v", !want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	const ours = 5298
	eth0 := link(1, "10.2.1.1/24", "fe80::1/64", "2001:db8:1::1/64")
	lo := link(2, "127.0.0.1/8", "::1/128")
	for _, tt := range []struct {
		name   string
		link   mdns.Interface
		source string // who announced it
		to     string
		low    bool
		why    string // part of the refusal; "" when it is dialled
	}{
		{"a peer on the link", eth0, "10.2.1.187", "10.2.1.187:5298", false, ""},
		{"a peer on the link by IPv6", eth0, "fe80::187", "[fe80::187%eth0]:5298", false, ""},
		{"a peer at a global address of the link", eth0, "fe80::187", "[2001:db8:1::187]:5298", false, ""},
		{"loopback, as a component port", eth0, "10.2.1.187", "127.0.0.1:5347", false, "not on the link"},
		{"loopback by IPv6", eth0, "10.2.1.187", "[::1]:5347", false, "not on the link"},
		{"loopback in IPv6 clothes", eth0, "10.2.1.187", "[::ffff:127.0.0.1]:5347", false, "not on the link"},
		{"a peer in IPv6 clothes", eth0, "10.2.1.187", "[::ffff:10.2.1.187]:5298", false, "not on the link"},
		{"somewhere else", eth0, "10.2.1.187", "8.8.8.8:5298", false, "not on the link"},
		{"another network of the house", eth0, "10.2.1.187", "10.2.2.1:5298", false, "not on the link"},
		{"multicast", eth0, "10.2.1.187", "224.0.0.251:5298", false, "no address of a machine"},
		{"multicast by IPv6", eth0, "10.2.1.187", "[ff02::fb%eth0]:5298", false, "no address of a machine"},
		{"broadcast", eth0, "10.2.1.187", "10.2.1.255:5298", false, "no address of a machine"},
		{"all networks' broadcast", eth0, "10.2.1.187", "255.255.255.255:5298", false, "no address of a machine"},
		{"no address", eth0, "10.2.1.187", "0.0.0.0:5298", false, "no address of a machine"},
		{"no address by IPv6", eth0, "10.2.1.187", "[::]:5298", false, "no address of a machine"},
		{"a low port", eth0, "10.2.1.187", "10.2.1.187:22", false, "allow_low_ports"},
		{"a low port, allowed", eth0, "10.2.1.187", "10.2.1.187:22", true, ""},
		{"no port, allowed or not", eth0, "10.2.1.187", "10.2.1.187:0", true, "below 1024"},
		{"a client beside us", eth0, "10.2.1.1", "10.2.1.1:5299", false, ""},
		{"a client beside us, announced by IPv6", eth0, "fe80::1%eth0", "10.2.1.1:5299", false, ""},
		{"our own port", eth0, "10.2.1.1", "10.2.1.1:5298", false, "our own port"},
		{"our own port by IPv6", eth0, "10.2.1.1", "[fe80::1%eth0]:5298", false, "our own port"},
		{"our machine, as a stranger says", eth0, "10.2.1.187", "10.2.1.1:5347", false, "announced it"},
		{"our machine, as nobody known says", eth0, "", "10.2.1.1:5347", false, "announced it"},
		{"a client on the loopback interface", lo, "127.0.0.1", "127.0.0.1:5299", false, ""},
		{"another loopback address", lo, "127.0.0.1", "127.0.0.2:5299", false, "this machine itself"},
	} {
		t.Run("INJ-22 "+tt.name, func(t *testing.T) {
			a := aim{place{link: tt.link}, netip.MustParseAddrPort(tt.to), ours, tt.low}
			if tt.source != "" {
				a.source = netip.MustParseAddr(tt.source)
			}
			err := a.refused()
			if (err == nil) != (tt.why == "") || err != nil && !strings.Contains(err.Error(), tt.why) {
				t.Errorf("refused with %v, want %q", err, tt.why)
			}
		})
	}
}

func TestSourceFor(t *testing.T) {
	eth0 := link(1, "10.2.1.1/24", "192.168.7.1/24", "2001:db8:1::1/64", "fe80::1/64")
	var published []netip.Addr
	for _, a := range []string{"10.2.1.1", "192.168.7.1", "2001:db8:1::1", "fe80::1%eth0"} {
		published = append(published, netip.MustParseAddr(a))
	}
	for _, tt := range []struct {
		to, want  string
		published []netip.Addr
	}{
		{"10.2.1.187", "10.2.1.1", published},
		{"192.168.7.187", "192.168.7.1", published},
		{"fe80::187%eth0", "fe80::1%eth0", published},
		{"2001:db8:1::187", "2001:db8:1::1", published},
		{"2001:db8:1::187", "fe80::1%eth0", published[3:]},
		{"192.168.7.187", "10.2.1.1", published[:1]},
		{"10.2.1.187", "", published[2:]},
		{"fe80::187%eth0", "", published[:2]},
		{"10.2.1.187", "", nil},
	} {
		t.Run("LL-STR-29 to "+tt.to, func(t *testing.T) {
			got, ok := sourceFor(eth0, tt.published, netip.MustParseAddr(tt.to))
			if ok != (tt.want != "") || ok && got.String() != tt.want {
				t.Errorf("from %v, want %s", got, tt.want)
			}
		})
	}
}

func TestAlike(t *testing.T) {
	at := machineAt
	for _, tt := range []struct {
		name     string
		old, now Machine
		want     bool
	}{
		{"nothing has changed", at("pronto", "10.2.1.187", "aa"), at("pronto", "10.2.1.187", "aa"), true},
		{"the same address, hardware unknown", at("pronto", "10.2.1.187", ""), at("pronto", "10.2.1.187", ""), true},
		{"another lease, the fe80:: address is the same", at("pronto", "10.2.1.187", "", "fe80::1%e", ""), at("pronto", "10.2.1.42", "", "fe80::1%e", ""), true},
		{"all addresses new, same hardware", at("pronto", "10.2.1.187", "aa"), at("pronto", "10.2.1.42", "aa"), true},
		{"all addresses new, other hardware", at("pronto", "10.2.1.187", "aa"), at("pronto", "10.2.1.42", "bb"), false},
		{"all addresses new, hardware unknown", at("pronto", "10.2.1.187", ""), at("pronto", "10.2.1.42", ""), false},
		{"the same fe80:: address on another link", at("pronto", "fe80::1%eth0", ""), at("pronto", "fe80::1%wlan0", ""), false},
		{"another host name, same address and hardware", at("pronto", "10.2.1.187", "aa"), at("forza", "10.2.1.187", "aa"), false},
		{"nothing known of the old", at("pronto"), at("pronto", "10.2.1.187", "aa"), false},
	} {
		t.Run("INJ-26 "+tt.name, func(t *testing.T) {
			if tt.old.alike(tt.now) != tt.want {
				t.Errorf("alike = %v", !tt.want)
			}
		})
	}
}

func TestFits(t *testing.T) {
	for _, tt := range []struct {
		wanted, host string
		want         bool
	}{{"", "forza", true}, {"pronto", "pronto", true}, {"Pronto", "PRONTO", true}, {"pronto", "forza", false}, {"pronto", "", false}} {
		t.Run("INJ-26 for "+tt.wanted+" at "+tt.host, func(t *testing.T) {
			if fits(tt.wanted, tt.host) != tt.want {
				t.Errorf("fits = %v", !tt.want)
			}
		})
	}
}

func TestRemember(t *testing.T) {
	t.Run("places are remembered up to a bound, the latest first, and not those of another host", func(t *testing.T) {
		m := machineAt("pronto")
		for i := range 100 {
			m = machineAt("pronto", fmt.Sprint("10.2.1.", i), "").With(m)
		}
		if len(m.Seats) != maxSeats || m.Seats[0].Addr != netip.MustParseAddr("10.2.1.99") {
			t.Errorf("%d places, the first %v", len(m.Seats), m.Seats[0])
		}
		if other := machineAt("forza").With(m); len(other.Seats) != 0 {
			t.Errorf("took over %v", other.Seats)
		}
	})
}
