package bridge

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"meshbridge/internal/stanza"
)

// aFullDay makes as much happen as can go into a log, with a marker word in every
// text that people write.
func aFullDay(o *office) {
	alice, juliet := o.together()
	juliet.says("status=away", "msg=marker1", "nick=marker2")
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
