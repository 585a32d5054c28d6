//go:build linux

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// ejabberdConfig is a server for people in its own namespace, without TLS. The
// component is that of deploy/ejabberd.
const ejabberdConfig = `hosts: [example.org]
loglevel: info
auth_method: internal
include_config_file: ["%[1]s/meshbridge.yml"]
listen:
  - port: 5222
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
modules:
  mod_disco: {}
  mod_offline: {}
  mod_ping: {}
  mod_roster: {}
  mod_vcard: {}
`

// shippedPEM stands in deploy/ejabberd where the certificate goes.
const shippedPEM = "/etc/ejabberd/xmpp.example.org.pem"

// offered is what deploy/ejabberd offers beyond what is needed.
const offered = `#access_rules:
#  meshbridge:
#    allow:
#      server: lan.example.org
#modules:
#  mod_privilege:
#    roster:
#      both: meshbridge
`

// An ejabberd is the real server. Its Erlang node has no name, so there is no
// epmd, no cookie, and no port beside those of XMPP; several may run.
type ejabberd struct {
	*process
	office *office
	site   site
}

func onEjabberd(t testing.TB, o *office) (server, setup) {
	t.Helper()
	return o.newEjabberd(t, o.inSrv()), ordinary
}

// newEjabberd writes the configuration and starts the server.
func (o *office) newEjabberd(t testing.TB, s site) *ejabberd {
	t.Helper()
	mkdir(t, filepath.Join(s.dir, "spool"))
	e := &ejabberd{office: o, site: s}
	write(t, filepath.Join(s.dir, "ejabberd.yml"), fmt.Sprintf(ejabberdConfig, s.dir), 0o600)
	write(t, filepath.Join(s.dir, "meshbridge.yml"), deployed(t, "ejabberd/meshbridge.yml", s.ejabberd()...), 0o600)
	e.up(t)
	return e
}

// ejabberd is what a site replaces in deploy/ejabberd.
func (s site) ejabberd() []string {
	own := []string{shippedSecret, secret, `ip: "::"`, fmt.Sprintf("ip: %q", s.listen)}
	if s.generous {
		own = append(own, offered, strings.ReplaceAll(offered, "#", ""))
	}
	if s.pem != "" {
		return append(own, "certfile: "+shippedPEM, "certfile: "+s.pem)
	}
	own = append(own, "certfile: "+shippedPEM+"\n", "\n")
	if s.bare {
		return own
	}
	return append(own, "tls: true", "tls: false")
}

// up starts the server and makes the accounts that are not there yet. The log
// goes to standard output, where ejabberd writes all of it too.
func (e *ejabberd) up(t testing.TB) {
	t.Helper()
	in := func(name string) string { return filepath.Join(e.site.dir, name) }
	libraries, err := ejabberdLibraries()
	if err != nil {
		t.Fatal(err)
	}
	e.process = e.site.place.start(t, e.office.logs, command{
		name: "ejabberd",
		argv: []string{"erl", "-noinput", "+sbwt", "none", "-mnesia", "dir", fmt.Sprintf("%q", in("spool")),
			"-s", "ejabberd", "-eval", e.site.repair() + registration()},
		env: []string{
			"HOME=" + e.site.dir,
			"ERL_LIBS=" + libraries,
			"ERL_CRASH_DUMP=/dev/null",
			"EJABBERD_CONFIG_PATH=" + in("ejabberd.yml"),
			"EJABBERD_LOG_PATH=" + in("ejabberd.log"),
		},
	})
	e.lines.start().await(t, later, "ejabberd has its accounts", has("accounts are there"))
	e.site.place.awaitPorts(t, "ejabberd", "127.0.0.1:5222", e.site.listen+":5347")
}

// ejabberdLibraries is the folder in which Debian keeps ejabberd for Erlang; its
// name depends on the architecture.
func ejabberdLibraries() (string, error) {
	found, err := filepath.Glob("/usr/lib/*/ejabberd-*/ebin/ejabberd.beam")
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("no /usr/lib/*/ejabberd-*: install the package ejabberd")
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(found[0]))), nil
}

// repair makes good what a privileged component meets in ejabberd 22.10 to 23.04:
// writing a roster fails on an option that is looked up for the domain of the
// component, where no roster is (ejabberd issue 3942). The option is put there.
func (s site) repair() string {
	if !s.generous || s.broken {
		return ""
	}
	return `[M] = ets:lookup(ejabberd_modules, {mod_roster, <<"example.org">>}), ` +
		`ets:insert(ejabberd_modules, setelement(2, M, {mod_roster, <<"` + domain + `">>})), `
}

// registration is what makes the accounts, in Erlang.
func registration() string {
	var b strings.Builder
	for _, name := range people {
		fmt.Fprintf(&b, "ejabberd_auth:try_register(<<%q>>, <<\"example.org\">>, <<%q>>), ", name, password)
	}
	return b.String() + `io:format("accounts are there~n").`
}

func (e *ejabberd) said() *journal[line] { return e.lines }
