package directory_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// server is one of the two that serve a world.
type server struct {
	licensing *licensing.Service
	directory *directory.Service
}

// replicas runs a test on both databases with a world that two servers serve.
func replicas(t *testing.T, test func(w *world, servers [2]server)) {
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
			w := newWorld(t, dbs[0], nil)
			l, err := licensing.New(licensing.Config{DB: dbs[1], Clock: w.clock, NewID: id.NewV7, Log: zerolog.Nop()})
			w.ok(err)
			s, err := directory.New(directory.Config{DB: dbs[1], Licensing: l})
			w.ok(err)
			test(w, [2]server{{w.licensing, w.directory}, {l, s}})
		})
	}
}

// atOnce runs calls at the same time; none may fail.
func (w *world) atOnce(calls ...func() error) {
	w.t.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, call := range calls {
		wg.Go(func() {
			<-start
			if err := call(); err != nil {
				w.t.Error(err)
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

// give assigns a product directly; that it is refused for want of a seat is no error, but told.
func (s server) give(w *world, to *principal.User, product uuid.UUID, refused *bool) func() error {
	return func() error {
		out, err := s.licensing.Assign(w.t.Context(), w.tenant, licensing.AssignInput{
			Principals: []licensing.PrincipalRef{{Kind: id.User, ID: to.ID}}, Add: []licensing.LicenseInput{{Product: product}},
		})
		if err != nil || len(out.Results[0].Errors) == 0 {
			return err
		}
		if e := out.Results[0].Errors[0]; e.Code != fault.CountViolation && e.Code != fault.NotFound {
			return e
		}
		*refused = true
		return nil
	}
}

func (w *world) take(from *principal.User, product uuid.UUID) {
	w.t.Helper()
	_, err := w.licensing.Assign(w.t.Context(), w.tenant, licensing.AssignInput{
		Principals: []licensing.PrincipalRef{{Kind: id.User, ID: from.ID}}, Remove: []uuid.UUID{product},
	})
	w.ok(err)
}

// The last seat goes to who is restored or to who is newly given it: to one of them. A restore
// that comes too late waits, an assignment is refused.
func TestARestoreAgainstAPurchaseOfTheLastSeatR8R12R19(t *testing.T) {
	replicas(t, func(w *world, servers [2]server) {
		w.subscribe(w.suite, 1)
		anna, ben := w.user("Anna"), w.user("Ben")
		for range rounds() {
			w.assign(anna, licensing.LicenseInput{Product: w.suite})
			w.erase(anna)
			refused := false
			w.atOnce(servers[1].give(w, ben, w.suite, &refused), func() error {
				_, err := servers[0].directory.RestoreUser(w.t.Context(), w.tenant, directory.RestoreUserInput{ID: anna.ID})
				return err
			})
			if w.holds(anna, w.suite) != refused || w.holds(ben, w.suite) == refused {
				w.t.Errorf("refused %v, Anna holds it: %v, Ben: %v", refused, w.holds(anna, w.suite), w.holds(ben, w.suite))
			}
			want := [3]int{1, 1, 1}
			if refused {
				want = [3]int{1, 0, 0}
			}
			if got := w.seats(w.suite); got != want {
				w.t.Errorf("refused %v, seats %v", refused, got)
			}
			w.sound()
			w.take(ben, w.suite)
			w.take(anna, w.suite)
		}
	})
}

// A user who is deleted while being given a product ends without it, whichever comes first, and
// has it after being restored only if it came before.
func TestDeletingAUserAgainstAnAssignmentR12R19(t *testing.T) {
	replicas(t, func(w *world, servers [2]server) {
		w.subscribe(w.suite, 1)
		anna := w.user("Anna")
		for range rounds() {
			refused := false
			w.atOnce(servers[1].give(w, anna, w.suite, &refused), func() error {
				_, err := servers[0].directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: anna.ID})
				return err
			})
			if got := w.seats(w.suite); got != [3]int{} || len(w.view(anna).Licenses()) != 0 {
				w.t.Errorf("seats %v", got)
			}
			w.sound()
			w.restore(anna)
			if w.holds(anna, w.suite) == refused {
				w.t.Errorf("refused %v, but held after the restore: %v", refused, !refused)
			}
			w.sound()
			w.take(anna, w.suite)
		}
	})
}

// Two users of one name cannot be made at once, nor one be made while another is restored to it.
func TestOfTwoUsersWithOneNameAtOnceOneIsRefusedR18R19(t *testing.T) {
	replicas(t, func(w *world, servers [2]server) {
		for n := range rounds() {
			name := fmt.Sprintf("anna%d@acme.example", n)
			gone := w.createUser(directory.CreateUserInput{UserPrincipalName: name, DisplayName: "Gone"})
			w.erase(gone)
			var mu sync.Mutex
			done, refused := 0, 0
			count := func(err error) error {
				mu.Lock()
				defer mu.Unlock()
				switch fault.CodeOf(err) {
				case fault.DuplicateValue:
					refused++
					return nil
				case "":
					done++
				}
				return err
			}
			create := func(s server) func() error {
				return func() error {
					_, err := s.directory.CreateUser(w.t.Context(), w.tenant, directory.CreateUserInput{
						UserPrincipalName: name, DisplayName: "Anna", UserType: principal.Member,
					})
					return count(err)
				}
			}
			w.atOnce(create(servers[0]), create(servers[1]), func() error {
				_, err := servers[0].directory.RestoreUser(w.t.Context(), w.tenant, directory.RestoreUserInput{ID: gone.ID})
				return count(err)
			})
			if done != 1 || refused != 2 {
				w.t.Errorf("%d done, %d refused", done, refused)
			}
		}
	})
}

// Nestings that close a cycle together, made at once, never close it (R20).
func TestNestingsMadeAtOnceCloseNoCycleR20(t *testing.T) {
	replicas(t, func(w *world, servers [2]server) {
		a, b := w.group("A"), w.group("B")
		for range rounds() {
			var outcome [2]string
			nest := func(i int, parent, child *principal.Group) func() error {
				return func() error {
					r, err := servers[i].directory.AddGroupMembers(w.t.Context(), w.tenant, directory.MembersInput{Group: parent.ID, MemberIDs: ids(child)})
					if err == nil {
						outcome[i] = outcomes(r.Results)[0]
					}
					return err
				}
			}
			w.atOnce(nest(0, a, b), nest(1, b, a))
			slices.Sort(outcome[:])
			if outcome != [2]string{"GROUP_CYCLE memberIds.0", "changed"} {
				w.t.Errorf("results %q", outcome)
			}
			w.remove(a, b)
			w.remove(b, a)
		}
	})
}

// Everything at once on two servers: no call fails, and the state is sound whatever came first.
func TestManyChangesAtOnceLeaveOneTruthR17(t *testing.T) {
	replicas(t, func(w *world, servers [2]server) {
		callers, each := 8, 12
		if testing.Short() {
			callers, each = 4, 5
		}
		suite := w.subscribe(w.suite, 4)
		for _, p := range []uuid.UUID{w.addon, w.radio, w.extra} {
			w.subscribe(p, 3)
		}
		var users []*principal.User
		for i := range 12 {
			users = append(users, w.user(fmt.Sprintf("User %d", i)))
		}
		groups := []*principal.Group{w.group("A"), w.group("B"), w.group("C")}
		w.add(groups[0], groups[1])
		var calls []func() error
		for n := range callers {
			calls = append(calls, func() error {
				r := rand.New(rand.NewPCG(uint64(n), 3))
				for range each {
					if err := servers[n%2].anything(w, r, users, groups, suite); err != nil {
						return err
					}
				}
				return nil
			})
		}
		w.atOnce(calls...)
		w.sound()
		views, err := servers[1].licensing.ReadUsers(w.t.Context(), w.tenant, []uuid.UUID{users[0].ID})
		w.ok(err)
		if g := w.view(users[0]).Graph(); views[0].Graph().Tag != g.Tag {
			w.t.Errorf("the servers read %v and %v", views[0].Graph().Tag, g.Tag)
		}
	})
}

// anything makes a random change, which may be refused.
func (s server) anything(w *world, r *rand.Rand, users []*principal.User, groups []*principal.Group, subscription uuid.UUID) error {
	u, g := users[r.IntN(len(users))], groups[r.IntN(len(groups))]
	product := []uuid.UUID{w.suite, w.addon, w.radio, w.extra}[r.IntN(4)]
	ctx := w.t.Context()
	ref := licensing.PrincipalRef{Kind: id.User, ID: u.ID}
	if r.IntN(2) == 0 {
		ref = licensing.PrincipalRef{Kind: id.Group, ID: g.ID}
	}
	var err error
	switch r.IntN(8) {
	case 0, 1:
		_, err = s.licensing.Assign(ctx, w.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{ref}, Add: []licensing.LicenseInput{{Product: product}}})
	case 2:
		_, err = s.licensing.Assign(ctx, w.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{ref}, Remove: []uuid.UUID{product}})
	case 3:
		_, err = s.directory.AddGroupMembers(ctx, w.tenant, directory.MembersInput{Group: g.ID, MemberIDs: ids(u)})
	case 4:
		_, err = s.directory.RemoveGroupMembers(ctx, w.tenant, directory.MembersInput{Group: g.ID, MemberIDs: ids(u)})
	case 5:
		_, err = s.directory.DeleteUser(ctx, w.tenant, directory.DeleteUserInput{ID: u.ID})
	case 6:
		_, err = s.directory.RestoreUser(ctx, w.tenant, directory.RestoreUserInput{ID: u.ID})
	default:
		if r.IntN(2) == 0 {
			_, err = s.directory.UpdateUser(ctx, w.tenant, directory.UpdateUserInput{ID: u.ID, UsageLocation: optional.Of([]string{"NL", "BE"}[r.IntN(2)])})
		} else {
			_, err = s.licensing.UpdateSubscription(ctx, w.tenant, licensing.UpdateSubscriptionInput{
				ID: subscription, Seats: optional.Of(r.IntN(8)), AllowOverAllocation: true,
			})
		}
	}
	if fault.CodeOf(err).IsUserError() {
		return nil
	}
	return err
}
