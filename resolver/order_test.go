package resolver

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// group is one service for each weight, called a, b, c and so on.
func group(weights ...uint16) (list []service) {
	for i, w := range weights {
		list = append(list, service{weight: w, host: string(rune('a' + i))})
	}
	return list
}

func names(list []picked) string {
	s := ""
	for _, p := range list {
		s += p.host
	}
	return s
}

// rolls yields numbers in turn.
func rolls(numbers ...int) func(int) int {
	return func(int) int {
		n := numbers[0]
		numbers = numbers[1:]
		return n
	}
}

func TestFirstPickCounts(t *testing.T) {
	for _, c := range []struct{ weights, want []int }{
		{[]int{10, 60, 30}, []int{11, 60, 30}},
		{[]int{0, 10, 60, 30}, []int{1, 10, 60, 30}},
		{[]int{0, 0, 100}, []int{1, 0, 100}},
		{[]int{1, 2}, []int{2, 2}},
		{[]int{0, 0}, []int{1, 0}},
		{[]int{5}, []int{6}},
		{[]int{1, 1, 1}, []int{2, 1, 1}},
		{[]int{65535, 1}, []int{65536, 1}},
	} {
		t.Run(fmt.Sprintf("V-1 RES-2782-2 RES-2782-3 every roll for %v", c.weights), func(t *testing.T) {
			var weights []uint16
			sum := 0
			for _, w := range c.weights {
				weights = append(weights, uint16(w))
				sum += w
			}
			list, got := group(weights...), make([]int, len(c.weights))
			for roll := range sum + 1 {
				got[pick(list, roll)]++
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestSequences(t *testing.T) {
	for _, c := range []struct {
		weights []uint16
		rolls   []int
		want    string
	}{
		{[]uint16{10, 60, 30}, []int{0, 0, 0}, "abc"},
		{[]uint16{10, 60, 30}, []int{11, 40, 10}, "bca"},
		{[]uint16{10, 60, 30}, []int{100, 70, 10}, "cba"},
		{[]uint16{10, 60, 30}, []int{70, 11, 0}, "bca"},
		{[]uint16{60, 0, 30}, []int{0, 60, 30}, "bac"},
		{[]uint16{60, 0, 30}, []int{1, 0, 30}, "abc"},
		{[]uint16{0, 0}, []int{0, 0}, "ab"},
	} {
		t.Run(fmt.Sprintf("V-1 RES-2782-2 %v by %v", c.weights, c.rolls), func(t *testing.T) {
			r := New(Config{Roll: rolls(c.rolls...)})
			if got := names(r.byWeight(group(c.weights...))); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// The chance that is used when nobody injects one has the exact distribution, too:
// chi-square with two degrees of freedom, beyond 20 once in 22,000 runs.
func TestChance(t *testing.T) {
	t.Run("V-1 RES-2782-2 10, 60 and 30 of chance", func(t *testing.T) {
		const n = 20000
		var got [3]float64
		for range n {
			got[New(Config{}).byWeight(group(10, 60, 30))[0].host[0]-'a']++
		}
		chi := 0.0
		for i, w := range []float64{11, 60, 30} {
			want := n * w / 101
			chi += (got[i] - want) * (got[i] - want) / want
		}
		if chi > 20 {
			t.Errorf("chi-square %.1f for %v", chi, got)
		}
	})
	t.Run("RES-2782-2 the roll may be the whole sum", func(t *testing.T) {
		second := 0
		for range 3000 {
			if names(New(Config{}).byWeight(group(1, 1))) == "ba" {
				second++ // a roll of 2 of 0, 1 and 2
			}
		}
		if second < 850 || second > 1150 {
			t.Errorf("%d of 3000 times, want 1000", second)
		}
	})
	t.Run("RES-2782-4 weights of 0 alone are shuffled", func(t *testing.T) {
		seen := map[string]int{}
		for range 1000 {
			seen[names(New(Config{}).byWeight(group(0, 0)))]++
		}
		if seen["ab"] < 350 || seen["ba"] < 350 {
			t.Errorf("%v", seen)
		}
	})
	t.Run("RES-2782-3 a weight of 0 has a small chance", func(t *testing.T) {
		firsts := 0
		for range 2000 {
			if strings.HasPrefix(names(New(Config{}).byWeight(group(9, 0))), "b") {
				firsts++
			}
		}
		if firsts < 100 || firsts > 320 { // 200 expected
			t.Errorf("first %d times of 2000", firsts)
		}
	})
}

func TestPriorities(t *testing.T) {
	t.Run("RES-2782-1 RES-3861-6-3 lowest first, whatever the weights", func(t *testing.T) {
		list := group(0, 100, 0, 7)
		for i, p := range []uint16{20, 10, 0, 10} {
			list[i].priority = p
		}
		var told []string
		ordered := New(Config{Roll: rolls(0, 107, 7, 0)}).arrange(list, func(s service, why string) { told = append(told, s.host+" "+why) })
		got := ""
		for _, s := range ordered {
			got += s.host
		}
		want := []string{"c first choice: lowest priority", "d fallback 1: next priority, weight roll 107 of 107", "b fallback 2: same priority", "a fallback 3: next priority"}
		if got != "cdba" || !slices.Equal(told, want) {
			t.Errorf("%s, %q", got, told)
		}
	})
}
