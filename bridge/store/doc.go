// Package store keeps on disk what the gateway must still know after a restart:
// who is subscribed to whom, whom we have shown as available (so that nobody stays
// on a screen as a ghost, COMP-20), the proxy instances last published, and which
// peer a fallback local part stands for (MAPJ-10), the messages that are not known to
// have arrived (COMP-14), and what else is a fact with a name.
//
// It is one small bbolt file, private to its user, with a format version. What is
// not a fact to be remembered is not in it: no counters, no times of last contact. A
// file of an older format is raised to this one when it is opened, and a copy for the
// older program is left beside it; a file of a newer one is refused.
//
// The gateway reads State once, at start, and owns those maps from then on. Every
// later change is put here as well: a Set call records it in memory and returns.
// One goroutine, the keeper, is the only one that touches the file. It gathers
// changes for 50 ms, drops those that change nothing, and commits the rest as one
// transaction; a crash loses at most that window, and nobody ever waits for the
// flash. A message that is dropped before its commit, as nearly all are, is never
// written, nor even put into its form on disk. When the disk fails the keeper keeps what it could not write and tries
// again, within a bound.
//
// Before bbolt maps the file, verify has read it with distrust, page by page: bbolt
// itself would crash on a torn one, or never end. A file that cannot be trusted is
// never repaired, replaced or removed: Open says what is wrong with it and what the
// admin can do.
package store
