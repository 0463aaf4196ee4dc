// Package loaders reads for one request what its fields ask for: together what belongs
// together, once what is asked for twice. Loaders live as long as a request, a mutation's as
// long as one of its root fields, so that nothing is shown as it was before a change.
package loaders

import (
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/operation"
	"github.com/licensegraph/licensegraph/internal/principal"
	"github.com/licensegraph/licensegraph/internal/tenant"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// Sources are what loaders read from.
type Sources struct {
	Licensing *licensing.Service
	Directory *directory.Service
	Tenants   *tenant.Tenants
	Audit     *audit.Log

	Operations *operation.Service
}

// Loaders are one request's, for one tenant.
type Loaders struct {
	Tenant uuid.UUID

	from     Sources
	users    *together[uuid.UUID, *licensing.UserView]
	seats    *together[*licensing.LicenseError, any]
	products *together[uuid.UUID, *licensing.SubscribedProduct]
	assigned *together[uuid.UUID, *licensing.Assignment]
	events   *together[uuid.UUID, *audit.Event]
	running  *together[uuid.UUID, *operation.Operation]
	pages    *pages

	usersThen *together[then, *licensing.UserView]
	seatsThen *together[then, *licensing.SubscribedProduct]
	changes   *together[clock.Instant, *audit.Event]

	ownOnce sync.Once
	own     *tenant.Tenant
	ownErr  error

	mu     sync.Mutex
	graphs []*tenantgraph.Graph // those seen, the latest read last
	shown  [][]uuid.UUID        // users who are shown together
}

// New returns the loaders of a request.
func New(from Sources, tenantID uuid.UUID) *Loaders {
	l := &Loaders{Tenant: tenantID, from: from}
	l.users = newTogether(l.readUsers)
	l.seats = newTogether(l.readSeats)
	l.products = newTogether(func(ctx context.Context, ids []uuid.UUID) ([]*licensing.SubscribedProduct, error) {
		return from.Licensing.SubscribedProductsByID(ctx, tenantID, ids)
	})
	l.assigned = newTogether(func(ctx context.Context, ids []uuid.UUID) ([]*licensing.Assignment, error) {
		return from.Licensing.AssignmentsByID(ctx, tenantID, ids)
	})
	l.events = newTogether(func(ctx context.Context, ids []uuid.UUID) ([]*audit.Event, error) {
		return from.Audit.ByIDs(ctx, tenantID, ids)
	})
	l.running = newTogether(func(ctx context.Context, ids []uuid.UUID) ([]*operation.Operation, error) {
		return from.Operations.ByIDs(ctx, tenantID, ids)
	})
	l.usersThen = newTogether(asOf(tenantID, from.Licensing.ReadUsersAsOf))
	l.seatsThen = newTogether(asOf(tenantID, from.Licensing.SubscribedProductsAsOf))
	l.changes = newTogether(func(ctx context.Context, instants []clock.Instant) ([]*audit.Event, error) {
		return from.Audit.ByInstants(ctx, tenantID, instants)
	})
	l.pages = newPages(l)
	return l
}

type contextKey struct{}

// With puts a request's loaders into its context.
func With(ctx context.Context, l *Loaders) context.Context {
	return context.WithValue(ctx, contextKey{}, l)
}

// From returns the request's loaders. ok is false outside a request.
func From(ctx context.Context) (l *Loaders, ok bool) {
	l, ok = ctx.Value(contextKey{}).(*Loaders)
	return l, ok
}

// Graph returns the tenant's graph, the same for the whole request: that of the first reading.
func (l *Loaders) Graph(ctx context.Context) (*tenantgraph.Graph, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.graphs) > 0 {
		return l.graphs[0], nil
	}
	return l.freshGraph(ctx)
}

func (l *Loaders) freshGraph(ctx context.Context) (*tenantgraph.Graph, error) {
	g, err := l.from.Licensing.Graph(ctx, l.Tenant)
	if err == nil {
		l.graphs = append(l.graphs, g)
	}
	return g, err
}

// Group returns a group; nil where the tenant has none with the id. A group that only a part
// of the request has seen, because it was made or deleted meanwhile, is found all the same.
func (l *Loaders) Group(ctx context.Context, key uuid.UUID) (*principal.Group, error) {
	if _, err := l.Graph(ctx); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.graphs {
		if group := g.Group(key); group != nil {
			return group, nil
		}
	}
	return nil, nil //nolint:nilnil // unknown is no error, and the doc says so
}

// User returns a user with everything that decides its licenses, also a deleted one; nil
// where the tenant has no such user.
func (l *Loaders) User(ctx context.Context, key uuid.UUID) (*licensing.UserView, error) {
	return l.users.load(ctx, key)
}

// Users returns users in the order of the ids, each as User does.
func (l *Loaders) Users(ctx context.Context, ids []uuid.UUID) ([]*licensing.UserView, error) {
	return l.users.loadAll(ctx, ids)
}

