package licensing

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// subscribe proposes to buy seats, and to resume or begin subscriptions, of the products that the
// user has a source of, and of those that would bring the plan to everybody (R7).
func (e *explainer) subscribe() {
	var products []*Product
	for _, l := range e.v.licenses {
		products = append(products, l.Product)
	}
	if e.plan.AutoAssigned {
		products = append(products, e.plan.Products...)
	}
	for i, p := range products {
		if slices.Index(products, p) < i || e.places[p.ID] > 0 && e.needed[p.ID] == 0 {
			continue
		}
		e.buy(p)
		for _, sub := range e.g.Subscriptions(p.ID) {
			if sub.CancelledAt == nil && !sub.Counts() {
				e.resume(p, sub)
			}
		}
	}
}

// supply is a trial in which a product has so many units that one is left for the user once all
// who come first have theirs; touched is how many others the change concerns at most.
func (e *explainer) supply(p *Product) (t trial, units int64, touched int) {
	t = e.same()
	t.shared, t.of, t.seat = true, p, &engine.Seat{Unlimited: true}
	c := e.counts[p.ID]
	if _, live := e.g.LiveSince(p.ID); live {
		if place := e.places[p.ID]; place > 0 {
			return t, c.Consumed + e.needed[p.ID], place - 1
		}
		return t, c.Consumed, int(c.Consumed + c.Waiting) // who holds it can use it again
	}
	n := int64(e.direct[p.ID]) // everybody is a newcomer
	for _, group := range e.g.GroupsReachedBy([]uuid.UUID{p.ID}) {
		n += int64(e.members[group])
	}
	for _, r := range e.g.Inherit(e.v.members) {
		if r.ProductID == p.ID {
			t.after = append(t.after, engine.Source{Assignment: r.Engine, Selected: r.Selected})
		}
	}
	for _, a := range inEffect(e.v.direct) {
		if a.ProductID == p.ID {
			b := e.g.Bind(a)
			b.Engine.Key = p.ID
			t.after = append(t.after, engine.Source{Assignment: b.Engine, Selected: b.Selected})
		}
	}
	return t, max(n, 1) + e.lacking(p), int(max(n-1, 0))
}

// lacking returns how many seats of a product are kept once all have it whom its assignments reach, who
// are counted with each of their groups.
func (e *explainer) lacking(p *Product) int64 {
	n := int64(0)
	for _, a := range e.g.Counted() {
		if a.ProductID != p.ID {
			continue
		}
		n += a.Lacks(e.reached(a.GroupID, a.IncludeNested))
	}
	return n
}

// findNeeded finds how many seats must be left of each product for which the user waits, so that one is
// the user's: as many as stand in line up to there; where groups have limits or reserves, as few as will
// do, and 0 where none will. Of a long line all that are kept are taken to be needed, and no place through
// a limited group is hoped for.
func (e *explainer) findNeeded(ctx context.Context) error {
	places := map[uuid.UUID]engine.Places{}
	for key, place := range e.limits {
		if p := e.g.ProductAt(place.Product).ID; e.places[p] > 0 {
			if places[p] == nil {
				places[p] = engine.Places{}
			}
			places[p][key] = place
		}
	}
	lines, err := e.readLines(ctx, slices.Collect(maps.Keys(places)))
	if err != nil {
		return err
	}
	for p, place := range e.places {
		if place == 0 { // who no longer waits
			continue
		}
		most := int64(place) + e.kept[p]
		if e.needed[p] = most; lines[p] == nil {
			continue
		}
		fewest, after, err := e.g.Rules.FewestSeats(e.g.Product(p).Index, lines[p].cases, places[p], most, e.now)
		if err != nil {
			return fmt.Errorf("try the line of %s: %w", e.g.Product(p).DisplayName, err)
		}
		e.needed[p] = fewest
		for _, source := range after.Sources {
			e.served[source.Key] = after.Admitted(source.Key)
		}
	}
	return nil
}

// waitingLine is who waits for a product, the user first, with the sources that wait.
type waitingLine struct {
	cases []*engine.Case
	of    map[engine.ID]*engine.Case
	rows  int
}

