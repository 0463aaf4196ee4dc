package licensing

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// The state as of an instant is that after every change up to it: facts and exceptions as they
// were, by the same derivation; of an instant to come, after every change that falls due by then. What was is the present rows, with the former ones that ended
// later in their place. It is the same whenever it is asked for, but where a change that began
// before the instant is still being stored.

// pastReader reads what was, or will be, at an instant.
type pastReader func(ctx context.Context, tx *database.Tx, g *tenantgraph.Graph, at clock.Instant) error

// within reads what was, or will be, at an instant, all of it from one state of the database.
func (s *Service) within(ctx context.Context, tenant uuid.UUID, at clock.Instant, read pastReader) error {
	comes := false
	err := s.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) error {
		g, err := s.graphThen(ctx, tx, tenant, at)
		if comes = g == nil; comes || err != nil {
			return err
		}
		return read(ctx, tx, g, at)
	})
	if err != nil || !comes {
		return err
	}
	return s.foresee(ctx, tenant, at, read)
}

// foresee reads what will be at an instant if nobody changes anything until then: it carries out what
// falls due by then, each at its instant, as the scheduler will, and takes it back. It holds the tenant's lock
// meanwhile, as a dry run does.
func (s *Service) foresee(ctx context.Context, tenant uuid.UUID, at clock.Instant, read pastReader) error {
	ctx = WithChangeList(ctx, ChangeList{Skip: true})
	return s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		g, turn, err := s.lock(ctx, tx, tenant)
		if err != nil {
			return err
		}
		then := at
		for {
			item, err := s.firstDue(ctx, tx, at, nil, &tenant)
			if err != nil {
				return err
			}
			if item == nil {
				break
			}
			next, err := s.lockTenant(ctx, tx, tenant) // the audit log has grown
			if err != nil {
				return err
			}
			next.now = max(next.now, turn.now, item.at)
			then = max(at, next.now) // of several changes that fall due at the instant, the later ones come just after it
			d := s.draft(tx, g, next)
			o, plan := item.change(next.now)
			out, err := s.carryOut(ctx, d, o, plan)
			if err == nil && !out.Changed {
				err = fmt.Errorf("licensing: what is due at %s changes nothing", item.at)
			}
			if err != nil {
				return err
			}
			if after := d.committed(); after != nil {
				g = after
			}
		}
		if err := read(ctx, tx, g, then); err != nil {
			return err
		}
		return database.ErrRollback
	})
}

// GraphAsOf returns the tenant's graph as it was at an instant, with groups, products and plans as
// they were called then.
//
// Errors: BAD_USER_INPUT with the path asOf for an instant before the tenant's history begins;
// NOT_FOUND for an unknown tenant; those of the database, and for an instant to come of Change.
func (s *Service) GraphAsOf(ctx context.Context, tenant uuid.UUID, at clock.Instant) (g *tenantgraph.Graph, err error) {
	err = s.within(ctx, tenant, at, func(_ context.Context, _ *database.Tx, then *tenantgraph.Graph, _ clock.Instant) error {
		g = then
		return nil
	})
	return g, err
}

// graphThen is GraphAsOf in a snapshot; nil for an instant to come.
func (s *Service) graphThen(ctx context.Context, tx *database.Tx, tenant uuid.UUID, at clock.Instant) (*tenantgraph.Graph, error) {
	last, err := s.checkPast(ctx, tx, tenant, at)
	if err != nil || at > max(s.clock.Now(), last) {
		return nil, err
	}
	if g := s.former.get(tenant, at); g != nil {
		return g, nil
	}
	present, err := s.GraphWithin(ctx, tx, tenant)
	if err != nil || at >= last {
		return present, err
	}
	p := &past{ctx: ctx, tx: tx, tenant: tenant, at: at, present: present, data: present.Data()}
	if err := p.read(); err != nil {
		return nil, fmt.Errorf("read the tenant's graph as of %s: %w", at, err)
	}
	g := present
	if p.differs {
		g = tenantgraph.New(p.data)
	}
	s.former.put(at, g)
	return g, nil
}

