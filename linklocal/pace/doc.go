// Package pace lets many share one rate fairly: so much for each, so much for all,
// and whoever has taken least of late goes first.
//
// Both rates are token buckets, kept as the time at which a bucket would be full
// again (the generic cell rate algorithm of ITU-T I.371): whole nanoseconds, no
// rounding, no work while nothing happens. Who took how much of late is a sum that
// fades.
package pace
