package bridge

import (
	"testing"

	"meshbridge/bridge/config"
	"meshbridge/linklocal"
)

func TestLimits(t *testing.T) {
	t.Run("INJ-19 LL-STR-25 the defaults of the file are those of the mesh", func(t *testing.T) {
		if got, want := linklocal.Limits(config.Defaults().Limits), linklocal.DefaultLimits(); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
	t.Run("INJ-19 LL-STR-25 what the file says reaches the mesh", func(t *testing.T) {
		c := newCoreRig(t, func(cfg *config.Config) {
			cfg.Limits = config.Limits{PeerRate: 1, PeerBurst: 2, TotalRate: 3, StreamsPerAddress: 4, Streams: 5}
		})
		if got, want := c.meshConfig(c.cfg).Limits, (linklocal.Limits{PeerRate: 1, PeerBurst: 2, TotalRate: 3, StreamsPerAddress: 4, Streams: 5}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}
