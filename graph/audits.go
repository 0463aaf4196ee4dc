package graph

import (
	"context"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/graph/loaders"
	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// auditEvents lists the tenant's changes. What they name is read together.
//
// Errors: BAD_USER_INPUT.
func (r *queryResolver) auditEvents(ctx context.Context, in *model.AuditEventFilter, args paging.Args) (*model.AuditEventConnection, error) {
	filter, err := auditFilter(in)
	if err != nil {
		return nil, err
	}
	page, err := r.audit.Page(ctx, tenantOf(ctx), filter, args)
	if err != nil {
		return nil, err
	}
	var named []loaders.Ref
	for _, e := range page.Items {
		if e.CauseID != nil {
			named = append(named, loaders.Ref{Kind: id.Audit, ID: *e.CauseID})
		}
		for _, s := range e.Subjects {
			if kind, key, err := id.ParseAny(s.ID); err == nil {
				named = append(named, loaders.Ref{Kind: kind, ID: key})
			}
		}
	}
	load(ctx).Expect(named)
	return model.NewConnection(paging.Connection[*model.AuditEvent]{
		Page:  paging.Map(page, func(e *audit.Event) *model.AuditEvent { return &model.AuditEvent{Event: e} }),
		Count: func(ctx context.Context) (int, error) { return r.audit.Count(ctx, tenantOf(ctx), filter) },
	}), nil
}

// maxActions is how many actions a filter takes.
const maxActions = 100

// auditFilter reads a filter of audit events.
//
// Errors: BAD_USER_INPUT with the path of the argument.
func auditFilter(in *model.AuditEventFilter) (audit.Filter, error) {
	if in == nil {
		return audit.Filter{}, nil
	}
	f := audit.Filter{Actor: in.Actor.Value(), ActorKind: in.ActorKind.Value(), Since: in.Since.Value(), Until: in.Until.Value()}
	if text := in.PrincipalID.Value(); text != nil {
		kind, key, err := id.ParseAny(*text)
		if err == nil && kind != id.User && kind != id.Group {
			err = id.NotPrincipal(kind)
		}
		if err != nil {
			return f, malformedArgument(err, "filter", "principalId")
		}
		f.Named = append(f.Named, id.Format(kind, key))
	}
	for _, one := range []struct {
		kind id.Kind
		text *string
		name string
	}{{id.Product, in.ProductID.Value(), "productId"}, {id.Group, in.GroupID.Value(), "groupId"}} {
		key, err := optionalID(one.kind, one.text, "filter", one.name)
		if err != nil {
			return f, err
		}
		if key != nil {
			f.Named = append(f.Named, id.Format(one.kind, *key))
		}
	}
	texts := in.Actions.Value()
	if len(texts) > maxActions {
		return f, fault.New(fault.BadUserInput, "%d actions are too many, at most %d can be given.", len(texts), maxActions).At("filter", "actions")
	}
	if texts != nil {
		f.Actions = []audit.Action{}
	}
	for i, text := range texts {
		action, err := audit.ParseAction(text)
		if err != nil {
			return f, fault.Wrap(err, fault.BadUserInput, "%s is no action of the audit log.", fault.Quote(text)).
				Fix("Take one that AuditEvent.action lists.").At("filter", "actions", i)
		}
		f.Actions = append(f.Actions, action)
	}
	return f, nil
}

// eventOf returns an audit event; nil where there is none.
func eventOf(ctx context.Context, key *uuid.UUID) (*model.AuditEvent, error) {
	if key == nil {
		return nil, nil //nolint:nilnil // no event
	}
	e, err := load(ctx).Event(ctx, *key)
	if e == nil {
		return nil, err
	}
	return &model.AuditEvent{Event: e}, nil
}

// verify checks the tenant. Whom the problems concern is read together.
func (r *queryResolver) verify(ctx context.Context) (*licensing.Verification, error) {
	report, err := r.licensing.Verify(ctx, tenantOf(ctx), nil)
	if err != nil {
		return nil, err
	}
	var concerned []loaders.Ref
	for _, p := range report.Problems {
		if p.UserID != nil {
			concerned = append(concerned, loaders.Ref{Kind: id.User, ID: *p.UserID})
		}
	}
	load(ctx).Expect(concerned)
	return report, nil
}
