package form

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"meshbridge/internal/stanza"
)

// sample is a form with a field of each kind.
var sample = Form{
	Title: "Sample", Instructions: "Say <something>.",
	Fields: []Field{
		{Kind: Fixed, Values: []string{"Words."}},
		{Var: "name", Kind: TextSingle, Label: "Name", Desc: "as it is shown", Required: true},
		{Var: "who", Kind: ListMulti, Values: []string{"b"}, Options: []Option{{"a", "Anna"}, {"b", ""}}},
		{Var: "what", Kind: ListSingle, Options: []Option{{"yes", ""}, {"no", ""}}},
	},
}

func TestWrite(t *testing.T) {
	for _, c := range []struct {
		name string
		got  *stanza.Element
		want string
	}{
		{"to be filled in", sample.Ask(), `<x xmlns='jabber:x:data' type='form'><title>Sample</title><instructions>Say &lt;something&gt;.</instructions>` +
			`<field type='fixed'><value>Words.</value></field>` +
			`<field var='name' type='text-single' label='Name'><desc>as it is shown</desc><required/></field>` +
			`<field var='who' type='list-multi'><value>b</value><option label='Anna'><value>a</value></option><option><value>b</value></option></field>` +
			`<field var='what' type='list-single'><option><value>yes</value></option><option><value>no</value></option></field></x>`},
		{"a table", Form{Fields: []Field{{Var: "n", Kind: TextSingle, Label: "N"}, {Var: "j", Kind: JIDSingle}}, Rows: [][]string{{"1", "a@b"}, {"", "c@d"}}}.Tell(),
			`<x xmlns='jabber:x:data' type='result'><reported><field var='n' type='text-single' label='N'/><field var='j' type='jid-single'/></reported>` +
				`<item><field var='n'><value>1</value></field><field var='j'><value>a@b</value></field></item>` +
				`<item><field var='n'><value/></field><field var='j'><value>c@d</value></field></item></x>`},
		{"a result", Form{Fields: []Field{{Var: "n", Kind: TextSingle, Values: []string{"1"}}}}.Tell(),
			`<x xmlns='jabber:x:data' type='result'><field var='n' type='text-single'><value>1</value></field></x>`},
	} {
		t.Run("GW-20 "+c.name, func(t *testing.T) {
			if got := string(stanza.AppendElement(nil, stanza.Component, c.got)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// submitted is an <x/> with what stands in it.
func submitted(t testing.TB, inner string) *stanza.Element {
	t.Helper()
	x, err := parse(`<x xmlns='jabber:x:data' type='submit'>` + inner + `</x>`)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// parse reads one payload element as the bridge reads it.
func parse(text string) (*stanza.Element, error) {
	r := stanza.NewReader(strings.NewReader(string(stanza.AppendHeader(nil, stanza.Component, stanza.Header{}))+"<iq>"+text+"</iq>"), stanza.Component, stanza.MeshLimits())
	if _, err := r.Header(); err != nil {
		return nil, err
	}
	r.Trust()
	e, err := r.Next()
	if err != nil || len(e.Elements()) == 0 {
		return nil, errors.Join(err, errors.New("no element"))
	}
	return e.Elements()[0], nil
}

func filled(name string, values ...string) string {
	s := `<field var='` + name + `'>`
	for _, v := range values {
		s += `<value>` + v + `</value>`
	}
	return s + `</field>`
}

func TestRead(t *testing.T) {
	many := func(n int, f func(i int) string) (s string) {
		for i := range n {
			s += f(i)
		}
		return s
	}
	for _, c := range []struct {
		name, xml string
		want      error
		answers   string
	}{
		{"all of it", filled("name", "Anna") + filled("who", "a", "b") + filled("what", "no"), nil, "map[name:[Anna] what:[no] who:[a b]]"},
		{"only what is required", filled("name", "Anna"), nil, "map[name:[Anna]]"},
		{"spaces around a value, and a repeat, mean nothing", filled("name", " Anna ", "Anna"), nil, "map[name:[Anna]]"},
		{"the type of a field is not the sender's to say", `<field var='name' type='hidden'><value>Anna</value></field>`, nil, "map[name:[Anna]]"},
		{"what nobody asked", filled("name", "x") + filled("FORM_TYPE", "urn:x") + filled("", "Words.") + `<field><value>y</value></field><title/>`, nil, "map[name:[x]]"},
		{"a choice of nothing", filled("name", "x") + filled("who"), nil, "map[name:[x] who:[]]"},
		{"nothing", ``, ErrMissing, ""},
		{"a required field left empty", filled("name", "  "), ErrMissing, ""},
		{"two values of one", filled("name", "x", "y"), ErrValue, ""},
		{"two choices of one", filled("name", "x") + filled("what", "yes", "no"), ErrValue, ""},
		{"a choice that is not there", filled("name", "x") + filled("who", "c"), ErrValue, ""},
		{"two lines", filled("name", "x\ny"), ErrValue, ""},
		{"a field twice", filled("name", "x") + filled("name", "x"), ErrRepeated, ""},
		{"too many fields", many(maxFields+1, func(i int) string { return filled(fmt.Sprint(i), "x") }), ErrTooMuch, ""},
		{"too many values", filled("name", slices.Repeat([]string{"x"}, maxValues+1)...), ErrTooMuch, ""},
		{"too long a value", filled("name", strings.Repeat("x", maxValue+1)), ErrTooMuch, ""},
	} {
		t.Run("GW-20 "+c.name, func(t *testing.T) {
			got, err := sample.Read(submitted(t, c.xml))
			if !errors.Is(err, c.want) || err == nil && fmt.Sprint(got) != c.answers {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	t.Run("GW-20 cancelled is submitted, anything else is nothing", func(t *testing.T) {
		for kind, want := range map[string]error{"cancel": nil, "submit": nil, "form": ErrNoSubmit, "result": ErrNoSubmit, "": ErrNoSubmit} {
			if _, err := sample.Read(submitted(t, filled("name", "x")).With("type", kind)); !errors.Is(err, want) {
				t.Errorf("%q: %v", kind, err)
			}
		}
		for _, x := range []*stanza.Element{nil, stanza.New(NS, "y").With("type", "submit"), stanza.New("jabber:x:oob", "x").With("type", "submit")} {
			if _, err := sample.Read(x); !errors.Is(err, ErrNoSubmit) {
				t.Errorf("%+v: %v", x, err)
			}
		}
	})
	t.Run("one value", func(t *testing.T) {
		a := Answers{"name": {"Anna"}, "who": {}}
		if a.One("name") != "Anna" || a.One("who") != "" || a.One("what") != "" {
			t.Error(a.One("name"), a.One("who"), a.One("what"))
		}
	})
}

// FuzzRead holds that whatever is submitted, what is read of it is what the form
// allows.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		filled("name", "Anna") + filled("who", "a", "b") + filled("what", "no"),
		filled("name", "x\ny"), filled("who", "a", "a", "c"), `<field/>`, `<field var='name'><value><value/>x</value></field>`,
		`<reported/><item>` + filled("name", "x") + `</item>`,
	} {
		f.Add(`<x xmlns='jabber:x:data' type='submit'>` + s + `</x>`)
	}
	f.Add(`<x xmlns='jabber:x:data' type='cancel'/>`)
	f.Fuzz(func(t *testing.T, text string) {
		x, err := parse(text)
		if err != nil {
			return
		}
		answers, err := sample.Read(x)
		if err != nil {
			if answers != nil {
				t.Error("an error and answers")
			}
			return
		}
		if len(answers["name"]) != 1 || len(answers["what"]) > 1 || len(answers["who"]) > 2 {
			t.Errorf("%q is read as %v", text, answers)
		}
		for name, values := range answers {
			field, known := sample.field(name)
			for _, v := range values {
				if !known || v == "" || strings.ContainsAny(v, "\r\n") || field.Options != nil && !slices.ContainsFunc(field.Options, func(o Option) bool { return o.Value == v }) {
					t.Errorf("%q is read as %v", text, answers)
				}
			}
		}
	})
}
