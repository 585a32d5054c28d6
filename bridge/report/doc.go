// Package report puts what a running bridge tells of itself into words for a person at a
// terminal.
package report
