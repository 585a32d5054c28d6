package policy

import (
	"testing"

	"pgregory.net/rapid"

	"meshbridge/internal/stanza"
)

func genCase() *rapid.Generator[Case] {
	return rapid.Custom(func(t *rapid.T) Case {
		return Case{
			Stanza: stanza.Stanza{
				Kind:    rapid.SampledFrom([]stanza.Kind{stanza.Message, stanza.Presence, stanza.IQ, "", "stream"}).Draw(t, "kind"),
				From:    rapid.SampledFrom([]string{"", nurse, nurse + "/x", "x@lan.example.com", "lan.example.com", "who@else.example"}).Draw(t, "from"),
				To:      rapid.SampledFrom([]string{"", proxyJID, proxyInstance, "lan.example.com", nurse}).Draw(t, "to"),
				ID:      rapid.SampledFrom([]string{"", "1"}).Draw(t, "id"),
				Type:    rapid.OneOf(rapid.SampledFrom(types), rapid.String()).Draw(t, "type"),
				Payload: rapid.SliceOfN(rapid.Map(rapid.SampledFrom(payloads), func(n stanza.Name) *stanza.Element { return stanza.New(n.Space, n.Local) }), 0, 3).Draw(t, "payload"),
			},
			Target:    Target(rapid.Uint8Range(0, 6).Draw(t, "target")),
			Peer:      Peer{Level: Level(rapid.Uint8Range(0, 4).Draw(t, "level")), Present: rapid.Bool().Draw(t, "present"), Denied: rapid.Bool().Draw(t, "denied"), Gateway: rapid.Bool().Draw(t, "gateway")},
			Colleague: genColleague().Draw(t, "colleague"),
			Blocked:   Block(rapid.Uint8Range(0, 3).Draw(t, "blocked")),
			Relayed:   rapid.Bool().Draw(t, "relayed"),
		}
	})
}

var (
	types    = []string{"", "chat", "normal", "headline", "groupchat", "error", "get", "set", "result", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe"}
	payloads = []stanza.Name{{Local: "body"}, {Local: "error"}, {Space: stanza.NSPing, Local: "ping"}, {Space: "jabber:iq:roster", Local: "query"}, {Space: stanza.NSDiscoInfo, Local: "query"}}
)

func genColleague() *rapid.Generator[Colleague] {
	return rapid.Custom(func(t *rapid.T) Colleague {
		return Colleague{
			JID:        rapid.SampledFrom([]string{"", nurse, "romeo@friends.example", "who@else.example", "x@lan.example.com"}).Draw(t, "jid"),
			Subscribed: rapid.Bool().Draw(t, "subscribed"),
			Registered: rapid.Bool().Draw(t, "registered"),
		}
	})
}

func TestProperties(t *testing.T) {
	t.Run("INJ-13 INJ-17 INJ-18 what crosses from the mesh is a message of a bound peer to an allowed colleague", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			c, p := genCase().Draw(t, "case"), office()
			p.Mesh = Level(rapid.Uint8Range(0, 4).Draw(t, "asked"))
			v := FromMesh(c, p)
			checkVerdict(t, v, c)
			if v.Action == Ask {
				t.Fatalf("a colleague is asked: %+v", c)
			}
			if v.Action != Relay {
				return
			}
			s := c.Stanza
			if s.Kind != stanza.Message || s.Type == "groupchat" || s.Type == "error" && (s.ID == "" || !c.Relayed) || c.Blocked != 0 ||
				c.Peer.Level < Bound || c.Peer.Level < p.Mesh || c.Peer.Gateway || c.Target != Person || !p.MayTalk(c.Colleague) {
				t.Fatalf("relayed: %+v", c)
			}
		})
	})
	t.Run("INJ-31 INJ-32 INJ-35 what crosses from the server is a message of an allowed colleague to a peer, and who is asked is there", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			c, p := genCase().Draw(t, "case"), office()
			p.Mesh = Level(rapid.Uint8Range(0, 3).Draw(t, "asked"))
			v := FromServer(c, p)
			checkVerdict(t, v, c)
			s := c.Stanza
			if v.Action == Drop {
				return
			}
			if s.From == "" || c.Colleague.JID == "" || p.owns(domainOf(s.From)) || !p.owns(domainOf(s.To)) {
				t.Fatalf("dealt with although addresses are wrong: %+v", c)
			}
			if v.Action == Relay && s.Kind != stanza.Presence && (s.Kind != stanza.Message || s.Type == "groupchat" ||
				s.Type == "error" && (s.ID == "" || !c.Relayed) || c.Target != Person || c.Peer.Gateway || c.Peer.Denied && p.Mesh > Bound || c.Blocked != 0 || !p.MayTalk(c.Colleague)) {
				t.Fatalf("relayed: %+v", c)
			}
			if v.Action == Ask && (s.Kind != stanza.IQ || s.Type != "get" || s.ID == "" || len(s.Payload) != 1 ||
				c.Target != Person || !c.Peer.Present || c.Peer.Gateway || c.Blocked != 0 || !p.MayTalk(c.Colleague)) {
				t.Fatalf("asked: %+v", c)
			}
		})
	})
}

// checkVerdict holds for every verdict: it can be counted, and what must not be
// answered is not.
func checkVerdict(t *rapid.T, v Verdict, c Case) {
	if v.Rule == "" && v.Action != Relay {
		t.Fatalf("%+v names no rule", v)
	}
	if v.Action == Relay && v.Rule != "" {
		t.Fatalf("%+v: relayed under a rule", v)
	}
	reply, told := v.Reply(c.Stanza)
	if told != (v.Action == Refuse) {
		t.Fatalf("%+v: told %v", v, told)
	}
	s := c.Stanza
	if told && (s.Type == "error" || s.Kind == stanza.IQ && s.Type == "result") {
		t.Fatalf("%+v answered by %+v", s, reply)
	}
	if told && s.Kind == stanza.Presence && (reply.Type != "unsubscribed" || v.Error != stanza.Error{}) {
		t.Fatalf("a presence answered by %+v", reply)
	}
}

func BenchmarkFromMesh(b *testing.B) {
	c, p := fromJuliet(), office()
	c.Stanza = read(b, stanza.Client, message(` type='chat'`, body))
	b.ReportAllocs()
	for b.Loop() {
		FromMesh(c, p)
	}
}
