package main

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// monotonic is the time that systemd wants to be told with a reload: microseconds of
// CLOCK_MONOTONIC.
func monotonic() string {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return "0"
	}
	return strconv.FormatInt(t.Nano()/1000, 10)
}
