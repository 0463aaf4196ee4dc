// Package principal holds the plain types of those a product can be assigned to: users and
// groups. It belongs to no domain, so that the directory, which changes them, and licensing,
// which reads them in the same statement as their licenses, share one type.
package principal

import (
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/id"
)

// UserType says whether a person belongs to the organisation.
type UserType string

// The user types.
const (
	Member UserType = "MEMBER"
	Guest  UserType = "GUEST"
)

// User is a person of a tenant.
type User struct {
	ID                uuid.UUID
	UserPrincipalName string
	DisplayName       string
	Mail              *string
	Department        *string
	JobTitle          *string
	UsageLocation     *string // ISO 3166-1 alpha-2, upper case
	UserType          UserType
	AccountEnabled    bool
	ExternalID        *string
	CreatedAt         clock.Instant
	UpdatedAt         clock.Instant
	DeletedAt         *clock.Instant // soft-deleted since
	RestoredAt        *clock.Instant // last restored at
	Version           int            // rises with the user's own fields and direct assignments
}

// NodeID is the user's TypeID.
func (u *User) NodeID() string { return id.Format(id.User, u.ID) }

// GroupKind is what makes someone a member of a group.
type GroupKind string

// Assigned groups have the members that they were given.
const Assigned GroupKind = "ASSIGNED"

// Group is a set of users and of groups nested in it.
type Group struct {
	ID          uuid.UUID
	DisplayName string
	Description *string
	ExternalID  *string
	CreatedAt   clock.Instant
	UpdatedAt   clock.Instant
	Version     int // rises with the group's own fields, assignments and nestings, not with members
}

// NodeID is the group's TypeID.
func (g *Group) NodeID() string { return id.Format(id.Group, g.ID) }

// Kind is what makes someone a member of the group.
func (g *Group) Kind() GroupKind { return Assigned }
