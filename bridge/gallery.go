package bridge

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/linklocal"
)

// gallery is what is known of pictures beside their octets. Those are facts: they are
// remembered by their SHA-1, whoever has them, so that the same picture is asked for once
// and a restart asks nobody (LL-AV-4, LL-AV-9). Only what has been checked gets in.
type gallery struct {
	octets   int                  // of all
	used     map[string]time.Time // by hash, of this run
	fetching map[string][]func()  // by hash: who wait for it to come from the mesh
	missed   *recent[subject]     // what a peer did not give
}

func newGallery() gallery {
	return gallery{used: map[string]time.Time{}, fetching: map[string][]func(){}, missed: newRecent[subject](missPause, maxMissed)}
}

// avatar returns the octets of the picture with that hash, "" when they are not known.
func (g *Gateway) avatar(hash string) string {
	day, octets := hung(g.fact(store.Avatars, hash))
	if octets == "" {
		return ""
	}
	now := time.Now()
	g.gallery.used[hash] = now
	if today(now)-day >= avatarRenewal {
		g.setFact(store.Avatars, hash, hang(now, octets))
	}
	return octets
}

// keepAvatar takes a picture into the gallery, and reports whether it is one: of a type
// that is shown, with that hash (INJ-25, LL-AV-14).
func (g *Gateway) keepAvatar(hash, octets string) bool {
	switch {
	case linklocal.AvatarHash(octets) != hash:
		g.drops.count("INJ-25")
		return false
	case translate.ImageType(octets) == "":
		g.drops.count("LL-AV-14")
		return false
	}
	now := time.Now()
	g.gallery.used[hash] = now
	g.setFact(store.Avatars, hash, hang(now, octets))
	g.trimGallery()
	return true
}

// trimGallery forgets pictures that nobody has used for long, and of too many those that
// were not used for longest (LL-AV-10).
func (g *Gateway) trimGallery() {
	now := time.Now()
	g.gallery.octets = 0
	for _, hash := range slices.Collect(maps.Keys(g.facts[store.Avatars])) {
		day, octets := hung(g.fact(store.Avatars, hash))
		if octets == "" || today(now)-day > avatarDays && g.gallery.used[hash].IsZero() {
			g.dropAvatar(hash)
			continue
		}
		g.gallery.octets += len(octets)
	}
	for len(g.facts[store.Avatars]) > maxAvatars || g.gallery.octets > avatarRoom {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(g.facts[store.Avatars])), g.usedBefore)
		_, octets := hung(g.fact(store.Avatars, oldest))
		g.gallery.octets -= len(octets)
		g.dropAvatar(oldest)
	}
}

// usedBefore orders pictures by when they were used last; those of earlier runs by day.
func (g *Gateway) usedBefore(a, b string) int {
	if order := g.gallery.used[a].Compare(g.gallery.used[b]); order != 0 {
		return order
	}
	dayA, _ := hung(g.fact(store.Avatars, a))
	dayB, _ := hung(g.fact(store.Avatars, b))
	return dayA - dayB
}

func (g *Gateway) dropAvatar(hash string) {
	delete(g.gallery.used, hash)
	g.setFact(store.Avatars, hash, "")
}

// hang and hung write and read the fact of a picture: the day of its use and its octets.
func hang(now time.Time, octets string) string { return strconv.Itoa(today(now)) + " " + octets }

func hung(fact string) (day int, octets string) {
	word, octets, _ := strings.Cut(fact, " ")
	day, _ = strconv.Atoi(word)
	return day, octets
}

// today counts days. A clock that is not set yet says a day long ago, on which nothing
// gets old.
func today(now time.Time) int { return int(now.Unix() / (24 * 60 * 60)) }

// withAvatar calls then when the picture of a peer is known, or is not to be had: once, in
// bounded time. Nobody is asked before somebody wants to see it (LL-AV-5).
func (g *Gateway) withAvatar(p *peer, then func()) {
	hash := p.profile.PhotoHash
	waiting, asked := g.gallery.fetching[hash]
	_, missed := g.gallery.missed.get(subject{local: p.local, about: hash}, time.Now())
	switch {
	case !p.present, hash == "", missed, g.avatar(hash) != "":
		then()
	case asked && len(waiting) < maxCurious:
		g.gallery.fetching[hash] = append(waiting, then)
	case asked, len(g.gallery.fetching) >= maxFetches, g.stopping:
		then()
	default:
		g.gallery.fetching[hash] = []func(){then, func() { g.missedAvatar(p, hash) }}
		g.mesh.FetchAvatar(p.instance, hash)
	}
}

// missedAvatar notes that a peer did not give what its record promises.
func (g *Gateway) missedAvatar(p *peer, hash string) {
	if g.avatar(hash) == "" {
		g.gallery.missed.note(subject{local: p.local, about: hash}, "", time.Now())
	}
}

// avatarFetched takes in what a peer has given.
func (g *Gateway) avatarFetched(ev linklocal.AvatarFetched) {
	waiting := g.gallery.fetching[ev.Hash]
	delete(g.gallery.fetching, ev.Hash)
	if ev.Avatar != "" && len(waiting) > 0 {
		g.keepAvatar(ev.Hash, ev.Avatar)
	}
	for _, then := range waiting {
		then()
	}
}
