package graph

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/graph/loaders"
	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// checkPlan tells whether a user may use a plan, or might at an instant; nil where there is no such user, or plan.
//
// Errors: BAD_USER_INPUT.
func checkPlan(ctx context.Context, userID, planID string, asOf *clock.Instant) (*licensing.PlanDecision, error) {
	v, plan, err := userAndPlan(ctx, userID, planID, asOf)
	if plan == nil {
		return nil, err
	}
	return v.DecidePlan(plan), nil
}

// userAndPlan finds a user, as of an instant where one is given, and a plan; no plan where there is not both.
//
// Errors: BAD_USER_INPUT.
func userAndPlan(ctx context.Context, userID, planID string, asOf *clock.Instant) (*licensing.UserView, *tenantgraph.Plan, error) {
	userKey, err := argumentID(id.User, userID, "userId")
	if err != nil {
		return nil, nil, err
	}
	planKey, err := argumentID(id.Plan, planID, "planId")
	if err != nil {
		return nil, nil, err
	}
	v, err := viewAsOf(ctx, &principal.User{ID: userKey}, asOf)
	if v == nil {
		return nil, nil, err
	}
	return v, v.Graph().Plan(planKey), nil
}

// assignmentsOf shows group assignments.
func assignmentsOf(g *tenantgraph.Graph, bound []*tenantgraph.Bound) []*licensing.Assignment {
	list := make([]*licensing.Assignment, len(bound))
	for i, b := range bound {
		list[i] = licensing.AssignmentOf(g, b.Assignment)
	}
	return list
}

// inheritedBy shows the assignments of other groups that reach a group's members, by product
// name, then by the name of the group that has them.
func inheritedBy(g *tenantgraph.Graph, group uuid.UUID) []*licensing.Assignment {
	var bound []*tenantgraph.Bound
	for _, r := range g.Reach(group) {
		if r.GroupID != group && !g.Excludes([]uuid.UUID{group}, r.ID) {
			bound = append(bound, r.Bound)
		}
	}
	slices.SortFunc(bound, func(a, b *tenantgraph.Bound) int {
		return cmp.Or(strings.Compare(a.Product.DisplayNameKey, b.Product.DisplayNameKey), slices.Compare(a.ProductID[:], b.ProductID[:]),
			strings.Compare(g.GroupNameKey(a.GroupID), g.GroupNameKey(b.GroupID)), slices.Compare(a.ID[:], b.ID[:]))
	})
	return assignmentsOf(g, bound)
}

// assignmentsTo lists a product's assignments; with a plan only those that turn it on.
//
// Errors: BAD_USER_INPUT.
func assignmentsTo(ctx context.Context, p *tenantgraph.Product, planID *string, args paging.Args) (*model.LicenseAssignmentConnection, error) {
	plan, err := optionalID(id.Plan, planID, "planId")
	if err != nil {
		return nil, err
	}
	c, err := load(ctx).AssignmentsOf(ctx, p.ID, plan, args)
	return assignments(ctx, c, err)
}

// expiringAssignments lists what ends soon.
//
// Errors: BAD_USER_INPUT.
func (r *queryResolver) expiringAssignments(ctx context.Context, until *clock.Instant, productID *string, args paging.Args) (*model.LicenseAssignmentConnection, error) {
	f := licensing.ExpiringFilter{Until: until}
	var err error
	if f.Product, err = optionalID(id.Product, productID, "productId"); err != nil {
		return nil, err
	}
	c, err := r.licensing.ExpiringAssignments(ctx, tenantOf(ctx), f, args)
	return assignments(ctx, c, err)
}

// assignments shows a list of assignments, whose users are read together.
func assignments(ctx context.Context, c paging.Connection[*licensing.Assignment], err error) (*model.LicenseAssignmentConnection, error) {
	if err != nil {
		return nil, err
	}
	var principals []loaders.Ref
	for _, a := range c.Items {
		if a.UserID != nil {
			principals = append(principals, loaders.Ref{Kind: id.User, ID: *a.UserID})
		}
	}
	load(ctx).Expect(principals)
	return model.NewConnection(c), nil
}

