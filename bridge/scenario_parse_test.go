package bridge

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mellium.im/xmpp/jid"

	"meshbridge/internal/stanza"
)

// scenario is one file, read.
type scenario struct {
	file    string
	rules   []string
	cast    map[string]role
	steps   []step
	phrases []*phrase
}

// role is what a name stands for.
type role struct {
	peer      bool
	address   string // the JID of a person elsewhere, or the instance of a peer
	ip, host  string // of a peer's machine
	nick      string // of a colleague
	colleague bool   // on the admin's list
	introduce string // of a colleague, as in bridge.yaml
}

// step is one statement with its words: by slot of the phrase, as "PEER" or "TIME".
type step struct {
	at     string // file:line
	text   string
	phrase *phrase
	words  map[string]string
	steps  []step // of a block of statements
}

func (s step) duration(slot string, absent time.Duration) time.Duration {
	d, err := time.ParseDuration(s.words[slot])
	if err != nil {
		return absent
	}
	return d
}

func (s step) count(slot string) int {
	n, _ := strconv.Atoi(s.words[slot]) // was checked when it was read
	return n
}

func decimal(n int) string { return strconv.Itoa(n) }

// scriptLine is one line of a file with the block of indented lines beneath it.
type scriptLine struct {
	at    string
	text  string
	block []scriptLine
}

func newScenario(file string) *scenario {
	return &scenario{file: file, cast: map[string]role{}, phrases: allPhrases()}
}

// readScenario reads a file, after the preamble that all begin with.
func readScenario(file string) (*scenario, error) {
	s := newScenario(file)
	if err := s.include(filepath.Join(scenarioFolder, "common/preamble.txt")); err != nil {
		return nil, err
	}
	if err := s.include(file); err != nil {
		return nil, err
	}
	if len(s.rules) == 0 {
		return nil, fmt.Errorf("%s: it must say what it proves", file)
	}
	return s, nil
}

func (s *scenario) include(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return s.parse(file, text)
}

// parse adds the statements of a text. Its errors name the file and the line.
func (s *scenario) parse(file string, text []byte) error {
	steps, err := s.statements(scriptLines(file, text))
	s.steps = append(s.steps, steps...)
	return err
}

// scriptLines cuts a text into lines, each with what is indented beneath it.
func scriptLines(file string, text []byte) []scriptLine {
	var lines []scriptLine
	for n, line := range strings.Split(string(bytes.TrimRight(text, "\n")), "\n") {
		lines = append(lines, scriptLine{at: fmt.Sprintf("%s:%d", filepath.Base(file), n+1), text: strings.TrimRight(line, " ")})
	}
	return nestLines(lines)
}

func nestLines(lines []scriptLine) (list []scriptLine) {
	for _, l := range lines {
		indented := l.text == "" || l.text[0] == ' ' || l.text[0] == '\t'
		if indented && len(list) > 0 {
			last := &list[len(list)-1]
			last.block = append(last.block, l)
			continue
		}
		list = append(list, l)
	}
	for i := range list {
		list[i].block = dedentLines(list[i].block)
	}
	return slices.DeleteFunc(list, func(r scriptLine) bool {
		return r.text == "" && len(r.block) == 0 || strings.HasPrefix(r.text, "#") && len(r.block) == 0
	})
}

// dedentLines takes the common indentation away, and empty lines at the end.
func dedentLines(block []scriptLine) []scriptLine {
	for len(block) > 0 && block[len(block)-1].text == "" {
		block = block[:len(block)-1]
	}
	least := -1
	for _, l := range block {
		if n := len(l.text) - len(strings.TrimLeft(l.text, " \t")); l.text != "" && (least < 0 || n < least) {
			least = n
		}
	}
	for i := range block {
		block[i].text = block[i].text[min(max(least, 0), len(block[i].text)):]
	}
	return block
}

func (r scriptLine) joined() string {
	var lines []string
	for _, l := range r.block {
		lines = append(lines, l.text)
	}
	return strings.Join(lines, "\n")
}

