package linklocal_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"meshbridge/linklocal"
)

// pixel is the picture of V-6, and pixelHash its SHA-1.
var pixel = func() string {
	data, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	if err != nil {
		panic(err)
	}
	return string(data)
}()

const pixelHash = "4a5eb7171b58e08a6881721e3b43d5a44419a2be"

// nulls lists the questions for NULL records and the NULL records on the LAN since the log
// was cleared, in order, with the TXT strings about pictures between them.
func (o *office) nulls(host string) (asked, said []string) {
	for _, s := range o.Log() {
		m := new(dns.Msg)
		if err := m.Unpack(s.Data); err != nil || s.Host != host {
			continue
		}
		for _, q := range m.Question {
			if q.Qtype == dns.TypeNULL {
				asked = append(asked, q.Name)
			}
		}
		for _, rr := range m.Answer {
			switch rr := rr.(type) {
			case *dns.NULL:
				said = append(said, rr.Hdr.Name[:3]+" "+linklocal.AvatarHash(rr.Data))
			case *dns.TXT:
				if i := slices.IndexFunc(rr.Txt, func(s string) bool { return strings.HasPrefix(s, "phsh=") }); i >= 0 {
					said = append(said, rr.Txt[i])
				}
			}
		}
	}
	return asked, said
}

func TestAvatarHash(t *testing.T) {
	t.Run("LL-AV-3 V-6", func(t *testing.T) {
		for octets, want := range map[string]string{pixel: pixelHash, "hello avatar": "8e274696f2bd20516c2f743207065763a6dfe75e", "": ""} {
			if got := linklocal.AvatarHash(octets); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
}

func TestFetchAvatar(t *testing.T) {
	fetched := func(o *office) (list []string) {
		for _, ev := range of[linklocal.AvatarFetched](o) {
			list = append(list, ev.Hash[:4]+" "+linklocal.AvatarHash(ev.Avatar))
		}
		return list
	}
	inOffice(t, "LL-AV-5 LL-AV-7 LL-AV-8 asked for when wanted, and what has the hash is told", func(t *testing.T, o *office) {
		j, _ := o.staff()
		j.SetAvatar(pixel, "txtvers=1", "phsh="+pixelHash)
		o.wait(5 * time.Second)
		if asked, _ := o.nulls("bridge"); len(asked) > 0 || len(fetched(o)) > 0 {
			t.Fatalf("asked for %q unasked", asked)
		}
		o.mesh.FetchAvatar(juliet, pixelHash)
		o.wait(time.Minute)
		if d := cmp.Diff([]string{"4a5e " + pixelHash}, fetched(o)); d != "" {
			t.Error(d)
		}
		if asked, _ := o.nulls("bridge"); len(asked) != 1 {
			t.Errorf("asked for %q", asked)
		}
	})
	inOffice(t, "LL-AV-8 INJ-25 other octets than the record promises are not told, and counted", func(t *testing.T, o *office) {
		j, _ := o.staff()
		j.SetAvatar("another", "txtvers=1", "phsh="+pixelHash)
		o.wait(5 * time.Second)
		o.mesh.FetchAvatar(juliet, pixelHash)
		took := o.until(time.Minute, "an answer", func() bool { return len(fetched(o)) > 0 })
		if d := cmp.Diff([]string{"4a5e "}, fetched(o)); d != "" || took > 9*time.Second || o.count("INJ-25") == 0 {
			t.Errorf("after %v, counted %d: %s", took, o.count("INJ-25"), d)
		}
	})
	inOffice(t, "LL-AV-12 somebody who leaves, or was never here: told at once", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.mesh.FetchAvatar("nobody@pc", pixelHash)
		o.mesh.FetchAvatar(juliet, pixelHash)
		o.wait(100 * time.Millisecond)
		if list := fetched(o); len(list) != 1 {
			t.Fatalf("%q", list)
		}
		if err := j.SignOff(); err != nil {
			t.Fatal(err)
		}
		o.until(3*time.Second, "the end of it", func() bool { return len(fetched(o)) == 2 })
	})
	inOffice(t, "asked for when the bridge ends: it ends in time", func(t *testing.T, o *office) {
		o.staff()
		o.mesh.FetchAvatar(juliet, pixelHash)
		o.wait(100 * time.Millisecond)
		start := time.Now()
		if err := o.stop(); err != nil || time.Since(start) > 4*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestPublishAvatar(t *testing.T) {
	show := func(o *office, avatar string) {
		o.mesh.Publish(linklocal.Proxy{Key: nurseJ, Instance: nurse, Avatar: avatar, Profile: linklocal.Profile{PhotoHash: "the caller's"}})
		o.wait(5 * time.Second)
	}
	phsh := func(o *office, j interface{ Sees(string) ([]string, bool) }) string {
		txt, _ := j.Sees(nurse)
		return linklocal.ParseTXT(txt).PhotoHash
	}
	inOffice(t, "LL-AV-1 LL-AV-3 LL-AV-11 LL-AV-15 the octets under both names, then their hash; and goodbye for both", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.ClearLog()
		show(o, pixel)
		_, said := o.nulls("bridge")
		want := []string{nurse[:3] + " " + pixelHash, nurse[:3] + " " + pixelHash, "phsh=" + pixelHash, "phsh=" + pixelHash}
		if d := cmp.Diff(want, said); d != "" {
			t.Error(d)
		}
		if got := phsh(o, j); got != pixelHash {
			t.Errorf("phsh %q", got)
		}
		o.ClearLog()
		o.mesh.Withdraw(nurseJ)
		o.wait(2 * time.Second)
		if _, said = o.nulls("bridge"); len(said) != 3 { // two and the TXT
			t.Errorf("withdrawn: %q", said)
		}
	})
	inOffice(t, "LL-AV-2 MAP-T8 8 KiB are published, more are not, and without octets there is no hash", func(t *testing.T, o *office) {
		j, _ := o.staff()
		for _, c := range []struct {
			octets int
			shown  bool
		}{{linklocal.MaxAvatar, true}, {linklocal.MaxAvatar + 1, false}, {20000, false}, {1, true}, {0, false}} {
			o.ClearLog()
			show(o, strings.Repeat("x", c.octets))
			if got, want := phsh(o, j), linklocal.AvatarHash(strings.Repeat("x", c.octets)); (got == want && got != "") != c.shown || !c.shown && got != "" {
				t.Errorf("%d octets: phsh %q", c.octets, got)
			}
		}
	})
}
