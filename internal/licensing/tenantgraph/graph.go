// Package tenantgraph holds what of a tenant is small beside its users — groups, nestings,
// group assignments, subscriptions and the catalogue — as one immutable value in memory, and
// answers from it which assignments reach the members of which group, and by which path.
package tenantgraph

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// Tag names the committed state that a Graph was read from. Equal tags mean equal graphs.
type Tag struct{ Graph, Catalog int64 }

// Mode is how an assignment chooses among its product's plans (R2).
type Mode string

// The modes. Except: a plan the vendor adds later is on. Only: it stays off.
const (
	All    Mode = "ALL"
	Except Mode = "EXCEPT"
	Only   Mode = "ONLY"
)

// Selection is a plan selection: the mode and the plans it names.
type Selection struct {
	Mode  Mode
	Plans []uuid.UUID // sorted; empty for All
}

// Equal tells whether two selections say the same.
func (s Selection) Equal(t Selection) bool { return s.Mode == t.Mode && slices.Equal(s.Plans, t.Plans) }

// Of returns the plans of a product that the selection switches on. A named plan that has
// left the product counts for nothing.
func (s Selection) Of(c *Catalog, p *Product) engine.PlanSet {
	if s.Mode == All {
		return p.Set
	}
	var named engine.PlanSet
	for _, planID := range s.Plans {
		if plan := c.Plan(planID); plan != nil {
			named = named.With(plan.Index)
		}
	}
	if s.Mode == Except {
		return p.Set.Minus(named)
	}
	return p.Set.Intersect(named)
}

// Assignment is an assignment's fact. GroupID is the zero UUID when it is direct; UserID is
// when it is not.
type Assignment struct {
	ID            uuid.UUID
	UserID        uuid.UUID
	GroupID       uuid.UUID
	ProductID     uuid.UUID
	Selection     Selection
	IncludeNested bool
	Scheduled     bool           // it has not begun: nobody has anything of it (R1)
	StartsAt      *clock.Instant // when it begins by the clock, or began so
	BeganAt       *clock.Instant // when it took effect, where it was scheduled
	EndsAt        *clock.Instant // when it ends by the clock
	Priority      int            // the higher, the earlier in line (R5)
	SeatLimit     *int           // how many users may have it (R8); nil: any number, and when direct
	SeatReserve   int            // seats are kept until so many users have it (R8); 0 when direct
	// ExcludedGroups are those whose members, through any nesting, it does not reach (R1): sorted,
	// none when direct.
	ExcludedGroups []uuid.UUID
	CreatedAt      clock.Instant
	UpdatedAt      clock.Instant
	Version        int
}

// Since tells since when the assignment has been in effect; one that is scheduled is not.
func (a *Assignment) Since() clock.Instant {
	if a.BeganAt != nil {
		return *a.BeganAt
	}
	return a.CreatedAt
}

// Direct tells whether the principal is a user.
func (a *Assignment) Direct() bool { return a.GroupID == uuid.Nil }

// Says tells whether two assignments, of one principal and product, say the same.
func (a *Assignment) Says(b *Assignment) bool {
	return a.Selection.Equal(b.Selection) && a.IncludeNested == b.IncludeNested && a.Priority == b.Priority &&
		slices.Equal(a.ExcludedGroups, b.ExcludedGroups) && a.SamePlaces(b)
}

// SamePlaces tells whether as many users may have the one as the other, and as many seats are kept.
func (a *Assignment) SamePlaces(b *Assignment) bool {
	return a.SeatReserve == b.SeatReserve && (a.SeatLimit == nil) == (b.SeatLimit == nil) && (a.SeatLimit == nil || *a.SeatLimit == *b.SeatLimit)
}

// Counted tells whether it is stored how many users have the assignment: it has a limit or a
// reserve (R8).
func (a *Assignment) Counted() bool { return a.SeatLimit != nil || a.SeatReserve > 0 }

// Lacks returns how many seats are kept for the assignment where so many users have it (R8). One
// that has not begun has none kept.
func (a *Assignment) Lacks(used int64) int64 {
	if a.Scheduled {
		return 0
	}
	return max(0, int64(a.SeatReserve)-used)
}

// Subscription is a subscription's fact.
type Subscription struct {
	ID          uuid.UUID
	ProductID   uuid.UUID
	Seats       *int // nil: unlimited
	Status      string
	StartsAt    clock.Instant
	LiveSince   *clock.Instant // nil: never was live
	RenewsAt    *clock.Instant
	EndsAt      *clock.Instant
	CreatedAt   clock.Instant
	UpdatedAt   clock.Instant
	CancelledAt *clock.Instant
	Version     int
}

