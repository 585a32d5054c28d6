package demo

import (
	"net"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	const running = net.FlagUp | net.FlagRunning
	lo := nic{"lo", running | net.FlagLoopback, true, false}
	lo0 := nic{"lo0", running | net.FlagLoopback | net.FlagMulticast, true, true}
	eth := nic{"eth0", running | net.FlagMulticast, true, true}
	with := func(n nic, change func(*nic)) nic { change(&n); return n }
	down := func(n *nic) { n.flags = net.FlagLoopback }
	bare := func(n *nic) { n.has4, n.hasLocal = false, false }
	for _, c := range []struct {
		name, system string
		here         []nic
		asked, want  string // want: the name, or with a space in it a part of the error
	}{
		{"Linux, whose loopback does not say that it does multicast", "linux", []nic{eth, lo}, "", "lo"},
		{"macOS", "darwin", []nic{lo0, eth}, "", "lo0"},
		{"named", "linux", []nic{lo, eth}, "eth0", "eth0"},
		{"a fresh network namespace", "linux", []nic{with(lo, down)}, "", "lo is down; as root: ip link set lo up"},
		{"down on macOS", "darwin", []nic{with(lo0, down)}, "", "as root: ifconfig lo0 up"},
		{"a loopback without its address", "linux", []nic{with(lo, bare)}, "", "as root: ip address add 127.0.0.1/8 dev lo"},
		{"the same on macOS", "darwin", []nic{with(lo0, bare)}, "", "as root: ifconfig lo0 inet 127.0.0.1/8"},
		{"no loopback at all", "linux", []nic{eth}, "", "no loopback interface; name another"},
		{"none at all", "linux", nil, "", "no loopback interface; name another"},
		{"a slip of the finger", "linux", []nic{lo, eth}, "eht0", "did you mean eth0?"},
		{"not here", "linux", []nic{lo, eth}, "br-lan", "it has lo, eth0"},
		{"without an address", "linux", []nic{lo, with(eth, bare)}, "eth0", "eth0 has no address; give it one"},
		{"without multicast", "linux", []nic{lo, with(eth, func(n *nic) { n.flags &^= net.FlagMulticast })}, "eth0", "does no multicast; name another"},
		{"IPv6 alone", "linux", []nic{lo, with(eth, func(n *nic) { n.has4 = false })}, "eth0", "eth0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := choose(c.here, c.asked, c.system)
			if strings.Contains(c.want, " ") {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%q, %v; want %q", got, err, c.want)
				}
			} else if got != c.want || err != nil {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestStageIsHere(t *testing.T) {
	if name, err := stage(""); err != nil || name == "" {
		t.Errorf("%q %v", name, err)
	}
}
