// Package tenant creates and finds tenants: the organisations of a deployment, between which
// nothing is shared but the catalogue.
package tenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/country"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// Tenant is one organisation.
type Tenant struct {
	ID        uuid.UUID
	Name      string // unique, compared folded
	Country   string // ISO 3166-1 alpha-2, upper case
	Terms     tenantgraph.Terms
	CreatedAt clock.Instant
	// HistorySince is the first instant that can be asked for.
	HistorySince clock.Instant
}

// DefaultTerms are those that a tenant is created with.
var DefaultTerms = tenantgraph.Terms{
	LossThreshold: 100, Grace: 30 * 24 * time.Hour, Suspension: 90 * 24 * time.Hour, DeletedUserRetention: 30 * 24 * time.Hour,
}

// NodeID is the tenant's TypeID.
func (t *Tenant) NodeID() string { return id.Format(id.Tenant, t.ID) }

// LossThreshold is how many users a change may take a product from unasked (R27).
func (t *Tenant) LossThreshold() int { return t.Terms.LossThreshold }

// GracePeriodSeconds is how long an expired subscription can be used (R16).
func (t *Tenant) GracePeriodSeconds() int { return int(t.Terms.Grace / time.Second) }

// SuspensionPeriodSeconds is how long one is suspended before it is locked out (R16).
func (t *Tenant) SuspensionPeriodSeconds() int { return int(t.Terms.Suspension / time.Second) }

// DeletedUserRetentionSeconds is how long a deleted user can be restored (R19).
func (t *Tenant) DeletedUserRetentionSeconds() int {
	return int(t.Terms.DeletedUserRetention / time.Second)
}

// HistoryRetentionSeconds is for how long the past can be asked for; 0 is without end.
func (t *Tenant) HistoryRetentionSeconds() int { return int(t.Terms.HistoryRetention / time.Second) }

// AuditRetentionSeconds is how long audit events are kept; 0: for ever.
func (t *Tenant) AuditRetentionSeconds() int { return int(t.Terms.AuditRetention / time.Second) }

// Config is what Tenants needs.
type Config struct {
	DB    *database.DB
	Clock clock.Clock
	NewID id.Source
}

// Tenants creates and finds tenants.
type Tenants struct {
	db    *database.DB
	clock clock.Clock
	newID id.Source
}

// New returns Tenants.
func New(c Config) (*Tenants, error) {
	if c.DB == nil || c.Clock == nil || c.NewID == nil {
		return nil, errors.New("tenant: DB, Clock and NewID are needed")
	}
	return &Tenants{db: c.DB, clock: c.Clock, newID: c.NewID}, nil
}

const maxName = 256

// Create makes a tenant. Its country, in any letter case, is where its users are taken to be
// who have no location of their own.
//
// Errors: REQUIRED and INVALID_VALUE with the path name or country; DUPLICATE_VALUE where a
// tenant has the name, compared folded; those of database.Write.
func (s *Tenants) Create(ctx context.Context, name, countryCode string) (*Tenant, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	code, refusal := country.Parse(countryCode)
	if refusal != nil {
		return nil, refusal.At("country")
	}
	key, err := s.newID()
	if err != nil {
		return nil, fmt.Errorf("make an id: %w", err)
	}
	t := &Tenant{ID: key, Name: name, Country: code, Terms: DefaultTerms, CreatedAt: s.clock.Now()}
	t.HistorySince = t.CreatedAt
	if err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error { return s.store(ctx, tx, t) }); err != nil {
		return nil, err
	}
	return t, nil
}

func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return fault.New(fault.Required, "A tenant needs a name.").At("name")
	case strings.TrimSpace(name) != name:
		return fault.New(fault.InvalidValue, "The name %s has blanks around it.", fault.Quote(name)).Fix("Leave them out.").At("name")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return fault.New(fault.InvalidValue, "The name %s holds control characters.", fault.Quote(name)).Fix("Leave them out.").At("name")
	case utf8.RuneCountInString(textkey.Fold(name)) > maxName:
		return fault.New(fault.InvalidValue, "The name %s is longer than %d characters.", fault.Quote(name), maxName).At("name")
	}
	return nil
}

