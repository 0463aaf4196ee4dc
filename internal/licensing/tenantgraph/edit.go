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

func (e *Edit) build() *Graph {
	d := Data{Tenant: e.base.Tenant, Name: e.base.Name, Country: e.country, Terms: e.terms, Catalog: e.catalog}
	for id, g := range e.base.groups {
		if _, ok := e.groups[id]; !ok {
			d.Groups = append(d.Groups, GroupRow{Group: g, NameKey: e.base.names[id]})
		}
	}
	for _, r := range e.groups {
		if r != nil {
			d.Groups = append(d.Groups, *r)
		}
	}
	for _, list := range e.base.children {
		for _, n := range list {
			if _, ok := e.nestings[[2]uuid.UUID{n.Parent, n.Child}]; !ok {
				d.Nestings = append(d.Nestings, n)
			}
		}
	}
	for _, n := range e.nestings {
		if n != nil {
			d.Nestings = append(d.Nestings, *n)
		}
	}
	for id, b := range e.base.assignments {
		if _, ok := e.assignments[id]; !ok {
			d.Assignments = append(d.Assignments, b.Assignment)
		}
	}
	for a := range maps.Values(e.assignments) {
		if a != nil {
			d.Assignments = append(d.Assignments, a)
		}
	}
	for id, s := range e.base.subscriptions {
		if _, ok := e.subscriptions[id]; !ok {
			d.Subscriptions = append(d.Subscriptions, s)
		}
	}
	for _, s := range e.subscriptions {
		d.Subscriptions = append(d.Subscriptions, s)
	}
	return New(d)
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
	var differ []uuid.UUID
	seen := map[uuid.UUID]bool{}
	for _, g := range []*Graph{before, after} {
		for group := range g.reach {
			if !seen[group] {
				seen[group] = true
				if !slices.EqualFunc(before.LiveReach(group), after.LiveReach(group), func(a, b Reached) bool {
					return a.ID == b.ID && a.Selected.Equal(b.Selected)
				}) {
					differ = append(differ, group)
				}
			}
		}
	}
	return differ
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

// ReachingGroups returns every group whose members are reached by anything, live or not.
func (g *Graph) ReachingGroups() []uuid.UUID { return slices.Collect(maps.Keys(g.reach)) }
