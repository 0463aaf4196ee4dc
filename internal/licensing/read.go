package licensing

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// ReadUsers reads users with everything that decides their licenses, by ids or, where key is
// not empty, one undeleted user by folded principal name. It is one SQL statement, which
// returns facts, exceptions and the tag of the tenant's graph as of one instant; only where
// the graph in memory is another one is that loaded and the statement repeated.
//
// The views are in the order of the ids, nil where a user is unknown.
func (s *Service) ReadUsers(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) ([]*UserView, error) {
	d := s.db.Dialect()
	views, err := s.readUsers(ctx, tenant, d.In("u.id", 2), d.UUIDArray(ids))
	if err != nil {
		return nil, err
	}
	at := make(map[uuid.UUID]*UserView, len(views))
	for _, v := range views {
		at[v.User.ID] = v
	}
	ordered := make([]*UserView, len(ids))
	for i, id := range ids {
		ordered[i] = at[id]
	}
	return ordered, nil
}

// ReadUserByName reads the undeleted user with a principal name, given in its folded form;
// nil where there is none. It is one SQL statement, as ReadUsers.
func (s *Service) ReadUserByName(ctx context.Context, tenant uuid.UUID, key string) (*UserView, error) {
	views, err := s.readUsers(ctx, tenant, "u.user_principal_name_key = $2 AND u.deleted_at IS NULL", key)
	if err != nil || len(views) == 0 {
		return nil, err //nolint:nilnil // no such user is no error, and the doc says so
	}
	return views[0], nil
}

func (s *Service) readUsers(ctx context.Context, tenant uuid.UUID, where string, arg any) ([]*UserView, error) {
	query := userQuery(s.db.Dialect(), where)
	for range 2 {
		views, tag, err := scanUsers(ctx, s.db.Reader(), query, tenant, arg)
		if err != nil || len(views) == 0 {
			return nil, err
		}
		g := s.cached(tenant, tag)
		if g == nil {
			if g, err = s.graphAt(ctx, tenant, tag); err != nil {
				return nil, err
			}
		}
		if g.Tag == tag {
			return bindViews(views, g), nil
		}
	}
	var views []*UserView
	var g *tenantgraph.Graph
	err := s.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		if views, _, err = scanUsers(ctx, tx, query, tenant, arg); err == nil {
			g, err = s.loadGraph(ctx, tx, tenant)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.keep(g)
	return bindViews(views, g), nil
}

func bindViews(views []*UserView, g *tenantgraph.Graph) []*UserView {
	for _, v := range views {
		v.bind(g)
	}
	return views
}

// userQuery is the statement: per user the own fields, and JSON arrays of memberships, own
// assignments and violations.
func userQuery(d database.Dialect, where string) string {
	text := func(column string) string { // a UUID as text, alike on both databases
		if d == database.Postgres {
			return column + "::text"
		}
		return column
	}
	sub := func(row []string, from string) string {
		return `(SELECT ` + d.JSONAgg(d.JSONArray(row...), "") + ` FROM ` + from + `)`
	}
	return `SELECT ` + tagColumns + `, u.id, u.user_principal_name, u.display_name, u.mail, u.department, u.job_title, u.usage_location,
		u.user_type, u.account_enabled, u.external_id, u.created_at, u.updated_at, u.deleted_at, u.restored_at, u.version, ` +
		strings.Join([]string{
			sub([]string{text("m.group_id"), "m.created_at"}, `memberships m WHERE m.tenant_id = u.tenant_id AND m.user_id = u.id`),
			sub([]string{text("a.id"), text("a.product_id"), "a.mode", "a.plans", "a.created_at", "a.updated_at", "a.version"},
				`assignments a WHERE a.tenant_id = u.tenant_id AND a.user_id = u.id`),
			sub([]string{text("v.assignment_id"), text("v.plan_id"), "v.code", "v.since"},
				`license_violations v WHERE v.tenant_id = u.tenant_id AND v.user_id = u.id`),
		}, ", ") + ` FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = $1 AND ` + where
}

func scanUsers(ctx context.Context, q database.Querier, query string, args ...any) ([]*UserView, tenantgraph.Tag, error) {
	var views []*UserView
	var tag tenantgraph.Tag
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		v := &UserView{}
		u := &v.User
		var memberships, direct, rows []byte
		err := scan(&tag.Graph, &tag.Catalog, &u.ID, &u.UserPrincipalName, &u.DisplayName, &u.Mail, &u.Department, &u.JobTitle,
			&u.UsageLocation, &u.UserType, &u.AccountEnabled, &u.ExternalID, &u.CreatedAt, &u.UpdatedAt, &u.DeletedAt,
			&u.RestoredAt, &u.Version, &memberships, &direct, &rows)
		if err == nil {
			v.members, err = parseMemberships(memberships)
		}
		if err == nil {
			v.direct, err = parseDirect(direct, u.ID)
		}
		if err == nil {
			v.stored, err = parseStored(rows)
		}
		views = append(views, v)
		return err
	}, query, args...)
	if err != nil {
		return nil, tag, fmt.Errorf("read users: %w", err)
	}
	return views, tag, nil
}