// readLines reads who waits for products, by one statement; no line that is too long to be tried.
func (e *explainer) readLines(ctx context.Context, products []uuid.UUID) (map[uuid.UUID]*waitingLine, error) {
	lines := map[uuid.UUID]*waitingLine{}
	if len(products) == 0 {
		return lines, nil
	}
	var parts []string
	args := []any{e.g.Tenant}
	for _, p := range products {
		own := &engine.Case{Users: []engine.ID{e.v.User.ID}}
		lines[p] = &waitingLine{cases: []*engine.Case{own}, of: map[engine.ID]*engine.Case{e.v.User.ID: own}}
		args = append(args, p)
		parts = append(parts, fmt.Sprintf(`SELECT * FROM (SELECT v.product_id, v.user_id, v.assignment_id, v.principal_id, v.inherited, v.rank, v.since, v.assignment_created_at
			FROM license_violations v WHERE v.tenant_id = $1 AND v.product_id = $%d AND v.plan_id IS NULL AND v.code = 'COUNT_VIOLATION' LIMIT %d) x%[1]d`,
			len(args), waitersLookedAt+1))
	}
	err := database.Each(ctx, e.s.db.Reader(), func(scan func(...any) error) error {
		var product, user, principal uuid.UUID
		var inherited bool
		var rank int64
		row, a := engine.Row{Plan: engine.Whole, Code: engine.Count}, &engine.Assignment{}
		err := scan(&product, &user, (*uuid.UUID)(&a.Key), &principal, &inherited, &rank, &row.Since, &a.Created)
		row.Assignment, a.Product, a.Sku, a.Direct, a.Priority = a.Key, e.g.Product(product).Index, product, !inherited, priorityOf(rank)
		if inherited {
			a.Principal = principal
		}
		lines[product].add(user, a, row)
		return err
	}, strings.Join(parts, " UNION ALL "), args...)
	if err != nil {
		return nil, fmt.Errorf("read who waits: %w", err)
	}
	maps.DeleteFunc(lines, func(_ uuid.UUID, l *waitingLine) bool { return l.rows > waitersLookedAt })
	return lines, nil
}

func (l *waitingLine) add(user engine.ID, a *engine.Assignment, row engine.Row) {
	l.rows++
	c := l.of[user]
	if c == nil {
		c = &engine.Case{Users: []engine.ID{user}}
		l.of[user], l.cases = c, append(l.cases, c)
	}
	c.After = append(c.After, engine.Source{Assignment: a})
	c.Before.Sources, c.Before.Rows = c.After, append(c.Before.Rows, row)
}

// buy proposes to raise the seats of a subscription that counts, else to create one.
func (e *explainer) buy(p *Product) {
	t, units, touched := e.supply(p)
	total, unlimited := e.g.Seats(p.ID)
	_, live := e.g.LiveSince(p.ID)
	usable := CapabilityOf(e.g, p.ID).Usable()
	if unlimited || live && usable && e.places[p.ID] == 0 {
		return
	}
	made := Proposal{Kind: BuySeats, UsersTouched: touched, name: p.DisplayNameKey}
	missing := max(units-total, 1)
	for _, sub := range e.g.Subscriptions(p.ID) {
		if !sub.Counts() || sub.Seats == nil {
			continue
		}
		seats := int64(*sub.Seats) + missing
		if seats > math.MaxInt32 {
			return
		}
		made.Mutation, made.Input = "updateSubscription", object{"id": id.Format(id.Subscription, sub.ID), "seats": seats}
		made.Explanation = locale.T("Raises the seats of a subscription of %s from %d to %d: enough for %s and for all who wait longer.",
			p.DisplayName, *sub.Seats, seats, e.v.User.DisplayName)
		made.size = int(missing)
		e.propose(t, made)
		return
	}
	if p.RetiredAt != nil || missing > math.MaxInt32 {
		return
	}
	made.Mutation, made.Input, made.size = "createSubscription", object{"productId": p.NodeID(), "seats": missing}, int(missing)
	made.Explanation = locale.T("Creates a subscription of %s with %d seats: enough for %s and for all who come first.",
		p.DisplayName, missing, e.v.User.DisplayName)
	e.propose(t, made)
}

