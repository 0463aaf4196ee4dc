package directory

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/country"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// UserOrder is what a list of users is ordered by; users alike in it are ordered by id.
type UserOrder string

// The orders of users.
const (
	UsersByDisplayName   UserOrder = "DISPLAY_NAME" // folded
	UsersByPrincipalName UserOrder = "USER_PRINCIPAL_NAME"
	UsersByCreation      UserOrder = "CREATED_AT"
)

// UserQuery asks for a list of users. The zero value is all users who are not deleted, by
// display name.
type UserQuery struct {
	Search     string // every word begins a word of the display name or principal name
	Filter     UserFilter
	OrderBy    UserOrder // UsersByDisplayName where empty
	Descending bool
	// Take asks for the users' licenses, read in the page's own statement, and is given them in
	// its order. It is not called where they have to be read anew: because groups, assignments
	// or subscriptions changed meanwhile. Optional.
	Take func(views []*licensing.UserView)

	directIn *uuid.UUID      // direct members of the group only
	then     *membershipThen // who was a member of groups, and not deleted, at an instant
}

// UserFilter narrows a list of users: every condition that is set must hold. Lists that are
// not nil name alternatives; an empty one is true of nobody (R24). The conditions on licenses
// ask for the admitted state.
type UserFilter struct {
	Departments     []string
	UsageLocations  []string // in any letter case
	AccountEnabled  *bool
	Deleted         bool       // deleted users only, who are in no other list (R19)
	Product         *uuid.UUID // holders
	Plan            *uuid.UUID // the plan is enabled
	Group           *uuid.UUID // members, through nested groups too
	HasLicense      *bool      // holds any product
	HasLicenseError *bool      // has a source that is not ACTIVE
}

// Limits of a query.
const (
	maxSearch         = 256 // characters
	maxSearchWords    = 16
	maxDepartments    = 100
	maxUsageLocations = 300
)

// ListUsers returns a page of users.
//
// Errors: BAD_USER_INPUT with the path of the argument; those of the database.
func (s *Service) ListUsers(ctx context.Context, tenant uuid.UUID, query UserQuery, args paging.Args) (paging.Connection[*principal.User], error) {
	return s.listUsers(ctx, tenant, userOrder("users", query.OrderBy, query.Descending), query, args)
}

// Holders returns a page of the users who hold a product, by display name.
//
// Errors: as ListUsers.
func (s *Service) Holders(ctx context.Context, tenant, product uuid.UUID, search string, args paging.Args) (paging.Connection[*principal.User], error) {
	query := UserQuery{Search: search, Filter: UserFilter{Product: &product}}
	return s.listUsers(ctx, tenant, userOrder("holders", UsersByDisplayName, false), query, args)
}

func (s *Service) listUsers(ctx context.Context, tenant uuid.UUID, order paging.Order, query UserQuery, args paging.Args) (paging.Connection[*principal.User], error) {
	var c paging.Connection[*principal.User]
	build, err := query.conditions()
	if err != nil {
		return c, err
	}
	if err := args.Validate(); err != nil {
		return c, err
	}
	var views *licensing.Views
	err = s.read(ctx, tenant, query.Filter.needsGraph(), func(ctx context.Context, r reading) error {
		list, err := build(r, tenant).forPage(ctx, r, order, s.forms)
		if err != nil {
			return err
		}
		if query.Take != nil {
			views = s.licensing.NewViews()
			list.Beside, list.Scan = licensing.ViewColumns, views.Scan
		}
		c.Page, err = list.Page(ctx, r.q, args)
		return err
	})
	if views != nil && err == nil && len(c.Items) > 0 {
		err = s.take(ctx, tenant, views, query.Take)
	}
	if product := query.holdersOnly(); product != nil {
		c.Count = func(ctx context.Context) (int, error) { return s.holderCount(ctx, tenant, *product) }
		return c, err
	}
	c.Count = func(ctx context.Context) (n int, err error) {
		err = s.read(ctx, tenant, query.Filter.needsGraph(), func(ctx context.Context, r reading) error {
			n, err = build(r, tenant).forCount(order).Count(ctx, r.q)
			return err
		})
		return n, err
	}
	return c, err
}

func (s *Service) take(ctx context.Context, tenant uuid.UUID, views *licensing.Views, take func([]*licensing.UserView)) error {
	bound, err := views.Bind(ctx, tenant)
	if err == nil && bound != nil {
		take(bound)
	}
	return err
}

