package operation

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// newestFirst is the order in which operations are listed.
var newestFirst = paging.Order{
	Name:    "operations",
	Columns: []paging.Column{{Expr: "o.created_at", Type: paging.Int}, {Expr: "o.id", Type: paging.ID}}, Descending: true,
}

// asGiven is the order of an operation's results: that of its input.
var asGiven = paging.Order{Name: "operationResults", Columns: []paging.Column{{Expr: "r.position", Type: paging.Int}}}

const columns = `o.id, o.kind, o.for_groups, o.dry_run, o.state, o.actor_kind, o.actor, coalesce(o.request_id, ''), o.phase, o.done, o.total,
	o.created_at, o.started_at, o.finished_at, o.changed, o.event_id, coalesce(o.impact, ''), o.errors, o.results`

// ByID returns an operation; nil where the tenant has none with the id.
func (s *Service) ByID(ctx context.Context, tenant, key uuid.UUID) (*Operation, error) {
	list, err := s.ByIDs(ctx, tenant, []uuid.UUID{key})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// ByIDs returns the operations with the given ids, in their order; nil where the tenant has no
// such operation. It takes one statement.
func (s *Service) ByIDs(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) ([]*Operation, error) {
	d, found := s.db.Dialect(), make(map[uuid.UUID]*Operation, len(ids))
	err := database.Each(ctx, s.db.Reader(), func(scan func(...any) error) error {
		o, err := s.scan(scan)
		if err == nil {
			found[o.ID] = o
		}
		return err
	}, `SELECT `+columns+` FROM operations o WHERE o.tenant_id = $1 AND `+d.In("o.id", 2), tenant, d.UUIDArray(ids))
	if err != nil {
		return nil, fmt.Errorf("read operations: %w", err)
	}
	list := make([]*Operation, len(ids))
	for i, key := range ids {
		list[i] = found[key]
	}
	return list, nil
}

// List returns a page of a tenant's operations in any of some states, or in all where none is
// given, the newest first.
//
// Errors: BAD_USER_INPUT with the path of the paging argument; those of the database.
func (s *Service) List(ctx context.Context, tenant uuid.UUID, states []State, args paging.Args) (paging.Connection[*Operation], error) {
	w := &paging.Where{}
	w.And("o.tenant_id = " + w.Arg(tenant))
	if len(states) > 0 {
		texts := make([]string, len(states))
		for i, state := range states {
			texts[i] = string(state)
		}
		d := s.db.Dialect()
		w.And(d.InText("o.state", w.Args(d.TextArray(texts))))
	}
	list := paging.Keyset[*Operation]{Order: newestFirst, Select: columns, From: "operations o", Where: w, Scan: s.scan}
	page, err := list.Page(ctx, s.db.Reader(), args)
	return paging.Connection[*Operation]{Page: page, Count: func(ctx context.Context) (int, error) { return list.Count(ctx, s.db.Reader()) }}, err
}

func (s *Service) scan(scan func(...any) error) (*Operation, error) {
	var o Operation
	var kind, state, actor string
	var phase *string
	var done, created int64
	var total, started, finished *int64
	var impact, errs []byte
	err := scan(&o.ID, &kind, &o.ForGroups, &o.DryRun, &state, &actor, &o.Actor.Name, &o.Actor.RequestID, &phase, &done, &total,
		&created, &started, &finished, &o.Changed, &o.EventID, &impact, &errs, &o.Results)
	if err != nil {
		return nil, err
	}
	o.Kind, o.State, o.Actor.Kind, o.Progress = Kind(kind), State(state), audit.ActorKind(actor), progressOf(phase, done, total)
	o.CreatedAt, o.StartedAt, o.FinishedAt = clock.Instant(created), instantOf(started), instantOf(finished)
	if len(impact) > 0 {
		if err := json.Unmarshal(impact, &o.impact); err != nil {
			return nil, fmt.Errorf("the impact of an operation: %w", err)
		}
	}
	if err := json.Unmarshal(errs, &o.errors); err != nil {
		return nil, fmt.Errorf("the errors of an operation: %w", err)
	}
	return s.seen(o), nil
}

// Impact is what an operation did to the licenses of users, or would do: its counts.
type Impact struct {
	UsersGaining int
	UsersLosing  int
	UsersChanged int
	UsersInError int
	Products     []*licensing.ProductImpact
}

// Impact returns the counts of what the operation did; nil where it did not succeed.
func (o *Operation) Impact(g *tenantgraph.Graph) *Impact {
	if o.impact == nil {
		return nil
	}
	i := &Impact{UsersGaining: o.impact.Gaining, UsersLosing: o.impact.Losing, UsersChanged: o.impact.Changed, UsersInError: o.impact.InError}
	for _, p := range o.impact.Products {
		if product := g.Product(p.Product); product != nil {
			i.Products = append(i.Products, &licensing.ProductImpact{
				Product: product, SeatsBefore: p.Before, SeatsAfter: p.After, UsersGaining: p.Gaining, UsersLosing: p.Losing, UsersInError: p.InError,
			})
		}
	}
	return i
}

// Errors returns what was wrong with the input as a whole, or, of a dry run, what applying it
// would be refused with; and else why it failed. What is gone is left out of the details.
func (o *Operation) Errors(g *tenantgraph.Graph) (refusals []*fault.Error, failure *fault.Error) {
	for _, e := range restore(g, o.errors) {
		if !e.Code.IsUserError() {
			failure = e
			continue
		}
		refusals = append(refusals, e)
	}
	return refusals, failure
}

// ListResults returns a page of what became of each principal or member of an operation's input,
// in its order; with refused, of those alone that were refused.
//
// Errors: BAD_USER_INPUT with the path of the paging argument; those of the database.
func (s *Service) ListResults(ctx context.Context, g *tenantgraph.Graph, o *Operation, refused bool, args paging.Args) (paging.Connection[*Result], error) {
	w := &paging.Where{}
	w.And("r.tenant_id = " + w.Arg(g.Tenant))
	w.And("r.operation_id = " + w.Arg(o.ID))
	if refused {
		w.And("r.errors <> '[]'")
	}
	list := paging.Keyset[*Result]{
		Order: asGiven, Select: `r.group_id, r.principal, r.changed, r.errors`, From: "operation_results r", Where: w,
		Scan: func(scan func(...any) error) (*Result, error) {
			var r Result
			var errs []byte
			var kept []storedError
			if err := scan(&r.Group, &r.Principal, &r.Changed, &errs); err != nil {
				return nil, err
			}
			if err := json.Unmarshal(errs, &kept); err != nil {
				return nil, fmt.Errorf("a result of an operation: %w", err)
			}
			r.Errors = restore(g, kept)
			return &r, nil
		},
	}
	page, err := list.Page(ctx, s.db.Reader(), args)
	count := func(ctx context.Context) (int, error) { return list.Count(ctx, s.db.Reader()) }
	if !refused {
		count = func(context.Context) (int, error) { return o.Results, nil }
	}
	return paging.Connection[*Result]{Page: page, Count: count}, err
}
