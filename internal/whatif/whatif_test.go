package whatif_test

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/whatif"
)

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { test(t, newWorld(t, db, 0)) })
}

func TestSwapsAndMovesOverSeveralChangesNeedNoSecondSeatR23R30(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.subscribe(suite, 1)
		w.subscribe(addon, 1)
		w.subscribe(tool, 1)
		anna, bert := w.user("Anna"), w.user("Bert")
		from, to := w.group("From", anna.NodeID()), w.group("To")
		w.assign(w.add(group(from), tool))
		w.assign(w.add(group(to), tool))
		w.assign(w.add(user(bert), suite))
		changes := []whatif.Change{
			{AddGroupMembers: &directory.MembersInput{Group: to.ID, MemberIDs: []string{anna.NodeID()}}},
			{AssignLicenses: w.add(user(bert), addon)}, // which excludes what he has
			{RemoveGroupMembers: &directory.MembersInput{Group: from.ID, MemberIDs: []string{anna.NodeID()}}},
			{AssignLicenses: w.remove(user(bert), suite)},
		}
		out := w.preview(changes...)
		if i := out.Impact; i == nil || i.UsersGaining != 1 || i.UsersLosing != 1 || i.UsersChanged != 1 || i.UsersInError != 0 {
			t.Fatalf("preview: %+v", out.Results)
		}
		if !w.holds(bert, suite) {
			t.Fatal("a preview stored something")
		}
		if _, err := w.apply(out.Token, changes...); err != nil {
			t.Fatal(err)
		}
		if !w.holds(anna, tool) || w.holds(bert, suite) || !w.holds(bert, addon) {
			t.Error("what was previewed is not what is there")
		}
		w.sound()
	})
}

// What a user loses is healed by a seat that was kept before, also where another of the changes
// clears the reserve, and with it all that is counted of the assignment.
func TestSeatKeptBeforeHealsWhereTheSameSetClearsTheReserveR8R10R30(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, p := range []int{suite, addon, extra, spare} {
			w.subscribe(p, 1)
		}
		anna := w.user("Anna")
		team := w.group("Team", anna.NodeID())
		w.assign(w.add(user(anna), spare, addon, extra))
		reserve := w.add(group(team), suite) // excluded by the addon
		reserve.Add[0].SeatReserve = optional.Of(1)
		w.assign(reserve)
		clear := w.add(group(team), suite)
		clear.Add[0].SeatReserve = optional.Null[int]()
		changes := []whatif.Change{{AssignLicenses: w.remove(user(anna), spare, addon)}, {AssignLicenses: clear}}
		w.token(changes[0])
		if _, err := w.apply(w.token(changes...), changes...); err != nil {
			t.Fatal(err)
		}
		if !w.holds(anna, suite) || !w.holds(anna, extra) {
			t.Error("she lost what the team's seat heals")
		}
		w.sound()
	})
}

// Of an applied preview the event says whose each field is, so that what comes by the clock later is put
// down to what set its date, and not to what set another one's.
func TestFieldsOfAnAppliedPreviewSayWhoseTheyAreR16R28R30(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ends, later := w.clock.Now().Add(time.Hour), w.clock.Now().Add(48*time.Hour)
		create := func(product int, endsAt *clock.Instant) (uuid.UUID, uuid.UUID) {
			r, err := w.licensing.CreateSubscription(t.Context(), w.tenant, licensing.CreateSubscriptionInput{Product: w.products[product], Seats: ptr(5), EndsAt: endsAt})
			w.ok(err)
			return r.Subscription.ID, r.EventID
		}
		first, created := create(suite, &ends)
		second, _ := create(addon, nil)
		changes := []whatif.Change{
			{UpdateSubscription: &licensing.UpdateSubscriptionInput{ID: first, Seats: optional.Of(6)}},
			{UpdateSubscription: &licensing.UpdateSubscriptionInput{ID: second, EndsAt: optional.Of(later)}},
		}
		out, err := w.apply(w.token(changes...), changes...)
		w.ok(err)
		for i, want := range []uuid.UUID{created, out.EventID} {
			at := []clock.Instant{ends, later}[i]
			w.clock.Advance(time.Duration(at-w.clock.Now()) * time.Microsecond)
			_, err := w.licensing.ApplyDue(t.Context())
			w.ok(err)
			page, err := audit.NewLog(w.db).Page(t.Context(), w.tenant, audit.Filter{}, paging.Args{First: ptr(1)})
			w.ok(err)
			if e := page.Items[0]; e.Action != audit.SubscriptionStatus || e.CauseID == nil || *e.CauseID != want {
				t.Errorf("at %s: %s because of %v, want %s", at, e.Action, e.CauseID, want)
			}
		}
		events, err := audit.NewLog(w.db).ByIDs(t.Context(), w.tenant, []uuid.UUID{out.EventID})
		w.ok(err)
		var names []string
		for _, f := range events[0].Fields {
			names = append(names, f.Field)
		}
		if want := []string{"seats of " + id.Format(id.Subscription, first), "endsAt of " + id.Format(id.Subscription, second)}; !slices.Equal(names, want) {
			t.Errorf("the fields are %q, want %q", names, want)
		}
	})
}

