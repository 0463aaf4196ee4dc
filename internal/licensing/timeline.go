package licensing

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// TimelineEntry is what a change did to one user's license of one product.
type TimelineEntry struct {
	At clock.Instant // the instant of the change
	LicenseChange
}

// LicenseTimeline returns what became of a user's licenses, the latest first: as far as the tenant's
// history goes. Nothing is stored of it: it is the difference of what the user had before and after each
// instant at which something changed that decides it. A statement is run for each kind of thing,
// whatever the number of changes.
//
// Errors: BAD_USER_INPUT for wrong paging arguments; those of the database.
func (s *Service) LicenseTimeline(ctx context.Context, tenant, user uuid.UUID, first int, after string) (paging.Connection[*TimelineEntry], error) {
	var c paging.Connection[*TimelineEntry]
	from, err := parseTimelineCursor(after)
	if err != nil {
		return c, err
	}
	life, err := s.lifeOf(ctx, tenant, user)
	if err != nil {
		return c, err
	}
	c.HasPrevious = from != nil
	err = life.each(func(e *TimelineEntry, n int) bool {
		at := timelineCursor{e.At, uint32(n)}
		if from != nil && !at.follows(*from) {
			return true
		}
		if len(c.Items) == first {
			c.HasNext = true
			return false
		}
		c.Items, c.Cursors = append(c.Items, e), append(c.Cursors, at.String())
		return true
	})
	c.Count = func(context.Context) (n int, err error) {
		err = life.each(func(*TimelineEntry, int) bool {
			n++
			return true
		})
		return n, err
	}
	return c, err
}

// version is a thing as it was from an instant until another.
type version[T any] struct {
	begun, until clock.Instant // begun: of the thing, not of the version
	is           T
}

const always = clock.Instant(math.MaxInt64)

// versions are those of things, by what tells the things apart.
type versions[K comparable, T any] map[K][]version[T]

func (v versions[K, T]) add(key K, begun, until clock.Instant, is T) {
	v[key] = append(v[key], version[T]{begun, until, is})
}

// at returns the things that were there at an instant, as they were then: of the versions that
// ended later the one that ended first.
func (v versions[K, T]) at(at clock.Instant) []T {
	var all []T
	for _, list := range v {
		var then *version[T]
		for i := range list {
			if one := &list[i]; one.begun <= at && one.until > at && (then == nil || one.until < then.until) {
				then = one
			}
		}
		if then != nil {
			all = append(all, then.is)
		}
	}
	return all
}

// instants adds those at which something began, changed or ended.
func (v versions[K, T]) instants(all map[clock.Instant]bool) {
	for _, list := range v {
		for _, one := range list {
			all[one.begun] = true
			if one.until != always {
				all[one.until] = true
			}
		}
	}
}

// life is everything that ever decided a user's licenses, as far as it is kept.
type life struct {
	since clock.Instant // the first instant that is known
	user  uuid.UUID
	graph *tenantgraph.Graph // the present one

	users         versions[uuid.UUID, *principal.User]
	members       versions[uuid.UUID, tenantgraph.Member]
	direct        versions[uuid.UUID, *tenantgraph.Assignment]
	stored        versions[int64, stored]
	groups        versions[uuid.UUID, tenantgraph.GroupRow]
	nestings      versions[[2]uuid.UUID, tenantgraph.Nesting]
	assignments   versions[uuid.UUID, *tenantgraph.Assignment]
	subscriptions versions[uuid.UUID, *tenantgraph.Subscription]
	countries     versions[struct{}, string]
	catalogs      versions[struct{}, *tenantgraph.Catalog]
}

func (s *Service) lifeOf(ctx context.Context, tenant, user uuid.UUID) (*life, error) {
	l := &life{
		user: user, users: versions[uuid.UUID, *principal.User]{}, members: versions[uuid.UUID, tenantgraph.Member]{},
		direct: versions[uuid.UUID, *tenantgraph.Assignment]{}, stored: versions[int64, stored]{},
		groups: versions[uuid.UUID, tenantgraph.GroupRow]{}, nestings: versions[[2]uuid.UUID, tenantgraph.Nesting]{},
		assignments: versions[uuid.UUID, *tenantgraph.Assignment]{}, subscriptions: versions[uuid.UUID, *tenantgraph.Subscription]{},
		countries: versions[struct{}, string]{}, catalogs: versions[struct{}, *tenantgraph.Catalog]{},
	}
	err := s.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		if l.graph, err = s.GraphWithin(ctx, tx, tenant); err != nil {
			return err
		}
		r := &lifeReader{life: l, ctx: ctx, tx: tx, tenant: tenant}
		for _, read := range []func() error{r.beginning, r.own, r.reaching, r.products, r.country, r.catalog} {
			if err := read(); err != nil {
				return fmt.Errorf("read what decided a user's licenses: %w", err)
			}
		}
		return nil
	})
	return l, err
}

