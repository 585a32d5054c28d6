package bridge

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// aFullDay makes as much happen as can go into a log, with a marker word in every
// text that people write.
func aFullDay(o *office) {
	alice, juliet := o.together()
	icon := "GIF89a marker0"
	juliet.pub.Set([]string{"txtvers=1", "status=away", "msg=marker1", "nick=marker2", "phsh=" + linklocal.AvatarHash(icon)}, icon)
	o.pass(5 * time.Second)
	alice.Write(iq("get", "card", julietJID, stanza.New(stanza.NSVCard, "vCard")))
	alice.Available("dnd", "marker3")
	o.pass(5 * time.Second)
	juliet.writes(aliceInstance, "marker4")
	alice.Write(stanza.Stanza{Kind: stanza.Message, To: julietJID, ID: "1", Payload: []*stanza.Element{
		stanza.New("", "subject").AddText("marker5"), stanza.New("", "body").AddText("marker6"),
	}})
	alice.writes(`no\40body@`+component, "marker7")
	alice.writes(component, "marker8")
	juliet.raw(aliceInstance, `<message type='groupchat' to='`+aliceInstance+`'><body>marker9</body></message>`)
	juliet.raw(aliceInstance, `<message id='x' type='error' to='`+aliceInstance+`'><body>marker9</body></message>`)
	juliet.writes(aliceInstance, strings.Repeat("marker9", 10000))
	o.friend(eve).writes(julietJID, "marker9")
	juliet.takesCalls(false)
	juliet.hangUp()
	alice.writes(julietJID, "marker9") // not reached, again and again
	o.pass(3 * time.Minute)
	o.server.Stop()
	juliet.signOff()
	o.pass(20 * time.Minute)
	o.must(o.server.Start())
	o.pass(10 * time.Minute) // expires
	o.kill()
	o.start()
}

