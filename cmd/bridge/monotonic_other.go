//go:build !linux

package main

// monotonic is for systemd, which is on Linux.
func monotonic() string { return "0" }
