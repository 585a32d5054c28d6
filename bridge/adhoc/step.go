package adhoc

import (
	"meshbridge/bridge/form"
	"meshbridge/internal/stanza"
)

// Step is what a command has come to. Without Then it is over, and Form is what came
// of it; else Form is to be filled in.
type Step struct {
	Form form.Form
	// Note is said beside the form, or alone. Failed marks it as the reason why
	// nothing was done.
	Note   string
	Failed bool
	// Then takes the form as it was filled in, and calls reply once, now or later,
	// on the goroutine that owns the sessions.
	Then func(a form.Answers, reply func(Step))
	// Last says that the command is complete after this form.
	Last bool
}

// allows reports whether an action goes on from here.
func (s Step) allows(a Action) bool {
	return a == Execute || a == Complete && s.Last || a == Next && !s.Last
}

// actions says what can be done next.
func (s Step) actions(prev bool) *stanza.Element {
	on := Next
	if s.Last {
		on = Complete
	}
	e := stanza.New(NS, "actions").With("execute", string(on))
	if prev {
		e.Add(stanza.New(NS, string(Prev)))
	}
	return e.Add(stanza.New(NS, string(on)))
}

// note is the Note as it is sent.
func (s Step) note() *stanza.Element {
	if s.Note == "" {
		return nil
	}
	kind := "info"
	if s.Failed {
		kind = "error"
	}
	return stanza.New(NS, "note").With("type", kind).AddText(s.Note)
}

// x is the Form as it is sent.
func (s Step) x() *stanza.Element {
	switch {
	case s.Then != nil:
		return s.Form.Ask()
	case s.Form.Fields != nil:
		return s.Form.Tell()
	}
	return nil
}
