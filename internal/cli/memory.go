package cli

import (
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// A server keeps little: some ten megabytes, whatever the number of users. With Go's usual target
// of twice what is in use it would collect garbage many times a second, for nothing. With this
// one the heap may grow to five times, but no further than the limit: near it the collector works
// as hard as it must.
const (
	heapGrowth     = 400       // percent
	usualMemory    = 2 << 30   // bytes, where nobody knows
	smallestMemory = 256 << 20 // bytes; a limit below it would only make the collector run all the time
)

// setMemory sets how much memory a server takes, unless GOGC or GOMEMLIMIT do: the heap up to
// five times what is in use, and all of it at most half of the memory that there is, softly.
func setMemory() {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if os.Getenv(name) != "" {
			return
		}
	}
	memory, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
	if err != nil {
		memory = usualMemory
	}
	debug.SetMemoryLimit(max(int64(memory/2), smallestMemory)) //nolint:gosec // half of any number fits
	debug.SetGCPercent(heapGrowth)
}