type lifeReader struct {
	*life
	ctx    context.Context //nolint:containedctx // of one reading
	tx     *database.Tx
	tenant uuid.UUID
}

// beginning finds where the history begins.
func (r *lifeReader) beginning() error {
	return r.tx.QueryRowContext(r.ctx, `SELECT history_since FROM tenants WHERE id = $1`, r.tenant).Scan(&r.life.since)
}

// both reads the present rows of a table and its former ones: columns, and until when they were so.
func (r *lifeReader) both(table, columns, where string, row func(scan func(...any) error) error, args ...any) error {
	query := fmt.Sprintf(`SELECT %s, %d FROM %s WHERE %s UNION ALL SELECT %s, until FROM %s WHERE %s`,
		columns, always, table, where, columns, database.HistoryOf(table), where)
	return database.Each(r.ctx, r.tx, row, query, args...)
}

// own reads what is the user's.
func (r *lifeReader) own() error {
	var until clock.Instant
	err := r.both("users", "id, usage_location, account_enabled, created_at, deleted_at, restored_at", "tenant_id = $1 AND id = $2", func(scan func(...any) error) error {
		u := &principal.User{}
		err := scan(&u.ID, &u.UsageLocation, &u.AccountEnabled, &u.CreatedAt, &u.DeletedAt, &u.RestoredAt, &until)
		r.users.add(u.ID, u.CreatedAt, until, u)
		return err
	}, r.tenant, r.user)
	if err != nil {
		return err
	}
	err = r.both("memberships", "group_id, created_at", "tenant_id = $1 AND user_id = $2", func(scan func(...any) error) error {
		var m tenantgraph.Member
		err := scan(&m.Group, &m.Since, &until)
		r.members.add(m.Group, m.Since, until, m)
		return err
	}, r.tenant, r.user)
	if err != nil {
		return err
	}
	err = r.both("assignments", assignmentColumns, "tenant_id = $1 AND user_id = $2", func(scan func(...any) error) error {
		a, err := scanAssignment(func(dest ...any) error { return scan(append(dest, &until)...) })
		if err == nil {
			r.direct.add(a.ID, a.CreatedAt, until, a)
		}
		return err
	}, r.tenant, r.user)
	if err != nil {
		return err
	}
	return r.both("license_violations", "id, assignment_id, plan_id, code, since", "tenant_id = $1 AND user_id = $2", func(scan func(...any) error) error {
		var key int64
		var v stored
		err := scan(&key, &v.assignment, &v.plan, &v.code, &v.since, &until)
		r.stored.add(key, v.since, until, v)
		return err
	}, r.tenant, r.user)
}

// reaching reads the groups that the user ever was in, through any nesting, with what is theirs.
func (r *lifeReader) reaching() error {
	var until clock.Instant
	above := map[uuid.UUID][]uuid.UUID{}
	nestings := versions[[2]uuid.UUID, tenantgraph.Nesting]{}
	err := r.both("nestings", "parent_id, child_id, created_at", "tenant_id = $1", func(scan func(...any) error) error {
		var n tenantgraph.Nesting
		err := scan(&n.Parent, &n.Child, &n.Since, &until)
		nestings.add([2]uuid.UUID{n.Parent, n.Child}, n.Since, until, n)
		above[n.Child] = append(above[n.Child], n.Parent)
		return err
	}, r.tenant)
	if err != nil {
		return err
	}
	reaching := map[uuid.UUID]bool{}
	next := slices.Collect(maps.Keys(r.members))
	for len(next) > 0 {
		group := next[0]
		next = next[1:]
		if !reaching[group] {
			reaching[group] = true
			next = append(next, above[group]...)
		}
	}
	for key, list := range nestings {
		if reaching[key[1]] {
			r.nestings[key] = list
		}
	}
	ids := r.tx.Dialect().UUIDArray(slices.Collect(maps.Keys(reaching)))
	err = r.both("groups", "id, display_name, display_name_key, created_at", "tenant_id = $1 AND "+r.tx.Dialect().In("id", 2), func(scan func(...any) error) error {
		g := tenantgraph.GroupRow{Group: &principal.Group{}}
		err := scan(&g.ID, &g.DisplayName, &g.NameKey, &g.CreatedAt, &until)
		r.groups.add(g.ID, g.CreatedAt, until, g)
		return err
	}, r.tenant, ids)
	if err != nil {
		return err
	}
	return r.both("assignments", assignmentColumns, "tenant_id = $1 AND "+r.tx.Dialect().In("group_id", 2), func(scan func(...any) error) error {
		a, err := scanAssignment(func(dest ...any) error { return scan(append(dest, &until)...) })
		if err == nil {
			r.assignments.add(a.ID, a.CreatedAt, until, a)
		}
		return err
	}, r.tenant, ids)
}

