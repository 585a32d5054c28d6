package linklocal

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"meshbridge/internal/stanza"
)

// Sizes of a TXT record, in octets.
const (
	// maxTXTString bounds one string, key and "=" included: its length goes
	// over the wire as one byte (RFC 6763 section 6.1).
	maxTXTString = 255
	// maxTXTRecord bounds the whole record data, length bytes included, so
	// that it still fits one Ethernet frame (RFC 6763 section 6.2). Profiles
	// with the keys published by default stay under 400.
	maxTXTRecord = 1300
	// photoHashLen is the length of a SHA-1 in hexadecimal digits.
	photoHashLen = 40
	// gatewayMarkLen is how many hexadecimal digits of the SHA-256 of its
	// component domain a bridge signs its proxy instances with.
	gatewayMarkLen = 8
	// maxOddValue bounds how much of a stranger's value a log line repeats.
	maxOddValue = 32
)

// Status is the availability a person publishes (XEP-0174 registry, key
// "status"). The empty Status is read as Available and not written at all.
type Status string

// The three values of the registry.
const (
	Available Status = "avail"
	Away      Status = "away"
	DND       Status = "dnd"
)

// Profile is what the TXT record of one instance says (XEP-0174 section 3.1
// and its registry). All of it is a claim that nobody checked: it may be shown,
// and must never choose an address, a sender, an account or a policy.
//
// Texts in a parsed Profile are valid UTF-8 without characters that XML 1.0
// forbids. The zero Profile says nothing and is written as "txtvers=1" alone.
type Profile struct {
	Status  Status   // availability; Available after parsing when absent or unknown
	Message string   // "msg": free text beside the status, may have several lines
	Nick    string   // "nick": friendly name
	First   string   // "1st": given name
	Last    string   // "last": family name
	Emails  []string // "email"
	JIDs    []string // "jid": XMPP addresses the person claims

	Node string   // "node": application, as in XEP-0115
	Hash string   // "hash": algorithm of Ver; "" means Ver is a mere version text
	Ver  string   // "ver": hash of the application's features
	Ext  []string // "ext": legacy feature bundles, opaque, without repeats

	PhotoHash string // "phsh": SHA-1 of the avatar, 40 lower-case hexadecimal digits or ""
	VC        string // "vc": what ParseCalls reads; a bridge publishes none

	Gateway    string // "gw": GatewayMark of the bridge that published the instance
	HasGateway bool   // a "gw" key is there, with or without a value

	// Odd says in words, fit for a log line, what a parsed record had that
	// could not be understood; empty for a record in order. Never written.
	Odd []string
}

// Calls is the meaning of the "vc" key (XEP-0174 registry).
type Calls struct {
	Audio, Video, MultiParty bool
	Idle                     bool // able and not in a call right now
}

// ParseCalls reads a "vc" value; the order of its letters does not matter and
// unknown ones are ignored.
func ParseCalls(vc string) Calls {
	return Calls{
		Audio:      strings.Contains(vc, "A"),
		Video:      strings.Contains(vc, "V"),
		MultiParty: strings.Contains(vc, "C"),
		Idle:       strings.Contains(vc, "!"),
	}
}

// GatewayMark returns the value by which the bridge for componentDomain marks
// the instances it publishes, so that bridges do not mirror each other: the
// first 8 hexadecimal digits of the domain's SHA-256. The domain is taken as it
// is; give it in its normal form (lower case, U-labels, no trailing dot).
func GatewayMark(componentDomain string) string {
	sum := sha256.Sum256([]byte(componentDomain))
	return hex.EncodeToString(sum[:])[:gatewayMarkLen]
}

