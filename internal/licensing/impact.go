package licensing

import (
	"bytes"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// Impact is what a change does to users' licenses, counted; who is concerned is read page by
// page with Changes.
type Impact struct {
	UsersGaining int // users who hold a product that they did not hold before
	UsersLosing  int // users who no longer hold a product that they held before
	UsersChanged int // users who kept a product while a source of it began, ended or was edited
	UsersInError int // users with an error that they did not have before
	Products     []*ProductImpact

	s             *Service
	d             *Draft
	dryRun        bool
	book          *casebook
	before, after *tenantgraph.Graph
	counts        map[uuid.UUID]counters
	deltas        map[int32]*delta
	parts         []impactPart
	losses        losses
	changes       int  // how many there are in all; parts may hold one page of them
	earlier       bool // changes lie before those that parts hold
}

// ProductImpact is the part of an impact that concerns one product.
type ProductImpact struct {
	Product      *Product
	SeatsBefore  SeatCounts
	SeatsAfter   SeatCounts
	UsersGaining int
	UsersLosing  int
	UsersInError int
}

// ChangeKind is what happened to one user's license of one product.
type ChangeKind string

// The kinds of changes.
const (
	Gained      ChangeKind = "GAINED"
	Lost        ChangeKind = "LOST"
	Changed     ChangeKind = "CHANGED"
	ErrorRaised ChangeKind = "ERROR_RAISED"
	ErrorClear  ChangeKind = "ERROR_CLEARED"
)

// LicenseChange is what happened to one user's license of one product.
type LicenseChange struct {
	UserID       uuid.UUID
	User         *principal.User // only of a user that the change itself creates
	Product      *Product
	Kind         ChangeKind
	PlansAdded   []*tenantgraph.Plan
	PlansRemoved []*tenantgraph.Plan
	Errors       []*LicenseError // for ERROR_RAISED: the product's errors after the change
}

// impactPart is what happens alike to some users.
type impactPart struct {
	users   []engine.ID
	after   engine.User
	changes []caseChange
	kept    bool // a product is kept of which a source began, ended or was edited
	loss    loss
}

func (p *impactPart) has(kind ChangeKind) bool {
	return slices.ContainsFunc(p.changes, func(c caseChange) bool { return c.kind == kind })
}

type caseChange struct {
	product        int32
	kind           ChangeKind
	added, removed engine.PlanSet
}

// delta is how a product's counters move, and how many users each kind of change concerns.
type delta struct {
	consumed, waiting, inError int64
	gaining, losing, newErrors int64
	changed, cleared           int64
	healed                     int64 // of whom an error was cleared and who hold the product
}

// add adds n users' delta.
func (d *delta) add(o delta, n int64) {
	d.consumed += n * o.consumed
	d.waiting += n * o.waiting
	d.inError += n * o.inError
	d.gaining += n * o.gaining
	d.losing += n * o.losing
	d.newErrors += n * o.newErrors
	d.changed += n * o.changed
	d.cleared += n * o.cleared
	d.healed += n * o.healed
}

// quiet tells whether nobody's products or errors change.
func (d *delta) quiet() bool {
	return *d == delta{changed: d.changed, cleared: d.cleared, healed: d.healed}
}

func newImpact(s *Service, d *Draft, book *casebook, counts map[uuid.UUID]counters, dryRun bool) *Impact {
	return &Impact{s: s, d: d, dryRun: dryRun, book: book, before: book.before, after: book.after, counts: counts, deltas: map[int32]*delta{}}
}

// take adds verdicts up.
func (i *Impact) take(verdicts []engine.Verdict) {
	for _, v := range verdicts {
		part, seen := i.compare(v.Case.Before, v.After)
		n := v.Count
		i.losses.add(part.loss, i.book.promised[v.Case], n)
		for p, d := range seen {
			i.delta(p).add(d, n)
		}
		i.UsersGaining += int(n * num(part.has(Gained)))
		i.UsersLosing += int(n * num(part.has(Lost)))
		i.UsersChanged += int(n * num(part.kept))
		i.UsersInError += int(n * num(part.has(ErrorRaised)))
		if len(part.changes) > 0 {
			part.users = v.Users
			if v.Users == nil {
				i.book.grouping.parts[v.Case] = len(i.parts)
			}
			i.parts = append(i.parts, part)
			i.changes += int(n) * len(part.changes)
		}
	}
	i.sumUp()
}

// compare tells what changes for a user whose state goes from one to another, and by how
// much each product's counters move for it.
func (i *Impact) compare(from, to engine.User) (impactPart, map[int32]delta) {
	part, seen := impactPart{after: to}, map[int32]delta{}
	before, after := byProduct(i.after.Rules.Derive(from)), byProduct(i.after.Rules.Derive(to))
	products := productsIn(from, to)
	slices.SortFunc(products, func(a, b int32) int { // sources are in the order of ids, new ones included
		x, y := i.after.ProductAt(a).ID, i.after.ProductAt(b).ID
		return bytes.Compare(x[:], y[:])
	})
	for _, p := range products {
		b, a := before[p], after[p]
		d := delta{
			consumed: num(a.Held) - num(b.Held),
			waiting:  num(waits(a)) - num(waits(b)),
			inError:  num(inError(a)) - num(inError(b)),
		}
		add := func(kind ChangeKind) {
			part.changes = append(part.changes, caseChange{p, kind, a.On.Minus(b.On), b.On.Minus(a.On)})
		}
		switch {
		case a.Held && !b.Held:
			d.gaining = 1
			add(Gained)
		case b.Held && !a.Held:
			d.losing = 1
			add(Lost)
		case a.Held && sourcesDiffer(b, a):
			part.kept = true
			d.changed = 1
			add(Changed)
		case !a.On.Equal(b.On): // a plan of it was withheld or healed
			d.changed = 1
			add(Changed)
		}
		if lacks(b, a) {
			d.newErrors = 1
			add(ErrorRaised)
		}
		if lacks(a, b) {
			d.cleared, d.healed = 1, num(a.Held)
			add(ErrorClear)
		}
		seen[p] = d
	}
	if part.has(Lost) {
		part.loss = i.loss(from, to, before, after)
	}
	return part, seen
}

func (i *Impact) delta(p int32) *delta {
	if i.deltas[p] == nil {
		i.deltas[p] = &delta{}
	}
	return i.deltas[p]
}

// sumUp lists the products that the change does something to.
func (i *Impact) sumUp() {
	for _, p := range i.after.Products {
		d := i.deltas[p.Index]
		if d == nil {
			d = &delta{}
		}
		c := i.counts[p.ID]
		before := seatCounts(i.before, p.ID, c, i.book.keptBefore[p.ID])
		after := seatCounts(i.after, p.ID, counters{c.Consumed + d.consumed, c.Waiting + d.waiting, c.InError + d.inError}, i.book.keptAfter[p.ID])
		if d.quiet() && sameSeats(before, after) {
			continue
		}
		i.Products = append(i.Products, &ProductImpact{
			Product: p, SeatsBefore: before, SeatsAfter: after,
			UsersGaining: int(d.gaining), UsersLosing: int(d.losing), UsersInError: int(d.newErrors),
		})
	}
}

// seatCounts shows the seats of a product, of which some are kept for groups, be they there or not.
func seatCounts(g *tenantgraph.Graph, product uuid.UUID, c counters, kept int64) SeatCounts {
	units, unlimited := g.Seats(product)
	counts := SeatCounts{Consumed: int(c.Consumed), Waiting: int(c.Waiting), InError: int(c.InError)}
	for _, s := range g.Subscriptions(product) {
		if s.Seats != nil && s.Status == string(SubscriptionWarning) {
			counts.Warning += *s.Seats
		}
	}
	counts.Enabled = int(units) - counts.Warning
	counts.Suspended, counts.LockedOut = idleUnits(g, product)
	if !unlimited { // R14
		counts.Reserved = reserved(units-c.Consumed, kept)
		total, available := int(units), int(units-c.Consumed)-counts.Reserved
		counts.Total, counts.Available = &total, &available
	}
	return counts
}

// reserved is how many of the seats left are kept for groups (R8).
func reserved(left, kept int64) int { return int(min(max(left, 0), kept)) }

// sameSeats tells whether the units of a product, and those of them that are kept, are the same.
func sameSeats(a, b SeatCounts) bool {
	return a.Reserved == b.Reserved && sameInt(a.Total, b.Total) && a.Enabled == b.Enabled && a.Warning == b.Warning && a.Suspended == b.Suspended && a.LockedOut == b.LockedOut
}

func sameInt(a, b *int) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

func num(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func byProduct(licenses []engine.License) map[int32]engine.License {
	m := make(map[int32]engine.License, len(licenses))
	for _, l := range licenses {
		m[l.Product] = l
	}
	return m
}

func productsIn(users ...engine.User) []int32 {
	var products []int32
	for _, u := range users {
		for i := range u.Sources {
			if p := u.Sources[i].Product; !slices.Contains(products, p) {
				products = append(products, p)
			}
		}
	}
	return products
}

func waits(l engine.License) bool {
	return slices.ContainsFunc(l.Sources, func(s engine.SourceState) bool {
		return slices.ContainsFunc(s.Rows, func(r engine.Row) bool { return r.Code == engine.Count })
	})
}

func inError(l engine.License) bool {
	return slices.ContainsFunc(l.Sources, func(s engine.SourceState) bool { return len(s.Rows) > 0 })
}

func sourcesDiffer(before, after engine.License) bool {
	return !slices.EqualFunc(before.Sources, after.Sources, func(b, a engine.SourceState) bool {
		return b.Key == a.Key && b.Selected.Equal(a.Selected)
	})
}

// lacks tells whether b has an error that a has not. An error is a source, or a plan of it,
// with a code.
func lacks(a, b engine.License) bool {
	for _, s := range b.Sources {
		for _, row := range s.Rows {
			if !slices.ContainsFunc(a.Sources, func(o engine.SourceState) bool {
				return slices.ContainsFunc(o.Rows, func(r engine.Row) bool {
					return r.Assignment == row.Assignment && r.Plan == row.Plan && r.Code == row.Code
				})
			}) {
				return true
			}
		}
	}
	return false
}

// place is one user's part of an impact.
type place struct {
	user engine.ID
	part *impactPart
}

// places returns everybody whom the change concerns, by user id.
func (i *Impact) places() []place {
	var all []place
	for k := range i.parts {
		for _, u := range i.parts[k].users {
			all = append(all, place{u, &i.parts[k]})
		}
	}
	slices.SortFunc(all, func(a, b place) int { return bytes.Compare(a.user[:], b.user[:]) })
	return all
}

// ChangeCount counts the changes.
func (i *Impact) ChangeCount() int { return i.changes }