// Live tells whether the subscription is one by which sources can be admitted (R16).
func (s *Subscription) Live() bool { return s.Status != "CANCELLED" && s.Status != "SCHEDULED" }

// Counts tells whether the subscription's units are part of the total (R14).
func (s *Subscription) Counts() bool { return s.Status == "ENABLED" || s.Status == "WARNING" }

// Nesting says that Child is a member of Parent.
type Nesting struct {
	Parent, Child uuid.UUID
	Since         clock.Instant
}

// Reached is an assignment that reaches the direct members of a group.
type Reached struct {
	*Bound
	Path  []*principal.Group // from the group that has it down to the group it is reached from
	Since clock.Instant      // latest of the path's nestings
}

// Bound is an assignment bound to a graph's catalogue: what the engine needs of it.
type Bound struct {
	*Assignment
	Product  *Product
	Engine   *engine.Assignment
	Selected engine.PlanSet
}

// Terms are what a tenant has settled for its changes: they are part of the graph so that
// whoever changes something knows them without another statement.
type Terms struct {
	LossThreshold        int           // users that a change may take a product from unasked (R27)
	Grace                time.Duration // from a subscription's end to its suspension (R16)
	Suspension           time.Duration // from its suspension to its lock-out (R16)
	DeletedUserRetention time.Duration // from a user's deletion to the removal for good (R19)
	HistoryRetention     time.Duration // for which the past can be asked for; 0: without end
	AuditRetention       time.Duration // from an audit event to its removal; 0: it stays
}

// Graph is one tenant's immutable graph.
type Graph struct {
	Tenant  uuid.UUID
	Name    string
	Country string
	Terms   Terms
	Tag     Tag
	*Catalog

	groups        map[uuid.UUID]*principal.Group
	names         map[uuid.UUID]string // folded names, for the order of paths
	parents       map[uuid.UUID][]Nesting
	children      map[uuid.UUID][]Nesting
	assignments   map[uuid.UUID]*Bound
	byGroup       map[uuid.UUID][]*Bound // by product display name, then id
	counted       []*Bound               // those with a limit or a reserve
	subscriptions map[uuid.UUID]*Subscription
	byProduct     map[uuid.UUID][]*Subscription // by creation, then id
	live          map[uuid.UUID]clock.Instant   // live products → since when without a gap
	automatic     []Automatic
	reach         map[uuid.UUID][]Reached // groups whose members are reached by anything
	excluded      map[uuid.UUID][]*Bound  // groups whose members are excluded from anything
}

// Data is what a Graph is built from.
type Data struct {
	Tenant        uuid.UUID
	Name          string
	Country       string
	Terms         Terms
	Tag           Tag
	Catalog       *Catalog
	Groups        []GroupRow
	Nestings      []Nesting
	Assignments   []*Assignment // of groups
	Subscriptions []*Subscription
}

// GroupRow is a group with its folded name.
type GroupRow struct {
	*principal.Group
	NameKey string
}

// New builds a graph.
func New(d Data) *Graph {
	g := &Graph{
		Tenant: d.Tenant, Name: d.Name, Country: d.Country, Terms: d.Terms, Tag: d.Tag, Catalog: d.Catalog,
		groups: make(map[uuid.UUID]*principal.Group, len(d.Groups)), names: make(map[uuid.UUID]string, len(d.Groups)),
		parents: map[uuid.UUID][]Nesting{}, children: map[uuid.UUID][]Nesting{},
		assignments: map[uuid.UUID]*Bound{}, subscriptions: map[uuid.UUID]*Subscription{},
	}
	for _, r := range d.Groups {
		g.groups[r.ID] = r.Group
		g.names[r.ID] = r.NameKey
	}
	for _, n := range d.Nestings {
		g.parents[n.Child] = append(g.parents[n.Child], n)
		g.children[n.Parent] = append(g.children[n.Parent], n)
	}
	for _, s := range d.Subscriptions {
		g.subscriptions[s.ID] = s
	}
	for _, a := range d.Assignments {
		g.assignments[a.ID] = g.Bind(a)
	}
	g.derive()
	return g
}

// Data returns what the graph could be built from anew.
func (g *Graph) Data() Data {
	d := Data{Tenant: g.Tenant, Name: g.Name, Country: g.Country, Terms: g.Terms, Tag: g.Tag, Catalog: g.Catalog}
	for id, group := range g.groups {
		d.Groups = append(d.Groups, GroupRow{Group: group, NameKey: g.names[id]})
	}
	for _, nestings := range g.children {
		d.Nestings = append(d.Nestings, nestings...)
	}
	for _, a := range g.assignments {
		d.Assignments = append(d.Assignments, a.Assignment)
	}
	d.Subscriptions = slices.Collect(maps.Values(g.subscriptions))
	return d
}

