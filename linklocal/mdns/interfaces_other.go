//go:build unix && !linux

package mdns

// unusableAddrs knows nothing here: all addresses are taken as usable.
func unusableAddrs() map[ifAddr]bool { return nil }
