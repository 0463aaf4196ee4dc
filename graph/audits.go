package graph

import (
	"context"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/graph/loaders"
	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// auditEvents lists the tenant's changes. What they name is read together.
//
// Errors: BAD_USER_INPUT.
func (r *queryResolver) auditEvents(ctx context.Context, args paging.Args) (*model.AuditEventConnection, error) {
	page, err := r.audit.Page(ctx, tenantOf(ctx), args)
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
		Count: func(ctx context.Context) (int, error) { return r.audit.Count(ctx, tenantOf(ctx)) },
	}), nil
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
