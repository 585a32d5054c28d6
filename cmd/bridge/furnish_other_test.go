//go:build !linux

package main

import "testing"

const asFurnished = "MESHBRIDGE_TEST_FURNISH"

// furnish has nothing to do where there are no network namespaces.
func furnish(string) error { return nil }

// aside reports that there is nowhere else to play a test.
func aside(*testing.T) bool { return false }