// statements reads lines as statements. Those that say who is who take effect at once.
func (s *scenario) statements(rows []scriptLine) (steps []step, _ error) {
	for _, r := range rows {
		st, err := s.statement(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n\t%s", r.at, err, r.text)
		}
		if st.phrase.declare == nil {
			steps = append(steps, st)
			continue
		}
		if err := st.phrase.declare(s, st); err != nil {
			return nil, fmt.Errorf("%s: %w\n\t%s", r.at, err, r.text)
		}
		steps = append(steps, s.steps...) // of an included file
		s.steps = nil
	}
	return steps, nil
}

// statement finds the phrase that a line has. What is wrong with a line is said of the
// phrase that has most words in common with it.
func (s *scenario) statement(r scriptLine) (step, error) {
	var closest error
	most := -1
	for _, f := range s.phrases {
		for _, variant := range f.variants() {
			st := step{at: r.at, text: r.text, phrase: f, words: map[string]string{}}
			common, err := s.fill(variant, r, &st)
			if err == nil {
				return st, nil
			}
			if common > most {
				closest, most = err, common
			}
		}
	}
	return step{}, closest
}

// fill matches a line with the words of a phrase. It returns how many of them the line
// has, and what is wrong with it first.
func (s *scenario) fill(words []string, r scriptLine, st *step) (common int, wrong error) {
	rest, blockUsed := r.text, false
	note := func(err error) {
		if wrong == nil {
			wrong = err
		}
	}
	for _, w := range words {
		if takesRest(w) {
			used, err := s.fillRest(w, strings.TrimLeft(rest, " "), r, st)
			note(err)
			rest, blockUsed = "", used
			continue
		}
		slot, colon := strings.CutSuffix(w, ":")
		word, after, err := nextWord(rest, colon)
		if err != nil {
			note(err)
			return common, wrong
		}
		rest = after
		switch {
		case phraseSlots[slot]:
			note(s.check(slot, word))
			st.words[slot] = word
		case word != slot:
			note(fmt.Errorf("%q is not understood here, where a statement like %q has %q", word, strings.Join(words, " "), slot))
			return common, wrong
		default:
			common++
		}
	}
	switch {
	case strings.TrimSpace(rest) != "":
		note(fmt.Errorf("%q is one word too many", strings.TrimSpace(rest)))
	case len(r.block) > 0 && !blockUsed:
		note(errors.New("no lines are expected beneath this one"))
	case st.phrase.expects && wrong == nil:
		_, err := patternsOf(stanza.Client, braces.ReplaceAllString(st.words["XML"], "x"))
		note(err)
	}
	return common + 1, wrong // for the phrase as a whole
}

// phraseSlots are the words of a phrase that stand for one word of a line.
var phraseSlots = map[string]bool{
	"ADDRESS": true, "COLLEAGUE": true, "HOST": true, "INTRODUCE": true, "JID": true, "LEAST": true, "N": true, "NAME": true,
	"NEW": true, "PEER": true, "RULE": true, "TIME": true, "VARIABLE": true, "WHO": true, "WORD": true,
}

// takesRest reports whether a slot takes all that is left of a line, or the block
// beneath it.
func takesRest(slot string) bool {
	return slices.Contains([]string{"TXT", "TEXT", "XML", "RULES", "SETTINGS", "STATEMENTS"}, slot)
}

func (s *scenario) fillRest(slot, rest string, r scriptLine, st *step) (blockUsed bool, err error) {
	switch {
	case rest != "" && len(r.block) > 0:
		return false, errors.New("say it on this line, or in lines beneath it, not both")
	case rest == "" && len(r.block) == 0:
		return false, fmt.Errorf("%s is missing", slot)
	case rest == "":
		rest, blockUsed = r.joined(), true
	}
	if slot == "STATEMENTS" {
		if !blockUsed {
			return false, errors.New("the statements go on lines of their own beneath this one")
		}
		st.steps, err = s.statements(nestLines(r.block))
	}
	st.words[slot] = rest
	if err == nil {
		err = s.check(slot, rest)
	}
	return blockUsed, err
}

// nextWord cuts a word off a line: up to a space, or all of a quoted text.
func nextWord(line string, colon bool) (word, rest string, err error) {
	line = strings.TrimLeft(line, " ")
	if line == "" {
		return "", "", errors.New("the line ends too early")
	}
	if line[0] == '"' {
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return "", "", fmt.Errorf("the quote has no end: %s", line)
		}
		word, _ = strconv.Unquote(quoted)
		return word, line[len(quoted):], nil
	}
	word, rest, _ = strings.Cut(line, " ")
	if colon {
		var ok bool
		if word, ok = strings.CutSuffix(word, ":"); !ok {
			return "", "", fmt.Errorf("there is no colon behind %q", word)
		}
	}
	return word, rest, nil
}

