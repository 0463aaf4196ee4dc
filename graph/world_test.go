package graph_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/graph"
	"github.com/licensegraph/licensegraph/graph/coerce"
	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/operation"
	"github.com/licensegraph/licensegraph/internal/requestid"
	"github.com/licensegraph/licensegraph/internal/tenant"
)

// world is the API over a database with a small catalogue and two tenants, acme and other. Its
// clock stands still until moved, and its ids are the same in every run.
type world struct {
	t        testing.TB
	db       *database.DB
	licenses *licensing.Service
	ran      *dbtest.Statements
	clock    *clock.Manual

	operations *operation.Service // which run where the test says so (runOperations)
	tenants    map[string]uuid.UUID
	names      map[string]string // of ids: acme, suite, mail …
	api        *graph.API
	executor   *executor.Executor
	stock      *executor.Executor // gqlgen's own, which must answer queries alike; nil: is not asked
	present    graphql.ErrorPresenterFunc
	recover    graphql.RecoverFunc
	log        *bytes.Buffer
	made       atomic.Uint64
}

// each runs a test on both databases.
func each(t *testing.T, test func(w *world)) {
	t.Helper()
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, ran *dbtest.Statements) { test(newWorld(t, db, ran)) })
}

func newWorld(t testing.TB, db *database.DB, ran *dbtest.Statements) *world {
	t.Helper()
	w := &world{
		t: t, db: db, ran: ran, clock: clock.NewManual(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)),
		tenants: map[string]uuid.UUID{}, names: map[string]string{}, log: &bytes.Buffer{},
	}
	tenants, err := tenant.New(tenant.Config{DB: db, Clock: w.clock, NewID: w.newID})
	w.ok(err)
	licenses, err := licensing.New(licensing.Config{DB: db, Clock: w.clock, NewID: w.newID, Log: zerolog.Nop()})
	w.ok(err)
	w.licenses = licenses
	people, err := directory.New(directory.Config{DB: db, Licensing: licenses})
	w.ok(err)
	w.operations, err = operation.New(operation.Config{DB: db, Clock: w.clock, NewID: w.newID, Log: zerolog.Nop()})
	w.ok(err)
	config := graph.Config{Licensing: licenses, Directory: people, Tenants: tenants, Audit: audit.NewLog(db), Operations: w.operations, Log: zerolog.New(w.log)}
	w.api, w.executor = w.execution(config)
	w.present, w.recover = w.api.ErrorPresenter, w.api.Recover
	if config.Stock = true; ran != nil { // benchmarks have no statements to count, and ask once
		_, w.stock = w.execution(config)
	}
	for _, name := range []string{"acme", "other"} {
		made, err := tenants.Create(t.Context(), name, "NL")
		w.ok(err)
		w.tenants[name], w.names[name] = made.ID, made.NodeID()
	}
	w.catalogue()
	return w
}

func (w *world) execution(c graph.Config) (*graph.API, *executor.Executor) {
	w.t.Helper()
	api, err := graph.New(c)
	w.ok(err)
	e := executor.New(api.Schema)
	e.SetErrorPresenter(api.ErrorPresenter)
	e.SetRecoverFunc(api.Recover)
	e.SetQueryCache(graphql.MapCache[*ast.QueryDocument]{}) // as the server does; plans are kept by document
	for _, extension := range append([]graphql.HandlerExtension{&coerce.Extension{}}, api.Extensions...) {
		e.Use(extension)
	}
	return api, e
}

// runOperations has operations run until the test ends.
func (w *world) runOperations() {
	ctx, end := context.WithCancel(context.WithoutCancel(w.t.Context()))
	wait := w.operations.Run(ctx)
	w.t.Cleanup(func() { end(); wait() })
}

// waitFor waits until the operation of a name has ended, whichever tenant's it is.
func (w *world) waitFor(name string) {
	w.t.Helper()
	_, key, err := id.ParseAny(w.names[name])
	w.ok(err)
	for {
		for _, tenant := range w.tenants {
			o, err := w.operations.ByID(w.t.Context(), tenant, key)
			w.ok(err)
			if o != nil && o.FinishedAt != nil && w.told(key) {
				return
			}
		}
		time.Sleep(time.Millisecond)
	}
}

// told tells whether the audit log knows of an operation's end: that of one that changed nothing is
// told after the operation has ended.
func (w *world) told(operation uuid.UUID) (is bool) {
	w.t.Helper()
	w.ok(w.db.Reader().QueryRowContext(w.t.Context(), `SELECT end_event_id IS NOT NULL OR begin_event_id IS NULL FROM operations WHERE id = $1`, operation).Scan(&is))
	return is
}

