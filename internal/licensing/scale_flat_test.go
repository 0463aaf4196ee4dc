package licensing_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// everybody makes users from one number to another members of the sample's group.
func (s *sample) everybody(t *testing.T, from, to int) {
	t.Helper()
	s.exec(t, fmt.Sprintf(`INSERT INTO memberships (tenant_id, group_id, user_id, created_at) SELECT tenant_id, '%s', id, 1 FROM users
		WHERE id >= '%s' AND id <= '%s'`, s.group, numbered(4, from), numbered(4, to)))
	s.exec(t, fmt.Sprintf(`UPDATE group_counters SET members = members + %d WHERE group_id = '%s'`, to-from+1, s.group))
}

func TestAddingAMemberTakesAsManyStatementsInALargeGroupAsInASmallOne(t *testing.T) {
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, st *dbtest.Statements) {
		s := newSample(t, db, 2_100)
		s.subscribe(t, nil)
		if _, err := s.assignTo(t.Context(), licensing.PrincipalRef{Kind: id.Group, ID: s.group}); err != nil {
			t.Fatal(err)
		}
		var took []int
		for _, more := range [][2]int{{1, 10}, {11, 2_000}} {
			s.everybody(t, more[0], more[1])
			st.Reset()
			out := s.change(t, func(d *licensing.Draft) error {
				d.AddMember(s.group, numbered(4, 2_001+len(took)))
				return nil
			})
			if out.Impact.UsersGaining != 1 {
				t.Fatalf("%d users gain", out.Impact.UsersGaining)
			}
			took = append(took, st.Count())
		}
		if took[0] != took[1] {
			t.Errorf("%d statements with 10 members, %d with 2,000", took[0], took[1])
		}
	})
}

// loading is the text by which users are loaded one by one.
const loading = "SELECT u.id, u.deleted_at IS NOT NULL, u.usage_location, "

