package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/licensegraph/licensegraph/internal/bench"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
)

// BenchCmd measures reads and writes on an organisation that it makes up.
type BenchCmd struct {
	Users       int           `default:"100000" placeholder:"N" help:"How many users the organisation has, 1,000 or more. Default: 100000."`
	Seed        uint64        `default:"1" placeholder:"N" help:"The same one makes the same organisation. Default: 1."`
	Only        []string      `sep:"," placeholder:"NAME" help:"What to measure: reads, writes, or names from the table, separated by commas. Default: all."`
	Duration    time.Duration `default:"3s" placeholder:"TIME" help:"How long each measurement of a read takes. Default: 3s."`
	Rounds      int           `default:"3" placeholder:"N" help:"In how many rounds everything is measured in turns. Default: 3."`
	Connections int           `default:"16" placeholder:"N" help:"How many connections send requests. Default: 16."`
	JSON        string        `name:"json" placeholder:"FILE" help:"Write everything that was measured to this file, too."`
	Against     string        `placeholder:"FILE" help:"Compare the reads with those of another run, which --json has written: one on PostgreSQL, for instance."`
	Keep        string        `placeholder:"NAME" help:"Keep the database: on SQLite in this file, on PostgreSQL under this name. Default: it is removed at the end."`
	Reuse       bool          `help:"Measure what --keep has kept before, instead of making it anew."`
	SkipVerify  bool          `help:"Do not verify (R17) after making the organisation and at the end."`
}

// Help is what --help adds to the flags.
func (BenchCmd) Help() string {
	return `Makes up an organisation with nested groups, 200 products and users who wait for seats; measures queries and changes over HTTP against a server of its own; and prints them beside what the same database takes for as many plain rows, as ratios.

It never touches data that are there: on SQLite it makes a temporary file, on PostgreSQL a database of its own on the server that --database-url names, which takes the right to create one.

    licensegraph bench --users 10000
    licensegraph bench --only one-user,users-page --database-url postgres://postgres@127.0.0.1/postgres
    licensegraph bench --users 1000000 --keep bench.db && licensegraph bench --users 1000000 --keep bench.db --reuse --only heal`
}

// Validate refuses what cannot be measured, as wrong usage.
func (c *BenchCmd) Validate() error {
	switch {
	case c.Users < bench.MinUsers:
		return fmt.Errorf("--users takes %d or more, not %d", bench.MinUsers, c.Users)
	case c.Duration <= 0 || c.Rounds <= 0 || c.Connections <= 0:
		return errors.New("--duration, --rounds and --connections take more than 0")
	case c.Reuse && c.Keep == "":
		return errors.New("--reuse goes with --keep, which names the database")
	}
	return bench.CheckNames(c.Only)
}

// Run makes the organisation, measures and reports.
func (c *BenchCmd) Run(ctx context.Context, env *Env) (err error) {
	var other *bench.Report
	if c.Against != "" { // before anything takes long
		if other, err = readReport(c.Against); err != nil {
			return err
		}
	}
	url, remove, err := c.place(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove(context.WithoutCancel(ctx), err)) }()
	report, err := c.measure(ctx, env, url)
	if err != nil {
		return err
	}
	if other != nil {
		report.CompareTo(other)
	}
	if err := report.Write(env.Stdout); err != nil {
		return err
	}
	if c.JSON != "" {
		if err := writeReport(c.JSON, report); err != nil {
			return err
		}
	}
	if len(report.Failures) > 0 {
		return fmt.Errorf("%s could not be measured", counted(len(report.Failures), "change"))
	}
	if report.Problems != nil && *report.Problems > 0 {
		return fmt.Errorf("%s found by verify", counted(*report.Problems, "problem"))
	}
	return nil
}

// measure measures the organisation in the database at url, which is made unless it is to be
// there.
func (c *BenchCmd) measure(ctx context.Context, env *Env, url string) (_ *bench.Report, err error) {
	p := &estimate{progress: progress{env: env}}
	defer p.progress.clear()
	if !c.Reuse {
		if err := c.generate(ctx, env, url, p); err != nil {
			return nil, err
		}
	}
	var statements atomic.Int64
	db, err := database.Open(ctx, url, database.Options{Log: env.Log, Observe: func(string) { statements.Add(1) }})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := database.RequireHead(ctx, db); err != nil {
		return nil, err
	}
	tenant, err := bench.Find(ctx, db, c.Users, c.Seed)
	if fault.CodeOf(err) == fault.NotFound {
		err = fmt.Errorf("%s does not hold the organisation of %d users and seed %d: leave --reuse out, and give --keep a name that is not taken", c.Keep, c.Users, c.Seed)
	}
	if err != nil {
		return nil, err
	}
	setMemory() // as serve does
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return bench.Run(ctx, bench.Config{
		DB: db, URL: url, Statements: statements.Load, Clock: env.Clock, NewID: env.NewID, Progress: p.say,
		Load: []string{program, "bench-load"}, Wire: func(stock bool) (http.Handler, error) { return env.benched(db, stock) },
		Duration: c.Duration, Connections: c.Connections, Rounds: c.Rounds, Only: c.Only, SkipVerify: c.SkipVerify,
	}, tenant)
}