// newID makes UUIDs of version 7, one after the other.
func (w *world) newID() (uuid.UUID, error) {
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], 0x0193a0000000_7000)
	binary.BigEndian.PutUint64(u[8:], 0x8000000000000000|w.made.Add(1))
	return u, nil
}

// catalogue fills the catalogue: Suite has the plans Mail, Chat and Old; Addon has New, which
// excludes Old; Tool has Chat; Twin A and Twin B bear one part number; Past is retired.
func (w *world) catalogue() {
	products := map[string][]string{
		"Suite": {"Mail", "Chat", "Old"}, "Addon": {"New"}, "Tool": {"Chat"}, "Twin A": {"Chat"}, "Twin B": {}, "Past": {"Mail"},
	}
	key := func(name string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)) }
	set := key("set")
	w.ok(w.db.Write(w.t.Context(), func(ctx context.Context, tx *database.Tx) error {
		var errs []error
		exec := func(query string, args ...any) {
			_, err := tx.ExecContext(ctx, query, args...)
			errs = append(errs, err)
		}
		for _, name := range []string{"Mail", "Chat", "Old", "New"} {
			exec(`INSERT INTO plans (id, service_plan_name, display_name, display_name_key) VALUES ($1, $2, $3, $4)`,
				key(name), strings.ToUpper(name)+"_1", name, strings.ToLower(name))
			w.names[strings.ToLower(name)] = id.Format(id.Plan, key(name))
			w.names[strings.ToLower(name)+".uuid"] = key(name).String()
		}
		for name, plans := range products {
			label := strings.ToUpper(name) + "_PRO"
			if strings.HasPrefix(name, "Twin") {
				label = "TWIN"
			}
			exec(`INSERT INTO products (id, sku_part_number, display_name, display_name_key) VALUES ($1, $2, $3, $4)`,
				key(name), label, name, strings.ToLower(name))
			for _, plan := range plans {
				exec(`INSERT INTO product_plans (product_id, plan_id) VALUES ($1, $2)`, key(name), key(plan))
			}
			short := strings.ReplaceAll(strings.ToLower(name), " ", "-")
			w.names[short] = id.Format(id.Product, key(name))
			w.names[short+".uuid"] = key(name).String()
		}
		exec(`UPDATE products SET retired_at = $1 WHERE id = $2`, w.clock.Now(), key("Past"))
		exec(`INSERT INTO exclusion_sets (id, name) VALUES ($1, 'Old or New')`, set)
		exec(`INSERT INTO exclusion_set_plans (exclusion_set_id, plan_id) VALUES ($1, $2), ($1, $3)`, set, key("Old"), key("New"))
		exec(`UPDATE catalog SET revision = revision + 1`)
		return errors.Join(errs...)
	}))
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// request is one operation and who asks.
type request struct {
	query     string
	variables map[string]any
	role      access.Role // GLOBAL_ADMIN where empty
	tenant    string      // acme where empty
}

