package licensing

import (
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// Product and Plan are the catalogue's types, as the tenant graph holds them.
type (
	Product = tenantgraph.Product
	Plan    = tenantgraph.Plan
)

// Assignment gives a product to one principal: exactly one of UserID and GroupID is set.
type Assignment struct {
	ID            uuid.UUID
	UserID        *uuid.UUID
	GroupID       *uuid.UUID
	Product       *Product
	Selection     Selection
	IncludeNested bool
	Status        AssignmentStatus
	StartsAt      *clock.Instant // when it begins by the clock, or began so; nil: at once
	EndsAt        *clock.Instant // when it ends by the clock; nil: never
	Priority      int            // MinPriority to MaxPriority; of those who wait, the higher go first (R5)
	SeatLimit     *int           // how many users may have it through the group; nil: any number (R8)
	SeatReserve   int            // seats are kept until so many users have it through the group (R8)
	// ExcludedGroups are those whose members do not get it (R1), by name, then id.
	ExcludedGroups []*principal.Group
	CreatedAt      clock.Instant
	UpdatedAt      clock.Instant
	Version        int
}

// AssignmentStatus is whether an assignment is in effect (R1). It is stored: an assignment begins
// and ends by a change, as a subscription does (R16).
type AssignmentStatus string

// The statuses of an assignment. A scheduled one is a fact without effect until it starts.
const (
	AssignmentScheduled AssignmentStatus = "SCHEDULED"
	AssignmentActive    AssignmentStatus = "ACTIVE"
)

// NodeID is the assignment's TypeID.
func (a *Assignment) NodeID() string { return id.Format(id.Assignment, a.ID) }

// SelectionMode is how an assignment chooses among its product's plans (R2).
type SelectionMode = tenantgraph.Mode

// Selection is the plan selection of an assignment, for reading.
type Selection struct {
	Mode SelectionMode

	named []uuid.UUID // plans
	graph *tenantgraph.Graph
}

// Subscription is a purchase of seats of a product; Seats nil is unlimited.
type Subscription struct {
	ID        uuid.UUID
	Product   *Product
	Seats     *int
	Status    SubscriptionStatus
	StartsAt  clock.Instant
	RenewsAt  *clock.Instant // told by whoever bought it; nothing happens then
	EndsAt    *clock.Instant // when it expires, or was cancelled
	CreatedAt clock.Instant
	UpdatedAt clock.Instant
	Version   int
}

// NodeID is the subscription's TypeID.
func (s *Subscription) NodeID() string { return id.Format(id.Subscription, s.ID) }

// SubscriptionStatus is stored; its transitions are changes (R16).
type SubscriptionStatus string

// The statuses of a subscription. Scheduled and cancelled ones are not live; units count in
// the total where it is enabled or in warning.
const (
	SubscriptionScheduled SubscriptionStatus = "SCHEDULED"
	SubscriptionEnabled   SubscriptionStatus = "ENABLED"
	SubscriptionWarning   SubscriptionStatus = "WARNING"
	SubscriptionSuspended SubscriptionStatus = "SUSPENDED"
	SubscriptionLockedOut SubscriptionStatus = "LOCKED_OUT"
	SubscriptionCancelled SubscriptionStatus = "CANCELLED"
)

// Capability is what holders of a product can do with it: its best subscription's status.
type Capability string

// The capabilities of a product.
const (
	CapabilityEnabled   Capability = "ENABLED"
	CapabilityWarning   Capability = "WARNING"
	CapabilitySuspended Capability = "SUSPENDED"
	CapabilityLockedOut Capability = "LOCKED_OUT"
	CapabilityNone      Capability = "NONE"
)

// Usable tells whether holders of a product can use it.
func (c Capability) Usable() bool { return c == CapabilityEnabled || c == CapabilityWarning }

// SeatCounts are the units and users of one product of a tenant (R14). Total and Available
// are nil where a live subscription is unlimited; Available may be negative. Reserved are those
// left that only members of groups can take (R8).
type SeatCounts struct {
	Total     *int
	Consumed  int
	Reserved  int
	Available *int
	Waiting   int // users with a COUNT_VIOLATION
	InError   int // users with any violation of the product
	Enabled   int
	Warning   int
	Suspended int
	LockedOut int
}

// SubscribedProduct is a product that the tenant has, or had, a subscription of.
type SubscribedProduct struct {
	Product       *Product
	Capability    Capability
	Seats         SeatCounts
	Subscriptions []*Subscription
}

// LicenseStatus is the state of an effective license or of one source of it.
type LicenseStatus string

// The states. ACTIVE_WITH_ERROR: something of it is withheld or waits, the rest is on.
const (
	StatusActive          LicenseStatus = "ACTIVE"
	StatusActiveWithError LicenseStatus = "ACTIVE_WITH_ERROR"
	StatusError           LicenseStatus = "ERROR"
)

// EffectiveLicense is what one user has of one product, and why.
type EffectiveLicense struct {
	Product      *Product
	Status       LicenseStatus
	Capability   Capability
	ConsumesSeat bool
	Since        clock.Instant
	Sources      []*Source // direct ones first, then by group

	parts []part // beside Sources
}

// EffectivePlan is one plan of the product for the user, with its proof.
type EffectivePlan struct {
	Plan       *Plan
	Enabled    bool
	EnabledBy  []*Source
	DisabledBy []*Source // sources whose selection leaves it off
	WithheldBy []*Source // sources that select it but could not switch it on
}

// SourceKind is where a source comes from.
type SourceKind string

// The kinds of sources.
const (
	SourceDirect    SourceKind = "DIRECT"
	SourceGroup     SourceKind = "GROUP"
	SourceAutomatic SourceKind = "AUTOMATIC" // a plan that comes to everybody (R7): no assignment, no product
)

// Source is an assignment as it reaches one user.
type Source struct {
	Kind       SourceKind
	Assignment *Assignment        // nil when automatic, and for an assignment that a dry run would create
	Group      *principal.Group   // the group that has the assignment; nil when direct
	Path       []*principal.Group // from that group down to the one the user is a direct member of
	State      LicenseStatus
	Errors     []*LicenseError
	Since      clock.Instant
}

// LicenseError is one reason why a source, or one plan of it, is not in effect for a user.
type LicenseError struct {
	Code    fault.Code
	UserID  uuid.UUID
	Product *Product
	Plan    *Plan // nil: the whole source
	Source  *Source
	Since   clock.Instant
	Details any // *SeatDetails, *GroupSeatDetails, *ExclusionDetails, *DependencyDetails, *LocationDetails or nil

	idle       int       // of a COUNT_VIOLATION: units that do not count, known before its details are read
	limit      int       // of a GROUP_SEAT_LIMIT, likewise
	assignment uuid.UUID // whose limit it is
}

// SeatDetails are the facts of a COUNT_VIOLATION or of a refusal for lack of seats. Reserved are
// seats left that only members of groups with a reserve can take. Place is
// the number of waiting users ahead, plus one; nil where nobody waits (a refusal).
type SeatDetails struct {
	Product   *Product
	Total     *int
	Consumed  int
	Reserved  int
	Suspended int
	LockedOut int
	Place     *int
}

// GroupSeatDetails are the facts of a GROUP_SEAT_LIMIT: how many users may have the product through
// the group, and how many have.
type GroupSeatDetails struct {
	Product *Product
	Group   *principal.Group
	Limit   int
	Used    int
}

// ExclusionDetails are the facts of a MUTUALLY_EXCLUSIVE_VIOLATION.
type ExclusionDetails struct {
	ExclusionSet string
	Plan         *Plan
	Product      *Product
	OtherPlan    *Plan
	OtherProduct *Product
	OtherSources []*Source
}

// DependencyDetails are the facts of a DEPENDENCY_VIOLATION: the plan, and those of which it
// needs any one.
type DependencyDetails struct {
	Plan          *Plan
	Product       *Product
	RequiresAnyOf []*tenantgraph.Plan
}

// LocationDetails are the facts of a PROHIBITED_IN_USAGE_LOCATION_VIOLATION: the country that
// was judged, and whose it is.
type LocationDetails struct {
	Plan    *Plan
	Country string
	Origin  LocationOrigin
}

// LocationOrigin is where a judged country comes from (R11).
type LocationOrigin string

// The origins of a country.
const (
	LocationOfUser   LocationOrigin = "USER"
	LocationOfTenant LocationOrigin = "TENANT"
)

// LossDetails are the facts of CONFIRMATION_REQUIRED: how many users would lose a product
// without another one that the same call adds, and how many may without being asked (R27).
type LossDetails struct {
	UsersLosing int
	Threshold   int
}

// InheritedDetails name the groups that a license comes from.
type InheritedDetails struct{ Groups []*principal.Group }

// GroupLicensesDetails name the products a group has assignments of.
type GroupLicensesDetails struct{ Products []*tenantgraph.Product }

// CycleDetails is the chain of groups, from the new parent down to itself, that a nesting
// would close.
type CycleDetails struct{ Path []*principal.Group }

// PlanDecision answers whether a user may use a plan.
type PlanDecision struct {
	Allowed   bool
	Reason    DecisionReason
	EnabledBy []*Source
}

// DecisionReason is the first that holds, in the order of the constants.
type DecisionReason string

// The reasons of a decision.
const (
	DecisionEnabled          DecisionReason = "ENABLED"
	DecisionAccountDisabled  DecisionReason = "ACCOUNT_DISABLED"
	DecisionProductNotUsable DecisionReason = "PRODUCT_NOT_USABLE"
	DecisionSourceInError    DecisionReason = "SOURCE_IN_ERROR"
	DecisionPlanOff          DecisionReason = "PLAN_OFF"
	DecisionNotLicensed      DecisionReason = "NOT_LICENSED"
)

// Waiting is a user in line for a seat of a product.
type Waiting struct {
	UserID  uuid.UUID
	Place   int
	Since   clock.Instant
	Sources []*Source

	inherited bool // with UserID and Since, the place in WaitingOrder
	rank      int64
	created   clock.Instant
	principal uuid.UUID
}

// Verification is the result of checking R17 and the audit log (R28).
type Verification struct {
	VerifiedAt    clock.Instant
	UsersChecked  int
	EventsChecked int // of the audit log
	Problems      []Problem
}

// OK tells whether nothing was found.
func (v *Verification) OK() bool { return len(v.Problems) == 0 }

// Problem is one place where the stored state does not hold R17 or R28.
type Problem struct {
	Rule    string // "R17" and the like
	Message string
	UserID  *uuid.UUID
	Product *Product
}
