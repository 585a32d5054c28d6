package mdns

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// crowd is a still engine that has announced so many instances. Their names have capitals,
// so that every comparison of two of them allocates and can be counted.
func crowd(t testing.TB, size int) (*Engine, map[string]int) {
	t.Helper()
	e, counts := still(t)
	for k := range size {
		e.Publish(Service{Type: "_presence._tcp", Instance: fmt.Sprintf("Colleague%d@Pronto", k), Port: 1, TXT: []string{"a=1"}})
	}
	e.readMail()
	forward(e, 10*time.Second)
	return e, counts
}

// repeated asks one question so many times in one packet, compressed; change varies it.
func repeated(t testing.TB, times int, change func(k int, q []byte)) []byte {
	t.Helper()
	typ, _ := typeName("_presence._tcp")
	b := append(make([]byte, headerLen), typ...)
	b = append(b, 0, byte(typePTR), 0, byte(classIN))
	for k := 1; k < times; k++ {
		q := []byte{0xC0, headerLen, 0, byte(typePTR), 0, byte(classIN)}
		change(k, q)
		b = append(b, q...)
	}
	binary.BigEndian.PutUint16(b[4:], uint16(times))
	return b
}

func alike(int, []byte) {}

// varied spreads a question over types, classes and the QU bit.
func varied(k int, q []byte) {
	q[3] = []byte{byte(typePTR), byte(typeANY)}[k&1]
	q[4] = byte(k&2) << 6
	q[5] = []byte{byte(classIN), byte(classANY)}[k>>2&1]
}

// work is how many allocations a packet costs, which grow with the records considered.
func work(e *Engine, p Packet) float64 {
	return testing.AllocsPerRun(3, func() {
		e.links()[0].quiet()
		e.receive(p)
	})
}

func (e *Engine) links() []*link { return e.ifaces[0].links }

func TestWorkPerPacket(t *testing.T) {
	const size = 200
	e, _ := crowd(t, size)
	once := work(e, from("10.2.1.9:5353", repeated(t, 1, alike)))
	t.Run("M2 a question repeated in one packet is answered once", func(t *testing.T) {
		for what, change := range map[string]func(int, []byte){"alike": alike, "varied": varied} {
			p := from("10.2.1.9:5353", repeated(t, maxQuestionsIn, change))
			if got := work(e, p); got > 4*once {
				t.Errorf("%s: %v allocations, %v for one question", what, got, once)
			}
			if rs := e.links()[0].replies; len(rs) != 1 || len(rs[0].answers) != len(e.services) {
				t.Errorf("%s: replies %v", what, len(rs))
			}
		}
	})
	t.Run("M2 the work grows with the answers, not their square", func(t *testing.T) {
		half, _ := crowd(t, size/2)
		if less := work(half, from("10.2.1.9:5353", repeated(t, 1, alike))); once > 3*less {
			t.Errorf("%v allocations for %d instances, %v for half of them", once, size, less)
		}
	})
	typ := e.services[0].typ
	filled := func(flags uint16, instance string, ttl uint32) Packet {
		p := newPacker(flags)
		p.limit = maxPacket
		if flags == flagQuery {
			p.question(question{name: typ, typ: typePTR, class: classIN})
		}
		for k := range size {
			p.add(secAnswer, ptrRecord(typ, instanceName(t, fmt.Sprintf("%s%d@Pronto", instance, k))).withTTL(ttl))
		}
		return from("10.2.1.9:5353", p.bytes())
	}
	t.Run("M2 known answers are looked up, not searched", func(t *testing.T) {
		if got := work(e, filled(flagQuery, "Stranger", ttlOther)); got > 6*once {
			t.Errorf("%v allocations, %v without known answers", got, once)
		}
	})
	t.Run("M2 rescuing our own records costs no search", func(t *testing.T) {
		if got := work(e, filled(flagResponse, "Colleague", 10)); got > 6*once {
			t.Errorf("%v allocations, %v for one question", got, once)
		}
	})
	t.Run("M2 nor does comparing the answers of others with ours that wait", func(t *testing.T) {
		e.links()[0].quiet()
		e.receive(from("10.2.1.9:5353", repeated(t, 1, alike)))
		p := filled(flagResponse, "Stranger", ttlOther)
		if got := testing.AllocsPerRun(1, func() { e.receive(p) }); got > 6*once {
			t.Errorf("%v allocations, %v for one question", got, once)
		}
	})
}

func TestLegacyWork(t *testing.T) {
	e, counts := crowd(t, 200)
	t.Run("LL-5-11 M1 without a token nothing is worked out", func(t *testing.T) {
		p := from("10.2.1.9:40000", repeated(t, 1, alike))
		for range unicastBurst {
			e.receive(p)
		}
		before := counts["LL-5-11"]
		if got := work(e, p); got > 100 || counts["LL-5-11"] == before {
			t.Errorf("%v allocations, %v", got, counts)
		}
	})
	t.Run("LL-5-11 questions that are not for us cost no token", func(t *testing.T) {
		forward(e, 2*time.Second)
		other, _ := typeName("_ipp._tcp")
		q := packQuestions([]question{{name: other, typ: typePTR, class: classIN}}, func(question) []record { return nil })[0]
		before := counts["LL-5-11"]
		for range 5 * unicastBurst {
			e.receive(from("10.2.1.9:40000", q))
		}
		e.receive(from("10.2.1.9:40000", repeated(t, 1, alike)))
		if counts["LL-5-11"] != before {
			t.Errorf("%v", counts)
		}
	})
}

