//go:build !linux

package linklocal

import "net/netip"

// hardwareOf knows no neighbour table on this system.
func hardwareOf(netip.Addr) string { return "" }
