package config

import "strings"

// instead says what to write for an unknown key: its near neighbour in the
// section, the section it belongs to, or what there is to choose from. The first
// result is the key that was meant, if that can be told.
func instead(name string, rows []key) (meant, do string) {
	switch strings.ToLower(name) {
	case "secret", "password", "component_secret":
		return "secret_file", "put the secret into a file of mode 0600 and name that in upstream.secret_file"
	}
	best := Nearest(normal(name), names(rows))
	if other := synonyms[normal(name)]; find(rows, other) != nil {
		best = other
	}
	if best != "" {
		return best, "did you mean " + best + "?"
	}
	if home := homes(name); home != "" {
		return "", "it belongs under " + home
	}
	return "", "the keys here are " + strings.Join(names(rows), ", ")
}

// synonyms are what other programs call the keys.
var synonyms = map[string]string{
	"server": "uri", "host": "uri", "address": "uri", "jid": "uri", "name": "nick", "alias": "nick",
	"iface": "interfaces", "hostname": "machine", "component": "domain", "tls": "uri",
	"users": "colleagues", "contacts": "colleagues", "roster": "colleagues", "state_dir": "state",
}

// Nearest is the one of the options that somebody who wrote name most likely meant,
// or "" when none is near.
func Nearest(name string, options []string) (best string) {
	distance := 1 + len(name)/3
	for _, option := range options {
		if len(name) > 2*len(option)+2 {
			continue // no slip of the finger
		}
		if d := edits(name, option); d < distance || d == distance && best == "" {
			best, distance = option, d
		}
	}
	return best
}

// homes names the section that has a key of exactly this name.
func homes(name string) string {
	for _, path := range Keys() {
		dot := strings.LastIndexByte(path, '.')
		if dot >= 0 && path[dot+1:] == normal(name) {
			return strings.TrimSuffix(path[:dot], "[]")
		}
	}
	return ""
}

func normal(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "-", "_")
}

// edits counts the letters to insert, delete, replace or swap with their
// neighbour to get from a to b.
func edits(a, b string) int {
	before, last, row := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, make([]int, len(b)+1)
	}
	return last[len(b)]
}
