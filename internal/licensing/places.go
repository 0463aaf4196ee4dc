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

// countedProducts returns the products of group assignments with a limit or a reserve, before or after
// a change (R8).
func countedProducts(graphs ...*tenantgraph.Graph) []uuid.UUID {
	var products []uuid.UUID
	for _, g := range graphs {
		for _, a := range g.Counted() {
			if !slices.Contains(products, a.ProductID) {
				products = append(products, a.ProductID)
			}
		}
	}
	return products
}

// suppliesMoved returns the counted products of which a change itself moves seats, limits or reserves.
func suppliesMoved(before, after *tenantgraph.Graph) []uuid.UUID {
	return slices.DeleteFunc(countedProducts(before, after), func(p uuid.UUID) bool {
		units, unlimited := before.Seats(p)
		now, nowUnlimited := after.Seats(p)
		_, was := before.LiveSince(p)
		_, is := after.LiveSince(p)
		return units == now && unlimited == nowUnlimited && was == is && samePlaces(before, after, p) && samePlaces(after, before, p)
	})
}

// samePlaces tells whether each counted assignment of a product in one graph is the same in another.
func samePlaces(g, other *tenantgraph.Graph, product uuid.UUID) bool {
	return !slices.ContainsFunc(g.Counted(), func(a *tenantgraph.Bound) bool {
		if a.ProductID != product {
			return false
		}
		b := other.Assignment(a.ID)
		return b == nil || a.Assignment != b.Assignment && (!a.SamePlaces(b.Assignment) || a.Scheduled != b.Scheduled)
	})
}

// moved returns the counted products of which somebody came to have a source, or has it no longer, and
// whose lines were not part of the change: what is free for those who wait may be another now, or their
// code.
func (b *casebook) moved(verdicts []engine.Verdict) []uuid.UUID {
	others := slices.DeleteFunc(countedProducts(b.before, b.after), func(p uuid.UUID) bool { return slices.Contains(b.lines, p) })
	if len(others) == 0 {
		return nil
	}
	var more []uuid.UUID
	for i := range verdicts {
		eachMove(&verdicts[i], func(s *engine.Source, _ int64) {
			if p := b.after.ProductAt(s.Product).ID; slices.Contains(others, p) && !slices.Contains(more, p) {
				more = append(more, p)
			}
		})
	}
	return more
}

// eachMove calls with each source that the users of a verdict come to have, 1, or have no longer, -1.
func eachMove(v *engine.Verdict, move func(s *engine.Source, by int64)) {
	before, after := &v.Case.Before, &v.After
	for i := range before.Sources {
		if s := &before.Sources[i]; before.Admitted(s.Key) && !after.Admitted(s.Key) {
			move(s, -1)
		}
	}
	for i := range after.Sources {
		if s := &after.Sources[i]; after.Admitted(s.Key) && !before.Admitted(s.Key) {
			move(s, 1)
		}
	}
}

// again returns a casebook for the same change, in which the lines of more products are touched.
func (b *casebook) again(more []uuid.UUID) *casebook {
	next := newCasebook(b.d, b.had)
	next.lines = slices.Concat(b.lines, more)
	return next
}

