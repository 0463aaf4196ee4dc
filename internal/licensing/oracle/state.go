// Package oracle is a second, deliberately naive telling of the licensing
// rules: one whole tenant in memory, every question answered by walking
// everything, every operation judged from the state before it and the change
// alone (R5). It shares no code with the product. Property tests apply the
// same operations to the product and to a State and compare the two after
// each: where they differ, one of them misreads a rule, and the rule's number
// with the reading taken stands here at the place of the decision.
//
// Users, groups, products, plans and subscriptions share one space of ids: no
// two things may bear the same one.
package oracle

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/google/uuid"
)

// ID names anything in a State. Ids are ordered by their bytes.
type ID = uuid.UUID

// Set is a set of ids: its keys, all of whose values are true.
type Set map[ID]bool

// SetOf returns the set of the given ids.
func SetOf(ids ...ID) Set {
	set := Set{}
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// Sorted returns the members in id order.
func (s Set) Sorted() []ID {
	return slices.SortedFunc(maps.Keys(s), compareIDs)
}

func compareIDs(a, b ID) int { return bytes.Compare(a[:], b[:]) }

// Code says why something was refused or not admitted, in the API's words.
// The empty Code means that nothing is wrong.
type Code string

// The codes that an operation or a violation of this model can bear.
const (
	NotFound           Code = "NOT_FOUND"
	InvalidValue       Code = "INVALID_VALUE"
	PlanNotInProduct   Code = "PLAN_NOT_IN_PRODUCT"
	DuplicateValue     Code = "DUPLICATE_VALUE"
	Required           Code = "REQUIRED"
	NoSubscription     Code = "NO_SUBSCRIPTION"
	CountViolation     Code = "COUNT_VIOLATION"
	GroupSeatLimit     Code = "GROUP_SEAT_LIMIT"
	MutuallyExclusive  Code = "MUTUALLY_EXCLUSIVE_VIOLATION"
	Dependency         Code = "DEPENDENCY_VIOLATION"
	Prohibited         Code = "PROHIBITED_IN_USAGE_LOCATION_VIOLATION"
	LocationRequired   Code = "USAGE_LOCATION_REQUIRED"
	LicenseIsInherited Code = "LICENSE_IS_INHERITED"
	GroupHasLicenses   Code = "GROUP_HAS_LICENSES"
	GroupCycle         Code = "GROUP_CYCLE"
	SeatsBelowConsumed Code = "SEATS_BELOW_CONSUMED"
	Unconfirmed        Code = "CONFIRMATION_REQUIRED"
	NotApplied         Code = "NOT_APPLIED"
)

// User is what licensing needs to know of a user.
type User struct {
	Deleted   bool   // soft-deleted: memberships and assignments stay, sources do not (R1, R19)
	DeletedAt int64  // the instant of the change that deleted
	Location  string // usageLocation; empty: the tenant's country is judged (R11)
}

// Location says in which countries a plan may be used (R11): where Allowed has
// any, in these only; never in those of Prohibited.
type Location struct{ Allowed, Prohibited []string }

// Membership says that a user is a first-level member of a group.
type Membership struct{ Group, User ID }

// Nesting says that every member of Child counts as a member of Parent.
type Nesting struct{ Parent, Child ID }

// Subscription is a purchase of seats. Its dates are not modelled: what they
// lead to are changes of status (R16).
type Subscription struct {
	Product   ID
	Seats     *int   // nil: unlimited (R14)
	Status    string // empty: ENABLED
	Cancelled bool
}

// Live: neither to come nor over (R16).
func (x Subscription) Live() bool { return !x.Cancelled && x.Status != "SCHEDULED" }

// Counts: its units are part of the total (R14, R16).
func (x Subscription) Counts() bool {
	return !x.Cancelled && (x.Status == "" || x.Status == "ENABLED" || x.Status == "WARNING")
}

// AssignmentKey names an assignment: there is one per principal and product.
type AssignmentKey struct{ Principal, Product ID }

// Assignment gives a product to a principal, a user or a group.
type Assignment struct {
	Selection     Selection
	IncludeNested bool
	Priority      int   // of those who wait, the higher go first (R5)
	SeatLimit     *int  // how many users may have it (R8); nil: any number
	SeatReserve   int   // seats are kept until so many users have it (R8)
	Excludes      Set   // groups whose members it does not reach (R1); never written once it is stored
	CreatedAt     int64 // the instant of the change that made it
	Scheduled     bool  // it has not begun, and is nobody's source (R1)
	StartsAt      int64 // when it begins, where it is scheduled
	EndsAt        int64 // when it ends; 0: never
}

// RowKey names what a violation is about: an assignment as it reaches one user
// (a source), or one plan of it.
type RowKey struct {
	User, Principal, Product ID
	Plan                     ID // uuid.Nil: the whole source
}

// Whole reports whether the key names a source as a whole.
func (k RowKey) Whole() bool { return k.Plan == uuid.Nil }

func (k RowKey) assignment() AssignmentKey { return AssignmentKey{k.Principal, k.Product} }

func (k RowKey) direct() bool { return k.Principal == k.User }

func compareRowKeys(a, b RowKey) int {
	return cmp.Or(
		compareIDs(a.User, b.User), compareIDs(a.Principal, b.Principal),
		compareIDs(a.Product, b.Product), compareIDs(a.Plan, b.Plan),
	)
}

// Violation is the value of an exception row.
type Violation struct {
	Code  Code
	Since int64 // the instant at which the waiting began; kept when the code changes (R5)
}

// Row is an exception row: a source or plan that was not admitted.
type Row struct {
	RowKey
	Violation
}

// State is one tenant with its catalogue: facts, and the exceptions to them. A
// source whose product has a live subscription and which has no whole row is
// admitted. Fill it directly, or by operations on New's result.
type State struct {
	Users         map[ID]User
	Groups        Set
	Memberships   map[Membership]bool
	Nestings      map[Nesting]bool
	Products      map[ID]Set // the plans of each product
	Exclusions    []Set      // of each set at most one plan may be on for a user (R9)
	Requires      map[ID]Set // a plan → those of which it needs any one (R10)
	Locations     map[ID]Location
	Automatic     Set    // plans that take part in no check (R7)
	Country       string // the tenant's
	LossThreshold int
	Subscriptions map[ID]Subscription
	Assignments   map[AssignmentKey]Assignment
	Violations    map[RowKey]Violation
}

// New returns a tenant with nothing in it.
func New() *State {
	return &State{
		Users:         map[ID]User{},
		Groups:        Set{},
		Memberships:   map[Membership]bool{},
		Nestings:      map[Nesting]bool{},
		Products:      map[ID]Set{},
		Requires:      map[ID]Set{},
		Locations:     map[ID]Location{},
		Automatic:     Set{},
		Country:       "NL",
		LossThreshold: 100,
		Subscriptions: map[ID]Subscription{},
		Assignments:   map[AssignmentKey]Assignment{},
		Violations:    map[RowKey]Violation{},
	}
}

// Clone returns a copy that shares nothing that an operation writes.
func (s *State) Clone() *State {
	c := *s
	c.Users = maps.Clone(s.Users)
	c.Groups = maps.Clone(s.Groups)
	c.Memberships = maps.Clone(s.Memberships)
	c.Nestings = maps.Clone(s.Nestings)
	c.Products = maps.Clone(s.Products)
	c.Exclusions = slices.Clone(s.Exclusions)
	c.Requires = maps.Clone(s.Requires)
	c.Locations = maps.Clone(s.Locations)
	c.Automatic = maps.Clone(s.Automatic)
	c.Subscriptions = maps.Clone(s.Subscriptions)
	c.Assignments = maps.Clone(s.Assignments)
	c.Violations = maps.Clone(s.Violations)
	return &c
}

// Rows returns the exception rows ordered by user, principal, product and plan
// (a whole row before those of its plans).
func (s *State) Rows() []Row {
	rows := make([]Row, 0, len(s.Violations))
	for k, v := range s.Violations {
		rows = append(rows, Row{k, v})
	}
	slices.SortFunc(rows, func(a, b Row) int { return compareRowKeys(a.RowKey, b.RowKey) })
	return rows
}