// derive computes what follows from the facts.
func (g *Graph) derive() {
	g.byProduct = map[uuid.UUID][]*Subscription{}
	for _, s := range g.subscriptions {
		g.byProduct[s.ProductID] = append(g.byProduct[s.ProductID], s)
	}
	g.live = map[uuid.UUID]clock.Instant{}
	for p := range g.byProduct {
		g.deriveProduct(p)
	}
	g.automatic = g.findAutomatic()
	g.byGroup = map[uuid.UUID][]*Bound{}
	for _, a := range g.assignments {
		g.byGroup[a.GroupID] = append(g.byGroup[a.GroupID], a)
	}
	for _, list := range g.byGroup {
		slices.SortFunc(list, compareBound)
	}
	g.deriveCounted()
	g.reach = map[uuid.UUID][]Reached{}
	g.deriveReach(maps.Keys(g.groups))
	g.deriveExcluded()
}

// deriveCounted finds the assignments of which it is stored how many users have them.
func (g *Graph) deriveCounted() {
	g.counted = nil
	for _, a := range g.assignments {
		if a.Counted() {
			g.counted = append(g.counted, a)
		}
	}
}

// deriveProduct puts a product's subscriptions in order and finds out since when it is live.
func (g *Graph) deriveProduct(product uuid.UUID) {
	list := g.byProduct[product]
	slices.SortFunc(list, func(a, b *Subscription) int {
		return cmpOr(compareInstants(a.CreatedAt, b.CreatedAt), compareIDs(a.ID, b.ID))
	})
	delete(g.live, product)
	if since, ok := liveSince(list); ok {
		g.live[product] = since
	}
}

// liveSince returns the start of the unbroken time, up to now, in which at least one of the
// subscriptions was live.
func liveSince(list []*Subscription) (clock.Instant, bool) {
	began := slices.DeleteFunc(slices.Clone(list), func(s *Subscription) bool { return s.LiveSince == nil })
	slices.SortFunc(began, func(a, b *Subscription) int { return compareInstants(*a.LiveSince, *b.LiveSince) })
	var since clock.Instant
	covered, open := clock.Instant(0), false
	for _, s := range began {
		if !open && *s.LiveSince > covered || since == 0 {
			since = *s.LiveSince
		}
		if s.Live() {
			open = true
		} else if s.CancelledAt != nil {
			covered = max(covered, *s.CancelledAt)
		}
	}
	return since, open
}

// Tagged returns the graph with a tag: that of the state in which it will be committed.
func (g *Graph) Tagged(tag Tag) *Graph {
	tagged := *g
	tagged.Tag = tag
	return &tagged
}

// Bind links an assignment of this tenant, a group's or a user's, to the graph's catalogue.
func (g *Graph) Bind(a *Assignment) *Bound {
	p := g.Product(a.ProductID)
	return &Bound{
		Assignment: a, Product: p, Selected: a.Selection.Of(g.Catalog, p),
		Engine: &engine.Assignment{
			Key: a.ID, Product: p.Index, Sku: p.ID, Principal: a.GroupID, Direct: a.Direct(), Created: int64(a.CreatedAt),
			Priority: int64(a.Priority),
		},
	}
}

// Group returns a group by id, or nil.
func (g *Graph) Group(id uuid.UUID) *principal.Group { return g.groups[id] }

// Groups returns all groups, in no order.
func (g *Graph) Groups() []*principal.Group { return slices.Collect(maps.Values(g.groups)) }

// SortGroups puts groups into the order of their names, then ids.
func (g *Graph) SortGroups(groups []*principal.Group) {
	slices.SortFunc(groups, func(a, b *principal.Group) int {
		return cmpOr(strings.Compare(g.names[a.ID], g.names[b.ID]), compareIDs(a.ID, b.ID))
	})
}

// GroupNameKey returns a group's folded name.
func (g *Graph) GroupNameKey(id uuid.UUID) string { return g.names[id] }

// Nested tells whether child is directly nested in parent.
func (g *Graph) Nested(parent, child uuid.UUID) bool {
	return slices.ContainsFunc(g.children[parent], func(n Nesting) bool { return n.Child == child })
}

// Children returns the nestings of the groups directly nested in a group.
func (g *Graph) Children(id uuid.UUID) []Nesting { return g.children[id] }

// Parents returns the nestings of the groups that a group is directly nested in.
func (g *Graph) Parents(id uuid.UUID) []Nesting { return g.parents[id] }

// Descendants returns a group and every group nested in it, at any depth.
func (g *Graph) Descendants(id uuid.UUID) []uuid.UUID {
	return walk(id, func(x uuid.UUID, visit func(uuid.UUID)) {
		for _, n := range g.children[x] {
			visit(n.Child)
		}
	})
}