func TestLog(t *testing.T) {
	small := func(o *office) { o.cfg.Outbox.MaxAge, o.cfg.Outbox.PerRecipient = 5*time.Minute, 2 }
	scene(t, "PRIV-6 no word that people wrote is in the log, not even at debug", func(o *office) {
		aFullDay(o)
		if i := strings.Index(o.log.String(), "marker"); i >= 0 {
			o.Errorf("…%s…", o.log.String()[max(0, i-200):i+20])
		}
		if o.log.times("level=DEBUG") < 10 {
			o.Error("the log says nothing at all")
		}
	}, small, func(o *office) { o.level = slog.LevelDebug })
	scene(t, "PRIV-6 nobody's address is in the log", func(o *office) {
		aFullDay(o)
		for _, who := range []string{"alice@", `alice\`, julietName, `juliet\`, "10.2.1.187", eve} {
			for line := range strings.Lines(o.log.String()) {
				if strings.Contains(line, who) {
					o.Errorf("%s is in: %s", who, line)
				}
			}
		}
	}, small)
	scene(t, "SEC-6 neither secret nor proof is in the log of a refused bridge", func(o *office) {
		o.server.SetSecret(component, "another")
		o.launch()
		o.pass(11 * time.Minute)
		text := o.log.String()
		if strings.Contains(text, secret) || !strings.Contains(text, "not-authorized") {
			o.Error(text)
		}
		for _, w := range o.wires {
			all, _ := w.text()
			_, proof, _ := strings.Cut(all, "<handshake>")
			proof, _, _ = strings.Cut(proof, "<")
			if len(proof) != 40 || strings.Contains(text, proof) {
				o.Errorf("proof %q is in the log", proof)
			}
		}
	}, func(o *office) { o.level = slog.LevelDebug })
}

func TestPrivacyKeys(t *testing.T) {
	whole := []string{"txtvers=1", "status=dnd", "msg=marker", "nick=marker", "1st=marker", "last=marker", "email=marker@x", "jid=marker@y",
		"phsh=4a5eb7171b58e08a6881721e3b43d5a44419a2be", "node=marker", "ver=marker", "ext=marker", "vc=A"}
	see := func(t *testing.T, show []config.TXTKey) (presence, card string, all []string) {
		c := newCoreRig(t, func(cfg *config.Config) { cfg.Privacy.Show = show })
		c.up()
		c.hears(pres(aliceJID+"/desk", component, ""))
		c.meets(julietName, "pronto", whole...)
		c.client = disclosing(program("marker"))
		c.session.take()
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		presence = string(stanza.Append(nil, stanza.Component, c.session.take()[1]))
		for _, q := range []*stanza.Element{stanza.New(stanza.NSVCard, "vCard"), query(stanza.NSVersion), query(stanza.NSDiscoInfo)} {
			all = append(all, string(stanza.Append(nil, stanza.Component, c.requests("get", julietJID, q)[0])))
		}
		return presence, all[0], append(all, presence)
	}
	synctestRun(t, "PRIV-2 everything switched off: presence has the show alone, the card the instance, and nothing tells more", func(t *testing.T) {
		presence, card, all := see(t, nil)
		if presence != `<presence from='`+julietJID+`' to='`+aliceJID+`'><show>dnd</show></presence>` {
			t.Error(presence)
		}
		if !strings.Contains(card, `<FN>juliet@pronto</FN><DESC>`) {
			t.Error(card)
		}
		for _, s := range all {
			if strings.Contains(s, "marker") {
				t.Error(s)
			}
		}
	})
	for key, want := range map[config.TXTKey]string{
		config.TXTNick: "<NICKNAME>marker</NICKNAME>", config.TXTFirst: "<GIVEN>marker</GIVEN>", config.TXTLast: "<FAMILY>marker</FAMILY>",
		config.TXTMessage: "<status>marker</status>", config.TXTPhoto: "<photo>4a5eb7", config.TXTVersion: "<version>marker</version>",
		config.TXTEmail: "<USERID>marker@x</USERID>", config.TXTJID: "Claims to be marker@y.",
	} {
		synctestRun(t, "PRIV-2 MAP-P8 MAP-P9 MAP-P10 "+string(key)+" alone", func(t *testing.T) {
			_, _, with := see(t, []config.TXTKey{key})
			_, _, without := see(t, slices.DeleteFunc(slices.Clone(config.Defaults().Privacy.Show), func(k config.TXTKey) bool { return k == key }))
			if !strings.Contains(strings.Join(with, ""), want) || strings.Contains(strings.Join(without, ""), want) {
				t.Errorf("with: %s\nwithout: %s", with, without)
			}
		})
	}
	published := func(t *testing.T, keys ...config.TXTKey) []string {
		c := newCoreRig(t, func(cfg *config.Config) {
			if keys != nil {
				cfg.Privacy.Publish = keys
			}
		})
		c.up()
		c.hears(stanza.Stanza{Kind: stanza.Presence, From: aliceJID + "/desk", To: component, Payload: []*stanza.Element{stanza.New("", "status").AddText("busy")}})
		return c.mesh.published[0].Profile.TXT(0)
	}
	has := func(txt []string, key config.TXTKey) bool {
		return slices.ContainsFunc(txt, func(s string) bool { return strings.HasPrefix(s, string(key)+"=") })
	}
	t.Run("PRIV-1 by default neither names nor addresses are published", func(t *testing.T) {
		txt := published(t)
		for _, key := range []config.TXTKey{config.TXTFirst, config.TXTLast, config.TXTEmail, config.TXTJID} {
			if has(txt, key) {
				t.Errorf("%s: %q", key, txt)
			}
		}
		for _, key := range []config.TXTKey{"status", config.TXTNick, config.TXTMessage, config.TXTVersion} {
			if !has(txt, key) {
				t.Errorf("no %s: %q", key, txt)
			}
		}
	})
	for _, key := range []config.TXTKey{config.TXTNick, config.TXTMessage, config.TXTVersion, config.TXTJID} {
		t.Run("PRIV-1 MAP-T7 "+string(key)+" is published alone, or left out", func(t *testing.T) {
			others := slices.DeleteFunc([]config.TXTKey{config.TXTNick, config.TXTMessage, config.TXTVersion, config.TXTJID}, func(k config.TXTKey) bool { return k == key })
			alone, without := published(t, key), published(t, others...)
			if !has(alone, key) || has(without, key) || slices.ContainsFunc(others, func(k config.TXTKey) bool { return has(alone, k) }) {
				t.Errorf("alone %q, without %q", alone, without)
			}
		})
	}
}
