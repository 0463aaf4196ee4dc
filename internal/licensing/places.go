package licensing

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// limitedProducts returns the products of assignments that a limited number of users may have,
// before or after a change (R8).
func limitedProducts(graphs ...*tenantgraph.Graph) []uuid.UUID {
	var products []uuid.UUID
	for _, g := range graphs {
		for _, a := range g.Assignments() {
			if a.SeatLimit != nil && !slices.Contains(products, a.ProductID) {
				products = append(products, a.ProductID)
			}
		}
	}
	return products
}

// limits makes those local who wait for a product of a limited assignment: a place that comes free,
// or is taken, changes what they wait for, be it only the code. Where an assignment comes to have a
// limit, those are local whom it reaches: so they are counted.
func (l *local) limits(book *casebook) {
	l.lines = limitedProducts(book.before, book.after)
	for key, a := range book.d.edit.Changes().Assignments {
		if before := book.before.Assignment(key); a == nil || a.SeatLimit == nil || before == nil || before.SeatLimit != nil {
			continue
		}
		for _, group := range book.after.GroupsReachedBy([]uuid.UUID{a.ProductID}) {
			if !slices.Contains(l.groups, group) {
				l.groups = append(l.groups, group)
			}
		}
	}
}

// onlyNamed tells whether all local users are named ones.
func (l *local) onlyNamed() bool { return len(l.groups)+len(l.products)+len(l.lines) == 0 }

// loadPlaces returns how many users have assignments with a limit, as stored.
func loadPlaces(ctx context.Context, q database.Querier, tenant uuid.UUID) (map[uuid.UUID]int64, error) {
	used := map[uuid.UUID]int64{}
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		var assignment uuid.UUID
		var n int64
		err := scan(&assignment, &n)
		used[assignment] = n
		return err
	}, `SELECT assignment_id, used FROM place_counters WHERE tenant_id = $1`, tenant)
	if err != nil {
		return nil, fmt.Errorf("load the counters of limited assignments: %w", err)
	}
	return used, nil
}

// placesIn returns the supply of the assignments with a limit, as stored.
func placesIn(ctx context.Context, q database.Querier, g *tenantgraph.Graph) (engine.Places, error) {
	places := engine.Places{}
	for _, a := range g.Assignments() {
		if a.SeatLimit != nil {
			places[a.ID] = engine.Place{Limit: int64(*a.SeatLimit)}
		}
	}
	if len(places) == 0 {
		return nil, nil
	}
	used, err := loadPlaces(ctx, q, g.Tenant)
	for key, place := range places {
		place.Used = used[uuid.UUID(key)]
		places[key] = place
	}
	return places, err
}

// findPlaces finds the limits after the change, and how many users have each assignment before. One
// that had no limit has no counter: all whom it reaches are part of the change, and counted.
func (b *casebook) findPlaces(ctx context.Context) (err error) {
	if b.places, err = placesIn(ctx, b.d.Tx, b.after); err != nil {
		return err
	}
	for key, place := range b.places {
		if before := b.before.Assignment(key); before != nil && before.SeatLimit == nil {
			for _, c := range b.cases {
				if c.Before.Admitted(key) {
					place.Used += c.Size()
				}
			}
			b.places[key] = place
		}
	}
	return nil
}

// placesOut removes the counters of assignments that go, or have a limit no longer.
func (w *writer) placesOut(b *casebook) error {
	var gone []uuid.UUID
	for _, a := range b.before.Assignments() {
		if after := b.after.Assignment(a.ID); a.SeatLimit != nil && (after == nil || after.SeatLimit == nil) {
			gone = append(gone, a.ID)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return w.end("place_counters", `place_counters t WHERE t.tenant_id = $1 AND `+w.q.In("t.assignment_id", 2), w.d.Tenant, w.q.UUIDArray(gone))
}

// countPlaces counts who has the assignments with a limit after the change.
func (b *casebook) countPlaces(verdicts []engine.Verdict) {
	b.used = map[uuid.UUID]int64{}
	for key, place := range b.places {
		n := place.Used
		for i := range verdicts {
			v := &verdicts[i]
			n += v.Count * (num(v.After.Admitted(key)) - num(v.Case.Before.Admitted(key)))
		}
		b.used[key] = n
	}
}

// places are the facts of a GROUP_SEAT_LIMIT.
func (e *LicenseError) places(used int64) *GroupSeatDetails {
	return &GroupSeatDetails{Product: e.Product, Group: e.Source.Group, Limit: e.limit, Used: int(used)}
}

// fillPlaces puts the facts to errors with the code GROUP_SEAT_LIMIT, by one statement if there are
// any.
func (s *Service) fillPlaces(ctx context.Context, tenant uuid.UUID, errs []*LicenseError) error {
	return fillPlaces(errs, func() (map[uuid.UUID]int64, error) { return loadPlaces(ctx, s.db.Reader(), tenant) })
}

func fillPlaces(errs []*LicenseError, load func() (map[uuid.UUID]int64, error)) error {
	var used map[uuid.UUID]int64
	for _, e := range errs {
		if e.Code != fault.GroupSeatLimit {
			continue
		}
		if used == nil {
			var err error
			if used, err = load(); err != nil {
				return err
			}
		}
		e.Details = e.places(used[e.assignment])
	}
	return nil
}

// placesIn stores who has the assignments with a limit after the change.
func (w *writer) placesIn(b *casebook) error {
	var assignments []uuid.UUID
	var used []int64
	for key, n := range b.used {
		before := b.before.Assignment(key)
		if counted := before != nil && before.SeatLimit != nil; !counted || n != b.places[key].Used {
			assignments, used = append(assignments, key), append(used, n)
		}
	}
	if len(assignments) == 0 {
		return nil
	}
	named := `place_counters t WHERE t.tenant_id = $1 AND ` + w.q.In("t.assignment_id", 2)
	if err := w.keep("place_counters", named, w.d.Tenant, w.q.UUIDArray(assignments)); err != nil {
		return err
	}
	return w.exec(`INSERT INTO place_counters (tenant_id, assignment_id, used) SELECT $1, v.a, v.n FROM `+
		w.q.Unnest("v", 2, fastColumn("a", database.UUID), fastColumn("n", database.BigInt))+
		` WHERE true ON CONFLICT (tenant_id, assignment_id) DO UPDATE SET used = excluded.used`, append([]any{w.d.Tenant}, w.q.UnnestArgs(assignments, used)...)...)
}
