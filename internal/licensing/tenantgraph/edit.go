package tenantgraph

import (
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/principal"
)

// Edit collects changes to a graph; the graph itself stays as it is.
type Edit struct {
	base          *Graph
	catalog       *Catalog
	country       string
	terms         Terms
	groups        map[uuid.UUID]*GroupRow // nil value: deleted
	nestings      map[[2]uuid.UUID]*Nesting
	assignments   map[uuid.UUID]*Assignment
	subscriptions map[uuid.UUID]*Subscription
	built         *Graph
}

// Edit begins a change of the graph.
func (g *Graph) Edit() *Edit {
	return &Edit{
		base: g, catalog: g.Catalog, country: g.Country, terms: g.Terms, groups: map[uuid.UUID]*GroupRow{}, nestings: map[[2]uuid.UUID]*Nesting{},
		assignments: map[uuid.UUID]*Assignment{}, subscriptions: map[uuid.UUID]*Subscription{},
	}
}

// Empty tells whether nothing was changed.
func (e *Edit) Empty() bool {
	return e.catalog == e.base.Catalog && !e.TenantDiffers() && len(e.groups)+len(e.nestings)+len(e.assignments)+len(e.subscriptions) == 0
}

// SetTenant replaces the tenant's country and terms.
func (e *Edit) SetTenant(country string, terms Terms) {
	e.country, e.terms = country, terms
	e.built = nil
}

// TenantDiffers tells whether the tenant's country or terms change.
func (e *Edit) TenantDiffers() bool { return e.country != e.base.Country || e.terms != e.base.Terms }

// SetCatalog replaces the catalogue; it must have been built upon the base's.
func (e *Edit) SetCatalog(c *Catalog) { e.catalog = c; e.built = nil }

// PutGroup adds a group or replaces it.
func (e *Edit) PutGroup(g *principal.Group, nameKey string) {
	e.groups[g.ID] = &GroupRow{Group: g, NameKey: nameKey}
	e.built = nil
}

// DropGroup removes a group with its nestings.
func (e *Edit) DropGroup(id uuid.UUID) {
	e.groups[id] = nil
	maps.DeleteFunc(e.nestings, func(key [2]uuid.UUID, _ *Nesting) bool { return key[0] == id || key[1] == id })
	for _, n := range slices.Concat(e.base.parents[id], e.base.children[id]) {
		e.nestings[[2]uuid.UUID{n.Parent, n.Child}] = nil
	}
	e.built = nil
}

// Nest adds a nesting.
func (e *Edit) Nest(n Nesting) { e.nestings[[2]uuid.UUID{n.Parent, n.Child}] = &n; e.built = nil }

// Unnest removes a nesting.
func (e *Edit) Unnest(parent, child uuid.UUID) {
	e.nestings[[2]uuid.UUID{parent, child}] = nil
	e.built = nil
}

// PutAssignment adds a group's assignment or replaces it.
func (e *Edit) PutAssignment(a *Assignment) { e.assignments[a.ID] = a; e.built = nil }

// DropAssignment removes a group's assignment.
func (e *Edit) DropAssignment(id uuid.UUID) { e.assignments[id] = nil; e.built = nil }

// PutSubscription adds a subscription or replaces it.
func (e *Edit) PutSubscription(s *Subscription) { e.subscriptions[s.ID] = s; e.built = nil }

// Path returns the shortest chain of groups from one down to another nested in it, as the edit
// stands, of equal ones the first by name, then by id (R1); nil where there is none. It is what
// a new nesting of "from" into "to" would close.
func (e *Edit) Path(from, to uuid.UUID) []*principal.Group {
	if e.group(from) == nil {
		return nil
	}
	found := map[uuid.UUID]bool{from: true}
	level := map[uuid.UUID][]*principal.Group{from: {e.group(from)}}
	for len(level) > 0 && level[to] == nil {
		next := map[uuid.UUID][]*principal.Group{}
		for at, path := range level {
			for _, child := range e.childrenOf(at) {
				if found[child] || e.group(child) == nil {
					continue
				}
				longer := append(slices.Clip(path), e.group(child))
				if best := next[child]; best == nil || comparePaths(longer, best, e.nameKey) < 0 {
					next[child] = longer
				}
			}
		}
		for child := range next {
			found[child] = true
		}
		level = next
	}
	return level[to]
}

func (e *Edit) childrenOf(id uuid.UUID) []uuid.UUID {
	var children []uuid.UUID
	for _, n := range e.base.children[id] {
		if gone, ok := e.nestings[[2]uuid.UUID{id, n.Child}]; !ok || gone != nil {
			children = append(children, n.Child)
		}
	}
	for key, n := range e.nestings {
		if n != nil && key[0] == id && !e.base.Nested(id, n.Child) {
			children = append(children, n.Child)
		}
	}
	return children
}