func TestLargeChangesByCasesLoadNobodyWhomNoSeatTellsApart(t *testing.T) {
	const users, holders, seats = 2_000, 150, 40
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, st *dbtest.Statements) {
		s := newSample(t, db, users)
		s.service = s.grouped
		s.everybody(t, 1, users)
		s.subscribe(t, nil)
		other := numbered(3, 2)
		s.change(t, func(d *licensing.Draft) error { // a group whose members hold the product already
			d.CreateGroup(&principal.Group{ID: other, DisplayName: "Some", CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			for n := range holders {
				d.AddMember(other, numbered(4, n+1))
			}
			return nil
		})
		if _, err := s.assignTo(t.Context(), licensing.PrincipalRef{Kind: id.Group, ID: other}); err != nil {
			t.Fatal(err)
		}
		ctx := licensing.WithChangeList(t.Context(), licensing.ChangeList{Skip: true})
		assign := func(in licensing.AssignInput) *licensing.AssignOutcome {
			t.Helper()
			in.Principals = []licensing.PrincipalRef{{Kind: id.Group, ID: s.group}}
			acknowledged := users
			in.AcknowledgeLosses = &acknowledged
			st.Reset()
			out, err := s.service.Assign(ctx, s.tenant, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, query := range st.List() {
				if strings.HasPrefix(query, loading) {
					t.Errorf("users are loaded one by one: %.120s", query)
				}
			}
			return out
		}
		out := assign(licensing.AssignInput{Add: []licensing.LicenseInput{{Product: s.sku}}})
		if out.Impact.UsersGaining != users-holders || out.Impact.UsersChanged != holders {
			t.Errorf("%d gain and %d keep it, want %d and %d", out.Impact.UsersGaining, out.Impact.UsersChanged, users-holders, holders)
		}
		if n := s.number(t, "SELECT count(*) FROM license_violations"); n != 0 {
			t.Errorf("%d rows of violations, want none", n)
		}
		out = assign(licensing.AssignInput{Remove: []uuid.UUID{s.sku}})
		if out.Impact.UsersLosing != users-holders {
			t.Errorf("%d lose it, want %d", out.Impact.UsersLosing, users-holders)
		}
		s.verify(t)

		// Where there is a seat for some, everybody has a place in line, by which they are told apart.
		sp, err := s.service.SubscribedProductsByID(t.Context(), s.tenant, []uuid.UUID{s.sku})
		if err != nil {
			t.Fatal(err)
		}
		most := holders + seats
		_, err = s.service.UpdateSubscription(t.Context(), s.tenant, licensing.UpdateSubscriptionInput{ID: sp[0].Subscriptions[0].ID, Seats: optional.Of(most)})
		if err != nil {
			t.Fatal(err)
		}
		assign(licensing.AssignInput{Add: []licensing.LicenseInput{{Product: s.sku}}})
		if n := s.number(t, "SELECT count(*) FROM license_violations"); n != users-most {
			t.Errorf("%d users wait, want %d", n, users-most)
		}
		s.verify(t)
	})
}

// What a dry run answers is counts and a page, and so is what it allocates.
func TestADryRunForManyTakesTheMemoryOfOneForFew(t *testing.T) {
	const few, many = 400, 6_000
	for name, of := range map[string]struct {
		service func(*sample) *licensing.Service
		seats   *int
	}{
		"counted":               {func(s *sample) *licensing.Service { return s.counts }, nil},
		"counted, seats for 50": {func(s *sample) *licensing.Service { return s.counts }, ptr(50)},
		"grouped":               {func(s *sample) *licensing.Service { return s.grouped }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := newSample(t, db, many)
				s.subscribe(t, of.seats)
				ask := func() {
					out, err := of.service(s).Assign(t.Context(), s.tenant, licensing.AssignInput{
						Principals: []licensing.PrincipalRef{{Kind: id.Group, ID: s.group}}, Add: []licensing.LicenseInput{{Product: s.sku}}, DryRun: true,
					})
					if err != nil {
						t.Fatal(err)
					}
					if page, err := out.Impact.Changes(t.Context(), 100, ""); err != nil || len(page.Items) != 100 || !page.HasNext {
						t.Fatalf("the page is %+v: %v", page, err)
					}
				}
				var took []uint64
				for _, more := range [][2]int{{1, few}, {few + 1, many}} {
					s.everybody(t, more[0], more[1])
					ask()
					took = append(took, allocated(ask))
				}
				if took[1] > took[0]+took[0]/4 {
					t.Errorf("it allocates %d bytes for %d users, %d for %d", took[0], few, took[1], many)
				}
			})
		})
	}
}