// Ancestors returns a group and every group that it is nested in, at any depth.
func (g *Graph) Ancestors(id uuid.UUID) []uuid.UUID {
	return walk(id, func(x uuid.UUID, visit func(uuid.UUID)) {
		for _, n := range g.parents[x] {
			visit(n.Parent)
		}
	})
}

func walk(start uuid.UUID, next func(uuid.UUID, func(uuid.UUID))) []uuid.UUID {
	seen := map[uuid.UUID]bool{start: true}
	order := []uuid.UUID{start}
	for i := 0; i < len(order); i++ {
		next(order[i], func(x uuid.UUID) {
			if !seen[x] {
				seen[x] = true
				order = append(order, x)
			}
		})
	}
	return order
}

// Path returns the shortest chain of nestings from a group down to one nested in it, both
// included; nil where there is none.
func (g *Graph) Path(from, to uuid.UUID) []*principal.Group {
	for _, s := range g.climb(to) {
		if s.path[0].ID == from {
			return s.path
		}
	}
	return nil
}

// Assignment returns a group's assignment by id, or nil.
func (g *Graph) Assignment(id uuid.UUID) *Bound { return g.assignments[id] }

// AssignmentsOf returns a group's own assignments, scheduled ones too, by product display name, then id.
func (g *Graph) AssignmentsOf(group uuid.UUID) []*Bound { return g.byGroup[group] }

// Assignments returns every group assignment, scheduled ones too, in no order.
func (g *Graph) Assignments() []*Bound { return slices.Collect(maps.Values(g.assignments)) }

// Counted returns the group assignments with a limit or a reserve (R8), scheduled ones too, in no order.
func (g *Graph) Counted() []*Bound { return g.counted }

// Reach returns the assignments that reach the direct members of a group, its own included. A user
// has them less those from which any of the user's groups excludes (see Excludes).
func (g *Graph) Reach(group uuid.UUID) []Reached { return g.reach[group] }

// Subscription returns a subscription by id, or nil.
func (g *Graph) Subscription(id uuid.UUID) *Subscription { return g.subscriptions[id] }

// Subscriptions returns all subscriptions of a product, by creation, then id.
func (g *Graph) Subscriptions(product uuid.UUID) []*Subscription { return g.byProduct[product] }

// SubscribedProducts returns the products that have, or had, a subscription, by display
// name, then id.
func (g *Graph) SubscribedProducts() []*Product {
	var products []*Product
	for _, p := range g.Products {
		if len(g.byProduct[p.ID]) > 0 {
			products = append(products, p)
		}
	}
	return products
}

// LiveSince tells since when, without a gap, the product has had a live subscription.
func (g *Graph) LiveSince(product uuid.UUID) (clock.Instant, bool) {
	since, ok := g.live[product]
	return since, ok
}

// Automatic is a plan that comes to every enabled user (R7), by the products with a live
// subscription that contain it.
type Automatic struct {
	Plan     *Plan
	Products []*Product
	Since    clock.Instant // of the first of these subscriptions
}

// Automatic returns the plans that come to every enabled user, by display name, then id.
func (g *Graph) Automatic() []Automatic { return g.automatic }

func (g *Graph) findAutomatic() []Automatic {
	var all []Automatic
	for _, p := range g.PlansIn(g.Rules.Automatic) {
		a := Automatic{Plan: p}
		for _, product := range p.Products {
			if since, live := g.LiveSince(product.ID); live {
				if len(a.Products) == 0 || since < a.Since {
					a.Since = since
				}
				a.Products = append(a.Products, product)
			}
		}
		if len(a.Products) > 0 {
			all = append(all, a)
		}
	}
	return all
}

// LastCancelled returns the instant at which a product's last live subscription ended, or
// zero where there never was one.
func (g *Graph) LastCancelled(product uuid.UUID) clock.Instant {
	var last clock.Instant
	for _, s := range g.byProduct[product] {
		if s.CancelledAt != nil && s.LiveSince != nil {
			last = max(last, *s.CancelledAt)
		}
	}
	return last
}

// Seats returns the units of a product's subscriptions that count (R14); unlimited is true
// where one of them has no limit.
func (g *Graph) Seats(product uuid.UUID) (units int64, unlimited bool) {
	for _, s := range g.byProduct[product] {
		switch {
		case !s.Counts():
		case s.Seats == nil:
			unlimited = true
		default:
			units += int64(*s.Seats)
		}
	}
	return units, unlimited
}

func compareBound(a, b *Bound) int {
	return cmpOr(strings.Compare(a.Product.DisplayNameKey, b.Product.DisplayNameKey), compareIDs(a.ProductID, b.ProductID))
}

func compareInstants(a, b clock.Instant) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
