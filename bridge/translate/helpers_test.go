package translate

import (
	"strings"

	"meshbridge/internal/stanza"
)

const (
	proxyJID      = `juliet\40pronto@lan.example.com` // Juliet, upstream
	proxyInstance = `nurse\40example.com@bridge`      // the nurse, on the mesh
	juliet        = "juliet@pronto"
	nurse         = "nurse@example.com"
)

// reporter is what the helpers need of a testing.T, testing.B or rapid.T.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// read parses one stanza as it would arrive on a stream of content namespace c.
func read(t reporter, c stanza.Content, xml string) stanza.Stanza {
	t.Helper()
	s, ok := tryRead(c, xml)
	if !ok {
		t.Fatalf("the strict reader refuses %q", xml)
	}
	return s
}

func tryRead(c stanza.Content, xml string) (stanza.Stanza, bool) {
	stream := string(stanza.AppendHeader(nil, c, stanza.Header{From: juliet})) + xml
	r := stanza.NewReader(strings.NewReader(stream), c, stanza.MeshLimits())
	if _, err := r.Header(); err != nil {
		return stanza.Stanza{}, false
	}
	r.Trust()
	e, err := r.Next()
	if err != nil {
		return stanza.Stanza{}, false
	}
	return stanza.Parse(e)
}

func write(c stanza.Content, s stanza.Stanza) string { return string(stanza.Append(nil, c, s)) }

// toMeshXML reads a message from the server and writes it for Juliet.
func toMeshXML(t reporter, xml string, o MessageOptions) (string, Outcome) {
	t.Helper()
	s, out := MessageToMesh(read(t, stanza.Component, xml), proxyInstance, juliet, o)
	if !out.Crosses() {
		return "", out
	}
	return write(stanza.Client, s), out
}

// toServerXML reads a message from Juliet and writes it for the nurse; ids made
// up are new-1, new-2 and so on.
func toServerXML(t reporter, xml string) (string, Outcome) {
	t.Helper()
	s, out := MessageToServer(read(t, stanza.Client, xml), proxyJID, nurse, ids(), MessageOptions{})
	if !out.Crosses() {
		return "", out
	}
	return write(stanza.Component, s), out
}

func ids() func() string {
	n := 0
	return func() string {
		n++
		return "new-" + string(rune('0'+n))
	}
}

func equal(t reporter, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Frames of the messages most tests expect.
const (
	meshOpen   = `<message from='` + proxyInstance + `' to='juliet@pronto'`
	serverOpen = `<message from='` + proxyJID + `' to='nurse@example.com'`
	goodHTML   = `<html xmlns='http://www.w3.org/1999/xhtml'><body><font>good</font></body></html>`
)
