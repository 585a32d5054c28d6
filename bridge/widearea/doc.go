// Package widearea finds people in domains of the DNS: XEP-0174 section 11.4, with the
// records of a LAN in an ordinary zone, asked for one by one. It only looks. Nothing here
// connects anywhere, and the people found are not those of the LAN, whatever their names:
// an address in a zone proves no presence on a link (INJ-4).
package widearea
