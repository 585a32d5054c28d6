package bridge

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// phrase is one kind of statement. Words in capitals are slots; what stands in brackets
// may be left out.
type phrase struct {
	says    string
	means   string
	expects bool                        // its XML is a pattern
	declare func(*scenario, step) error // takes effect when it is read
	do      func(p *stage, st step)
	split   [][]string // its variants, see variants
}

// allPhrases are all statements of the language, as docs/scenarios.md lists them.
func allPhrases() []*phrase {
	return []*phrase{
		{says: "proves RULES", declare: proves,
			means: "the rules that this conversation proves"},
		{says: "use TEXT", declare: use,
			means: "the statements of the file of that name in the folder common"},
		{says: "config SETTINGS", do: (*stage).config,
			means: "lines of bridge.yaml, as in `access.mesh: bound`, for the next start"},

		{says: "colleague NEW is JID [called WORD] [introduced: INTRODUCE]", declare: newColleague,
			means: "somebody on the admin's list; introduced: off if nothing is said"},
		{says: "stranger NEW is JID", declare: newStranger,
			means: "somebody elsewhere who is not on it"},
		{says: "peer NEW is WORD at ADDRESS [on HOST]", declare: newPeer,
			means: "somebody who may be on the LAN, with that instance; the machine is called as in it"},

		{says: "bridge starts", do: (*stage).starts,
			means: "and three seconds pass"},
		{says: "bridge stops", do: (*stage).stops,
			means: "in order, as on SIGTERM"},
		{says: "bridge is killed", do: (*stage).killed,
			means: "as by kill -9; what was stored stays"},
		{says: "bridge forgets everything", do: (*stage).forgets,
			means: "its store is lost, while it is not running"},
		{says: "bridge counted RULE N times", do: (*stage).counted,
			means: "what was refused under a rule since the start"},
		{says: "log has a line about TEXT", do: (*stage).logged,
			means: "a line of the log has these words"},

		{says: "log has nothing of TEXT", do: (*stage).notLogged,
			means: "no line of the log has these words"},

		{says: "server sends XML", do: (*stage).serverSends,
			means: "octets on the component's stream"},
		{says: "server gets [in any order] [after LEAST] [within TIME] XML", do: (*stage).serverGets, expects: true,
			means: "the next stanzas on the component's stream, within 5s if nothing is said"},
		{says: "server gets N times [within TIME] XML", do: (*stage).serverGetsMany, expects: true,
			means: "so many of them, with $n for the number"},
		{says: "server gets nothing for TIME", do: (*stage).serverHearsNothing,
			means: "and the time passes"},
		{says: "server ignores XML", do: (*stage).ignores, expects: true,
			means: "such stanzas are not looked at"},
		{says: "server breaks the connection", do: (*stage).breaks,
			means: "without a word, and takes a new one"},
		{says: "server goes down", do: (*stage).down,
			means: "the connection breaks, and new ones are refused"},
		{says: "server comes back", do: (*stage).back,
			means: "and takes connections"},
		{says: "server ends the stream with WORD [saying TEXT]", do: (*stage).endsStream,
			means: "a stream error, and the end of the connection"},
		{says: "server refuses with WORD", do: (*stage).refuses,
			means: "a stream error in place of the handshake, from now on"},
		{says: "server keeps back the handshake", do: (*stage).keepsHandshake,
			means: "says nothing to a proof, from now on"},
		{says: "server gives the handshake", do: (*stage).givesHandshake,
			means: "now, and to later proofs"},
		{says: "server shares the component with a twin", do: (*stage).shares,
			means: "about half of the pings to the component go elsewhere"},
		{says: "server has no twin any more", do: (*stage).alone,
			means: "all come back"},
		{says: "server accepts", do: (*stage).accepts,
			means: "the handshake again"},
		{says: "server is dialled within TIME [but not before LEAST]", do: (*stage).isDialled,
			means: "a new connection"},
		{says: "server is not dialled for TIME", do: (*stage).isNotDialled,
			means: "and the time passes"},
		{says: "server chokes on WORD", do: (*stage).chokes,
			means: "it ends the stream when a stanza has this text"},
		{says: "server answers no pings", do: (*stage).noPongs,
			means: "to colleagues; they count as stanzas from now on"},
		{says: "server routes nothing", do: (*stage).routesNothing,
			means: "it swallows what it gets, and the pings to find that out"},
		{says: "server sees the stream end [within TIME]", do: (*stage).serverSeesEnd,
			means: "a closing tag from the bridge"},

		{says: "PEER appears [with TXT]", do: (*stage).appears,
			means: "on the LAN, with the keys of the TXT record; status=avail if nothing is said"},
		{says: "PEER changes to TXT", do: (*stage).changes,
			means: "the record has these keys now"},
		{says: "PEER leaves", do: (*stage).leaves,
			means: "with a goodbye"},
		{says: "PEER vanishes", do: (*stage).vanishes,
			means: "without a word: streams break, packets get lost, connections fail"},
		{says: "PEER moves to ADDRESS", do: (*stage).moves,
			means: "its machine has another address now"},
		{says: "PEER takes no calls", do: (*stage).takesNoCalls,
			means: "connections to that client fail"},
		{says: "PEER answers calls as WORD", do: (*stage).answersAs,
			means: "with that instance in the header of the answer"},
		{says: "PEER takes calls", do: (*stage).takesCalls,
			means: "and do not any more"},
		{says: "PEER sends to NAME XML", do: (*stage).peerSends,
			means: "octets on the stream with NAME, which is opened if there is none"},
		{says: "PEER sends N times to NAME XML", do: (*stage).peerPours,
			means: "the same with $n for the number, and nobody waits until it is read"},
		{says: "PEER opens a stream to NAME saying XML", do: (*stage).peerOpens,
			means: "a new connection, with octets in place of a stream header of ours"},
		{says: "PEER gets from NAME [after LEAST] [within TIME] XML", do: (*stage).peerGets, expects: true,
			means: "the next stanzas on streams with NAME, within 5s if nothing is said"},
		{says: "PEER gets nothing for TIME", do: (*stage).peerHearsNothing,
			means: "and the time passes"},
		{says: "PEER hangs up", do: (*stage).hangsUp,
			means: "closes all its streams"},
		{says: "PEER loses the stream with NAME [within TIME]", do: (*stage).losesStream,
			means: "the bridge has ended it"},
		{says: "PEER sees NAME [within TIME] with TXT", do: (*stage).sees,
			means: "what the client shows of NAME; a key with * is there, one without value is not"},
		{says: "PEER does not see NAME [within TIME]", do: (*stage).seesNot,
			means: "NAME is not in its list"},

		{says: "COLLEAGUE comes online", do: (*stage).online,
			means: "presence of the device phone to the gateway"},
		{says: "COLLEAGUE goes offline", do: (*stage).offline,
			means: "the same device is unavailable"},
		{says: "COLLEAGUE subscribes to PEER", do: (*stage).subscribes,
			means: "a presence of type subscribe"},
		{says: "WHO writes to NAME: TEXT", do: (*stage).writes,
			means: "a chat message; a peer's is written as libpurple writes it"},
		{says: "WHO reads from NAME: TEXT", do: (*stage).reads,
			means: "the next stanza is a message that is shown so"},

		{says: "wait TIME", do: (*stage).wait,
			means: "time passes"},
		{says: "nobody gets anything for TIME", do: (*stage).silence,
			means: "neither the server nor a peer"},
		{says: "LAN hears nothing of the bridge for TIME", do: (*stage).quietLAN,
			means: "not a packet of multicast DNS, but for questions to one machine whether somebody is still there"},
		{says: "skip what came", do: (*stage).skip,
			means: "nobody looks at what arrived so far"},
		{says: "let VARIABLE be N times WORD", do: (*stage).let,
			means: "a text too long to be written down, used as $VARIABLE"},
		{says: "repeat N times STATEMENTS", do: (*stage).repeat,
			means: "$n is the number of the round, from 1"},
	}
}