// products reads the subscriptions of the products that ever were assigned to the user.
func (r *lifeReader) products() error {
	assigned := map[uuid.UUID]bool{}
	for _, all := range []versions[uuid.UUID, *tenantgraph.Assignment]{r.direct, r.assignments} {
		for _, list := range all {
			assigned[list[0].is.ProductID] = true
		}
	}
	var until clock.Instant
	return r.both("subscriptions", subscriptionColumns, "tenant_id = $1 AND "+r.tx.Dialect().In("product_id", 2), func(scan func(...any) error) error {
		s, err := scanSubscription(func(dest ...any) error { return scan(append(dest, &until)...) })
		if err == nil {
			r.subscriptions.add(s.ID, s.CreatedAt, until, s)
		}
		return err
	}, r.tenant, r.tx.Dialect().UUIDArray(slices.Collect(maps.Keys(assigned))))
}

func (r *lifeReader) country() error {
	r.countries.add(struct{}{}, 0, always, r.graph.Country)
	return database.Each(r.ctx, r.tx, func(scan func(...any) error) error {
		var country string
		var until clock.Instant
		err := scan(&country, &until)
		r.countries.add(struct{}{}, 0, until, country)
		return err
	}, `SELECT country, until FROM tenants_history WHERE tenant_id = $1`, r.tenant)
}

func (r *lifeReader) catalog() error {
	r.catalogs.add(struct{}{}, 0, always, r.graph.Catalog)
	return database.Each(r.ctx, r.tx, func(scan func(...any) error) error {
		var data []byte
		var until clock.Instant
		if err := scan(&data, &until); err != nil {
			return err
		}
		former, err := parseCatalog(data)
		if err == nil {
			r.catalogs.add(struct{}{}, 0, until, tenantgraph.NewCatalog(former, r.graph.Catalog))
		}
		return err
	}, `SELECT data, until FROM former_catalogs WHERE until > $1`, r.life.since)
}

// each calls entry with what changed, the latest first, each with its number among those of its
// instant, until it returns false.
func (l *life) each(entry func(e *TimelineEntry, n int) bool) error {
	at := map[clock.Instant]bool{}
	l.users.instants(at)
	l.members.instants(at)
	l.direct.instants(at)
	l.stored.instants(at)
	l.nestings.instants(at)
	l.assignments.instants(at)
	l.subscriptions.instants(at)
	l.countries.instants(at)
	l.catalogs.instants(at)
	maps.DeleteFunc(at, func(i clock.Instant, _ bool) bool { return i <= l.since })
	instants := slices.Sorted(maps.Keys(at))
	after := l.then(always - 1)
	for i := len(instants) - 1; i >= 0; i-- {
		before := l.then(instants[i] - 1)
		for n, c := range compareLicenses(before, after) {
			c.UserID = l.user
			if !entry(&TimelineEntry{At: instants[i], LicenseChange: *c}, n) {
				return nil
			}
		}
		after = before
	}
	return nil
}

// then derives what the user had at an instant; nothing where the user was not there.
func (l *life) then(at clock.Instant) *UserView {
	users := l.users.at(at)
	if len(users) == 0 {
		return nil
	}
	v := &UserView{User: *users[0], members: l.members.at(at), direct: l.direct.at(at), stored: l.stored.at(at)}
	v.bind(tenantgraph.New(tenantgraph.Data{
		Tenant: l.graph.Tenant, Name: l.graph.Name, Country: l.countries.at(at)[0], Terms: l.graph.Terms, Catalog: l.catalogs.at(at)[0],
		Groups: l.groups.at(at), Nestings: l.nestings.at(at), Assignments: l.assignments.at(at), Subscriptions: l.subscriptions.at(at),
	}))
	return v
}

