package mdns

import (
	"container/heap"
	"time"
)

// An alarm is a function to be called at a time, once.
type alarm struct {
	at    time.Time
	seq   uint64 // alarms for one time ring in the order they were set
	index int    // in the heap, -1 when it rang or was cancelled
	fn    func()
}

// stop takes a out of the agenda; nil and rung alarms are fine.
func (g *agenda) stop(a *alarm) {
	if a != nil && a.index >= 0 {
		heap.Remove(&g.heap, a.index)
	}
}

// An agenda holds all that the engine will do later, so that one timer serves it all.
type agenda struct {
	heap alarmHeap
	seq  uint64
}

// at sets an alarm.
func (g *agenda) at(t time.Time, fn func()) *alarm {
	g.seq++
	a := &alarm{at: t, seq: g.seq, fn: fn}
	heap.Push(&g.heap, a)
	return a
}

// clear cancels all alarms.
func (g *agenda) clear() {
	for _, a := range g.heap {
		a.index = -1
	}
	g.heap = nil
}

// next is the time of the earliest alarm.
func (g *agenda) next() (time.Time, bool) {
	if len(g.heap) == 0 {
		return time.Time{}, false
	}
	return g.heap[0].at, true
}

// ring calls what is due at now, including what that sets for now.
func (g *agenda) ring(now time.Time) {
	for len(g.heap) > 0 && !g.heap[0].at.After(now) {
		heap.Pop(&g.heap).(*alarm).fn()
	}
}

type alarmHeap []*alarm

func (h alarmHeap) Len() int { return len(h) }
func (h alarmHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}
func (h alarmHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *alarmHeap) Push(x any) {
	a := x.(*alarm)
	a.index = len(*h)
	*h = append(*h, a)
}

func (h *alarmHeap) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	a.index = -1
	return a
}