func TestWhatOneChangeBringsCountsForOthersWhateverTheirOrderR30(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		anna := w.user("Anna")
		w.ok(second(w.directory.UpdateUser(t.Context(), w.tenant, directory.UpdateUserInput{ID: anna.ID, UsageLocation: optional.Null[string]()})))
		changes := []whatif.Change{
			{AssignLicenses: w.add(user(anna), suite)},
			{UpdateUser: &directory.UpdateUserInput{ID: anna.ID, UsageLocation: optional.Of("DE")}},
			{CreateSubscription: &licensing.CreateSubscriptionInput{Product: w.products[suite], Seats: ptr(1)}},
		}
		token := w.token(changes...)
		if _, err := w.apply(token, changes...); err != nil {
			t.Fatal(err)
		}
		if !w.holds(anna, suite) {
			t.Error("she does not hold what was bought for her")
		}
		w.sound()
	})
}

func TestSeatsAreJudgedAsAllChangesLeaveThemR15R30(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		old := w.subscribe(tool, 2)
		w.subscribe(tool, 1)
		for _, name := range []string{"Anna", "Bert", "Cleo"} {
			w.assign(w.add(user(w.user(name)), tool))
		}
		cancel := whatif.Change{CancelSubscription: &licensing.CancelSubscriptionInput{ID: old}}
		if out := w.preview(cancel); len(out.Results[0].Errors) == 0 || out.Results[0].Errors[0].Code != fault.SeatsBelowConsumed || out.Token != "" {
			t.Errorf("alone: %v", out.Results[0].Errors)
		}
		token := w.token(cancel, whatif.Change{CreateSubscription: &licensing.CreateSubscriptionInput{Product: w.products[tool], Seats: ptr(2)}})
		if token == "" {
			t.Error("with seats in their place it is refused")
		}
	})
}

func TestOneRefusalRefusesAllR30(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.subscribe(tool, 1)
		anna, bert := w.user("Anna"), w.user("Bert")
		w.assign(w.add(user(anna), tool))
		out := w.preview(
			whatif.Change{CreateGroup: &directory.CreateGroupInput{DisplayName: "Team"}},
			whatif.Change{AssignLicenses: &licensing.AssignInput{Principals: []licensing.PrincipalRef{user(anna), user(bert)}, Add: []licensing.LicenseInput{{Product: w.products[tool]}}}},
			whatif.Change{DeleteUser: &directory.DeleteUserInput{ID: uuid.New()}},
		)
		if out.Token != "" || out.Results[0].Changed {
			t.Error("something could be applied")
		}
		w.refused(out.Results[0].Errors[0], fault.NotApplied, "changes.0")
		w.refused(out.Results[2].Errors[0], fault.NotFound, "changes.2.deleteUser.id")
		out = w.preview(whatif.Change{AssignLicenses: &licensing.AssignInput{Principals: []licensing.PrincipalRef{user(anna), user(bert)}, Add: []licensing.LicenseInput{{Product: w.products[tool]}}}})
		w.refused(out.Results[0].Errors[0], fault.CountViolation, "changes.0.assignLicenses.principalIds.1")
		in := newUser("Cleo")
		in.Licenses = []licensing.LicenseInput{{Product: w.products[tool]}}
		out = w.preview(whatif.Change{CreateUser: &in}, whatif.Change{UpdateUser: &directory.UpdateUserInput{ID: anna.ID, DisplayName: optional.Of("Anne")}})
		w.refused(out.Results[0].Errors[0], fault.CountViolation, "changes.0.createUser.licenses.0")
		w.refused(out.Results[1].Errors[0], fault.NotApplied, "changes.1")
	})
}

