package bench

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// grant is a product assigned to a group.
type grant struct {
	group, product int
	mode           licensing.SelectionMode
	plans          int // how many of the product's plans the mode names
}

const plainGrants = 35 // to plain groups, with plan selections

// grants are the assignments to groups, in order: 40, and those of the shared product.
func (l *layout) grants() []grant {
	grants := []grant{
		{groupAll, productBase, tenantgraph.Except, 3},
		{groupAll, productScarce, tenantgraph.All, 0},
		{groupParent, productParent, tenantgraph.All, 0},
		{groupParent, productParent + 1, tenantgraph.Only, 2},
		{groupConflict, productConflict, tenantgraph.All, 0},
	}
	modes := []licensing.SelectionMode{tenantgraph.All, tenantgraph.Except, tenantgraph.Only}
	for n := range plainGrants {
		// From small groups to large ones: neighbours in rank differ little in size.
		g := grant{group: firstPlain + n*n*(len(l.sizes)-firstPlain-1)/(plainGrants*plainGrants), product: productPlain + n, mode: modes[n%3], plans: 3}
		if n%4 == 3 {
			g.product = productRuled + n/4
		}
		grants = append(grants, g)
	}
	step := (len(l.sizes) - firstPlain - 1) / sharedGroups
	for n := range sharedGroups {
		grants = append(grants, grant{firstPlain + 1 + n*step, productShared, tenantgraph.All, 0})
	}
	return grants
}

// seats is how many seats of a product are bought; below 0 is without a limit.
func (l *layout) seats(product int) int {
	switch {
	case product == productScarce:
		return l.sizes[groupAll] - l.waiting()
	case product%5 == 4:
		return -1
	}
	return 2 * l.Users
}

// subscribed are the products that the tenant buys.
func subscribed() (products []int) {
	for p := range subscribedFree {
		products = append(products, p)
	}
	for p := range subscribedRuled {
		products = append(products, freeProducts+p)
	}
	return products
}

// subscribe buys what both tenants have, before there is anybody whom that could concern.
func (g *generator) subscribe(ctx context.Context) error {
	bought := subscribed()
	for i, p := range bought {
		g.progress.say("subscriptions", i, len(bought))
		if err := g.buy(ctx, g.tenant.ID, p, g.tenant.seats(p)); err != nil {
			return err
		}
	}
	for p := range loadProducts {
		if err := g.buy(ctx, g.tenant.load, p, -1); err != nil {
			return err
		}
	}
	return nil
}

// license assigns products to groups and users.
func (g *generator) license(ctx context.Context) error {
	plans := g.tenant.productPlans()
	grants := g.tenant.grants()
	for i, a := range grants {
		g.progress.say("assignments to groups", i, len(grants))
		in := licensing.LicenseInput{Product: key(productID, a.product), Plans: &licensing.SelectionInput{Mode: a.mode}}
		for _, p := range plans[a.product][:a.plans] {
			in.Plans.Plans = append(in.Plans.Plans, key(planID, p))
		}
		to := []licensing.PrincipalRef{{Kind: id.Group, ID: key(groupID, a.group)}}
		if err := g.assign(ctx, g.tenant.ID, to, in); err != nil {
			return fmt.Errorf("assign %s to %s: %w", productName(a.product), groupName(a.group), err)
		}
	}
	return g.direct(ctx)
}

func (g *generator) buy(ctx context.Context, tenant uuid.UUID, product, seats int) error {
	in := licensing.CreateSubscriptionInput{Product: key(productID, product)}
	if seats >= 0 {
		in.Seats = &seats
	}
	_, err := g.licensing.CreateSubscription(ctx, tenant, in)
	return err
}

// direct gives every so many-th user a product of their own.
func (g *generator) direct(ctx context.Context) error {
	users := g.tenant.located(0, directEvery, g.tenant.Users)
	for from := 0; from < len(users); from += maxBulk {
		g.progress.say("assignments to users", from, len(users))
		part := users[from:min(from+maxBulk, len(users))]
		for d := range directProducts {
			var to []licensing.PrincipalRef
			for i := d; i < len(part); i += directProducts {
				to = append(to, licensing.PrincipalRef{Kind: id.User, ID: key(userID, part[i])})
			}
			if err := g.assign(ctx, g.tenant.ID, to, licensing.LicenseInput{Product: key(productID, productDirect+d)}); err != nil {
				return fmt.Errorf("assign %s to users: %w", productName(productDirect+d), err)
			}
		}
	}
	return nil
}

// loadProducts are the products of the tenant whose graph is loaded.
const loadProducts = 100

// loadTenant fills the tenant whose graph is loaded: 5,000 groups with 1,000 assignments and
// nobody in them, since users are no part of a graph.
func (g *generator) loadTenant(ctx context.Context) error {
	const holders = 10
	groups := newLayout(maxGroups*usersPerGroup, g.tenant.Seed)
	if err := g.insertGroups(ctx, g.tenant.load, loadGroupID, groups.parents, nil); err != nil {
		return err
	}
	var add []licensing.LicenseInput
	for p := range loadProducts {
		add = append(add, licensing.LicenseInput{Product: key(productID, p)})
	}
	for h := range holders {
		g.progress.say("a graph to load", h, holders)
		to := []licensing.PrincipalRef{{Kind: id.Group, ID: key(loadGroupID, firstPlain+h*40)}}
		if err := g.assign(ctx, g.tenant.load, to, add...); err != nil {
			return err
		}
	}
	return nil
}