// ParseTXT reads the strings of a TXT record as they stood on the wire, length
// bytes and library escapes already taken off. It never fails: no record, no
// strings, an empty string and rubbish all give a person with no keys, who is
// available and can be talked to (RFC 6763 section 6.1).
//
// Old clients publish several TXT records for one instance; give all of them in
// packet order and they are read as one. Of a repeated key the first counts.
func ParseTXT(records ...[]string) Profile {
	keys := txtKeys(records)
	p := Profile{Status: Available}
	// The marker is ours and not part of XEP-0174: it must keep two bridges
	// apart whatever version the rest of the record has.
	if mark, ok := keys["gw"]; ok {
		p.Gateway, p.HasGateway = mark, true
	}
	// 2 was written by clients of a 2007 draft with the same keys.
	if v := keys["txtvers"]; v != "" && v != "1" && v != "2" {
		p.Odd = append(p.Odd, "unknown txtvers "+quoteOdd(v)+", other keys not read")
		return p
	}
	p.Message, p.Nick = keys["msg"], keys["nick"]
	p.First, p.Last = keys["1st"], keys["last"]
	p.Emails, p.JIDs = strings.Fields(keys["email"]), strings.Fields(keys["jid"])
	p.Node, p.Hash, p.Ver = keys["node"], keys["hash"], keys["ver"]
	p.Ext = distinct(strings.Fields(keys["ext"]))
	p.VC = keys["vc"]
	p.readStatus(keys["status"])
	p.readPhotoHash(keys["phsh"])
	return p
}

// TXTKeys returns what the strings of TXT records say key by key, as ParseTXT reads
// them: keys in lower case, of a repeated one the first value, texts fit for XML.
func TXTKeys(records ...[]string) map[string]string { return txtKeys(records) }

// txtKeys returns the first value of every key, keys in lower case, values
// fit for XML. A key without "=" has the empty value (RFC 6763 section 6.4).
func txtKeys(records [][]string) map[string]string {
	keys := make(map[string]string)
	for _, record := range records {
		for _, s := range record {
			key, value, _ := strings.Cut(s, "=")
			key = lowerKey(key)
			if key == "" {
				continue
			}
			if _, again := keys[key]; !again {
				keys[key] = stanza.Clean(value)
			}
		}
	}
	return keys
}

func (p *Profile) readStatus(value string) {
	switch s := Status(lowerKey(strings.TrimSpace(value))); s {
	case "":
	case Available, Away, DND:
		p.Status = s
	default:
		p.Odd = append(p.Odd, "unknown status "+quoteOdd(value)+", taken as avail")
	}
}

func (p *Profile) readPhotoHash(value string) {
	p.PhotoHash = PhotoHash(value)
	if value = strings.TrimSpace(value); value != "" && p.PhotoHash == "" {
		p.Odd = append(p.Odd, "phsh "+quoteOdd(value)+" is no SHA-1, avatar ignored")
	}
}

// Equal reports whether p and q say the same about a person. It tells a change
// from a mere repetition of the record; Odd does not count.
func (p Profile) Equal(q Profile) bool {
	return p.Status == q.Status && p.Message == q.Message &&
		p.Nick == q.Nick && p.First == q.First && p.Last == q.Last &&
		slices.Equal(p.Emails, q.Emails) && slices.Equal(p.JIDs, q.JIDs) &&
		p.Node == q.Node && p.Hash == q.Hash && p.Ver == q.Ver &&
		slices.Equal(p.Ext, q.Ext) &&
		p.PhotoHash == q.PhotoHash && p.VC == q.VC &&
		p.Gateway == q.Gateway && p.HasGateway == q.HasGateway
}

// TXT returns the strings of the record that says p, raw as they go over the
// wire: "txtvers=1" first, then the keys of the registry in a fixed order, each
// at most once. port is the one in the SRV record and fills "port.p2pj" for old
// clients; 0 leaves that out.
//
// Texts too long for a string are cut between characters, lists between
// entries, and an identifier that does not fit is left out, for half of it
// would mean something else. A record over 1300 octets loses its message bit by
// bit and then whole keys, the least missed first.
func (p Profile) TXT(port uint16) []string {
	fields := p.fields(port)
	excess := txtSize(fields) - maxTXTRecord
	for _, key := range [...]string{"msg", "ext", "1st", "last", "email", "jid", "vc", "ver", "hash", "node", "nick"} {
		if excess <= 0 {
			break
		}
		excess -= shrinkField(fields, key, excess)
	}
	txt := make([]string, 0, len(fields))
	for _, f := range fields {
		if f.present {
			txt = append(txt, f.String())
		}
	}
	return txt
}

