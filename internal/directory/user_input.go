package directory

import (
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// maxLicenses bounds the products that a user is created with.
const maxLicenses = 100

// CreateUserInput is a new user.
type CreateUserInput struct {
	UserPrincipalName string // unique among undeleted users, compared folded (R18)
	DisplayName       string
	Mail              *string
	Department        *string
	JobTitle          *string
	UsageLocation     *string // ISO 3166-1 alpha-2, in any letter case
	UserType          principal.UserType
	AccountEnabled    bool
	ExternalID        *string
	Licenses          []licensing.LicenseInput // given directly; one that is refused refuses the user
	DryRun            bool
}

// Validate checks each field on its own.
//
// Errors: INVALID_VALUE and TOO_MANY with the path of the field; all of them, joined.
func (in CreateUserInput) Validate() error {
	var r refusals
	r.add("userPrincipalName", principalName(in.UserPrincipalName))
	r.add("displayName", displayName(in.DisplayName))
	r.add("userType", userType(in.UserType))
	r.fields(in.Mail, in.Department, in.JobTitle, in.UsageLocation, in.ExternalID)
	if n := len(in.Licenses); n > maxLicenses {
		r.add("licenses", fault.New(fault.TooMany, "%d licenses are too many for one call.", n).Fix("Give at most %d.", maxLicenses))
	}
	return r.err()
}

// fields checks what a user may have or not.
func (r *refusals) fields(address, department, jobTitle, location, externalID *string) {
	r.clearable("mail", address, mail)
	r.clearable("department", department, optionalText("department", maxText))
	r.clearable("jobTitle", jobTitle, optionalText("jobTitle", maxText))
	r.clearable("usageLocation", location, usageLocation)
	r.clearable("externalId", externalID, optionalText("externalId", maxText))
}

func userType(t principal.UserType) *fault.Error {
	if t == principal.Member || t == principal.Guest {
		return nil
	}
	return fault.New(fault.InvalidValue, "%s is not a type of users.", fault.Quote(string(t))).
		Fix("Give %s or %s.", principal.Member, principal.Guest)
}

func (in CreateUserInput) user(key uuid.UUID) *principal.User {
	return &principal.User{
		ID: key, UserPrincipalName: in.UserPrincipalName, DisplayName: in.DisplayName, Mail: in.Mail, Department: in.Department,
		JobTitle: in.JobTitle, UsageLocation: upperCase(in.UsageLocation), UserType: in.UserType, AccountEnabled: in.AccountEnabled,
		ExternalID: in.ExternalID, Version: 1,
	}
}

// UpdateUserInput changes a user's own fields: absent keeps, null clears (R24).
type UpdateUserInput struct {
	ID                uuid.UUID
	UserPrincipalName optional.Optional[string] // null is REQUIRED
	DisplayName       optional.Optional[string] // null is REQUIRED
	Mail              optional.Optional[string]
	Department        optional.Optional[string]
	JobTitle          optional.Optional[string]
	UsageLocation     optional.Optional[string]
	UserType          optional.Optional[principal.UserType] // null is REQUIRED
	AccountEnabled    optional.Optional[bool]               // null is REQUIRED
	ExternalID        optional.Optional[string]
	ExpectedVersion   *int
	DryRun            bool
	// AcknowledgeLosses is how many users the caller knows may lose a product (R27): a new
	// usageLocation can bar what the user has (R11).
	AcknowledgeLosses *int
}

// Validate checks each field on its own.
//
// Errors: REQUIRED and INVALID_VALUE with the path of the field; all of them, joined.
func (in UpdateUserInput) Validate() error {
	var r refusals
	r.value("userPrincipalName", in.UserPrincipalName, principalName)
	r.value("displayName", in.DisplayName, displayName)
	if in.UserType.Null() {
		r.add("userType", required("userType"))
	} else if in.UserType.Set {
		r.add("userType", userType(*in.UserType.Value))
	}
	if in.AccountEnabled.Null() {
		r.add("accountEnabled", required("accountEnabled"))
	}
	r.fields(in.Mail.Value, in.Department.Value, in.JobTitle.Value, in.UsageLocation.Value, in.ExternalID.Value)
	return r.err()
}

// apply returns the user as the input has it.
func (in UpdateUserInput) apply(before *principal.User) *principal.User {
	after := *before
	after.UserPrincipalName = *in.UserPrincipalName.Or(&before.UserPrincipalName)
	after.DisplayName = *in.DisplayName.Or(&before.DisplayName)
	after.Mail = in.Mail.Or(before.Mail)
	after.Department = in.Department.Or(before.Department)
	after.JobTitle = in.JobTitle.Or(before.JobTitle)
	after.UsageLocation = upperCase(in.UsageLocation.Or(before.UsageLocation))
	after.UserType = *in.UserType.Or(&before.UserType)
	after.AccountEnabled = *in.AccountEnabled.Or(&before.AccountEnabled)
	after.ExternalID = in.ExternalID.Or(before.ExternalID)
	return &after
}

// DeleteUserInput names a user to delete.
type DeleteUserInput struct {
	ID              uuid.UUID
	ExpectedVersion *int
	DryRun          bool
	// AcknowledgeLosses is how many users the caller knows may lose a product (R27).
	AcknowledgeLosses *int
}

// RestoreUserInput names a user to restore.
type RestoreUserInput struct {
	ID     uuid.UUID
	DryRun bool
}
