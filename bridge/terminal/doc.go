// Package terminal writes what strangers said so that a person can look at it: names,
// nicknames and status texts come from whoever is on the LAN, and none of them may move
// a cursor, change a colour or turn the direction of writing (O2).
package terminal
