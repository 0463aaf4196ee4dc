package directory

import (
	"context"
	"database/sql"
	"math"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// Walking makes every page of users walk through all users, however few are asked for.
func (s *Service) Walking() *Service {
	c := *s
	c.forms = forms{sample: math.MaxInt32}
	return &c
}

// Collecting makes every page of users read all who are asked for, however many they are.
func (s *Service) Collecting() *Service {
	c := *s
	c.forms = forms{few: math.MaxInt32, fewOfMany: math.MaxInt32, sample: 1}
	return &c
}

// Plans returns how the database goes about each statement of a page of users.
func (s *Service) Plans(ctx context.Context, tenant uuid.UUID, query UserQuery, args paging.Args) ([]string, error) {
	build, err := query.conditions()
	if err != nil {
		return nil, err
	}
	e := &explainer{Querier: s.db.Reader(), d: s.db.Dialect()}
	r := reading{q: e, d: s.db.Dialect()}
	if query.Filter.needsGraph() {
		if r.graph, err = s.licensing.Graph(ctx, tenant); err != nil {
			return nil, err
		}
	}
	list, err := build(r, tenant).forPage(ctx, r, userOrder("users", query.OrderBy, query.Descending), s.forms)
	if err == nil {
		_, err = list.Page(ctx, e, args)
	}
	if err == nil {
		err = e.err
	}
	return e.plans, err
}

// explainer asks for the plan of each statement before it runs.
type explainer struct {
	database.Querier
	d     database.Dialect
	plans []string
	err   error
}

func (e *explainer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	e.explain(ctx, query, args)
	return e.Querier.QueryContext(ctx, query, args...)
}

func (e *explainer) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	e.explain(ctx, query, args)
	return e.Querier.QueryRowContext(ctx, query, args...)
}

func (e *explainer) explain(ctx context.Context, query string, args []any) {
	prefix := "EXPLAIN "
	if e.d == database.SQLite {
		prefix = "EXPLAIN QUERY PLAN "
	}
	var lines []string
	err := database.Each(ctx, e.Querier, func(scan func(...any) error) error {
		var line string
		dest := []any{&line}
		if e.d == database.SQLite {
			dest = []any{new(int), new(int), new(int), &line}
		}
		err := scan(dest...)
		lines = append(lines, line)
		return err
	}, prefix+query, args...)
	if err != nil && e.err == nil {
		e.err = err
	}
	e.plans = append(e.plans, strings.Join(lines, "\n"))
}
