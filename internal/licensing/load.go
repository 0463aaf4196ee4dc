package licensing

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// tagColumns bring the tag of the graph of a tenant t into a statement.
const (
	tagColumns      = `t.graph_revision, ` + catalogRevision
	catalogRevision = `(SELECT revision FROM catalog WHERE id = 1)`
)

func readTag(ctx context.Context, q database.Querier, tenant uuid.UUID) (tenantgraph.Tag, error) {
	var tag tenantgraph.Tag
	err := q.QueryRowContext(ctx, `SELECT `+tagColumns+` FROM tenants t WHERE t.id = $1`, tenant).Scan(&tag.Graph, &tag.Catalog)
	if errors.Is(err, sql.ErrNoRows) {
		return tag, fault.New(fault.NotFound, "There is no such tenant.")
	}
	if err != nil {
		return tag, fmt.Errorf("read the tenant's revision: %w", err)
	}
	return tag, nil
}

// loadGraph reads a tenant's graph; the caller makes sure that all statements see one state.
func (s *Service) loadGraph(ctx context.Context, q database.Querier, tenant uuid.UUID) (*tenantgraph.Graph, error) {
	return s.loadGraphWith(ctx, q, tenant, nil)
}

// loadGraphWith is loadGraph with a catalogue that is in memory; nil loads the stored one.
func (s *Service) loadGraphWith(ctx context.Context, q database.Querier, tenant uuid.UUID, catalog *tenantgraph.Catalog) (*tenantgraph.Graph, error) {
	data := tenantgraph.Data{Tenant: tenant, Catalog: catalog}
	row := q.QueryRowContext(ctx, `SELECT `+tagColumns+`, t.name, t.country, t.loss_threshold, t.grace_period, t.suspension_period,
		t.deleted_user_retention, t.history_retention, t.audit_retention FROM tenants t WHERE t.id = $1`, tenant)
	var grace, suspension, retention, history, audited int64
	err := row.Scan(&data.Tag.Graph, &data.Tag.Catalog, &data.Name, &data.Country, &data.Terms.LossThreshold, &grace, &suspension, &retention, &history, &audited)
	data.Terms.Grace, data.Terms.Suspension = time.Duration(grace)*time.Microsecond, time.Duration(suspension)*time.Microsecond
	data.Terms.DeletedUserRetention, data.Terms.HistoryRetention = time.Duration(retention)*time.Microsecond, time.Duration(history)*time.Microsecond
	data.Terms.AuditRetention = time.Duration(audited) * time.Microsecond
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "There is no such tenant.")
	}
	if err == nil && data.Catalog == nil {
		if data.Catalog = s.catalogWith(data.Tag.Catalog); data.Catalog == nil {
			var cd tenantgraph.CatalogData
			cd, err = LoadCatalog(ctx, q)
			data.Catalog = tenantgraph.NewCatalog(cd, nil)
		}
	}
	if err == nil {
		data.Groups, err = loadGroups(ctx, q, `groups WHERE tenant_id = $1`, tenant)
	}
	if err == nil {
		data.Nestings, err = loadNestings(ctx, q, `nestings WHERE tenant_id = $1`, tenant)
	}
	if err == nil {
		data.Assignments, err = loadAssignments(ctx, q, `assignments WHERE tenant_id = $1 AND group_id IS NOT NULL`, tenant)
	}
	if err == nil {
		data.Subscriptions, err = loadSubscriptions(ctx, q, `subscriptions WHERE tenant_id = $1`, tenant)
	}
	if err != nil {
		return nil, fmt.Errorf("load the tenant's graph: %w", err)
	}
	return tenantgraph.New(data), nil
}

