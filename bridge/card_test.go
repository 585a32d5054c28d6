package bridge

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshbridge/bridge/config"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// faced is a presence of Alice's that tells of a picture; "" for none.
func faced(hash string) stanza.Stanza {
	s := pres(aliceJID+"/desk", component, "")
	s.Payload = []*stanza.Element{stanza.New("vcard-temp:x:update", "x").Add(stanza.New("vcard-temp:x:update", "photo").AddText(hash))}
	return s
}

// sought lists the questions for cards that went upstream since the last time.
func (c *coreRig) sought() (list []stanza.Stanza) {
	for _, s := range c.session.take() {
		if s.Kind == stanza.IQ && s.Type == "get" && s.Child(stanza.NSVCard, "vCard") != nil {
			list = append(list, s)
		}
	}
	return list
}

// vcardOf is a card as servers give it.
func vcardOf(nick, photo string) *stanza.Element {
	part := func(name, text string, children ...*stanza.Element) *stanza.Element {
		e := stanza.New(stanza.NSVCard, name)
		if text != "" {
			e.AddText(text)
		}
		return e.Add(children...)
	}
	return part("vCard", "", part("FN", "Dr. Alice Liddell"),
		part("N", "", part("GIVEN", "Alice"), part("FAMILY", "Liddell")), part("NICKNAME", nick),
		part("EMAIL", "", part("USERID", "alice@mail.example")),
		part("PHOTO", "", part("TYPE", "image/gif"), part("BINVAL", base64.StdEncoding.EncodeToString([]byte(photo)))))
}

// shown returns how Alice is shown on the mesh now.
func (c *coreRig) shown() linklocal.Proxy {
	c.t.Helper()
	if len(c.mesh.published) == 0 {
		c.t.Fatal("nobody is shown")
	}
	return c.mesh.published[len(c.mesh.published)-1]
}

// publishing lists what crosses of a colleague.
func publishing(keys ...config.TXTKey) func(*config.Config) {
	return func(cfg *config.Config) { cfg.Privacy.Publish = keys }
}

func unnamed(cfg *config.Config) { cfg.Colleagues[0].Nick = "" }

// answered gives Alice's card to whoever asked, and returns how often that was.
func (c *coreRig) answered(card *stanza.Element) int {
	list := c.sought()
	for _, q := range list {
		c.hears(result(q, card))
	}
	return len(list)
}

