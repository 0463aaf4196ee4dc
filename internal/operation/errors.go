package operation

import (
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// storedError is an error as it is kept: worded in every language, and with ids in the place of
// what its details name.
type storedError struct {
	Code        fault.Code     `json:"code"`
	Message     locale.Words   `json:"message"`
	Remediation locale.Words   `json:"remediation,omitempty"`
	Path        []string       `json:"path,omitempty"`
	Details     *storedDetails `json:"details,omitempty"`
}

// storedDetails are the facts of any kind of error. Which they are follows from the kind.
type storedDetails struct {
	Kind         detailsKind `json:"kind"`
	Product      uuid.UUID   `json:"product,omitzero"`
	Plan         uuid.UUID   `json:"plan,omitzero"`
	OtherProduct uuid.UUID   `json:"otherProduct,omitzero"`
	OtherPlan    uuid.UUID   `json:"otherPlan,omitzero"`
	Products     []uuid.UUID `json:"products,omitempty"`
	Plans        []uuid.UUID `json:"plans,omitempty"`
	Groups       []uuid.UUID `json:"groups,omitempty"`
	Text         string      `json:"text,omitempty"` // the exclusion set, or the country
	Origin       string      `json:"origin,omitempty"`
	Total        *int        `json:"total,omitempty"`
	Place        *int        `json:"place,omitempty"`
	Consumed     int         `json:"consumed,omitempty"`
	Reserved     int         `json:"reserved,omitempty"`
	Suspended    int         `json:"suspended,omitempty"`
	LockedOut    int         `json:"lockedOut,omitempty"`
	UsersLosing  int         `json:"usersLosing,omitempty"`
	Threshold    int         `json:"threshold,omitempty"`
}

type detailsKind string

const (
	seats       detailsKind = "seats"
	exclusion   detailsKind = "exclusion"
	dependency  detailsKind = "dependency"
	location    detailsKind = "location"
	loss        detailsKind = "loss"
	inherited   detailsKind = "inherited"
	hasLicenses detailsKind = "licenses"
	cycle       detailsKind = "cycle"
)

func keep(e *fault.Error) storedError {
	message, remediation := e.Texts()
	kept := storedError{Code: e.Code, Message: locale.WordsOf(message), Path: e.Path, Details: keepDetails(e.Details)}
	if !remediation.IsZero() {
		kept.Remediation = locale.WordsOf(remediation)
	}
	return kept
}

func keepDetails(details any) *storedDetails {
	switch d := details.(type) {
	case *licensing.SeatDetails:
		return &storedDetails{
			Kind: seats, Product: d.Product.ID, Total: d.Total, Consumed: d.Consumed, Reserved: d.Reserved, Suspended: d.Suspended, LockedOut: d.LockedOut, Place: d.Place,
		}
	case *licensing.ExclusionDetails: // through which sources the other plan comes is a fact of the present
		return &storedDetails{
			Kind: exclusion, Text: d.ExclusionSet, Plan: d.Plan.ID, Product: d.Product.ID, OtherPlan: d.OtherPlan.ID, OtherProduct: d.OtherProduct.ID,
		}
	case *licensing.DependencyDetails:
		kept := &storedDetails{Kind: dependency, Plan: d.Plan.ID, Product: d.Product.ID}
		for _, p := range d.RequiresAnyOf {
			kept.Plans = append(kept.Plans, p.ID)
		}
		return kept
	case *licensing.LocationDetails:
		return &storedDetails{Kind: location, Plan: d.Plan.ID, Text: d.Country, Origin: string(d.Origin)}
	case *licensing.LossDetails:
		return &storedDetails{Kind: loss, UsersLosing: d.UsersLosing, Threshold: d.Threshold}
	case *licensing.InheritedDetails:
		return &storedDetails{Kind: inherited, Groups: groupIDs(d.Groups)}
	case *licensing.GroupLicensesDetails:
		kept := &storedDetails{Kind: hasLicenses}
		for _, p := range d.Products {
			kept.Products = append(kept.Products, p.ID)
		}
		return kept
	case *licensing.CycleDetails:
		return &storedDetails{Kind: cycle, Groups: groupIDs(d.Path)}
	}
	return nil
}

func groupIDs(groups []*principal.Group) []uuid.UUID {
	var ids []uuid.UUID
	for _, g := range groups {
		ids = append(ids, g.ID)
	}
	return ids
}

// restore returns errors as they were; groups that are gone are left out of their details.
func restore(g *tenantgraph.Graph, list []storedError) []*fault.Error {
	errs := make([]*fault.Error, len(list))
	for i, e := range list {
		errs[i] = fault.Restore(e.Code, e.Message.Text(), e.Remediation.Text(), e.Path, e.Details.restore(g))
	}
	return errs
}

// restore finds what the details name; nil where the catalogue has not all of it any more.
func (d *storedDetails) restore(g *tenantgraph.Graph) any {
	if d == nil {
		return nil
	}
	product, plan, otherProduct, otherPlan := g.Product(d.Product), g.Plan(d.Plan), g.Product(d.OtherProduct), g.Plan(d.OtherPlan)
	switch {
	case d.Kind == loss:
		return &licensing.LossDetails{UsersLosing: d.UsersLosing, Threshold: d.Threshold}
	case d.Kind == inherited:
		return &licensing.InheritedDetails{Groups: presentGroups(g, d.Groups)}
	case d.Kind == cycle:
		return &licensing.CycleDetails{Path: presentGroups(g, d.Groups)}
	case d.Kind == hasLicenses:
		return &licensing.GroupLicensesDetails{Products: present(d.Products, g.Product)}
	case d.Kind == location && plan != nil:
		return &licensing.LocationDetails{Plan: plan, Country: d.Text, Origin: licensing.LocationOrigin(d.Origin)}
	case d.Kind == seats && product != nil:
		return &licensing.SeatDetails{
			Product: product, Total: d.Total, Consumed: d.Consumed, Reserved: d.Reserved, Suspended: d.Suspended, LockedOut: d.LockedOut, Place: d.Place,
		}
	case d.Kind == dependency && product != nil && plan != nil:
		return &licensing.DependencyDetails{Plan: plan, Product: product, RequiresAnyOf: present(d.Plans, g.Plan)}
	case d.Kind == exclusion && product != nil && plan != nil && otherProduct != nil && otherPlan != nil:
		return &licensing.ExclusionDetails{ExclusionSet: d.Text, Plan: plan, Product: product, OtherPlan: otherPlan, OtherProduct: otherProduct}
	}
	return nil
}

func presentGroups(g *tenantgraph.Graph, ids []uuid.UUID) []*principal.Group {
	return present(ids, g.Group)
}

// present returns what there is of the ids.
func present[T any](ids []uuid.UUID, find func(uuid.UUID) *T) []*T {
	var found []*T
	for _, key := range ids {
		found = append(found, find(key))
	}
	return slices.DeleteFunc(found, func(one *T) bool { return one == nil })
}