// limits makes those local who wait for a product of a counted assignment, of which the change moves who
// has it: a place that comes free, or is taken, changes what they wait for, be it only the code, and whose
// seats are kept is not told by their line. Where an assignment comes to be counted, those are local whom
// it reaches.
func (l *local) limits(book *casebook) {
	l.lines = book.lines
	for key, a := range book.d.edit.Changes().Assignments {
		if before := book.before.Assignment(key); a == nil || !a.Counted() || before == nil || before.Counted() {
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

// loadPlaces returns how many users have counted assignments, as stored.
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
		return nil, fmt.Errorf("load the counters of assignments: %w", err)
	}
	return used, nil
}

// loadBoth returns the seat counters of products, and how many users have counted assignments: both as
// of one instant, by one statement.
func loadBoth(ctx context.Context, q database.Querier, g *tenantgraph.Graph) (counts map[uuid.UUID]counters, used map[uuid.UUID]int64, err error) {
	if len(g.Counted()) == 0 {
		counts, err = loadCounters(ctx, q, g.Tenant)
		return counts, nil, err
	}
	counts, used = map[uuid.UUID]counters{}, map[uuid.UUID]int64{}
	err = database.Each(ctx, q, func(scan func(...any) error) error {
		var key uuid.UUID
		var of int
		var c counters
		err := scan(&of, &key, &c.Consumed, &c.Waiting, &c.InError)
		if of == 0 {
			counts[key] = c
		} else {
			used[key] = c.Consumed
		}
		return err
	}, `SELECT 0, product_id, consumed, waiting, in_error FROM seat_counters WHERE tenant_id = $1
		UNION ALL SELECT 1, assignment_id, used, 0, 0 FROM place_counters WHERE tenant_id = $1`, g.Tenant)
	if err != nil {
		return nil, nil, fmt.Errorf("load the counters of seats and of assignments: %w", err)
	}
	return counts, used, nil
}

// placesIn returns the supply of the counted assignments, where so many users have them.
func placesIn(g *tenantgraph.Graph, used map[uuid.UUID]int64) engine.Places {
	places := engine.Places{}
	for _, a := range g.Counted() {
		place := engine.Place{Product: a.Product.Index, Limit: engine.NoLimit, Used: used[a.ID], Kept: a.Lacks(used[a.ID])}
		if a.SeatLimit != nil {
			place.Limit = int64(*a.SeatLimit)
		}
		if !a.Scheduled {
			place.Reserve = int64(a.SeatReserve)
		}
		places[a.ID] = place
	}
	return places
}

// keptIn returns how many seats are kept for groups, be they there or not, by product, where so many
// users have their assignments (R8).
func keptIn(g *tenantgraph.Graph, used map[uuid.UUID]int64) map[uuid.UUID]int64 {
	if len(g.Counted()) == 0 {
		return nil
	}
	kept := map[uuid.UUID]int64{}
	for _, a := range g.Counted() {
		if n := a.Lacks(used[a.ID]); n > 0 {
			kept[a.ProductID] += n
		}
	}
	return kept
}

// findPlaces finds the limits and reserves after the change, and before it. An assignment that was not
// counted has no counter: all whom it reaches are part of the change, and counted.
func (b *casebook) findPlaces() {
	b.places = placesIn(b.after, b.had)
	for _, a := range b.before.Counted() {
		if after := b.after.Assignment(a.ID); after != nil && !after.Counted() {
			b.places[a.ID] = engine.Place{Product: after.Product.Index, Limit: engine.NoLimit, Used: b.had[a.ID]}
		}
	}
	for key, place := range b.places {
		before := b.before.Assignment(key)
		place.Kept = 0
		switch {
		case before == nil:
		case before.Counted():
			place.Kept = before.Lacks(place.Used)
		default:
			for _, c := range b.cases {
				if c.Before.Admitted(key) {
					place.Used += c.Size()
				}
			}
		}
		b.places[key] = place
	}
}

// placesOut removes the counters of assignments that go, or are counted no longer.
func (w *writer) placesOut(b *casebook) error {
	var gone []uuid.UUID
	for _, a := range b.before.Counted() {
		if after := b.after.Assignment(a.ID); after == nil || !after.Counted() {
			gone = append(gone, a.ID)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return w.end("place_counters", `place_counters t WHERE t.tenant_id = $1 AND `+w.q.In("t.assignment_id", 2), w.d.Tenant, w.q.UUIDArray(gone))
}

// countPlaces counts who has the counted assignments after the change.
func (b *casebook) countPlaces(verdicts []engine.Verdict) {
	b.used = map[uuid.UUID]int64{}
	for _, a := range b.after.Counted() {
		b.used[a.ID] = b.places[a.ID].Used
	}
	for i := range verdicts {
		eachMove(&verdicts[i], func(s *engine.Source, by int64) {
			if _, counted := b.used[s.Key]; counted {
				b.used[s.Key] += by * verdicts[i].Count
			}
		})
	}
	b.keptAfter = keptIn(b.after, b.used)
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

// placesIn stores who has the counted assignments after the change.
func (w *writer) placesIn(b *casebook) error {
	var assignments []uuid.UUID
	var used []int64
	for key, n := range b.used {
		before := b.before.Assignment(key)
		if was := before != nil && before.Counted(); !was || n != b.places[key].Used {
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
