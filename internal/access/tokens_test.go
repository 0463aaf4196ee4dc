package access_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/tenant"
)

type world struct {
	db     *database.DB
	clock  *clock.Manual
	tokens *access.Tokens
	tenant *tenant.Tenant
	other  *tenant.Tenant
	ran    *dbtest.Statements
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, ran *dbtest.Statements) {
		w := &world{db: db, clock: clock.NewManual(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)), ran: ran}
		tenants, err := tenant.New(tenant.Config{DB: db, Clock: w.clock, NewID: id.NewV7})
		if err != nil {
			t.Fatal(err)
		}
		if w.tenant, err = tenants.Create(t.Context(), "Acme", "US"); err != nil {
			t.Fatal(err)
		}
		if w.other, err = tenants.Create(t.Context(), "Other", "US"); err != nil {
			t.Fatal(err)
		}
		if w.tokens, err = access.New(access.Config{DB: db, Clock: w.clock, NewID: id.NewV7}); err != nil {
			t.Fatal(err)
		}
		test(t, w)
	})
}

func TestATokenGivesItsTenantAndRole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		expires := w.clock.Now().Add(time.Hour)
		text, token, err := w.tokens.Create(t.Context(), w.tenant.ID, access.NewToken{Name: "payroll", Role: access.UserAdmin, ExpiresAt: &expires})
		if err != nil {
			t.Fatal(err)
		}
		a, err := w.tokens.Verify(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if a.TenantID != w.tenant.ID || a.TokenID != token.ID || a.Name != "payroll" || *a.ExpiresAt != expires ||
			!slices.Equal(a.Roles, []access.Role{access.UserAdmin}) {
			t.Errorf("the token gives %+v", a)
		}
	})
}

func TestOnlyTheHashOfATokenIsStored(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		secret := bytes.Repeat([]byte{7}, 32)
		tokens, err := access.New(access.Config{DB: w.db, Clock: w.clock, NewID: id.NewV7, Random: bytes.NewReader(secret)})
		if err != nil {
			t.Fatal(err)
		}
		text, _, err := tokens.Create(t.Context(), w.tenant.ID, access.NewToken{Name: "t", Role: access.GlobalReader})
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"api_tokens", "audit_events"} {
			rows, err := w.db.Reader().QueryContext(t.Context(), "SELECT * FROM "+table)
			if err != nil {
				t.Fatal(err)
			}
			columns, err := rows.Columns()
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				values := make([]any, len(columns))
				for i := range values {
					values[i] = new(any)
				}
				if err := rows.Scan(values...); err != nil {
					t.Fatal(err)
				}
				for i, v := range values {
					v := fmt.Sprintf("%s", *v.(*any))
					if strings.Contains(v, text[4:47]) || strings.Contains(v, string(secret)) {
						t.Errorf("%s.%s holds the secret", table, columns[i])
					}
				}
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestRefusedTokensLookAlikeOutside(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		soon := w.clock.Now().Add(time.Minute)
		make := func(name string, expires *clock.Instant) string {
			text, _, err := w.tokens.Create(t.Context(), w.tenant.ID, access.NewToken{Name: name, Role: access.GlobalAdmin, ExpiresAt: expires})
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		good, expired, revoked := make("good", nil), make("expired", &soon), make("revoked", nil)
		if _, err := w.tokens.Verify(t.Context(), expired); err != nil {
			t.Errorf("refused before it expires: %v", err)
		}
		w.clock.Advance(time.Minute)
		err := w.db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE api_tokens SET revoked_at = $1 WHERE name = 'revoked'`, int64(w.clock.Now()))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		other, err := access.New(access.Config{DB: dbtest.Open(t, w.db.Dialect(), database.Options{}), Clock: w.clock, NewID: id.NewV7})
		if err != nil {
			t.Fatal(err)
		}
		_, want := w.tokens.Verify(t.Context(), "nonsense")
		for name, verify := range map[string]func() error{
			"expired": func() error { _, err := w.tokens.Verify(t.Context(), expired); return err },
			"revoked": func() error { _, err := w.tokens.Verify(t.Context(), revoked); return err },
			"unknown": func() error { _, err := other.Verify(t.Context(), good); return err },
			"empty":   func() error { _, err := w.tokens.Verify(t.Context(), ""); return err },
		} {
			err := verify()
			e, ok := fault.As(err)
			if !ok || e.Code != fault.Unauthenticated || err.Error() != want.Error() || e.Remediation == "" {
				t.Errorf("%s: %v, want UNAUTHENTICATED like any other", name, err)
			} else if e.Cause == nil {
				t.Errorf("%s: the log does not learn why", name)
			}
		}
		if _, err := w.tokens.Verify(t.Context(), good); err != nil {
			t.Errorf("the good token is refused: %v", err)
		}
	})
}

func TestVerifyingCostsOneStatementAndNoneWithAWrongChecksum(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		text, _, err := w.tokens.Create(t.Context(), w.tenant.ID, access.NewToken{Name: "t", Role: access.GlobalReader})
		if err != nil {
			t.Fatal(err)
		}
		wrong := []byte(text)
		wrong[10] ^= 1
		for token, want := range map[string]int{text: 1, string(wrong): 0, "": 0} {
			w.ran.Reset()
			_, err := w.tokens.Verify(t.Context(), token)
			if (err == nil) != (want == 1) || w.ran.Count() != want {
				t.Errorf("%q costs %d statements (%v), want %d", token, w.ran.Count(), err, want)
			}
		}
	})
}

// An application asks often: its token is looked up once a second, so that a revocation is at
// most that late, and an expiry not at all.
func TestTokenIsLookedUpAgainAfterItsFreshnessAndExpiresOnTheInstant(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		verify := func(token string, statements int, valid bool) {
			t.Helper()
			w.ran.Reset()
			_, err := w.tokens.Verify(t.Context(), token)
			if (err == nil) != valid || w.ran.Count() != statements {
				t.Errorf("%d statements (%v), want %d and valid %v", w.ran.Count(), err, statements, valid)
			}
		}
		soon := w.clock.Now().Add(access.Freshness / 2)
		expiring, _, err := w.tokens.Create(t.Context(), w.tenant.ID, access.NewToken{Name: "expiring", Role: access.GlobalReader, ExpiresAt: &soon})
		if err != nil {
			t.Fatal(err)
		}
		revoked, _, err := w.tokens.Create(t.Context(), w.tenant.ID, access.NewToken{Name: "revoked", Role: access.GlobalReader})
		if err != nil {
			t.Fatal(err)
		}
		verify(expiring, 1, true)
		verify(expiring, 0, true)
		verify(revoked, 1, true)
		err = w.db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE api_tokens SET revoked_at = $1 WHERE name = 'revoked'`, int64(w.clock.Now()))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		verify(revoked, 0, true)
		w.clock.Advance(access.Freshness / 2)
		verify(expiring, 1, false)
		verify(revoked, 0, true)
		w.clock.Advance(access.Freshness / 2)
		verify(revoked, 1, false)
		verify(revoked, 1, false)
		w.clock.Advance(-access.Freshness)
		verify(revoked, 1, false)
	})
}

func TestWrongInputMakesNoToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		past := w.clock.Now()
		for path, n := range map[string]access.NewToken{
			"role":      {Name: "t", Role: "OWNER"},
			"name":      {Name: " ", Role: access.GlobalAdmin},
			"expiresAt": {Name: "t", Role: access.GlobalAdmin, ExpiresAt: &past},
		} {
			_, _, err := w.tokens.Create(t.Context(), w.tenant.ID, n)
			if e, ok := fault.As(err); !ok || !e.Code.IsUserError() || !slices.Equal(e.Path, []string{path}) {
				t.Errorf("got %v, want a refusal at %s", err, path)
			}
		}
		for _, name := range []string{"a\nb", "a\x00b", "a\xffb", strings.Repeat("x", 257)} {
			if _, _, err := w.tokens.Create(t.Context(), w.tenant.ID, access.NewToken{Name: name, Role: access.GlobalAdmin}); fault.CodeOf(err) != fault.InvalidValue {
				t.Errorf("%q: %v, want INVALID_VALUE", name, err)
			}
		}
		if _, _, err := w.tokens.Create(t.Context(), uuid.New(), access.NewToken{Name: "t", Role: access.GlobalAdmin}); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("unknown tenant: %v, want NOT_FOUND", err)
		}
		events, err := audit.NewLog(w.db).Count(t.Context(), w.tenant.ID, audit.Filter{})
		if err != nil || events != 1 {
			t.Errorf("%d audit events (%v), want that of the tenant alone", events, err)
		}
	})
}

func TestR28CreatingATokenIsAudited(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := audit.WithActor(t.Context(), audit.Actor{Kind: audit.ActorCommand, Name: "root"})
		_, token, err := w.tokens.Create(ctx, w.tenant.ID, access.NewToken{Name: "payroll", Role: access.GlobalReader})
		if err != nil {
			t.Fatal(err)
		}
		page, err := audit.NewLog(w.db).Page(t.Context(), w.tenant.ID, audit.Filter{}, paging.Args{First: new(1)})
		if err != nil {
			t.Fatal(err)
		}
		e := page.Items[0]
		if e.Sequence != 2 || e.Action != audit.TokenCreate || e.Actor.Name != "root" || e.OccurredAt != token.CreatedAt ||
			e.OccurredAt <= w.tenant.CreatedAt || e.Subjects[0].ID != token.NodeID() {
			t.Errorf("the event is %+v", e)
		}
	})
}
