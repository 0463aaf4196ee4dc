package licensing

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// The fast path settles by counting in SQL what the engine would say of every user alike: a
// change of group assignments, nestings or subscriptions whose products take part in no rule
// but the number of seats. There a user's state per product is one of three (none, holding,
// waiting), every source of a holder is admitted (R4), and whoever has no seat waits with all
// sources. No user is loaded; what is written is the refused and the healed.
//
// It is an optimisation: the same change by cases gives the same rows, counters and impact.
type fastPath struct {
	s      *Service
	d      *Draft
	book   *casebook
	counts map[uuid.UUID]counters

	products []*fastProduct
	local    []uuid.UUID // groups whose members' sources of the products change
	pairs    []pair
	alike    *alike
	many     bool // of users whose sources change
}

// pair is an assignment as it reaches the direct members of a group, before or after.
type pair struct {
	group         uuid.UUID
	bound         *tenantgraph.Bound
	before, after bool
	edited        bool // other plans after than before
}

// fastProduct is a product of which the change moves sources or seats.
type fastProduct struct {
	*Product
	liveBefore, liveAfter bool
	free                  int64 // seats that nobody holds who goes on holding

	// users whose sources change, by what they are before and after
	losing, kept, newcomers, leaving, shuffled int64
	healed, seated                             int64 // of those waiting, of the newcomers
}

// fast returns the fast path of a draft, or nil where the change must be settled by cases.
func (s *Service) fast(ctx context.Context, d *Draft, book *casebook, counts map[uuid.UUID]counters) (*fastPath, error) {
	if len(d.users) > 0 || book.before == book.after || book.before.Catalog != book.after.Catalog || book.before.Country != book.after.Country {
		return nil, nil //nolint:nilnil // not this way
	}
	if len(book.idleNew) > 0 { // to whom a product without a live subscription is promised has to be looked up
		return nil, nil //nolint:nilnil // not this way
	}
	f := &fastPath{s: s, d: d, book: book, counts: counts}
	f.find()
	if f.excludes() || f.limits() {
		return nil, nil //nolint:nilnil // not this way
	}
	if ok, err := f.free(ctx); !ok || err != nil {
		return nil, err
	}
	if err := f.findAlike(ctx); err != nil {
		return nil, err
	}
	if f.alike != nil {
		f.many = f.alike.users > s.load
	} else {
		var err error
		if f.many, err = (&local{groups: f.local}).many(ctx, d, s.load); err != nil {
			return nil, err
		}
		if err := f.set(ctx, func() error { return f.count(ctx) }); err != nil {
			return nil, err
		}
	}
	if !f.decide() {
		return nil, nil //nolint:nilnil // not this way
	}
	return f, nil
}

// excludes tells whether somebody may be excluded from what the change moves: then what a user has
// is no longer the union of what the user's groups bring.
func (f *fastPath) excludes() bool {
	return len(tenantgraph.ExcludedDiffers(f.book.before, f.book.after)) > 0 ||
		slices.ContainsFunc(f.pairs, func(p pair) bool { return len(p.bound.ExcludedGroups) > 0 })
}

// limits tells whether a group's seats are limited or kept, of the products that the change moves or by
// the change itself: then not every source of a holder is admitted, nor every free seat anybody's.
func (f *fastPath) limits() bool {
	for key, a := range f.d.edit.Changes().Assignments {
		if before := f.book.before.Assignment(key); a != nil && a.Counted() || before != nil && before.Counted() { // its counter comes or goes
			return true
		}
	}
	counted := countedProducts(f.book.before, f.book.after)
	return slices.ContainsFunc(f.products, func(p *fastProduct) bool { return slices.Contains(counted, p.ID) })
}

// set runs a statement over all users whose sources change.
func (f *fastPath) set(ctx context.Context, fn func() error) error {
	if f.many {
		return f.book.large(ctx, fn)
	}
	return fn()
}