// compareLicenses tells what changed between two states of a user, by product: in the words, and by
// the rules, of an impact.
func compareLicenses(before, after *UserView) []*LicenseChange {
	var products []*Product
	for _, v := range []*UserView{after, before} {
		if v == nil {
			continue
		}
		for _, l := range v.Licenses() {
			if !slices.ContainsFunc(products, func(p *Product) bool { return p.ID == l.Product.ID }) {
				products = append(products, l.Product)
			}
		}
	}
	slices.SortFunc(products, func(a, b *Product) int { return compareUUIDs(a.ID, b.ID) })
	var all []*LicenseChange
	for _, p := range products {
		b, a := had(before, p.ID), had(after, p.ID)
		add := func(kind ChangeKind, errs []*LicenseError) {
			all = append(all, &LicenseChange{Product: p, Kind: kind, PlansAdded: without(a.on, b.on), PlansRemoved: without(b.on, a.on), Errors: errs})
		}
		switch {
		case a.held && !b.held:
			add(Gained, nil)
		case b.held && !a.held:
			add(Lost, nil)
		case a.held && !maps.EqualFunc(a.sources, b.sources, func(x, y map[uuid.UUID]*Plan) bool { return len(x) == len(y) && len(without(x, y)) == 0 }),
			len(without(a.on, b.on))+len(without(b.on, a.on)) > 0:
			add(Changed, nil)
		}
		if errs := a.errorsBeyond(b); len(errs) > 0 {
			add(ErrorRaised, a.list)
		}
		if errs := b.errorsBeyond(a); len(errs) > 0 {
			add(ErrorClear, nil)
		}
	}
	return all
}

// holding is what a user has of a product, by ids: catalogues of different instants differ in
// everything else.
type holding struct {
	held    bool
	on      map[uuid.UUID]*Plan
	sources map[uuid.UUID]map[uuid.UUID]*Plan // what each selects
	errors  map[errorKey]*LicenseError
	list    []*LicenseError
}

type errorKey struct {
	assignment, plan uuid.UUID
	code             fault.Code
}

// had returns what a user had of a product. Errors for want of a subscription, which everybody has
// alike, are left out, and so are the sources.
func had(v *UserView, product uuid.UUID) holding {
	h := holding{on: map[uuid.UUID]*Plan{}, sources: map[uuid.UUID]map[uuid.UUID]*Plan{}, errors: map[errorKey]*LicenseError{}}
	if v == nil {
		return h
	}
	l := v.License(product)
	if l == nil {
		return h
	}
	h.held = l.ConsumesSeat
	for _, p := range l.parts {
		if len(p.Errors) > 0 && p.Errors[0].Code == fault.NoSubscription {
			continue
		}
		selected := map[uuid.UUID]*Plan{}
		for _, plan := range v.graph.PlansIn(p.selected) {
			selected[plan.ID] = plan
		}
		for _, plan := range v.graph.PlansIn(p.on) {
			h.on[plan.ID] = plan
		}
		h.sources[p.Assignment.ID] = selected
		for _, e := range p.Errors {
			key := errorKey{assignment: p.Assignment.ID, code: e.Code}
			if e.Plan != nil {
				key.plan = e.Plan.ID
			}
			h.errors[key] = e
			h.list = append(h.list, e)
		}
	}
	return h
}

func (h holding) errorsBeyond(o holding) []*LicenseError {
	var all []*LicenseError
	for key, e := range h.errors {
		if o.errors[key] == nil {
			all = append(all, e)
		}
	}
	return all
}

// without returns the plans of a that are not in b, by display name, then id.
func without(a, b map[uuid.UUID]*Plan) []*Plan {
	var all []*Plan
	for key, p := range a {
		if b[key] == nil {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b *Plan) int {
		return cmp.Or(strings.Compare(a.DisplayNameKey, b.DisplayNameKey), compareUUIDs(a.ID, b.ID))
	})
	return all
}

// timelineCursor is a place in a timeline.
type timelineCursor struct {
	at clock.Instant
	n  uint32
}

// follows tells whether the place comes after another: earlier in time.
func (c timelineCursor) follows(o timelineCursor) bool {
	if c.at != o.at {
		return c.at < o.at
	}
	return c.n > o.n
}

const timelineCursorTag = "timeline:"

func (c timelineCursor) String() string {
	b := binary.BigEndian.AppendUint64([]byte(timelineCursorTag), uint64(c.at))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, c.n))
}

func parseTimelineCursor(s string) (*timelineCursor, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // no cursor
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != len(timelineCursorTag)+12 || string(b[:len(timelineCursorTag)]) != timelineCursorTag {
		return nil, fault.New(fault.BadUserInput, "This cursor does not belong to a timeline of licenses.").At("after").
			Fix("Pass an endCursor or cursor of the same list.")
	}
	b = b[len(timelineCursorTag):]
	return &timelineCursor{clock.Instant(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint32(b[8:])}, nil
}
