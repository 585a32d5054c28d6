package bridge

import (
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/translate"
	"meshbridge/linklocal"
)

// outageText stands beside every colleague while the server is away.
const outageText = "The chat server cannot be reached; messages are kept."

// mirror makes the mesh show what is known of a colleague (MAP-T, GW-5, GW-7). A
// logout takes effect after a while, since many come back at once.
func (g *Gateway) mirror(c *colleague) {
	if profile, here := g.appearance(c); here {
		c.leaving.stop()
		g.publish(c, profile)
		g.seekCard(c)
		return
	}
	if c.published && !c.leaving.set() {
		c.leaving = g.after(logoutDelay, func() { g.withdraw(c) })
	}
}

// appearance returns how a colleague is to be shown, and whether at all: by the best
// device, or as away for a while after a message from somebody who shows no device.
func (g *Gateway) appearance(c *colleague) (linklocal.Profile, bool) {
	device, here := c.devices.Best()
	switch {
	case here:
	case g.talks(c):
		device = translate.Resource{Show: "away"}
	default:
		return linklocal.Profile{}, false
	}
	if g.outage.told {
		device = translate.Resource{Show: "away", Status: outageText}
	}
	o := translate.ProfileOptions{
		Nick: c.nickname(), HideNick: !g.publishes(config.TXTNick), HideMessage: !g.publishes(config.TXTMessage),
		ShowAwayAs: linklocal.Status(g.cfg.LinkLocal.ShowAwayAs),
	}
	if g.publishes(config.TXTVersion) {
		o.Node, o.Hash, o.Ver = g.proxyMark.Node, g.proxyMark.Hash, g.proxyMark.Ver
	}
	if g.publishes(config.TXTJID) {
		o.JID = c.key()
	}
	if g.avatarOf(c) != "" {
		o.PhotoHash = c.photo
	}
	card := g.cardShown(c)
	o.First, o.Last, o.Emails = card.First, card.Last, card.Emails
	return translate.ProfileFromPresence(device, o), true
}

// talks reports whether a colleague has written lately without being online.
func (g *Gateway) talks(c *colleague) bool {
	return !c.talking.IsZero() && time.Since(c.talking) < talkTime
}

// appear makes sure that a colleague whose words are to be delivered is on the mesh
// (INJ-33), and stays there for answers.
func (g *Gateway) appear(c *colleague, spoke bool) {
	if !c.devices.Available() && (spoke || !c.published) {
		c.talking = time.Now()
		if !c.hush.set() {
			c.hush = g.after(talkTime, func() { g.hushed(c) })
		}
	}
	g.mirror(c)
}

// hushed looks whether a colleague has stopped talking.
func (g *Gateway) hushed(c *colleague) {
	if g.talks(c) {
		c.hush = g.after(time.Until(c.talking.Add(talkTime)), func() { g.hushed(c) })
	}
	g.mirror(c)
}

// publish shows a colleague on the mesh as p says.
func (g *Gateway) publish(c *colleague, p linklocal.Profile) {
	if g.stopping || c.published && c.profile.Equal(p) {
		return
	}
	wanted, _ := g.addr.Instance(c.bare)
	name, other := g.nameFor(c.key(), wanted)
	if !c.published {
		g.log.Debug("colleague up", "instance", name)
	}
	c.published, c.profile = true, p
	shown := linklocal.Proxy{Key: c.key(), Instance: name, Profile: p, Avatar: g.avatarOf(c), Rename: other}
	if p.Ver != "" {
		shown.Disco = g.proxyDisco
	}
	g.mesh.Publish(shown)
}

// withdraw takes a colleague off the mesh.
func (g *Gateway) withdraw(c *colleague) {
	c.leaving.stop()
	if !c.published {
		return
	}
	g.log.Debug("colleague gone", "instance", c.instance)
	c.published = false
	g.mesh.Withdraw(c.key())
	g.setInstance(c, "")
}

// proxyChanged takes in how publishing goes. One that was given up is tried again
// with the next presence or message.
func (g *Gateway) proxyChanged(ev linklocal.ProxyChanged) {
	if ev.Proxy == contactKey {
		g.contactChanged(ev)
		return
	}
	c := g.colleagues[ev.Proxy]
	switch {
	case c == nil || !c.published:
	case ev.Err != nil:
		g.log.Error("a colleague cannot be shown on the mesh: the name is taken, and so are the other ones tried; see who publishes it with avahi-browse -r _presence._tcp, and rename that or linklocal.machine",
			"instance", ev.Instance, "error", ev.Err)
		g.withdraw(c)
	case ev.Announced:
		g.setInstance(c, ev.Instance)
		wanted, _ := g.addr.Instance(c.bare)
		g.rememberName(c.key(), wanted, ev.Instance)
	}
}

// setInstance notes under which name a colleague is on the mesh now, "" for none. It
// is remembered across restarts, so that a crash leaves no ghost.
func (g *Gateway) setInstance(c *colleague, instance string) {
	if c.instance == instance {
		return
	}
	if c.instance != "" {
		g.remember(g.keeper.SetInstance(c.instance, ""))
		g.disown(c, c.instance)
	}
	c.instance = instance
	if instance != "" {
		g.own[localOf(instance)] = c
		delete(g.ghosts, instance)
		g.remember(g.keeper.SetInstance(instance, c.key()))
	}
}

// disown forgets a name that a colleague had for want of the wanted one.
func (g *Gateway) disown(c *colleague, instance string) {
	if wanted, _ := g.addr.Instance(c.bare); instance != wanted {
		delete(g.own, localOf(instance))
	}
}

// exorcise says goodbye for the proxies that a former run left on the mesh and that
// have not come back.
func (g *Gateway) exorcise() {
	for instance := range g.ghosts {
		g.retract(instance)
	}
}

// lay says goodbye for what a former run left of a colleague who is known now not to
// be online.
func (g *Gateway) lay(c *colleague) {
	for instance, bare := range g.ghosts {
		if bare == c.key() && !c.published {
			g.retract(instance)
		}
	}
}

func (g *Gateway) retract(instance string) {
	g.mesh.Retract(instance)
	g.remember(g.keeper.SetInstance(instance, ""))
	delete(g.ghosts, instance)
}
