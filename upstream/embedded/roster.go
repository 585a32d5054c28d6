package embedded

import (
	"mellium.im/xmpp/jid"

	"meshbridge/internal/stanza"
)

// contact is one roster item (RFC 6121 section 2.1.2).
type contact struct {
	to    bool // the account sees the contact's presence
	from  bool // the contact sees the account's
	asked bool // the account has asked, and has no answer yet
}

// Available puts the account online, or changes what it shows: show is "", away,
// chat, dnd or xa. Whoever may see it is told; on coming online the server also asks
// for the presence of those the account may see, and delivers what waited.
func (a *Account) Available(show, status string) {
	st := stanza.Stanza{Kind: stanza.Presence, From: a.FullJID()}
	if show != "" {
		st.Payload = append(st.Payload, stanza.New("", "show").AddText(show))
	}
	if status != "" {
		st.Payload = append(st.Payload, stanza.New("", "status").AddText(status))
	}
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	comesOnline := a.presence == nil
	a.presence = &st
	a.broadcast(st)
	if !comesOnline {
		return
	}
	for address, c := range a.roster {
		if c.to {
			a.server.route(stanza.Stanza{Kind: stanza.Presence, From: a.bare, To: address, Type: "probe"})
		}
	}
	waiting := a.offline
	a.offline = nil
	for _, st := range waiting {
		a.deliver(st)
	}
}

// Unavailable takes the account offline and tells whoever may see it.
func (a *Account) Unavailable() {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	if a.presence == nil {
		return
	}
	a.presence = nil
	a.broadcast(stanza.Stanza{Kind: stanza.Presence, From: a.FullJID(), Type: "unavailable"})
}

// Subscribe asks to see a contact's presence. The answer, when there is one, arrives
// as any other stanza.
func (a *Account) Subscribe(address string) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	if c := a.contact(bare(address)); c != nil {
		c.asked = true
		a.tell(bare(address), "subscribe")
	}
}

// Unsubscribe stops seeing a contact's presence.
func (a *Account) Unsubscribe(address string) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	if c := a.contact(bare(address)); c != nil {
		c.asked, c.to = false, false
		a.tell(bare(address), "unsubscribe")
	}
}

// broadcast sends the account's presence to everybody who may see it. s.mu is held.
func (a *Account) broadcast(st stanza.Stanza) {
	for address, c := range a.roster {
		if c.from {
			st.To = address
			a.server.route(st)
		}
	}
}

// tell sends presence of a kind that is the account's, not its client's. s.mu is
// held.
func (a *Account) tell(to, kind string) {
	a.server.route(stanza.Stanza{Kind: stanza.Presence, From: a.bare, To: to, Type: kind})
}

// contact returns the roster item, making it; nil when the roster is full. s.mu is
// held.
func (a *Account) contact(address string) *contact {
	c := a.roster[address]
	if c == nil && len(a.roster) < rosterContacts {
		c = new(contact)
		a.roster[address] = c
	}
	return c
}

// takePresence is RFC 6121 sections 3 and 4.3, with one policy: everybody may see.
// s.mu is held.
func (a *Account) takePresence(st stanza.Stanza) {
	sender := bare(st.From)
	if st.Type == "subscribe" {
		a.allow(sender)
		return
	}
	c := a.roster[sender]
	if c == nil {
		c = new(contact) // a stranger, and remains one
	}
	switch st.Type {
	case "unsubscribe":
		if c.from && a.presence != nil {
			a.server.route(stanza.Stanza{Kind: stanza.Presence, From: a.FullJID(), To: sender, Type: "unavailable"})
		}
		c.from = false
	case "subscribed":
		c.to = c.to || c.asked
		c.asked = false
		a.seen(st)
	case "unsubscribed":
		c.to, c.asked = false, false
		a.seen(st)
	case "probe":
		a.probed(sender, c)
	default:
		a.seen(st)
	}
}

// allow lets somebody see the account's presence from now on. s.mu is held.
func (a *Account) allow(who string) {
	c := a.contact(who)
	if c == nil {
		a.tell(who, "unsubscribed")
		return
	}
	c.from = true
	a.tell(who, "subscribed")
	a.show(who)
}

// show sends the account's presence to one who may see it: unavailable when it is
// offline. s.mu is held.
func (a *Account) show(to string) {
	if a.presence == nil {
		a.tell(to, "unavailable")
		return
	}
	st := *a.presence
	st.To = to
	a.server.route(st)
}

// probed answers a probe. s.mu is held.
func (a *Account) probed(sender string, c *contact) {
	if c.from {
		a.show(sender)
	} else {
		a.tell(sender, "unsubscribed")
	}
}

// seen hands presence to the client, if it is there to see. s.mu is held.
func (a *Account) seen(st stanza.Stanza) {
	if a.presence != nil {
		a.deliver(st)
	}
}

func bare(address string) string {
	j, err := jid.Parse(address)
	if err != nil {
		return address
	}
	return j.Bare().String()
}
