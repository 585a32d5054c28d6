//go:build linux

package e2e

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A wiretap hears every TCP segment between the router and its LAN where the
// router's own kernel takes it in and puts it out. It tells what a Bonjour
// client lost by itself (its bytes never came) from what the bridge lost.
type wiretap struct {
	router []netip.Addr // its addresses on the LAN

	mu      sync.Mutex
	flows   []*flow                     // guarded by mu; all there were, in order
	current map[[2]netip.AddrPort]*flow // guarded by mu; the latest of each pair
}

// A flow is one direction of a connection.
type flow struct {
	from, to netip.AddrPort
	next     uint32            // sequence number behind data
	data     []byte            // what was heard in order
	early    map[uint32][]byte // what came before its turn
	opens    bool              // its sender began the connection
	acked    int               // how much of data the receiving kernel has acknowledged
	ackedAt  time.Time         // when it last did
	ended    time.Time         // FIN or RST of either side; zero: open
}

// A segment is what matters of one packet.
type segment struct {
	from, to       netip.AddrPort
	seq, ack       uint32
	syn, end, acks bool // begins, ends, acknowledges
	payload        []byte
}

// newWiretap begins to listen in the router.
func (o *office) newWiretap(t testing.TB) *wiretap {
	t.Helper()
	v6, _ := o.router.linkLocal(t, lanDevice)
	linkLocal, _ := netip.AddrFromSlice(v6)
	w := &wiretap{
		router:  []netip.Addr{netip.MustParseAddr(routerLAN), linkLocal},
		current: map[[2]netip.AddrPort]*flow{},
	}
	fd := -1
	err := o.router.do(func() (err error) {
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(bigEndian(unix.ETH_P_ALL)))
		return err
	})
	if err != nil {
		t.Fatalf("listening to TCP in the router: %v", err)
	}
	device, err := o.router.device(lanDevice)
	if err != nil {
		t.Fatal(err)
	}
	timeout := unix.NsecToTimeval(int64(100 * time.Millisecond))
	for _, err := range []error{
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian(unix.ETH_P_ALL), Ifindex: device}),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 32<<20),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout),
	} {
		if err != nil {
			t.Fatalf("listening on %s: %v", lanDevice, err)
		}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { defer close(stopped); w.read(fd, stop) }()
	t.Cleanup(func() {
		close(stop)
		<-stopped
		w.complete(t, fd)
		unix.Close(fd)
	})
	return w
}

// complete fails the test if the kernel had to throw away packets unheard.
func (w *wiretap) complete(t testing.TB, fd int) {
	if s, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err != nil || s.Drops != 0 {
		t.Errorf("the wiretap missed packets: %+v, %v", s, err)
	}
}

func bigEndian(v uint16) uint16 { return v<<8 | v>>8 }

// read files every packet until stop is closed.
func (w *wiretap) read(fd int, stop <-chan struct{}) {
	packet := make([]byte, 1<<17)
	for {
		n, _, err := unix.Recvfrom(fd, packet, 0)
		if s, ok := dissect(packet[:max(n, 0)]); err == nil && ok {
			w.file(s)
		}
		select {
		case <-stop:
			return
		default:
		}
	}
}

