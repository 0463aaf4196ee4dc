package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/demo"
	"github.com/licensegraph/licensegraph/internal/id"
)

// BenchmarkHandler measures whole requests, from the HTTP handler down to the database: the
// queries that applications and the dashboard ask most, over the sample organisation.
func BenchmarkHandler(b *testing.B) {
	queries := []struct{ name, text string }{
		{"typename", `{ __typename }`},
		{"check-plan", `query($user: ID!, $plan: ID!) { checkPlan(userId: $user, planId: $plan) { allowed reason } }`},
		{"one-user", `query($user: ID!) { user(id: $user) { displayName licenses { product { displayName skuPartNumber } status
			plans { plan { displayName } enabled enabledBy { kind group { displayName } } } sources { kind group { displayName } state } } } }`},
		{"users-page", `{ users(first: 100) { nodes { displayName licenses { product { displayName } status } } } }`},
		{"seats-page", `{ subscribedProducts(first: 100) { nodes { product { displayName } seats { total consumed available waiting } } } }`},
	}
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		db := dbtest.Open(b, dialect, database.Options{})
		o, err := demo.Build(b.Context(), db, nil)
		if err != nil {
			b.Fatal(err)
		}
		env := &Env{Log: zerolog.Nop(), Clock: clock.Wall{}, NewID: id.NewV7, Version: "bench"}
		licenses, err := env.services(db)
		if err != nil {
			b.Fatal(err)
		}
		handler, err := env.handler(db, licenses, nil)
		if err != nil {
			b.Fatal(err)
		}
		tokens, err := access.New(access.Config{DB: db, Clock: env.Clock, NewID: env.NewID})
		if err != nil {
			b.Fatal(err)
		}
		token, _, err := tokens.Create(b.Context(), o.Tenant.ID, access.NewToken{Name: "bench", Role: access.GlobalReader})
		if err != nil {
			b.Fatal(err)
		}
		do := func(ctx context.Context, body []byte) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			return w
		}
		var ids struct {
			Data struct {
				Users struct{ Nodes []struct{ ID string } }
				Plans struct{ Nodes []struct{ ID string } }
			}
		}
		if err := json.Unmarshal(do(b.Context(), []byte(`{"query":"{ users(first: 1) { nodes { id } } plans(first: 1) { nodes { id } } }"}`)).Body.Bytes(), &ids); err != nil {
			b.Fatal(err)
		}
		for _, q := range queries {
			body, err := json.Marshal(map[string]any{
				"query": q.text, "variables": map[string]any{"user": ids.Data.Users.Nodes[0].ID, "plan": ids.Data.Plans.Nodes[0].ID},
			})
			if err != nil {
				b.Fatal(err)
			}
			if w := do(b.Context(), body); w.Code != http.StatusOK || bytes.Contains(w.Body.Bytes(), []byte(`"errors"`)) {
				b.Fatalf("%s: %d %s", q.name, w.Code, w.Body)
			}
			b.Run(string(dialect)+"/"+q.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(8)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						do(b.Context(), body)
					}
				})
			})
		}
	}
}