// find lists the products whose sources or seats change, and what reaches whom of them.
func (f *fastPath) find() {
	before, after := f.book.before, f.book.after
	differ := tenantgraph.ReachDiffers(before, after)
	moved := map[uuid.UUID]bool{}
	for _, g := range differ {
		for _, p := range pairsOf(g, before, after) {
			if p.before != p.after || p.edited {
				moved[p.bound.ProductID] = true
			}
		}
	}
	for _, p := range after.Products {
		_, was := before.LiveSince(p.ID)
		_, is := after.LiveSince(p.ID)
		unitsBefore, unlimitedBefore := before.Seats(p.ID)
		unitsAfter, unlimitedAfter := after.Seats(p.ID)
		if moved[p.ID] || was != is || unitsBefore != unitsAfter || unlimitedBefore != unlimitedAfter {
			f.products = append(f.products, &fastProduct{Product: p, liveBefore: was, liveAfter: is})
		}
	}
	for _, g := range f.reached() {
		differs := false
		for _, p := range pairsOf(g, before, after) {
			if slices.ContainsFunc(f.products, func(fp *fastProduct) bool { return fp.ID == p.bound.ProductID }) {
				f.pairs = append(f.pairs, p)
				differs = differs || p.before != p.after || p.edited
			}
		}
		if differs {
			f.local = append(f.local, g)
		}
	}
}

