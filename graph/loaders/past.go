package loaders

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// then is something at an instant.
type then struct {
	of uuid.UUID
	at clock.Instant
}

// asOf makes a reader of things at instants from one that reads things of one instant.
func asOf[V any](tenant uuid.UUID, read func(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID, at clock.Instant) ([]V, error)) func(context.Context, []then) ([]V, error) {
	return func(ctx context.Context, keys []then) ([]V, error) {
		values := make([]V, len(keys))
		byInstant := map[clock.Instant][]int{}
		for i, key := range keys {
			byInstant[key.at] = append(byInstant[key.at], i)
		}
		for at, places := range byInstant {
			ids := make([]uuid.UUID, len(places))
			for n, i := range places {
				ids[n] = keys[i].of
			}
			found, err := read(ctx, tenant, ids, at)
			if err != nil {
				return nil, err
			}
			for n, i := range places {
				values[i] = found[n]
			}
		}
		return values, nil
	}
}

// expected takes note of users who are shown together, and whose past may be asked for.
func (l *Loaders) expected(ids []uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown = append(l.shown, ids)
}

// UserAsOf returns a user with everything that decided its licenses at an instant; nil where the
// tenant had no such user. Users who are shown together are read together.
//
// Errors: as licensing.Service.ReadUsersAsOf.
func (l *Loaders) UserAsOf(ctx context.Context, key uuid.UUID, at clock.Instant) (*licensing.UserView, error) {
	l.mu.Lock()
	i := slices.IndexFunc(l.shown, func(ids []uuid.UUID) bool { return slices.Contains(ids, key) })
	var company []then
	if i >= 0 {
		for _, id := range l.shown[i] {
			company = append(company, then{id, at})
		}
	}
	l.mu.Unlock()
	l.usersThen.expect(company)
	return l.usersThen.load(ctx, then{key, at})
}

// SubscribedProductAsOf returns a product with its seats at an instant; nil where there had been no
// subscription by then.
//
// Errors: as licensing.Service.SubscribedProductsAsOf.
func (l *Loaders) SubscribedProductAsOf(ctx context.Context, product uuid.UUID, at clock.Instant) (*licensing.SubscribedProduct, error) {
	return l.seatsThen.load(ctx, then{product, at})
}

// ExpectChanges says that changes are shown together.
func (l *Loaders) ExpectChanges(instants []clock.Instant) { l.changes.expect(instants) }

// ChangeAt returns the audit event of the change that was made at an instant; nil where it is not
// kept.
func (l *Loaders) ChangeAt(ctx context.Context, at clock.Instant) (*audit.Event, error) {
	return l.changes.load(ctx, at)
}
