package main

import (
	"strings"
	"testing"

	"meshbridge/resolver/resolvertest"
)

func TestBrowseDomain(t *testing.T) {
	const zone = `
_presence._tcp.example.com. 60 IN PTR juliet\@pronto._presence._tcp.example.com.
_presence._tcp.example.com. 60 IN PTR romeo\@forza._presence._tcp.example.com.
_presence._tcp.example.com. 60 IN PTR nurse\@bridge._presence._tcp.example.com.
juliet\@pronto._presence._tcp.example.com. 60 IN SRV 0 0 5562 pronto.example.com.
juliet\@pronto._presence._tcp.example.com. 60 IN TXT "txtvers=1" "status=dnd" "msg=\027[2J"
romeo\@forza._presence._tcp.example.com. 60 IN SRV 0 0 5298 forza.example.com.
nurse\@bridge._presence._tcp.example.com. 60 IN SRV 0 0 5298 bridge.local.
pronto.example.com. 60 IN A 192.0.2.1
forza.example.com. 60 IN AAAA 2001:db8::2
SERVFAIL _presence._tcp.broken.example.
`
	server := resolvertest.Serve(t, zone).Addr().String()
	t.Run("LL-11.4-1 LL-11.4-2 the people of a domain, and of what origin they are", func(t *testing.T) {
		code, out, errs := callProgram("browse", "-t", "--json", "--domain", "example.com", "--server", server)
		want := `{"event":"add","instance":"juliet@pronto","origin":"wide-area","interfaces":["example.com"],"host":"pronto.example.com","port":5562,` +
			`"addresses":["192.0.2.1"],"txt":{"msg":"[2J","status":"dnd","txtvers":"1"}}` + "\n" +
			`{"event":"add","instance":"romeo@forza","origin":"wide-area","interfaces":["example.com"],"host":"forza.example.com","port":5298,` +
			`"addresses":["2001:db8::2"],"txt":{}}` + "\n"
		if code != exitOK || out != want || errs != "" {
			t.Errorf("exit %d, %q\ngot  %s\nwant %s", code, errs, out, want)
		}
		code, out, errs = callProgram("browse", "-t", "--domain", "example.com", "--server", server)
		if lines := strings.Split(out, "\n"); code != exitOK || errs != "" || len(lines) != 3 ||
			!strings.HasPrefix(lines[0], "+ example.com") || !strings.Contains(lines[0], "pronto.example.com:5562") || !strings.Contains(lines[0], "dnd") {
			t.Errorf("exit %d, %q, %q", code, errs, out)
		}
	})
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--domain", "empty.example"}, exitNotFound, "nobody is listed in empty.example; its zone lists people as PTR records of _presence._tcp.empty.example"},
		{[]string{"--domain", "broken.example"}, exitRuntime, "asking who is in broken.example: temporary: SERVFAIL"},
		{[]string{"--domain", "office.local"}, exitUsage, "is asked for on the local link only (RFC 6762 section 3)); people of the LAN are seen without --domain"},
		{[]string{"--domain", "example.com", "-i", "lo"}, exitUsage, "leave out --domain, or -i and --socket"},
		{nil, exitUsage, "asks a DNS server with --domain only"},
	} {
		code, out, errs := callProgram(append([]string{"browse", "-t", "--server", server}, c.args...)...)
		if code != c.code || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%q: exit %d, %q, %q", c.args, code, out, errs)
		}
	}
}
