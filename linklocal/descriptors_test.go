package linklocal_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

// flaky is a transport whose listeners fail so often before they accept, as when
// the program has no descriptors left.
type flaky struct {
	linklocal.Transport
	fail  int64
	tries *atomic.Int64
}

func (f flaky) Listen(ctx context.Context, at netip.AddrPort) (net.Listener, error) {
	l, err := f.Transport.Listen(ctx, at)
	return &flakyListener{l, f}, err
}

type flakyListener struct {
	net.Listener
	f flaky
}

func (l *flakyListener) Accept() (net.Conn, error) {
	if l.f.tries.Add(1) <= l.f.fail {
		return nil, syscall.EMFILE
	}
	return l.Listener.Accept()
}

// failing lets the first accepts of a mesh fail.
func failing(n int64, tries *atomic.Int64) func(*office) {
	return func(o *office) {
		tries.Store(0)
		o.cfg.Transport = flaky{o.cfg.Transport, n, tries}
	}
}

func TestOutOfDescriptors(t *testing.T) {
	var tries atomic.Int64
	inOffice(t, "LL-STR-25 a listener that fails is tried again", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.say(s, "<message><body>x</body></message>")
		if len(o.received()) != 1 {
			t.Error("deaf")
		}
	}, failing(5, &tries))
	inOffice(t, "LL-STR-25 without descriptors accept does not spin: ever longer pauses, counted, told once a minute", func(t *testing.T, o *office) {
		o.wait(5 * time.Minute)
		n := tries.Load()
		if n < 300 || n > 400 || o.count("LL-STR-25") != int(n) {
			t.Errorf("tried %d times, counted %d", n, o.count("LL-STR-25"))
		}
		if n := strings.Count(o.logged(), "cannot accept connections"); n < 5 || n > 6 {
			t.Errorf("logged %d times", n)
		}
	}, failing(1<<40, &tries))
}

func TestFewDescriptors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files int
		err   error
		want  int
	}{
		{"the usual 1024", 1024, nil, 512},
		{"as many as one likes", 1 << 20, nil, 512},
		{"256", 256, nil, 64},
		{"next to none", 20, nil, 16},
		{"nobody knows", 0, errors.ErrUnsupported, 512},
	} {
		t.Run("LL-STR-25 the number of streams fits the file descriptors: "+tt.name, func(t *testing.T) {
			lan := meshtest.New()
			cfg := linklocal.Config{
				Interfaces: []string{"eth0"}, Machine: "bridge", Handle: func(linklocal.Event) {},
				Network: lan.Host("bridge", bridgeAt+"/24"), Transport: lan.Transport(),
			}
			cfg.SetDescriptors(func() (int, error) { return tt.files, tt.err })
			m, err := linklocal.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if n := m.Streams(); n != tt.want {
				t.Errorf("%d streams, want %d", n, tt.want)
			}
		})
	}
	t.Run("LL-STR-25 the kernel is asked, and the soft limit raised to the hard one", func(t *testing.T) {
		n, err := linklocal.OpenFiles()
		var l syscall.Rlimit
		if err2 := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if l.Cur != l.Max || uint64(n) > uint64(l.Cur) || n < 16 {
			t.Errorf("told %d, soft %d, hard %d", n, l.Cur, l.Max)
		}
	})
}
