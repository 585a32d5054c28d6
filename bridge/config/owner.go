package config

import (
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// ownerOf is the user ID that owns a file, -1 where files have none.
func ownerOf(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return -1
}

// userName is the name of a user ID, or the number where it has none.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

func me() string { return userName(os.Geteuid()) }

// suspectOwners looks whether whoever runs the service can read the secret. The owner
// of the state folder is taken for that user.
func (c *Config) suspectOwners(r *report) {
	service := -1
	if info, err := os.Stat(c.State); err == nil {
		service = ownerOf(info)
	}
	if what, do := judgeOwner(c.Upstream.SecretFile, r.secretOwner, service, os.Geteuid()); what != "" {
		r.warn("upstream.secret_file", what, do)
	}
}

// judgeOwner compares user IDs, of which -1 is unknown.
func judgeOwner(file string, secret, service, us int) (what, do string) {
	switch {
	case secret < 0, secret == service:
	case service > 0:
		return file + " belongs to " + userName(secret) + " and the state folder to " + userName(service) + ", who runs the service and cannot read it",
			"run chown " + userName(service) + " " + file
	case secret != 0 && secret != us:
		return file + " belongs to " + userName(secret) + ", who can read and replace it",
			"fine if that user runs the service; else run chown " + userName(us) + " " + file
	}
	return "", ""
}