// resume proposes to make a subscription ENABLED that is suspended, locked out or yet to begin,
// where it has seats enough. One that has expired goes on without an end.
func (e *explainer) resume(p *Product, sub *tenantgraph.Subscription) {
	t, units, touched := e.supply(p)
	total, unlimited := e.g.Seats(p.ID)
	needed := units
	_, live := e.g.LiveSince(p.ID)
	if live { // its units may be more than are needed
		touched = int(e.counts[p.ID].Consumed + e.counts[p.ID].Waiting)
	}
	if live && e.places[p.ID] == 0 || e.plan.AutoAssigned && len(t.after) == len(e.v.state.Sources) {
		needed = math.MinInt64 // who holds it, and who needs no seat, asks for none
	}
	if sub.Seats != nil && !unlimited && total+int64(*sub.Seats) < needed {
		return
	}
	input := object{"id": id.Format(id.Subscription, sub.ID), "status": string(SubscriptionEnabled)}
	if sub.EndsAt != nil && int64(*sub.EndsAt) <= e.now {
		input["endsAt"] = nil
	}
	e.propose(t, Proposal{
		Kind: ResumeSubscription, Mutation: "updateSubscription", Input: input, UsersTouched: touched, name: p.DisplayNameKey,
		Explanation: locale.T("Makes a subscription of %s ENABLED that is %s.", p.DisplayName, sub.Status),
	})
}

// freeSeats proposes to end a direct assignment of somebody who then no longer holds the product,
// those with a disabled account first, where its seat is the user's.
func (e *explainer) freeSeats() {
	for _, p := range e.waitingFor() {
		product := e.g.Product(p)
		holders := e.holders[p]
		slices.SortStableFunc(holders, func(a, b *UserView) int {
			return cmp.Compare(boolByte(a.User.AccountEnabled), boolByte(b.User.AccountEnabled))
		})
		found := 0
		for _, h := range holders {
			if found == proposalsPerKind || h.User.ID == e.v.User.ID || !e.givesUp(h, product) {
				continue
			}
			t := e.same()
			t.shared, t.of = true, product
			t.seat = &engine.Seat{Total: e.seats[product.Index].Consumed + 1, Consumed: e.seats[product.Index].Consumed}
			made := Proposal{
				Kind: FreeSeat, Mutation: "assignLicenses", Input: assignInput(id.User, h.User.ID, "remove", product.NodeID()), UsersTouched: 1,
				Explanation: freeText(product, &h.User), size: int(boolByte(h.User.AccountEnabled)), name: h.User.UserPrincipalName,
			}
			if !e.propose(t, made) {
				break // nobody's seat will do
			}
			found++
		}
	}
}

func freeText(p *Product, holder *principal.User) locale.Text {
	if !holder.AccountEnabled {
		return locale.T("Takes %s from %s, whose account is disabled: the seat goes to who waits first.", p.DisplayName, holder.DisplayName)
	}
	return locale.T("Takes %s from %s: the seat goes to who waits first.", p.DisplayName, holder.DisplayName)
}

// givesUp tells whether a user no longer holds a product once the own assignment of it ends, and
// nothing speaks against ending it.
func (e *explainer) givesUp(h *UserView, p *Product) bool {
	c := h.endingOwn(p)
	l := h.License(p.ID)
	if l == nil || !l.ConsumesSeat || len(c.After) == len(c.Before.Sources) {
		return false
	}
	state, refusal, err := e.g.Rules.Try(c, e.seats, e.limits, e.now)
	if err != nil {
		e.err = fmt.Errorf("try to free a seat: %w", err)
		return false
	}
	return refusal == nil && !slices.ContainsFunc(e.g.Rules.Derive(state), func(l engine.License) bool { return l.Product == p.Index && l.Held })
}
