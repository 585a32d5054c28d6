package control

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// asClient makes this test binary put a question to the socket named in it, as another
// user may.
const asClient = "MESHBRIDGE_TEST_CONTROL_CLIENT"

func TestMain(m *testing.M) {
	if path := os.Getenv(asClient); path != "" {
		_, err := status(context.Background(), path)
		fmt.Println(err)
		return
	}
	goleak.VerifyTestMain(m)
}

// host answers what a test wants.
type host struct {
	status func(context.Context) (Status, error)
	browse func(ctx context.Context, once bool, tell func(any) error) error
	ids    []uint64
	to     string
}

func (h *host) Status(ctx context.Context) (Status, error) {
	if h.status != nil {
		return h.status(ctx)
	}
	return Status{State: "ok", Version: "test"}, nil
}

func (h *host) Outbox(context.Context) ([]Message, error) {
	return []Message{{ID: 1, To: "a"}, {ID: 2, To: "b"}}, nil
}

func (h *host) Drop(_ context.Context, ids []uint64, to string) (Dropped, error) {
	h.ids, h.to = ids, to
	return Dropped{Messages: len(ids)}, nil
}

func (h *host) Browse(ctx context.Context, once bool, tell func(any) error) error {
	return h.browse(ctx, once, tell)
}

func (h *host) Reload(context.Context) (Reloaded, error) {
	return Reloaded{}, errors.New("reload refused, the former configuration stays in force: bridge.yaml:4:1: colour: unknown key; remove it")
}