// checkPast refuses an instant of which nothing is known, and returns that of the last change.
func (s *Service) checkPast(ctx context.Context, tx *database.Tx, tenant uuid.UUID, at clock.Instant) (last clock.Instant, err error) {
	var since, imported clock.Instant
	row := tx.QueryRowContext(ctx, `SELECT t.history_since, t.last_instant, c.changed_at FROM tenants t CROSS JOIN catalog c WHERE t.id = $1 AND c.id = 1`, tenant)
	switch err := row.Scan(&since, &last, &imported); {
	case errors.Is(err, sql.ErrNoRows):
		return 0, noTenant()
	case err != nil:
		return 0, fmt.Errorf("read how far the past goes: %w", err)
	case at < since:
		return 0, fault.New(fault.BadUserInput, "What was at %s is not known: the past is kept from %s on.", at, since).At("asOf").
			Fix("Ask for an instant from then on.")
	}
	return max(last, imported), nil
}

// past turns the data of the present graph into those of an instant.
type past struct {
	ctx     context.Context //nolint:containedctx // of one reading
	tx      *database.Tx
	tenant  uuid.UUID
	at      clock.Instant
	present *tenantgraph.Graph
	data    tenantgraph.Data
	differs bool
}

// former is a FROM clause of the former rows that had begun by the instant and ended after it; of
// one thing's rows the last is how it was then.
func (p *past) former(table, also string) string {
	return database.HistoryOf(table) + ` WHERE tenant_id = $1 AND until > $2 AND created_at <= $2` + also + ` ORDER BY until DESC`
}

func (p *past) read() error {
	data := &p.data
	groups, err := loadGroups(p.ctx, p.tx, p.former("groups", ""), p.tenant, p.at)
	if err != nil {
		return err
	}
	data.Groups = rewind(p, data.Groups, groups, func(g tenantgraph.GroupRow) (uuid.UUID, clock.Instant) { return g.ID, g.CreatedAt })
	nestings, err := loadNestings(p.ctx, p.tx, p.former("nestings", ""), p.tenant, p.at)
	if err != nil {
		return err
	}
	data.Nestings = rewind(p, data.Nestings, nestings, func(n tenantgraph.Nesting) ([2]uuid.UUID, clock.Instant) {
		return [2]uuid.UUID{n.Parent, n.Child}, n.Since
	})
	assignments, err := loadAssignments(p.ctx, p.tx, p.former("assignments", " AND group_id IS NOT NULL"), p.tenant, p.at)
	if err != nil {
		return err
	}
	data.Assignments = rewind(p, data.Assignments, assignments, func(a *tenantgraph.Assignment) (uuid.UUID, clock.Instant) { return a.ID, a.CreatedAt })
	subscriptions, err := loadSubscriptions(p.ctx, p.tx, p.former("subscriptions", ""), p.tenant, p.at)
	if err != nil {
		return err
	}
	data.Subscriptions = rewind(p, data.Subscriptions, subscriptions, func(s *tenantgraph.Subscription) (uuid.UUID, clock.Instant) { return s.ID, s.CreatedAt })
	if err := p.country(); err != nil {
		return err
	}
	return p.catalog()
}

// rewind returns the things that were there at the instant, as they were then: present ones, with
// former ones in their place.
func rewind[T any, K comparable](p *past, present, former []T, about func(T) (K, clock.Instant)) []T {
	then := make([]T, 0, len(present)+len(former))
	at := make(map[K]int, len(present))
	for _, list := range [][]T{present, former} {
		for _, one := range list {
			key, begun := about(one)
			i, there := at[key]
			switch {
			case begun > p.at:
				p.differs = true
			case there:
				then[i], p.differs = one, true
			default:
				at[key] = len(then)
				then = append(then, one)
			}
		}
	}
	p.differs = p.differs || len(former) > 0
	return then
}