func TestChangesOfTheSameFactAreRefusedByNameR30(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.subscribe(tool, 5)
		sub := w.subscribe(suite, 5)
		anna, bert := w.user("Anna"), w.user("Bert")
		team, part := w.group("Team", anna.NodeID()), w.group("Part")
		other := newUser("anna")
		other.UserPrincipalName = "NEW@acme.example"
		second := newUser("Other")
		second.UserPrincipalName = "new@acme.example"
		members := func(g uuid.UUID, ids ...string) *directory.MembersInput {
			return &directory.MembersInput{Group: g, MemberIDs: ids}
		}
		for name, c := range map[string]struct {
			first, second whatif.Change
			code          fault.Code
			path          string
		}{
			"a user's fields":             {whatif.Change{UpdateUser: &directory.UpdateUserInput{ID: anna.ID}}, whatif.Change{UpdateUser: &directory.UpdateUserInput{ID: anna.ID}}, fault.DuplicateValue, "changes.1.updateUser.id"},
			"a deleted user":              {whatif.Change{DeleteUser: &directory.DeleteUserInput{ID: anna.ID}}, whatif.Change{AssignLicenses: w.add(user(anna), tool)}, fault.DuplicateValue, "changes.1.assignLicenses.principalIds.0"},
			"a user who is deleted later": {whatif.Change{AddGroupMembers: members(part.ID, bert.NodeID(), anna.NodeID())}, whatif.Change{DeleteUser: &directory.DeleteUserInput{ID: anna.ID}}, fault.DuplicateValue, "changes.1.deleteUser.id"},
			"a membership":                {whatif.Change{AddGroupMembers: members(part.ID, anna.NodeID())}, whatif.Change{RemoveGroupMembers: members(part.ID, bert.NodeID(), anna.NodeID())}, fault.DuplicateValue, "changes.1.removeGroupMembers.memberIds.1"},
			"a nesting":                   {whatif.Change{AddGroupMembers: members(part.ID, team.NodeID())}, whatif.Change{ChangeGroupMembers: &directory.ChangeMembersInput{Changes: []directory.MembersChange{{Group: part.ID, Remove: []string{team.NodeID()}}}}}, fault.DuplicateValue, "changes.1.changeGroupMembers.changes.0.remove.0"},
			"an assignment":               {whatif.Change{AssignLicenses: w.add(user(anna), tool, suite)}, whatif.Change{AssignLicenses: w.remove(user(anna), suite)}, fault.DuplicateValue, "changes.1.assignLicenses.principalIds.0"},
			"all assignments":             {whatif.Change{AssignLicenses: w.add(user(anna), tool)}, whatif.Change{AssignLicenses: &licensing.AssignInput{Principals: []licensing.PrincipalRef{user(anna)}, Mode: licensing.AssignReplace, Add: []licensing.LicenseInput{}}}, fault.DuplicateValue, "changes.1.assignLicenses.principalIds.0"},
			"a group's fields":            {whatif.Change{UpdateGroup: &directory.UpdateGroupInput{ID: team.ID}}, whatif.Change{UpdateGroup: &directory.UpdateGroupInput{ID: team.ID}}, fault.DuplicateValue, "changes.1.updateGroup.id"},
			"a deleted group":             {whatif.Change{DeleteGroup: &directory.DeleteGroupInput{ID: part.ID}}, whatif.Change{AddGroupMembers: members(part.ID, anna.NodeID())}, fault.DuplicateValue, "changes.1.addGroupMembers.groupId"},
			"a subscription":              {whatif.Change{UpdateSubscription: &licensing.UpdateSubscriptionInput{ID: sub}}, whatif.Change{CancelSubscription: &licensing.CancelSubscriptionInput{ID: sub}}, fault.DuplicateValue, "changes.1.cancelSubscription.id"},
			"a name":                      {whatif.Change{CreateUser: &other}, whatif.Change{CreateUser: &second}, fault.DuplicateValue, "changes.1.createUser.userPrincipalName"},
			"a cycle":                     {whatif.Change{AddGroupMembers: members(part.ID, team.NodeID())}, whatif.Change{AddGroupMembers: members(team.ID, part.NodeID())}, fault.GroupCycle, ""},
		} {
			out := w.preview(c.first, c.second)
			if out.Token != "" {
				t.Errorf("%s: it could be applied", name)
				continue
			}
			if c.path == "" { // which of the two bears it hangs on their ids
				if codes := []fault.Code{out.Results[0].Errors[0].Code, out.Results[1].Errors[0].Code}; codes[0] != c.code && codes[1] != c.code {
					t.Errorf("%s: %s", name, codes)
				}
				continue
			}
			w.refused(out.Results[0].Errors[0], fault.NotApplied, "changes.0")
			w.refused(out.Results[1].Errors[0], c.code, c.path)
		}
		w.token(whatif.Change{AssignLicenses: w.add(user(anna), tool)}, whatif.Change{AssignLicenses: w.add(user(anna), suite)},
			whatif.Change{AddGroupMembers: members(part.ID, anna.NodeID())}, whatif.Change{UpdateUser: &directory.UpdateUserInput{ID: anna.ID, DisplayName: optional.Of("A")}})
	})
}

