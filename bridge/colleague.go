package bridge

import (
	"time"

	"mellium.im/xmpp/jid"

	"meshbridge/bridge/address"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns"
)

// colleague is a remote user who may appear on the mesh.
type colleague struct {
	bare    jid.JID
	nick    string
	listed  bool
	devices translate.Resources
	unsure  bool // what devices says is from before an outage

	published bool
	instance  string            // of the proxy, once the mesh has told it
	profile   linklocal.Profile // as published
	leaving   *time.Timer       // runs from the last device's logout to the goodbye
	talking   time.Time         // last message from somebody who shows no presence
}

func (c *colleague) key() string { return c.bare.String() }

// colleagueOf returns the colleague with a bare JID, known from now on. It returns
// nil when there are too many.
func (g *Gateway) colleagueOf(bare jid.JID) *colleague {
	c := g.colleagues[bare.String()]
	if c == nil && len(g.colleagues) < maxColleague {
		c = &colleague{bare: bare}
		g.colleagues[bare.String()] = c
		name, _ := g.addr.Instance(bare)
		g.own[mdns.Fold(name)] = c
	}
	return c
}

// heard takes in a presence of a colleague's device.
func (g *Gateway) heard(c *colleague, s stanza.Stanza) {
	c.devices.Apply(s)
	c.unsure = false
	g.mirror(c)
}

// mirror makes the mesh show what is known of a colleague (MAP-T, GW-5, GW-7). A
// logout takes effect after a while, since many come back at once.
func (g *Gateway) mirror(c *colleague) {
	device, here := c.devices.Best()
	switch {
	case here:
		g.stay(c)
		g.publish(c, translate.ProfileFromPresence(device, g.profileOptions(c)))
	case time.Since(c.talking) < talkTime && !c.talking.IsZero():
		g.stay(c)
		g.publish(c, translate.ProfileFromPresence(translate.Resource{Show: "away"}, g.profileOptions(c)))
		g.after(talkTime, func() { g.mirror(c) })
	case c.published && c.leaving == nil:
		c.leaving = g.after(logoutDelay, func() {
			c.leaving = nil
			if !c.devices.Available() && time.Since(c.talking) >= talkTime {
				g.withdraw(c)
			}
		})
	}
}

func (g *Gateway) stay(c *colleague) {
	if c.leaving != nil {
		c.leaving.Stop()
		c.leaving = nil
	}
}

func (g *Gateway) profileOptions(c *colleague) translate.ProfileOptions {
	return translate.ProfileOptions{
		Nick:       c.nick,
		ShowAwayAs: linklocal.Status(g.cfg.LinkLocal.ShowAwayAs),
	}
}

// publish shows a colleague on the mesh as p says.
func (g *Gateway) publish(c *colleague, p linklocal.Profile) {
	if c.published && sameProfile(c.profile, p) {
		return
	}
	name, _ := g.addr.Instance(c.bare)
	if !c.published {
		g.log.Info("colleague up", "instance", name)
	}
	c.published, c.profile = true, p
	g.mesh.Publish(linklocal.Proxy{
		Key: c.key(), Instance: name, Profile: p,
		Rename: func(n int) string { return address.Suffixed(name, n) },
	})
}

// withdraw takes a colleague off the mesh.
func (g *Gateway) withdraw(c *colleague) {
	g.stay(c)
	if !c.published {
		return
	}
	g.log.Info("colleague gone", "instance", c.instance)
	c.published = false
	g.mesh.Withdraw(c.key())
	if c.instance != "" {
		g.remember(g.keeper.SetInstance(c.instance, ""))
		c.instance = ""
	}
}

// proxyChanged takes in how publishing goes.
func (g *Gateway) proxyChanged(ev linklocal.ProxyChanged) {
	c := g.colleagues[ev.Proxy]
	if c == nil || !c.published {
		return
	}
	if ev.Err != nil {
		g.log.Error("a colleague cannot be shown on the mesh: the name is taken, and so are the other ones tried; look who publishes it with bridge browse",
			"instance", ev.Instance, "error", ev.Err)
		return
	}
	if ev.Announced && ev.Instance != c.instance {
		if c.instance != "" {
			g.remember(g.keeper.SetInstance(c.instance, ""))
		}
		c.instance = ev.Instance
		g.own[mdns.Fold(ev.Instance)] = c
		delete(g.ghosts, ev.Instance)
		g.remember(g.keeper.SetInstance(c.instance, c.key()))
	}
}

// exorcise says goodbye for the proxies that a former run left on the mesh and that
// have not come back since we are authenticated.
func (g *Gateway) exorcise() {
	if g.session == nil {
		return
	}
	for instance := range g.ghosts {
		g.mesh.Retract(instance)
		g.remember(g.keeper.SetInstance(instance, ""))
		delete(g.ghosts, instance)
	}
}
