package licensing

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

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
		t.deleted_user_retention FROM tenants t WHERE t.id = $1`, tenant)
	var grace, suspension, retention int64
	err := row.Scan(&data.Tag.Graph, &data.Tag.Catalog, &data.Name, &data.Country, &data.Terms.LossThreshold, &grace, &suspension, &retention)
	data.Terms.Grace, data.Terms.Suspension = time.Duration(grace)*time.Microsecond, time.Duration(suspension)*time.Microsecond
	data.Terms.DeletedUserRetention = time.Duration(retention) * time.Microsecond
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
		data.Groups, err = loadGroups(ctx, q, tenant)
	}
	if err == nil {
		data.Nestings, err = loadNestings(ctx, q, tenant)
	}
	if err == nil {
		data.Assignments, err = loadAssignments(ctx, q, `tenant_id = $1 AND group_id IS NOT NULL`, tenant)
	}
	if err == nil {
		data.Subscriptions, err = loadSubscriptions(ctx, q, tenant)
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

func loadGroups(ctx context.Context, q database.Querier, tenant uuid.UUID) ([]tenantgraph.GroupRow, error) {
	var groups []tenantgraph.GroupRow
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		g := tenantgraph.GroupRow{Group: &principal.Group{}}
		err := scan(&g.ID, &g.DisplayName, &g.NameKey, &g.Description, &g.ExternalID, &g.CreatedAt, &g.UpdatedAt, &g.Version)
		groups = append(groups, g)
		return err
	}, `SELECT id, display_name, display_name_key, description, external_id, created_at, updated_at, version FROM groups WHERE tenant_id = $1`, tenant)
	return groups, err
}

func loadNestings(ctx context.Context, q database.Querier, tenant uuid.UUID) ([]tenantgraph.Nesting, error) {
	var nestings []tenantgraph.Nesting
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		var n tenantgraph.Nesting
		err := scan(&n.Parent, &n.Child, &n.Since)
		nestings = append(nestings, n)
		return err
	}, `SELECT parent_id, child_id, created_at FROM nestings WHERE tenant_id = $1`, tenant)
	return nestings, err
}

// assignmentColumns are those that scanAssignment reads.
const assignmentColumns = `id, user_id, group_id, product_id, mode, plans, include_nested, priority, seat_limit, excluded_groups, created_at, updated_at, version`

func loadAssignments(ctx context.Context, q database.Querier, where string, args ...any) ([]*tenantgraph.Assignment, error) {
	var assignments []*tenantgraph.Assignment
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		a, err := scanAssignment(scan)
		assignments = append(assignments, a)
		return err
	}, `SELECT `+assignmentColumns+` FROM assignments WHERE `+where, args...)
	return assignments, err
}

func scanAssignment(scan func(...any) error) (*tenantgraph.Assignment, error) {
	var a tenantgraph.Assignment
	var user, group uuid.NullUUID
	var plans, excluded string
	err := scan(&a.ID, &user, &group, &a.ProductID, &a.Selection.Mode, &plans, &a.IncludeNested, &a.Priority, &a.SeatLimit, &excluded, &a.CreatedAt, &a.UpdatedAt, &a.Version)
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

func loadSubscriptions(ctx context.Context, q database.Querier, tenant uuid.UUID) ([]*tenantgraph.Subscription, error) {
	var subscriptions []*tenantgraph.Subscription
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		var s tenantgraph.Subscription
		err := scan(&s.ID, &s.ProductID, &s.Seats, &s.Status, &s.StartsAt, &s.LiveSince, &s.RenewsAt, &s.EndsAt, &s.CreatedAt, &s.UpdatedAt, &s.CancelledAt, &s.Version)
		subscriptions = append(subscriptions, &s)
		return err
	}, `SELECT id, product_id, seats, status, starts_at, live_since, renews_at, ends_at, created_at, updated_at, cancelled_at, version FROM subscriptions WHERE tenant_id = $1`, tenant)
	return subscriptions, err
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
// the change, and the change's instant, later than every one before it.
func (s *Service) lock(ctx context.Context, tx *database.Tx, tenant uuid.UUID) (*tenantgraph.Graph, clock.Instant, error) {
	var tag tenantgraph.Tag
	var last clock.Instant
	row := tx.QueryRowContext(ctx, `SELECT c.revision, t.graph_revision, t.last_instant FROM catalog c CROSS JOIN tenants t
		WHERE c.id = 1 AND t.id = $1`+tx.Dialect().ForShare("c")+tx.Dialect().ForUpdate("t"), tenant)
	if err := row.Scan(&tag.Catalog, &tag.Graph, &last); errors.Is(err, sql.ErrNoRows) {
		return nil, 0, noTenant()
	} else if err != nil {
		return nil, 0, fmt.Errorf("lock the tenant: %w", err)
	}
	g := s.cached(tenant, tag)
	if g == nil {
		var err error
		if g, err = s.loadGraph(ctx, tx, tenant); err != nil {
			return nil, 0, err
		}
		s.keep(g) // its rows are committed: the locks keep everybody else from changing them
	}
	return g, s.instant(last), nil
}

func noTenant() error { return fault.New(fault.NotFound, "There is no such tenant.") }

// instant is that of a change after one at another instant.
func (s *Service) instant(last clock.Instant) clock.Instant { return max(s.clock.Now(), last+1) }

// lockTenant takes the tenant's lock, and the graph's revision and the change's instant under it.
func (s *Service) lockTenant(ctx context.Context, tx *database.Tx, tenant uuid.UUID) (revision int64, now clock.Instant, err error) {
	var last clock.Instant
	row := tx.QueryRowContext(ctx, `SELECT graph_revision, last_instant FROM tenants WHERE id = $1`+tx.Dialect().ForUpdate(), tenant)
	if err := row.Scan(&revision, &last); errors.Is(err, sql.ErrNoRows) {
		return 0, 0, noTenant()
	} else if err != nil {
		return 0, 0, fmt.Errorf("lock the tenant: %w", err)
	}
	return revision, s.instant(last), nil
}
