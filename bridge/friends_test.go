package bridge

import (
	"sync"
	"testing/synctest"

	"meshbridge/internal/stanza"
	"meshbridge/upstream/embedded"
)

// friend is somebody with an account on the server.
type friend struct {
	o *office
	*embedded.Account
	mu    sync.Mutex
	heard []stanza.Stanza
	saw   map[string]string // latest presence by bare JID, as expectSees puts it
}

func (o *office) friend(address string) *friend {
	f := &friend{o: o, Account: o.server.Account(address), saw: map[string]string{}}
	f.Handle(func(s stanza.Stanza) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.heard = append(f.heard, s)
		if s.Kind == stanza.Presence && (s.Type == "" || s.Type == "unavailable") {
			f.saw[s.From] = standingOf(s)
		}
	})
	return f
}

// alice is online.
func (o *office) alice() *friend {
	a := o.friend(aliceJID)
	a.Available("", "At my desk")
	return a
}

// standingOf puts a presence in words: "available", "dnd Busy", "unavailable".
func standingOf(s stanza.Stanza) string {
	word := "available"
	if s.Type != "" {
		word = s.Type
	}
	if e := s.Child("", "show"); e != nil {
		word = e.Text()
	}
	if e := s.Child("", "status"); e != nil {
		word += " " + e.Text()
	}
	return word
}

// expectSees checks the latest presence from an address.
func (f *friend) expectSees(address, want string) {
	f.o.Helper()
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if got := f.saw[address]; got != want {
		f.o.Errorf("%s sees %s as %q, want %q", f.JID(), address, got, want)
	}
}

// got returns what arrived so far, and forgets it.
func (f *friend) got() []stanza.Stanza {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.heard
	f.heard = nil
	return list
}

// reads returns the messages since the last time: "who: text".
func (f *friend) reads() []string {
	var list []string
	for _, s := range f.got() {
		if s.Kind == stanza.Message && s.Type != "error" {
			list = append(list, s.From+": "+bodyOf(s))
		}
	}
	return list
}

// presences returns the presences since the last time: "who type-or-standing".
func (f *friend) presences() []string { return presencesIn(f.got()) }

func presencesIn(list []stanza.Stanza) []string {
	var words []string
	for _, s := range list {
		if s.Kind == stanza.Presence {
			words = append(words, s.From+" "+standingOf(s))
		}
	}
	return words
}

// errorsIn lists the errors: "who condition".
func errorsIn(list []stanza.Stanza) []string {
	var words []string
	for _, s := range list {
		if e, ok := stanza.ErrorOf(s); ok {
			words = append(words, s.From+" "+e.Condition)
		}
	}
	return words
}

// writes sends a chat message.
func (f *friend) writes(to, body string) {
	f.Send(to, body)
	synctest.Wait()
}

// subscribes puts an address into the roster, and waits for the answer.
func (f *friend) subscribes(address string) {
	f.Subscribe(address)
	synctest.Wait()
}
