package graph_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/requestid"
)

func TestErrorsShowWhatWasWordedForClientsAndNothingElse(t *testing.T) {
	each(t, func(w *world) {
		secret := errors.New(`pq: relation "users" of host 10.0.0.1 password hunter2`)
		for name, c := range map[string]struct {
			err    error
			code   string
			logged bool
		}{
			"an unknown error":           {secret, "INTERNAL", true},
			"a wrapped one":              {fmt.Errorf("read users: %w", secret), "INTERNAL", true},
			"an internal fault":          {fault.Wrap(secret, fault.Internal, "hunter2"), "INTERNAL", true},
			"a fault with a cause":       {fmt.Errorf("hunter2: %w", fault.Wrap(secret, fault.Unavailable, "Try again.")), "UNAVAILABLE", true},
			"a lost commit":              {fault.Wrap(secret, fault.OutcomeUnknown, "Look first."), "OUTCOME_UNKNOWN", true},
			"a refusal":                  {fault.New(fault.Forbidden, "Not yours."), "FORBIDDEN", false},
			"a wrong argument":           {fault.Wrap(secret, fault.BadUserInput, "Too long.").At("search"), "BAD_USER_INPUT", false},
			"a user error of a query":    {fault.New(fault.InvalidValue, "Not a country."), "BAD_USER_INPUT", false},
			"a lost connection":          {fmt.Errorf("hunter2: %w", driver.ErrBadConn), "UNAVAILABLE", true},
			"a cancelled request":        {fmt.Errorf("hunter2: %w", context.Canceled), "UNAVAILABLE", false},
			"a request out of time":      {fmt.Errorf("hunter2: %w", context.DeadlineExceeded), "UNAVAILABLE", false},
			"the executor's own words":   {gqlerror.Errorf("hunter2 must not be null"), "INTERNAL", true},
			"what an extension worded":   {&gqlerror.Error{Message: "Too dear.", Extensions: map[string]any{"code": "COST_EXCEEDED"}}, "COST_EXCEEDED", false},
			"an error on its way upward": {gqlerror.WrapPath(ast.Path{ast.PathName("users")}, secret), "INTERNAL", true},
			"a panic":                    {w.recover(w.t.Context(), "hunter2"), "INTERNAL", true},
		} {
			w.log.Reset()
			ctx := graphql.WithResponseContext(requestid.With(w.t.Context(), "request-7"), w.present, nil)
			shown := w.present(ctx, c.err)
			if shown.Extensions["code"] != c.code || shown.Message == "" {
				w.t.Errorf("%s is shown as %v", name, shown)
			}
			if strings.Contains(fmt.Sprint(shown.Error(), shown.Extensions), "hunter2") {
				w.t.Errorf("%s leaks: %v", name, shown)
			}
			if logged := w.log.String(); (logged != "") != c.logged || c.logged && (!strings.Contains(logged, "hunter2") || !strings.Contains(logged, "request-7")) {
				w.t.Errorf("%s is logged as %q", name, logged)
			}
		}
	})
}

func TestADatabaseThatIsGoneShowsNothingOfItself(t *testing.T) {
	each(t, func(w *world) {
		w.user("Ann")
		w.ok(w.db.Close())
		for _, query := range []string{
			`{ user(id: "{{ann}}") { id } }`, `{ users { totalCount } }`, `{ groups { totalCount } }`, `{ products { totalCount } }`, `{ auditEvents { totalCount } }`,
			`{ licenseErrors { totalCount } }`, `{ subscribedProducts { totalCount } }`, `{ verification { ok } }`, `{ viewer { tenant { name } } }`, `{ nodes(ids: ["{{ann}}"]) { id } }`,
			`mutation { updateUser(input: { id: "{{ann}}", displayName: "X" }) { changed userErrors { code } } }`,
		} {
			code, _, message := refusal(w.ask(request{query: query}))
			if code != "UNAVAILABLE" && code != "INTERNAL" || strings.Contains(strings.ToLower(message), "sql") || strings.Contains(message, "closed") {
				w.t.Errorf("%s: %s %s", query, code, message)
			}
		}
		if !strings.Contains(w.log.String(), "closed") || !strings.Contains(w.log.String(), "request-1") {
			w.t.Errorf("the log does not say why: %s", w.log)
		}
	})
}
