//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// own is a file of /etc that programs started in n see instead of the
// machine's; ip-netns(8) puts it there.
func (n *namespace) own(t testing.TB, file, content string) {
	t.Helper()
	dir := filepath.Join(netnsEtc, n.name)
	mkdir(t, dir)
	write(t, filepath.Join(dir, file), content, 0o644)
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
		_ = os.Remove(netnsEtc) // stays while another office has files there
	})
}

// netnsEtc is where ip-netns(8) looks for such files.
const netnsEtc = "/etc/netns"

// knows has programs in n find these names at an address, and no other name.
func (n *namespace) knows(t testing.TB, address string, names ...string) {
	t.Helper()
	n.own(t, "hosts", fmt.Sprintf("127.0.0.1 localhost\n%s %s\n", address, strings.Join(names, " ")))
	n.own(t, "resolv.conf", "nameserver 127.0.0.1\n")
}
