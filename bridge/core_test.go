package bridge

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/upstream"
)

// coreRig is a gateway without anything around it: what it asks of the mesh, the
// session and the store is noted.
type coreRig struct {
	*Gateway
	t       testing.TB
	session *fakeSession
	mesh    *fakeMesh
	store   *fakeStore
	routing bool // while time passes the server routes what it is given

	client    client               // of every peer
	questions []linklocal.Delivery // that peers were asked
}

func newCoreRig(t testing.TB, change ...func(*config.Config)) *coreRig {
	return newCoreRigAfter(t, nil, change...)
}

// newCoreRigAfter is one that finds what a former run has left in its store.
func newCoreRigAfter(t testing.TB, left *fakeStore, change ...func(*config.Config)) *coreRig {
	cfg := config.Defaults()
	cfg.Upstream.Domain = component
	cfg.Access.WarnUnencrypted = false // people who know
	cfg.Colleagues = []config.Colleague{{JID: mustJID(aliceJID), Nick: "Alice"}}
	for _, f := range change {
		f(&cfg)
	}
	g, err := newCore(cfg, Options{Log: slog.New(slog.DiscardHandler), floor: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	c := &coreRig{Gateway: g, t: t, session: new(fakeSession), mesh: new(fakeMesh), store: newFakeStore()}
	g.mesh, g.keeper = c.mesh, c.store
	t.Cleanup(func() { close(g.stopped) }) // alarms that go off later are let go
	if left != nil {
		c.store.State = left.copy()
		for _, m := range c.store.State.Messages {
			c.store.mail[m.ID], c.store.onDisk[m.ID] = m, m
		}
		g.recall(c.store.copy())
	}
	return c
}

// up authenticates.
func (c *coreRig) up() {
	c.Gateway.up(c.session)
	c.session.take()
}

// peer puts somebody on the mesh.
func (c *coreRig) peer(instance, host string) {
	c.peerChanged(linklocal.Peer{Instance: instance, Host: host, Profile: linklocal.Profile{Status: linklocal.Available}})
}

// rest lets time pass and handles what comes due. Only in a bubble.
func (c *coreRig) rest(d time.Duration) {
	for end := time.Now().Add(d); ; {
		if c.routing {
			c.routed(c.session.seq)
		}
		synctest.Wait()
		select {
		case ev := <-c.events:
			ev.apply(c.Gateway)
			continue
		default:
		}
		left := time.Until(end)
		if left <= 0 {
			return
		}
		select {
		case ev := <-c.events:
			ev.apply(c.Gateway)
		case <-time.After(left):
		}
	}
}

// hears hands the gateway a stanza of the server.
func (c *coreRig) hears(s stanza.Stanza) { c.fromServer(s) }

// pong answers the pings to colleagues that were sent since the last time, and
// returns to whom they went.
func (c *coreRig) pong() (asked []string) {
	for _, s := range c.session.sent {
		if isPing(s) && s.From != component {
			asked = append(asked, s.From+" -> "+s.To)
			c.hears(result(s))
		}
	}
	return asked
}

// chat is a message to Juliet.
func chat(from, id, body string) stanza.Stanza {
	return stanza.Stanza{Kind: stanza.Message, From: from, To: julietJID, ID: id, Type: "chat",
		Payload: []*stanza.Element{stanza.New("", "body").AddText(body)}}
}

func pres(from, to, kind string) stanza.Stanza {
	return stanza.Stanza{Kind: stanza.Presence, From: from, To: to, Type: kind}
}

// fakeSession takes stanzas as long as it has room.
type fakeSession struct {
	seq  uint64
	sent []stanza.Stanza
	room int   // 0: endless; -1: none
	err  error // of stanzas that bad selects
	bad  func(stanza.Stanza) bool
}

func (s *fakeSession) Send(st stanza.Stanza) (uint64, error) {
	if s.bad != nil && s.bad(st) {
		return 0, s.err
	}
	switch {
	case s.room < 0:
		return 0, errFull
	case s.room == 1:
		s.room = -1
	case s.room > 1:
		s.room--
	}
	s.seq++
	s.sent = append(s.sent, st)
	return s.seq, nil
}

func (s *fakeSession) take() []stanza.Stanza {
	list := s.sent
	s.sent = nil
	return list
}

// fakeMesh notes.
type fakeMesh struct {
	sent      []linklocal.Delivery
	kept      []linklocal.Delivery // set aside by coreRig.replies
	published []linklocal.Proxy
	withdrawn []string
	retracted []string
	avatars   map[string]string // what peers give, by hash
	fetched   []linklocal.AvatarFetched
	asked     []string // for a picture
	known     []string // instance and machine
	attended  []string // instances, with a + when closely
	dismissed []string // proxy and peer
}

func (m *fakeMesh) FetchAvatar(instance, hash string) {
	m.asked = append(m.asked, instance+" "+hash)
	m.fetched = append(m.fetched, linklocal.AvatarFetched{Hash: hash, Avatar: m.avatars[hash]})
}

func (m *fakeMesh) Publish(p linklocal.Proxy) { m.published = append(m.published, p) }
func (m *fakeMesh) Withdraw(key string)       { m.withdrawn = append(m.withdrawn, key) }
func (m *fakeMesh) Attend(instance string, closely bool) {
	m.attended = append(m.attended, map[bool]string{true: "+", false: "-"}[closely]+instance)
}
func (m *fakeMesh) Retract(instance string) { m.retracted = append(m.retracted, instance) }
func (m *fakeMesh) Know(instance string, holder linklocal.Machine) {
	m.known = append(m.known, instance+" "+holder.String())
}
func (m *fakeMesh) Dismiss(proxy, peer string) { m.dismissed = append(m.dismissed, proxy+" "+peer) }
func (m *fakeMesh) Send(d linklocal.Delivery)  { m.sent = append(m.sent, d) }
func (m *fakeMesh) take() []linklocal.Delivery { list := m.sent; m.sent = nil; return list }
func (m *fakeMesh) deliver(c *coreRig) (n int) {
	for _, d := range m.take() {
		if d.Token != 0 {
			c.delivered(linklocal.Delivered{Token: d.Token})
			n++
		}
	}
	return n
}

// fakeStore is a store in memory.
type fakeStore struct {
	store.State
	err error

	// Messages: on a disk that is quicker than anybody, unless slow.
	mail    map[uint64]store.Message // kept and not dropped
	slow    bool                     // nothing is on disk before commit
	onDisk  map[uint64]store.Message
	commits uint64
	hurried int
}

func newFakeStore() *fakeStore {
	return &fakeStore{State: store.State{
		Subscriptions: map[store.Pair]store.Subscription{}, Shown: map[store.Pair]bool{},
		Instances: map[string]string{}, Fallbacks: map[string]string{},
		Facts: map[store.Kind]map[string]string{},
	}, mail: map[uint64]store.Message{}, onDisk: map[uint64]store.Message{}}
}

// copy returns what a gateway may take over.
func (s *fakeStore) copy() store.State {
	return store.State{
		Subscriptions: maps.Clone(s.Subscriptions), Shown: maps.Clone(s.Shown),
		Instances: maps.Clone(s.Instances), Fallbacks: maps.Clone(s.Fallbacks),
		Facts: cloneFacts(s.Facts), Messages: s.messages(),
	}
}

// messages lists what a restart would find.
func (s *fakeStore) messages() []store.Message {
	found := s.mail
	if s.slow {
		found = s.onDisk
	}
	return slices.SortedFunc(maps.Values(found), func(a, b store.Message) int { return cmp.Compare(a.ID, b.ID) })
}

func (s *fakeStore) Keep(m store.Message) { s.mail[m.ID] = m }

func (s *fakeStore) Drop(id uint64) uint64 {
	delete(s.mail, id)
	if _, there := s.onDisk[id]; there {
		return s.commits + 1
	}
	return 0
}

// commit puts everything on disk.
func (s *fakeStore) commit() {
	s.onDisk = maps.Clone(s.mail)
	s.commits++
}

func (s *fakeStore) Saved() (id, commit uint64) {
	for kept := range s.onDisk {
		id = max(id, kept)
	}
	if s.err != nil {
		return id, math.MaxUint64
	}
	return id, s.commits
}

func (s *fakeStore) Commits() <-chan struct{} { return nil }
func (s *fakeStore) Hurry()                   { s.hurried++ }
func (s *fakeStore) Trouble() error           { return s.err }

func cloneFacts(facts map[store.Kind]map[string]string) map[store.Kind]map[string]string {
	c := map[store.Kind]map[string]string{}
	for kind, m := range facts {
		c[kind] = maps.Clone(m)
	}
	return c
}

func (s *fakeStore) Set(kind store.Kind, key, value string) error {
	if s.Facts[kind] == nil {
		s.Facts[kind] = map[string]string{}
	}
	s.Facts[kind][key] = value
	if value == "" {
		delete(s.Facts[kind], key)
	}
	return s.err
}

func (s *fakeStore) SetSubscription(p store.Pair, sub store.Subscription) error {
	s.Subscriptions[p] = sub
	if sub == 0 {
		delete(s.Subscriptions, p)
	}
	return s.err
}

func (s *fakeStore) SetShown(p store.Pair, available bool) error {
	s.Shown[p] = true
	if !available {
		delete(s.Shown, p)
	}
	return s.err
}

func (s *fakeStore) SetInstance(instance, colleague string) error {
	s.Instances[instance] = colleague
	if colleague == "" {
		delete(s.Instances, instance)
	}
	return s.err
}

func (s *fakeStore) SetFallback(local, instance string) error {
	s.Fallbacks[local] = instance
	if instance == "" {
		delete(s.Fallbacks, local)
	}
	return s.err
}

func (s *fakeStore) Close() error { return errors.Join(s.err) }

var errFull = fmt.Errorf("in the test: %w", upstream.ErrQueueFull)
