package cli

import (
	"bytes"
	"io/fs"
	"os"
	"runtime/debug"
	"strconv"
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
	debug.SetMemoryLimit(max(memory(os.DirFS("/"))/2, smallestMemory))
	debug.SetGCPercent(heapGrowth)
}

// memory is how many bytes there are: of the control group that the process runs in, as a container
// sees it, or of the machine. root is the root of the file system.
func memory(root fs.FS) int64 {
	least := int64(0)
	for _, source := range []struct {
		file, before string
		unit         int64
	}{
		{"sys/fs/cgroup/memory.max", "", 1},                   // version 2; "max" is none
		{"sys/fs/cgroup/memory/memory.limit_in_bytes", "", 1}, // version 1; a very large number is none
		{"proc/meminfo", "MemTotal:", 1 << 10},
	} {
		text, err := fs.ReadFile(root, source.file)
		if err != nil {
			continue
		}
		_, text, found := bytes.Cut(text, []byte(source.before))
		fields := bytes.Fields(text)
		if !found || len(fields) == 0 {
			continue
		}
		n, err := strconv.ParseInt(string(fields[0]), 10, 64)
		if err != nil || n <= 0 || n > 1<<62/source.unit {
			continue
		}
		if n *= source.unit; least == 0 || n < least {
			least = n
		}
	}
	if least == 0 {
		return usualMemory
	}
	return least
}