// waiting shows a list of those who wait for a seat, whose other licenses are read together.
func waiting(ctx context.Context, c paging.Connection[*licensing.Waiting], err error) (*model.WaitingConnection, error) {
	if err != nil {
		return nil, err
	}
	shown := model.NewWaitingConnection(c)
	load(ctx).ExpectUsers(shown.UserIDs())
	var errs []*licensing.LicenseError
	for _, w := range c.Items {
		for _, s := range w.Sources {
			errs = append(errs, s.Errors...)
		}
	}
	load(ctx).ExpectErrors(errs)
	return shown, nil
}

// licenseErrors lists the tenant's errors.
//
// Errors: BAD_USER_INPUT.
func (r *queryResolver) licenseErrors(ctx context.Context, in *model.LicenseErrorFilter, args paging.Args) (*model.LicenseErrorConnection, error) {
	var f licensing.ErrorFilter
	if in != nil {
		var err error
		if f.Product, err = optionalID(id.Product, in.ProductID.Value(), "filter", "productId"); err != nil {
			return nil, err
		}
		if f.Group, err = optionalID(id.Group, in.GroupID.Value(), "filter", "groupId"); err != nil {
			return nil, err
		}
		if f.User, err = optionalID(id.User, in.UserID.Value(), "filter", "userId"); err != nil {
			return nil, err
		}
		f.Codes, f.Since = in.Codes.Value(), in.Since.Value()
		if f.Codes != nil && len(f.Codes) == 0 { // an explicit empty set (R24)
			return empty[*licensing.LicenseError](args)
		}
	}
	c, err := r.licensing.Errors(ctx, tenantOf(ctx), f, args)
	return licenseErrors(ctx, c, err)
}

// subscribedProducts lists the products of which the tenant has, or had, a subscription.
//
// Errors: BAD_USER_INPUT.
func (r *queryResolver) subscribedProducts(ctx context.Context, search string, args paging.Args) (*model.SubscribedProductConnection, error) {
	if err := checkSearch(&search); err != nil {
		return nil, err
	}
	all, err := r.licensing.SubscribedProducts(ctx, tenantOf(ctx))
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(search) != "" {
		g, err := load(ctx).Graph(ctx)
		if err != nil {
			return nil, err
		}
		named := map[uuid.UUID]bool{}
		for _, p := range g.SearchProducts(search) {
			named[p.ID] = true
		}
		all = slices.DeleteFunc(all, func(s *licensing.SubscribedProduct) bool { return !named[s.Product.ID] })
	}
	values := func(s *licensing.SubscribedProduct) []any { return productValues(s.Product) }
	return inMemory(all, byName("subscribedProducts"), values, args)
}

// changes lists whom an impact concerns.
//
// Errors: BAD_USER_INPUT.
func changes(ctx context.Context, impact *licensing.Impact, first *int, after *string) (*model.LicenseChangeConnection, error) {
	size, err := pageForward(first, after)
	if err != nil {
		return nil, err
	}
	page, err := impact.Changes(ctx, size, text(after))
	if err != nil {
		return nil, err
	}
	load(ctx).ExpectUsers(idsOf(page.Items, func(c *licensing.LicenseChange) uuid.UUID { return c.UserID }))
	return model.NewConnection(paging.Connection[*licensing.LicenseChange]{
		Page:  paging.Page[*licensing.LicenseChange]{Items: page.Items, Cursors: page.Cursors, HasNext: page.HasNext, HasPrevious: page.HasPrevious},
		Count: func(context.Context) (int, error) { return impact.ChangeCount(), nil },
	}), nil
}

// pageForward returns the size of a page of a list that goes forward only.
//
// Errors: BAD_USER_INPUT.
func pageForward(first *int, after *string) (int, error) {
	if err := (paging.Args{First: first}).Validate(); err != nil {
		return 0, err
	}
	if after != nil && *after == "" {
		return 0, fault.New(fault.BadUserInput, "after is not a cursor of this list: it is empty.").At("after")
	}
	if first == nil {
		return paging.Default, nil
	}
	return *first, nil
}
