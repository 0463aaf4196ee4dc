package model

import "github.com/licensegraph/licensegraph/internal/audit"

// AuditEvent is an event with its actor's parts at hand.
type AuditEvent struct{ *audit.Event }

// ActorKind is what kind of actor made the change.
func (e *AuditEvent) ActorKind() audit.ActorKind { return e.Event.Actor.Kind }

// Actor is the actor's name.
func (e *AuditEvent) Actor() string { return e.Event.Actor.Name }

// Action is what was done, one of a closed list.
func (e *AuditEvent) Action() string { return string(e.Event.Action) }

// Hash is the event's hash in hex; nil for one from before there was a chain.
func (e *AuditEvent) Hash() *string {
	if e.Event.Hash.IsZero() {
		return nil
	}
	text := e.Event.Hash.String()
	return &text
}

// RequestID is the request that made the change; nil outside a request.
func (e *AuditEvent) RequestID() *string {
	if e.Event.Actor.RequestID == "" {
		return nil
	}
	return &e.Event.Actor.RequestID
}
