package bridge

import (
	"strings"
	"unicode"

	"meshbridge/bridge/caps"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/translate"
	"meshbridge/bridge/wording"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// contact is the gateway itself on the mesh: one more instance, with whom people talk
// in words, because their programs know no commands (INJ-7).
type contact struct {
	published bool
	instance  string            // once the mesh has announced it
	wanted    string            // local part that a peer of the wanted name would have
	local     string            // the same of instance
	profile   linklocal.Profile // as published
}

// contactKey is what the mesh knows the contact by. No bare JID has a slash in it.
const contactKey = "/gateway"

// contactNick is what clients show the contact as.
const contactNick = "Gateway"

// isContactNick reports whether somebody of that name could be taken for the contact.
func isContactNick(name string) bool {
	return strings.EqualFold(strings.TrimFunc(wording.Name(name), func(r rune) bool { return !unicode.IsLetter(r) }), contactNick)
}

// contactName is the instance that the contact wants. Those of colleagues have a
// domain in them.
func (g *Gateway) contactName() string { return "gateway@" + g.addr.Machine() }

// contactShown is the name that people see the contact by just now.
func (g *Gateway) contactShown() string {
	if g.contact.instance != "" {
		return g.contact.instance
	}
	return g.contactName()
}

// isOwn reports whether a peer of that local part would be one of ours: a proxy
// instance, or the contact (INJ-11).
func (g *Gateway) isOwn(local string) bool {
	return g.own[local] != nil || local == g.contact.wanted || g.contact.instance != "" && local == g.contact.local
}

// showContact makes the mesh show the gateway as it stands now. It comes when a server
// has let us in for the first time, and stays there when the colleagues leave for want
// of one: it can still say so.
func (g *Gateway) showContact() {
	if g.stopping || g.listening.IsZero() || g.session == nil && !g.contact.published {
		return
	}
	p := g.contactProfile()
	if g.contact.published && sameProfile(g.contact.profile, p) {
		return
	}
	g.contact.published, g.contact.profile = true, p
	name, other := g.nameFor(contactKey, g.contactName())
	g.mesh.Publish(linklocal.Proxy{Key: contactKey, Instance: name, Profile: p, Rename: other, Disco: disclosure(contactInfo())})
}

// hideContact takes the gateway off the mesh.
func (g *Gateway) hideContact() {
	if g.contact.published {
		g.contact.published = false
		g.mesh.Withdraw(contactKey)
		g.contactNamed("")
	}
}

func (g *Gateway) contactProfile() linklocal.Profile {
	device := translate.Resource{Status: "Write to me: help"}
	if g.outage.told {
		device = translate.Resource{Show: "away", Status: outageText}
	}
	mark := ownMark(contactInfo())
	return translate.ProfileFromPresence(device, translate.ProfileOptions{
		Nick: contactNick, ShowAwayAs: linklocal.Status(g.cfg.LinkLocal.ShowAwayAs),
		Node: mark.Node, Hash: mark.Hash, Ver: mark.Ver,
	})
}

// contactChanged takes in how publishing the contact goes. One that was given up is
// tried again when something changes.
func (g *Gateway) contactChanged(ev linklocal.ProxyChanged) {
	switch {
	case !g.contact.published:
	case ev.Err != nil:
		g.log.Error("the gateway's own contact cannot be shown on the mesh: the name is taken, and so are the other ones tried; see who publishes it with avahi-browse -r _presence._tcp, and rename that or linklocal.machine",
			"instance", ev.Instance, "error", ev.Err)
		g.hideContact()
	case ev.Announced:
		g.contactNamed(ev.Instance)
		g.answerOrphans()
		g.rememberName(contactKey, g.contactName(), ev.Instance)
	}
}

// contactNamed notes under which name the contact is on the mesh, "" for none. It is
// remembered across restarts, so that a crash leaves no ghost.
func (g *Gateway) contactNamed(instance string) {
	if g.contact.instance == instance {
		return
	}
	if g.contact.instance != "" {
		g.remember(g.keeper.SetInstance(g.contact.instance, ""))
	}
	g.contact.instance = instance
	if instance != "" {
		g.contact.local = localOf(instance)
		delete(g.ghosts, instance)
		g.remember(g.keeper.SetInstance(instance, contactKey))
	}
}

// toContact deals with what a bound peer said to the gateway itself.
func (g *Gateway) toContact(p *peer, s stanza.Stanza) {
	v := policy.FromMesh(policy.Case{
		Stanza: s, Target: policy.Gateway,
		Peer: policy.Peer{Level: policy.Bound, Present: p.present}, // that it is bound the mesh vouches for
	}, g.policy)
	switch v.Action {
	case policy.Refuse:
		g.drops.count(v.Rule)
		if r, ok := v.Reply(s); ok {
			g.fromContact(p, r)
		}
	case policy.Answer:
		if s.Kind == stanza.IQ {
			g.fromContact(p, g.answerHere(s, contactInfo()))
		} else {
			g.converse(p, s.Child("", "body").Text())
		}
	default:
		g.drops.count(v.Rule)
	}
}

// fromContact sends a peer a stanza of the contact, now or never: what it answers was
// said a moment ago.
func (g *Gateway) fromContact(p *peer, s stanza.Stanza) {
	g.mesh.Send(linklocal.Delivery{Proxy: contactKey, Peer: p.instance, Stanza: s})
}

// contactInfo is what the contact is and can: the same as every colleague on the mesh,
// for it is the gateway that answers there too.
func contactInfo() caps.Info {
	i := proxyInfo()
	i.Identities = []caps.Identity{{Category: "gateway", Type: "xmpp", Name: contactNick}}
	return i
}

// letter sends a colleague, or an account somewhere, some words of the gateway itself.
func (g *Gateway) letter(to, text string) (id string) {
	id = newID()
	g.answerUp(stanza.Stanza{
		Kind: stanza.Message, Type: "chat", ID: id, From: g.cfg.Upstream.Domain, To: to,
		Payload: []*stanza.Element{stanza.New("", "body").AddText(text)},
	})
	return id
}

// describe puts a peer into words for somebody upstream: the name that it claims, and
// the address, which is more than a claim.
func describe(p *peer) string {
	name, instance := translate.DisplayName(p.profile, p.instance), translate.Tame(p.instance)
	if name == instance {
		return instance + " (" + p.jid + ")"
	}
	return name + ", " + instance + " (" + p.jid + ")"
}
