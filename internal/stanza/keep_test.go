package stanza

import (
	"runtime"
	"strings"
	"testing"
)

func TestReaderKeepsNothing(t *testing.T) {
	long := strings.Repeat("x", 900<<10)
	var many strings.Builder
	for range 63 {
		many.WriteString("<a")
		for i := range 26 {
			many.WriteString(" xmlns:a" + string(rune('a'+i)) + "='u'")
		}
		many.WriteString(">")
	}
	for _, tt := range []struct{ name, stanza string }{
		{"text", "<message><body>" + long + "</body></message>"},
		{"a name space", "<message xmlns:a='" + long + "'/>"},
		{"a name space deeper down", "<message><a xmlns='" + long + "'/></message>"},
		{"many name spaces", "<message>" + many.String() + strings.Repeat("</a>", 63) + "</message>"},
	} {
		t.Run("X2 LL-STR-25 a stream that is silent keeps nothing of its last stanza: "+tt.name, func(t *testing.T) {
			rd := NewReader(strings.NewReader(opening+tt.stanza), Client, MeshLimits())
			if _, err := rd.Header(); err != nil {
				t.Fatal(err)
			}
			rd.Trust()
			before := heap()
			if _, err := rd.Next(); err != nil {
				t.Fatal(err)
			}
			kept := heap() - before
			runtime.KeepAlive(rd)
			if kept > 32<<10 {
				t.Errorf("%d octets are kept", kept)
			}
		})
	}
}

// heap returns how many octets are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
