package store

// Kind names a table of plain facts: words about things that have a name. What a
// key and a value of a kind are is the business of who keeps it; neither is empty,
// and both fit into their bounds: maxOctets, and for an avatar maxAvatarOctets.
type Kind string

// The kinds. A new one is read by older programs as if it were not there.
const (
	Registrations Kind = "registrations" // bare JID of who registered: how
	Identities    Kind = "identities"    // local part of a peer: by what it is recognised (INJ-26)
	Approvals     Kind = "approvals"     // local part, or local part and colleague: who said yes or no, and to whom
	Links         Kind = "links"         // local part of a peer: the account that it proved to own (INJ-27)
	Blocks        Kind = "blocks"        // colleague and local part: who blocked
	Notices       Kind = "notices"       // what somebody was told once: when
	Introductions Kind = "introductions" // colleague and local part: who was introduced to whom (GW-25)
	Names         Kind = "names"         // bare JID of a colleague: the instance that it got on the mesh
	Avatars       Kind = "avatars"       // SHA-1 of a picture: the day of its last use, and its octets
)

// kinds lists every kind: what is not here is not read.
func kinds() []Kind {
	return []Kind{Registrations, Identities, Approvals, Links, Blocks, Notices, Introductions, Names, Avatars}
}

// Set records a fact; an empty value forgets it.
func (s *Store) Set(kind Kind, key, value string) error {
	if kind == Avatars {
		return s.putWithin(maxAvatarOctets, string(kind), key, value)
	}
	return s.put(string(kind), key, value)
}
