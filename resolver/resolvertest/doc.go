// Package resolvertest is a DNS server for tests, on loopback, over UDP and TCP. It
// serves a zone written in the test and remembers what it was asked.
package resolvertest
