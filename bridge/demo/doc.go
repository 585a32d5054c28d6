// Package demo shows the bridge at work without anything else installed: the
// embedded server with one colleague, one client on the mesh, and the real gateway
// between them, over real multicast DNS and TCP on the loopback interface or a
// named one.
package demo
