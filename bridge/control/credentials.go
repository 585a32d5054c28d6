package control

import (
	"os"
	"os/user"
	"slices"
	"strconv"
)

// credentials are those of a process that connected, as the kernel attests them.
type credentials struct {
	uid, gid int
	groups   []int // beside gid, where the kernel says; else they are looked up
}

// mayAsk reports whether somebody may ask: root, the user of this process, and the
// members of the group gid.
func (c credentials) mayAsk(gid int) bool {
	switch {
	case c.uid == 0, c.uid == os.Geteuid():
		return true
	case gid < 0:
		return false
	}
	return c.gid == gid || slices.Contains(c.groups, gid) || isMember(c.uid, gid)
}

// isMember looks a user's groups up.
func isMember(uid, gid int) bool {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return false
	}
	groups, err := u.GroupIds()
	return err == nil && slices.Contains(groups, strconv.Itoa(gid))
}
