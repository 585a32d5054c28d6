package demo

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"

	"meshbridge/bridge/config"
)

// nic is a network interface as far as the demo cares.
type nic struct {
	name     string
	flags    net.Flags
	has4     bool // an IPv4 address
	hasLocal bool // an IPv6 link-local one
}

// stage returns the interface to play on, the loopback unless one is named. The error
// says how to make it fit.
func stage(name string) (string, error) {
	here, err := nics()
	if err != nil {
		return "", fmt.Errorf("looking for network interfaces: %w", err)
	}
	return choose(here, name, runtime.GOOS)
}

func nics() (all []nic, err error) {
	interfaces, err := net.Interfaces()
	for _, i := range interfaces {
		n := nic{name: i.Name, flags: i.Flags}
		addrs, _ := i.Addrs() // it may go while we look
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				n.has4 = n.has4 || p.Addr().Is4()
				n.hasLocal = n.hasLocal || p.Addr().Is6() && p.Addr().IsLinkLocalUnicast()
			}
		}
		all = append(all, n)
	}
	return all, err
}

// choose is stage for the interfaces and the operating system that are given.
func choose(here []nic, name, system string) (string, error) {
	fits := func(n nic) bool { return n.name == name || name == "" && n.flags&net.FlagLoopback != 0 }
	k := slices.IndexFunc(here, fits)
	if k < 0 && name == "" {
		return "", errors.New("this host has no loopback interface; name another interface with -i")
	}
	if k < 0 {
		return "", missing(here, name)
	}
	n := here[k]
	loops := n.flags&net.FlagLoopback != 0
	switch {
	case n.flags&net.FlagUp == 0:
		return "", fmt.Errorf("the interface %s is down; as root: %s", n.name, up(n.name, system))
	case loops && !n.has4:
		return "", fmt.Errorf("the interface %s has no IPv4 address; as root: %s", n.name, localhost(n.name, system))
	case !n.has4 && !n.hasLocal:
		return "", fmt.Errorf("the interface %s has no address; give it one, or name another interface with -i", n.name)
	case !loops && n.flags&net.FlagMulticast == 0: // Linux's loopback does multicast without saying so
		return "", fmt.Errorf("the interface %s does no multicast; name another interface with -i", n.name)
	}
	return n.name, nil
}

func missing(here []nic, name string) error {
	var names []string
	for _, n := range here {
		names = append(names, n.name)
	}
	if near := config.Nearest(name, names); near != "" {
		return fmt.Errorf("this host has no interface %q; did you mean %s?", name, near)
	}
	return fmt.Errorf("this host has no interface %q; it has %s", name, strings.Join(names, ", "))
}

// up and localhost are commands for a loopback that lacks what every host has.
func up(name, system string) string {
	if system == "linux" {
		return "ip link set " + name + " up"
	}
	return "ifconfig " + name + " up"
}

func localhost(name, system string) string {
	if system == "linux" {
		return "ip address add 127.0.0.1/8 dev " + name
	}
	return "ifconfig " + name + " inet 127.0.0.1/8"
}