// txtField is one key of a record about to be written.
type txtField struct {
	key, value string
	present    bool
}

func (f txtField) String() string { return f.key + "=" + f.value }

// fields lists every key that may be written, in the order of writing.
func (p Profile) fields(port uint16) []txtField {
	portText := ""
	if port != 0 {
		portText = strconv.Itoa(int(port))
	}
	status := p.Status
	if status != Available && status != Away && status != DND {
		status = ""
	}
	gateway := identifierField("gw", p.Gateway)
	gateway.present = p.HasGateway || gateway.present
	return []txtField{
		{"txtvers", "1", true},
		textField("1st", p.First),
		listField("email", p.Emails),
		listField("ext", distinct(p.Ext)),
		gateway,
		identifierField("hash", p.Hash),
		listField("jid", p.JIDs),
		textField("last", p.Last),
		textField("msg", p.Message),
		textField("nick", p.Nick),
		identifierField("node", p.Node),
		identifierField("phsh", PhotoHash(p.PhotoHash)),
		identifierField("port.p2pj", portText),
		identifierField("status", string(status)),
		identifierField("vc", p.VC),
		identifierField("ver", p.Ver),
	}
}

// textField is one for people to read, cut to fit.
func textField(key, value string) txtField {
	value = cutText(stanza.Clean(value), maxTXTString-len(key)-len("="))
	return txtField{key, value, value != ""}
}

// identifierField is one for machines, whole or not at all.
func identifierField(key, value string) txtField {
	value = stanza.Clean(value)
	if len(key)+len("=")+len(value) > maxTXTString {
		return txtField{key: key}
	}
	return txtField{key, value, value != ""}
}

// listField is one of entries separated by spaces, as many as fit.
func listField(key string, entries []string) txtField {
	value, room := "", maxTXTString-len(key)-len("=")
	for _, e := range strings.Fields(stanza.Clean(strings.Join(entries, " "))) {
		longer := strings.TrimPrefix(value+" "+e, " ")
		if len(longer) <= room {
			value = longer
		}
	}
	return txtField{key, value, value != ""}
}

// txtSize returns the octets of the record data that fields make.
func txtSize(fields []txtField) int {
	n := 0
	for _, f := range fields {
		if f.present {
			n += 1 + len(f.String())
		}
	}
	return n
}

// shrinkField makes the field of that key smaller by excess octets, a message by
// cutting it and anything else by leaving it out, and returns what was saved.
func shrinkField(fields []txtField, key string, excess int) int {
	i := slices.IndexFunc(fields, func(f txtField) bool { return f.key == key })
	f := &fields[i]
	if !f.present {
		return 0
	}
	if shorter := cutText(f.value, len(f.value)-excess); key == "msg" && shorter != "" {
		saved := len(f.value) - len(shorter)
		f.value = shorter
		return saved
	}
	f.present = false
	return 1 + len(f.String())
}

// cutText returns s up to n octets without splitting a character.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:max(n, 0)]
}

// lowerKey lower-cases A to Z and leaves every other byte alone.
func lowerKey(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + ('a' - 'A')
		}
	}
	return string(b)
}

// PhotoHash returns the normal form of the hash of an avatar as strangers write it: 40
// lower-case hexadecimal digits, or "" for what is none.
func PhotoHash(s string) string {
	s = lowerKey(strings.TrimSpace(s))
	if !isPhotoHash(s) {
		return ""
	}
	return s
}

func isPhotoHash(s string) bool {
	if len(s) != photoHashLen {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}

// distinct returns s without repeats, in order.
func distinct(s []string) []string {
	var out []string
	seen := make(map[string]bool, len(s))
	for _, e := range s {
		if !seen[e] {
			seen[e] = true
			out = append(out, e)
		}
	}
	return out
}

// quoteOdd quotes a stranger's value for a log line, shortened.
func quoteOdd(value string) string { return strconv.QuoteToASCII(cutText(value, maxOddValue)) }
