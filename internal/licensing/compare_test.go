package licensing_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
)

// rows reads the stored violations in the oracle's terms.
func (p *product) rows(ctx context.Context) ([]oracle.Row, error) {
	rs, err := p.db.Reader().QueryContext(ctx, `SELECT user_id, principal_id, product_id, plan_id, code, since FROM license_violations WHERE tenant_id = $1`, p.tenant)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rs.Close() }()
	var all []oracle.Row
	for rs.Next() {
		var r oracle.Row
		var plan uuid.NullUUID
		var since clock.Instant
		if err := rs.Scan(&r.User, &r.Principal, &r.Product, &plan, &r.Code, &since); err != nil {
			return nil, err
		}
		r.Plan, r.Since = plan.UUID, int64(since-p.started)
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b oracle.Row) int {
		for _, c := range []int{bytes.Compare(a.User[:], b.User[:]), bytes.Compare(a.Principal[:], b.Principal[:]),
			bytes.Compare(a.Product[:], b.Product[:]), bytes.Compare(a.Plan[:], b.Plan[:])} {
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return all, rs.Err()
}

// compare tells how the database differs from the oracle's state.
func (p *product) compare(ctx context.Context, s *oracle.State) error {
	got, err := p.rows(ctx)
	if err != nil {
		return err
	}
	if want := s.Rows(); !slices.Equal(got, want) {
		return fmt.Errorf("violations\n  are  %v\n  want %v", got, want)
	}
	if err := p.compareAssignments(ctx, s); err != nil {
		return err
	}
	report, err := p.service.Verify(ctx, p.tenant, nil)
	if err != nil {
		return err
	}
	for _, problem := range report.Problems {
		return fmt.Errorf("verify: %s: %s", problem.Rule, problem.Message)
	}
	all, err := p.service.SubscribedProducts(ctx, p.tenant)
	if err != nil {
		return err
	}
	for _, sp := range all {
		if want := s.Consumed(sp.Product.ID); sp.Seats.Consumed != want {
			return fmt.Errorf("%s: %d seats consumed, want %d", sp.Product.DisplayName, sp.Seats.Consumed, want)
		}
	}
	users := s.LiveUsers()
	views, err := p.service.ReadUsers(ctx, p.tenant, users)
	if err != nil {
		return err
	}
	for i, v := range views {
		on := oracle.Set{}
		for _, l := range v.Licenses() {
			for _, plan := range l.Plans() {
				if plan.Enabled {
					on[plan.Plan.ID] = true
				}
			}
			if want := s.Holds(users[i], l.Product.ID); l.ConsumesSeat != want {
				return fmt.Errorf("user %s holds %s: %v, want %v", users[i], l.Product.DisplayName, l.ConsumesSeat, want)
			}
		}
		var excluded []oracle.AssignmentKey
		for _, x := range v.ExcludedSources() {
			excluded = append(excluded, oracle.AssignmentKey{Principal: x.Group.ID, Product: x.Assignment.Product.ID})
		}
		slices.SortFunc(excluded, func(a, b oracle.AssignmentKey) int {
			return cmp.Or(bytes.Compare(a.Principal[:], b.Principal[:]), bytes.Compare(a.Product[:], b.Product[:]))
		})
		if want := s.Excluded(users[i]); !slices.Equal(excluded, want) {
			return fmt.Errorf("user %s is excluded from %v, want %v", users[i], excluded, want)
		}
		if want := s.OnPlans(users[i]); !maps.Equal(on, want) {
			return fmt.Errorf("user %s has the plans %v, want %v", users[i], on, want)
		}
	}
	return nil
}

// compareAssignments tells how the stored dates of assignments differ from the oracle's.
func (p *product) compareAssignments(ctx context.Context, s *oracle.State) error {
	got := map[oracle.AssignmentKey]oracle.Assignment{}
	err := database.Each(ctx, p.db.Reader(), func(scan func(...any) error) error {
		var key oracle.AssignmentKey
		var a oracle.Assignment
		var starts, ends, created clock.Instant
		err := scan(&key.Principal, &key.Product, &a.Scheduled, &starts, &ends, &created)
		if a.CreatedAt = int64(created - p.started); a.Scheduled {
			a.StartsAt = int64(starts - p.started)
		}
		if ends > 0 {
			a.EndsAt = int64(ends - p.started)
		}
		got[key] = a
		return err
	}, `SELECT coalesce(group_id, user_id), product_id, scheduled, coalesce(starts_at, 0), coalesce(ends_at, 0), created_at FROM assignments WHERE tenant_id = $1`, p.tenant)
	if err != nil {
		return err
	}
	want := map[oracle.AssignmentKey]oracle.Assignment{}
	for key, a := range s.Assignments {
		want[key] = oracle.Assignment{Scheduled: a.Scheduled, StartsAt: a.StartsAt, EndsAt: a.EndsAt, CreatedAt: a.CreatedAt}
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("assignments\n  are  %v\n  want %v", got, want)
	}
	return nil
}

// told is what an impact tells, in a form that can be compared.
func told(t *rapid.T, i *licensing.Impact) string {
	var b strings.Builder
	fmt.Fprintf(&b, "gaining %d losing %d changed %d in error %d, %d changes\n", i.UsersGaining, i.UsersLosing, i.UsersChanged, i.UsersInError, i.ChangeCount())
	seats := func(c licensing.SeatCounts) string {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, p := range i.Products {
		fmt.Fprintf(&b, "%s: %d %d %d, %s → %s\n", p.Product.ID, p.UsersGaining, p.UsersLosing, p.UsersInError, seats(p.SeatsBefore), seats(p.SeatsAfter))
	}
	page, err := i.Changes(t.Context(), 100, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Items) != i.ChangeCount() {
		t.Fatalf("%d changes are counted, %d listed", i.ChangeCount(), len(page.Items))
	}
	users := map[uuid.UUID]map[licensing.ChangeKind]int{}
	for _, c := range page.Items {
		if users[c.Product.ID] == nil {
			users[c.Product.ID] = map[licensing.ChangeKind]int{}
		}
		users[c.Product.ID][c.Kind]++
		fmt.Fprintf(&b, "%s %s %s +%d −%d", c.UserID, c.Product.ID, c.Kind, len(c.PlansAdded), len(c.PlansRemoved))
		for _, e := range c.Errors {
			fmt.Fprintf(&b, " %s %v %s", e.Code, e.Plan != nil, e.Message())
		}
		b.WriteString("\n")
	}
	byProduct := i.ByProduct()
	for _, p := range byProduct {
		if !maps.Equal(p.Users, users[p.Product.ID]) {
			t.Fatalf("%s: %v users are counted, %v listed", p.Product.DisplayName, p.Users, users[p.Product.ID])
		}
	}
	if len(byProduct) != len(users) {
		t.Fatalf("%d products are counted, %d listed", len(byProduct), len(users))
	}
	return b.String()
}
