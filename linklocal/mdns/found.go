package mdns

import (
	"net/netip"
	"strings"
	"time"
)

// found is a browsed instance on one interface.
type found struct {
	i     *iface
	name  name // as announced
	shown bool // Added was told
	txt   string
	known bool // txt was heard; "" is no TXT at all
	asked int  // questions for a TXT that nobody announced
	alarm *alarm

	heard   time.Time // when a record of it last came
	care    attention
	doubt   *doubt        // whether it is still there; nil: none
	sure    time.Time     // it is not doubted again before
	why     string        // it vanished; "" while it is here, or when it said goodbye or expired
	missing time.Duration // until it is sought again after it vanished; 0: it did not
}

// meet begins to look at an instance whose PTR was heard.
func (i *iface) meet(ptr record) {
	key := ptr.target().fold()
	if i.found[key] != nil {
		return
	}
	f := &found{i: i, name: ptr.target()}
	i.found[key] = f
	i.cache.schedule(i.cache.find(ptr)) // it is to be kept fresh now
	f.ask()
}

// ask waits a moment for a TXT to come by itself, then asks for it, three times at most
// (LL-4-5).
func (f *found) ask() {
	e := f.i.e
	var at time.Time
	if f.asked > 0 {
		at = e.now.Add(retransmitFirst << (f.asked - 1))
	} else {
		at = f.i.nextSlot(len(f.name.first()) + 7) // behind a length, before a pointer, type and class
	}
	f.alarm = e.agenda.at(at, func() {
		if f.asked == txtQuestions {
			f.settle(true)
			return
		}
		f.asked++
		f.i.askRoutinely(question{name: f.name, typ: typeTXT, class: classIN})
		f.ask()
	})
}

// judge tells what a change in the cache means for an instance.
func (i *iface) judge(key name) {
	f := i.found[key]
	if f == nil {
		return
	}
	f.settle(f.shown && !f.known)
	if f.shown && f.doubt == nil && (f.care.alarm == nil || f.care.alarm.index < 0) {
		f.attend() // an outdated TXT was withdrawn, and no more than that
	}
}

// settle compares what is in the cache with what was told. bare accepts an instance without
// TXT.
func (f *found) settle(bare bool) {
	txt, heard := f.currentTXT()
	present := f.ptr() != nil && (heard || bare && !f.known) && !f.i.e.isOwn(f.name)
	if heard {
		f.i.e.agenda.stop(f.alarm)
	}
	switch {
	case !present && f.shown:
		f.shown = false
		f.tell(Removed)
		f.drop()
		f.i.e.agenda.stop(f.alarm)
		f.i.e.failLookupsOf(f.i, f.name)
		f.i.e.failFetchesOf(f.i, f.name)
	case present && !f.shown:
		f.shown, f.txt, f.known = true, txt, heard
		f.missing, f.why = 0, ""
		f.tell(Added)
		f.attend()
	case present && heard:
		changed := emptyTXT(txt) != emptyTXT(f.txt) || !emptyTXT(txt) && txt != f.txt
		f.txt, f.known = txt, true
		if changed {
			f.tell(Changed)
		}
	}
	if f.ptr() == nil {
		f.i.e.agenda.stop(f.alarm)
		delete(f.i.found, f.name.fold())
	}
}

// emptyTXT: the three forms of RFC 6763 section 6.1 that say nothing.
func emptyTXT(data string) bool { return strings.Trim(data, "\x00") == "" }

func (f *found) ptr() *entry {
	return f.i.cache.find(ptrRecord(f.name.parent(), f.name))
}

// currentTXT is the rdata of the newest TXT record; several in one packet are one text, as
// version 0.15 of XEP-0174 wrote it.
func (f *found) currentTXT() (data string, heard bool) {
	for _, n := range f.i.cache.latest(f.name, typeTXT) {
		data += n.data
		heard = true
	}
	return data, heard
}

// host and source as known now.
func (f *found) host() string {
	for _, n := range f.i.cache.latest(f.name, typeSRV) {
		return hostOf(n.target()).hostText()
	}
	return ""
}

func (f *found) source() netip.Addr {
	if set := f.i.cache.latest(f.name, typeTXT); len(set) > 0 {
		return withZone(set[0].source, f.i.Name)
	}
	if n := f.ptr(); n != nil {
		return withZone(n.source, f.i.Name)
	}
	return netip.Addr{}
}

func (f *found) event(kind EventKind) Event {
	ev := Event{
		Kind: kind, Instance: f.name.first(), Interface: f.i.Interface,
		Host: f.host(), TXT: txtStrings(f.txt), Source: f.source(), Why: f.why,
	}
	if f.doubt != nil {
		ev.Doubt = f.doubt.Doubt
	}
	return ev
}

// tell notifies all browsers of the type.
func (f *found) tell(kind EventKind) {
	for _, b := range f.i.e.browsers {
		if b.typ.fold() == f.name.parent().fold() {
			b.notify(f.event(kind))
		}
	}
}

// introduce tells a browser that came later.
func (f *found) introduce(b *browser) {
	if f.shown && b.typ.fold() == f.name.parent().fold() {
		b.notify(f.event(Added))
	}
}
