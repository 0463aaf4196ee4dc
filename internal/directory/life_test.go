package directory_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// failures writes what is wrong with a user's licenses: product, plan and code.
func (w *world) failures(u *principal.User) []string {
	w.t.Helper()
	texts := []string{}
	for _, e := range w.view(u).Errors() {
		text := e.Product.DisplayName
		if e.Plan != nil {
			text += "/" + e.Plan.DisplayName
		}
		texts = append(texts, text+" "+string(e.Code))
	}
	slices.Sort(texts)
	return texts
}

func (w *world) move(u *principal.User, to optional.Optional[string]) *directory.UserResult {
	w.t.Helper()
	r, err := w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{ID: u.ID, UsageLocation: to})
	w.ok(err)
	return r
}

func (w *world) erase(u *principal.User) {
	w.t.Helper()
	_, err := w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: u.ID})
	w.ok(err)
}

func (w *world) restore(u *principal.User) *directory.UserResult {
	w.t.Helper()
	r, err := w.directory.RestoreUser(w.t.Context(), w.tenant, directory.RestoreUserInput{ID: u.ID})
	w.ok(err)
	return r
}

// seats returns consumed, waiting and inError of a product.
func (w *world) seats(product uuid.UUID) [3]int {
	w.t.Helper()
	all, err := w.licensing.SubscribedProductsByID(w.t.Context(), w.tenant, []uuid.UUID{product})
	w.ok(err)
	return [3]int{all[0].Seats.Consumed, all[0].Seats.Waiting, all[0].Seats.InError}
}

