// Package mdnstest is a LAN in memory, for tests of whatever uses package mdns.
//
//	lan := mdnstest.New()
//	pronto := lan.Host("pronto", "10.2.1.187", "fe80::1")
//	engine, _ := mdns.New(mdns.Config{Interfaces: []string{"eth0"}, Host: "pronto", Network: pronto})
//
// Hosts sit on links, a host may have several interfaces, and one machine may run several
// engines. A multicast reaches every joined socket of its link, the sender's included, as
// the loopback does on a real machine. Nothing here waits except on channels and, where a
// Delay hook asks for it, time.AfterFunc, so everything works inside a testing/synctest
// bubble in virtual time. Log tells afterwards what was said when.
package mdnstest
