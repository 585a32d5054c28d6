package resolver

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
)

// service is one SRV record that can be used.
type service struct {
	priority, weight, port uint16
	host                   string // lower case, no dot at the end
	ttl                    uint32
	transport              Transport

	step, line int                  // where it stands in the trace
	extra      map[string][]address // addresses that came with its answer
}

// arrange puts records in the order to be tried (RFC 2782 page 3): by priority, and
// among equals by chance and weight. The reason is told for every one.
func (r *Resolver) arrange(all []service, tell func(s service, why string)) []service {
	all = slices.Clone(all)
	sort.SliceStable(all, func(a, b int) bool { return all[a].priority < all[b].priority })
	var ordered []service
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(s service) bool { return s.priority != all[0].priority })
		if n < 0 {
			n = len(all)
		}
		why := "next priority"
		if len(ordered) == 0 {
			why = "lowest priority"
		}
		first := len(ordered)
		for _, p := range r.byWeight(all[:n]) {
			text := why
			if len(ordered) > first {
				text = "same priority"
			}
			if p.of > 1 {
				text += fmt.Sprintf(", weight roll %d of %d", p.roll, p.sum)
			}
			ordered = append(ordered, p.service)
			tell(p.service, rank(len(ordered))+text)
		}
		all = all[n:]
	}
	return ordered
}

// rank names the place of the nth record in the order.
func rank(n int) string {
	if n == 1 {
		return "first choice: "
	}
	return fmt.Sprintf("fallback %d: ", n-1)
}

// picked is a service with the chance that picked it out of how many.
type picked struct {
	service
	roll, sum, of int
}

// byWeight orders records of one priority. Those of weight 0 come first in the list
// that is chosen from, which gives them the small chance of a roll of 0; among
// themselves that rule would keep the order of the answer, so they are shuffled.
func (r *Resolver) byWeight(group []service) []picked {
	left := slices.Clone(group)
	sort.SliceStable(left, func(a, b int) bool { return left[a].weight == 0 && left[b].weight > 0 })
	if r.cfg.Roll == nil {
		zeros := slices.IndexFunc(left, func(s service) bool { return s.weight > 0 })
		if zeros < 0 {
			zeros = len(left)
		}
		rand.Shuffle(zeros, func(i, j int) { left[i], left[j] = left[j], left[i] })
	}
	var order []picked
	for len(left) > 0 {
		sum := 0
		for _, s := range left {
			sum += int(s.weight)
		}
		roll := r.roll(sum)
		i := pick(left, roll)
		order = append(order, picked{left[i], roll, sum, len(left)})
		left = slices.Delete(left, i, i+1)
	}
	return order
}

// pick returns the index of the first record at which the running sum of the weights
// reaches roll, which is at most the whole sum.
func pick(list []service, roll int) int {
	running := 0
	for i, s := range list {
		if running += int(s.weight); running >= roll {
			return i
		}
	}
	return len(list) - 1
}