func second[T any](_ T, err error) error { return err }

// TestChangedFactsRefuseAPreviewR30 changes one fact after the other between a preview and its
// application.
func TestChangedFactsRefuseAPreviewR30(t *testing.T) {
	for name, load := range map[string]int{"loaded": 0, "grouped": -1} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *database.DB) { changedFacts(t, newWorld(t, db, load)) })
		})
	}
}

func changedFacts(t *testing.T, w *world) {
	sub := w.subscribe(suite, 50)
	w.subscribe(addon, 50)
	w.subscribe(tool, 50)
	anna, bert, cleo, dora := w.user("Anna"), w.user("Bert"), w.user("Cleo"), w.user("Dora")
	team, apart, above, aside := w.group("Team", anna.NodeID(), bert.NodeID()), w.group("Apart", dora.NodeID()), w.group("Above"), w.group("Aside")
	named := w.user("Named")
	changes := []whatif.Change{
		{AssignLicenses: w.add(group(team), suite)},
		{AssignLicenses: w.add(user(named), suite)},
	}
	ctx := t.Context()
	members := func(g uuid.UUID, ids ...string) directory.MembersInput {
		return directory.MembersInput{Group: g, MemberIDs: ids}
	}
	move := func(u uuid.UUID, to string) error {
		return second(w.directory.UpdateUser(ctx, w.tenant, directory.UpdateUserInput{ID: u, UsageLocation: optional.Of(to)}))
	}
	reserve := func(seats int) error {
		in := w.add(group(aside), suite)
		in.Add[0].SeatReserve = optional.Of(seats)
		return second(w.licensing.Assign(ctx, w.tenant, *in))
	}
	for _, c := range []struct {
		name     string
		change   func() error
		conflict bool
	}{
		{"nothing", func() error { return nil }, false},
		{"the catalogue", func() error {
			w.write(func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.ExecContext(ctx, `UPDATE catalog SET revision = revision + 1`)
				return err
			})
			return nil
		}, true},
		{"the terms", func() error {
			return second(w.licensing.UpdateTenant(ctx, w.tenant, licensing.UpdateTenantInput{LossThreshold: ptr(7)}))
		}, true},
		{"seats", func() error {
			return second(w.licensing.UpdateSubscription(ctx, w.tenant, licensing.UpdateSubscriptionInput{ID: sub, Seats: optional.Of(60)}))
		}, true},
		{"another group's reserve", func() error { return reserve(2) }, true},
		{"the same, larger", func() error { return reserve(3) }, true},
		{"consumption", func() error { return second(w.licensing.Assign(ctx, w.tenant, *w.add(user(cleo), suite))) }, true},
		{"a member comes", func() error {
			return second(w.directory.AddGroupMembers(ctx, w.tenant, members(team.ID, cleo.NodeID())))
		}, true},
		{"a member goes", func() error {
			return second(w.directory.RemoveGroupMembers(ctx, w.tenant, members(team.ID, cleo.NodeID())))
		}, true},
		{"one member for another", func() error {
			return second(w.directory.ChangeGroupMembers(ctx, w.tenant, directory.ChangeMembersInput{Changes: []directory.MembersChange{{Group: team.ID, Add: []string{dora.NodeID()}, Remove: []string{bert.NodeID()}}}}))
		}, true},
		{"a member is deleted", func() error {
			return second(w.directory.DeleteUser(ctx, w.tenant, directory.DeleteUserInput{ID: dora.ID}))
		}, true},
		{"a member is restored", func() error {
			return second(w.directory.RestoreUser(ctx, w.tenant, directory.RestoreUserInput{ID: dora.ID}))
		}, true},
		{"a member gets an exclusive product", func() error { return second(w.licensing.Assign(ctx, w.tenant, *w.add(user(anna), addon))) }, true},
		{"a member loses it", func() error { return second(w.licensing.Assign(ctx, w.tenant, *w.remove(user(anna), addon))) }, true},
		{"the group is nested", func() error {
			return second(w.directory.AddGroupMembers(ctx, w.tenant, members(above.ID, team.NodeID())))
		}, true},
		{"a group above gets a product", func() error { return second(w.licensing.Assign(ctx, w.tenant, *w.add(group(above), tool))) }, true},
		{"the group is renamed", func() error {
			return second(w.directory.UpdateGroup(ctx, w.tenant, directory.UpdateGroupInput{ID: team.ID, DisplayName: optional.Of("Crew")}))
		}, true},
		{"a named user moves", func() error { return move(named.ID, "DE") }, true},
		{"a named user is renamed", func() error {
			return second(w.directory.UpdateUser(ctx, w.tenant, directory.UpdateUserInput{ID: named.ID, DisplayName: optional.Of("Nick")}))
		}, true},
		{"a named user has the product already", func() error { return second(w.licensing.Assign(ctx, w.tenant, *w.add(user(named), suite))) }, true},
		{"and no more", func() error { return second(w.licensing.Assign(ctx, w.tenant, *w.remove(user(named), suite))) }, true},
		{"a named user gets another product", func() error { return second(w.licensing.Assign(ctx, w.tenant, *w.add(user(named), tool))) }, true},
		// What has nothing to do with it.
		{"another user", func() error { return second(w.directory.CreateUser(ctx, w.tenant, newUser("Emil"))) }, false},
		{"another user's product", func() error { return second(w.licensing.Assign(ctx, w.tenant, *w.add(user(cleo), tool))) }, false},
		{"a member's name", func() error {
			return second(w.directory.UpdateUser(ctx, w.tenant, directory.UpdateUserInput{ID: anna.ID, DisplayName: optional.Of("Anne")}))
		}, false},
		{"a member of another group", func() error {
			return second(w.directory.AddGroupMembers(ctx, w.tenant, members(apart.ID, cleo.NodeID())))
		}, false},
		{"another group", func() error {
			return second(w.directory.CreateGroup(ctx, w.tenant, directory.CreateGroupInput{DisplayName: "New"}))
		}, false},
		{"seats of another product", func() error { w.subscribe(extra, 3); return nil }, false},
	} {
		token := w.token(changes...)
		w.clock.Advance(time.Second)
		if err := c.change(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		_, err := w.apply(token, changes...)
		if err == nil {
			w.assign(w.remove(group(team), suite))
			w.assign(w.remove(user(named), suite))
		}
		switch {
		case c.conflict && err == nil:
			t.Errorf("%s: applied", c.name)
		case c.conflict:
			w.refused(err, fault.VersionConflict, "previewToken")
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestTokensAreOfTheirChangesAndTenantAloneR30(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.subscribe(tool, 5)
		anna, bert := w.user("Anna"), w.user("Bert")
		change := whatif.Change{AssignLicenses: w.add(user(anna), tool)}
		token := w.token(change)
		raw, err := base64.RawURLEncoding.DecodeString(token)
		w.ok(err)
		for i := range raw {
			raw[i] ^= 1
			_, err := w.apply(base64.RawURLEncoding.EncodeToString(raw), change)
			w.refused(err, fault.InvalidValue, "previewToken")
			raw[i] ^= 1
		}
		for i := range token {
			for _, text := range []string{token[:i] + token[i+1:], token[:i] + "\n" + token[i:], token[:i] + "=" + token[i:]} {
				_, err := w.apply(text, change)
				w.refused(err, fault.InvalidValue, "previewToken")
			}
		}
		_, err = w.apply(token, whatif.Change{AssignLicenses: w.add(user(bert), tool)})
		w.refused(err, fault.InvalidValue, "previewToken")
		_, err = w.apply(token, change, change)
		w.refused(err, fault.InvalidValue, "previewToken")
		_, err = w.whatif.Apply(t.Context(), w.newTenant("Other"), []whatif.Change{change}, token, nil)
		w.refused(err, fault.InvalidValue, "previewToken")
		w.clock.Advance(time.Hour + time.Second)
		_, err = w.apply(token, change)
		w.refused(err, fault.InvalidValue, "previewToken")
	})
}

func TestATokenMakesItsChangesOnceR30(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		change := whatif.Change{CreateGroup: &directory.CreateGroupInput{DisplayName: "Team"}} // which relies on nothing
		token := w.token(change)
		var group sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			group.Go(func() { _, errs[i] = w.apply(token, change) })
		}
		group.Wait()
		applied := 0
		for _, err := range errs {
			if err == nil {
				applied++
				continue
			}
			w.refused(err, fault.VersionConflict, "previewToken")
		}
		if applied != 1 {
			t.Errorf("applied %d times", applied)
		}
		g, err := w.licensing.Graph(t.Context(), w.tenant)
		w.ok(err)
		if n := len(g.Groups()); n != 1 {
			t.Errorf("%d groups", n)
		}
	})
}