// holdersOnly returns the product whose holders the query asks for, where it asks for nothing
// else.
func (q UserQuery) holdersOnly() *uuid.UUID {
	product := q.Filter.Product
	if product == nil || strings.TrimSpace(q.Search) != "" || q.directIn != nil {
		return nil
	}
	f := q.Filter
	if f.Departments != nil || f.UsageLocations != nil || f.AccountEnabled != nil || f.Deleted ||
		f.Plan != nil || f.Group != nil || f.HasLicense != nil || f.HasLicenseError != nil {
		return nil
	}
	return product
}

// holderCount returns the number of holders of a product, which is kept: its seats consumed
// (R4).
func (s *Service) holderCount(ctx context.Context, tenant, product uuid.UUID) (int, error) {
	var n int64
	err := database.Each(ctx, s.db.Reader(), func(scan func(...any) error) error { return scan(&n) },
		`SELECT consumed FROM seat_counters WHERE tenant_id = $1 AND product_id = $2`, tenant, product)
	if err != nil {
		return 0, fmt.Errorf("read the number of holders: %w", err)
	}
	return paging.Count(n), nil
}

// userOrder returns an order of users, whose cursors are good for one kind of list.
func userOrder(list string, by UserOrder, descending bool) paging.Order {
	column := paging.Column{Expr: "u.display_name_key", Type: paging.Text}
	switch by {
	case UsersByPrincipalName:
		column.Expr = "u.user_principal_name_key"
	case UsersByCreation:
		column = paging.Column{Expr: "u.created_at", Type: paging.Int}
	}
	return paging.Order{
		Name: list + " by " + strings.TrimPrefix(column.Expr, "u."), Descending: descending,
		Columns: []paging.Column{column, {Expr: "u.id", Type: paging.ID}},
	}
}

// conditions checks a query and returns how to build its list.
func (q UserQuery) conditions() (func(r reading, tenant uuid.UUID) *userList, error) {
	terms, err := searchTerms(q.Search)
	if err != nil {
		return nil, err
	}
	locations, err := q.Filter.locations()
	if err != nil {
		return nil, err
	}
	return func(r reading, tenant uuid.UUID) *userList {
		l := &userList{where: &paging.Where{}, tenant: tenant, d: r.d}
		l.where.Arg(tenant) // tenantArg
		if q.then != nil {
			l.whoWere(q.then)
		} else {
			l.own(r.d, q.Filter, locations)
		}
		if terms == nil && strings.TrimSpace(q.Search) != "" {
			l.where.And("1 = 0") // signs alone begin no word
		}
		for _, term := range terms {
			l.must(wordCondition(r.d, term))
		}
		if q.directIn != nil {
			l.must(directCondition(r.d, *q.directIn))
		}
		l.licenses(r, q.Filter)
		return l
	}, nil
}

// searchTerms returns the words of a search, without those that another one begins with.
func searchTerms(search string) ([]string, error) {
	if utf8.RuneCountInString(search) > maxSearch {
		return nil, fault.New(fault.BadUserInput, "The search is longer than %d characters.", maxSearch).
			Fix("Search for the beginnings of a few words.").At("search")
	}
	var terms []string
	for _, term := range textkey.Terms(clean(search)) { // sorted: a term follows its beginnings
		if n := len(terms); n > 0 && strings.HasPrefix(term, terms[n-1]) {
			terms = terms[:n-1]
		}
		terms = append(terms, term)
	}
	if len(terms) > maxSearchWords {
		return nil, fault.New(fault.BadUserInput, "The search has %d words, more than %d.", len(terms), maxSearchWords).
			Fix("Search for the beginnings of a few words.").At("search")
	}
	return terms, nil
}

// locations returns the filter's countries in upper case.
func (f UserFilter) locations() ([]string, error) {
	if n := len(f.Departments); n > maxDepartments {
		return nil, fault.New(fault.BadUserInput, "%d departments are too many, at most %d can be given.", n, maxDepartments).At("filter", "departments")
	}
	if n := len(f.UsageLocations); n > maxUsageLocations {
		return nil, fault.New(fault.BadUserInput, "%d locations are too many, at most %d can be given.", n, maxUsageLocations).At("filter", "usageLocations")
	}
	codes := make([]string, len(f.UsageLocations))
	for i, value := range f.UsageLocations {
		code, refusal := country.Parse(value)
		if refusal != nil {
			e := refusal.At("filter", "usageLocations", i)
			e.Code = fault.BadUserInput
			return nil, e
		}
		codes[i] = code
	}
	return codes, nil
}
