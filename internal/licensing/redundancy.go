package licensing

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// Redundancy is an assignment, or a product of a user, that gives nothing that would be missed, or
// little.
type Redundancy struct {
	Kind        RedundancyKind
	Principal   PrincipalRef
	Product     *Product
	Assignment  *Assignment // nil for a product that comes through groups
	Covered     bool        // nothing that can be used goes with it
	PlansLost   []*Plan     // that go with it
	CoveredBy   []*Source   // what gives the same
	Explanation locale.Text
	CleanUp     *Proposal // nil where none would lose nothing
}

// RedundancyKind is why something is redundant.
type RedundancyKind string

// The kinds, in the order in which those of one principal are told.
const (
	// CoveredCopy: a direct assignment of a product that the user holds through groups, too.
	CoveredCopy RedundancyKind = "COVERED_COPY"
	// CoveredProduct: a product all of whose plans that are on are on through another product.
	CoveredProduct RedundancyKind = "COVERED_PRODUCT"
	// DisabledAccount: a direct assignment of a user whose account is disabled.
	DisabledAccount RedundancyKind = "DISABLED_ACCOUNT"
	// NobodyLicensed: an assignment of a group that reaches nobody.
	NobodyLicensed RedundancyKind = "NOBODY_LICENSED"
)

var redundancyKinds = []RedundancyKind{CoveredCopy, CoveredProduct, DisabledAccount, NobodyLicensed}

// RedundancyFilter narrows the list of redundancies. The zero value lists all.
type RedundancyFilter struct {
	Kinds   []RedundancyKind // nil: all
	Product *uuid.UUID
	Covered *bool
}

func (f RedundancyFilter) asks(kinds ...RedundancyKind) bool {
	return f.Kinds == nil || slices.ContainsFunc(kinds, func(k RedundancyKind) bool { return slices.Contains(f.Kinds, k) })
}

func (f RedundancyFilter) takes(r *Redundancy) bool {
	return f.asks(r.Kind) && (f.Product == nil || *f.Product == r.Product.ID) && (f.Covered == nil || *f.Covered == r.Covered)
}

const (
	// usersPerStretch is how many users are looked at by two statements.
	usersPerStretch = 500
	// stretchesPerPage bounds what a page costs: 5,500 users, or 5,000 and all groups.
	stretchesPerPage = 11
)

// redundancyOrder: groups by id, then users by id; of each, by kind and product.
var redundancyOrder = paging.Order{Name: "redundant assignments", Columns: []paging.Column{
	{Type: paging.Bool}, {Type: paging.ID}, {Type: paging.Int}, {Type: paging.ID},
}}

func (r *Redundancy) values() []any {
	return []any{r.Principal.Kind == id.User, r.Principal.ID, int64(slices.Index(redundancyKinds, r.Kind)), r.Product.ID}
}

// The places around the rows of a principal, and around those of all groups and all users.
func placeBefore(isUser bool, key uuid.UUID) []any { return []any{isUser, key, int64(-1), uuid.Nil} }
func placeAfter(isUser bool, key uuid.UUID) []any {
	return []any{isUser, key, int64(len(redundancyKinds)), uuid.Max}
}

// Redundancies lists what is redundant: what groups have, and then what users have. Users are looked
// at one after the other, at most 5,500 for a page: it may have fewer rows than asked for, even none,
// and go on (see paging.Walk). It cannot be counted.
//
// Errors: BAD_USER_INPUT for wrong paging arguments.
func (s *Service) Redundancies(ctx context.Context, tenant uuid.UUID, f RedundancyFilter, args paging.Args) (paging.Page[*Redundancy], error) {
	walk := paging.Walk[*Redundancy]{Order: redundancyOrder, Values: (*Redundancy).values, Stretches: stretchesPerPage}
	walk.Next = func(ctx context.Context, from []any, backward bool) ([]*Redundancy, []any, error) {
		users := from == nil && backward
		key := uuid.Nil
		if from != nil {
			users, key = from[0].(bool), from[1].(uuid.UUID)
		}
		if users {
			return s.redundantUsers(ctx, tenant, f, key, from == nil, backward)
		}
		found, err := s.redundantGroups(ctx, tenant, f)
		if backward {
			return found, nil, err
		}
		return found, placeBefore(true, uuid.Nil), err
	}
	return walk.Page(ctx, args)
}

