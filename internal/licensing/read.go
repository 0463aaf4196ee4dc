package licensing

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
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
	if len(ids) == 1 {
		v, err := s.singles.read(ctx, tenant, ids[0])
		if err != nil {
			return nil, err
		}
		return []*UserView{v}, nil
	}
	return s.readTogether(ctx, tenant, ids)
}

// readTogether reads users by one statement.
func (s *Service) readTogether(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) ([]*UserView, error) {
	d := s.db.Dialect()
	views, err := s.readUsers(ctx, tenant, d.In("u.id", 2), d.KeyArray(ids))
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
	query := `SELECT ` + UserColumns + `, ` + ViewColumns + ` FROM users u WHERE u.tenant_id = $1 AND ` + where
	for range 2 {
		v := s.NewViews()
		if err := v.read(ctx, s.db.Reader(), query, tenant, arg); err != nil || len(v.views) == 0 {
			return nil, err
		}
		if bound, err := v.Bind(ctx, tenant); bound != nil || err != nil {
			return bound, err
		}
	}
	v := s.NewViews()
	var g *tenantgraph.Graph
	err := s.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		if err = v.read(ctx, tx, query, tenant, arg); err == nil {
			g, err = s.loadGraph(ctx, tx, tenant)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.keep(g)
	return bindViews(v.views, g), nil
}

func bindViews(views []*UserView, g *tenantgraph.Graph) []*UserView {
	for _, v := range views {
		v.bind(g)
	}
	return views
}

// UserColumns are the own fields of users u, as Views.Scan reads them.
const UserColumns = `u.id, u.user_principal_name, u.display_name, u.mail, u.department, u.job_title, u.usage_location,
	u.user_type, u.account_enabled, u.external_id, u.created_at, u.updated_at, u.deleted_at, u.restored_at, u.version`

// ViewColumns are what else decides the licenses of users u of the tenant $1, as Views.Scan
// reads it after UserColumns: the tag of the tenant's graph, and lists.
var ViewColumns = `(SELECT t.graph_revision FROM tenants t WHERE t.id = $1), ` + catalogRevision + `, ` + listColumns

// listColumns are the memberships, own assignments and violations of users u of the tenant $1, as
// parseLists reads them. A list is one text, with a space between the fields and a semicolon
// between the rows, neither of which occurs in an id, a number, a code or a plan selection: that
// costs both databases less to write than JSON or rows, and much less to read here.
var listColumns = func() string {
	list := func(from, of, fields string) string {
		return `(SELECT coalesce(string_agg(` + fields + `, ';'), '') FROM ` + from +
			` WHERE ` + of + `.tenant_id = $1 AND ` + of + `.user_id = u.id)`
	}
	return list("memberships m", "m", memberFields) + ", " + list("assignments a", "a", assignmentFields) + ", " +
		list("license_violations v", "v", violationFields)
}()

// The fields of listColumns.
var (
	memberFields     = fieldList("m.group_id", "m.created_at")
	assignmentFields = fieldList("a.id", "a.product_id", "a.mode", "a.plans", "a.priority", "a.created_at", "a.updated_at", "a.version",
		"CASE WHEN a.scheduled THEN 1 ELSE 0 END", "coalesce(CAST(a.starts_at AS text), '')", "coalesce(CAST(a.began_at AS text), '')", "coalesce(CAST(a.ends_at AS text), '')")
	violationFields = fieldList("v.assignment_id", "coalesce(CAST(v.plan_id AS text), '')", "v.code", "v.since")
)

func fieldList(fields ...string) string { return strings.Join(fields, ` || ' ' || `) }

// Views reads users with everything that decides their licenses, row by row of one statement.
// It is for one statement and not safe for concurrent use.
type Views struct {
	service *Service
	views   []*UserView
	tag     tenantgraph.Tag

	memberships, direct, violations sql.RawBytes
}

// NewViews returns an empty Views.
func (s *Service) NewViews() *Views { return &Views{service: s} }

// Scan reads a row of UserColumns and ViewColumns.
func (v *Views) Scan(scan func(...any) error) (*principal.User, error) {
	view := &UserView{}
	u := &view.User
	err := scan(&u.ID, &u.UserPrincipalName, &u.DisplayName, &u.Mail, &u.Department, &u.JobTitle,
		&u.UsageLocation, &u.UserType, &u.AccountEnabled, &u.ExternalID, &u.CreatedAt, &u.UpdatedAt, &u.DeletedAt,
		&u.RestoredAt, &u.Version, &v.tag.Graph, &v.tag.Catalog, &v.memberships, &v.direct, &v.violations)
	if err == nil {
		view.members, view.direct, view.stored, err = parseLists(u.ID, v.memberships, v.direct, v.violations)
	}
	v.views = append(v.views, view)
	return u, err
}

// Bind derives the licenses of the users that were read, in their order; it returns nothing
// where the tenant's graph has changed since, and they have to be read anew.
func (v *Views) Bind(ctx context.Context, tenant uuid.UUID) ([]*UserView, error) {
	g := v.service.cached(tenant, v.tag)
	if g == nil {
		var err error
		if g, err = v.service.graphAt(ctx, tenant, v.tag); err != nil {
			return nil, err
		}
	}
	if g.Tag != v.tag {
		return nil, nil
	}
	return bindViews(v.views, g), nil
}

func (v *Views) read(ctx context.Context, q database.Querier, query string, args ...any) error {
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		_, err := v.Scan(scan)
		return err
	}, query, args...)
	if err != nil {
		return fmt.Errorf("read users: %w", err)
	}
	return nil
}