// dissect reads the headers of IP and TCP; false for anything else.
func dissect(p []byte) (segment, bool) {
	if len(p) < 40 {
		return segment{}, false
	}
	var from, to netip.Addr
	switch {
	case p[0]>>4 == 4 && p[9] == unix.IPPROTO_TCP:
		from, _ = netip.AddrFromSlice(p[12:16])
		to, _ = netip.AddrFromSlice(p[16:20])
		p = p[:min(len(p), int(binary.BigEndian.Uint16(p[2:])))][int(p[0]&15)*4:]
	case p[0]>>4 == 6 && p[6] == unix.IPPROTO_TCP:
		from, _ = netip.AddrFromSlice(p[8:24])
		to, _ = netip.AddrFromSlice(p[24:40])
		p = p[40:min(len(p), 40+int(binary.BigEndian.Uint16(p[4:])))]
	}
	if !from.IsValid() || len(p) < 20 || len(p) < int(p[12]>>4)*4 {
		return segment{}, false
	}
	const fin, syn, rst, ack = 1, 2, 4, 16
	return segment{
		from: netip.AddrPortFrom(from, binary.BigEndian.Uint16(p)),
		to:   netip.AddrPortFrom(to, binary.BigEndian.Uint16(p[2:])),
		seq:  binary.BigEndian.Uint32(p[4:]), ack: binary.BigEndian.Uint32(p[8:]),
		syn: p[13]&syn != 0, end: p[13]&(fin|rst) != 0, acks: p[13]&ack != 0,
		payload: p[int(p[12]>>4)*4:],
	}, true
}

// file adds a segment to its flow and its acknowledgement to the other one.
func (w *wiretap) file(s segment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	there, back := [2]netip.AddrPort{s.from, s.to}, [2]netip.AddrPort{s.to, s.from}
	if s.syn {
		f := &flow{from: s.from, to: s.to, next: s.seq + 1, early: map[uint32][]byte{}, opens: !s.acks}
		w.flows, w.current[there] = append(w.flows, f), f
	}
	f, other := w.current[there], w.current[back]
	if f != nil {
		f.take(s.seq, s.payload)
	}
	if other != nil && s.acks {
		other.acknowledge(s.ack)
	}
	for _, either := range []*flow{f, other} {
		if either != nil && s.end && either.ended.IsZero() {
			either.ended = time.Now()
		}
	}
}

// take adds what is new of a segment, and what waited for it.
func (f *flow) take(seq uint32, payload []byte) {
	f.early[seq] = append(f.early[seq][:0:0], payload...)
	for again := true; again; {
		again = false
		for at, p := range f.early {
			old := int32(f.next - at) // bytes of p that are in data already
			if old < 0 {
				continue
			}
			delete(f.early, at)
			if int(old) < len(p) {
				f.data = append(f.data, p[old:]...)
				f.next += uint32(len(p)) - uint32(old)
				again = true
			}
		}
	}
}

func (f *flow) acknowledge(ack uint32) {
	if n := len(f.data) - int(int32(f.next-ack)); n > f.acked {
		f.acked, f.ackedAt = min(n, len(f.data)), time.Now()
	}
}

// inward and outward are the directions of a flow: to the bridge, and from it.
func (w *wiretap) inward(f *flow) bool  { return slices.Contains(w.router, f.to.Addr()) }
func (w *wiretap) outward(f *flow) bool { return slices.Contains(w.router, f.from.Addr()) }

// opened counts the connections that the senders of one direction began.
func (w *wiretap) opened(which func(*flow) bool) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return count(w.flows, func(f *flow) bool { return f.opens && which(f) })
}

// lived is how long the connection lasted after the last byte was acknowledged;
// 0 when it is still open.
func (f *flow) lived() time.Duration {
	if f.ended.IsZero() {
		return 0
	}
	return f.ended.Sub(f.ackedAt)
}

// A carriage is one flow in which a text stood whole and acknowledged.
type carriage struct {
	from, to netip.AddrPort
	lived    time.Duration // see flow.lived
}

// carried returns the flows of one direction in which a message with this text
// was acknowledged to the last byte by the kernel of the receiver.
func (w *wiretap) carried(text string, which func(*flow) bool) []carriage {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []carriage
	for _, f := range w.flows {
		if !which(f) {
			continue
		}
		for _, n := range stanzas(string(f.data[:f.acked])) {
			if n.XMLName.Local == "message" && n.text("body") == text {
				found = append(found, carriage{f.from, f.to, f.lived()})
			}
		}
	}
	return found
}

func (c carriage) String() string {
	return fmt.Sprintf("from %v to %v, which ended %v later", c.from, c.to, c.lived)
}