// redundantGroups finds the assignments of groups that reach nobody.
func (s *Service) redundantGroups(ctx context.Context, tenant uuid.UUID, f RedundancyFilter) ([]*Redundancy, error) {
	if !f.asks(NobodyLicensed) {
		return nil, nil
	}
	g, err := s.Graph(ctx, tenant)
	if err != nil {
		return nil, err
	}
	assignments := g.Assignments()
	reached, groups := make([][]uuid.UUID, len(assignments)), []uuid.UUID(nil)
	for i, a := range assignments {
		reached[i] = reachedGroups(g, a.GroupID, a.IncludeNested)
		groups = append(groups, reached[i]...)
	}
	members, err := s.MemberCounts(ctx, tenant, sortedIDs(groups))
	if err != nil {
		return nil, fmt.Errorf("look for groups without members: %w", err)
	}
	var found []*Redundancy
	for i, a := range assignments {
		if slices.ContainsFunc(reached[i], func(group uuid.UUID) bool { return members[group] > 0 }) {
			continue
		}
		name := g.Group(a.GroupID).DisplayName
		r := &Redundancy{
			Kind: NobodyLicensed, Principal: PrincipalRef{id.Group, a.GroupID}, Product: a.Product, Assignment: AssignmentOf(g, a.Assignment), Covered: true,
			Explanation: locale.T("%s is assigned to %s, through which nobody gets it: there are no members.", a.Product.DisplayName, name),
			CleanUp: &Proposal{
				Kind: EndAssignment, Mutation: "assignLicenses", Input: assignInput(id.Group, a.GroupID, "remove", a.Product.NodeID()),
				Explanation: locale.T("Ends the assignment of %s to %s.", a.Product.DisplayName, name),
			},
		}
		if f.takes(r) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, compareRedundancies)
	return found, nil
}

// reachedGroups returns the groups whose direct members an assignment of a group reaches.
func reachedGroups(g *tenantgraph.Graph, group uuid.UUID, nested bool) []uuid.UUID {
	if !nested {
		return []uuid.UUID{group}
	}
	return g.Descendants(group)
}

func compareRedundancies(a, b *Redundancy) int {
	return cmp.Or(
		compareUUIDs(a.Principal.ID, b.Principal.ID),
		cmp.Compare(slices.Index(redundancyKinds, a.Kind), slices.Index(redundancyKinds, b.Kind)),
		compareUUIDs(a.Product.ID, b.Product.ID),
	)
}

// redundantUsers looks at a stretch of users from one on, by id: those with assignments of their own,
// where only these are asked for, else all.
func (s *Service) redundantUsers(ctx context.Context, tenant uuid.UUID, f RedundancyFilter, from uuid.UUID, end, backward bool) (found []*Redundancy, at []any, err error) {
	next := placeAfter(false, uuid.Max) // backward, the groups come next
	if !backward {
		next = nil
	}
	if !f.asks(CoveredCopy, CoveredProduct, DisabledAccount) {
		return nil, next, nil
	}
	column, query := "u.id", "SELECT u.id FROM users u WHERE u.tenant_id = $1 AND u.deleted_at IS NULL"
	if !f.asks(CoveredProduct) {
		column, query = "a.user_id", "SELECT DISTINCT a.user_id FROM assignments a WHERE a.tenant_id = $1 AND a.user_id IS NOT NULL"
	}
	args, order := []any{tenant}, ""
	if backward {
		order = " DESC"
	}
	if !end {
		args = append(args, from)
		query += " AND " + column + map[bool]string{false: " >= $2", true: " <= $2"}[backward]
	}
	ids, err := database.Values[uuid.UUID](ctx, s.db.Reader(), fmt.Sprintf("%s ORDER BY %s%s LIMIT %d", query, column, order, usersPerStretch), args...)
	if err != nil {
		return nil, nil, fmt.Errorf("look for users with redundant assignments: %w", err)
	}
	if len(ids) == usersPerStretch {
		last := ids[len(ids)-1]
		if next = placeAfter(true, last); backward {
			next = placeBefore(true, last)
		}
	}
	if len(ids) == 0 {
		return nil, next, nil
	}
	views, err := s.ReadUsers(ctx, tenant, ids)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range views {
		if v == nil || v.User.DeletedAt != nil {
			continue
		}
		for _, r := range v.Redundancies() {
			if f.takes(r) {
				found = append(found, r)
			}
		}
	}
	slices.SortFunc(found, compareRedundancies)
	return found, next, nil
}

