package licensing

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// soon is how far ahead ExpiringAssignments looks, where nothing else is asked for.
const soon = 30 * 24 * time.Hour

// ExpiringFilter narrows ExpiringAssignments.
type ExpiringFilter struct {
	Until   *clock.Instant // nil: 30 days from now
	Product *uuid.UUID
}

// ExpiringAssignments lists the assignments, to users and groups, that end until an instant: by
// their end, then by id. Those that have not begun are among them, those of deleted users are not.
//
// Errors: BAD_USER_INPUT for wrong paging arguments.
func (s *Service) ExpiringAssignments(ctx context.Context, tenant uuid.UUID, f ExpiringFilter, args paging.Args) (paging.Connection[*Assignment], error) {
	g, err := s.Graph(ctx, tenant)
	if err != nil {
		return paging.Connection[*Assignment]{}, err
	}
	until := s.clock.Now().Add(soon)
	if f.Until != nil {
		until = *f.Until
	}
	w := &paging.Where{}
	w.And("a.tenant_id = " + w.Arg(tenant))
	w.And("a.ends_at IS NOT NULL AND a.ends_at <= " + w.Arg(until)) // the first is the index's condition
	if f.Product != nil {
		w.And("a.product_id = " + w.Arg(*f.Product))
	}
	return s.assignmentList(ctx, g, paging.Order{Name: "expiring assignments", Columns: []paging.Column{
		{Expr: "a.ends_at", Type: paging.Int}, {Expr: "a.id", Type: paging.ID},
	}}, w, args)
}