// LoadCatalog reads the catalogue's rows.
func LoadCatalog(ctx context.Context, q database.Querier) (tenantgraph.CatalogData, error) {
	data := tenantgraph.CatalogData{ProductPlans: map[uuid.UUID][]uuid.UUID{}, Requires: map[uuid.UUID][]uuid.UUID{}}
	locations, err := loadLocations(ctx, q)
	if err != nil {
		return data, fmt.Errorf("load the catalogue: %w", err)
	}
	err = database.Each(ctx, q, func(scan func(...any) error) error {
		var p tenantgraph.Product
		err := scan(&p.ID, &p.SkuPartNumber, &p.DisplayName, &p.DisplayNameKey, &p.RetiredAt)
		data.Products = append(data.Products, p)
		return err
	}, `SELECT id, sku_part_number, display_name, display_name_key, retired_at FROM products`)
	if err == nil {
		err = database.Each(ctx, q, func(scan func(...any) error) error {
			var p tenantgraph.Plan
			err := scan(&p.ID, &p.ServicePlanName, &p.DisplayName, &p.DisplayNameKey, &p.AutoAssigned, &p.RetiredAt)
			p.Location = locations[p.ID]
			data.Plans = append(data.Plans, p)
			return err
		}, `SELECT id, service_plan_name, display_name, display_name_key, auto_assigned, retired_at FROM plans`)
	}
	if err == nil {
		err = database.Each(ctx, q, func(scan func(...any) error) error {
			var plan, requires uuid.UUID
			err := scan(&plan, &requires)
			data.Requires[plan] = append(data.Requires[plan], requires)
			return err
		}, `SELECT plan_id, requires_id FROM plan_prerequisites`)
	}
	if err == nil {
		err = database.Each(ctx, q, func(scan func(...any) error) error {
			var product, plan uuid.UUID
			err := scan(&product, &plan)
			data.ProductPlans[product] = append(data.ProductPlans[product], plan)
			return err
		}, `SELECT product_id, plan_id FROM product_plans`)
	}
	if err == nil {
		at := map[string]int{}
		err = database.Each(ctx, q, func(scan func(...any) error) error {
			var name string
			var plan uuid.UUID
			err := scan(&name, &plan)
			i, ok := at[name]
			if !ok {
				i = len(data.Exclusions)
				at[name] = i
				data.Exclusions = append(data.Exclusions, tenantgraph.Exclusion{Name: name})
			}
			data.Exclusions[i].Plans = append(data.Exclusions[i].Plans, plan)
			return err
		}, `SELECT s.name, p.plan_id FROM exclusion_sets s JOIN exclusion_set_plans p ON p.exclusion_set_id = s.id ORDER BY s.name, p.plan_id`)
	}
	if err != nil {
		return data, fmt.Errorf("load the catalogue: %w", err)
	}
	return data, nil
}

func loadLocations(ctx context.Context, q database.Querier) (map[uuid.UUID]tenantgraph.Location, error) {
	locations := map[uuid.UUID]tenantgraph.Location{}
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		var plan uuid.UUID
		var country string
		var allowed bool
		err := scan(&plan, &country, &allowed)
		l := locations[plan]
		if allowed {
			l.Allowed = append(l.Allowed, country)
		} else {
			l.Prohibited = append(l.Prohibited, country)
		}
		locations[plan] = l
		return err
	}, `SELECT plan_id, country, allowed FROM plan_locations ORDER BY plan_id, country`)
	return locations, err
}

// What follows loads rows from a FROM clause, with its conditions and parameters: of the present or of a history.

func loadGroups(ctx context.Context, q database.Querier, from string, args ...any) ([]tenantgraph.GroupRow, error) {
	var groups []tenantgraph.GroupRow
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		g := tenantgraph.GroupRow{Group: &principal.Group{}}
		err := scan(&g.ID, &g.DisplayName, &g.NameKey, &g.Description, &g.ExternalID, &g.CreatedAt, &g.UpdatedAt, &g.Version)
		groups = append(groups, g)
		return err
	}, `SELECT id, display_name, display_name_key, description, external_id, created_at, updated_at, version FROM `+from, args...)
	return groups, err
}

func loadNestings(ctx context.Context, q database.Querier, from string, args ...any) ([]tenantgraph.Nesting, error) {
	var nestings []tenantgraph.Nesting
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		var n tenantgraph.Nesting
		err := scan(&n.Parent, &n.Child, &n.Since)
		nestings = append(nestings, n)
		return err
	}, `SELECT parent_id, child_id, created_at FROM `+from, args...)
	return nestings, err
}

// assignmentColumns are those that scanAssignment reads.
const assignmentColumns = `id, user_id, group_id, product_id, mode, plans, include_nested, priority, seat_limit, seat_reserve, excluded_groups, created_at, updated_at, version,
	scheduled, starts_at, began_at, ends_at`

func loadAssignments(ctx context.Context, q database.Querier, from string, args ...any) ([]*tenantgraph.Assignment, error) {
	var assignments []*tenantgraph.Assignment
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		a, err := scanAssignment(scan)
		assignments = append(assignments, a)
		return err
	}, `SELECT `+assignmentColumns+` FROM `+from, args...)
	return assignments, err
}

func scanAssignment(scan func(...any) error) (*tenantgraph.Assignment, error) {
	var a tenantgraph.Assignment
	var user, group uuid.NullUUID
	var plans, excluded string
	err := scan(&a.ID, &user, &group, &a.ProductID, &a.Selection.Mode, &plans, &a.IncludeNested, &a.Priority, &a.SeatLimit, &a.SeatReserve, &excluded, &a.CreatedAt, &a.UpdatedAt, &a.Version,
		&a.Scheduled, &a.StartsAt, &a.BeganAt, &a.EndsAt)
	if err != nil {
		return nil, err
	}
	a.UserID, a.GroupID = user.UUID, group.UUID
	if plans != "[]" {
		err = json.Unmarshal([]byte(plans), &a.Selection.Plans)
	}
	if excluded != "[]" && err == nil {
		err = json.Unmarshal([]byte(excluded), &a.ExcludedGroups)
	}
	return &a, err
}