// fill announces instances first to last of one source, bare or with TXT.
func fill(t testing.TB, e *Engine, src string, first, last int, withTXT bool) {
	t.Helper()
	typ, _ := typeName("_presence._tcp")
	for k := first; k < last; k++ {
		n := instanceName(t, fmt.Sprintf("p%d@x", k))
		rs := []record{ptrRecord(typ, n), txtRecord(n, "\x03a=1")}
		if !withTXT {
			rs = rs[:1]
		}
		e.receive(from(src+":5353", packResponses(plain(rs))[0]))
	}
}

func TestFullTable(t *testing.T) {
	has := func(t *testing.T, e *Engine, k int) bool {
		return e.ifaces[0].found[instanceName(t, fmt.Sprintf("p%d@x", k)).fold()] != nil
	}
	t.Run("M5 one source shows its share of instances, and later peers are seen", func(t *testing.T) {
		e, counts := still(t)
		fill(t, e, "10.2.1.66", 0, maxInstances, false)
		if got := len(e.ifaces[0].found); got != maxPerNeighbour || counts["M5"] != maxInstances-maxPerNeighbour {
			t.Errorf("%d instances, counted %v", got, counts)
		}
		fill(t, e, "10.2.1.9", 9000, 9001, true)
		if !has(t, e, 9000) {
			t.Error("the later peer is not seen")
		}
	})
	t.Run("M5 a bridge shows as many colleagues as we warn of", func(t *testing.T) {
		e, counts := still(t)
		fill(t, e, "10.2.1.66", 0, warnPublished, true)
		if got := len(e.ifaces[0].found); got != warnPublished || counts["M5"] != 0 {
			t.Errorf("%d instances, counted %v", got, counts)
		}
	})
	t.Run("M5 a full table gives up the oldest instance of the source that shows the most", func(t *testing.T) {
		e, _ := still(t)
		var gone []string
		e.Browse("_presence._tcp", func(ev Event) {
			if ev.Kind == Removed {
				gone = append(gone, ev.Instance)
			}
		})
		e.readMail()
		fill(t, e, "10.2.1.8", 0, 100, false)
		for k := range 3 {
			fill(t, e, fmt.Sprintf("10.2.1.%d", 60+k), 1000*(k+1), 1000*(k+1)+maxPerNeighbour, k == 0)
		}
		fill(t, e, "10.2.1.63", 5000, 5000+maxPerNeighbour-100, false)
		c := &e.ifaces[0].cache
		sets := len(c.sets)
		fill(t, e, "10.2.1.9", 9000, 9001, false)
		if !has(t, e, 9000) || has(t, e, 1000) || !has(t, e, 1001) || !has(t, e, 0) || len(e.ifaces[0].found) != maxInstances {
			t.Errorf("the new peer has no room, or another than p1000 had to go; %d instances", len(e.ifaces[0].found))
		}
		if len(gone) != 1 || gone[0] != "p1000@x" || len(c.sets) != sets-1 {
			t.Errorf("told %v; %d record sets, before %d", gone, len(c.sets), sets)
		}
	})
	t.Run("M5 sources that show equally many do not push each other out", func(t *testing.T) {
		e, _ := still(t)
		for k := range maxInstances + 10 {
			fill(t, e, netip.AddrFrom4([4]byte{10, 2, byte(k >> 8), byte(k)}).String(), k, k+1, false)
		}
		if !has(t, e, 0) || has(t, e, maxInstances) {
			t.Error("an old peer had to go")
		}
	})
}

func TestKnownAnswersWaiting(t *testing.T) {
	t.Run("M2 known answers that wait are bounded", func(t *testing.T) {
		e, _ := still(t)
		fill(t, e, "10.2.1.9", 0, 500, true)
		for range 100 {
			e.ifaces[0].ask(e.browsers[0].question())
			e.flush()
		}
		if got := len(e.links()[0].queue); got > maxWaiting || got == 0 {
			t.Errorf("%d packets wait", got)
		}
	})
}

// BenchmarkRepeatedQuestion is the worst packet known: 800 octets that ask one question 128
// times, with 500 instances to answer it.
func BenchmarkRepeatedQuestion(b *testing.B) {
	e, _ := crowd(b, 500)
	for name, src := range map[string]string{"multicast": "10.2.1.9:5353", "legacy": "10.2.1.9:40000"} {
		b.Run(name, func(b *testing.B) {
			p := from(src, repeated(b, maxQuestionsIn, varied))
			b.ReportAllocs()
			for b.Loop() {
				e.links()[0].quiet()
				e.links()[0].tokens = unicastBurst
				e.receive(p)
			}
		})
	}
}