// Redundancies returns what is redundant of what the user has. It reads nothing.
func (v *UserView) Redundancies() []*Redundancy {
	var found []*Redundancy
	if !v.User.AccountEnabled {
		for _, a := range v.direct {
			found = append(found, v.ofDisabledAccount(AssignmentOf(v.graph, a)))
		}
		return found
	}
	var automatic engine.PlanSet // they stay whatever becomes of an assignment (R7)
	for _, a := range v.automatic() {
		automatic = automatic.With(a.Plan.Index)
	}
	for _, l := range v.licenses {
		if !l.ConsumesSeat {
			continue
		}
		for _, p := range l.parts {
			if p.Kind == SourceDirect {
				if r := v.copied(l, p, automatic); r != nil {
					found = append(found, r)
				}
			}
		}
		if r := v.coveredProduct(l, automatic); r != nil {
			found = append(found, r)
		}
	}
	return found
}

func (v *UserView) redundant(kind RedundancyKind, p *Product, a *Assignment) *Redundancy {
	return &Redundancy{Kind: kind, Principal: PrincipalRef{id.User, v.User.ID}, Product: p, Assignment: a, Covered: true}
}

func (v *UserView) endOwn(p *Product) *Proposal {
	return &Proposal{
		Kind: EndAssignment, Mutation: "assignLicenses", Input: assignInput(id.User, v.User.ID, "remove", p.NodeID()),
		Explanation: locale.T("Ends the assignment of %s to %s.", p.DisplayName, v.User.DisplayName),
	}
}

// ofDisabledAccount: none of it can be used. Ending it is refused where a plan that stays needs it
// (R10).
func (v *UserView) ofDisabledAccount(a *Assignment) *Redundancy {
	r := v.redundant(DisabledAccount, a.Product, a)
	r.Explanation = locale.T("%s has %s directly, and the account is disabled.", v.User.DisplayName, a.Product.DisplayName)
	c := v.endingOwn(a.Product)
	seats, places := engine.Seats{}, engine.Places{}
	for _, src := range v.state.Sources { // who waits for a seat or a place is thought to find none
		seats[src.Product] = engine.Seat{}
		if !src.Direct && v.graph.Assignment(uuid.UUID(src.Key)).SeatLimit != nil {
			places[src.Key] = engine.Place{}
		}
	}
	rules := v.graph.Rules
	state, refusal, err := rules.Try(c, seats, places, 0)
	on := engine.On(rules.Derive(v.state))
	if err != nil || refusal != nil {
		state = engine.User{Sources: c.After, Rows: v.state.Rows}
	} else {
		r.CleanUp = v.endOwn(a.Product)
	}
	r.PlansLost = v.graph.PlansIn(on.Minus(engine.On(rules.Derive(state))))
	if r.CleanUp != nil {
		r.CleanUp.PlansLost = r.PlansLost
	}
	return r
}

