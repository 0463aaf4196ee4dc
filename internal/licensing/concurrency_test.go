package licensing_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// replicas runs a test on both databases with an office that two servers serve.
func replicas(t *testing.T, test func(o *office, servers [2]*licensing.Service)) {
	t.Helper()
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			url := dbtest.URL(t, d)
			var dbs [2]*database.DB
			for i := range dbs {
				db, err := database.Open(t.Context(), url, database.Options{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = db.Close() })
				dbs[i] = db
			}
			o := newOffice(t, dbs[0])
			second, err := licensing.New(licensing.Config{DB: dbs[1], Clock: o.clock, NewID: id.NewV7, Log: zerolog.Nop()})
			if err != nil {
				t.Fatal(err)
			}
			test(o, [2]*licensing.Service{o.service, second})
		})
	}
}

// atOnce runs calls at the same time; none may fail.
func (o *office) atOnce(calls ...func() error) {
	o.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, call := range calls {
		wg.Go(func() {
			<-start
			if err := call(); err != nil {
				o.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
}

// rounds is how often a race is run: which side comes first is for the machine to say.
func rounds() int {
	if testing.Short() {
		return 3
	}
	return 12
}

// Of two administrators who give the one seat to two users, one is refused; whoever is left
// finds the state that the other made.
func TestTwoAdministratorsAndOneSeatR8R12(t *testing.T) {
	replicas(t, func(o *office, servers [2]*licensing.Service) {
		o.buy(base, 1)
		for range rounds() {
			var codes [2]fault.Code
			var calls []func() error
			for i, who := range []uuid.UUID{ann, bob} {
				calls = append(calls, func() error {
					out, err := servers[i].Assign(o.Context(), o.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{user(who)}, Add: give(base)})
					if err == nil && len(out.Results[0].Errors) > 0 {
						codes[i] = out.Results[0].Errors[0].Code
					}
					return err
				})
			}
			o.atOnce(calls...)
			slices.Sort(codes[:])
			if codes != [2]fault.Code{"", fault.CountViolation} {
				o.Fatalf("the answers are %q", codes)
			}
			if s := o.seats(base); s.Consumed != 1 || s.Waiting != 0 {
				o.Fatalf("%+v", s)
			}
			o.verify(o.T)
			for _, who := range []uuid.UUID{ann, bob} {
				o.assign(user(who), nil, []uuid.UUID{base}, "")
			}
		}
	})
}

// A product that reaches a user from two groups at once takes one seat: by joining both, and
// by both being given it.
func TestTheSameProductFromTwoGroupsAtOnceTakesOneSeatR4(t *testing.T) {
	replicas(t, func(o *office, servers [2]*licensing.Service) {
		field := numbered(3, 20)
		o.do(func(d *licensing.Draft) error {
			d.CreateGroup(&principal.Group{ID: field, DisplayName: "Field", CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			return nil
		})
		o.buy(base, 1)
		both := [2]uuid.UUID{sales, field}
		give2 := func(add []licensing.LicenseInput, remove []uuid.UUID) []func() error {
			var calls []func() error
			for i, g := range both {
				calls = append(calls, func() error {
					_, err := servers[i].Assign(o.Context(), o.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{group(g)}, Add: add, Remove: remove})
					return err
				})
			}
			return calls
		}
		move := func(join bool) []func() error {
			var calls []func() error
			for i, g := range both {
				calls = append(calls, func() error {
					_, err := servers[i].Change(o.Context(), o.tenant, licensing.Options{Action: audit.GroupMembersChange}, func(_ context.Context, d *licensing.Draft) error {
						if join {
							d.AddMember(g, ann)
						} else {
							d.RemoveMember(g, ann)
						}
						return nil
					})
					return err
				})
			}
			return calls
		}
		one := func(what string) {
			o.Helper()
			if s := o.seats(base); s.Consumed != 1 || s.InError != 0 {
				o.Errorf("%s: %+v", what, s)
			}
			if n := len(o.view(ann).License(base).Sources); n != 2 {
				o.Errorf("%s: %d sources", what, n)
			}
			o.verify(o.T)
		}
		for range rounds() {
			o.atOnce(move(true)...)
			o.atOnce(give2(give(base), nil)...)
			one("two assignments")
			o.atOnce(move(false)...)
			o.holds(ann)
			o.atOnce(move(true)...)
			one("two memberships")
			o.atOnce(append(move(false), give2(nil, []uuid.UUID{base})...)...)
			if s := o.seats(base); s.Consumed != 0 || s.InError != 0 {
				o.Errorf("both gone: %+v", s)
			}
		}
		o.verify(o.T)
	})
}

// Whoever writes a principal's full list states the version that was read: additions made
// meanwhile are never lost, and of several such edits at most one is made.
func TestFullListEditsAgainstConcurrentAddsAreVersionConflictsR24(t *testing.T) {
	replicas(t, func(o *office, servers [2]*licensing.Service) {
		for _, p := range []uuid.UUID{base, suite, addon} {
			o.buy(p, -1)
		}
		for n := range rounds() {
			for name, ref := range map[string]licensing.PrincipalRef{"users": user(ann), "groups": group(sales)} {
				version, _ := o.versions(name, ref.ID)
				var mu sync.Mutex
				made, conflicts := 0, 0
				edit := func(server *licensing.Service) func() error {
					return func() error {
						out, err := server.Assign(o.Context(), o.tenant, licensing.AssignInput{
							Principals: []licensing.PrincipalRef{ref}, Add: only(suite, note), Mode: licensing.AssignReplace, ExpectedVersion: &version,
						})
						if err != nil {
							return err
						}
						mu.Lock()
						defer mu.Unlock()
						switch errs := out.Results[0].Errors; {
						case len(errs) == 0:
							made++
						case errs[0].Code == fault.VersionConflict:
							conflicts++
						default:
							return errs[0]
						}
						return nil
					}
				}
				add := func(server *licensing.Service, in []licensing.LicenseInput) func() error {
					return func() error {
						out, err := server.Assign(o.Context(), o.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{ref}, Add: in})
						if err == nil && len(out.Results[0].Errors) > 0 {
							return out.Results[0].Errors[0]
						}
						return err
					}
				}
				o.atOnce(edit(servers[0]), add(servers[1], only(base, mail)), edit(servers[1]), add(servers[0], give(addon)))
				if made > 1 || made+conflicts != 2 {
					o.Errorf("round %d, %s: %d edits made, %d conflicts", n, name, made, conflicts)
				}
				g, err := o.service.Graph(o.Context(), o.tenant)
				if err != nil {
					o.Fatal(err)
				}
				has := len(o.view(ann).DirectAssignments())
				if ref.Kind == id.Group {
					has = len(g.AssignmentsOf(sales))
				}
				if has != 2+made {
					o.Errorf("round %d, %s: %d assignments after %d edits and two additions", n, name, has, made)
				}
				out, err := o.service.Assign(o.Context(), o.tenant, licensing.AssignInput{
					Principals: []licensing.PrincipalRef{ref}, Add: []licensing.LicenseInput{}, Mode: licensing.AssignReplace,
				})
				if err != nil || len(out.Results[0].Errors) > 0 {
					o.Fatalf("%+v, %v", out, err)
				}
			}
		}
		o.verify(o.T)
	})
}

// A change that the database gives up on runs again from its beginning: whatever it had
// written is written once. Where it never succeeds, nothing is.
func TestARepeatedTransactionDoublesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 5)
		o.assign(group(sales), give(base), nil, "")
		before := len(o.events())
		// giveUp fails a change after everything else of it is written, n times.
		join := func(n int) (runs int, err error) {
			_, err = o.service.Change(t.Context(), o.tenant, licensing.Options{Action: audit.GroupMembersChange}, func(_ context.Context, d *licensing.Draft) error {
				d.AddMember(sales, ann)
				d.Write(func(context.Context, *database.Tx) error {
					if runs++; runs <= n {
						return fmt.Errorf("the last of it: %w", &pq.Error{Code: pqerror.TRSerializationFailure})
					}
					return nil
				})
				return nil
			})
			return runs, err
		}
		o.unchanged(func() {
			if runs, err := join(1000); fault.CodeOf(err) != fault.Unavailable || runs < 2 || runs > 20 {
				t.Errorf("after %d runs: %v", runs, err)
			}
		})
		if runs, err := join(3); err != nil || runs != 4 {
			t.Fatalf("after %d runs: %v", runs, err)
		}
		o.holds(ann, base)
		if s := o.seats(base); s.Consumed != 1 || len(o.events()) != before+1 {
			t.Errorf("%+v, %d events more", s, len(o.events())-before)
		}
		if n := o.query(`SELECT members FROM group_counters WHERE group_id = $1`, sales); !slices.Equal(n, []string{"1"}) {
			t.Errorf("the group has %v members", n)
		}
		o.verify(t)
	})
}

