package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"

	"github.com/licensegraph/licensegraph/internal/id"
)

// read is a query to measure.
type read struct {
	name, query string
	variables   func(ctx context.Context, r *run, random *rand.Rand) ([]string, error)
}

// Names of reads.
const (
	readUser    = "one-user"
	readCheck   = "check-plan"
	readPage    = "users-page"
	readSeats   = "seats-page"
	readMembers = "members-page"
)

// samples is of how many users or pages is asked at random.
const (
	samples     = 20_000
	samplePages = 200
)

var reads = []read{
	{readUser, `query($user: ID!) { user(id: $user) { displayName licenses { product { displayName skuPartNumber } status
		plans { plan { displayName } enabled enabledBy { kind group { displayName } } } sources { kind group { displayName } state } } } }`, users},
	{readCheck, `query($user: ID!, $plan: ID!) { checkPlan(userId: $user, planId: $plan) { allowed reason } }`, usersAndPlans},
	{readPage, `query($after: String) { users(first: 100, after: $after) { nodes { displayName licenses { product { displayName } status } } } }`, pages},
	{readSeats, `query { subscribedProducts(first: 100) { nodes { product { displayName } seats { total consumed available waiting } } } }`, nothing},
	{readMembers, `query($group: ID!) { group(id: $group) { members(first: 100) { nodes { id displayName userPrincipalName } } } }`, largest},
}

func nothing(context.Context, *run, *rand.Rand) ([]string, error) { return []string{"{}"}, nil }

func largest(context.Context, *run, *rand.Rand) ([]string, error) {
	return []string{fmt.Sprintf(`{"group":%q}`, id.Format(id.Group, key(groupID, groupAll)))}, nil
}

func users(_ context.Context, r *run, random *rand.Rand) ([]string, error) {
	all := make([]string, min(samples, r.tenant.Users))
	for i := range all {
		all[i] = fmt.Sprintf(`{"user":%q}`, id.Format(id.User, key(userID, random.IntN(r.tenant.Users))))
	}
	return all, nil
}

// usersAndPlans asks half of the time about plans of what everybody has.
func usersAndPlans(_ context.Context, r *run, random *rand.Rand) ([]string, error) {
	common := r.tenant.productPlans()[productBase]
	all := make([]string, min(samples, r.tenant.Users))
	for i := range all {
		plan := random.IntN(planCount)
		if i%2 == 0 {
			plan = common[random.IntN(len(common))]
		}
		all[i] = fmt.Sprintf(`{"user":%q,"plan":%q}`, id.Format(id.User, key(userID, random.IntN(r.tenant.Users))), id.Format(id.Plan, key(planID, plan)))
	}
	return all, nil
}

// pages walks through the list and notes where its pages begin.
func pages(ctx context.Context, r *run, _ *rand.Rand) ([]string, error) {
	all := []string{`{"after":null}`}
	for len(all) < min(samplePages, r.tenant.Users/100) {
		var got struct {
			Users struct{ PageInfo struct{ EndCursor string } }
		}
		var last map[string]any
		if err := json.Unmarshal([]byte(all[len(all)-1]), &last); err != nil {
			return nil, err
		}
		if err := r.ask(ctx, `query($after: String) { users(first: 100, after: $after) { pageInfo { endCursor } } }`, last, &got); err != nil {
			return nil, err
		}
		next, err := json.Marshal(map[string]any{"after": got.Users.PageInfo.EndCursor})
		if err != nil {
			return nil, err
		}
		all = append(all, string(next))
	}
	return all, nil
}

// reads measures every read in turns with its floor and with stock execution.
func (r *run) reads(ctx context.Context) (err error) {
	chosen := slices.DeleteFunc(slices.Clone(reads), func(x read) bool { return !r.chosen("reads", x.name) })
	if len(chosen) == 0 {
		return nil
	}
	random := rand.New(rand.NewPCG(r.tenant.Seed, 4)) //nolint:gosec // which users are asked about
	all := make([]*reading, len(chosen))
	for i, x := range chosen {
		q, err := r.question(x.query)
		if err != nil {
			return err
		}
		variables, err := x.variables(ctx, r, random)
		if err != nil {
			return err
		}
		all[i] = &reading{read: x, load: load{Question: q, Variables: variables, Connections: r.Connections, Duration: r.Duration}}
	}
	floor, err := r.newReadFloor(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, floor.close()) }()
	for round := range r.Rounds {
		for i, x := range all {
			r.Progress.say("reads", round*len(all)+i, r.Rounds*len(all))
			if err := x.round(ctx, r, floor, round); err != nil {
				return fmt.Errorf("%s: %w", x.name, err)
			}
		}
	}
	for _, x := range all {
		r.report.Reads = append(r.report.Reads, x.result())
	}
	r.report.judgeReads()
	return nil
}