// variants returns the words of a phrase, with and without what is in brackets.
func (f *phrase) variants() [][]string {
	if f.split == nil {
		f.split = withAndWithout(f.says)
	}
	return f.split
}

func withAndWithout(says string) [][]string {
	before, rest, found := strings.Cut(says, "[")
	if !found {
		return [][]string{strings.Fields(says)}
	}
	inner, after, _ := strings.Cut(rest, "]")
	return append(withAndWithout(before+inner+after), withAndWithout(before+after)...)
}

func proves(s *scenario, st step) error {
	for _, id := range strings.Fields(st.words["RULES"]) {
		if slices.Contains(s.rules, id) {
			return fmt.Errorf("%s stands here twice", id)
		}
		s.rules = append(s.rules, id)
	}
	return nil
}

func use(s *scenario, st step) error {
	name := strings.ReplaceAll(st.words["TEXT"], " ", "-")
	return s.include(filepath.Join(scenarioFolder, "common", name+".txt"))
}

func newColleague(s *scenario, st step) error {
	introduce := st.words["INTRODUCE"]
	if introduce == "" {
		introduce = "off"
	}
	s.cast[st.words["NEW"]] = role{address: st.words["JID"], nick: st.words["WORD"], colleague: true, introduce: introduce}
	return nil
}

func newStranger(s *scenario, st step) error {
	s.cast[st.words["NEW"]] = role{address: st.words["JID"]}
	return nil
}

func newPeer(s *scenario, st step) error {
	s.cast[st.words["NEW"]] = role{peer: true, address: st.words["WORD"], ip: st.words["ADDRESS"], host: st.words["HOST"]}
	return nil
}

func (p *stage) wait(st step) { p.pass(st.duration("TIME", 0)) }

// patience is how long an expectation waits.
func (st step) patience() time.Duration { return st.duration("TIME", 5*time.Second) }
