package policy

// Command is something that a remote user can have the gateway do, by a command of
// XEP-0050 or in a chat with it (GW-20, MAP-M13). Its text is the node.
type Command string

const (
	CommandWho     Command = "who"     // who is on the LAN
	CommandFind    Command = "find"    // whose address is that?
	CommandBlock   Command = "block"   // hear nothing of somebody, or again
	CommandApprove Command = "approve" // let somebody write to oneself; an admin to everybody
	CommandResolve Command = "resolve" // where does an address lead?
	CommandStats   Command = "stats"   // how is the gateway?
)

// MayCommand reports whether the owner of a bare JID may have that done: what is about
// oneself everybody who may subscribe, what is about the gateway its admins, and both
// whatever concerns either. Nobody of the component domain may anything.
func (p Policy) MayCommand(bareJID string, what Command) bool {
	admin := p.Admins[bareJID] && !p.owns(domainOf(bareJID))
	switch what {
	case CommandWho, CommandFind, CommandApprove:
		return admin || p.MaySubscribe(bareJID)
	case CommandBlock:
		return p.MaySubscribe(bareJID)
	case CommandResolve, CommandStats:
		return admin
	}
	return false
}