func (e *Edit) group(id uuid.UUID) *principal.Group {
	if r, ok := e.groups[id]; ok {
		if r == nil {
			return nil
		}
		return r.Group
	}
	return e.base.groups[id]
}

func (e *Edit) nameKey(id uuid.UUID) string {
	if r := e.groups[id]; r != nil {
		return r.NameKey
	}
	return e.base.names[id]
}

// Graph returns the graph as edited.
func (e *Edit) Graph() *Graph {
	if e.Empty() {
		return e.base
	}
	if e.built == nil {
		e.built = e.build()
	}
	return e.built
}

// build shares with the base whatever the edit leaves as it is: of a graph of thousands of groups
// a change concerns a few.
func (e *Edit) build() *Graph {
	b := e.base
	g := &Graph{
		Tenant: b.Tenant, Name: b.Name, Country: e.country, Terms: e.terms, Catalog: e.catalog,
		groups: b.groups, names: b.names, parents: b.parents, children: b.children, assignments: b.assignments, byGroup: b.byGroup, counted: b.counted,
		subscriptions: b.subscriptions, byProduct: b.byProduct, live: b.live, automatic: b.automatic, reach: b.reach,
		excluded: b.excluded,
	}
	if e.catalog != b.Catalog {
		e.bindAnew(g)
	}
	dirty := map[uuid.UUID]bool{} // groups whose reach can differ, with those below them
	e.buildGroups(g, dirty)
	e.buildNestings(g, dirty)
	e.buildAssignments(g, dirty)
	e.buildSubscriptions(g)
	switch {
	case e.catalog != b.Catalog:
		g.derive()
	case len(dirty) > 0:
		below := map[uuid.UUID]bool{}
		for group := range dirty {
			for _, at := range []*Graph{b, g} {
				for _, d := range at.Descendants(group) {
					below[d] = true
				}
			}
		}
		g.reach = maps.Clone(b.reach)
		for group := range below {
			if g.groups[group] == nil {
				delete(g.reach, group)
			}
		}
		g.deriveReach(maps.Keys(below))
	}
	if e.catalog == b.Catalog && e.excludesOtherwise() {
		g.deriveExcluded()
	}
	return g
}

// bindAnew binds the base's assignments to the catalogue as edited.
func (e *Edit) bindAnew(g *Graph) {
	g.assignments = make(map[uuid.UUID]*Bound, len(e.base.assignments))
	for id, a := range e.base.assignments {
		g.assignments[id] = g.Bind(a.Assignment)
	}
}

func (e *Edit) buildGroups(g *Graph, dirty map[uuid.UUID]bool) {
	if len(e.groups) == 0 {
		return
	}
	g.groups, g.names = maps.Clone(g.groups), maps.Clone(g.names)
	for id, r := range e.groups {
		dirty[id] = true
		if r == nil {
			delete(g.groups, id)
			delete(g.names, id)
		} else {
			g.groups[id], g.names[id] = r.Group, r.NameKey
		}
	}
}

func (e *Edit) buildNestings(g *Graph, dirty map[uuid.UUID]bool) {
	if len(e.nestings) == 0 {
		return
	}
	g.parents, g.children = maps.Clone(g.parents), maps.Clone(g.children)
	set := func(lists map[uuid.UUID][]Nesting, at uuid.UUID, key [2]uuid.UUID, n *Nesting) {
		list := slices.DeleteFunc(slices.Clone(lists[at]), func(o Nesting) bool { return o.Parent == key[0] && o.Child == key[1] })
		if n != nil {
			list = append(list, *n)
		}
		lists[at] = list
	}
	for key, n := range e.nestings {
		dirty[key[1]] = true
		set(g.parents, key[1], key, n)
		set(g.children, key[0], key, n)
	}
}

func (e *Edit) buildAssignments(g *Graph, dirty map[uuid.UUID]bool) {
	if len(e.assignments) == 0 {
		return
	}
	g.assignments, g.byGroup = maps.Clone(g.assignments), maps.Clone(g.byGroup)
	for id, a := range e.assignments {
		if old := g.assignments[id]; old != nil {
			dirty[old.GroupID] = true
			g.byGroup[old.GroupID] = slices.DeleteFunc(slices.Clone(g.byGroup[old.GroupID]), func(o *Bound) bool { return o.ID == id })
			delete(g.assignments, id)
		}
		if a != nil {
			dirty[a.GroupID] = true
			bound := g.Bind(a)
			g.assignments[id] = bound
			g.byGroup[a.GroupID] = append(slices.Clip(g.byGroup[a.GroupID]), bound)
		}
	}
	g.deriveCounted()
	for group := range dirty {
		if list := slices.Clone(g.byGroup[group]); len(list) > 0 {
			slices.SortFunc(list, compareBound)
			g.byGroup[group] = list
		} else {
			delete(g.byGroup, group)
		}
	}
}

