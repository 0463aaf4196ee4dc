package demo

import (
	"context"
	"fmt"

	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// Example is a query to paste into the playground.
type Example struct {
	Title string // one line
	Query string // one named operation
}

// Examples are queries that show what the organisation has to show. The first three are the
// questions everybody asks: who has what and why, seats, what is in error.
func (o *Organisation) Examples() []Example {
	return []Example{
		{"Who has what, and why", whoHasWhat},
		{"Seats: bought, taken, waited for", seats},
		{"What is in error, why, and what to do about it", inError},
		{"Why is each plan on or off?", fmt.Sprintf(planByPlan, productNamed(projectPlan3).id)},
		{"May this user use this plan?", fmt.Sprintf(mayUse, o.waiting, planNamed("VISIOONLINE").id)},
		{"What would ten more seats change? (a dry run: nothing is stored)", fmt.Sprintf(preview, o.seats)},
	}
}

const whoHasWhat = `query WhoHasWhatAndWhy {
  users(search: "ingrid") {
    nodes {
      displayName
      department
      licenses {
        product { displayName }
        status
        sources {
          kind
          group { displayName }
          path { displayName }
          state
          errors { code message remediation }
        }
      }
    }
  }
}`

const planByPlan = `query PlanByPlan {
  user(userPrincipalName: "ingrid.solberg@vesterholt.example") {
    license(productId: "%s") {
      product { displayName }
      plans {
        plan { displayName }
        enabled
        enabledBy { kind group { displayName } }
        disabledBy { kind group { displayName } }
        withheldBy { kind group { displayName } errors { code message } }
      }
    }
  }
}`

const seats = `query Seats {
  subscribedProducts {
    nodes {
      product { displayName }
      capability
      seats { total consumed reserved available waiting inError }
      subscriptions { status seats startsAt }
    }
  }
}`

const inError = `query InError {
  noSubscription: licenseErrors(filter: { codes: [NO_SUBSCRIPTION] }, first: 2) { ...What }
  noPlace: licenseErrors(filter: { codes: [GROUP_SEAT_LIMIT] }, first: 2) { ...What }
  noSeat: licenseErrors(filter: { codes: [COUNT_VIOLATION] }, first: 2) { ...What }
  excluded: licenseErrors(filter: { codes: [MUTUALLY_EXCLUSIVE_VIOLATION] }, first: 2) { ...What }
  lacking: licenseErrors(filter: { codes: [DEPENDENCY_VIOLATION] }, first: 2) { ...What }
  notThere: licenseErrors(filter: { codes: [PROHIBITED_IN_USAGE_LOCATION_VIOLATION] }, first: 2) { ...What }
}

fragment What on LicenseErrorConnection {
  totalCount
  nodes {
    user { displayName usageLocation }
    product { displayName }
    plan { displayName }
    source { kind group { displayName } }
    code
    since
    message
    remediation
  }
}`

const mayUse = `query MayUse {
  checkPlan(userId: "%s", planId: "%s") {
    allowed
    reason
  }
}`

const preview = `mutation Preview {
  updateSubscription(input: { id: "%s", seats: 58, dryRun: true }) {
    changed
    dryRun
    impact {
      usersGaining
      products {
        product { displayName }
        seatsBefore { total consumed waiting }
        seatsAfter { total consumed waiting }
      }
      changes(first: 3) {
        nodes { user { displayName } kind plansAdded { displayName } }
      }
    }
    userErrors { code message }
  }
}`

// count fills in the sizes.
func (o *Organisation) count(ctx context.Context, licenses *licensing.Service, people *directory.Service) error {
	none := 0
	users, err := people.ListUsers(ctx, o.Tenant.ID, directory.UserQuery{}, paging.Args{First: &none})
	if err != nil {
		return err
	}
	if o.Users, err = users.Count(ctx); err != nil {
		return err
	}
	g, err := licenses.Graph(ctx, o.Tenant.ID)
	if err != nil {
		return err
	}
	o.Groups, o.Products = len(g.Groups()), len(g.SubscribedProducts())
	return nil
}

// lookUp fills in the ids that examples name.
func (o *Organisation) lookUp(ctx context.Context, licenses *licensing.Service, people *directory.Service) error {
	g, err := licenses.Graph(ctx, o.Tenant.ID)
	if err != nil {
		return err
	}
	for _, p := range g.SubscribedProducts() {
		if p.SkuPartNumber == visioPlan2 {
			o.seats = id.Format(id.Subscription, g.Subscriptions(p.ID)[0].ID)
		}
	}
	u, err := people.UserByPrincipalName(ctx, o.Tenant.ID, "yuki.tanabe@"+domain)
	if err != nil || u == nil {
		return err
	}
	o.waiting = u.NodeID()
	return nil
}
