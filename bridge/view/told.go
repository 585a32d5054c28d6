package view

// Print prints an event that a running bridge has told, as Run prints its own.
func Print(o Options, e Event) error {
	v := &view{Options: o}
	if o.JSON {
		return v.writeJSON(e.sighting())
	}
	return v.writeText(e.sighting())
}
