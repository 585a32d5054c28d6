package config

import "strings"

// key is one row of the table of keys: a value with the function that takes
// it, or a section with rows of its own.
type key struct {
	name string
	take func(v value) // nil for a section
	keys []key         // of a section, or of each entry of a list
	need string        // set when required: what to add, as an example
}

// table names every key and where its value goes in c.
func (c *Config) table() []key {
	return []key{
		{name: "state", take: pathname(&c.State, true)},
		{name: "log", keys: []key{
			{name: "level", take: logLevel(&c.Log.Level)},
		}},
		{name: "linklocal", keys: c.LinkLocal.table()},
		{name: "upstream", keys: c.Upstream.table()},
		{name: "resolver", keys: []key{
			{name: "servers", take: servers(&c.Resolver.Servers)},
		}},
		{name: "colleagues", take: c.takeColleagues, keys: new(Colleague).table()},
		{name: "access", keys: []key{
			{name: "mesh", take: meshLevel(&c.Access.Mesh)},
			{name: "domains", take: c.takeDomains},
			{name: "admins", take: c.takeAdmins},
			{name: "warn_unencrypted", take: boolean(&c.Access.WarnUnencrypted)},
		}},
		{name: "privacy", keys: c.Privacy.table()},
		{name: "outbox", keys: []key{
			{name: "durability", take: choice(&c.Outbox.Durability, Disk, Memory)},
			{name: "per_recipient", take: number(&c.Outbox.PerRecipient, 1, maxMessages)},
			{name: "total", take: number(&c.Outbox.Total, 1, maxMessages)},
			{name: "bytes", take: size(&c.Outbox.Bytes, minOutbox, maxOutbox)},
			{name: "max_age", take: duration(&c.Outbox.MaxAge, minAge, maxAge)},
		}},
		{name: "limits", keys: c.Limits.table()},
		{name: "control", keys: c.Control.table()},
	}
}

func (l *Limits) table() []key {
	return []key{
		{name: "peer_rate", take: number(&l.PeerRate, 1, maxRate)},
		{name: "peer_burst", take: number(&l.PeerBurst, 1, maxRate)},
		{name: "total_rate", take: number(&l.TotalRate, 1, maxRate)},
		{name: "streams_per_address", take: number(&l.StreamsPerAddress, 1, maxStreams)},
		{name: "streams", take: number(&l.Streams, minStreams, maxStreams)},
	}
}

func (l *LinkLocal) table() []key {
	return []key{
		{name: "interfaces", take: interfaces(&l.Interfaces), need: "interfaces: [br-lan]"},
		{name: "machine", take: machine(&l.Machine)},
		{name: "port", take: number(&l.Port, 0, 65535)},
		{name: "show_away_as", take: choice(&l.ShowAwayAs, AwayAsAway, AwayAsDND)},
		{name: "departure_delay", take: duration(&l.DepartureDelay, minDeparture, maxDeparture)},
		{name: "accept_anonymous_header", take: boolean(&l.AcceptAnonymousHeader)},
		{name: "lenient_from", take: boolean(&l.LenientFrom)},
		{name: "allow_low_ports", take: boolean(&l.AllowLowPorts)},
		{name: "legacy_txt_port", take: boolean(&l.LegacyTXTPort)},
		{name: "global_ipv6", take: boolean(&l.GlobalIPv6)},
	}
}

func (u *Upstream) table() []key {
	return []key{
		{name: "uri", take: target(&u.Target), need: "uri: tcp://127.0.0.1:5347"},
		{name: "component_port", take: number(&u.ComponentPort, 1, 65535)},
		{name: "domain", take: domain(&u.Domain), need: "domain: lan.example.org"},
		{name: "secret_file", take: pathname(&u.SecretFile, false)},
		{name: "secret_env", take: envName(&u.SecretEnv)},
		{name: "insecure_plaintext", take: boolean(&u.InsecurePlaintext)},
		{name: "tls_ca_file", take: pathname(&u.TLSCAFile, false)},
		{name: "tls_pin", take: pin(&u.TLSPin)},
		{name: "max_stanza", take: size(&u.MaxStanza, minStanza, maxStanza)},
		{name: "withdraw_after", take: duration(&u.WithdrawAfter, minWithdraw, maxWithdraw)},
	}
}

