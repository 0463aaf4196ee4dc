package cli

import (
	"math"
	"runtime/debug"
	"testing"
)

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
