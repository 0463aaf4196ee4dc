// Package access is who may do what: the roles, the API tokens that carry them, and the
// question whether the caller of a request has the right to a change.
//
// Every role reads everything of its tenant. What lies outside the tenant looks absent, so
// there is no right to refuse for it.
package access

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/locale"
)

// Role is a set of rights within one tenant.
type Role string

// The roles.
const (
	GlobalAdmin  Role = "GLOBAL_ADMIN"  // changes everything
	LicenseAdmin Role = "LICENSE_ADMIN" // assigns and reprocesses, for users and groups
	UserAdmin    Role = "USER_ADMIN"    // users and their direct licenses, no groups
	GlobalReader Role = "GLOBAL_READER" // changes nothing
)

// Roles lists all roles, the most powerful first.
func Roles() []Role { return []Role{GlobalAdmin, LicenseAdmin, UserAdmin, GlobalReader} }

// ParseRole reads a role's name, exactly as it is written.
//
// The refusal is INVALID_VALUE and lists the roles.
func ParseRole(name string) (Role, *fault.Error) {
	if r := Role(name); slices.Contains(Roles(), r) {
		return r, nil
	}
	return "", fault.New(fault.InvalidValue, "%s is not a role.", fault.Quote(name)).
		Fix("Give one of %s.", locale.And(Roles()...))
}

// Permission is the right to one kind of change.
type Permission byte

// The permissions.
const (
	ManageUsers         Permission = iota // create, update, delete and restore users
	ManageGroups                          // groups, their members and their nesting
	AssignToUsers                         // licenses of users' own
	AssignToGroups                        // licenses of groups
	Reprocess                             // try again what is in error
	ManageSubscriptions                   // subscriptions and their seats
)

// holders are the roles that have a permission; GLOBAL_ADMIN has them all.
var holders = map[Permission][]Role{
	ManageUsers:         {GlobalAdmin, UserAdmin},
	ManageGroups:        {GlobalAdmin},
	AssignToUsers:       {GlobalAdmin, LicenseAdmin, UserAdmin},
	AssignToGroups:      {GlobalAdmin, LicenseAdmin},
	Reprocess:           {GlobalAdmin, LicenseAdmin},
	ManageSubscriptions: {GlobalAdmin},
}

// purposes complete "The right to …".
var purposes = map[Permission]locale.Text{
	ManageUsers:         locale.T("change users"),
	ManageGroups:        locale.T("change groups and their members"),
	AssignToUsers:       locale.T("assign licenses to users"),
	AssignToGroups:      locale.T("assign licenses to groups"),
	Reprocess:           locale.T("reprocess licenses"),
	ManageSubscriptions: locale.T("change subscriptions"),
}

// Access is what a verified token gives: one tenant, and roles in it.
type Access struct {
	TenantID  uuid.UUID
	TokenID   uuid.UUID
	Name      string // the token's
	Roles     []Role
	ExpiresAt *clock.Instant
}

// May tells whether the roles include a permission.
func (a *Access) May(p Permission) bool {
	return slices.ContainsFunc(holders[p], func(r Role) bool { return slices.Contains(a.Roles, r) })
}

type contextKey struct{}

// With puts the caller's access into a context.
func With(ctx context.Context, a *Access) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

// From returns the caller's access; ok is false where nobody was let in.
func From(ctx context.Context) (a *Access, ok bool) {
	a, ok = ctx.Value(contextKey{}).(*Access)
	return a, ok && a != nil
}

// Require returns nil where the caller has a permission.
//
// Errors: UNAUTHENTICATED without a caller; FORBIDDEN naming the right and the roles that
// have it.
func Require(ctx context.Context, p Permission) *fault.Error {
	a, ok := From(ctx)
	if !ok {
		return unauthenticated(nil)
	}
	if a.May(p) {
		return nil
	}
	return fault.New(fault.Forbidden, "This token has the role %s, which does not include the right to %s.",
		locale.And(a.Roles...), purposes[p]).
		Fix("Use a token with the role %s.", locale.Or(holders[p]...))
}
