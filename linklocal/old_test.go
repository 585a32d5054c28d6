package linklocal_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/meshtest"
)

// TestOldPeer is about people whose clients are of 2007 and write what version 0.15 of
// XEP-0174 showed, all of it at once. They are read whole, and nothing of it is
// written to them.
func TestOldPeer(t *testing.T) {
	const old, at, port = "nurse angelica", "10.2.1.190", 5562 // an instance without "@"
	records := func(o *office) {
		o.t.Helper()
		m := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Authoritative: true}}
		const owner = `nurse\032angelica._presence._tcp.local.`
		for _, text := range []string{
			`_presence._tcp.local. 4500 IN PTR ` + owner,
			owner + ` 120 IN SRV 0 0 5562 angelica@roundabout.local.`,
			owner + ` 4500 IN TXT "status=dnd"`, // several records, with txtvers last
			owner + ` 4500 IN TXT "port.p2pj=5298" "node=http://www.apple.com/ichat/caps" "ver=524" "ext=rcd sgc" "status=avail"`,
			owner + ` 4500 IN TXT "txtvers=1"`,
			`roundabout.local. 120 IN A ` + at,
		} {
			rr, err := dns.NewRR(text)
			if err != nil {
				o.t.Fatal(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		data, err := m.Pack()
		if err != nil {
			o.t.Fatal(err)
		}
		o.Inject("lan", mdns.Packet{Data: data, Src: netip.MustParseAddrPort(at + ":5353"), Dst: netip.MustParseAddrPort("224.0.0.251:5353")})
		o.wait(2 * time.Second)
	}
	inOffice(t, "LL-3-18 LL-3.1-7 LL-3-9 LL-CAP-8 several TXT records, no @ in the name, an @ in the host: one person, chat both ways", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		ln, err := o.Listen(netip.MustParseAddrPort(fmt.Sprintf("%s:%d", at, port)))
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		o.wait(4 * time.Second)
		records(o)
		seen := of[linklocal.PeerChanged](o)
		if len(seen) != 1 {
			t.Fatalf("seen %+v", seen)
		}
		p := seen[0].Peer
		if p.Instance != old || p.Host != "roundabout" || p.Profile.Status != linklocal.DND || p.Profile.Hash != "" ||
			p.Profile.Ver != "524" || !slices.Equal(p.Profile.Ext, []string{"rcd", "sgc"}) {
			t.Errorf("seen as %+v", p)
		}
		o.send(old, 1, "hello")
		defer time.AfterFunc(10*time.Second, func() { ln.Close() }).Stop()
		conn, err := ln.Accept() // at the port of the SRV record
		if err != nil {
			t.Fatal(err)
		}
		s := (&meshtest.Stream{Conn: conn.(*meshtest.Conn)}).Start()
		o.hears(s, "<stream:stream ")
		o.say(s, "%s", meshtest.Header(old, nurse)) // without version, id and features
		o.hears(s, "<body>hello</body>")
		o.say(s, "<message from='%s' to='%s'><body>ay me</body></message>", old, nurse)
		o.say(s, "</stream:stream>") // and closes the connection, as both sides then did
		o.wait(100 * time.Millisecond)
		s.Close()
		o.wait(2 * time.Second)
		if list := o.received(); !slices.Equal(list, []string{old + ">" + nurseJ + ": ay me"}) {
			t.Errorf("received %q", list)
		}
		if text := got(s); !strings.HasSuffix(text, "</stream:stream>") || strings.Contains(text, "features") || strings.Contains(text, "starttls") {
			t.Errorf("written %q", text)
		}
	})
	inOffice(t, "LL-3-19 LL-4-1 LL-3-4 none of the old names is asked for, none of the old forms is written", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		o.wait(4 * time.Second)
		records(o)
		o.mesh.FetchAvatar(old, strings.Repeat("a", 40))
		o.send(old, 1, "hello")
		o.wait(time.Minute)
		for _, sent := range o.Log() {
			if sent.Host != "bridge" {
				continue
			}
			var m dns.Msg
			if err := m.Unpack(sent.Data); err != nil {
				t.Fatal(err)
			}
			for _, q := range m.Question {
				right := true
				switch q.Qtype {
				case dns.TypePTR:
					right = q.Name == "_presence._tcp.local."
				case dns.TypeSRV, dns.TypeTXT, dns.TypeNULL:
					right = strings.HasSuffix(q.Name, "._presence._tcp.local.")
				}
				if !right || strings.Contains(q.Name, "_presence_tcp") {
					t.Errorf("asked %v", q)
				}
			}
			texts := map[string]int{}
			for _, rr := range m.Answer {
				switch rr := rr.(type) {
				case *dns.TXT:
					texts[rr.Hdr.Name]++
					if texts[rr.Hdr.Name] > 1 || rr.Txt[0] != "txtvers=1" || strings.Contains(rr.String(), "ext=") {
						t.Errorf("written %v", rr)
					}
				case *dns.SRV:
					if strings.Contains(rr.Target, "@") || !strings.HasSuffix(rr.Hdr.Name, "._presence._tcp.local.") {
						t.Errorf("written %v", rr)
					}
				}
			}
		}
	})
}
