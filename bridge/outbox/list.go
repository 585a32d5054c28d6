package outbox

// item is an entry in the box. It is always in exactly one list of its lane.
type item struct {
	Entry
	size       int
	lane       *lane
	list       *list
	prev, next *item
}

// wait moves an item in flight back to its place among the waiting.
func (it *item) wait() {
	it.list.remove(it)
	after := it.lane.waiting.first
	for after != nil && after.ID < it.ID {
		after = after.next
	}
	it.lane.waiting.insertBefore(after, it)
}

// list is a doubly linked list of items.
type list struct {
	first, last *item
	len         int
}

// insertBefore puts it before at; nil is the end.
func (l *list) insertBefore(at, it *item) {
	it.list, it.next = l, at
	if at == nil {
		it.prev, l.last = l.last, it
	} else {
		it.prev, at.prev = at.prev, it
	}
	if it.prev == nil {
		l.first = it
	} else {
		it.prev.next = it
	}
	l.len++
}

// remove takes it out; it must be in l.
func (l *list) remove(it *item) {
	if it.prev == nil {
		l.first = it.next
	} else {
		it.prev.next = it.next
	}
	if it.next == nil {
		l.last = it.prev
	} else {
		it.next.prev = it.prev
	}
	it.list, it.prev, it.next = nil, nil, nil
	l.len--
}