// A commit whose answer is lost is told as such; repeating the call leaves one change.
func TestACallRepeatedAfterAnUnknownOutcomeDoublesNothing(t *testing.T) {
	db := dbtest.Open(t, database.Postgres, database.Options{})
	o := newOffice(t, db)
	o.buy(base, 5)
	before := len(o.events())
	o.exec(t, `CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$`)
	o.exec(t, `CREATE CONSTRAINT TRIGGER lost AFTER INSERT ON audit_events DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lost()`)
	in := licensing.AssignInput{Principals: []licensing.PrincipalRef{user(ann), group(sales)}, Add: give(base)}
	if _, err := o.service.Assign(t.Context(), o.tenant, in); fault.CodeOf(err) != fault.OutcomeUnknown {
		t.Errorf("got %v, want OUTCOME_UNKNOWN", err)
	}
	o.exec(t, `DROP TRIGGER lost ON audit_events`)
	for range 2 {
		out, err := o.service.Assign(t.Context(), o.tenant, in)
		if err != nil || len(out.Results[0].Errors)+len(out.Results[1].Errors) > 0 {
			t.Fatalf("%+v, %v", out, err)
		}
	}
	if s := o.seats(base); s.Consumed != 1 || len(o.events()) != before+1 {
		t.Errorf("%+v, %d events more", s, len(o.events())-before)
	}
	o.holds(ann, base)
	o.verify(t)
}
