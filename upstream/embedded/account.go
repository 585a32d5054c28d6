package embedded

import (
	"crypto/rand"

	"mellium.im/xmpp/jid"

	"meshbridge/internal/stanza"
)

// resource is the one client of every account.
const resource = "client"

// Account is a user of the server, with one client. Its methods may be called from
// any goroutine.
type Account struct {
	server *Server
	bare   string
	inbox  chan stanza.Stanza

	presence *stanza.Stanza      // guarded by server.mu; as last sent, nil while offline
	roster   map[string]*contact // guarded by server.mu; by bare JID
	offline  []stanza.Stanza     // guarded by server.mu; messages that wait for the client
	dropped  int                 // guarded by server.mu
}

// Account returns the account of that bare JID, making it when it does not exist.
// It is offline and its roster is empty then. An address that is no JID gets an
// account that nobody can reach.
func (s *Server) Account(address string) *Account {
	if j, err := jid.Parse(address); err == nil {
		address = j.Bare().String()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[address]
	if a == nil {
		a = &Account{
			server: s, bare: address,
			inbox:  make(chan stanza.Stanza, inboxStanzas),
			roster: map[string]*contact{},
		}
		s.accounts[address] = a
	}
	return a
}

// JID returns the bare JID.
func (a *Account) JID() string { return a.bare }

// FullJID returns the address of the account's client.
func (a *Account) FullJID() string { return a.bare + "/" + resource }

// Received returns what arrived for the client, oldest first. At most 256 stanzas
// wait; see Dropped. Either read it or use Handle.
func (a *Account) Received() <-chan stanza.Stanza { return a.inbox }

// Dropped returns how many stanzas were lost because nobody took them in time.
func (a *Account) Dropped() int {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	return a.dropped
}

// Handle calls f for everything that arrives for the client, in order, until the
// server is closed. f may call any method of the account.
func (a *Account) Handle(f func(stanza.Stanza)) {
	a.server.handlers.Go(func() {
		for {
			select {
			case st := <-a.inbox:
				f(st)
			case <-a.server.closed:
				return
			}
		}
	})
}

// AutoReply makes the account answer chat messages, as a person would: answer gets
// the body and returns the words to write back, or "" for silence. It uses Handle.
func (a *Account) AutoReply(answer func(body string) string) {
	a.Handle(func(st stanza.Stanza) {
		body := st.Child("", "body")
		if st.Kind != stanza.Message || st.Type == "error" || body == nil {
			return
		}
		if words := answer(body.Text()); words != "" {
			a.Send(st.From, words)
		}
	})
}

// Send writes a chat message and returns its id.
func (a *Account) Send(to, body string) (id string) {
	id = rand.Text()
	a.Write(stanza.Stanza{
		Kind: stanza.Message, To: to, ID: id, Type: "chat",
		Payload: []*stanza.Element{stanza.New("", "body").AddText(body)},
	})
	return id
}

// Write sends any message or iq from the account's client; presence has methods of
// its own, but directed presence may be sent too. The server puts in the sender.
func (a *Account) Write(st stanza.Stanza) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	st.From = a.FullJID()
	a.server.route(st)
}

// take is the server handling a stanza for one of its accounts (RFC 6121 section
// 8.5). s.mu is held.
func (a *Account) take(st stanza.Stanza, to jid.JID) {
	forClient := to.Resourcepart() == resource && a.presence != nil
	switch st.Kind {
	case stanza.Presence:
		a.takePresence(st)
	case stanza.Message:
		a.takeMessage(st)
	case stanza.IQ:
		switch {
		case st.Type == "result" || st.Type == "error":
			if forClient {
				a.deliver(st)
			}
		case forClient || to.Resourcepart() == "":
			a.server.answer(st) // the client knows as little as the server
		default:
			a.server.refuse(st, unavailable())
		}
	}
}

// takeMessage delivers a message, or keeps it until the client is back.
func (a *Account) takeMessage(st stanza.Stanza) {
	switch {
	case a.presence != nil:
		a.deliver(st)
	case st.Type == "error" || st.Type == "headline":
		// not for later
	case len(a.offline) < offlineStanzas:
		a.offline = append(a.offline, st)
	default:
		a.server.refuse(st, unavailable())
	}
}

// deliver hands a stanza to the client. s.mu is held.
func (a *Account) deliver(st stanza.Stanza) {
	select {
	case a.inbox <- st:
	default:
		a.dropped++
		a.server.log.Warn("an account does not take its stanzas, one is dropped", "dropped", a.dropped)
	}
}