func TestTooManyChangesAreRefusedR30(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, err := w.whatif.Preview(t.Context(), w.tenant, make([]whatif.Change, whatif.MaxChanges+1))
		w.refused(err, fault.TooMany, "changes")
		var half []string
		for range whatif.MaxNamed/2 + 1 {
			half = append(half, id.Format(id.User, uuid.New()))
		}
		in := func() *directory.MembersInput { return &directory.MembersInput{Group: uuid.New(), MemberIDs: half} }
		_, err = w.whatif.Preview(t.Context(), w.tenant, []whatif.Change{{AddGroupMembers: in()}, {RemoveGroupMembers: in()}})
		w.refused(err, fault.TooMany, "changes")
	})
}

func TestLossesAreConfirmedForAllChangesTogetherR27R30(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.subscribe(tool, 5)
		w.ok(second(w.licensing.UpdateTenant(t.Context(), w.tenant, licensing.UpdateTenantInput{LossThreshold: ptr(1)})))
		anna, bert := w.user("Anna"), w.user("Bert")
		w.assign(w.add(user(anna), tool))
		w.assign(w.add(user(bert), tool))
		changes := []whatif.Change{{AssignLicenses: w.remove(user(anna), tool)}, {AssignLicenses: w.remove(user(bert), tool)}}
		out := w.preview(changes...)
		if out.Confirmation == nil || out.Confirmation.Code != fault.ConfirmationRequired || out.Token == "" || !out.Changed {
			t.Fatalf("preview: %+v", out.Confirmation)
		}
		if !strings.Contains(out.Confirmation.Remediation, "acknowledgeLosses: 2") {
			t.Error(out.Confirmation.Remediation)
		}
		_, err := w.whatif.Apply(t.Context(), w.tenant, changes, out.Token, ptr(1))
		w.refused(err, fault.ConfirmationRequired, "acknowledgeLosses")
		if _, err := w.whatif.Apply(t.Context(), w.tenant, changes, out.Token, ptr(2)); err != nil {
			t.Error(err)
		}
		w.sound()
	})
}