// answer is what a client gets.
type answer struct {
	Data   json.RawMessage `json:"data,omitempty"`
	Errors []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path,omitempty"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors,omitempty"`
}

// ask runs an operation, in which {{name}} stands for the id of that name.
func (w *world) ask(r request) *answer {
	w.t.Helper()
	caller := &access.Access{TenantID: w.tenants["acme"], Name: "test", Roles: []access.Role{access.GlobalAdmin}}
	if r.role != "" {
		caller.Roles = []access.Role{r.role}
	}
	if r.tenant != "" {
		caller.TenantID = w.tenants[r.tenant]
	}
	return w.askAs(access.With(w.t.Context(), caller), r)
}

func (w *world) askAs(ctx context.Context, r request) *answer {
	w.t.Helper()
	ctx = graphql.StartOperationTrace(requestid.With(ctx, "request-1"))
	var variables map[string]any
	if r.variables != nil {
		text, err := json.Marshal(r.variables)
		w.ok(err)
		decoder := json.NewDecoder(strings.NewReader(w.named(string(text))))
		decoder.UseNumber()
		w.ok(decoder.Decode(&variables))
	}
	query := w.named(r.query)
	text, changes := w.run(ctx, w.executor, query, variables)
	if w.stock != nil && !changes {
		w.ran.Apart(func() {
			if stock, _ := w.run(ctx, w.stock, query, variables); stock != text {
				w.t.Errorf("gqlgen's own execution answers otherwise:\n%s\n%v\n%s\n%s", query, variables, stock, text)
			}
		})
	}
	var a answer
	w.ok(json.Unmarshal([]byte(text), &a))
	return &a
}

// run runs an operation and tells whether it is one that changes something. Fields run at the
// same time, so that their errors come in any order: here they come in that of their texts.
func (w *world) run(ctx context.Context, e *executor.Executor, query string, variables map[string]any) (text string, changes bool) {
	w.t.Helper()
	var response *graphql.Response
	op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: maps.Clone(variables)})
	if errs != nil {
		response = &graphql.Response{Errors: errs}
	} else {
		changes = op.Operation.Operation == ast.Mutation
		handler, ctx := e.DispatchOperation(ctx, op)
		response = handler(ctx)
	}
	slices.SortStableFunc(response.Errors, func(a, b *gqlerror.Error) int { return strings.Compare(a.Error(), b.Error()) })
	b, err := json.Marshal(response)
	w.ok(err)
	return string(b), changes
}

// named puts ids in the place of {{name}}.
func (w *world) named(text string) string {
	var pairs []string
	for name, key := range w.names {
		pairs = append(pairs, "{{"+name+"}}", key)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// unnamed puts {{name}} in the place of ids.
func (w *world) unnamed(text string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(w.names)) {
		pairs = append(pairs, w.names[name], "{{"+name+"}}")
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// keep gives a name to the string at a path of an answer, such as createUser.user.id.
func (w *world) keep(name string, a *answer, path string) {
	w.t.Helper()
	w.names[name] = w.at(a, path)
}

// at returns the text at a path of an answer; numbers in it are indices.
func (w *world) at(a *answer, path string) string {
	w.t.Helper()
	var value any
	w.ok(json.Unmarshal(a.Data, &value))
	for step := range strings.SplitSeq(path, ".") {
		var n int
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			if _, err := fmt.Sscan(step, &n); err != nil || n >= len(v) {
				w.t.Fatalf("no %s in %s", path, a.Data)
			}
			value = v[n]
		default:
			w.t.Fatalf("no %s in %s %v", path, a.Data, a.Errors)
		}
	}
	return fmt.Sprint(value)
}

// do runs an operation that must succeed: without errors, user errors included.
func (w *world) do(query string, variables map[string]any) *answer {
	w.t.Helper()
	a := w.ask(request{query: query, variables: variables})
	if len(a.Errors) > 0 || bytes.Contains(bytes.ReplaceAll(a.Data, []byte(`"userErrors":[]`), nil), []byte(`"userErrors"`)) {
		w.t.Fatalf("%s\n%s %v", query, a.Data, a.Errors)
	}
	return a
}

// user creates a user in the Netherlands and names the id.
func (w *world) user(name string) {
	w.t.Helper()
	w.userIn(name, "NL", true)
}

// userIn creates a user, with a usage location or without one, and names the id.
func (w *world) userIn(name, country string, located bool) {
	w.t.Helper()
	variables := map[string]any{"n": strings.ToLower(name) + "@acme.example", "d": name}
	if located {
		variables["l"] = country
	}
	a := w.do(`mutation($n: String!, $d: String!, $l: String) { createUser(input: { userPrincipalName: $n, displayName: $d, usageLocation: $l }) {
		user { id } userErrors { code message } } }`, variables)
	w.keep(strings.ToLower(name), a, "createUser.user.id")
}

// group creates a group with members and names the id.
func (w *world) group(name string, members ...string) {
	w.t.Helper()
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = "{{" + m + "}}"
	}
	a := w.do(`mutation($d: String!, $m: [ID!]) { createGroup(input: { displayName: $d, memberIds: $m }) {
		group { id } userErrors { code message } } }`, map[string]any{"d": name, "m": ids})
	w.keep(strings.ToLower(name), a, "createGroup.group.id")
}

// seats buys seats of a product and names the subscription.
func (w *world) seats(product string, n any) {
	w.t.Helper()
	a := w.do(`mutation($p: ID!, $n: Int) { createSubscription(input: { productId: $p, seats: $n }) {
		subscription { id } userErrors { code message } } }`, map[string]any{"p": "{{" + product + "}}", "n": n})
	w.keep(product+"-seats", a, "createSubscription.subscription.id")
}

// assign gives a product to principals.
func (w *world) assign(product string, principals ...string) {
	w.t.Helper()
	ids := make([]string, len(principals))
	for i, p := range principals {
		ids[i] = "{{" + p + "}}"
	}
	w.do(`mutation($i: [ID!]!, $p: ID!) { assignLicenses(input: { principalIds: $i, add: [{ productId: $p }] }) {
		results { userErrors { code message } } userErrors { code message } } }`, map[string]any{"i": ids, "p": "{{" + product + "}}"})
}