// endingOwn is the user's case where a call ends the own assignment of a product.
func (v *UserView) endingOwn(p *Product) *engine.Case {
	before := v.state
	before.Sources = slices.Clone(before.Sources)
	c := &engine.Case{Barred: before.Barred, Users: []engine.ID{v.User.ID}, Judged: true, Refused: v.state.Sources}
	for i := range before.Sources {
		if src := &before.Sources[i]; src.Direct && src.Product == p.Index {
			src.Ended = true
		} else {
			c.After = append(c.After, *src)
		}
	}
	c.Before = before
	return c
}

// copied finds a direct assignment of a product that the user holds through admitted sources of groups,
// too; they cover it where they turn on all that it selects.
func (v *UserView) copied(l *EffectiveLicense, own part, automatic engine.PlanSet) *Redundancy {
	r := v.redundant(CoveredCopy, l.Product, own.Assignment)
	var on engine.PlanSet
	for _, p := range l.parts {
		if p.Kind == SourceGroup && p.State != StatusError {
			on, r.CoveredBy = on.Union(p.on), append(r.CoveredBy, p.Source)
		}
	}
	if len(r.CoveredBy) == 0 {
		return nil
	}
	lost := own.selected.Minus(on).Minus(automatic)
	if r.PlansLost, r.Covered = v.graph.PlansIn(lost), lost.Empty(); !r.Covered {
		r.Explanation = locale.T("%s has %s directly and through groups, which do not give %s.", v.User.DisplayName, l.Product.DisplayName, planNames(r.PlansLost))
		return r
	}
	r.Explanation = locale.T("%s has %s directly, and groups give all of it.", v.User.DisplayName, l.Product.DisplayName)
	if r.outlasts(own.Assignment) {
		r.CleanUp = v.endOwn(l.Product)
	}
	return r
}

// outlasts tells whether what covers an assignment does not end by the clock before it does.
func (r *Redundancy) outlasts(a *Assignment) bool {
	return !slices.ContainsFunc(r.CoveredBy, func(s *Source) bool {
		ends := s.Assignment.EndsAt
		return ends != nil && (a.EndsAt == nil || *ends < *a.EndsAt)
	})
}

// coveredProduct finds another product through which all is on that is on through a product, and that
// can be used where that one can. Of two that cover each other the smaller one is redundant.
func (v *UserView) coveredProduct(l *EffectiveLicense, automatic engine.PlanSet) *Redundancy {
	on := l.on()
	if on.Empty() {
		return nil
	}
	var by *EffectiveLicense
	for _, o := range v.licenses {
		if o == l || !o.ConsumesSeat || l.Capability.Usable() && !o.Capability.Usable() {
			continue
		}
		a, b := on.Minus(automatic), o.on().Minus(automatic)
		same := a.Equal(b) && (o.Capability.Usable() == l.Capability.Usable())
		if a.Minus(b).Empty() && (!same || compareSizes(l.Product, o.Product) < 0) && (by == nil || compareSizes(by.Product, o.Product) < 0) {
			by = o
		}
	}
	if by == nil {
		return nil
	}
	r := v.redundant(CoveredProduct, l.Product, nil)
	r.Explanation = locale.T("%s holds %s and %s, and each plan of the first that is on is on through the second.",
		v.User.DisplayName, l.Product.DisplayName, by.Product.DisplayName)
	for _, p := range by.parts {
		if p.on.Overlaps(on) {
			r.CoveredBy = append(r.CoveredBy, p.Source)
		}
	}
	if len(l.parts) == 1 && l.parts[0].Kind == SourceDirect && r.outlasts(l.parts[0].Assignment) {
		r.Assignment, r.CleanUp = l.parts[0].Assignment, v.endOwn(l.Product)
	}
	return r
}

// on returns the plans that are on through a license.
func (l *EffectiveLicense) on() (on engine.PlanSet) {
	for _, p := range l.parts {
		on = on.Union(p.on)
	}
	return on
}

// compareSizes puts the product with fewer plans first.
func compareSizes(a, b *Product) int {
	return cmp.Or(cmp.Compare(a.Set.Len(), b.Set.Len()), compareUUIDs(a.ID, b.ID))
}