// Where few of many change, they are found at the price of the counts, whoever stands before them.
func TestFewWhoChangeAmongManyAreListedByAsManyStatements(t *testing.T) {
	const late = 10
	for name, service := range map[string]func(*sample) *licensing.Service{
		"counted": func(s *sample) *licensing.Service { return s.counts }, "grouped": func(s *sample) *licensing.Service { return s.grouped },
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.EachObserved(t, func(t *testing.T, db *database.DB, st *dbtest.Statements) {
				s := newSample(t, db, 3_000)
				s.subscribe(t, nil)
				holders, everybody := numbered(3, 2), numbered(3, 3)
				s.change(t, func(d *licensing.Draft) error {
					for _, g := range []uuid.UUID{holders, everybody} {
						d.CreateGroup(&principal.Group{ID: g, DisplayName: g.String(), CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
					}
					d.Nest(s.group, holders)
					return nil
				})
				if _, err := s.assignTo(t.Context(), licensing.PrincipalRef{Kind: id.Group, ID: s.group}); err != nil {
					t.Fatal(err)
				}
				join := func(group uuid.UUID, from, to int) {
					s.exec(t, fmt.Sprintf(`INSERT INTO memberships (tenant_id, group_id, user_id, created_at) SELECT tenant_id, '%s', id, 1 FROM users
						WHERE id >= '%s' AND id <= '%s'`, group, numbered(4, from), numbered(4, to)))
					s.exec(t, fmt.Sprintf(`UPDATE group_counters SET members = members + %d WHERE group_id = '%s'`, to-from+1, group))
				}
				s.exec(t, fmt.Sprintf(`UPDATE seat_counters SET consumed = %d`, 3_000-late))
				var took []int
				for _, more := range [][2]int{{1, 600}, {601, 3_000 - late}} {
					join(holders, more[0], more[1])
					join(everybody, more[0], more[1])
					if more[0] == 1 {
						join(everybody, 3_000-late+1, 3_000)
					}
					var listed []string
					for after := ""; ; {
						st.Reset()
						ctx := licensing.WithChangeList(t.Context(), licensing.ChangeList{After: after})
						out, err := service(s).Change(ctx, s.tenant, licensing.Options{Action: audit.GroupMembersChange, DryRun: true}, func(_ context.Context, d *licensing.Draft) error {
							d.Nest(s.group, everybody)
							return nil
						})
						if err != nil || out.Impact.UsersGaining != late {
							t.Fatalf("%+v gain: %v", out, err)
						}
						page, err := out.Impact.Changes(t.Context(), 4, after)
						if err != nil {
							t.Fatal(err)
						}
						took = append(took, st.Count())
						for _, c := range page.Items {
							listed = append(listed, c.UserID.String())
						}
						if !page.HasNext {
							break
						}
						after = page.Cursors[len(page.Cursors)-1]
					}
					if len(listed) != late || listed[0] != numbered(4, 3_000-late+1).String() || !slices.IsSorted(listed) {
						t.Errorf("%v are listed", listed)
					}
				}
				if slices.Max(took[len(took)/2:]) > slices.Max(took[:len(took)/2]) {
					t.Errorf("%v statements for 600 who hold it, then for 2,990", took)
				}
			})
		})
	}
}

// allocated is how many bytes a function allocates, at the least of several times: others allocate, too.
func allocated(fn func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		fn()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// Whoever asks after a change gets the graph as the change left it, and as it would be loaded.
func TestTheGraphKeptAfterAChangeIsTheStoredOne(t *testing.T) {
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, st *dbtest.Statements) {
		s := newSample(t, db, 10)
		s.subscribe(t, nil)
		child := numbered(3, 2)
		s.change(t, func(d *licensing.Draft) error {
			d.CreateGroup(&principal.Group{ID: child, DisplayName: "Child", CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			d.Nest(s.group, child)
			return nil
		})
		if _, err := s.assignTo(t.Context(), licensing.PrincipalRef{Kind: id.Group, ID: s.group}); err != nil {
			t.Fatal(err)
		}
		st.Reset()
		kept, err := s.service.Graph(t.Context(), s.tenant)
		if err != nil {
			t.Fatal(err)
		}
		if n := st.Count(); n != 1 {
			t.Errorf("asking for the graph took %d statements, want 1", n)
		}
		loaded, err := s.grouped.Graph(t.Context(), s.tenant) // knows nothing of the changes
		if err != nil {
			t.Fatal(err)
		}
		if kept.Tag != loaded.Tag {
			t.Errorf("kept with the tag %v, loaded with %v", kept.Tag, loaded.Tag)
		}
		for _, g := range []uuid.UUID{s.group, child} {
			a, b := kept.Group(g), loaded.Group(g)
			if *a != *b {
				t.Errorf("group %+v is kept, %+v is stored", *a, *b)
			}
			x, y := kept.Reach(g), loaded.Reach(g)
			if len(x) != 1 || len(y) != 1 || x[0].ID != y[0].ID || x[0].Version != y[0].Version || *x[0].Path[0] != *y[0].Path[0] {
				t.Errorf("%s: kept %+v, stored %+v", g, x, y)
			}
		}
	})
}
