package licensing

import (
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// MaxPrincipals bounds the principals of one call, counted once each.
const MaxPrincipals = 20000

// LicenseInput asks for a product, or for another plan selection or other dates of one. At most one of Plans,
// Switch and PlansFrom says which plans; without any an existing assignment keeps its
// selection, and a new one selects all.
type LicenseInput struct {
	Product       uuid.UUID
	Plans         *SelectionInput
	Switch        *SwitchInput
	PlansFrom     *uuid.UUID // a product: what is off in the principal's own assignment of it is off here
	Replaces      *uuid.UUID // a product: only for principals with an assignment of their own of it, which goes
	IncludeNested *bool      // nil keeps; true on a new one; means nothing for a user
	StartsAt      optional.Optional[clock.Instant]
	EndsAt        optional.Optional[clock.Instant]
	Priority      optional.Optional[int] // absent keeps, null is 0; 0 on a new one
	SeatLimit     optional.Optional[int] // of a group: how many users may have it; absent keeps, null is any number
	SeatReserve   optional.Optional[int] // of a group: seats are kept until so many users have it; absent keeps, null is 0; 0 on a new one
	// ExcludeGroups are groups whose members do not get a group's product; absent keeps, null and
	// an empty list exclude nobody.
	ExcludeGroups optional.Optional[[]uuid.UUID]
}

// want is a LicenseInput checked against the catalogue.
type want struct {
	product   *Product
	selection *tenantgraph.Selection // as the input has it
	switches  *SwitchInput
	from      *Product // PlansFrom
	replaces  *Product
	nested    *bool
	starts    optional.Optional[clock.Instant]
	ends      optional.Optional[clock.Instant]
	priority  optional.Optional[int]
	excluded  optional.Optional[[]uuid.UUID]
	limit     optional.Optional[int]
	reserve   optional.Optional[int]
	at        int // index in the input
}

// forUser refuses what only groups can have.
func (w want) forUser() *fault.Error {
	if w.limit.Value != nil {
		return fault.New(fault.InvalidValue, "seatLimit is about members of a group; a user's own assignment takes one seat.").
			Fix("Leave it out for users.").At("seatLimit")
	}
	if w.reserve.Value != nil && *w.reserve.Value > 0 {
		return fault.New(fault.InvalidValue, "seatReserve is about members of a group; a user's own assignment holds its seat.").
			Fix("Leave it out for users.").At("seatReserve")
	}
	if w.excluded.Value != nil && len(*w.excluded.Value) > 0 {
		return fault.New(fault.InvalidValue, "excludeGroupIds is about members of a group; a user's own assignment reaches nobody else.").
			Fix("Leave it out for users.").At("excludeGroupIds")
	}
	if w.nested == nil || *w.nested {
		return nil
	}
	return fault.New(fault.InvalidValue, "includeNested: false is about a group's nested members; a user has none.").
		Fix("Leave it out for users.").At("includeNested")
}

// checkWanted checks what is wrong with the products and plans themselves, which refuses the
// whole call (R25).
//
// Errors, with paths from the field and "remove": NOT_FOUND, DUPLICATE_VALUE, INVALID_VALUE,
// PLAN_NOT_IN_PRODUCT, MUTUALLY_EXCLUSIVE_VIOLATION (a selection that excludes itself, R9).
func checkWanted(g *tenantgraph.Graph, now clock.Instant, field string, add []LicenseInput, remove []uuid.UUID) ([]want, []*Product, error) {
	var wanted []want
	for i, in := range add {
		w, err := checkOne(g, now, in)
		if err != nil {
			return nil, nil, err.At(field, i)
		}
		if slices.ContainsFunc(wanted, func(o want) bool { return o.product == w.product }) {
			return nil, nil, fault.New(fault.DuplicateValue, "The product %s is asked for twice.", w.product.DisplayName).
				Fix("Name each product once.").At(field, i, "productId")
		}
		w.at = i
		wanted = append(wanted, *w)
	}
	for _, w := range wanted {
		if w.replaces != nil && slices.ContainsFunc(wanted, func(o want) bool { return o.product == w.replaces }) {
			return nil, nil, addedAndRemoved(w.replaces).At(field, w.at, "replaces")
		}
	}
	unwanted, err := checkUnwanted(g, wanted, remove)
	if err != nil {
		return nil, nil, err.At("remove")
	}
	// R24: which error of several is told must not hang on the order of the input.
	slices.SortFunc(wanted, func(a, b want) int { return compareUUIDs(a.product.ID, b.product.ID) })
	return wanted, unwanted, nil
}

func checkUnwanted(g *tenantgraph.Graph, wanted []want, remove []uuid.UUID) ([]*Product, *fault.Error) {
	var unwanted []*Product
	for i, key := range remove {
		p := g.Product(key)
		if p == nil {
			return nil, unknownProduct().At(i)
		}
		for _, w := range wanted {
			if w.product == p {
				return nil, addedAndRemoved(p).At(i)
			}
			if w.replaces == p {
				return nil, fault.New(fault.DuplicateValue, "The product %s is both replaced and removed.", p.DisplayName).
					Fix("Leave it out of the removals: replacing removes it where the other product comes.").At(i)
			}
		}
		if !slices.Contains(unwanted, p) { // R24: lists collapse duplicates
			unwanted = append(unwanted, p)
		}
	}
	return unwanted, nil
}

func addedAndRemoved(p *Product) *fault.Error { // R23
	return fault.New(fault.DuplicateValue, "The product %s is both added and removed.", p.DisplayName).
		Fix("Leave it out of one of the two.")
}

func unknownProduct() *fault.Error {
	return fault.New(fault.NotFound, "There is no such product in the catalogue.").
		Fix("Look it up with the query products(search:).")
}

func checkOne(g *tenantgraph.Graph, now clock.Instant, in LicenseInput) (*want, *fault.Error) {
	p := g.Product(in.Product)
	if p == nil {
		return nil, unknownProduct().At("productId")
	}
	w := &want{product: p, nested: in.IncludeNested, starts: in.StartsAt, ends: in.EndsAt, priority: in.Priority}
	if err := checkPriority(in.Priority); err != nil {
		return nil, err.At("priority")
	}
	if w.limit = in.SeatLimit; w.limit.Value != nil && (*w.limit.Value < 0 || *w.limit.Value > math.MaxInt32) {
		return nil, fault.New(fault.InvalidValue, "%d is no number of users.", *w.limit.Value).Fix("Pass 0 or more, or null for no limit.").At("seatLimit")
	}
	if w.reserve = in.SeatReserve; w.reserve.Value != nil && (*w.reserve.Value < 0 || *w.reserve.Value > math.MaxInt32) {
		return nil, fault.New(fault.InvalidValue, "%d is no number of seats.", *w.reserve.Value).Fix("Pass 0 or more; 0 and null keep none.").At("seatReserve")
	}
	var err *fault.Error
	if w.excluded, err = checkExcluded(g, in.ExcludeGroups); err != nil {
		return nil, err.At("excludeGroupIds")
	}
	if err := w.choose(g, in); err != nil {
		return nil, err
	}
	if in.Replaces != nil {
		if w.replaces = g.Product(*in.Replaces); w.replaces == nil {
			return nil, unknownProduct().At("replaces")
		}
	}
	if err := w.checkDates(now); err != nil {
		return nil, err
	}
	return w, nil
}

// assignable tells why there cannot be a new assignment of the product (R16, R22). One that is
// scheduled may wait for a subscription that is scheduled, too.
func assignable(g *tenantgraph.Graph, p *Product, scheduled bool) *fault.Error {
	if p.RetiredAt != nil {
		return fault.New(fault.ProductRetired, "%s has left the vendor's catalogue: existing assignments go on, new ones are refused.", p.DisplayName).
			Fix("Assign the product that follows it.")
	}
	if _, live := g.LiveSince(p.ID); live {
		return nil
	}
	if scheduled && slices.ContainsFunc(g.Subscriptions(p.ID), func(s *tenantgraph.Subscription) bool {
		return SubscriptionStatus(s.Status) == SubscriptionScheduled
	}) {
		return nil
	}
	return noSubscription(p)
}

func noSubscription(p *Product) *fault.Error {
	return fault.New(fault.NoSubscription, "The organisation has no live subscription of %s.", p.DisplayName).
		Fix("Create one with createSubscription.")
}

// revise returns the assignment as a wanted license would have it: a new one where the
// principal has none of the product, the present one itself where nothing changes. own are the
// principal's own assignments by product; one of user and group is zero.
//
// Errors, with paths from the field: INVALID_VALUE (its dates), PRODUCT_RETIRED, NO_SUBSCRIPTION.
func (d *Draft) revise(own map[uuid.UUID]*tenantgraph.Assignment, w want, user, group uuid.UUID, field string) (*tenantgraph.Assignment, error) {
	before := own[w.product.ID]
	selection := w.selectionAfter(d.Graph.Catalog, own)
	if before == nil {
		return d.begin(w, selection, user, group, field)
	}
	a := *before
	a.Selection = selection
	if w.nested != nil && !before.Direct() {
		a.IncludeNested = *w.nested
	}
	if err := w.date(&a, d.Now); err != nil {
		return nil, err.At(field, w.at)
	}
	a.Priority = w.priorityAfter(before.Priority)
	if !before.Direct() {
		a.ExcludedGroups = w.excludedAfter(before.ExcludedGroups)
		if err := w.place(&a); err != nil {
			return nil, err.At(field, w.at)
		}
	}
	if a.Says(before) && sameDates(&a, before) {
		return before, nil
	}
	adds := before.Scheduled || !a.Selection.Of(d.Graph.Catalog, w.product).Minus(before.Selection.Of(d.Graph.Catalog, w.product)).Empty()
	if a.Direct() && !a.Scheduled && adds {
		if _, live := d.edit.Graph().LiveSince(w.product.ID); !live { // R12: what it adds could not be admitted
			return nil, noSubscription(w.product).At(field, w.at)
		}
	}
	a.UpdatedAt, a.Version = d.Now, before.Version+1
	return &a, nil
}

// place gives a group's assignment, new or as it is, the limit and the reserve that the input asks for.
//
// Errors: INVALID_VALUE (a reserve beyond the limit).
func (w *want) place(a *tenantgraph.Assignment) *fault.Error {
	a.SeatLimit = w.limit.Or(a.SeatLimit)
	a.SeatReserve = numberAfter(w.reserve, a.SeatReserve)
	if a.SeatLimit == nil || a.SeatReserve <= *a.SeatLimit {
		return nil
	}
	field := "seatLimit"
	if w.reserve.Set {
		field = "seatReserve"
	}
	return fault.New(fault.InvalidValue, "At most %d users may have %s through the group: seats for %d cannot be kept.", *a.SeatLimit, w.product.DisplayName, a.SeatReserve).
		Fix("Pass a seatReserve of %d at most, or a higher seatLimit.", *a.SeatLimit).At(field)
}

// begin returns a new assignment.
func (d *Draft) begin(w want, selection tenantgraph.Selection, user, group uuid.UUID, field string) (*tenantgraph.Assignment, error) {
	a := &tenantgraph.Assignment{
		UserID: user, GroupID: group, ProductID: w.product.ID, Selection: selection,
		IncludeNested: true, Priority: w.priorityAfter(0), CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1,
	}
	if err := w.plan(a, d.Now); err != nil {
		return nil, err.At(field, w.at)
	}
	if group != uuid.Nil {
		if err := w.place(a); err != nil {
			return nil, err.At(field, w.at)
		}
		a.ExcludedGroups = w.excludedAfter(nil)
		a.IncludeNested = w.nested == nil || *w.nested
	}
	if err := assignable(d.edit.Graph(), w.product, a.Scheduled); err != nil {
		return nil, err.At(field, w.at)
	}
	var err error
	a.ID, err = d.newID()
	return a, err
}

// locationNeeded refuses to create assignments of a user who has no location (R11).
func locationNeeded(user *principal.User, wanted []want, own map[uuid.UUID]*tenantgraph.Assignment, field string) error {
	for _, w := range wanted {
		if own[w.product.ID] == nil && user.UsageLocation == nil {
			return fault.New(fault.UsageLocationRequired, "%s has no usage location, which a direct assignment of %s needs.",
				user.DisplayName, w.product.DisplayName).Fix("Set the user's usageLocation to the country where the services are used.").At(field, w.at)
		}
	}
	return nil
}