// reached returns the groups whose members the products reach, before or after.
func (f *fastPath) reached() []uuid.UUID {
	var ids []uuid.UUID
	for _, p := range f.products {
		ids = append(ids, p.ID)
	}
	groups := f.book.before.GroupsReachedBy(ids)
	for _, g := range f.book.after.GroupsReachedBy(ids) {
		if !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	return groups
}

// pairsOf returns what reaches a group's members, before or after.
func pairsOf(group uuid.UUID, before, after *tenantgraph.Graph) []pair {
	var pairs []pair
	old := before.LiveReach(group)
	for _, r := range old {
		pairs = append(pairs, pair{group: group, bound: r.Bound, before: true})
	}
	for _, r := range after.LiveReach(group) {
		i := slices.IndexFunc(old, func(o tenantgraph.Reached) bool { return o.ID == r.ID })
		if i < 0 {
			pairs = append(pairs, pair{group: group, bound: r.Bound, after: true})
			continue
		}
		pairs[i].after, pairs[i].edited = true, !r.Selected.Equal(old[i].Selected)
	}
	return pairs
}

// free tells whether the products take part in no rule but seats: no check of a plan of theirs
// can fail, none of another plan that the tenant has assigned because of them, and no
// violation of them is about anything else.
func (f *fastPath) free(ctx context.Context) (bool, error) {
	tx, q := f.d.Tx, f.d.Tx.Dialect()
	var ids []uuid.UUID
	var plans engine.PlanSet
	errors := int64(0)
	for _, p := range f.products {
		ids = append(ids, p.ID)
		errors += f.counts[p.ID].InError
		plans = plans.Union(p.Set)
	}
	if f.book.after.Rules.Linked(plans) {
		assigned, err := f.assignedPlans(ctx)
		if err != nil || !f.book.after.Rules.Separate(plans, assigned) {
			return false, err
		}
	}
	if errors == 0 {
		return true, nil
	}
	others := 0
	row := tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM license_violations v WHERE v.tenant_id = $1 AND `+q.In("v.product_id", 2)+`
		AND (v.plan_id IS NOT NULL OR v.code <> 'COUNT_VIOLATION') LIMIT 1) x`, f.d.Tenant, q.UUIDArray(ids))
	if err := row.Scan(&others); err != nil {
		return false, fmt.Errorf("look for other violations: %w", err)
	}
	return others == 0, nil
}

func (f *fastPath) assignedPlans(ctx context.Context) (engine.PlanSet, error) {
	var plans engine.PlanSet
	for _, g := range []*tenantgraph.Graph{f.book.before, f.book.after} {
		for _, a := range g.Assignments() {
			if !a.Scheduled {
				plans = plans.Union(a.Product.Set)
			}
		}
	}
	err := database.Each(ctx, f.d.Tx, func(scan func(...any) error) error {
		var id uuid.UUID
		err := scan(&id)
		plans = plans.Union(f.book.after.Product(id).Set)
		return err
	}, `SELECT DISTINCT product_id FROM assignments WHERE tenant_id = $1 AND user_id IS NOT NULL AND NOT scheduled`, f.d.Tenant)
	if err != nil {
		return nil, fmt.Errorf("find the assigned products: %w", err)
	}
	return plans, nil
}

// decide shares out the seats, and tells whether counting is enough: with several products it
// is where everybody finds a seat and nobody waits, because only then what becomes of a user
// in one product does not hang on others' places in line.
func (f *fastPath) decide() bool {
	for _, p := range f.products {
		c := f.counts[p.ID]
		units, unlimited := f.book.after.Seats(p.ID)
		p.free = math.MaxInt64
		if !unlimited {
			p.free = max(0, units-(c.Consumed-p.losing))
		}
		if !p.liveAfter {
			p.free = 0
		}
		line := c.Waiting - p.leaving
		p.healed = min(p.free, line)
		p.seated = min(p.free-p.healed, p.newcomers)
		scarce := p.healed < line || p.seated < p.newcomers
		if len(f.products) > 1 && (scarce || c.Waiting > 0) {
			return false
		}
		if scarce && p.free > 0 && line > 0 && p.newcomers > 0 && !f.onePriority(p.ID) { // a newcomer may come before who waits
			return false
		}
		if p.losing > 0 && !f.movesAll(f.d.adds) { // who holds a product that is added needs to be looked up
			return false
		}
		if p.shuffled > 0 && p.healed < line { // who goes on waiting with other sources has other errors
			return false
		}
	}
	return true
}

// onePriority tells whether all group assignments of a product have the same: then who waits comes
// before who begins to. Direct sources that wait come first in any case, and none begins where
// anybody waits.
func (f *fastPath) onePriority(product uuid.UUID) bool {
	var first *tenantgraph.Bound
	for _, a := range f.book.after.Assignments() {
		if a.ProductID != product {
			continue
		}
		if first == nil {
			first = a
		}
		if a.Priority != first.Priority {
			return false
		}
	}
	return true
}

// rankAfter is the rank that an assignment gives after the change, or gave where it is gone.
func (f *fastPath) rankAfter(b *tenantgraph.Bound) int64 {
	if after := f.book.after.Assignment(b.ID); after != nil {
		b = after
	}
	return rankOf(int64(b.Priority))
}

func (f *fastPath) movesAll(products map[uuid.UUID]bool) bool {
	for key := range products {
		if !slices.ContainsFunc(f.products, func(p *fastProduct) bool { return p.ID == key }) {
			return false
		}
	}
	return true
}

// fill puts the counts into an impact.
func (f *fastPath) fill(ctx context.Context, i *Impact) error {
	for _, p := range f.products {
		refused := p.newcomers - p.seated
		d := i.delta(p.Index)
		d.gaining, d.losing, d.newErrors = p.healed+p.seated, p.losing, refused
		d.consumed = d.gaining - d.losing
		d.waiting = refused - p.leaving - p.healed
		d.inError = d.waiting
		d.changed, d.cleared, d.healed = p.kept, p.leaving+p.healed, p.healed
		i.changes += int(d.gaining + d.losing + p.kept + refused + p.leaving + p.healed)
		i.UsersInError += int(refused)
		if len(f.products) == 1 {
			i.UsersGaining, i.UsersLosing, i.UsersChanged = int(d.gaining), int(d.losing), int(p.kept)
		}
	}
	if len(f.products) > 1 && f.alike != nil {
		f.alike.fill(i)
	} else if len(f.products) > 1 {
		if err := f.set(ctx, func() error { return f.countUsers(ctx, i) }); err != nil {
			return err
		}
	} else {
		i.losses.users = int64(i.UsersLosing) // whoever loses the only product that moves gets no other
	}
	i.sumUp()
	if l := changeListFrom(ctx); !l.Skip && i.changes > 0 {
		return f.list(ctx, i, l.After)
	}
	return nil
}
