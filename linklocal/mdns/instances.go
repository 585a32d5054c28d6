package mdns

import "context"

// Instances lists what the engine knows of a browsed service type at this moment, as
// Added events, one for each interface. It asks nobody; the error is ctx's, or ErrStopped.
func (e *Engine) Instances(ctx context.Context, serviceType string) ([]Event, error) {
	typ, err := typeName(serviceType)
	if err != nil {
		return nil, err
	}
	answer := make(chan []Event, 1)
	e.post(func() {
		var all []Event
		b := &browser{e: e, typ: typ, notify: func(ev Event) { all = append(all, ev) }}
		for _, i := range e.ifaces {
			for _, f := range i.found {
				f.introduce(b)
			}
		}
		answer <- all
	})
	select {
	case all := <-answer:
		return all, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-e.done:
		return nil, ErrStopped
	}
}
