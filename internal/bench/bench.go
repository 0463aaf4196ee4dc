// Package bench measures the program on a tenant that it makes up: reads and writes over HTTP
// against the real server, and beside each its floor, which is what the same database does at
// least for that much. Machines differ and are noisy: what is compared is measured in turns, in
// one run, and told as a ratio.
package bench

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// Config is what a run needs. Everything is required unless it says otherwise.
type Config struct {
	DB *database.DB // holds the tenant of Generate
	// URL is that of DB. It is for the tools that measure beside.
	URL string
	// Statements is how many statements have run on DB so far: its Options.Observe counts them.
	Statements func() int64
	// Wire makes a server over DB as it is shipped, or with the stock execution of queries, to
	// which that is compared.
	Wire  func(stock bool) (http.Handler, error)
	Clock clock.Clock
	NewID id.Source
	// Load is the command that sends requests and runs LoadProcess: a process of its own, whose
	// memory is not taken for the server's. Without it this process sends them. Optional.
	Load []string
	// Progress is told of what is being done, and how much of it. Optional.
	Progress Progress

	Duration    time.Duration // of one measurement of a read; the default is 3 s
	Connections int           // that send requests; the default is 16
	Rounds      int           // in which what is compared is measured in turns; the default is 3
	// Only are the reads and writes to measure, by name, or "reads" or "writes". Empty: all.
	Only []string
	// SkipVerify leaves out the verification of R17 at the end.
	SkipVerify bool
}

// Progress is told of a step and of how far it is; of is 0 where that is not known.
type Progress func(step string, done, of int)

// say is Progress where nobody may listen.
func (p Progress) say(step string, done, of int) {
	if p != nil {
		p(step, done, of)
	}
}

func (c *Config) complete() error {
	if c.DB == nil || c.Statements == nil || c.Wire == nil || c.Clock == nil || c.NewID == nil {
		return errors.New("bench: DB, Statements, Wire, Clock and NewID are needed")
	}
	if c.Duration < 0 || c.Connections < 0 || c.Rounds < 0 {
		return errors.New("bench: Duration, Connections and Rounds cannot be negative")
	}
	if c.Duration == 0 {
		c.Duration = 3 * time.Second
	}
	if c.Connections == 0 {
		c.Connections = 16
	}
	if c.Rounds == 0 {
		c.Rounds = 3
	}
	return CheckNames(c.Only)
}

// Run measures a tenant, which is as it was before when it ends without an error.
//
// Errors: those of the services, and an answer that has errors in it.
func Run(ctx context.Context, c Config, t *Tenant) (*Report, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	r := &run{Config: c, tenant: t, report: newReport(t)}
	if err := r.describe(ctx); err != nil {
		return nil, err
	}
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	err := r.measure(ctx)
	return r.report, errors.Join(err, r.stop())
}

// run is one run.
type run struct {
	Config
	tenant *Tenant
	report *Report

	token     string
	scarce    string // id of the subscription of the scarce product
	shipped   *served
	reference *served
}

func (r *run) measure(ctx context.Context) error {
	for _, step := range []func(context.Context) error{r.loading, r.reads, r.writes, r.verify} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// verify checks R17 on the tenant.
func (r *run) verify(ctx context.Context) error {
	if r.SkipVerify {
		return nil
	}
	licenses, err := licensing.New(licensing.Config{DB: r.DB, Clock: r.Clock, NewID: r.NewID})
	if err != nil {
		return err
	}
	problems, err := verified(ctx, licenses, r.tenant, r.Progress)
	if err != nil {
		return err
	}
	r.report.Problems = &problems
	return nil
}
