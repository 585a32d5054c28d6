package address

import (
	"strconv"
	"strings"
)

// MaxInstance is the longest instance, in octets: one DNS label (RFC 1035 section
// 2.3.4, RFC 6763 section 4.1.1).
const MaxInstance = 63

// SplitInstance cuts an instance at its last "@" (MAPJ-11). Without one the whole
// label is the user and the machine is unknown (""); either part may be empty.
func SplitInstance(instance string) (user, machine string) {
	at := strings.LastIndexByte(instance, '@')
	if at < 0 {
		return instance, ""
	}
	return instance[:at], instance[at+1:]
}

// Suffixed returns the n-th name to try when instance is taken: "-n" on the user
// part (XEP-0174 section 3, LL-3-13). Call it with the original instance each
// time: suffixes replace one another and do not stack. n below 1 returns instance
// itself.
//
// The result has at most 63 octets. A user part that is too long is cut on a code
// point, not inside an escape sequence, and before a fallback's hash; what was a
// legal JID stays one (LL-3-17).
func Suffixed(instance string, n int) string {
	if n < 1 {
		return instance
	}
	suffix := "-" + strconv.Itoa(n)
	user, _ := SplitInstance(instance)
	machine := instance[len(user):]
	room := MaxInstance - len(machine)
	if room <= len(suffix) {
		user, machine, room = instance, "", MaxInstance // no room beside such a machine
	}
	return fit(user, suffix, room) + machine
}

// fit returns user with end appended, in at most room octets.
func fit(user, end string, room int) string {
	head := user
	if LooksFallback(user) && room >= tailLen+len(end) {
		head, end = user[:len(user)-tailLen], user[len(user)-tailLen:]+end
	}
	if !legal(user) {
		return cut(head, room-len(end)) + end
	}
	return shorten(head, end, room)
}

// shorten returns head cut so that end fits behind it in room octets, as a legal
// local part: where the cut leaves a character that is legal only in front of
// another one, ASCII takes over.
func shorten(head, end string, room int) string {
	short := cut(head, room-len(end)) + end
	if !legal(short) {
		short = cut(asciiOnly(head), room-len(end)) + end
	}
	return short
}
