package model

import (
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/operation"
)

// Operation is an operation with what clients see of it at hand.
type Operation struct{ *operation.Operation }

// RequestedBy is the name of who asked for it.
func (o *Operation) RequestedBy() string { return o.Actor.Name }

// RequestID is the request that asked for it.
func (o *Operation) RequestID() string { return o.Actor.RequestID }

// Cancellable tells whether it can still be cancelled.
func (o *Operation) Cancellable() bool { return !o.State.Ended() }

// Progress is how far it has come; nil before it begins.
func (o *Operation) Progress() *OperationProgress {
	if o.Operation.Progress == nil {
		return nil
	}
	p := &OperationProgress{Phase: o.Operation.Progress.Phase, Done: o.Operation.Progress.Done}
	if total := o.Operation.Progress.Total; total > 0 {
		p.Total = &total
	}
	return p
}

// OperationProgress is how far an operation has come.
type OperationProgress struct {
	Phase licensing.Phase
	Done  int64
	Total *int64 // nil where it is not known
}

// OperationFailure is why an operation failed, where that is not about its input.
type OperationFailure struct {
	Code        string
	Message     locale.Text
	Remediation *locale.Text
}

// NewOperationFailure shows a failure; nil where there is none.
func NewOperationFailure(e *fault.Error) *OperationFailure {
	if e == nil {
		return nil
	}
	message, remediation := e.Texts()
	shown := &OperationFailure{Code: string(e.Code), Message: message}
	if !remediation.IsZero() {
		shown.Remediation = &remediation
	}
	return shown
}

// OperationResult is what became of one principal or member.
type OperationResult struct {
	GroupID     *string
	PrincipalID string // as the input gave it
	Changed     bool
	UserErrors  []*UserError
}

// CancelOperationPayload answers the cancelling of an operation.
type CancelOperationPayload struct {
	Changed          bool
	Operation        *Operation
	UserErrors       []*UserError
	ClientMutationID *string
}
