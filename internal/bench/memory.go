package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

const heapObjects = "/memory/classes/heap/objects:bytes"

// heap is what objects take, those included that are dead and not swept yet.
func heap() uint64 {
	sample := []metrics.Sample{{Name: heapObjects}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// settledHeap is what objects take that are in use.
func settledHeap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one finalized
	return heap()
}

// heapWatch looks at the heap over and over.
type heapWatch struct {
	begin, peak uint64
	end         chan struct{}
	ended       sync.WaitGroup
}

func watchHeap() *heapWatch {
	w := &heapWatch{begin: settledHeap(), end: make(chan struct{})}
	w.peak = w.begin
	w.ended.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				w.peak = max(w.peak, heap())
			case <-w.end:
				return
			}
		}
	})
	return w
}

// stop tells how much the heap had grown at its peak.
func (w *heapWatch) stop() uint64 {
	close(w.end)
	w.ended.Wait()
	return max(w.peak, heap(), w.begin) - w.begin
}

// resident is how much memory the process has, in bytes; 0 where the system does not say.
func resident() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		var kib uint64
		if n, err := fmt.Sscanf(string(line), "VmRSS: %d kB", &kib); err == nil && n == 1 {
			return kib << 10
		}
	}
	return 0
}

// loading measures how long it takes a server that has just started to load the graph of a
// tenant with 5,000 groups and 1,000 assignments.
func (r *run) loading(ctx context.Context) error {
	const times = 5
	var took []time.Duration
	for i := range times {
		r.Progress.say("load a graph", i, times)
		licenses, err := licensing.New(licensing.Config{DB: r.DB, Clock: r.Clock, NewID: r.NewID})
		if err != nil {
			return err
		}
		start := now()
		if _, err := licenses.Graph(ctx, r.tenant.load); err != nil {
			return fmt.Errorf("load a graph: %w", err)
		}
		took = append(took, now().Sub(start))
	}
	slices.Sort(took)
	median := took[times/2]
	r.report.Memory.GraphLoadMicros = micros(median)
	r.report.Memory.GraphLoadTarget = Target{fmt.Sprintf("≤ %s", mostGraphLoad), median <= mostGraphLoad}
	return nil
}

// disk measures what the database takes, before anything else is written to it.
func (r *run) disk(ctx context.Context) error {
	all := `SELECT pg_database_size(current_database())`
	each := `SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`
	if r.DB.Dialect() == database.SQLite {
		all = `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`
		each = `SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name GROUP BY m.tbl_name`
	}
	if err := r.DB.Reader().QueryRowContext(ctx, all).Scan(&r.report.Disk.Bytes); err != nil {
		return err
	}
	r.report.Disk.Tables = map[string]int64{}
	err := database.Each(ctx, r.DB.Reader(), func(scan func(...any) error) error {
		var name string
		var size int64
		if err := scan(&name, &size); err != nil {
			return err
		}
		r.report.Disk.Tables[name] = size
		return nil
	}, each)
	r.report.Disk.BytesPerUser = float64(r.report.Disk.Bytes) / float64(r.tenant.Users)
	return err
}

// describe notes what is measured, and where.
func (r *run) describe(ctx context.Context) error {
	version := `SELECT current_setting('server_version')`
	if r.DB.Dialect() == database.SQLite {
		version = `SELECT sqlite_version()`
	}
	m := &r.report.Machine
	*m = Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Database: string(r.DB.Dialect())}
	r.report.At = r.Clock.Now().String()
	r.report.Connections, r.report.Seconds = r.Connections, r.Duration.Seconds()
	if err := r.DB.Reader().QueryRowContext(ctx, version).Scan(&m.DatabaseVersion); err != nil {
		return err
	}
	return r.disk(ctx)
}