// reading is a read while it is measured.
type reading struct {
	read
	load
	rounds []ReadRound
}

// ReadRound is what one round of a read measured.
type ReadRound struct {
	P50Micros, P99Micros float64
	Rate                 float64 // requests in a second
	Statements           float64 // of a request
	Allocations          float64 // of a request, by the whole serving process
	AllocatedBytes       float64
	AnswerBytes          float64
	StockRate            float64 // of the same query by stock execution
	StockAllocations     float64
	HTTPFloor            float64 // answers of as many bytes in a second, by a handler that does nothing else
	DriverFloor          float64 // selects of a row by primary key in a second, by the driver that the server uses
	PgbenchFloor         float64 `json:",omitempty"` // the same by pgbench; PostgreSQL only
}

// floor is what a rate is compared to.
func (r ReadRound) floor() float64 {
	if r.PgbenchFloor > 0 {
		return r.PgbenchFloor
	}
	return r.DriverFloor
}

// round measures floors, the server and the one it is compared to, in turns.
func (x *reading) round(ctx context.Context, r *run, floor *readFloor, round int) (err error) {
	var this ReadRound
	if this.DriverFloor, this.PgbenchFloor, err = floor.measure(ctx, r.Duration/2); err != nil {
		return err
	}
	x.Seed = r.tenant.Seed + uint64(round) //nolint:gosec // a count
	servers := []*served{r.shipped, r.reference}
	if round%2 == 1 {
		slices.Reverse(servers)
	}
	for _, s := range servers {
		x.Address = s.address
		statements := r.Statements()
		before := allocated()
		got, err := r.send(ctx, x.load)
		if err != nil {
			return err
		}
		after, sent := allocated(), float64(got.Sent)
		if s == r.reference {
			this.StockRate, this.StockAllocations = got.rate(), float64(after.Mallocs-before.Mallocs)/sent
			continue
		}
		this.P50Micros, this.P99Micros, this.Rate = micros(got.P50), micros(got.P99), got.rate()
		this.Statements = float64(r.Statements()-statements) / sent
		this.Allocations = float64(after.Mallocs-before.Mallocs) / sent
		this.AllocatedBytes = float64(after.TotalAlloc-before.TotalAlloc) / sent
		this.AnswerBytes = float64(got.Bytes) / sent
	}
	if this.HTTPFloor, err = floor.http(ctx, x.load, int(this.AnswerBytes)); err != nil {
		return err
	}
	x.rounds = append(x.rounds, this)
	return nil
}

func allocated() (m runtime.MemStats) {
	runtime.ReadMemStats(&m)
	return m
}

func (x *reading) result() *Read {
	of := func(value func(ReadRound) float64) float64 { return median(x.rounds, value) }
	return &Read{
		Name: x.name, Rounds: x.rounds,
		ReadRound: ReadRound{
			P50Micros:        of(func(r ReadRound) float64 { return r.P50Micros }),
			P99Micros:        of(func(r ReadRound) float64 { return r.P99Micros }),
			Rate:             of(func(r ReadRound) float64 { return r.Rate }),
			Statements:       of(func(r ReadRound) float64 { return r.Statements }),
			Allocations:      of(func(r ReadRound) float64 { return r.Allocations }),
			AllocatedBytes:   of(func(r ReadRound) float64 { return r.AllocatedBytes }),
			AnswerBytes:      of(func(r ReadRound) float64 { return r.AnswerBytes }),
			StockRate:        of(func(r ReadRound) float64 { return r.StockRate }),
			StockAllocations: of(func(r ReadRound) float64 { return r.StockAllocations }),
			HTTPFloor:        of(func(r ReadRound) float64 { return r.HTTPFloor }),
			DriverFloor:      of(func(r ReadRound) float64 { return r.DriverFloor }),
			PgbenchFloor:     of(func(r ReadRound) float64 { return r.PgbenchFloor }),
		},
		OfFloor: of(func(r ReadRound) float64 { return ratio(r.Rate, r.floor()) }),
		OfHTTP:  of(func(r ReadRound) float64 { return ratio(r.Rate, r.HTTPFloor) }),
		OfStock: of(func(r ReadRound) float64 { return ratio(r.Rate, r.StockRate) }),
	}
}

// CheckNames refuses names of nothing to measure.
func CheckNames(names []string) error {
	known := []string{"reads", "writes"}
	for _, x := range reads {
		known = append(known, x.name)
	}
	known = append(known, writeNames...)
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("there is nothing called %q to measure, only %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// chosen tells whether something is to be measured.
func (c *Config) chosen(kind, name string) bool {
	return len(c.Only) == 0 || slices.Contains(c.Only, kind) || slices.Contains(c.Only, name)
}
