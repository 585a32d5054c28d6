package outbox

import (
	"sort"
	"time"
)

// Memory is a Box that a restart empties. Every call on one entry takes constant
// time, but for Return, which passes the older entries returned before it.
type Memory struct {
	limits Limits
	last   ID
	usage  Usage
	items  map[ID]*item
	lanes  map[string]*lane // only recipients that have entries
}

var _ Box = (*Memory)(nil)

// lane holds the entries of one recipient.
type lane struct {
	waiting list // ascending by ID
	flight  list // in the order of writing
}

func (l *lane) len() int { return l.waiting.len + l.flight.len }

// NewMemory returns an empty box.
func NewMemory(limits Limits) *Memory {
	return &Memory{limits: limits, items: make(map[ID]*item), lanes: make(map[string]*lane)}
}

// Accept implements Box.
func (m *Memory) Accept(e Entry) (ID, error) {
	size := footprint(e)
	l := m.lanes[e.Recipient]
	switch {
	case m.limits.PerRecipient <= 0 || l != nil && l.len() >= m.limits.PerRecipient:
		return 0, &Full{BoundRecipient}
	case m.usage.Entries >= m.limits.Total:
		return 0, &Full{BoundTotal}
	case size > m.limits.Bytes-m.usage.Bytes:
		return 0, &Full{BoundBytes}
	}
	e.ID = m.last + 1
	m.add(e, size)
	return e.ID, nil
}

// Restore implements Box.
func (m *Memory) Restore(e Entry) { m.add(e, footprint(e)) }

// Reserve implements Box.
func (m *Memory) Reserve(id ID) { m.last = max(m.last, id) }

// add takes e in as the youngest of its recipient.
func (m *Memory) add(e Entry, size int) {
	l := m.lanes[e.Recipient]
	if l == nil {
		l = new(lane)
		m.lanes[e.Recipient] = l
	}
	it := &item{Entry: e, lane: l, size: size}
	m.last = e.ID
	m.items[e.ID] = it
	m.usage.Entries++
	m.usage.Bytes += size
	l.waiting.insertBefore(nil, it)
}

// Get implements Box.
func (m *Memory) Get(id ID) (Entry, bool) {
	if it := m.items[id]; it != nil {
		return it.Entry, true
	}
	return Entry{}, false
}

// Ready implements Box.
func (m *Memory) Ready(recipient string, limit int) []Entry {
	l := m.lanes[recipient]
	if l == nil || limit <= 0 {
		return nil
	}
	ready := make([]Entry, 0, min(limit, l.waiting.len))
	for it := l.waiting.first; it != nil && len(ready) < limit; it = it.next {
		ready = append(ready, it.Entry)
	}
	return ready
}

// Written implements Box.
func (m *Memory) Written(id ID) bool {
	it := m.items[id]
	if it == nil || it.lane.waiting.first != it {
		return false
	}
	it.Tries++
	it.lane.waiting.remove(it)
	it.lane.flight.insertBefore(nil, it)
	return true
}

// Return implements Box.
func (m *Memory) Return(id ID) bool {
	it := m.items[id]
	if it == nil || it.list != &it.lane.flight {
		return false
	}
	it.wait()
	return true
}

// ReturnAll implements Box.
func (m *Memory) ReturnAll(which func(recipient string) bool) int {
	n := 0
	for recipient, l := range m.lanes {
		if l.flight.len == 0 || which != nil && !which(recipient) {
			continue
		}
		n += l.flight.len
		for l.flight.last != nil { // youngest first: each goes right to the front
			l.flight.last.wait()
		}
	}
	return n
}

// Done implements Box.
func (m *Memory) Done(id ID) (Entry, bool) {
	it := m.items[id]
	if it == nil {
		return Entry{}, false
	}
	m.forget(it)
	return it.Entry, true
}

// Expire implements Box.
func (m *Memory) Expire(now time.Time) []Entry {
	if m.limits.MaxAge <= 0 {
		return nil
	}
	var expired []Entry
	for _, l := range m.lanes {
		for it := l.waiting.first; it != nil && now.Sub(it.Accepted) >= m.limits.MaxAge; it = l.waiting.first {
			m.forget(it)
			expired = append(expired, it.Entry)
		}
	}
	sort.Slice(expired, func(a, b int) bool { return expired[a].ID < expired[b].ID })
	return expired
}

// Discard implements Box.
func (m *Memory) Discard(recipient string) []Entry {
	discarded := m.Ready(recipient, m.Waiting(recipient))
	for _, e := range discarded {
		m.forget(m.items[e.ID])
	}
	return discarded
}

// Waiting implements Box.
func (m *Memory) Waiting(recipient string) int {
	if l := m.lanes[recipient]; l != nil {
		return l.waiting.len
	}
	return 0
}

// Recipients implements Box.
func (m *Memory) Recipients() []string {
	var fronts []*item
	for _, l := range m.lanes {
		if l.waiting.first != nil {
			fronts = append(fronts, l.waiting.first)
		}
	}
	sort.Slice(fronts, func(a, b int) bool { return fronts[a].ID < fronts[b].ID })
	recipients := make([]string, len(fronts))
	for i, it := range fronts {
		recipients[i] = it.Recipient
	}
	return recipients
}

// Each implements Box.
func (m *Memory) Each(visit func(e Entry, inFlight bool)) {
	for _, it := range m.items {
		visit(it.Entry, it.list == &it.lane.flight)
	}
}

// SetLimits implements Box.
func (m *Memory) SetLimits(l Limits) { m.limits = l }

// Usage implements Box.
func (m *Memory) Usage() Usage { return m.usage }

// forget removes an item from everything that knows it.
func (m *Memory) forget(it *item) {
	it.list.remove(it)
	delete(m.items, it.ID)
	if it.lane.len() == 0 {
		delete(m.lanes, it.Recipient)
	}
	m.usage.Entries--
	m.usage.Bytes -= it.size
}
