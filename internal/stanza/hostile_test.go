package stanza

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshbridge/internal/stanza/hostile"
)

const (
	me  = "juliet@pronto"
	you = `alice\40example.com@office`
)

// opening is a header of the two.
var opening = hostile.Fill(`<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='ME' to='YOU'>`, me, you)

func TestHostileXML(t *testing.T) {
	seen := map[string]bool{}
	for _, tt := range hostile.Inputs() {
		if seen[tt.Name] {
			t.Errorf("there are two of the name %q", tt.Name)
		}
		seen[tt.Name] = true
		t.Run("V-12 LL-STR-23 LL-STR-24 "+tt.Name, func(t *testing.T) {
			for way, as := range ways {
				err := readOut(t, as, tt)
				var se *StreamError
				switch {
				case tt.By != hostile.Reader:
					if err != ErrClosed && err != io.EOF && err != io.ErrUnexpectedEOF {
						t.Errorf("%s: got %v, though it is well-formed", way, err)
					}
				case !errors.As(err, &se) || se.Condition != tt.Want:
					t.Errorf("%s: got %v, want stream error %s", way, err, tt.Want)
				}
			}
		})
	}
	if len(seen) < 22+40 {
		t.Errorf("only %d inputs", len(seen))
	}
}

// readOut reads an input, and what must not be read behind it, as a stream.
func readOut(t *testing.T, as func(io.Reader) io.Reader, in hostile.Input) error {
	t.Helper()
	text := hostile.Fill(in.Text, me, you)
	if !in.First {
		text = opening + text
	}
	rd := NewReader(as(strings.NewReader(text+`<message id='behind'/>`)), Client, MeshLimits())
	_, err := rd.Header()
	if err == nil && !in.First {
		rd.Trust()
	}
	for err == nil {
		var e *Element
		if e, err = rd.Next(); err == nil && in.By == hostile.Reader && e.Attr("id") == "behind" {
			t.Error("what stands behind it was read")
		}
	}
	if e, again := rd.Next(); e != nil || again != err {
		t.Errorf("the stream went on after the error: %v, %v", e, again)
	}
	return err
}

func TestLegalXML(t *testing.T) {
	for _, tt := range hostile.Passes() {
		t.Run("V-9 "+tt.Name, func(t *testing.T) {
			for way, as := range ways {
				head := opening
				if tt.Header != "" {
					head = hostile.Fill(tt.Header, me, you)
				}
				rd := NewReader(as(strings.NewReader(head+hostile.Fill(tt.Text, me, you))), Client, MeshLimits())
				h, err := rd.Header()
				if err != nil || h.From != me || h.To != you {
					t.Fatalf("%s: read %+v, %v", way, h, err)
				}
				rd.Trust()
				if d := cmp.Diff(tt.Arrives(me, you), bodiesOf(t, rd)); d != "" {
					t.Errorf("%s: %s", way, d)
				}
			}
		})
	}
}

// bodiesOf reads to the end of the connection.
func bodiesOf(t *testing.T, rd *Reader) (list []string) {
	t.Helper()
	for {
		e, err := rd.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		s, ok := Parse(e)
		if from := strings.ToLower(s.From); !ok || from != me && from != "" {
			t.Errorf("read a %v of %q", e.Name, s.From)
		}
		for _, b := range s.Children("", "body") {
			list = append(list, b.Text())
		}
	}
}
