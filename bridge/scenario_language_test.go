package bridge

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshbridge/internal/stanza"
)

// A scenario that says something unclear is refused, with the line.
func TestScenarioIsRefused(t *testing.T) {
	const head = "proves GW-1\nuse together\n"
	for text, want := range map[string]string{
		"bridge stops":                                   "it must say what it proves",
		"proves":                                         "x.txt:1: RULES is missing",
		"proves GW1":                                     `x.txt:1: "GW1" is no rule ID`,
		"proves GW-1 GW-1":                               "x.txt:1: GW-1 stands here twice",
		"proves GW-1\nuse magic":                         "x.txt:2: open testdata/scenarios/common/magic.txt",
		head + "bridge jumps":                            `x.txt:3: "jumps" is not understood here, where a statement like`,
		head + "wait for it":                             `x.txt:3: "for" is no time`,
		head + "wait":                                    "x.txt:3: the line ends too early",
		head + "wait 10s more":                           `x.txt:3: "more" is one word too many`,
		head + "wait 10s\n    and more":                  "x.txt:3: no lines are expected beneath this one",
		head + "tybalt leaves":                           `x.txt:3: nobody here is called "tybalt"`,
		head + "alice leaves":                            "x.txt:3: alice is not on the LAN",
		head + "romeo comes online":                      "x.txt:3: romeo has no account on the server",
		head + "peer juliet is j@pc at 10.2.1.9":         `x.txt:3: "juliet" cannot be a new name`,
		head + "peer tom is tom@pc at here":              `x.txt:3: "here" is no address`,
		head + "colleague bob is example.org":            `x.txt:3: "example.org" is no address of a person`,
		head + "juliet writes to alice hello":            `x.txt:3: there is no colon behind "alice"`,
		head + "juliet writes to alice:":                 "x.txt:3: TEXT is missing",
		head + "juliet changes to dnd":                   `x.txt:3: "dnd" is not key=value`,
		head + "juliet changes to msg=\"a":               "x.txt:3: the quote has no end",
		head + "server gets <message>":                   "x.txt:3: this is not XML as XMPP has it",
		head + "server gets\n    hello":                  "x.txt:3: this is not XML as XMPP has it",
		head + "server sends <message to='{tybalt}'/>":   `x.txt:3: nobody here is called "tybalt"`,
		head + "server sends <message to='{juliet'/>":    "x.txt:3: a brace that is part of no {name}",
		head + "server sends <a/>\n    <b/>":             "x.txt:3: say it on this line, or in lines beneath it, not both",
		head + "repeat 3 times\n    wait 1s\n    wait":   "x.txt:5: the line ends too early",
		head + "repeat many times\n    wait 1s":          `x.txt:3: "many" is no number`,
		head + "bridge counted everything 1 times":       `x.txt:3: "everything" is no rule ID`,
		head + "\n# why\n\nserver gets nothing for ever": `x.txt:6: "ever" is no time`,
	} {
		file := filepath.Join(t.TempDir(), "x.txt")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readScenario(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// What a pattern says is what must be there, and nothing else.
func TestScenarioPattern(t *testing.T) {
	read := func(text string) *stanza.Element {
		list, err := patternsOf(stanza.Client, text)
		if err != nil {
			t.Fatal(err)
		}
		return list[0]
	}
	for _, c := range []struct{ want, got, difference string }{
		{"<a x='1' y='2'/>", "<a y='2' x='1'/>", ""},
		{"<a x='1'/>", "<a/>", "x of <a> is missing"},
		{"<a/>", "<a x='1'/>", `x of <a> is there, with "1"`},
		{"<a x='1'/>", "<a x='2'/>", `x of <a> is "2" in place of "1"`},
		{"<a x='1*3'/>", "<a x='1223'/>", ""},
		{"<a x='1*3'/>", "<a x='122'/>", `x of <a> is "122" in place of "1*3"`},
		{"<a x='$v' y='$v'/>", "<a x='1' y='1'/>", ""},
		{"<a x='$v' y='$v'/>", "<a x='1' y='2'/>", `y of <a> is "2" in place of "$v"`},
		{"<a x='$v'/>", "<a x=''/>", `x of <a> is "" in place of "$v"`},
		{"<a x='$known'/>", "<a x='7'/>", ""},
		{"<a x='$known'/>", "<a x='8'/>", `x of <a> is "8" in place of "$known"`},
		{"<a x='id$known'/>", "<a x='id7'/>", ""},
		{"<a x='id-$new!' y='$new'/>", "<a x='id-12!' y='12'/>", ""},
		{"<a x='id-$new!' y='$new'/>", "<a x='id-12!' y='1'/>", `y of <a> is "1" in place of "$new"`},
		{"<a x='id $new'/>", "<a x='id 1 2'/>", `x of <a> is "id 1 2" in place of "id $new"`},
		{"<a x='id$unknown'/>", "<a x='id'/>", `x of <a> is "id" in place of "id$unknown"`},
		{"<a xmlns='urn:x'/>", "<p:a xmlns:p='urn:x'/>", ""},
		{"<a xmlns='urn:x'/>", "<a xmlns='urn:y'/>", "<urn:y a> is there in place of <urn:x a>"},
		{"<a>\n  <b/>\n  <c/>\n</a>", "<a><b/><c/></a>", ""},
		{"<a><b/><c/></a>", "<a><c/><b/></a>", ""},
		{"<a><b>1</b><b>2</b></a>", "<a><b>2</b><b>1</b></a>", `the text "2" of <b> is there in place of the text "1"`},
		{"<a><b/></a>", "<a><b/><c/></a>", "<c> of <a> is there as well"},
		{"<a><b/>...</a>", "<a><b/><c/>text</a>", ""},
		{"<a>...</a>", "<a/>", ""},
		{"<a><b/></a>", "<a/>", "there is no <b> of <a>"},
		{"<a>text</a>", "<a>text </a>", `the text "text " of <a> is there in place of the text "text"`},
		{"<a>*</a>", "<a/>", `there is no the text "*" of <a>`},
		{"<a>one<b/>two</a>", "<a>one<b/>two</a>", ""},
		{"<a>one<b/>two</a>", "<a>two<b/>one</a>", `the text "two" of <a> is there in place of the text "one"`},
	} {
		before := map[string]string{"known": "7"}
		if difference, _ := matchStanza(read(c.want), read(c.got), before); difference != c.difference {
			t.Errorf("%s against %s: %q, want %q", c.want, c.got, difference, c.difference)
		}
		if len(before) != 1 {
			t.Errorf("%s: names got values before all was compared: %v", c.want, before)
		}
	}
}

// oneScenario names a file in the environment that TestOneScenario plays: one that
// somebody is writing, or that is meant to fail.
const oneScenario = "MESHBRIDGE_SCENARIO"

func TestOneScenario(t *testing.T) {
	file := os.Getenv(oneScenario)
	if file == "" {
		return
	}
	s, err := readScenario(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, chunk := range []int{0, 1} {
		s.play(t, chunk)
	}
}

// Whatever a scenario expects can be missed: each of these is wrong in one place, and
// is told so with that place.
func TestScenarioCanFail(t *testing.T) {
	const right = `proves GW-1
use together
juliet writes to alice: hello
server gets
    <message from='{juliet}' to='{alice}' type='chat' id='$id'><body>hello</body><origin-id xmlns='urn:xmpp:sid:0' id='$id'/></message>
alice writes to juliet: hi
juliet reads from alice: hi
juliet sees alice with nick=Alice
juliet does not see romeo
bridge counted INJ-4 0 times
log has nothing of hello
nobody gets anything for 10s
`
	if out, failed := playOne(t, right); failed {
		t.Fatalf("it should not fail:\n%s", out)
	}
	for _, c := range []struct{ old, new, line, told string }{
		{"<body>hello", "<body>hallo", "x.txt:4: at 9.01s", `the text "hello" of <body> is there in place of the text "hallo"`},
		{"to='{alice}'", "to='{alice}/phone'", "x.txt:4: at 9.01s", `to of <message> is "alice@example.org" in place of "alice@example.org/phone"`},
		{"<origin-id xmlns='urn:xmpp:sid:0' id='$id'/>", "", "x.txt:4: at 9.01s", "<urn:xmpp:sid:0 origin-id> of <message> is there as well"},
		{"server gets\n", "server gets after 1s\n", "x.txt:4: at 9.01s", "server got this before 1s"},
		{"juliet reads from alice: hi", "juliet reads from alice: ho", "x.txt:7:", "hi came in its place"},
		{"alice writes to juliet: hi\n", "", "x.txt:6: at 14.01s", "juliet got nothing within 5s"},
		{"juliet reads from alice: hi\n", "", "x.txt:11: at 19.01s", "juliet alice got at 9.01s: <message"},
		{"nick=Alice", "nick=Bob", "x.txt:8: at 14.01s", `it is shown with nick="Alice"`},
		{"not see romeo", "not see alice", "x.txt:9:", "it is shown with"},
		{"INJ-4 0 times", "INJ-4 1 times", "x.txt:10:", "it was counted 0 times"},
		{"nothing of hello", "nothing of ready", "x.txt:11:", "the log has such a line"},
		{"nobody gets anything for 10s\n", "juliet changes to status=dnd\nwait 5s\n", "x.txt: at 14.01s: (the end)", "nobody expected:\n"},
	} {
		wrong := strings.Replace(right, c.old, c.new, 1)
		out, failed := playOne(t, wrong)
		if !failed || !strings.Contains(out, c.line) || !strings.Contains(out, c.told) || !strings.Contains(out, "What came, of all:") {
			t.Errorf("with %q in place of %q it failed: %v, want at %s: %s, told\n%s", c.new, c.old, failed, c.line, c.told, out)
		}
	}
}

// playOne plays a text in a process of its own.
func playOne(t *testing.T, text string) (out string, failed bool) {
	file := filepath.Join(t.TempDir(), "x.txt")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0], "-test.run=^TestOneScenario$")
	c.Env = append(os.Environ(), oneScenario+"="+file)
	b, err := c.CombinedOutput()
	return string(b), err != nil
}

// The page that explains the language has all of it.
func TestScenarioLanguageIsExplained(t *testing.T) {
	text, err := os.ReadFile("../docs/scenarios.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, f := range allPhrases() {
		if want := "| `" + f.says + "` | " + f.means + " |"; !slices.Contains(lines, want) {
			t.Errorf("docs/scenarios.md lacks the line\n%s", want)
		}
	}
}
