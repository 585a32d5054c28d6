package bridge

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// pixel is the picture of V-6 in base64.
const (
	pixel     = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	pixelHash = "4a5eb7171b58e08a6881721e3b43d5a44419a2be"
)

func decoded(t testing.TB, text string) string {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// gif is an image of so many octets, different for each n.
func gif(n, octets int) string { return fmt.Sprintf("GIF89a%06d", n) + strings.Repeat("x", octets-12) }

// pictured is a core with Juliet on the mesh, whose record promises the picture of V-6.
func pictured(t *testing.T, avatar string) *coreRig {
	c := serving(t, []string{"txtvers=1", "phsh=" + strings.ToUpper(pixelHash)}, nil)
	c.mesh.avatars = map[string]string{pixelHash: avatar}
	return c
}

// cardOf returns what Alice gets for the card of somebody, as XML.
func (c *coreRig) cardOf(to string) string {
	c.t.Helper()
	list := c.requests("get", to, stanza.New(stanza.NSVCard, "vCard"))
	if len(list) != 1 {
		c.t.Fatalf("%d answers", len(list))
	}
	return string(stanza.Append(nil, stanza.Component, list[0]))
}

// kept is how many pictures are remembered, and their octets.
func (c *coreRig) kept() (n, octets int) {
	for _, fact := range c.store.Facts[store.Avatars] {
		_, avatar := hung(fact)
		n, octets = n+1, octets+len(avatar)
	}
	return n, octets
}

func TestAvatarsOfPeers(t *testing.T) {
	const photo = `<PHOTO><TYPE>image/png</TYPE><BINVAL>` + pixel + `</BINVAL></PHOTO>`
	synctestRun(t, "LL-AV-5 LL-AV-13 MAP-X3 V-6 told by its hash, asked for with the card, and not before", func(t *testing.T) {
		c := pictured(t, decoded(t, pixel))
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		c.rest(time.Minute)
		said := c.session.take()
		if s := said[len(said)-1]; s.Child("vcard-temp:x:update", "x").Child("vcard-temp:x:update", "photo").Text() != pixelHash {
			t.Errorf("%+v", s)
		}
		if len(c.mesh.asked) != 0 {
			t.Fatalf("asked unasked: %q", c.mesh.asked)
		}
		if card := c.cardOf(julietJID); !strings.Contains(card, photo) {
			t.Error(card)
		}
		if !slices.Equal(c.mesh.asked, []string{julietName + " " + pixelHash}) {
			t.Errorf("asked: %q", c.mesh.asked)
		}
	})
	synctestRun(t, "LL-AV-4 two with the same picture, asked for at once and again: one question", func(t *testing.T) {
		c := pictured(t, decoded(t, pixel))
		c.meets(romeoName, "forza", "phsh="+pixelHash)
		for range 3 {
			for _, to := range []string{julietJID, romeoJID} {
				c.hears(stanza.Stanza{Kind: stanza.IQ, Type: "get", ID: to, From: aliceJID + "/desk", To: to, Payload: []*stanza.Element{stanza.New(stanza.NSVCard, "vCard")}})
			}
		}
		answers := c.waits(time.Second)
		for _, s := range answers {
			if xml := string(stanza.Append(nil, stanza.Component, s)); s.ID != s.From || !strings.Contains(xml, photo) {
				t.Error(xml)
			}
		}
		if c.cardOf(romeoJID); len(answers) != 6 || len(c.mesh.asked) != 1 {
			t.Errorf("%d answers, asked %q", len(answers), c.mesh.asked)
		}
	})
	synctestRun(t, "LL-AV-9 remembered across a restart", func(t *testing.T) {
		c := pictured(t, decoded(t, pixel))
		c.cardOf(julietJID)
		again := pictured(t, "")
		again.recall(c.store.copy())
		if card := again.cardOf(julietJID); !strings.Contains(card, photo) || len(again.mesh.asked) != 0 {
			t.Errorf("asked %q: %s", again.mesh.asked, card)
		}
	})
	synctestRun(t, "LL-AV-9 another picture in place of the old one is asked for anew", func(t *testing.T) {
		c := pictured(t, decoded(t, pixel))
		c.cardOf(julietJID)
		other := gif(1, 500)
		c.mesh.avatars[linklocal.AvatarHash(other)] = other
		c.meets(julietName, "pronto", "phsh="+linklocal.AvatarHash(other))
		if card := c.cardOf(julietJID); !strings.Contains(card, base64.StdEncoding.EncodeToString([]byte(other))) || len(c.mesh.asked) != 2 {
			t.Errorf("asked %q: %s", c.mesh.asked, card)
		}
	})
	for rule, avatar := range map[string]string{"LL-AV-8 INJ-25 wrong octets": "another", "LL-AV-14 no image": "<html>", "LL-AV-5 none at all": ""} {
		synctestRun(t, rule+": not kept, not served, and for a minute not asked for again", func(t *testing.T) {
			hash := pixelHash
			c := pictured(t, avatar)
			if avatar == "<html>" {
				hash = linklocal.AvatarHash(avatar)
				c.mesh.avatars[hash] = avatar
				c.meets(julietName, "pronto", "phsh="+hash)
			}
			for range 2 { // the second after half a minute
				if card := c.cardOf(julietJID); strings.Contains(card, "PHOTO") || !strings.Contains(card, "<FN>") {
					t.Error(card)
				}
			}
			if n, _ := c.kept(); n != 0 || len(c.mesh.asked) != 1 {
				t.Errorf("kept %d, asked %q", n, c.mesh.asked)
			}
			if got := c.drops.of("INJ-25") + c.drops.of("LL-AV-14"); got != 1 && avatar != "" {
				t.Errorf("counted %d times", got)
			}
			c.rest(time.Minute)
			if c.cardOf(julietJID); len(c.mesh.asked) != 2 {
				t.Errorf("asked %q", c.mesh.asked)
			}
		})
	}
	synctestRun(t, "PRIV-2 hidden pictures are neither told nor asked for", func(t *testing.T) {
		c := newCoreRig(t)
		c.cfg.Privacy.Show = nil
		c.up()
		c.hears(pres(aliceJID+"/desk", component, ""))
		c.mesh.avatars = map[string]string{pixelHash: decoded(t, pixel)}
		c.meets(julietName, "pronto", "phsh="+pixelHash)
		if card := c.cardOf(julietJID); strings.Contains(card, "PHOTO") || len(c.mesh.asked) != 0 {
			t.Errorf("asked %q: %s", c.mesh.asked, card)
		}
	})
	synctestRun(t, "GW-14 GW-15 who leaves meanwhile has no card, and who asks gets one answer", func(t *testing.T) {
		c := pictured(t, decoded(t, pixel))
		c.hears(stanza.Stanza{Kind: stanza.IQ, Type: "get", ID: "q", From: aliceJID + "/desk", To: julietJID, Payload: []*stanza.Element{stanza.New(stanza.NSVCard, "vCard")}})
		c.peerGone(julietName, "")
		if got := outcome(t, c.waits(30*time.Second)); got != no {
			t.Error(got)
		}
		if got := outcome(t, c.requests("get", julietJID, stanza.New(stanza.NSVCard, "vCard"))); got != no {
			t.Error(got)
		}
	})
	synctestRun(t, "at most 16 pictures are asked for at a time, and 32 wait for one; the others get the card without", func(t *testing.T) {
		c := serving(t, nil, nil)
		ask := func(to string) {
			c.hears(stanza.Stanza{Kind: stanza.IQ, Type: "get", ID: "q", From: aliceJID + "/desk", To: to, Payload: []*stanza.Element{stanza.New(stanza.NSVCard, "vCard")}})
		}
		for n := range maxFetches + 5 {
			name := fmt.Sprintf("p%d@pc%d", n, n)
			c.meets(name, "pc", "phsh="+linklocal.AvatarHash(gif(n, 100)))
			ask(proxyOf(name))
		}
		for range maxCurious + 5 {
			ask(proxyOf("p0@pc0"))
		}
		c.rest(time.Second)
		if n := len(c.session.take()); len(c.mesh.asked) != maxFetches || n != 5+5+1+1 { // one waits already beside its own note
			t.Errorf("asked for %d, %d answers at once", len(c.mesh.asked), n)
		}
	})
}

func TestGallery(t *testing.T) {
	synctestRun(t, "LL-AV-10 of too many the one that was not used for longest goes", func(t *testing.T) {
		c := newCoreRig(t)
		keep := func(n, octets int) string {
			c.rest(time.Second)
			hash := linklocal.AvatarHash(gif(n, octets))
			if !c.keepAvatar(hash, gif(n, octets)) {
				t.Fatal("not kept")
			}
			return hash
		}
		first, second := keep(0, 100), keep(1, 100)
		for n := 2; n < maxAvatars; n++ {
			keep(n, 100)
		}
		if n, _ := c.kept(); n != maxAvatars || c.avatar(first) == "" {
			t.Fatalf("%d kept", n)
		}
		keep(maxAvatars, 100)
		if n, _ := c.kept(); n != maxAvatars || c.avatar(second) != "" || c.avatar(first) == "" || len(c.gallery.used) > maxAvatars {
			t.Errorf("%d kept", n)
		}
		for n := range 2 * avatarRoom / 8192 {
			keep(1000+n, 8192)
		}
		if n, octets := c.kept(); octets > avatarRoom || octets < avatarRoom-8192 || c.gallery.octets != octets {
			t.Errorf("%d kept, of %d octets, reckoned as %d", n, octets, c.gallery.octets)
		}
	})
	synctestRun(t, "LL-AV-10 what nobody used for 30 days is forgotten, what was used is not", func(t *testing.T) {
		c := newCoreRig(t)
		used, unused := linklocal.AvatarHash(gif(1, 100)), linklocal.AvatarHash(gif(2, 100))
		c.keepAvatar(used, gif(1, 100))
		c.keepAvatar(unused, gif(2, 100))
		before := c.store.Facts[store.Avatars][used]
		<-time.After(6 * 24 * time.Hour)
		if c.avatar(used); c.store.Facts[store.Avatars][used] != before {
			t.Error("noted again within a week")
		}
		<-time.After(14 * 24 * time.Hour)
		if c.avatar(used); c.store.Facts[store.Avatars][used] == before {
			t.Error("not noted")
		}
		<-time.After(11*24*time.Hour + time.Hour)
		again := newCoreRig(t)
		again.recall(c.store.copy())
		if again.avatar(used) == "" || again.avatar(unused) != "" {
			t.Errorf("used %v, unused %v", again.avatar(used) != "", again.avatar(unused) != "")
		}
	})
	t.Run("a damaged fact is no picture", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newCoreRig(t)
			s := newFakeStore().copy()
			s.Facts[store.Avatars] = map[string]string{"a": "", "b": "12", "c": "x y"}
			c.recall(s)
			if c.avatar("a")+c.avatar("b") != "" || len(c.facts[store.Avatars]) > 1 {
				t.Errorf("%q", c.facts[store.Avatars])
			}
		})
	})
}