func (c *Colleague) table() []key {
	return []key{
		{name: "uri", take: colleagueURI(&c.JID), need: "uri: xmpp:alice@example.org"},
		{name: "nick", take: nick(&c.Nick)},
		{name: "introduce", take: choice(&c.Introduce, IntroduceRoster, IntroduceAsk, IntroduceOff)},
	}
}

// Keys lists every key of the file by its dotted path, those of a list's
// entries as "colleagues[].nick".
func Keys() []string {
	return appendKeys(nil, "", new(Config).table())
}

func appendKeys(paths []string, prefix string, keys []key) []string {
	for _, k := range keys {
		switch path := prefix + k.name; {
		case k.keys == nil:
			paths = append(paths, path)
		case k.take != nil:
			paths = appendKeys(paths, path+"[].", k.keys)
		default:
			paths = appendKeys(paths, path+".", k.keys)
		}
	}
	return paths
}

// value is a node on its way into the Config: it knows its path and where to
// report.
type value struct {
	*node
	path string
	r    *report
}

func (v value) fail(what, do string) { v.r.failAt(v.mark, v.path, what, do) }

// section reads a table by its rows: all that is known, nothing twice, nothing
// else, and all that is required.
func (v value) section(rows []key) {
	if v.kind == unusable {
		return
	}
	if v.kind != table && v.kind != null { // all keys commented out is fine
		if word, _, _ := strings.Cut(v.text, " "); find(rows, word) != nil {
			v.fail("has no colon after "+word, "write "+word+": and the value behind it")
			return
		}
		v.fail("is "+v.kind.noun(), "write its keys below it, indented: "+strings.Join(names(rows), ", "))
		return
	}
	seen, meant := make(map[string]mark), make(map[string]bool)
	for _, p := range v.pairs {
		path := join(v.path, p.key)
		if first, twice := seen[p.key]; twice {
			v.r.failAt(p.mark, path, "is set twice, first on line "+itoa(first.line), "remove one of the two")
			continue
		}
		seen[p.key] = p.mark
		row := find(rows, p.key)
		if row == nil {
			key, do := instead(p.key, rows)
			if key != "" { // it has its problem, which is not that it is missing
				meant[key], v.r.bad[join(v.path, key)] = true, true
			}
			v.r.failAt(p.mark, path, "unknown key", do)
			continue
		}
		v.r.at[path] = p.mark
		row.read(value{node: p.value, path: path, r: v.r}, p.mark)
	}
	for _, row := range rows {
		if _, ok := seen[row.name]; !ok && !meant[row.name] {
			row.absent(join(v.path, row.name), v.r)
		}
	}
}

// absent reports the key at path, or the keys of that section, where required.
func (k *key) absent(path string, r *report) {
	if k.need != "" {
		r.missing(path, k.need)
	}
	if k.take == nil {
		for _, inner := range k.keys {
			inner.absent(join(path, inner.name), r)
		}
	}
}

// read hands the value on. A value that is absent ("port:") stands where its
// key stands.
func (k *key) read(v value, at mark) {
	if v.kind == null {
		v.node = &node{kind: null, mark: at}
	} else {
		v.r.at[v.path] = v.mark
	}
	if k.take == nil {
		v.r.at[v.path] = at // what is missing in a section is reported at its name
		v.section(k.keys)
		return
	}
	k.take(v)
}

func find(rows []key, name string) *key {
	for i := range rows {
		if rows[i].name == name {
			return &rows[i]
		}
	}
	return nil
}

func names(rows []key) []string {
	var all []string
	for _, k := range rows {
		all = append(all, k.name)
	}
	return all
}