// UserByName returns the undeleted user with a principal name, whatever its letter case; nil
// where the tenant has none.
func (l *Loaders) UserByName(ctx context.Context, name string) (*licensing.UserView, error) {
	v, err := l.from.Licensing.ReadUserByName(ctx, l.Tenant, textkey.Fold(name))
	if v == nil || err != nil {
		return nil, err
	}
	l.Took([]*licensing.UserView{v})
	return v, nil
}

// Took takes note of users that were read with everything that decides their licenses.
func (l *Loaders) Took(views []*licensing.UserView) {
	l.seen(views)
	byID := make(map[uuid.UUID]*licensing.UserView, len(views))
	for _, v := range views {
		byID[v.User.ID] = v
	}
	l.users.prime(byID)
}

// ExpectUsers says that users are shown together.
func (l *Loaders) ExpectUsers(ids []uuid.UUID) {
	l.users.expect(ids)
	l.expected(ids)
}

func (l *Loaders) readUsers(ctx context.Context, ids []uuid.UUID) ([]*licensing.UserView, error) {
	views, err := l.from.Licensing.ReadUsers(ctx, l.Tenant, ids)
	if err == nil {
		l.seen(views)
	}
	return views, err
}

// seen takes note of the graph that users were read with, and that their errors are shown
// together.
func (l *Loaders) seen(views []*licensing.UserView) {
	var errs []*licensing.LicenseError
	for _, v := range views {
		if v == nil {
			continue
		}
		errs = append(errs, v.Errors()...)
		l.mu.Lock()
		if g := v.Graph(); !slices.Contains(l.graphs, g) {
			l.graphs = append(l.graphs, g)
		}
		l.mu.Unlock()
	}
	l.ExpectErrors(errs)
}

// ExpectErrors says that license errors are shown together.
func (l *Loaders) ExpectErrors(errs []*licensing.LicenseError) {
	var waiting []*licensing.LicenseError
	for _, e := range errs {
		if needsSeats(e) {
			waiting = append(waiting, e)
		}
	}
	l.seats.expect(waiting)
}

// needsSeats tells whether the facts of an error are yet to be read.
func needsSeats(e *licensing.LicenseError) bool {
	return (e.Code == fault.CountViolation || e.Code == fault.GroupSeatLimit) && e.Details == nil
}

// Details returns the facts of an error: its own, or those about seats, which are read. The
// error stays as it is, because other fields are reading it.
func (l *Loaders) Details(ctx context.Context, e *licensing.LicenseError) (any, error) {
	if !needsSeats(e) {
		return e.Details, nil
	}
	return l.seats.load(ctx, e)
}

func (l *Loaders) readSeats(ctx context.Context, errs []*licensing.LicenseError) ([]any, error) {
	copies := make([]*licensing.LicenseError, len(errs))
	for i, e := range errs {
		c := *e
		copies[i] = &c
	}
	if err := l.from.Licensing.FillSeatDetails(ctx, l.Tenant, copies); err != nil {
		return nil, err
	}
	details := make([]any, len(errs))
	for i, c := range copies {
		details[i] = c.Details
	}
	return details, nil
}

// SubscribedProduct returns a product with its seats; nil where the tenant never had a
// subscription of it.
func (l *Loaders) SubscribedProduct(ctx context.Context, product uuid.UUID) (*licensing.SubscribedProduct, error) {
	return l.products.load(ctx, product)
}

// Subscription returns a subscription; nil where the tenant has none with the id.
func (l *Loaders) Subscription(ctx context.Context, key uuid.UUID) (*licensing.Subscription, error) {
	g, err := l.Graph(ctx)
	if err != nil {
		return nil, err
	}
	return licensing.SubscriptionIn(g, key), nil
}

// Assignment returns an assignment; nil where the tenant has none with the id.
func (l *Loaders) Assignment(ctx context.Context, key uuid.UUID) (*licensing.Assignment, error) {
	return l.assigned.load(ctx, key)
}

// Event returns an audit event; nil where the tenant has none with the id.
func (l *Loaders) Event(ctx context.Context, key uuid.UUID) (*audit.Event, error) {
	return l.events.load(ctx, key)
}

// Operation returns an operation; nil where the tenant has none with the id.
func (l *Loaders) Operation(ctx context.Context, key uuid.UUID) (*operation.Operation, error) {
	return l.running.load(ctx, key)
}

// OwnTenant returns the request's own tenant.
func (l *Loaders) OwnTenant(ctx context.Context) (*tenant.Tenant, error) {
	l.ownOnce.Do(func() { l.own, l.ownErr = l.from.Tenants.ByID(ctx, l.Tenant) })
	return l.own, l.ownErr
}

// Ref names something with an id.
type Ref struct {
	Kind id.Kind
	ID   uuid.UUID
}

// Expect says that things of several kinds are asked for together.
func (l *Loaders) Expect(refs []Ref) {
	of := map[id.Kind][]uuid.UUID{}
	for _, ref := range refs {
		of[ref.Kind] = append(of[ref.Kind], ref.ID)
	}
	l.users.expect(of[id.User])
	l.assigned.expect(of[id.Assignment])
	l.events.expect(of[id.Audit])
	l.running.expect(of[id.Operation])
}
