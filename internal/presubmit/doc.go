// Package presubmit holds this repository to its conventions. It has no code,
// only tests: which package may import which, what may not be called, how long
// a file may grow, and that bridge.yaml.example tells the truth. A convention
// that is worth having is written here as a test and nowhere else.
package presubmit
