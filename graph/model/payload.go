package model

import (
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// Payload is what every mutation answers.
type Payload struct {
	Changed          bool
	DryRun           bool
	Impact           *licensing.Impact
	UserErrors       []*UserError
	ClientMutationID *string
	Operation        *Operation // that makes the change; nil where the mutation does
}

// UserPayload answers a mutation of a user.
type UserPayload struct {
	Payload
	User *principal.User
}

// GroupPayload answers a mutation of a group.
type GroupPayload struct {
	Payload
	Group *principal.Group
}

// MembersPayload answers a change of groups' members.
type MembersPayload struct {
	Payload
	Groups  []*principal.Group
	Results []*MemberResult
}

// MemberResult is what became of one member of the input.
type MemberResult struct {
	GroupID    string // as the input gave it
	MemberID   string // as the input gave it
	Changed    bool
	UserErrors []*UserError
}

// AssignPayload answers an assignment of licenses.
type AssignPayload struct {
	Payload
	Results []*AssignmentResult
}

// AssignmentResult is what became of one principal of the input.
type AssignmentResult struct {
	PrincipalID string                  // as the input gave it
	Ref         *licensing.PrincipalRef // nil where there is no such principal
	Changed     bool
	Assignments []*licensing.Assignment
	UserErrors  []*UserError
}

// SubscriptionPayload answers a mutation of a subscription.
type SubscriptionPayload struct {
	Payload
	Subscription      *licensing.Subscription
	SubscribedProduct *licensing.SubscribedProduct
}

// UserError is one thing that is wrong with the input of a mutation.
type UserError struct {
	Code        fault.Code
	Message     locale.Text
	Remediation *locale.Text
	Path        []string // within the input
	Details     ErrorDetails
}

// NewUserError shows a refusal, with path elements put in front of its own.
func NewUserError(e *fault.Error, path ...any) *UserError {
	e = e.At(path...)
	message, remediation := e.Texts()
	shown := &UserError{Code: e.Code, Message: message, Path: e.Path, Details: e.Details}
	if !remediation.IsZero() {
		shown.Remediation = &remediation
	}
	return shown
}