// generate makes the organisation in the empty database at url.
func (c *BenchCmd) generate(ctx context.Context, env *Env, url string, p *estimate) (err error) {
	db, err := database.Open(ctx, url, database.Options{Log: env.Log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := database.Migrate(ctx, db, nil); err != nil {
		return err
	}
	_, err = bench.Generate(ctx, db, bench.Options{Users: c.Users, Seed: c.Seed, SkipVerify: c.SkipVerify, Progress: p.say})
	return err
}

// benched is the server that is measured, or the one with stock execution that it is compared to.
func (e *Env) benched(db *database.DB, stock bool) (http.Handler, error) {
	s, err := e.services(db)
	if err != nil {
		return nil, err
	}
	s.stock = stock
	return e.handler(db, s, nil)
}

// place finds a place for the database, and says how it is removed when the command ends, with or
// without an error. What is to be reused, and what was kept, stays.
func (c *BenchCmd) place(ctx context.Context, env *Env) (url string, remove func(ctx context.Context, failed error) error, err error) {
	dialect, err := database.DialectOf(env.URL)
	if err != nil {
		return "", nil, err
	}
	if dialect == database.Postgres {
		return c.placeOnServer(ctx, env)
	}
	path := c.Keep
	if path == "" {
		dir, err := os.MkdirTemp("", "licensegraph-bench-")
		if err != nil {
			return "", nil, err
		}
		return "sqlite:" + filepath.Join(dir, "bench.db"), func(context.Context, error) error { return os.RemoveAll(dir) }, nil
	}
	_, err = os.Stat(path)
	if err := c.suits(path, err == nil); err != nil {
		return "", nil, err
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", nil, err
	}
	return "sqlite:" + path, c.unlessKept(func(context.Context) error { return removeDatabase(path) }), nil
}

func (c *BenchCmd) placeOnServer(ctx context.Context, env *Env) (url string, remove func(ctx context.Context, failed error) error, err error) {
	name := c.Keep
	if name == "" {
		name = "licensegraph_bench_" + strings.ToLower(rand.Text())
	}
	found, err := database.Exists(ctx, env.URL, name)
	if err != nil {
		return "", nil, err
	}
	if err := c.suits("the database "+name, found); err != nil {
		return "", nil, err
	}
	if url, err = database.Sibling(env.URL, name); err != nil {
		return "", nil, err
	}
	drop := func(ctx context.Context) error { return database.Drop(ctx, env.URL, name) }
	if c.Reuse {
		return url, c.unlessKept(drop), nil
	}
	return url, c.unlessKept(drop), database.Create(ctx, env.URL, name)
}

// suits refuses to write over what is there, and to measure what is not.
func (c *BenchCmd) suits(what string, found bool) error {
	switch {
	case found && !c.Reuse:
		return fmt.Errorf("%s is there already: measure it with --reuse, or give --keep another name", what)
	case !found && c.Reuse:
		return fmt.Errorf("there is no %s: make it by leaving --reuse out", what)
	}
	return nil
}

// unlessKept removes a database, unless it is to be kept and whole.
func (c *BenchCmd) unlessKept(remove func(context.Context) error) func(context.Context, error) error {
	return func(ctx context.Context, failed error) error {
		if c.Reuse || c.Keep != "" && failed == nil {
			return nil
		}
		return remove(ctx)
	}
}

func readReport(path string) (*bench.Report, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r bench.Report
	if err := json.Unmarshal(content, &r); err != nil {
		return nil, fmt.Errorf("%s holds no report: %w", path, err)
	}
	return &r, nil
}

func writeReport(path string, r *bench.Report) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(content, '\n'), 0o600)
}

// estimate tells how far a step is, and how long it will take.
type estimate struct {
	progress progress
	step     string
	begin    clock.Instant
}

func (e *estimate) say(step string, done, of int) {
	now := e.progress.env.Clock.Now()
	if step != e.step {
		e.step, e.begin = step, now
	}
	switch {
	case of == 0:
		e.progress.say("%s", step)
	case done == 0 || done > of:
		e.progress.say("%s: %d of %d", step, done, of)
	default:
		left := time.Duration(float64(now-e.begin) * float64(time.Microsecond) * float64(of-done) / float64(done))
		e.progress.say("%s: %d of %d, about %s left", step, done, of, left.Round(time.Second))
	}
}

// BenchLoadCmd is the process that sends the requests of bench.
type BenchLoadCmd struct{}

// Run reads what to send from stdin.
func (BenchLoadCmd) Run(ctx context.Context, env *Env) error {
	return bench.LoadProcess(ctx, os.Stdin, env.Stdout)
}