func TestColleaguesPictures(t *testing.T) {
	face := gif(1, 3000)
	hash := linklocal.AvatarHash(face)
	synctestRun(t, "MAP-T8 LL-AV-11 the hash in her presence, the picture from her server, asked in the gateway's name", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.hears(faced(hash))
		if p := c.shown(); p.Avatar != "" || p.Profile.PhotoHash != "" {
			t.Errorf("shown unseen: %+v", p)
		}
		list := c.sought()
		if len(list) != 1 || list[0].From != component || list[0].To != aliceJID || len(list[0].ID) < 22 {
			t.Fatalf("asked: %+v", list)
		}
		c.hears(result(list[0], vcardOf("", face)))
		if p := c.shown(); p.Avatar != face || p.Profile.PhotoHash != hash || len(c.mesh.published) != 2 {
			t.Errorf("%d times, %+v", len(c.mesh.published), p.Profile)
		}
		c.hears(faced(hash))
		c.hears(faced(""))
		if p := c.shown(); p.Avatar != "" || p.Profile.PhotoHash != "" {
			t.Errorf("still shown: %+v", p.Profile)
		}
		c.hears(faced(hash))
		c.hears(pres(aliceJID+"/desk", component, "")) // says nothing of it
		if p := c.shown(); p.Avatar != face {
			t.Errorf("not shown: %+v", p.Profile)
		}
		if c.rest(time.Hour); len(c.sought()) != 0 {
			t.Error("asked again for what is known")
		}
		again := newCoreRig(t)
		again.recall(c.store.copy())
		again.up()
		again.hears(faced(hash))
		if p := again.shown(); p.Avatar != face || len(again.sought()) != 0 {
			t.Errorf("after a restart: %+v", p.Profile)
		}
	})
	synctestRun(t, "INJ-25 MAP-T8 another picture than her presence tells of is not shown", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.hears(faced(pixelHash))
		c.answered(vcardOf("", face))
		if n, _ := c.kept(); c.shown().Avatar != "" || n != 0 || c.drops.of("INJ-25") != 1 {
			t.Errorf("kept %d, counted %d", n, c.drops.of("INJ-25"))
		}
		c.hears(faced(pixelHash))
		if c.rest(time.Hour); len(c.sought()) != 0 {
			t.Error("asked again for the same")
		}
		c.hears(faced(hash))
		c.answered(vcardOf("", face))
		if c.shown().Avatar != face {
			t.Error("not shown under its own")
		}
	})
	synctestRun(t, "LL-AV-2 20 kB are not published, and the admin is told once", func(t *testing.T) {
		c := newCoreRig(t)
		var log logbook
		c.log = slog.New(slog.NewTextHandler(&log, nil))
		c.up()
		for n := range 3 {
			large := gif(n, 20000)
			c.hears(faced(linklocal.AvatarHash(large)))
			c.rest(time.Second)
			c.answered(vcardOf("", large))
		}
		if p := c.shown(); p.Avatar != "" || p.Profile.PhotoHash != "" || c.drops.of("LL-AV-2") != 3 {
			t.Errorf("counted %d, %+v", c.drops.of("LL-AV-2"), p.Profile)
		}
		if log.times("8 KiB") != 1 || strings.Contains(log.String(), "alice") {
			t.Error(log.String())
		}
	})
	synctestRun(t, "INJ-25 GW-14 only her server's answer to the question counts", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.hears(faced(hash))
		q := c.sought()[0]
		for _, change := range []func(*stanza.Stanza){
			func(s *stanza.Stanza) { s.ID += "x" }, func(s *stanza.Stanza) { s.ID = "" }, func(s *stanza.Stanza) { s.From = eve },
			func(s *stanza.Stanza) { s.To = julietJID }, func(s *stanza.Stanza) { s.Type = "set" }, func(s *stanza.Stanza) { s.Kind = stanza.Message },
		} {
			s := result(q, vcardOf("", face))
			change(&s)
			c.hears(s)
		}
		if c.shown().Avatar != "" {
			t.Error("a forged answer counted")
		}
		c.hears(result(q, vcardOf("", face)))
		if c.shown().Avatar != face {
			t.Error("the true one did not")
		}
	})
	synctestRun(t, "a server that gives nothing, says no or nothing at all is asked once in a session", func(t *testing.T) {
		for _, reply := range []func(q stanza.Stanza) stanza.Stanza{
			func(q stanza.Stanza) stanza.Stanza { return result(q) },
			func(q stanza.Stanza) stanza.Stanza { return failed(q, stanza.Error{Type: "cancel", Condition: no}) },
			nil,
		} {
			c := newCoreRig(t, unnamed)
			c.up()
			c.hears(faced(hash))
			if list := c.sought(); reply != nil {
				c.hears(reply(list[0]))
			}
			for range 10 {
				c.hears(faced(hash))
				c.rest(time.Minute)
			}
			if n := len(c.sought()); n != 0 || c.shown().Avatar != "" || len(c.cards.asked) != 0 {
				t.Errorf("asked %d times more", n)
			}
			c.Gateway.lost()
			c.up()
			c.hears(faced(hash))
			if n := c.answered(vcardOf("Ali", face)); n != 1 || c.shown().Avatar != face {
				t.Errorf("%d questions in the next session", n)
			}
		}
	})
	synctestRun(t, "PRIV-1 PRIV-5 of nobody who is not on the mesh, and without phsh for nothing", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		stranger := faced(hash)
		stranger.From = eve + "/x"
		c.hears(stranger)
		leaving := faced(hash)
		leaving.Type = "unavailable"
		c.hears(leaving)
		c.rest(time.Minute)
		if list := c.sought(); len(list) != 0 || len(c.mesh.published) != 0 {
			t.Errorf("asked %+v", list)
		}
		c = newCoreRig(t, publishing(config.TXTMessage))
		c.keepAvatar(hash, face) // as somebody on the LAN has it, too
		c.up()
		c.hears(faced(hash))
		if c.rest(time.Minute); len(c.sought()) != 0 || c.shown().Avatar != "" {
			t.Error("asked for what is not shown")
		}
	})
	synctestRun(t, "a hundred who come at once are asked about one by one, four a second, eight at a time", func(t *testing.T) {
		c := newCoreRig(t, func(cfg *config.Config) {
			for n := range 100 {
				cfg.Colleagues = append(cfg.Colleagues, config.Colleague{JID: mustJID(fmt.Sprintf("c%d@example.org", n)), Nick: "x"})
			}
		})
		c.up()
		for n := range 100 {
			s := faced(linklocal.AvatarHash(gif(n, 100)))
			s.From = fmt.Sprintf("c%d@example.org/x", n)
			c.hears(s)
		}
		var first []stanza.Stanza
		for _, until := range []struct {
			d    time.Duration
			want int
		}{{0, 1}, {time.Second - time.Millisecond, 4}, {9 * time.Second, maxCardAsks}} {
			c.rest(until.d)
			if first = append(first, c.sought()...); len(first) != until.want {
				t.Errorf("%d questions without an answer, want %d", len(first), until.want)
			}
		}
		asked := map[string]bool{}
		for list := first; len(list) > 0; list = c.sought() {
			if len(list) > maxCardAsks {
				t.Errorf("%d at once", len(list))
			}
			for _, q := range list {
				asked[q.To] = true
				c.hears(result(q, vcardOf("", "")))
			}
			c.rest(time.Second)
		}
		if len(asked) != 100 {
			t.Errorf("%d were asked about", len(asked))
		}
	})
	synctestRun(t, "a session that takes nothing or ends: asked later, and nobody waits for ever", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.session.room = -1
		c.hears(faced(hash))
		c.rest(time.Second)
		c.session.room = 0
		if c.rest(time.Second); len(c.sought()) != 1 {
			t.Error("not asked when there was room")
		}
		juliet := c.getsCard()
		c.Gateway.lost()
		if got := outcome(t, juliet()); got != no {
			t.Errorf("the end of the session: %s", got)
		}
		if len(c.cards.asked)+len(c.cards.queue) != 0 {
			t.Error("left over")
		}
	})
}

