package config

import (
	"os/user"
	"strconv"
)

// Control is the socket through which the verbs status, outbox and browse ask a
// running bridge.
type Control struct {
	Socket  string // path of the Unix socket, at most maxSocket octets; "" for none
	Group   string // whose members may ask beside root and the user of the service; "" for nobody
	GroupID int    // what Load found Group to be; -1 without one
}

// DefaultSocket is where a running bridge is asked when no configuration says otherwise.
const DefaultSocket = "/run/meshbridge/control.sock"

func defaultControl() Control { return Control{Socket: DefaultSocket, GroupID: -1} }

func (c *Control) table() []key {
	return []key{
		{name: "socket", take: socketPath(&c.Socket)},
		{name: "group", take: groupName(&c.Group)},
	}
}

func socketPath(dst *string) func(value) {
	return func(v value) {
		var path string
		pathname(&path, false)(v)
		if len(path) > maxSocket {
			v.fail("is longer than the "+itoa(maxSocket)+" octets that a socket's path may have", "write a shorter path, such as "+DefaultSocket)
			return
		}
		if v.kind == scalar {
			*dst = path
		}
	}
}

func groupName(dst *string) func(value) {
	return func(v value) {
		if text, ok := v.scalar("write the name of a group"); ok {
			*dst = text
		}
	}
}

// readGroup looks up the group that may ask.
func (c *Control) readGroup(r *report) {
	if c.Group == "" || r.bad["control.group"] {
		return
	}
	id := c.Group
	if !digits(id) {
		g, err := user.LookupGroup(c.Group)
		if err != nil {
			r.fail("control.group", "this host has no group "+quote(c.Group), "write one that exists, or remove the key")
			return
		}
		id = g.Gid
	}
	n, err := strconv.ParseUint(id, 10, 31)
	if err != nil {
		r.fail("control.group", quote(c.Group)+" is not the number of a group", "write the name of a group")
		return
	}
	c.GroupID = int(n)
}
