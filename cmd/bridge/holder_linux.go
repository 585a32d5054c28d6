package main

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"meshbridge/bridge/terminal"
)

// holder says who holds a port, as a part of a sentence: " by avahi-daemon (pid 71)", or
// by whose program it is when this user may not look further, or nothing.
func holder(protocol string, port uint16) string {
	for _, table := range []string{protocol, protocol + "6"} {
		data, err := os.ReadFile("/proc/net/" + table)
		if err != nil {
			continue
		}
		if uid, inode, ok := findSocket(string(data), port); ok {
			return " by " + owner(uid, inode)
		}
	}
	return ""
}

// findSocket looks for a socket bound to port and not connected in /proc/net/tcp or udp:
// number, local address, remote address, state, queues, timer, retries, user ID, timeout,
// inode.
func findSocket(table string, port uint16) (uid, inode string, ok bool) {
	local := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) >= 10 && strings.HasSuffix(f[1], local) && strings.HasSuffix(f[2], ":0000") {
			return f[7], f[9], true
		}
	}
	return "", "", false
}

// owner names the process that has the socket open.
func owner(uid, inode string) string {
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*") // of other users' processes root alone sees them
	for _, fd := range files {
		if to, err := os.Readlink(fd); err != nil || to != "socket:["+inode+"]" {
			continue
		}
		process := filepath.Dir(filepath.Dir(fd))
		if name, err := os.ReadFile(filepath.Join(process, "comm")); err == nil {
			return terminal.Printable(strings.TrimSpace(string(name))) + " (pid " + filepath.Base(process) + ")"
		}
	}
	if u, err := user.LookupId(uid); err == nil {
		return "a program of the user " + u.Username
	}
	return "a program of the user " + uid
}
