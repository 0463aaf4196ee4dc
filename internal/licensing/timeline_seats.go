package licensing

import (
	"context"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// SeatChange is what one change did to the users of a product.
type SeatChange struct {
	At             clock.Instant
	EventID        uuid.UUID // of the audit log
	UsersGaining   int       // who hold the product since then
	UsersLosing    int       // who held it until then
	UsersRefused   int       // with an error that they did not have
	UsersHealed    int       // of whom an error ended, and who hold the product
	ConsumedBefore int
	ConsumedAfter  int
}

// SeatTimeline lists what changed for the users of a product, the latest first: as far as the tenant's
// history goes.
//
// Errors: BAD_USER_INPUT for wrong paging arguments; those of the database.
func (s *Service) SeatTimeline(ctx context.Context, tenant, product uuid.UUID, args paging.Args) (paging.Connection[*SeatChange], error) {
	w := &paging.Where{}
	w.And("h.tenant_id = " + w.Arg(tenant))
	w.And("h.product_id = " + w.Arg(product))
	w.And("h.until > (SELECT t.history_since FROM tenants t WHERE t.id = $1)")
	list := paging.Keyset[*SeatChange]{
		Order:  paging.Order{Name: "timeline", Columns: []paging.Column{{Expr: "h.until", Type: paging.Int}}, Descending: true},
		Select: "h.until, h.event_id, h.gaining, h.losing, h.refused, h.healed, h.consumed", From: "seat_counters_history h", Where: w,
		Scan: func(scan func(...any) error) (*SeatChange, error) {
			c := &SeatChange{}
			err := scan(&c.At, &c.EventID, &c.UsersGaining, &c.UsersLosing, &c.UsersRefused, &c.UsersHealed, &c.ConsumedBefore)
			c.ConsumedAfter = c.ConsumedBefore + c.UsersGaining - c.UsersLosing
			return c, err
		},
	}
	page, err := list.Page(ctx, s.db.Reader(), args)
	return paging.Connection[*SeatChange]{Page: page, Count: func(ctx context.Context) (int, error) { return list.Count(ctx, s.db.Reader()) }}, err
}
