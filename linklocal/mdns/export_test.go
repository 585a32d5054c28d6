package mdns

import (
	"testing"
	"time"
)

// FixChance makes every random duration the middle of its span while t runs.
func FixChance(t testing.TB) {
	before := draw
	draw = func(below time.Duration) time.Duration { return below / 2 }
	t.Cleanup(func() { draw = before })
}