// threshold sets how many users of the tenant a change may take a product from unasked.
func (w *world) threshold(users int) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE tenants SET loss_threshold = $1, graph_revision = graph_revision + 1 WHERE id = $2`, users, w.tenant)
		return err
	})
}

// needed checks that a dry run tells the confirmation it would need.
func (w *world) needed(out *licensing.Outcome, users, threshold int) {
	w.t.Helper()
	if e := out.Confirmation; e == nil || e.Code != fault.ConfirmationRequired || !out.Changed {
		w.t.Errorf("a dry run tells %v, changed %v", e, out.Changed)
	} else if d, ok := e.Details.(*licensing.LossDetails); !ok || d.UsersLosing != users || d.Threshold != threshold {
		w.t.Errorf("details %+v, want %d users and the threshold %d", e.Details, users, threshold)
	}
}

func TestAMoveWithholdsWhatIsBarredAndHealsTheRestR11(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.radio, 5)
		w.subscribe(w.extra, 1)
		anna, ben := w.user("Anna"), w.user("Ben")
		w.move(ben, optional.Of("BE"))
		field := w.group("Field", anna, ben)
		w.assign(field, licensing.LicenseInput{Product: w.radio})
		w.assign(field, licensing.LicenseInput{Product: w.extra})
		w.same("Anna in NL", w.failures(anna), []string{})
		w.same("Ben in BE", w.failures(ben), []string{"Extra DEPENDENCY_VIOLATION", "Radio PROHIBITED_IN_USAGE_LOCATION_VIOLATION"})

		// Air is barred in BE; Archive needs it, and was all of Extra: the seat goes.
		dry, err := w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{ID: anna.ID, UsageLocation: optional.Of("be"), DryRun: true})
		w.ok(err)
		w.clock.Advance(time.Minute)
		r := w.move(anna, optional.Of("be"))
		if r.Impact.UsersLosing != 1 || r.Impact.UsersInError != 1 || dry.Impact.UsersLosing != 1 || dry.Impact.UsersInError != 1 {
			w.t.Errorf("impact %+v, of the dry run %+v", r.Impact, dry.Impact)
		}
		w.same("Anna in BE", w.failures(anna), []string{"Extra DEPENDENCY_VIOLATION", "Radio/Air PROHIBITED_IN_USAGE_LOCATION_VIOLATION"})
		w.same("has Talk", w.list(directory.UserQuery{Filter: directory.UserFilter{Plan: &w.talk}}), []string{"Anna"})
		if l := w.view(anna).License(w.radio); l.Status != licensing.StatusActiveWithError || !l.ConsumesSeat {
			w.t.Errorf("radio is %s", l.Status)
		}
		for what, out := range map[string]*licensing.Outcome{"dry run": dry.Outcome, "change": r.Outcome} {
			page, err := out.Impact.Changes(w.t.Context(), 10, "")
			w.ok(err)
			countries := []string{}
			for _, c := range page.Items {
				for _, e := range c.Errors {
					if d, ok := e.Details.(*licensing.LocationDetails); ok {
						countries = append(countries, d.Country+" "+string(d.Origin)+" "+d.Plan.DisplayName)
					}
				}
			}
			w.same("countries of the "+what, countries, []string{"BE USER Air"})
		}
		w.sound()

		// Ben comes to NL: everything heals in the same commit, the seat that Anna left too.
		if r := w.move(ben, optional.Of("NL")); r.Impact.UsersGaining != 1 {
			w.t.Errorf("impact %+v", r.Impact)
		}
		w.same("Ben in NL", w.failures(ben), []string{})
		// Anna comes back: Air heals, and Archive waits for the seat.
		w.move(anna, optional.Of("NL"))
		w.same("Anna back in NL", w.failures(anna), []string{"Extra COUNT_VIOLATION"})
		w.sound()
	})
}

func TestWithoutAUsageLocationTheTenantsCountryIsJudgedAndNeverWrittenR11(t *testing.T) {
	each(t, func(w *world) {
		w.tenant = w.newTenantIn("Belgian", "BE")
		w.subscribe(w.local, 5)
		w.subscribe(w.radio, 5)
		anna := w.user("Anna")
		w.assign(anna, licensing.LicenseInput{Product: w.local})
		w.assign(w.group("All", anna), licensing.LicenseInput{Product: w.radio})
		w.same("in NL", w.failures(anna), []string{})
		if r := w.move(anna, optional.Null[string]()); r.User.UsageLocation != nil || r.Impact.UsersLosing != 1 {
			w.t.Errorf("cleared: %+v, %+v", r.User, r.Impact)
		}
		w.same("cleared", w.failures(anna), []string{"Local PROHIBITED_IN_USAGE_LOCATION_VIOLATION", "Radio/Air PROHIBITED_IN_USAGE_LOCATION_VIOLATION"})
		for _, e := range w.view(anna).Errors() {
			if d, ok := e.Details.(*licensing.LocationDetails); !ok || d.Country != "BE" || d.Origin != licensing.LocationOfTenant {
				w.t.Errorf("details %+v", e.Details)
			}
		}
		got, err := w.directory.User(w.t.Context(), w.tenant, anna.ID)
		w.ok(err)
		if got.UsageLocation != nil {
			w.t.Errorf("usageLocation reads %q", *got.UsageLocation)
		}
		w.sound()
		if r := w.move(anna, optional.Of("de")); *r.User.UsageLocation != "DE" || r.Impact.UsersGaining != 1 {
			w.t.Errorf("in DE: %+v", r.Impact)
		}
		w.same("in DE", w.failures(anna), []string{})
		w.sound()
	})
}

func TestLicensesOfANewUserNeedAUsageLocationR11(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 1)
		in := directory.CreateUserInput{
			UserPrincipalName: "anna@acme.example", DisplayName: "Anna", UserType: principal.Member,
			Licenses: []licensing.LicenseInput{{Product: w.suite}},
		}
		w.silent(func() {
			for _, in.DryRun = range []bool{true, false} {
				_, err := w.directory.CreateUser(w.t.Context(), w.tenant, in)
				if e := w.refused(err, fault.UsageLocationRequired, "licenses.0"); e.Remediation == "" {
					w.t.Errorf("%v says no remedy", err)
				}
			}
		})
		w.same("users", w.list(directory.UserQuery{}), []string{})
		in.UsageLocation = ptr("nl")
		r, err := w.directory.CreateUser(w.t.Context(), w.tenant, in)
		w.ok(err)
		if !w.holds(r.User, w.suite) {
			w.t.Error("the license was not given")
		}
	})
}

func TestMovingAndDeletingAUserAskAboutLossesBeyondTheThresholdR27(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.local, 5)
		anna := w.user("Anna")
		w.assign(anna, licensing.LicenseInput{Product: w.local})
		w.threshold(0)
		change := map[string]func(acknowledged *int, dryRun bool) (*directory.UserResult, error){
			"move": func(acknowledged *int, dryRun bool) (*directory.UserResult, error) {
				return w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{
					ID: anna.ID, UsageLocation: optional.Of("BE"), AcknowledgeLosses: acknowledged, DryRun: dryRun,
				})
			},
			"delete": func(acknowledged *int, dryRun bool) (*directory.UserResult, error) {
				return w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: anna.ID, AcknowledgeLosses: acknowledged, DryRun: dryRun})
			},
		}
		for _, name := range []string{"move", "delete"} {
			w.silent(func() {
				dry, err := change[name](nil, true)
				w.ok(err)
				w.needed(dry.Outcome, 1, 0)
				if dry.Impact.UsersLosing != 1 {
					w.t.Errorf("%s: impact %+v", name, dry.Impact)
				}
				dry, err = change[name](ptr(1), true)
				w.ok(err)
				if dry.Confirmation != nil {
					w.t.Errorf("%s: needs %v beyond what is acknowledged", name, dry.Confirmation)
				}
				for _, acknowledged := range []*int{nil, ptr(0)} {
					_, err = change[name](acknowledged, false)
					w.refused(err, fault.ConfirmationRequired, "acknowledgeLosses")
				}
			})
		}
		r, err := change["move"](ptr(1), false)
		w.ok(err)
		if !r.Changed || w.holds(anna, w.local) {
			w.t.Errorf("acknowledged, but changed %v", r.Changed)
		}
		if _, err = change["delete"](nil, false); err != nil { // nothing is left to lose
			w.t.Error(err)
		}
	})
}

func TestARestoredUserWithoutASeatKeepsAllAssignmentsAndWaitsR19(t *testing.T) {
	each(t, func(w *world) {
		seats := w.subscribe(w.suite, 1)
		w.subscribe(w.tool, 5)
		anna, ben := w.user("Anna"), w.user("Ben")
		w.assign(anna, licensing.LicenseInput{Product: w.suite})
		tools := w.group("Tools", anna)
		w.assign(tools, licensing.LicenseInput{Product: w.tool})
		w.erase(anna)
		w.assign(ben, licensing.LicenseInput{Product: w.suite})
		w.clock.Advance(time.Hour)
		at := w.clock.Now()
		r := w.restore(anna)
		if !r.Changed || r.Impact.UsersGaining != 1 || r.Impact.UsersInError != 1 || r.Impact.UsersLosing != 0 {
			w.t.Errorf("restored: %+v", r.Impact)
		}
		w.same("errors", w.failures(anna), []string{"Suite COUNT_VIOLATION"})
		if e := w.view(anna).Errors()[0]; e.Source.Kind != licensing.SourceDirect || e.Since < at {
			w.t.Errorf("the error is of a source %s, since %s", e.Source.Kind, e.Since)
		}
		if !w.holds(anna, w.tool) || !w.holds(ben, w.suite) {
			w.t.Error("what comes through the group is not back, or a holder was displaced")
		}
		if got := w.seats(w.suite); got != [3]int{1, 1, 1} {
			w.t.Errorf("seats %v", got)
		}
		w.sound()
		_, err := w.licensing.UpdateSubscription(w.t.Context(), w.tenant, licensing.UpdateSubscriptionInput{ID: seats, Seats: optional.Of(2)})
		w.ok(err)
		w.same("errors with a seat", w.failures(anna), []string{})
		w.sound()
	})
}

func TestARestoreThatConflictsChangesNothingAndCanBeRepeatedR19(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 5)
		anna := w.user("Anna")
		w.assign(anna, licensing.LicenseInput{Product: w.suite})
		w.erase(anna)
		second := w.createUser(directory.CreateUserInput{UserPrincipalName: "ANNA@acme.example", DisplayName: "Second"})
		w.silent(func() {
			for _, dryRun := range []bool{true, false} {
				_, err := w.directory.RestoreUser(w.t.Context(), w.tenant, directory.RestoreUserInput{ID: anna.ID, DryRun: dryRun})
				if e := w.refused(err, fault.DuplicateValue, "id"); !strings.Contains(e.Message, "Second") {
					w.t.Errorf("%q does not name who has the name", e.Message)
				}
			}
		})
		if got, err := w.directory.User(w.t.Context(), w.tenant, anna.ID); err != nil || got.DeletedAt == nil || got.Version != 3 {
			w.t.Errorf("%+v, %v", got, err)
		}
		if got := w.seats(w.suite); got != [3]int{} {
			w.t.Errorf("seats %v", got)
		}
		w.erase(second)
		if r := w.restore(anna); !r.Changed || !w.holds(anna, w.suite) {
			w.t.Error("not restored once the name is free")
		}
		w.silent(func() {
			_, err := w.directory.RestoreUser(w.t.Context(), w.tenant, directory.RestoreUserInput{ID: second.ID})
			w.refused(err, fault.DuplicateValue, "id")
		})
		w.sound()
	})
}

func TestARestoredUserIsJudgedByTheRulesOfTheDayR19(t *testing.T) {
	each(t, func(w *world) {
		for _, p := range []uuid.UUID{w.suite, w.local, w.extra} {
			w.subscribe(p, 5)
		}
		tool := w.subscribe(w.tool, 5)
		anna := w.user("Anna")
		for _, p := range []uuid.UUID{w.suite, w.local, w.tool, w.extra} {
			w.assign(anna, licensing.LicenseInput{Product: p})
		}
		w.erase(anna)
		_, err := w.licensing.CancelSubscription(w.t.Context(), w.tenant, licensing.CancelSubscriptionInput{ID: tool})
		w.ok(err)
		w.write(func(ctx context.Context, tx *database.Tx) error { // home leaves NL, mail leaves suite, which is retired
			for _, statement := range []string{
				`DELETE FROM plan_locations WHERE country = 'NL'`,
				`DELETE FROM product_plans WHERE plan_id IN (SELECT id FROM plans WHERE display_name = 'Mail')`,
				`UPDATE products SET retired_at = 1 WHERE display_name = 'Suite'`,
				`UPDATE catalog SET revision = revision + 1`,
			} {
				if _, err := tx.ExecContext(ctx, statement); err != nil {
					return err
				}
			}
			return nil
		})
		w.restore(anna)
		w.same("errors", w.failures(anna), []string{
			"Extra DEPENDENCY_VIOLATION", "Local PROHIBITED_IN_USAGE_LOCATION_VIOLATION", "Tool NO_SUBSCRIPTION",
		})
		if !w.holds(anna, w.suite) {
			w.t.Error("an assignment of a retired product does not go on")
		}
		w.sound()
	})
}

func TestADeletedUserIsInNoListOrCountAndStaysReadableByIdR19(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 1)
		w.subscribe(w.board, 5)
		anna, ben, cem := w.user("Anna"), w.user("Ben"), w.user("Cem")
		inner := w.group("Inner", anna, ben, cem)
		outer := w.group("Outer", inner)
		w.assign(outer, licensing.LicenseInput{Product: w.suite}) // one of three has the seat
		w.assign(ben, licensing.LicenseInput{Product: w.board})
		if got := w.seats(w.suite); got != [3]int{1, 2, 2} {
			w.t.Fatalf("seats %v", got)
		}
		r, err := w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: ben.ID})
		w.ok(err)
		if r.Impact.UsersLosing != 1 {
			w.t.Errorf("impact %+v", r.Impact)
		}
		if got := w.seats(w.suite); got != [3]int{1, 1, 1} {
			w.t.Errorf("seats %v", got)
		}
		if got := w.seats(w.board); got != [3]int{} {
			w.t.Errorf("seats of board %v", got)
		}
		rest := []string{"Anna", "Cem"}
		for what, f := range map[string]directory.UserFilter{
			"users": {}, "in the group": {Group: &outer.ID}, "with a plan for everybody": {Plan: &w.hello}, "enabled": {AccountEnabled: ptr(true)},
		} {
			w.same(what, w.list(directory.UserQuery{Filter: f}), rest)
		}
		w.same("found", w.list(directory.UserQuery{Search: "ben"}), []string{})
		w.same("with an error", w.list(directory.UserQuery{Filter: directory.UserFilter{HasLicenseError: ptr(true)}}), []string{"Cem"})
		w.same("members", w.members(inner, directory.MemberQuery{}, 2), rest)
		w.same("members of the outer group", w.members(outer, directory.MemberQuery{Transitive: true}, 2), rest)
		waiting, err := w.licensing.WaitingFor(w.t.Context(), w.tenant, w.suite, paging.Args{})
		w.ok(err)
		if len(waiting.Items) != 1 || waiting.Items[0].UserID != cem.ID {
			w.t.Errorf("%d wait", len(waiting.Items))
		}
		w.same("deleted", w.list(directory.UserQuery{Filter: directory.UserFilter{Deleted: true}}), []string{"Ben"})
		v := w.view(ben)
		if v.User.DeletedAt == nil || len(v.Licenses()) != 0 || len(v.Plans()) != 0 || len(v.Errors()) != 0 {
			w.t.Errorf("by id: %+v", v.User)
		}
		if d := v.DecidePlan(v.Graph().Plan(w.hello)); d.Allowed {
			w.t.Errorf("may use a plan: %+v", d)
		}
		w.sound()
	})
}

func TestADisabledAccountKeepsLicenseAndSeatR19(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 1)
		w.subscribe(w.board, 5)
		anna, ben := w.user("Anna"), w.user("Ben")
		w.assign(w.group("All", anna, ben), licensing.LicenseInput{Product: w.suite})
		r, err := w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{ID: anna.ID, AccountEnabled: optional.Of(false)})
		w.ok(err)
		if i := r.Impact; i.UsersLosing+i.UsersGaining+i.UsersChanged+i.UsersInError != 0 {
			w.t.Errorf("impact %+v", i)
		}
		if !w.holds(anna, w.suite) || w.holds(ben, w.suite) {
			w.t.Error("the seat is gone")
		}
		v := w.view(anna)
		if d := v.DecidePlan(v.Graph().Plan(w.chat)); d.Allowed || d.Reason != licensing.DecisionAccountDisabled {
			w.t.Errorf("the decision is %+v", d)
		}
		w.same("chat is on", w.list(directory.UserQuery{Filter: directory.UserFilter{Plan: &w.chat}}), []string{"Anna"})
		w.same("what comes to everybody", w.list(directory.UserQuery{Filter: directory.UserFilter{Plan: &w.hello}}), []string{"Ben"})
		w.sound()
	})
}

func TestDeletingAMiddleGroupTakesWhatCameThroughItOnlyR20(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 2)
		anna, ben, cem, dora := w.user("Anna"), w.user("Ben"), w.user("Cem"), w.user("Dora")
		inner := w.group("Inner", anna, ben)
		middle := w.group("Middle", inner)
		side := w.group("Side", ben) // another way for Ben
		outer := w.group("Outer", middle, side, cem, dora)
		w.assign(outer, licensing.LicenseInput{Product: w.suite})
		if !w.holds(anna, w.suite) || !w.holds(ben, w.suite) || w.holds(cem, w.suite) {
			w.t.Fatal("the first two do not hold the seats")
		}
		w.threshold(0)
		w.silent(func() {
			dry, err := w.directory.DeleteGroup(w.t.Context(), w.tenant, directory.DeleteGroupInput{ID: middle.ID, DryRun: true})
			w.ok(err)
			w.needed(dry.Outcome, 1, 0)
			if dry.Impact.UsersLosing != 1 || dry.Impact.UsersGaining != 1 || dry.Group == nil {
				w.t.Errorf("dry run: %+v, %+v", dry.Impact, dry.Group)
			}
			_, err = w.directory.DeleteGroup(w.t.Context(), w.tenant, directory.DeleteGroupInput{ID: middle.ID})
			w.refused(err, fault.ConfirmationRequired, "acknowledgeLosses")
		})
		r, err := w.directory.DeleteGroup(w.t.Context(), w.tenant, directory.DeleteGroupInput{ID: middle.ID, AcknowledgeLosses: ptr(1)})
		w.ok(err)
		if r.Impact.UsersLosing != 1 || r.Impact.UsersGaining != 1 || r.Group != nil {
			w.t.Errorf("deleted: %+v, %+v", r.Impact, r.Group)
		}
		for u, want := range map[*principal.User]bool{anna: false, ben: true, cem: true, dora: false} {
			if w.holds(u, w.suite) != want {
				w.t.Errorf("%s holds the product: %v", u.DisplayName, !want)
			}
		}
		if path := w.view(ben).License(w.suite).Sources[0].Path; !slices.Equal(groupNames(path), []string{"Outer", "Side"}) {
			w.t.Errorf("the path is %q", groupNames(path))
		}
		w.same("members of Inner", w.members(inner, directory.MemberQuery{}, 2), []string{"Anna", "Ben"})
		w.same("children of Outer", w.children(outer), []string{"Side"})
		w.sound()
	})
}

func TestAGroupIsDeletedOnceItsAssignmentsAreGoneLiveOrNotR20(t *testing.T) {
	each(t, func(w *world) {
		tool := w.subscribe(w.tool, 5)
		g := w.group("Sales", w.user("Anna"))
		w.assign(g, licensing.LicenseInput{Product: w.tool})
		_, err := w.licensing.CancelSubscription(w.t.Context(), w.tenant, licensing.CancelSubscriptionInput{ID: tool, AllowOverAllocation: true, AcknowledgeLosses: ptr(1)})
		w.ok(err)
		w.silent(func() {
			_, err := w.directory.DeleteGroup(w.t.Context(), w.tenant, directory.DeleteGroupInput{ID: g.ID, AcknowledgeLosses: ptr(9)})
			e := w.refused(err, fault.GroupHasLicenses, "id")
			if d, ok := e.Details.(*licensing.GroupLicensesDetails); !ok || len(d.Products) != 1 || d.Products[0].ID != w.tool || !strings.Contains(e.Message, "Tool") {
				w.t.Errorf("%q, details %+v", e.Message, e.Details)
			}
		})
		_, err = w.licensing.Assign(w.t.Context(), w.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{{Kind: "group", ID: g.ID}}, Remove: []uuid.UUID{w.tool}})
		w.ok(err)
		if r, err := w.directory.DeleteGroup(w.t.Context(), w.tenant, directory.DeleteGroupInput{ID: g.ID}); err != nil || !r.Changed {
			w.t.Errorf("%+v, %v", r, err)
		}
		w.sound()
	})
}

func TestMovesAndRemovalsOfMembersAskAboutLossesR23R27(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 3)
		w.subscribe(w.tool, 1)
		var users []any
		for i := range 3 {
			users = append(users, w.user(fmt.Sprintf("User %d", i)))
		}
		from, to := w.group("From", users...), w.group("To")
		w.assign(from, licensing.LicenseInput{Product: w.suite})
		w.assign(to, licensing.LicenseInput{Product: w.tool, Plans: &licensing.SelectionInput{Mode: tenantgraph.All}})
		w.threshold(2)
		w.silent(func() { // three would lose, more than two
			_, err := w.directory.RemoveGroupMembers(w.t.Context(), w.tenant, directory.MembersInput{Group: from.ID, MemberIDs: ids(users...)})
			w.refused(err, fault.ConfirmationRequired, "acknowledgeLosses")
			r, err := w.directory.RemoveGroupMembers(w.t.Context(), w.tenant, directory.MembersInput{Group: from.ID, MemberIDs: ids(users...), DryRun: true})
			w.ok(err)
			w.needed(r.Outcome, 3, 2)
			w.same("results", outcomes(r.Results), []string{"changed", "changed", "changed"})
		})
		move := func(acknowledged *int, dryRun bool) (*directory.MembersResult, error) {
			return w.directory.ChangeGroupMembers(w.t.Context(), w.tenant, directory.ChangeMembersInput{
				Changes:           []directory.MembersChange{{Group: from.ID, Remove: ids(users[:2]...)}, {Group: to.ID, Add: ids(users[:2]...)}},
				AcknowledgeLosses: acknowledged, DryRun: dryRun,
			})
		}
		w.silent(func() { // of the two who move one finds a seat, and one is left with neither
			_, err := move(nil, false)
			w.refused(err, fault.ConfirmationRequired, "acknowledgeLosses")
			r, err := move(nil, true)
			w.ok(err)
			w.needed(r.Outcome, 1, 0)
		})
		r, err := move(ptr(1), false)
		w.ok(err)
		if r.Impact.UsersLosing != 2 || r.Impact.UsersGaining != 1 || r.Impact.UsersInError != 1 {
			w.t.Errorf("impact %+v", r.Impact)
		}
		w.sound()
	})
}

func TestAUserRemovedForGoodAfterTheRetentionIsUnknownAndStaysInTheAuditLogR19(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 1)
		anna, ben := w.user("Anna"), w.user("Ben")
		w.assign(anna, licensing.LicenseInput{Product: w.suite})
		sales := w.group("Sales", anna, ben)
		w.erase(anna)
		due := func() int {
			w.t.Helper()
			r, err := w.licensing.ApplyDue(w.t.Context())
			w.ok(err)
			return r.Applied
		}
		w.clock.Advance(30*24*time.Hour - time.Second)
		if n := due(); n != 0 {
			w.t.Fatalf("%d changes before the retention is over", n)
		}
		w.same("deleted", w.list(directory.UserQuery{Filter: directory.UserFilter{Deleted: true}}), []string{"Anna"})
		w.clock.Advance(2 * time.Second)
		if n := due(); n != 1 {
			w.t.Fatalf("%d changes after it, want 1", n)
		}
		w.same("deleted", w.list(directory.UserQuery{Filter: directory.UserFilter{Deleted: true}}), []string{})
		w.same("members", w.members(sales, directory.MemberQuery{}, 1), []string{"Ben"})
		if got, err := w.directory.User(w.t.Context(), w.tenant, anna.ID); err != nil || got != nil {
			w.t.Errorf("by id: %+v, %v", got, err)
		}
		views, err := w.licensing.ReadUsers(w.t.Context(), w.tenant, []uuid.UUID{anna.ID, ben.ID})
		w.ok(err)
		if views[0] != nil || views[1] == nil {
			w.t.Errorf("views %v", views)
		}
		_, err = w.directory.RestoreUser(w.t.Context(), w.tenant, directory.RestoreUserInput{ID: anna.ID})
		w.refused(err, fault.NotFound, "id")
		_, err = w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: anna.ID})
		w.refused(err, fault.NotFound, "id")
		r := w.add(sales, anna)
		w.same("adding to a group", outcomes(r.Results), []string{"NOT_FOUND memberIds.0"})
		page, err := audit.NewLog(w.db).Page(w.t.Context(), w.tenant, audit.Filter{}, paging.Args{})
		w.ok(err)
		named := 0
		for _, e := range page.Items {
			for _, s := range e.Subjects {
				if s.ID == anna.NodeID() && s.Name == "Anna" {
					named++
				}
			}
		}
		if e := page.Items[0]; e.Action != audit.UserRemove || named < 4 { // made, assigned, in a group, deleted, removed
			w.t.Errorf("the last event is %s; %d events name the user", e.Action, named)
		}
		w.user("Anna") // the name is free
		w.sound()
	})
}