// subscriptionColumns are those that scanSubscription reads.
const subscriptionColumns = `id, product_id, seats, status, starts_at, live_since, renews_at, ends_at, created_at, updated_at, cancelled_at, version`

func loadSubscriptions(ctx context.Context, q database.Querier, from string, args ...any) ([]*tenantgraph.Subscription, error) {
	var subscriptions []*tenantgraph.Subscription
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		s, err := scanSubscription(scan)
		subscriptions = append(subscriptions, s)
		return err
	}, `SELECT `+subscriptionColumns+` FROM `+from, args...)
	return subscriptions, err
}

func scanSubscription(scan func(...any) error) (*tenantgraph.Subscription, error) {
	var s tenantgraph.Subscription
	return &s, scan(&s.ID, &s.ProductID, &s.Seats, &s.Status, &s.StartsAt, &s.LiveSince, &s.RenewsAt, &s.EndsAt, &s.CreatedAt, &s.UpdatedAt, &s.CancelledAt, &s.Version)
}

// counters of a product of a tenant, as stored.
type counters struct{ Consumed, Waiting, InError int64 }

func loadCounters(ctx context.Context, q database.Querier, tenant uuid.UUID) (map[uuid.UUID]counters, error) {
	all := map[uuid.UUID]counters{}
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		var product uuid.UUID
		var c counters
		err := scan(&product, &c.Consumed, &c.Waiting, &c.InError)
		all[product] = c
		return err
	}, `SELECT product_id, consumed, waiting, in_error FROM seat_counters WHERE tenant_id = $1`, tenant)
	if err != nil {
		return nil, fmt.Errorf("load the seat counters: %w", err)
	}
	return all, nil
}

// lock takes the locks of a change in the order that keeps changes free of deadlocks: the
// catalogue (shared, unless it is what changes), then the tenant. It returns the graph before
// the change, and when and after which audit event it is made: later than every one before it.
func (s *Service) lock(ctx context.Context, tx *database.Tx, tenant uuid.UUID) (*tenantgraph.Graph, turn, error) {
	var tag tenantgraph.Tag
	var last, imported clock.Instant
	var at turn
	row := tx.QueryRowContext(ctx, `SELECT c.revision, c.changed_at, t.graph_revision, t.last_instant, `+audit.HeadColumns+` FROM catalog c CROSS JOIN tenants t
		WHERE c.id = 1 AND t.id = $1`+tx.Dialect().ForShare("c")+tx.Dialect().ForUpdate("t"), tenant)
	if err := row.Scan(append([]any{&tag.Catalog, &imported, &tag.Graph, &last}, at.head.Dest()...)...); errors.Is(err, sql.ErrNoRows) {
		return nil, at, noTenant()
	} else if err != nil {
		return nil, at, fmt.Errorf("lock the tenant: %w", err)
	}
	at.now = s.instant(max(last, imported))
	g := s.cached(tenant, tag)
	if g == nil {
		var err error
		if g, err = s.loadGraph(ctx, tx, tenant); err != nil {
			return nil, at, err
		}
		s.keep(g) // its rows are committed: the locks keep everybody else from changing them
	}
	return g, at, nil
}

// turn is a change's place among those of its tenant.
type turn struct {
	now  clock.Instant
	head audit.Head // of the audit log, before the change
}

func noTenant() error { return fault.New(fault.NotFound, "There is no such tenant.") }

// instant is that of a change after one at another instant.
func (s *Service) instant(last clock.Instant) clock.Instant { return max(s.clock.Now(), last+1) }

// lockTenant takes the tenant's lock, and the change's turn under it.
func (s *Service) lockTenant(ctx context.Context, tx *database.Tx, tenant uuid.UUID) (at turn, err error) {
	var last clock.Instant
	row := tx.QueryRowContext(ctx, `SELECT t.last_instant, `+audit.HeadColumns+` FROM tenants t WHERE t.id = $1`+tx.Dialect().ForUpdate(), tenant)
	if err := row.Scan(append([]any{&last}, at.head.Dest()...)...); errors.Is(err, sql.ErrNoRows) {
		return at, noTenant()
	} else if err != nil {
		return at, fmt.Errorf("lock the tenant: %w", err)
	}
	at.now = s.instant(last)
	return at, nil
}