func parseLists(user uuid.UUID, memberships, direct, violations []byte) ([]tenantgraph.Member, []*tenantgraph.Assignment, []stored, error) {
	members := make([]tenantgraph.Member, 0, rowsIn(memberships))
	l := list{rest: memberships}
	for l.next() {
		members = append(members, tenantgraph.Member{Group: l.id(), Since: clock.Instant(l.number())})
	}
	if l.err != nil {
		return nil, nil, nil, fmt.Errorf("memberships of %s: %w", user, l.err)
	}
	assignments := make([]*tenantgraph.Assignment, 0, rowsIn(direct))
	l = list{rest: direct}
	for l.next() {
		a := &tenantgraph.Assignment{UserID: user, IncludeNested: true, ID: l.id(), ProductID: l.id(), Selection: tenantgraph.Selection{Mode: tenantgraph.Mode(l.text())}}
		if plans := l.field(); string(plans) != "[]" && l.err == nil {
			l.err = json.Unmarshal(plans, &a.Selection.Plans)
		}
		a.Priority = int(l.number())
		a.CreatedAt, a.UpdatedAt, a.Version = clock.Instant(l.number()), clock.Instant(l.number()), int(l.number())
		a.Scheduled, a.StartsAt, a.BeganAt, a.EndsAt = l.number() == 1, l.instant(), l.instant(), l.instant()
		assignments = append(assignments, a)
	}
	if l.err != nil {
		return nil, nil, nil, fmt.Errorf("assignments of %s: %w", user, l.err)
	}
	rows := make([]stored, 0, rowsIn(violations))
	l = list{rest: violations}
	for l.next() {
		r := stored{assignment: l.id()}
		if plan := l.field(); len(plan) > 0 {
			r.plan = uuid.NullUUID{UUID: l.parse(plan), Valid: true}
		}
		r.code, r.since = l.text(), clock.Instant(l.number())
		rows = append(rows, r)
	}
	if l.err != nil {
		return nil, nil, nil, fmt.Errorf("violations of %s: %w", user, l.err)
	}
	return members, assignments, rows, nil
}

// list reads a list of listColumns, row by row and field by field. The first error stays.
type list struct {
	rest, row []byte
	err       error
}

func rowsIn(text []byte) int {
	if len(text) == 0 {
		return 0
	}
	return bytes.Count(text, []byte(";")) + 1
}

// next goes on to the next row, if there is one.
func (l *list) next() bool {
	if len(l.rest) == 0 || l.err != nil {
		return false
	}
	l.row, l.rest, _ = bytes.Cut(l.rest, []byte(";"))
	return true
}

func (l *list) field() (field []byte) {
	field, l.row, _ = bytes.Cut(l.row, []byte(" "))
	return field
}

func (l *list) text() string { return string(l.field()) }

func (l *list) id() uuid.UUID { return l.parse(l.field()) }

func (l *list) parse(field []byte) uuid.UUID {
	u, err := uuid.ParseBytes(field)
	if err != nil && l.err == nil {
		l.err = err
	}
	return u
}

func (l *list) number() int64 {
	n, err := strconv.ParseInt(string(l.field()), 10, 64)
	if err != nil && l.err == nil {
		l.err = err
	}
	return n
}

// instant reads an instant that may be missing.
func (l *list) instant() *clock.Instant {
	field := l.field()
	if len(field) == 0 {
		return nil
	}
	n, err := strconv.ParseInt(string(field), 10, 64)
	if err != nil && l.err == nil {
		l.err = err
	}
	at := clock.Instant(n)
	return &at
}

// UserView is a user with everything that decides its licenses, as of one instant.
type UserView struct {
	User principal.User

	graph   *tenantgraph.Graph
	members []tenantgraph.Member
	direct  []*tenantgraph.Assignment
	stored  []stored
	then    bool // as of an instant that is not now
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
