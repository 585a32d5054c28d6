package main

import (
	"log/slog"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// On a small router the collector works harder and earlier; the values were
// measured with comparable programs on 128 MB devices.
const (
	smallHost  = 160 << 10 // KiB of MemTotal: a device sold as "128 MB"
	smallLimit = 32 << 20  // bytes
	limit      = 64 << 20  // bytes
	smallGC    = 50        // percent
)

// limitMemory sets the collector's targets to the size of the host, unless
// GOMEMLIMIT or GOGC say otherwise.
func limitMemory(log *slog.Logger) {
	info, _ := os.ReadFile("/proc/meminfo") // elsewhere than Linux there is none
	bytes, percent := memoryPlan(string(info))
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(bytes)
		log.Debug("memory limit set; GOMEMLIMIT overrides it", "bytes", bytes)
	}
	if percent > 0 && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// memoryPlan reads /proc/meminfo. A percent of 0 leaves Go's default.
func memoryPlan(meminfo string) (bytes int64, percent int) {
	for line := range strings.Lines(meminfo) {
		rest, ok := strings.CutPrefix(line, "MemTotal:")
		if !ok {
			continue
		}
		kib, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
		if err == nil && kib <= smallHost {
			return smallLimit, smallGC
		}
	}
	return limit, 0
}