// getsCard lets Juliet ask for Alice's card, and returns what fetches the answers.
func (c *coreRig) getsCard() func() []stanza.Stanza {
	c.meets(julietName, "pronto")
	c.proxyChanged(linklocal.ProxyChanged{Proxy: aliceJID, Instance: aliceInstance, Announced: true})
	c.mesh.take()
	c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: stanza.Stanza{
		Kind: stanza.IQ, Type: "get", ID: "q", Payload: []*stanza.Element{stanza.New(stanza.NSVCard, "vCard")},
	}})
	return func() (list []stanza.Stanza) {
		for _, d := range c.mesh.take() {
			list = append(list, d.Stanza)
		}
		return list
	}
}

func TestColleaguesCards(t *testing.T) {
	everything := publishing(config.TXTNick, config.TXTFirst, config.TXTLast, config.TXTEmail, config.TXTJID, config.TXTPhoto)
	face := gif(1, 3000)
	text := func(list []stanza.Stanza) string {
		if len(list) != 1 {
			return fmt.Sprint(len(list), " answers")
		}
		list[0].ID = ""
		return string(stanza.Append(nil, stanza.Client, list[0]))
	}
	photo := "<PHOTO><TYPE>image/gif</TYPE><BINVAL>" + base64.StdEncoding.EncodeToString([]byte(face)) + "</BINVAL></PHOTO>"
	const open, end = "<iq type='result'><vCard xmlns='vcard-temp'>", "</vCard></iq>"
	for _, row := range []struct {
		name, want string
		change     func(*config.Config)
	}{
		{"by default her name here and her picture", open + "<FN>Alice</FN><NICKNAME>Alice</NICKNAME>" + photo + end, func(*config.Config) {}},
		{"MAP-T7 all of it, where the admin says so", open + "<FN>Alice</FN><N><FAMILY>Liddell</FAMILY><GIVEN>Alice</GIVEN></N><NICKNAME>Alice</NICKNAME>" + photo +
			"<EMAIL><INTERNET/><USERID>alice@mail.example</USERID></EMAIL><JABBERID>" + aliceJID + "</JABBERID>" + end, everything},
		{"PRIV-1 nothing", open + "<FN>" + aliceInstance + "</FN>" + end, publishing()},
	} {
		synctestRun(t, "MAP-X3 PRIV-1 a colleague's card for a peer: "+row.name, func(t *testing.T) {
			c := newCoreRig(t, row.change)
			c.up()
			c.hears(faced(linklocal.AvatarHash(face)))
			list := c.getsCard()
			if early := list(); len(early) != 0 {
				t.Fatalf("answered before the server: %+v", early)
			}
			c.rest(time.Second)
			if n := c.answered(vcardOf("Ali", face)); n != 1 {
				t.Fatalf("%d questions", n)
			}
			if d := cmp.Diff(row.want, text(list())); d != "" {
				t.Error(d)
			}
			if got := text(c.getsCard()()); got != row.want || len(c.sought()) != 0 {
				t.Errorf("again: %s", got)
			}
		})
	}
	synctestRun(t, "MAP-X3 her server gives no card, says nothing, or there is no server: service-unavailable, in time", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.hears(pres(aliceJID+"/desk", component, ""))
		if n := len(c.sought()); n != 0 {
			t.Fatalf("asked %d times for nothing", n)
		}
		list := c.getsCard()
		c.rest(cardPatience + time.Second)
		if got := outcome(t, list()); got != no || len(c.sought()) != 1 {
			t.Error(got)
		}
		c.Gateway.lost()
		if got := outcome(t, c.getsCard()()); got != no {
			t.Error(got)
		}
		c.up()
		c.hears(pres(aliceJID+"/desk", component, ""))
		list = c.getsCard()
		c.hears(failed(c.sought()[0], stanza.Error{Type: "cancel", Condition: "item-not-found"}))
		if got := outcome(t, list()); got != no {
			t.Error(got)
		}
	})
	synctestRun(t, "32 questions of peers wait for one answer, more are told that there is none", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.hears(pres(aliceJID+"/desk", component, ""))
		var last func() []stanza.Stanza
		for range maxCurious + 1 {
			last = c.getsCard()
		}
		if got := outcome(t, last()); got != no {
			t.Error(got)
		}
		c.answered(vcardOf("", ""))
		if n := len(last()); n != maxCurious {
			t.Errorf("%d answers", n)
		}
	})
	synctestRun(t, "MAP-T6 without a name from the admin she is called as she calls herself; another nick changes the record alone", func(t *testing.T) {
		c := newCoreRig(t, unnamed)
		c.up()
		c.hears(pres(aliceJID+"/desk", component, ""))
		c.answered(vcardOf("Ali\u202Ece", ""))
		if p := c.shown(); p.Profile.Nick != "Alice" || p.Instance != aliceInstance {
			t.Errorf("%+v", p)
		}
		c.hears(faced(linklocal.AvatarHash(face)))
		c.rest(time.Second)
		c.answered(vcardOf("Lice", face))
		if p := c.shown(); p.Profile.Nick != "Lice" || p.Instance != aliceInstance || len(c.mesh.withdrawn) != 0 {
			t.Errorf("%+v", p)
		}
	})
	for _, key := range []config.TXTKey{config.TXTNick, config.TXTFirst, config.TXTLast, config.TXTEmail, config.TXTJID, config.TXTPhoto, config.TXTMessage} {
		synctestRun(t, "PRIV-1 MAP-T7 "+string(key)+" is published alone, or left out, from her own card", func(t *testing.T) {
			all := []config.TXTKey{config.TXTNick, config.TXTFirst, config.TXTLast, config.TXTEmail, config.TXTJID, config.TXTPhoto, config.TXTMessage}
			see := func(keys ...config.TXTKey) ([]string, string) {
				c := newCoreRig(t, unnamed, publishing(keys...))
				c.up()
				s := faced(linklocal.AvatarHash(face))
				s.Payload = append(s.Payload, stanza.New("", "status").AddText("busy"))
				c.hears(s)
				c.answered(vcardOf("Ali", face))
				return c.shown().Profile.TXT(0), c.shown().Avatar
			}
			has := func(txt []string, key config.TXTKey) bool {
				return slices.ContainsFunc(txt, func(s string) bool { return strings.HasPrefix(s, string(key)+"=") })
			}
			others := slices.DeleteFunc(slices.Clone(all), func(k config.TXTKey) bool { return k == key })
			alone, avatar := see(key)
			without, hidden := see(others...)
			if !has(alone, key) || slices.ContainsFunc(others, func(k config.TXTKey) bool { return has(alone, k) }) || has(without, key) {
				t.Errorf("alone %q, without %q", alone, without)
			}
			if photo := key == config.TXTPhoto; (avatar != "") != photo || (hidden == "") != photo {
				t.Errorf("the NULL record: %d octets alone, %d without", len(avatar), len(hidden))
			}
		})
	}
}

// TestPictures looks at all of it over real packets and streams in memory.
func TestPictures(t *testing.T) {
	scene(t, "LL-AV-5 LL-AV-8 LL-AV-13 MAP-P6 Juliet's picture from her record to Alice's client", func(o *office) {
		alice, juliet := o.together()
		juliet.pub.Set([]string{"txtvers=1", "phsh=" + pixelHash}, decoded(o.T, pixel))
		o.pass(5 * time.Second)
		told := alice.got()
		if len(told) != 1 || !strings.Contains(string(stanza.Append(nil, stanza.Client, told[0])), "<photo>"+pixelHash+"</photo>") {
			o.Fatalf("told %+v", told)
		}
		alice.Write(iq("get", "q", julietJID, stanza.New(stanza.NSVCard, "vCard")))
		o.pass(time.Second)
		got := alice.got()
		if len(got) != 1 || !strings.Contains(string(stanza.Append(nil, stanza.Client, got[0])), "<BINVAL>"+pixel+"</BINVAL>") {
			o.Fatalf("got %+v", got)
		}
		synctest.Wait()
	})
}