func (p *past) country() error {
	row := p.tx.QueryRowContext(p.ctx, `SELECT country FROM tenants_history WHERE tenant_id = $1 AND until > $2 ORDER BY until LIMIT 1`, p.tenant, p.at)
	switch err := row.Scan(&p.data.Country); {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	p.differs = true
	return nil
}

func (p *past) catalog() error {
	var stored []byte
	row := p.tx.QueryRowContext(p.ctx, `SELECT id, data FROM former_catalogs WHERE until > $1 ORDER BY until LIMIT 1`, p.at)
	switch err := row.Scan(&p.data.Tag.Catalog, &stored); {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	data, err := parseCatalog(stored)
	if err != nil {
		return err
	}
	p.data.Catalog, p.differs = tenantgraph.NewCatalog(data, nil), true
	return nil
}

// ReadUsersAsOf reads users as they were at an instant, with everything that decided their
// licenses; nil where a user was not there yet, or was deleted, or has been removed for good
// since. Errors for want of a seat have the counts and the place in line of then. It takes a
// constant number of statements.
//
// Errors: as GraphAsOf.
func (s *Service) ReadUsersAsOf(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID, at clock.Instant) ([]*UserView, error) {
	views := make([]*UserView, len(ids))
	err := s.within(ctx, tenant, at, func(ctx context.Context, tx *database.Tx, g *tenantgraph.Graph, at clock.Instant) error {
		found, err := usersThen(ctx, tx, tenant, ids, at)
		if err != nil {
			return err
		}
		var errs []*LicenseError
		for i, key := range ids {
			if v := found[key]; v != nil && v.User.DeletedAt == nil {
				v.then = true
				v.bind(g)
				views[i] = v
				errs = append(errs, v.Errors()...)
			}
		}
		return seatDetailsThen(ctx, tx, g, errs, at)
	})
	if err != nil {
		return nil, err
	}
	return views, nil
}

// usersThen reads users with what decided their licenses, unbound.
func usersThen(ctx context.Context, tx *database.Tx, tenant uuid.UUID, ids []uuid.UUID, at clock.Instant) (map[uuid.UUID]*UserView, error) {
	q := tx.Dialect()
	list := func(table, begun, of, alias string, same []string, fields string) string {
		rows := database.RowsAsOf(table, begun, same, 3, func(row string) string { return row + "." + of + " = u.id" })
		return `(SELECT coalesce(string_agg(` + fields + `, ';'), '') FROM ` + rows + ` ` + alias + `)`
	}
	// The lists have the fields of listColumns.
	query := `SELECT ` + UserColumns + `, 0, 0, ` +
		list("memberships", "created_at", "user_id", "m", []string{"user_id", "group_id"}, memberFields) + `, ` +
		list("assignments", "created_at", "user_id", "a", []string{"user_id", "id"}, assignmentFields) + `, ` +
		list("license_violations", "since", "user_id", "v", []string{"user_id", "id"}, violationFields) + `
		FROM ` + database.RowsAsOf("users", "created_at", []string{"id"}, 3, func(row string) string { return q.In(row+".id", 2) }) + ` u`
	v := &Views{}
	if err := v.read(ctx, tx, query, tenant, q.UUIDArray(ids), at); err != nil {
		return nil, err
	}
	found := make(map[uuid.UUID]*UserView, len(v.views))
	for _, view := range v.views {
		found[view.User.ID] = view
	}
	return found, nil
}

// seatDetailsThen is FillSeatDetails as of an instant.
func seatDetailsThen(ctx context.Context, tx *database.Tx, g *tenantgraph.Graph, errs []*LicenseError, at clock.Instant) error {
	err := fillPlaces(errs, func() (map[uuid.UUID]int64, error) { return placesThen(ctx, tx, g.Tenant, at) })
	products, users := waitingErrors(errs)
	if len(products) == 0 || err != nil {
		return err
	}
	counts, err := countersThen(ctx, tx, g.Tenant, products, at)
	if err != nil {
		return err
	}
	q := tx.Dialect()
	rows := database.RowsAsOf("license_violations", "since", []string{"user_id", "id"}, 4, func(row string) string { return q.In(row+".product_id", 2) })
	places, err := places(ctx, tx, q, g.Tenant, products, users, rows, at)
	if err != nil {
		return err
	}
	kept, err := keptThen(ctx, tx, g, at)
	if err != nil {
		return err
	}
	fillSeats(g, counts, kept, places, errs)
	return nil
}

// countersThen returns the seat counters of products as of an instant.
func countersThen(ctx context.Context, tx *database.Tx, tenant uuid.UUID, products []uuid.UUID, at clock.Instant) (map[uuid.UUID]counters, error) {
	counts, err := loadCounters(ctx, tx, tenant)
	if err != nil {
		return nil, err
	}
	q := tx.Dialect()
	err = database.Each(ctx, tx, func(scan func(...any) error) error {
		var product uuid.UUID
		var c counters
		err := scan(&product, &c.Consumed, &c.Waiting, &c.InError)
		counts[product] = c
		return err
	}, `SELECT h.product_id, h.consumed, h.waiting, h.in_error FROM seat_counters_history h JOIN (SELECT product_id, min(until) AS until
		FROM seat_counters_history WHERE tenant_id = $1 AND until > $2 AND `+q.In("product_id", 3)+` GROUP BY product_id) f
		ON f.product_id = h.product_id AND f.until = h.until WHERE h.tenant_id = $1`, tenant, at, q.UUIDArray(products))
	if err != nil {
		return nil, fmt.Errorf("load the seat counters as of %s: %w", at, err)
	}
	return counts, nil
}

// keptThen is keptIn as of an instant.
func keptThen(ctx context.Context, tx *database.Tx, g *tenantgraph.Graph, at clock.Instant) (map[uuid.UUID]int64, error) {
	if len(g.Counted()) == 0 {
		return nil, nil
	}
	used, err := placesThen(ctx, tx, g.Tenant, at)
	return keptIn(g, used), err
}

// placesThen returns how many users had counted assignments at an instant.
func placesThen(ctx context.Context, tx *database.Tx, tenant uuid.UUID, at clock.Instant) (map[uuid.UUID]int64, error) {
	used, err := loadPlaces(ctx, tx, tenant)
	if err != nil {
		return nil, err
	}
	err = database.Each(ctx, tx, func(scan func(...any) error) error {
		var assignment uuid.UUID
		var n int64
		err := scan(&assignment, &n)
		used[assignment] = n
		return err
	}, `SELECT h.assignment_id, h.used FROM place_counters_history h JOIN (SELECT assignment_id, min(until) AS until
		FROM place_counters_history WHERE tenant_id = $1 AND until > $2 GROUP BY assignment_id) f
		ON f.assignment_id = h.assignment_id AND f.until = h.until WHERE h.tenant_id = $1`, tenant, at)
	if err != nil {
		return nil, fmt.Errorf("load the counters of assignments as of %s: %w", at, err)
	}
	return used, nil
}

// SubscribedProductsAsOf returns products with their seats as they were at an instant, nil where
// there had been no subscription by then.
//
// Errors: as GraphAsOf.
func (s *Service) SubscribedProductsAsOf(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID, at clock.Instant) ([]*SubscribedProduct, error) {
	var all []*SubscribedProduct
	err := s.within(ctx, tenant, at, func(ctx context.Context, tx *database.Tx, g *tenantgraph.Graph, at clock.Instant) error {
		counts, err := countersThen(ctx, tx, tenant, ids, at)
		if err != nil {
			return err
		}
		kept, err := keptThen(ctx, tx, g, at)
		all = subscribed(g, counts, kept, subscribedIn(g, ids))
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// formerGraphs keeps the graphs of a few instants that were asked for last: what was never
// changes.
type formerGraphs struct {
	mu   sync.Mutex
	kept []formerGraph // the last asked for comes last
}

type formerGraph struct {
	at clock.Instant
	g  *tenantgraph.Graph
}

const keptGraphs = 8

func (f *formerGraphs) get(tenant uuid.UUID, at clock.Instant) *tenantgraph.Graph {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.kept, func(k formerGraph) bool { return k.at == at && k.g.Tenant == tenant })
	if i < 0 {
		return nil
	}
	k := f.kept[i]
	f.kept = append(slices.Delete(f.kept, i, i+1), k)
	return k.g
}

func (f *formerGraphs) put(at clock.Instant, g *tenantgraph.Graph) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.kept) == keptGraphs {
		f.kept = slices.Delete(f.kept, 0, 1)
	}
	f.kept = append(f.kept, formerGraph{at, g})
}
