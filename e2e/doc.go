// Package e2e holds no product code: its tests put a whole office into network
// namespaces and let the built program, cmd/bridge, work in it among real
// programs. Nothing of the product takes part otherwise; what is judged is what
// Juliet sees in libpurple, what Alice sees in slixmpp, and what is on the wire.
//
//	srv                 router                     LAN hosts
//	+-----------+ veth  +------------------+       +----------------------------+
//	| Prosody   |-------| wan    br-lan    |-------| pronto: dbus avahi Juliet  |
//	| or        |       |    bridge run    |--+    +----------------------------+
//	| ejabberd  |       |    wiretap       |  |    +----------------------------+
//	| Alice     |       +------------------+  +----| forza:  dbus avahi Romeo   |
//	+-----------+       .1        10.77.2.1   |    +----------------------------+
//	10.77.1.2                                 +----| tap: hears all multicast   |
//	                                               +----------------------------+
//
// The pieces, one file each: namespaces and links (netns), processes and their
// logs (process), waiting without sleeping (journal), a LAN host with its own
// D-Bus and Avahi (host), the mDNS listener (tap), what TCP came to the router
// (wiretap), two thousand people (crowd, with what tests in virtual time play
// them with), Juliet (juliet and purple/driver.c), Alice (alice and alice.py), the
// servers (server, prosody, ejabberd, stunnel) with certificates (authority) and
// names (names, dns), a server that records every byte of a component stream
// (recorder), scripted mesh peers (rawpeer), and the program under test
// (program). office puts them together. The crash experiment (crash, crashrow,
// crashtable, ledger, trace) has people who write much and keep every copy
// (rawcolleague, rawtalker, typist, sighting); "make crash" fills
// docs/crash-table.md. "make bench" measures the relay. The servers' component entries are the
// files of deploy/.
//
// The tests need root and the Debian packages listed in packages.txt
// (make e2e-packages). When something is missing they say what, and pass; with
// CI=true in the environment they fail instead.
//
// Two environment variables help when a test fails: E2E_KEEP=1 tells every step
// and keeps the folder with every configuration and log; E2E_CAPTURE=FOLDER
// writes a capture of each office's router there (needs tcpdump).
package e2e
