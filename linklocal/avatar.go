package linklocal

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"time"

	"meshbridge/linklocal/mdns"
)

// AvatarHash returns what a TXT record says of an avatar under "phsh": the SHA-1 of its
// octets in lower-case hexadecimal digits (XEP-0174 registry), "" for no avatar.
func AvatarHash(avatar string) string {
	if avatar == "" {
		return ""
	}
	sum := sha1.Sum([]byte(avatar))
	return hex.EncodeToString(sum[:])
}

// FetchAvatar asks a peer for the avatar with this hash, in the form of AvatarHash. What
// comes of it is told as [AvatarFetched], once, in bounded time. Data with another hash are
// not taken (INJ-25), and a peer who leaves is asked no more.
func (m *Mesh) FetchAvatar(instance, hash string) {
	m.commands.add(func() {
		p := m.peers[mdns.Fold(instance)]
		if p == nil || len(p.links) == 0 || m.stopping() {
			m.cfg.Handle(AvatarFetched{Hash: hash})
			return
		}
		name, links := p.instance, p.links.order()
		m.handlers.Go(func() {
			avatar := m.fetchAvatar(name, hash, links)
			m.call(func() { m.cfg.Handle(AvatarFetched{hash, avatar}) })
		})
	})
}

// fetchAvatar asks on one link after the other.
func (m *Mesh) fetchAvatar(instance, hash string, links []int) string {
	for _, link := range links {
		ctx, cancel := context.WithTimeout(m.ctx, avatarTimeout/time.Duration(len(links)))
		avatar, err := m.engine.Fetch(ctx, ServiceType, instance, link, func(data string) bool {
			if AvatarHash(data) == hash {
				return true
			}
			m.cfg.Count("INJ-25")
			return false
		})
		cancel()
		if err == nil {
			return avatar
		}
	}
	return ""
}

// avatar is the picture by which p is shown, "" for none: one that is too large cannot be
// sent (LL-AV-2).
func (m *Mesh) avatar(p *proxy) string {
	if len(p.Avatar) > MaxAvatar {
		return ""
	}
	return p.Avatar
}
