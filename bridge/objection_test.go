package bridge

import (
	"slices"
	"testing"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/linklocal"
)

func TestObjections(t *testing.T) {
	for _, tt := range []struct {
		name string
		mesh config.Mesh
		play func(*coreRig)
		want []string
	}{
		{"nothing is against her", config.Bound, func(*coreRig) {}, nil},
		{"SEC-2 she waits for a yes", config.Approved, func(c *coreRig) { c.speaks(prontoAt, aliceJID, "hello") },
			[]string{"has not been approved (computer pronto, address 10.2.1.187): " + aliceJID}},
		{"SEC-2 she waits for two", config.Approved, func(c *coreRig) {
			c.speaks(prontoAt, aliceJID, "hello")
			c.markHeld(c.theJuliet(), bobJID, c.theJuliet().at)
		}, []string{"has not been approved (computer pronto, address 10.2.1.187): " + aliceJID + " and 1 more"}},
		{"SEC-2 she got a yes", config.Approved, func(c *coreRig) {
			c.speaks(prontoAt, aliceJID, "hello")
			c.approve(c.theJuliet(), aliceJID)
		}, nil},
		{"SEC-2 she got a no", config.Approved, func(c *coreRig) {
			c.speaks(prontoAt, aliceJID, "hello")
			c.deny(c.theJuliet(), aliceJID)
		}, []string{"denied by " + aliceJID}},
		{"SEC-2 an admin said no, and so did a colleague", config.Approved, func(c *coreRig) {
			c.deny(c.theJuliet(), aliceJID)
			c.deny(c.theJuliet(), "")
		}, []string{"denied by an admin"}},
		{"SEC-2 linked: she has an account to prove", config.Linked, func(c *coreRig) { c.speaks(prontoAt, aliceJID, "hello") },
			[]string{"has not proved to own an XMPP account (computer pronto, address 10.2.1.187): " + aliceJID}},
		{"INJ-24 another machine has her name", config.Bound, func(c *coreRig) {
			c.contested(linklocal.Contested{Peer: julietName, Holder: prontoAt, Claimant: radio})
		}, []string{"another machine claims the name (computer pronto, address 10.2.1.43) while the first may still be there"}},
		{"blocked, and blocks", config.Bound, func(c *coreRig) {
			c.setBlock(aliceAndJuliet, byColleague, true)
			c.setBlock(aliceAndJuliet, byPeer, true)
			c.setBlock(store.Pair{Colleague: bobJID, Local: localOf(julietName)}, byColleague, true)
		}, []string{"blocked by " + aliceJID + " and 1 more", "has blocked " + aliceJID}},
		{"who is not there is not told of", config.Bound, func(c *coreRig) {
			c.setBlock(aliceAndJuliet, byColleague, true)
			c.peerGone(julietName, "")
		}, nil},
	} {
		synctestRun(t, tt.name, func(t *testing.T) {
			c := newLevelRig(t, tt.mesh)
			tt.play(c)
			if got := c.objectionsNow()[julietName]; !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