// tuple reads one JSON array of mixed values.
func tuples(data []byte, row func(n int) []any, take func(int)) error {
	if len(data) <= 2 { // []
		return nil
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	for i, r := range raw {
		fields := row(i)
		if err := json.Unmarshal(r, &fields); err != nil {
			return err
		}
		take(i)
	}
	return nil
}

func parseMemberships(data []byte) ([]tenantgraph.Member, error) {
	var all []tenantgraph.Member
	var m tenantgraph.Member
	err := tuples(data, func(int) []any { m = tenantgraph.Member{}; return []any{&m.Group, &m.Since} }, func(int) { all = append(all, m) })
	return all, err
}

func parseDirect(data []byte, user uuid.UUID) ([]*tenantgraph.Assignment, error) {
	var all []*tenantgraph.Assignment
	var a *tenantgraph.Assignment
	var plans string
	var failed error
	err := tuples(data, func(int) []any {
		a = &tenantgraph.Assignment{UserID: user, IncludeNested: true}
		return []any{&a.ID, &a.ProductID, &a.Selection.Mode, &plans, &a.CreatedAt, &a.UpdatedAt, &a.Version}
	}, func(int) {
		if plans != "[]" && failed == nil {
			failed = json.Unmarshal([]byte(plans), &a.Selection.Plans)
		}
		all = append(all, a)
	})
	if err == nil {
		err = failed
	}
	return all, err
}

func parseStored(data []byte) ([]stored, error) {
	var all []stored
	var r stored
	err := tuples(data, func(int) []any {
		r = stored{}
		return []any{&r.assignment, &r.plan, &r.code, &r.since}
	}, func(int) { all = append(all, r) })
	return all, err
}

// UserView is a user with everything that decides its licenses, as of one instant.
type UserView struct {
	User principal.User

	graph   *tenantgraph.Graph
	members []tenantgraph.Member
	direct  []*tenantgraph.Assignment
	stored  []stored
	*derived
}

// GroupIDs returns the groups that the user is a direct member of.
func (v *UserView) GroupIDs() []uuid.UUID {
	ids := make([]uuid.UUID, len(v.members))
	for i, m := range v.members {
		ids[i] = m.Group
	}
	return ids
}

// Graph returns the tenant's graph that the view was read with.
func (v *UserView) Graph() *tenantgraph.Graph { return v.graph }

func (v *UserView) bind(g *tenantgraph.Graph) {
	v.graph = g
	if v.User.DeletedAt != nil {
		v.derived = derive(g, &v.User, nil, nil, nil) // R1: a deleted user has no sources
		return
	}
	p := &person{id: v.User.ID, direct: v.direct, rows: v.stored}
	v.derived = derive(g, &v.User, v.members, v.direct, rows(g, p))
}

// liveSince is when a source came to be as it is: the latest of what it stands on.
func liveSince(instants ...clock.Instant) clock.Instant {
	var latest clock.Instant
	for _, i := range instants {
		latest = max(latest, i)
	}
	return latest
}