func (s *Tenants) store(ctx context.Context, tx *database.Tx, t *Tenant) error {
	const insert = `INSERT INTO tenants (id, name, name_key, country, last_instant, created_at,
		loss_threshold, grace_period, suspension_period, deleted_user_retention, history_retention, history_since, audit_retention)
		VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $5, $11) ON CONFLICT (name_key) DO NOTHING`
	result, err := tx.ExecContext(ctx, insert, t.ID, t.Name, textkey.Fold(t.Name), t.Country, int64(t.CreatedAt),
		t.Terms.LossThreshold, t.Terms.Grace.Microseconds(), t.Terms.Suspension.Microseconds(), t.Terms.DeletedUserRetention.Microseconds(),
		t.Terms.HistoryRetention.Microseconds(), t.Terms.AuditRetention.Microseconds())
	if err != nil {
		return fmt.Errorf("store a tenant: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		if err != nil {
			return fmt.Errorf("store a tenant: %w", err)
		}
		return fault.New(fault.DuplicateValue, "There is a tenant named %s already.", fault.Quote(t.Name)).
			Fix("Choose another name; letter case makes no difference.").At("name")
	}
	event, err := s.newID()
	if err != nil {
		return fmt.Errorf("make an id: %w", err)
	}
	return audit.Append(ctx, tx, t.ID, &audit.Event{
		ID: event, OccurredAt: t.CreatedAt, Actor: audit.ActorFrom(ctx), Action: audit.TenantCreate,
		Summary:  fmt.Sprintf("Created the tenant %s.", fault.Quote(t.Name)),
		Subjects: []audit.Subject{{ID: t.NodeID(), Name: t.Name}},
		Fields:   []audit.FieldChange{{Field: "name", After: &t.Name}, {Field: "country", After: &t.Country}},
	})
}

const columns = `SELECT id, name, country, loss_threshold, grace_period, suspension_period, deleted_user_retention, history_retention,
	history_since, audit_retention, created_at FROM tenants`

// scan reads the columns of one row.
func scan(row func(...any) error) (*Tenant, error) {
	var t Tenant
	var grace, suspension, retention, history, audited int64
	if err := row(&t.ID, &t.Name, &t.Country, &t.Terms.LossThreshold, &grace, &suspension, &retention, &history, &t.HistorySince, &audited, &t.CreatedAt); err != nil {
		return nil, err
	}
	t.Terms.Grace, t.Terms.Suspension = time.Duration(grace)*time.Microsecond, time.Duration(suspension)*time.Microsecond
	t.Terms.DeletedUserRetention, t.Terms.HistoryRetention = time.Duration(retention)*time.Microsecond, time.Duration(history)*time.Microsecond
	t.Terms.AuditRetention = time.Duration(audited) * time.Microsecond
	return &t, nil
}

// ByID returns a tenant.
//
// Errors: NOT_FOUND.
func (s *Tenants) ByID(ctx context.Context, key uuid.UUID) (*Tenant, error) {
	t, err := s.find(ctx, columns+` WHERE id = $1`, key)
	if err == nil && t == nil {
		return nil, fault.New(fault.NotFound, "There is no tenant %s.", id.Format(id.Tenant, key))
	}
	return t, err
}

// ByName returns the tenant with a name, compared folded.
//
// Errors: NOT_FOUND, which names the tenants that exist where they are few.
func (s *Tenants) ByName(ctx context.Context, name string) (*Tenant, error) {
	t, err := s.find(ctx, columns+` WHERE name_key = $1`, textkey.Fold(strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", ""), "")))
	if err != nil || t != nil {
		return t, err
	}
	return nil, s.unknown(ctx, name)
}

// few is the number of tenants that a message can list.
const few = 10

func (s *Tenants) unknown(ctx context.Context, name string) error {
	refusal := fault.New(fault.NotFound, "There is no tenant named %s.", fault.Quote(name))
	all, err := s.read(ctx, columns+` ORDER BY name_key LIMIT $1`, few+1)
	switch {
	case err != nil:
		return err
	case len(all) == 0:
		return refusal.Fix("There are no tenants yet: create one.")
	case len(all) > few:
		return refusal.Fix("Check the name; letter case makes no difference.")
	}
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = fault.Quote(t.Name)
	}
	return refusal.Fix("The tenants are: %s.", strings.Join(names, ", "))
}

// List returns all tenants by name.
func (s *Tenants) List(ctx context.Context) ([]*Tenant, error) {
	return s.read(ctx, columns+` ORDER BY name_key`)
}

// find returns the one row of a query, or nil.
func (s *Tenants) find(ctx context.Context, query string, arg any) (*Tenant, error) {
	t, err := scan(s.db.Reader().QueryRowContext(ctx, query, arg).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a tenant: %w", err)
	}
	return t, nil
}

func (s *Tenants) read(ctx context.Context, query string, args ...any) ([]*Tenant, error) {
	var list []*Tenant
	err := database.Each(ctx, s.db.Reader(), func(row func(...any) error) error {
		t, err := scan(row)
		list = append(list, t)
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the tenants: %w", err)
	}
	return list, nil
}