func (e *Edit) buildSubscriptions(g *Graph) {
	if len(e.subscriptions) == 0 {
		return
	}
	g.subscriptions, g.byProduct, g.live = maps.Clone(g.subscriptions), maps.Clone(g.byProduct), maps.Clone(g.live)
	products := map[uuid.UUID]bool{}
	for id, s := range e.subscriptions {
		if old := g.subscriptions[id]; old != nil {
			products[old.ProductID] = true
			g.byProduct[old.ProductID] = slices.DeleteFunc(slices.Clone(g.byProduct[old.ProductID]), func(o *Subscription) bool { return o.ID == id })
		}
		g.subscriptions[id] = s
		products[s.ProductID] = true
		g.byProduct[s.ProductID] = append(slices.Clip(g.byProduct[s.ProductID]), s)
	}
	for p := range products {
		g.byProduct[p] = slices.Clone(g.byProduct[p])
		g.deriveProduct(p)
	}
	g.automatic = g.findAutomatic()
}

// Changes are the facts that an edit changes; a nil value is a fact that goes.
type Changes struct {
	Groups        map[uuid.UUID]*GroupRow
	Nestings      map[[2]uuid.UUID]*Nesting // by parent and child
	Assignments   map[uuid.UUID]*Assignment
	Subscriptions map[uuid.UUID]*Subscription
}

// Changes returns what the edit changes, for writing it down.
func (e *Edit) Changes() Changes {
	return Changes{Groups: e.groups, Nestings: e.nestings, Assignments: e.assignments, Subscriptions: e.subscriptions}
}

// ReachDiffers tells for each group whether its members are reached by other assignments, or
// by the same with other plans, after than before. Products without a live subscription
// reach nobody.
func ReachDiffers(before, after *Graph) []uuid.UUID {
	if before == after {
		return nil
	}
	turned := map[uuid.UUID]bool{} // products whose first live subscription comes, or whose last one goes
	for _, graphs := range [][2]*Graph{{before, after}, {after, before}} {
		for p := range graphs[0].live {
			if _, live := graphs[1].live[p]; !live {
				turned[p] = true
			}
		}
	}
	var differ []uuid.UUID
	for group, was := range before.reach {
		if !sameReach(was, after.reach[group], turned) && !slices.EqualFunc(before.LiveReach(group), after.LiveReach(group), func(a, b Reached) bool {
			return a.ID == b.ID && a.Selected.Equal(b.Selected)
		}) {
			differ = append(differ, group)
		}
	}
	for group := range after.reach {
		if _, was := before.reach[group]; !was && len(after.LiveReach(group)) > 0 {
			differ = append(differ, group)
		}
	}
	return differ
}

// sameReach tells quickly that two graphs share a reach, of which no product's liveness turned.
func sameReach(a, b []Reached, turned map[uuid.UUID]bool) bool {
	if len(a) != len(b) || len(a) > 0 && &a[0] != &b[0] {
		return false
	}
	return len(turned) == 0 || !slices.ContainsFunc(a, func(r Reached) bool { return turned[r.ProductID] })
}

// LiveReach is Reach without the products that have no live subscription.
func (g *Graph) LiveReach(group uuid.UUID) []Reached {
	all := g.reach[group]
	for i, r := range all {
		if _, live := g.live[r.ProductID]; !live {
			some := slices.Clone(all[:i])
			for _, r := range all[i+1:] {
				if _, live := g.live[r.ProductID]; live {
					some = append(some, r)
				}
			}
			return some
		}
	}
	return all
}

// GroupsReachedBy returns the groups whose members an assignment of one of the products reaches,
// whether or not the product is live.
func (g *Graph) GroupsReachedBy(products []uuid.UUID) []uuid.UUID {
	if len(products) == 0 {
		return nil
	}
	reached := map[uuid.UUID]bool{}
	for _, a := range g.assignments {
		switch {
		case !slices.Contains(products, a.ProductID) || g.groups[a.GroupID] == nil || a.Scheduled:
		case !a.IncludeNested: // R1
			reached[a.GroupID] = true
		default:
			for _, d := range g.Descendants(a.GroupID) {
				if g.groups[d] != nil {
					reached[d] = true
				}
			}
		}
	}
	return slices.Collect(maps.Keys(reached))
}

// ReachingGroups returns every group whose members are reached by anything, live or not.
func (g *Graph) ReachingGroups() []uuid.UUID { return slices.Collect(maps.Keys(g.reach)) }
