package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
)

// readFloor measures selects of one row by primary key on the database of the run: what no
// server that asks the database about a user can be faster than.
type readFloor struct {
	run     *run
	pgbench string // the program; empty on SQLite and where it is not installed
	script  string
	server  string   // the database's URL without password
	env     []string // for pgbench
	bare    *served  // answers with size bytes
	size    atomic.Int64
}

func (r *run) newReadFloor(ctx context.Context) (*readFloor, error) {
	f := &readFloor{run: r}
	var err error
	if f.bare, err = serve(ctx, http.HandlerFunc(f.answer)); err != nil {
		return nil, err
	}
	if r.DB.Dialect() != database.Postgres {
		return f, nil
	}
	if f.pgbench = findPgbench(); f.pgbench == "" {
		r.report.Notes = append(r.report.Notes, "pgbench is not installed: the floor of reads is the driver's alone")
		return f, nil
	}
	u, err := neturl.Parse(r.URL)
	if err != nil {
		return nil, errors.New("the database's URL cannot be read")
	}
	if password, ok := u.User.Password(); ok { // command lines are for all to see
		f.env = []string{"PGPASSWORD=" + password}
		u.User = neturl.User(u.User.Username())
	}
	f.server = u.String()
	file, err := os.CreateTemp("", "licensegraph-pgbench-*.sql")
	if err != nil {
		return nil, err
	}
	f.script = file.Name()
	_, err = file.WriteString(r.pgbenchScript())
	return f, errors.Join(err, file.Close(), ctx.Err())
}

// pgbenchScript selects a random user. pgbench has numbers only, so the id is made of one.
func (r *run) pgbenchScript() string {
	prefix := key(userID, 0).String()[:len("00000000-0000-0000-0000")]
	return fmt.Sprintf("\\set n random(0, %d)\nSELECT id, display_name, usage_location, account_enabled FROM users WHERE id = ('%s-' || lpad(to_hex(:n::bigint), 12, '0'))::uuid;\n",
		r.tenant.Users-1, prefix)
}

func findPgbench() string {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if err == nil && len(found) > 0 {
		return slices.Max(found)
	}
	path, err := exec.LookPath("pgbench")
	if err != nil {
		return ""
	}
	return path
}

func (f *readFloor) close() error {
	if f.script != "" {
		_ = os.Remove(f.script)
	}
	return f.bare.stop()
}

// answer does nothing but answer with as many bytes as it is told to.
func (f *readFloor) answer(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	size := int(f.size.Load())
	w.Header().Set("Content-Length", strconv.Itoa(size))
	_, _ = w.Write(slices.Grow([]byte(nil), size)[:size])
}

// http tells how many answers of a size the bare server gives in a second to the same load.
func (f *readFloor) http(ctx context.Context, l load, size int) (float64, error) {
	f.size.Store(int64(size))
	l.Address, l.Duration = f.bare.address, l.Duration/2
	got, err := f.run.send(ctx, l)
	return got.rate(), err
}

// measure tells how many selects there are in a second, by the driver and by pgbench.
func (f *readFloor) measure(ctx context.Context, d time.Duration) (driver, pgbench float64, err error) {
	if driver, err = f.driver(ctx, d); err != nil {
		return 0, 0, err
	}
	if f.pgbench != "" {
		pgbench, err = f.external(ctx, d)
	}
	return driver, pgbench, err
}

// driver selects by the driver and the connections that the server uses.
func (f *readFloor) driver(ctx context.Context, d time.Duration) (float64, error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var all sync.WaitGroup
	counts := make([]int, f.run.Connections)
	start := now()
	for i := range counts {
		all.Go(func() {
			random := rand.New(rand.NewPCG(f.run.tenant.Seed, uint64(i))) //nolint:gosec // which user is asked about
			for now().Sub(start) < d && ctx.Err() == nil {
				if err := f.selectOne(ctx, key(userID, random.IntN(f.run.tenant.Users))); err != nil {
					end(err)
				}
				counts[i]++
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	selects := 0
	for _, n := range counts {
		selects += n
	}
	return float64(selects) / now().Sub(start).Seconds(), nil
}

func (f *readFloor) selectOne(ctx context.Context, user uuid.UUID) error {
	var key, name string
	var place *string
	var enabled bool
	return f.run.DB.Reader().QueryRowContext(ctx,
		`SELECT id, display_name, usage_location, account_enabled FROM users WHERE id = $1`, user).Scan(&key, &name, &place, &enabled)
}

var tps = regexp.MustCompile(`tps = ([0-9.]+)`)

// external has pgbench select. It counts whole seconds.
func (f *readFloor) external(ctx context.Context, d time.Duration) (float64, error) {
	seconds := max(1, int((d + time.Second/2).Seconds()))
	//nolint:gosec // the program that was found
	cmd := exec.CommandContext(ctx, f.pgbench, "-n", "-M", "prepared", "-c", "8", "-j", "2", "-T", strconv.Itoa(seconds), "-f", f.script, f.server)
	cmd.Env = append(os.Environ(), f.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, errors.Join(ctx.Err(), fmt.Errorf("pgbench: %w: %s", err, out))
	}
	found := tps.FindSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("pgbench does not say how fast it was: %s", out)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}
