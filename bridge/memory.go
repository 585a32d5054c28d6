package bridge

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"meshbridge/bridge/control"
)

// memoryNow says what this process takes.
func memoryNow() control.Memory {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	statm, _ := os.ReadFile("/proc/self/statm") // elsewhere than Linux there is none
	return control.Memory{RSS: resident(string(statm), int64(os.Getpagesize())), Heap: int64(m.HeapAlloc)}
}

// resident reads /proc/self/statm: the second number is that of resident pages.
func resident(statm string, page int64) int64 {
	f := strings.Fields(statm)
	if len(f) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * page
}
