package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/optional"
)

// unlimited stands for a subscription without a number of seats.
const unlimited = -1

// purchases are the subscriptions, bought on one day.
var purchases = []struct {
	product string
	seats   int
}{
	{microsoft365E3, 200}, {microsoft365E5, 10}, {microsoft365F3, 60}, {office365E1, 5}, {powerBIPro, unlimited},
	{visioPlan2, 48}, {projectPlan3, 15}, {teamsPhone, 60}, {copilot, 30}, {dynamicsSales, 40}, {dynamicsTeamMembers, 25},
	{powerAutomate, 10}, {clipchamp, 5},
}

// grant is an assignment to a group or to a user. Its order in grants matters: who comes
// second to an exclusion, waits.
type grant struct {
	to, product string
	mode        licensing.SelectionMode
	plans       []string
	notNested   bool // first-level members only
	atMost      int  // seatLimit; 0: none
	kept        int  // seatReserve
}

var grants = []grant{
	{to: "Everyone", product: powerBIPro, mode: tenantgraph.Only, plans: []string{"BI_AZURE_P2"}},
	{to: "Leadership", product: microsoft365E5},
	{to: "Operations", product: microsoft365F3},
	// Shift leads are in Operations and in Office Staff: F3 and E3 exclude each other by
	// SharePoint, so that E3 waits.
	{to: "Office Staff", product: microsoft365E3, mode: tenantgraph.Except, plans: []string{"YAMMER_ENTERPRISE", "MICROSOFTBOOKINGS"}},
	{to: "Guests", product: office365E1, mode: tenantgraph.Only, plans: []string{"TEAMS1", "SHAREPOINTWAC"}},
	// More people than seats: the last to have joined wait.
	{to: "Engineering", product: visioPlan2},
	{to: "Project Managers", product: projectPlan3, mode: tenantgraph.Except, plans: []string{"SHAREPOINTENTERPRISE", "SHAREPOINT_PROJECT"}},
	// Telephony is not for use in India: for colleagues there it is in error.
	{to: "Phone Users", product: teamsPhone},
	// Copilot in apps needs the desktop apps: one of the pilot has none.
	{to: "Copilot Pilot", product: copilot, mode: tenantgraph.Except, plans: []string{"GRAPH_CONNECTORS_COPILOT", "M365_COPILOT_CONNECTORS"}},
	{to: "Sales", product: dynamicsSales, atMost: 5}, // the others of them wait for a place
	{to: "Customer Support", product: dynamicsTeamMembers},
	{to: "IT", product: powerAutomate, notNested: true, kept: 8}, // IT has fewer: the other seats are not for everybody
	{to: "Video Studio", product: clipchamp},
	// Of their own.
	{to: "Maren Iversen", product: microsoft365E5, mode: tenantgraph.Except, plans: []string{"MCOEV", "MCOMEETADV"}},
	{to: "Obinna Chukwu", product: microsoft365E5, mode: tenantgraph.Except, plans: []string{"MCOEV", "MCOMEETADV"}},
	{to: "Kofi Mensah", product: powerBIPro}, // who has it through Everyone: one seat, two sources
	// Parked: the seat is kept, everything is off.
	{to: "Dewi Pranoto", product: powerAutomate, mode: tenantgraph.Only},
}

