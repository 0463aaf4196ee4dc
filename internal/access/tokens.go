package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
)

// Config is what Tokens needs.
type Config struct {
	DB     *database.DB
	Clock  clock.Clock
	NewID  id.Source
	Random io.Reader // of secrets; crypto/rand where it is nil
}

// Tokens creates and verifies API tokens. Only a token's SHA-256 is stored: with 256 random
// bits in it, nothing slower is needed, and a look-up by it gives no time to measure.
type Tokens struct {
	db     *database.DB
	clock  clock.Clock
	newID  id.Source
	random io.Reader
	recent verified
}

// New returns Tokens.
func New(c Config) (*Tokens, error) {
	if c.DB == nil || c.Clock == nil || c.NewID == nil {
		return nil, errors.New("access: DB, Clock and NewID are needed")
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	return &Tokens{db: c.DB, clock: c.Clock, newID: c.NewID, random: c.Random}, nil
}

// Token is what is kept of a token.
type Token struct {
	ID        uuid.UUID
	TenantID  uuid.UUID
	Name      string
	Role      Role
	CreatedAt clock.Instant
	ExpiresAt *clock.Instant // nil: never
}

// NodeID is the token's TypeID.
func (t *Token) NodeID() string { return id.Format(id.Token, t.ID) }

// NewToken is the input of Create.
type NewToken struct {
	Name      string // for people, 1 to 256 characters; need not be unique
	Role      Role
	ExpiresAt *clock.Instant // nil: never
}

// Validate checks the input at an instant.
//
// Errors: REQUIRED and INVALID_VALUE with the path of the field.
func (n NewToken) Validate(now clock.Instant) error {
	switch {
	case strings.TrimSpace(n.Name) == "":
		return fault.New(fault.Required, "A token needs a name.").Fix("Name it after what uses it.").At("name")
	case !utf8.ValidString(n.Name) || strings.ContainsFunc(n.Name, unicode.IsControl):
		return fault.New(fault.InvalidValue, "The name %s holds control characters.", fault.Quote(n.Name)).At("name")
	case utf8.RuneCountInString(n.Name) > maxName:
		return fault.New(fault.InvalidValue, "The name %s is longer than %d characters.", fault.Quote(n.Name), maxName).At("name")
	case n.ExpiresAt != nil && *n.ExpiresAt <= now:
		return fault.New(fault.InvalidValue, "The token would have expired already, at %s.", *n.ExpiresAt).At("expiresAt")
	}
	if _, refusal := ParseRole(string(n.Role)); refusal != nil {
		return refusal.At("role")
	}
	return nil
}

const maxName = 256

// Create makes a token and returns its text, which cannot be had again, with what is kept
// of it.
//
// Errors: REQUIRED, INVALID_VALUE; NOT_FOUND for an unknown tenant; those of database.Write.
func (s *Tokens) Create(ctx context.Context, tenant uuid.UUID, n NewToken) (string, *Token, error) {
	if err := n.Validate(s.clock.Now()); err != nil {
		return "", nil, err
	}
	text, err := makeToken(s.random)
	if err != nil {
		return "", nil, fmt.Errorf("make a token: %w", err)
	}
	hash, err := digest(text)
	if err != nil {
		return "", nil, fmt.Errorf("make a token: %w", err)
	}
	t := &Token{TenantID: tenant, Name: n.Name, Role: n.Role, ExpiresAt: n.ExpiresAt}
	if t.ID, err = s.newID(); err != nil {
		return "", nil, fmt.Errorf("make a token: %w", err)
	}
	err = s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if t.CreatedAt, err = audit.Begin(ctx, tx, tenant, s.clock.Now()); err != nil {
			return err
		}
		err := tx.Ent().APIToken.Create().SetID(t.ID).SetTenantID(tenant).SetName(t.Name).SetRole(string(t.Role)).
			SetHash(hash).SetCreatedAt(t.CreatedAt).SetNillableExpiresAt(t.ExpiresAt).Exec(ctx)
		if err != nil {
			return fmt.Errorf("store a token: %w", err)
		}
		return s.record(ctx, tx, t)
	})
	if err != nil {
		return "", nil, err
	}
	return text, t, nil
}

func (s *Tokens) record(ctx context.Context, tx *database.Tx, t *Token) error {
	event, err := s.newID()
	if err != nil {
		return fmt.Errorf("make an id: %w", err)
	}
	role := string(t.Role)
	fields := []audit.FieldChange{{Field: "name", After: &t.Name}, {Field: "role", After: &role}}
	if t.ExpiresAt != nil {
		expires := t.ExpiresAt.String()
		fields = append(fields, audit.FieldChange{Field: "expiresAt", After: &expires})
	}
	return audit.Append(ctx, tx, t.TenantID, &audit.Event{
		ID: event, OccurredAt: t.CreatedAt, Actor: audit.ActorFrom(ctx), Action: audit.TokenCreate,
		Summary:  fmt.Sprintf("Created the token %s with the role %s.", fault.Quote(t.Name), t.Role),
		Subjects: []audit.Subject{{ID: t.NodeID(), Name: t.Name}}, Fields: fields,
	})
}

// Verify returns what a token gives. It costs one statement, none for a token that was found
// valid within Freshness, and none for a text that cannot be a token. What it returns is
// shared, and must not be changed.
//
// Errors: UNAUTHENTICATED, the same for a malformed, unknown, expired or revoked token (the
// cause tells which); those of the database.
func (s *Tokens) Verify(ctx context.Context, token string) (*Access, error) {
	sum, now := sha256.Sum256([]byte(token)), s.clock.Now()
	if a := s.recent.get(sum, now); a != nil {
		return a, nil
	}
	a, err := s.lookUp(ctx, token)
	if err != nil {
		s.recent.drop(sum)
		return nil, err
	}
	s.recent.put(sum, a, now)
	return a, nil
}

func (s *Tokens) lookUp(ctx context.Context, token string) (*Access, error) {
	hash, err := digest(token)
	if err != nil {
		return nil, unauthenticated(err)
	}
	const find = `SELECT id, tenant_id, name, role, expires_at, revoked_at FROM api_tokens WHERE hash = $1`
	var a Access
	var role string
	var revoked *clock.Instant
	err = s.db.Reader().QueryRowContext(ctx, find, hash).Scan(&a.TokenID, &a.TenantID, &a.Name, &role, &a.ExpiresAt, &revoked)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, unauthenticated(errors.New("there is no such token"))
	case err != nil:
		return nil, fmt.Errorf("verify a token: %w", err)
	case revoked != nil:
		return nil, unauthenticated(fmt.Errorf("%s was revoked at %s", id.Format(id.Token, a.TokenID), *revoked))
	case a.expired(s.clock.Now()):
		return nil, unauthenticated(fmt.Errorf("%s expired at %s", id.Format(id.Token, a.TokenID), *a.ExpiresAt))
	}
	r, refusal := ParseRole(role)
	if refusal != nil {
		return nil, fmt.Errorf("verify %s: %w", id.Format(id.Token, a.TokenID), refusal)
	}
	a.Roles = []Role{r}
	return &a, nil
}

func unauthenticated(cause error) *fault.Error {
	return fault.Wrap(cause, fault.Unauthenticated, "The token is missing, malformed, unknown, expired or revoked.").
		Fix("Send a valid token in the header Authorization: Bearer lgt_….")
}
