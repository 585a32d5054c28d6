package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"meshbridge/resolver/resolvertest"
)

// resolveZone serves the zone of the worked values.
func resolveZone(t *testing.T) *resolvertest.Server {
	t.Helper()
	zone, err := os.ReadFile("testdata/resolve/zone")
	if err != nil {
		t.Fatal(err)
	}
	return resolvertest.Serve(t, string(zone))
}

func TestResolveJSON(t *testing.T) {
	dns := resolveZone(t).Addr().String()
	for _, c := range []struct {
		rule, file string
		code       int
		args       string
	}{
		{"V-1 RES-3861-3-2 IM, one protocol", "im.json", exitUsage, "--protocols xmpp im:user@example.com im:u@dot.example im:u@cn.example im:u@plain.example " +
			"im:u@sf.example im:u@noaddr.example pres:u@nx.example im:u@localhost im:u@192.0.2.1"},
		{"V-1 RES-3861-3-3 IM, both protocols", "im-both.json", exitRuntime, "pres:user@example.com im:u@dot.example im:u@plain.example im:u@sf.example pres:u@nx.example"},
		{"V-1 RES-6120-1 RES-0368-1 XC", "xc.json", exitNotFound, "xmpp:example.net xmpp:notls.example xmpp:half.example xmpp:off.example xmpp:bare.example xmpp:nx.example"},
		{"V-1 RES-6120-6 component", "component.json", exitOK, "--component-port 5347 xmpp:example.net im:user@example.com xmpp:bare.example srv:_xmpp-component._tcp.example.net"},
		{"V-3 RES-5122-2 what is written and what it names", "uris.json", exitUsage, "xmpp:Alice@Example.NET/x?message xmpp://guest@example.net/support@example.net " +
			"xmpp://guest@example.net im:a%40b@plain.example?subject=<x>&body=y im:j%C3%BCrgen@m%C3%BCnchen.example alice@example.net mailto:a@b.example " +
			"sip:alice@example.net tel:+12025550100 tls://example.net srv:example.net xmpp:%zz"},
		{"RES-3921-1 as another server would", "s2s.json", exitOK, "--s2s xmpp:alice@bare.example xmpp:example.com"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			args := append([]string{"resolve", "--json", "--server", dns, "--random", "0,0,0"}, strings.Fields(c.args)...)
			code, out, errs := callProgram(args...)
			if code != c.code || errs != "" {
				t.Errorf("exit %d, %q", code, errs)
			}
			out = strings.ReplaceAll(out, dns, "SERVER")
			for line := range strings.Lines(out) {
				if !json.Valid([]byte(line)) {
					t.Errorf("no JSON: %s", line)
				}
			}
			golden(t, "resolve/"+c.file, out)
		})
	}
}

func TestResolveText(t *testing.T) {
	dns := resolveZone(t).Addr().String()
	took, server := regexp.MustCompile(` *\b\d+ms`), regexp.MustCompile(regexp.QuoteMeta(dns))
	for file, args := range map[string]string{
		"plain.txt": "xmpp:example.net im:user@example.com",
		"trace.txt": "--trace pres:user@example.com im:user@example.com xmpp:bare.example xmpp:off.example im:u@sf.example im:u@noaddr.example im:u@cn.example im:u@localhost xmpp:nx.example",
	} {
		t.Run(file, func(t *testing.T) {
			_, out, errs := callProgram(append([]string{"resolve", "--server", dns, "--random", "0,5"}, strings.Fields(args)...)...)
			if errs != "" {
				t.Error(errs)
			}
			golden(t, "resolve/"+file, server.ReplaceAllString(took.ReplaceAllString(out, "  0ms"), "SERVER"))
		})
	}
	t.Run("a failure is told on standard error, with what to do", func(t *testing.T) {
		code, out, errs := callProgram("resolve", "--server", dns, "xmpp:off.example")
		if want := "office-bridge resolve: \"xmpp:off.example\": service decidedly not available (target .): off.example says so; if it should be, remove that SRV record\n"; code != exitNotFound || out != "" || errs != want {
			t.Errorf("exit %d, %q, %q", code, out, errs)
		}
	})
}

func TestResolveNumbers(t *testing.T) {
	dns := resolvertest.Serve(t, "_x._tcp.d.example. 1 IN SRV 0 10 1 a.d.example.\n_x._tcp.d.example. 1 IN SRV 0 60 1 b.d.example.\n"+
		"_x._tcp.d.example. 1 IN SRV 0 30 1 c.d.example.\na.d.example. 1 IN A 192.0.2.1\nb.d.example. 1 IN A 192.0.2.2\nc.d.example. 1 IN A 192.0.2.3\n")
	for numbers, want := range map[string]string{
		"0,0,0": "abc", "11,40,10": "bca", "100,70,10": "cba", "70,11,0": "bca", "0": "abc", "100": "cab",
	} {
		t.Run("V-1 RES-2782-2 --random "+numbers, func(t *testing.T) {
			_, out, _ := callProgram("resolve", "--json", "--server", dns.Addr().String(), "--random", numbers, "srv:_x._tcp.d.example")
			var got struct{ Targets []struct{ Host string } }
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			order := ""
			for _, target := range got.Targets {
				order += target.Host[:1]
			}
			if order != want {
				t.Errorf("%s, want %s", order, want)
			}
		})
	}
}

func TestResolveMisuse(t *testing.T) {
	for args, want := range map[string]string{
		"":                                    "wants a URI, as xmpp:example.org",
		"--json --trace xmpp:a.example":       "either --json or --trace",
		"--server dns.example xmpp:a.example": "want IP or IP:PORT",
		"--component-port 0 xmpp:a.example":   "want a port from 1 to 65535",
		"--random 1,x xmpp:a.example":         "want numbers",
		"--random -1 xmpp:a.example":          "want numbers",
		"--protocols sip,sip im:a@b.example":  "want xmpp and sip",
		"--protocols smtp im:a@b.example":     "want xmpp and sip",
		"--want sms tel:+1":                   "want some of im,xmpp,pres",
		"--transports sctp sip:a@b.example":   "want some of tls,tcp,udp",
	} {
		code, out, errs := callProgram(append([]string{"resolve"}, strings.Fields(args)...)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, want) || !strings.Contains(errs, "see office-bridge help resolve") {
			t.Errorf("%s: exit %d, %q, %q", args, code, out, errs)
		}
	}
	t.Run("lists that will count are taken today", func(t *testing.T) {
		dns := resolveZone(t).Addr().String()
		if code, _, errs := callProgram("resolve", "--server", dns, "--want", "xmpp,im", "--transports", "tls,udp", "xmpp:example.net"); code != exitOK {
			t.Errorf("exit %d, %s", code, errs)
		}
	})
}