var (
	ruleForm   = regexp.MustCompile(`^[A-Z]{2,5}[A-Z0-9]*-[A-Za-z0-9.]+(-[A-Za-z0-9.]+)*$`)
	nameForm   = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	braces     = regexp.MustCompile(`\{([a-z][a-z0-9]*)(/[^{}]+)?\}`)
	looseBrace = regexp.MustCompile(`[{}]`)
)

// check says what is wrong with a word in a slot.
func (s *scenario) check(slot, word string) error {
	switch slot {
	case "PEER", "COLLEAGUE", "NAME", "WHO":
		return s.checkName(slot, word)
	case "HOST":
		if hostNameOf(word) != word {
			return fmt.Errorf("%q is no host name", word)
		}
	case "VARIABLE":
		if !nameForm.MatchString(word) {
			return fmt.Errorf("%q cannot be a name", word)
		}
	case "NEW":
		if _, taken := s.cast[word]; taken || word == "gateway" || word == "server" || !nameForm.MatchString(word) {
			return fmt.Errorf("%q cannot be a new name", word)
		}
	case "TIME", "LEAST":
		if d, err := time.ParseDuration(word); err != nil || d <= 0 {
			return fmt.Errorf("%q is no time, such as 10s or 1m30s", word)
		}
	case "N":
		if n, err := strconv.Atoi(word); err != nil || n < 0 {
			return fmt.Errorf("%q is no number", word)
		}
	case "ADDRESS":
		if a, err := netip.ParseAddr(word); err != nil || !a.Is4() {
			return fmt.Errorf("%q is no address, such as 10.2.1.187", word)
		}
	case "RULE":
		if !ruleForm.MatchString(word) {
			return fmt.Errorf("%q is no rule ID", word)
		}
	case "RULES":
		for _, id := range strings.Fields(word) {
			if !ruleForm.MatchString(id) {
				return fmt.Errorf("%q is no rule ID", id)
			}
		}
	case "JID":
		if j, err := jid.Parse(word); err != nil || j.Localpart() == "" || j.Resourcepart() != "" {
			return fmt.Errorf("%q is no address of a person", word)
		}
	case "TXT":
		_, err := txtOfWords(word)
		return err
	case "XML":
		return s.checkXML(word)
	}
	return nil
}

func (s *scenario) checkName(slot, word string) error {
	r, known := s.cast[word]
	switch {
	case word == "gateway" && slot == "NAME":
	case !known:
		return fmt.Errorf("nobody here is called %q", word)
	case slot == "PEER" && !r.peer:
		return fmt.Errorf("%s is not on the LAN", word)
	case slot == "COLLEAGUE" && r.peer:
		return fmt.Errorf("%s has no account on the server", word)
	}
	return nil
}

// checkXML says whether names in braces are known, and whether it can be read. What
// somebody sends may be as broken as a scenario likes; what is expected may not.
func (s *scenario) checkXML(text string) error {
	for _, m := range braces.FindAllStringSubmatch(text, -1) {
		if _, known := s.cast[m[1]]; !known && m[1] != "gateway" {
			return fmt.Errorf("nobody here is called %q", m[1])
		}
	}
	if left := braces.ReplaceAllString(text, ""); looseBrace.MatchString(left) {
		return fmt.Errorf("a brace that is part of no {name}")
	}
	return nil
}

// txtOfWords reads status=avail msg="At my desk" nick="" as strings of a TXT record.
func txtOfWords(text string) (list []string, _ error) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" || strings.ContainsAny(key, ` "`) {
			return nil, fmt.Errorf("%q is not key=value", text)
		}
		end := strings.IndexByte(value+" ", ' ')
		if strings.HasPrefix(value, `"`) {
			quoted, err := strconv.QuotedPrefix(value)
			if err != nil {
				return nil, fmt.Errorf("the quote has no end: %s", value)
			}
			word, _ := strconv.Unquote(quoted)
			list, text = append(list, key+"="+word), value[len(quoted):]
			continue
		}
		list, text = append(list, key+"="+value[:end]), value[end:]
	}
	return list, nil
}
