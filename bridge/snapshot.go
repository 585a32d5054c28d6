package bridge

import (
	"context"
	"maps"
	"os"
	"slices"
	"sort"
	"time"

	"meshbridge/bridge/control"
	"meshbridge/bridge/outbox"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/linklocal"
)

// status tells how everything is. It waits for the gateway's goroutine, and a little for
// the mesh.
func (g *Gateway) status(ctx context.Context, in control.Config) (control.Status, error) {
	lan, err := look(ctx, g, func(g *Gateway) *linklocal.Mesh { return g.lan })
	if err != nil {
		return control.Status{}, err
	}
	mesh := surveyOf(ctx, lan)
	s, err := look(ctx, g, func(g *Gateway) control.Status { return g.snapshot(mesh, time.Now()) })
	if err != nil {
		return s, err
	}
	s.Config = in
	s.Drops = g.drops.list(time.Now())
	s.Memory = memoryNow()
	s.Troubles = append(s.Troubles, troubles(s, g.opts.Program)...)
	s.State = "ok"
	if slices.ContainsFunc(s.Troubles, func(t control.Trouble) bool { return t.Degraded }) {
		s.State = "degraded"
	}
	return s, nil
}

// surveyTime is how long the mesh may take to tell how it is.
const surveyTime = 2 * time.Second

func surveyOf(ctx context.Context, lan *linklocal.Mesh) linklocal.Survey {
	if lan == nil {
		return linklocal.Survey{}
	}
	ctx, cancel := context.WithTimeout(ctx, surveyTime)
	defer cancel()
	s, _ := lan.Survey(ctx) // a mesh that does not answer is on no interface as far as anybody knows
	return s
}

// snapshot is what the gateway knows itself, beside what the mesh has told.
func (g *Gateway) snapshot(mesh linklocal.Survey, now time.Time) control.Status {
	s := control.Status{
		Version: g.opts.Version, PID: os.Getpid(), Started: g.began, UptimeSeconds: seconds(now.Sub(g.began)),
		Upstream: g.upstreamNow(now),
		Mesh: control.Mesh{Up: mesh.Port != 0, Port: mesh.Port, LivenessQuestions: mesh.Checks.Liveness,
			Doubts: mesh.Checks.Doubts, Vanished: mesh.Checks.Vanished},
		Peers: g.peersNow(mesh), Colleagues: g.colleaguesNow(), Held: g.heldNow(now),
		Outbox: g.outboxNow(now), Interfaces: interfacesNow(g.cfg.LinkLocal.Interfaces, mesh, now),
		Troubles: []control.Trouble{},
	}
	s.Troubles = append(s.Troubles, twins(mesh.Twins)...)
	if err := g.keeper.Trouble(); err != nil {
		s.Troubles = append(s.Troubles, control.Trouble{About: "store", What: "what must be known after a restart is not saved",
			Next: err.Error(), Degraded: true})
	}
	return s
}

func (g *Gateway) upstreamNow(now time.Time) control.Upstream {
	u := &g.standing
	out := control.Upstream{
		State: u.state(now), Domain: g.cfg.Upstream.Domain, Address: u.address,
		Since: u.since, SinceSeconds: seconds(now.Sub(u.since)),
		Reconnects: max(0, u.ups-1), Shared: u.shared, RetrySeconds: seconds(max(0, u.retry.Sub(now))),
	}
	if out.Address == "" {
		out.Address = g.cfg.Upstream.Target.String()
	}
	if u.err != nil {
		out.Error, out.Class = u.err.Error(), u.class.String()
	}
	return out
}

func interfacesNow(names []string, mesh linklocal.Survey, now time.Time) []control.Interface {
	list := []control.Interface{}
	for _, name := range names {
		i := control.Interface{Name: name}
		if k := slices.IndexFunc(mesh.Interfaces, func(l linklocal.LinkInfo) bool { return l.Name == name }); k >= 0 {
			l := mesh.Interfaces[k]
			i.Packets, i.Peers, i.Joined = l.Heard, l.Peers, !l.Joined.IsZero()
			if i.Joined {
				i.SinceSeconds = seconds(now.Sub(l.Joined))
			}
			if !l.Last.IsZero() {
				last := seconds(now.Sub(l.Last))
				i.LastSeconds = &last
			}
		}
		list = append(list, i)
	}
	return list
}

// peersNow lists who is here, and for whom something waits.
func (g *Gateway) peersNow(mesh linklocal.Survey) []control.Peer {
	expected := map[*peer]bool{}
	for _, r := range g.routes {
		expected[r.peer] = true
	}
	list := []control.Peer{}
	for _, local := range slices.Sorted(maps.Keys(g.peers)) {
		p := g.peers[local]
		if !p.present && !expected[p] {
			continue
		}
		list = append(list, control.Peer{
			Instance: p.instance, JID: p.jid, Present: p.present, Level: levelName(g.levelOf(p)),
			Streams: mesh.Streams[p.instance], Watchers: len(p.watchers),
		})
	}
	return list
}

func levelName(l policy.Level) string {
	return [...]string{policy.Unbound: "unbound", policy.Bound: "bound", policy.Approved: "approved", policy.Linked: "linked", policy.Authenticated: "authenticated"}[l]
}

func (g *Gateway) colleaguesNow() []control.Colleague {
	list := []control.Colleague{}
	for _, c := range g.colleagueList() {
		sub := g.subs[store.Pair{Colleague: c.key()}]
		list = append(list, control.Colleague{
			JID: c.key(), Nick: c.nick, Listed: c.listed, Online: c.devices.Available(), Instance: c.instance,
			Left: g.fact(store.Registrations, c.key()) == hasLeft, Accepted: sub&store.Watched != 0, Asked: sub&(store.Watched|store.Asked) != 0,
		})
	}
	return list
}

// heldNow lists who is not let through.
func (g *Gateway) heldNow(now time.Time) []control.Held {
	list := []control.Held{}
	for _, h := range g.held() {
		list = append(list, control.Held{
			Peer: h.peer.instance, Colleague: h.colleague, Why: h.why, Next: h.todo, Seconds: seconds(now.Sub(h.since)),
		})
	}
	return list
}

// outboxNow sums up what is kept.
func (g *Gateway) outboxNow(now time.Time) control.Outbox {
	usage := g.box.Usage()
	out := control.Outbox{
		Durability: string(g.cfg.Outbox.Durability), Messages: usage.Entries, Bytes: usage.Bytes,
		LimitMessages: g.cfg.Outbox.Total, LimitBytes: g.cfg.Outbox.Bytes, Recipients: []control.Recipient{},
	}
	at := map[string]int{}
	g.box.Each(func(e outbox.Entry, inFlight bool) {
		if inFlight {
			out.InFlight++
		}
		to := g.destinationOf(e.Recipient)
		k, known := at[to.address]
		if !known {
			k = len(out.Recipients)
			at[to.address] = k
			out.Recipients = append(out.Recipients, control.Recipient{Direction: to.direction, To: to.address})
		}
		r, age := &out.Recipients[k], seconds(now.Sub(e.Accepted))
		r.Messages++
		r.OldestSeconds, out.OldestSeconds = max(r.OldestSeconds, age), max(out.OldestSeconds, age)
	})
	sort.Slice(out.Recipients, func(i, j int) bool {
		a, b := out.Recipients[i], out.Recipients[j]
		return a.Messages > b.Messages || a.Messages == b.Messages && a.To < b.To
	})
	return out
}

// seconds are whole ones; a clock that was set meanwhile yields none below 0.
func seconds(d time.Duration) int64 { return max(0, int64(d/time.Second)) }
