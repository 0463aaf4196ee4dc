package cli

import (
	"math"
	"runtime/debug"
	"testing"
	"testing/fstest"
)

func TestMemoryIsThatOfTheContainerOrElseOfTheMachine(t *testing.T) {
	const machine = "MemTotal:       24684084 kB\nMemFree:        12481960 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing known":     {nil, usualMemory},
		"a machine":         {map[string]string{"proc/meminfo": machine}, 24684084 << 10},
		"a container":       {map[string]string{"proc/meminfo": machine, "sys/fs/cgroup/memory.max": "536870912\n"}, 512 << 20},
		"without a limit":   {map[string]string{"proc/meminfo": machine, "sys/fs/cgroup/memory.max": "max\n"}, 24684084 << 10},
		"an older one":      {map[string]string{"proc/meminfo": machine, "sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n"}, 1 << 30},
		"older, no limit":   {map[string]string{"proc/meminfo": machine, "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 24684084 << 10},
		"nonsense":          {map[string]string{"proc/meminfo": "MemTotal:", "sys/fs/cgroup/memory.max": "-1"}, usualMemory},
		"a strange machine": {map[string]string{"proc/meminfo": "MemTotal: 9223372036854775807 kB"}, usualMemory},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{}
			for file, text := range c.files {
				root[file] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := memory(root); got != c.want {
				t.Errorf("%d bytes, want %d", got, c.want)
			}
		})
	}
}

func TestAServerTakesTheMemoryThatItIsToldTo(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
	defer func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) }()
	set := func() (int, int64) {
		setMemory()
		return debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
	}
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "1GiB")
	if percent, limit := set(); percent != 100 || limit != math.MaxInt64 {
		t.Errorf("with GOMEMLIMIT: %d %%, %d bytes", percent, limit)
	}
	t.Setenv("GOGC", "50")
	t.Setenv("GOMEMLIMIT", "")
	if percent, limit := set(); percent != 100 || limit != math.MaxInt64 {
		t.Errorf("with GOGC: %d %%, %d bytes", percent, limit)
	}
	t.Setenv("GOGC", "")
	if percent, limit := set(); percent != heapGrowth || limit < smallestMemory || limit == math.MaxInt64 {
		t.Errorf("with neither: %d %%, %d bytes", percent, limit)
	}
}
