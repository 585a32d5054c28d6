package demo

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Lines of the play. What looks like markup must arrive as it was written.
const (
	julietSays = "Good morning, Alice! Is <b>2 < 3</b> & is it \"safe\" to write so?"
	aliceSays  = "Good morning, Juliet. It is: I read every character. 😀"
)

// patience is how long a scene may take: finding each other takes seconds.
const patience = 20 * time.Second

// perform runs the parts and plays the scenes. It returns once all parts have ended.
func (p *play) perform(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	for _, part := range parts {
		running.Go(func() {
			if err := part(ctx); err != nil {
				cancel(err)
			}
		})
	}
	err := p.scenes(ctx)
	cancel(nil)
	running.Wait()
	return err
}

// scenes waits for each scene in turn: they see each other, Juliet writes, Alice
// answers.
func (p *play) scenes(ctx context.Context) error {
	p.out.say("office", "Juliet is on the LAN with a Bonjour client. Alice is elsewhere, on the XMPP server %s.", host)
	for _, scene := range []struct {
		name  string
		begin func()
		over  <-chan struct{}
		hint  string
	}{
		{"Juliet sees Alice", func() {}, p.juliet.sees, "Alice's proxy instance was not found by multicast DNS; a firewall on this host may drop UDP port 5353"},
		{"Alice hears of Juliet", p.alice.ask, p.alice.found, "the bridge did not find Juliet by multicast DNS"},
		{"Alice sees Juliet", p.alice.subscribe, p.alice.sees, "Juliet's presence did not get to the server"},
		{"Alice reads Juliet's message", func() { p.juliet.write(julietSays) }, p.alice.reads, "it did not get from the mesh to the server"},
		{"Juliet reads Alice's answer", func() { p.alice.write(aliceSays) }, p.juliet.reads, "it did not get from the server to the mesh"},
	} {
		scene.begin()
		if err := await(ctx, scene.over); err != nil {
			if ctx.Err() != nil { // a part has ended, and says what to do
				return context.Cause(ctx)
			}
			return fmt.Errorf("%s: %s: %w; run %s demo -v to see why", scene.name, scene.hint, err, p.Name)
		}
	}
	p.out.say("office", "Both directions work.")
	if p.Stay {
		p.out.say("office", "Staying on %s: look for Alice in a Bonjour client on this LAN and write to her. Ctrl-C ends it.", p.Interface)
		<-ctx.Done()
	}
	return nil
}

// await waits for over, in bounded time.
func await(ctx context.Context, over <-chan struct{}) error {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-over:
		return nil
	case <-timeout.C:
		return fmt.Errorf("not within %v", patience)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