// license buys, assigns, and then lets things happen.
func (b *builder) license(ctx context.Context) error {
	for _, p := range purchases {
		if err := b.buy(ctx, p.product, p.seats); err != nil {
			return err
		}
	}
	b.clock.Advance(24 * time.Hour)
	for _, g := range grants {
		if err := b.grant(ctx, g); err != nil {
			return err
		}
	}
	for _, event := range []func(context.Context) error{b.widenProject, b.shrinkCopilot, b.endTrial, b.leave, b.quit, b.expire, b.suspend, b.extend} {
		b.clock.Advance(30 * 24 * time.Hour)
		if err := event(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) buy(ctx context.Context, product string, seats int) error {
	b.progress("subscriptions")
	b.clock.Advance(5 * time.Minute)
	in := licensing.CreateSubscriptionInput{Product: b.products[product]}
	if seats != unlimited {
		in.Seats = &seats
	}
	r, err := b.licensing.CreateSubscription(ctx, b.tenant, in)
	if err != nil {
		return fmt.Errorf("buy %s: %w", product, err)
	}
	b.subscriptions[product] = r.Subscription.ID
	return nil
}

func (b *builder) grant(ctx context.Context, g grant) error {
	b.progress("licenses of " + g.to)
	b.clock.Advance(11 * time.Minute)
	to := licensing.PrincipalRef{Kind: id.Group, ID: b.groups[g.to]}
	if to.ID == uuid.Nil {
		user, err := b.user(g.to)
		if err != nil {
			return err
		}
		to = licensing.PrincipalRef{Kind: id.User, ID: user}
	}
	in := licensing.LicenseInput{Product: b.products[g.product]}
	if g.mode != "" {
		in.Plans = &licensing.SelectionInput{Mode: g.mode}
		for _, p := range g.plans {
			in.Plans.Plans = append(in.Plans.Plans, b.plans[p]...)
		}
	}
	if g.notNested {
		in.IncludeNested = new(bool)
	}
	if g.atMost > 0 {
		in.SeatLimit = optional.Of(g.atMost)
	}
	if g.kept > 0 {
		in.SeatReserve = optional.Of(g.kept)
	}
	r, err := b.licensing.Assign(ctx, b.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{to}, Add: []licensing.LicenseInput{in}})
	if err != nil {
		return fmt.Errorf("assign %s to %s: %w", g.product, g.to, err)
	}
	for _, result := range r.Results {
		for _, refusal := range result.Errors {
			err = errors.Join(err, fmt.Errorf("assign %s to %s: %w", g.product, g.to, refusal))
		}
	}
	return err
}

// widenProject switches everything of Project on for project managers. For the production
// planners among them, who hold F3, one plan would break an exclusion: it is withheld, the
// rest works.
func (b *builder) widenProject(ctx context.Context) error {
	return b.grant(ctx, grant{to: "Project Managers", product: projectPlan3, mode: tenantgraph.All})
}

// shrinkCopilot cuts seats below what is in use: nobody loses it, nobody new gets it.
func (b *builder) shrinkCopilot(ctx context.Context) error {
	_, err := b.licensing.UpdateSubscription(ctx, b.tenant, licensing.UpdateSubscriptionInput{
		ID: b.subscriptions[copilot], Seats: optional.Of(20), AllowOverAllocation: true,
	})
	return err
}

// endTrial cancels the only subscription of a product: its assignment stays, in error.
func (b *builder) endTrial(ctx context.Context) error {
	everybody := math.MaxInt32
	_, err := b.licensing.CancelSubscription(ctx, b.tenant, licensing.CancelSubscriptionInput{ID: b.subscriptions[clipchamp], AcknowledgeLosses: &everybody})
	return err
}

// leave disables an account, which keeps its licenses and seats.
func (b *builder) leave(ctx context.Context) error {
	user, err := b.user("Dewi Pranoto")
	if err != nil {
		return err
	}
	_, err = b.directory.UpdateUser(ctx, b.tenant, directory.UpdateUserInput{ID: user, AccountEnabled: optional.Of(false)})
	return err
}

// quit deletes a user, whose seats are free at once.
func (b *builder) quit(ctx context.Context) error {
	user, err := b.user("Hana Kovářová")
	if err != nil {
		return err
	}
	_, err = b.directory.DeleteUser(ctx, b.tenant, directory.DeleteUserInput{ID: user})
	return err
}

// expire lets a subscription end: for the time being everything works as before.
func (b *builder) expire(ctx context.Context) error {
	return b.setStatus(ctx, powerAutomate, licensing.SubscriptionWarning)
}

// suspend takes the use of a product away, and no license: who holds it goes on holding it.
func (b *builder) suspend(ctx context.Context) error {
	return b.setStatus(ctx, dynamicsTeamMembers, licensing.SubscriptionSuspended)
}

// setStatus gives the one subscription of a product a status that lasts: it has no dates.
func (b *builder) setStatus(ctx context.Context, product string, status licensing.SubscriptionStatus) error {
	_, err := b.licensing.UpdateSubscription(ctx, b.tenant, licensing.UpdateSubscriptionInput{ID: b.subscriptions[product], Status: status})
	return err
}

// extend buys seats that are there from the company's hundredth year on: so late that whoever
// serves the organisation will not see it come.
func (b *builder) extend(ctx context.Context) error {
	seats, starts := 40, clock.FromTime(time.Date(2088, time.January, 1, 0, 0, 0, 0, time.UTC))
	_, err := b.licensing.CreateSubscription(ctx, b.tenant, licensing.CreateSubscriptionInput{
		Product: b.products[microsoft365E5], Seats: &seats, Status: licensing.SubscriptionScheduled, StartsAt: &starts,
	})
	return err
}
