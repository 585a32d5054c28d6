package config

import (
	"fmt"
	"strings"

	"meshbridge/resolver/uri"
)

// Explain says in three lines what a bridge with this configuration will do:
// on the LAN, towards the server, and whom it lets through.
func (c Config) Explain() []string {
	return []string{"lan: " + c.explainLAN(), "server: " + c.explainServer(), "access: " + c.explainAccess()}
}

func (c Config) explainLAN() string {
	who := "no colleague appears there"
	switch n := len(c.Colleagues); n {
	case 0:
	case 1:
		who = fmt.Sprintf("1 colleague appears there as NAME@%s", c.LinkLocal.Machine)
	default:
		who = fmt.Sprintf("%d colleagues appear there as NAME@%s", n, c.LinkLocal.Machine)
	}
	return fmt.Sprintf("finds people on %s; %s", strings.Join(c.LinkLocal.Interfaces, ", "), who)
}

func (c Config) explainServer() string {
	how := "TLS"
	switch {
	case c.Upstream.Target.Scheme == "tcp" && c.Upstream.Target.Loopback():
		how = "plain text on this host"
	case c.Upstream.Target.Scheme == "tcp" && c.Upstream.InsecurePlaintext:
		how = "PLAIN TEXT over the network"
	case c.Upstream.Target.Scheme == "tcp":
		how = "plain text, and only if that name is this host"
	}
	if !c.Upstream.Target.Literal() {
		return fmt.Sprintf(`finds the server by %s and connects to %s (TLS, verified for %s); people on the LAN become user\40machine@%s`,
			c.Upstream.Target, c.explainPort(), c.Upstream.Target.Host, c.Upstream.Domain)
	}
	return fmt.Sprintf(`connects to %s (%s); people on the LAN become user\40machine@%s`, c.Upstream.Target, how, c.Upstream.Domain)
}

func (c Config) explainPort() string {
	if c.Upstream.Target.Scheme == uri.SRV {
		return "the hosts and ports listed there"
	}
	return fmt.Sprintf("port %d of its hosts", c.Upstream.ComponentPort)
}

func (c Config) explainAccess() string {
	listed := len(c.Colleagues) > 0
	users := strings.Join(c.Access.Domains, ", ")
	switch {
	case listed && users != "":
		return "the listed colleagues may talk to people on the LAN, and users of " + users + " once they subscribe"
	case listed:
		return "the listed colleagues may talk to people on the LAN, nobody else"
	case users != "":
		return "users of " + users + " may talk to people on the LAN once they subscribe"
	}
	return "nobody may talk to people on the LAN yet: list them under colleagues"
}

// Summary says in one line what the configuration holds.
func (c Config) Summary() string {
	colleagues := itoa(len(c.Colleagues)) + " colleagues"
	if len(c.Colleagues) == 1 {
		colleagues = "1 colleague"
	}
	return fmt.Sprintf("%s on %s, %s at %s", colleagues, strings.Join(c.LinkLocal.Interfaces, ", "), c.Upstream.Domain, c.Upstream.Target)
}

// Warnings is what an admin should be told at every start: nothing when no
// danger was typed into the file.
func (c Config) Warnings() []string {
	if what, do := c.plaintext(); what != "" {
		return []string{what + "; " + do}
	}
	return nil
}

// plaintext warns of the typed danger (SEC-5); what is empty when there is none.
func (c Config) plaintext() (what, do string) {
	t := c.Upstream.Target
	if !c.Upstream.InsecurePlaintext || t.Scheme != "tcp" || t.Loopback() {
		return "", ""
	}
	return fmt.Sprintf("insecure_plaintext is set: the secret's hash and all messages travel to %s in plain text", t),
		"use this inside a VPN only, else write tls:// in upstream.uri"
}
