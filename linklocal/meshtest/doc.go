// Package meshtest is a LAN in memory: multicast DNS by mdnstest and TCP by pipes,
// for tests in virtual time (testing/synctest). It has no goroutines of its own.
package meshtest
