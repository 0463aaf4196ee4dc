package directory_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/principal"
)

func TestACreatedUserIsStoredAsGivenWithTheLocationInUpperCase(t *testing.T) {
	each(t, func(w *world) {
		in := directory.CreateUserInput{
			UserPrincipalName: "Anna.Berg@Acme.example", DisplayName: "Anna Ñandú 日本", Mail: ptr("anna@acme.example"), Department: ptr("R&D"),
			JobTitle: ptr("Engineer"), UsageLocation: ptr("nl"), UserType: principal.Guest, AccountEnabled: true, ExternalID: ptr("4711"),
		}
		r, err := w.directory.CreateUser(w.t.Context(), w.tenant, in)
		w.ok(err)
		got, err := w.directory.User(w.t.Context(), w.tenant, r.User.ID)
		w.ok(err)
		for _, u := range []*principal.User{r.User, got} {
			if u.UserPrincipalName != in.UserPrincipalName || u.DisplayName != in.DisplayName || *u.Mail != *in.Mail ||
				*u.Department != "R&D" || *u.JobTitle != "Engineer" || *u.UsageLocation != "NL" || u.UserType != principal.Guest ||
				!u.AccountEnabled || *u.ExternalID != "4711" || u.Version != 1 || u.CreatedAt == 0 || u.UpdatedAt != u.CreatedAt || u.DeletedAt != nil {
				w.t.Errorf("created %+v", u)
			}
		}
		if !r.Changed || r.DryRun {
			w.t.Errorf("changed %v, dryRun %v", r.Changed, r.DryRun)
		}
	})
}

func TestR18PrincipalNamesAreUniqueByCompatibilityFormAndFullCaseFolding(t *testing.T) {
	each(t, func(w *world) {
		w.createUser(directory.CreateUserInput{UserPrincipalName: "Straße@acme.example", DisplayName: "First"})
		for _, name := range []string{"straße@acme.example", "STRASSE@ACME.EXAMPLE", "ｓｔｒａｓｓｅ@acme.example"} {
			_, err := w.directory.CreateUser(w.t.Context(), w.tenant, directory.CreateUserInput{UserPrincipalName: name, DisplayName: "Second", UserType: principal.Member})
			if e := w.refused(err, fault.DuplicateValue, "userPrincipalName"); !strings.Contains(e.Message, "Straße@acme.example") {
				w.t.Errorf("%q does not name the user in the way", e.Message)
			}
		}
		found, err := w.directory.UserByPrincipalName(w.t.Context(), w.tenant, "STRASSE@acme.EXAMPLE")
		w.ok(err)
		if found == nil || found.UserPrincipalName != "Straße@acme.example" {
			w.t.Errorf("found %+v", found)
		}
		if none, err := w.directory.UserByPrincipalName(w.t.Context(), w.tenant, "str\x00asse@acme"); err != nil || none != nil {
			w.t.Errorf("found %v, %v", none, err)
		}
	})
}

func TestWrongFieldsOfAUserAreRefusedByName(t *testing.T) {
	each(t, func(w *world) {
		valid := directory.CreateUserInput{UserPrincipalName: "anna@acme.example", DisplayName: "Anna", UserType: principal.Member}
		for path, values := range map[string][]string{
			"userPrincipalName": {
				"", "  ", "anna", "@acme.example", "anna@", "a@b@c", "anna b@acme.example", " anna@acme.example", "anna@acme.example\u00a0",
				"anna\x00@acme.example", "anna\n@acme.example", "an\xffna@acme.example", strings.Repeat("a", 65) + "@acme.example",
				"anna@" + strings.Repeat("a", 256),
			},
			"displayName":   {"", " \t", "An\x00na", "An\nna", "\xff", strings.Repeat("ä", 257), strings.Repeat("\ufdfa", 100)},
			"mail":          {"", " ", "anna", "@acme", "anna@", "an na@acme.example", "anna@acme\x00", strings.Repeat("a", 330) + "@b"},
			"department":    {"", " ", "R\x00D", strings.Repeat("x", 257)},
			"jobTitle":      {"", "\u00a0", "a\tb", strings.Repeat("x", 257)},
			"usageLocation": {"", " ", "NLD", " NL", "EU", "UK", "XK", "ZZ", "N1", "nł", "n\x00"},
			"externalId":    {"", "a\x7fb", strings.Repeat("x", 257)},
			"userType":      {"", "member", "OWNER"},
		} {
			for _, value := range values {
				in := valid
				set := map[string]func(){
					"userPrincipalName": func() { in.UserPrincipalName = value }, "displayName": func() { in.DisplayName = value },
					"mail": func() { in.Mail = &value }, "department": func() { in.Department = &value }, "jobTitle": func() { in.JobTitle = &value },
					"usageLocation": func() { in.UsageLocation = &value }, "externalId": func() { in.ExternalID = &value },
					"userType": func() { in.UserType = principal.UserType(value) },
				}
				set[path]()
				_, err := w.directory.CreateUser(w.t.Context(), w.tenant, in)
				if e := w.refused(err, fault.InvalidValue, path); e.Remediation == "" {
					w.t.Errorf("%s %q: %v says no remedy", path, value, err)
				}
			}
		}
		if n, _ := w.events(); n != 1 {
			w.t.Errorf("%d audit events, want that of the tenant alone", n)
		}
	})
}

func TestEveryWrongFieldIsToldAtOnce(t *testing.T) {
	err := directory.CreateUserInput{UserPrincipalName: "x", DisplayName: " ", UsageLocation: ptr("EU"), UserType: principal.Member}.Validate()
	var all interface{ Unwrap() []error }
	if !errors.As(err, &all) || len(all.Unwrap()) != 3 {
		t.Fatalf("got %v, want three refusals", err)
	}
	for i, path := range []string{"userPrincipalName", "displayName", "usageLocation"} {
		if e, ok := fault.As(all.Unwrap()[i]); !ok || e.Path[0] != path {
			t.Errorf("refusal %d is %v, want one at %s", i, e, path)
		}
	}
}

func TestR24UpdatesKeepWhatIsAbsentAndClearWhatIsNull(t *testing.T) {
	each(t, func(w *world) {
		u := w.createUser(directory.CreateUserInput{
			UserPrincipalName: "anna@acme.example", DisplayName: "Anna", Mail: ptr("a@b"), Department: ptr("R&D"), UsageLocation: ptr("NL"),
		})
		w.clock.Advance(1000)
		r, err := w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{
			ID: u.ID, DisplayName: optional.Of("Anna Berg"), Mail: optional.Null[string](), UsageLocation: optional.Of("be"),
			AccountEnabled: optional.Of(false), UserType: optional.Of(principal.Guest),
		})
		w.ok(err)
		got, err := w.directory.User(w.t.Context(), w.tenant, u.ID)
		w.ok(err)
		for _, u2 := range []*principal.User{r.User, got} {
			if u2.DisplayName != "Anna Berg" || u2.Mail != nil || *u2.Department != "R&D" || *u2.UsageLocation != "BE" || u2.AccountEnabled ||
				u2.UserType != principal.Guest || u2.UserPrincipalName != u.UserPrincipalName || u2.Version != 2 || u2.UpdatedAt <= u.UpdatedAt {
				w.t.Errorf("updated to %+v", u2)
			}
		}
		for path, in := range map[string]directory.UpdateUserInput{
			"userPrincipalName": {UserPrincipalName: optional.Null[string]()}, "displayName": {DisplayName: optional.Null[string]()},
			"userType": {UserType: optional.Null[principal.UserType]()}, "accountEnabled": {AccountEnabled: optional.Null[bool]()},
		} {
			in.ID = u.ID
			_, err := w.directory.UpdateUser(w.t.Context(), w.tenant, in)
			w.refused(err, fault.Required, path)
		}
		_, err = w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{ID: u.ID, UsageLocation: optional.Of("")})
		if e := w.refused(err, fault.InvalidValue, "usageLocation"); !strings.Contains(e.Remediation, "null") {
			w.t.Errorf("%q does not say how to clear", e.Remediation)
		}
	})
}

func TestR24AnUpdateThatChangesNothingSaysSoAndLeavesNoAuditEvent(t *testing.T) {
	each(t, func(w *world) {
		u := w.createUser(directory.CreateUserInput{UserPrincipalName: "anna@acme.example", DisplayName: "Anna", UsageLocation: ptr("NL")})
		w.silent(func() {
			for _, in := range []directory.UpdateUserInput{
				{}, {DisplayName: optional.Of("Anna")}, {UsageLocation: optional.Of("nl")}, {Mail: optional.Null[string]()}, {AccountEnabled: optional.Of(true)},
			} {
				in.ID, in.ExpectedVersion = u.ID, ptr(1)
				r, err := w.directory.UpdateUser(w.t.Context(), w.tenant, in)
				w.ok(err)
				if r.Changed || r.User.Version != 1 {
					w.t.Errorf("%+v: changed %v, version %d", in, r.Changed, r.User.Version)
				}
			}
		})
	})
}

func TestANameCanChangeItsLetterCaseAndIsRefusedWhereAnotherUserHasIt(t *testing.T) {
	each(t, func(w *world) {
		anna, ben := w.user("Anna"), w.user("Ben")
		rename := func(name string) (*directory.UserResult, error) {
			return w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{ID: anna.ID, UserPrincipalName: optional.Of(name)})
		}
		r, err := rename("ANNA@acme.example")
		w.ok(err)
		if !r.Changed || r.User.UserPrincipalName != "ANNA@acme.example" {
			w.t.Errorf("renamed to %+v", r.User)
		}
		_, err = rename(strings.ToUpper(ben.UserPrincipalName))
		w.refused(err, fault.DuplicateValue, "userPrincipalName")
	})
}

func TestAnOutdatedVersionIsRefusedWithBothNumbers(t *testing.T) {
	each(t, func(w *world) {
		u := w.user("Anna")
		_, err := w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{ID: u.ID, JobTitle: optional.Of("x"), ExpectedVersion: ptr(1)})
		w.ok(err)
		_, err = w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{ID: u.ID, JobTitle: optional.Of("y"), ExpectedVersion: ptr(1)})
		if e := w.refused(err, fault.VersionConflict, "expectedVersion"); !strings.Contains(e.Message, "2") || !strings.Contains(e.Message, "1") {
			w.t.Errorf("%q does not name both versions", e.Message)
		}
		_, err = w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: u.ID, ExpectedVersion: ptr(7)})
		w.refused(err, fault.VersionConflict, "expectedVersion")
	})
}

func TestUnknownUsersAreNotFound(t *testing.T) {
	each(t, func(w *world) {
		u := w.user("Anna")
		_, err := w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: u.ID})
		w.ok(err)
		_, err = w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{ID: u.ID, JobTitle: optional.Of("x")})
		if e := w.refused(err, fault.NotFound, "id"); !strings.Contains(e.Message, "deleted") {
			w.t.Errorf("%q does not say that the user is deleted", e.Message)
		}
		_, err = w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{ID: uuid.New(), JobTitle: optional.Of("x")})
		w.refused(err, fault.NotFound, "id")
		_, err = w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: uuid.New()})
		w.refused(err, fault.NotFound, "id")
		_, err = w.directory.RestoreUser(w.t.Context(), w.tenant, directory.RestoreUserInput{ID: uuid.New()})
		w.refused(err, fault.NotFound, "id")
	})
}

func TestR19ADeletedUserFreesSeatAndNameAndIsInNoList(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 1)
		anna, ben := w.user("Anna"), w.user("Ben")
		group := w.group("Sales", anna, ben)
		w.assign(group, licensing.LicenseInput{Product: w.suite})
		if !w.holds(anna, w.suite) || w.holds(ben, w.suite) {
			w.t.Fatal("the older user does not hold the one seat")
		}
		r, err := w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: anna.ID, ExpectedVersion: ptr(1)})
		w.ok(err)
		if !r.Changed || r.User.DeletedAt == nil || r.User.Version != 2 || r.Impact.UsersLosing != 1 || r.Impact.UsersGaining != 1 {
			w.t.Errorf("deleted: %+v, %+v", r.User, r.Impact)
		}
		if w.holds(anna, w.suite) || !w.holds(ben, w.suite) {
			w.t.Error("the seat did not go to who waited")
		}
		w.same("users", w.list(directory.UserQuery{}), []string{"Ben"})
		w.same("deleted users", w.list(directory.UserQuery{Filter: directory.UserFilter{Deleted: true}}), []string{"Anna"})
		w.same("members", w.members(group, directory.MemberQuery{}, 1), []string{"Ben"})
		got, err := w.directory.User(w.t.Context(), w.tenant, anna.ID)
		w.ok(err)
		if got == nil || got.DeletedAt == nil {
			w.t.Errorf("by id: %+v", got)
		}
		if none, err := w.directory.UserByPrincipalName(w.t.Context(), w.tenant, anna.UserPrincipalName); err != nil || none != nil {
			w.t.Errorf("by name: %v, %v", none, err)
		}
		w.user("Anna")
		w.sound()
	})
}

func TestR24DeletingADeletedUserAndRestoringAnUndeletedOneChangeNothing(t *testing.T) {
	each(t, func(w *world) {
		u := w.user("Anna")
		w.silent(func() {
			r, err := w.directory.RestoreUser(w.t.Context(), w.tenant, directory.RestoreUserInput{ID: u.ID})
			w.ok(err)
			if r.Changed || r.User.Version != 1 {
				w.t.Errorf("restored: %+v", r.User)
			}
		})
		_, err := w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: u.ID})
		w.ok(err)
		w.silent(func() {
			r, err := w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: u.ID})
			w.ok(err)
			if r.Changed || r.User.DeletedAt == nil {
				w.t.Errorf("deleted again: %+v", r.User)
			}
		})
	})
}

func TestR19RestoringMakesSourcesNewcomersAndConflictsCleanlyWhereTheNameIsInUse(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 1)
		anna, ben := w.user("Anna"), w.user("Ben")
		w.assign(w.group("Sales", anna, ben), licensing.LicenseInput{Product: w.suite})
		_, err := w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: anna.ID})
		w.ok(err)
		second := w.user("Anna")
		w.silent(func() {
			_, err = w.directory.RestoreUser(w.t.Context(), w.tenant, directory.RestoreUserInput{ID: anna.ID})
			if e := w.refused(err, fault.DuplicateValue, "id"); !strings.Contains(e.Remediation, "another name") {
				w.t.Errorf("%q is no remedy", e.Remediation)
			}
		})
		_, err = w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{ID: second.ID, UserPrincipalName: optional.Of("a2@acme.example")})
		w.ok(err)
		r, err := w.directory.RestoreUser(w.t.Context(), w.tenant, directory.RestoreUserInput{ID: anna.ID})
		w.ok(err)
		if !r.Changed || r.User.DeletedAt != nil || r.User.RestoredAt == nil || r.Impact.UsersInError != 1 {
			w.t.Errorf("restored: %+v, %+v", r.User, r.Impact)
		}
		if w.holds(anna, w.suite) || !w.holds(ben, w.suite) {
			w.t.Error("the restored user displaced a holder")
		}
		w.same("users", w.list(directory.UserQuery{Search: "anna"}), []string{"Anna", "Anna"})
		w.sound()
	})
}

func TestAUserIsCreatedWithLicensesOrNotAtAll(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 1)
		create := func(name string, licenses ...licensing.LicenseInput) (*directory.UserResult, error) {
			return w.directory.CreateUser(w.t.Context(), w.tenant, directory.CreateUserInput{
				UserPrincipalName: name + "@acme.example", DisplayName: name, UserType: principal.Member, AccountEnabled: true, UsageLocation: ptr("NL"), Licenses: licenses,
			})
		}
		r, err := create("anna", licensing.LicenseInput{Product: w.suite})
		w.ok(err)
		if !w.holds(r.User, w.suite) || r.Impact.UsersGaining != 1 {
			w.t.Error("the license was not given")
		}
		w.silent(func() {
			_, err := create("ben", licensing.LicenseInput{Product: w.suite})
			if fault.CodeOf(err) != fault.CountViolation {
				w.t.Errorf("got %v, want COUNT_VIOLATION", err)
			}
			_, err = create("ben", licensing.LicenseInput{Product: w.addon})
			if fault.CodeOf(err) != fault.NoSubscription {
				w.t.Errorf("got %v, want NO_SUBSCRIPTION", err)
			}
			_, err = create("ben", licensing.LicenseInput{Product: uuid.New()})
			w.refused(err, fault.NotFound, "licenses.0.productId")
			_, err = create("ben", make([]licensing.LicenseInput, 101)...)
			w.refused(err, fault.TooMany, "licenses")
		})
		w.same("users", w.list(directory.UserQuery{}), []string{"anna"})
		w.sound()
	})
}

func TestR26DryRunsOfUserChangesStoreNothing(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 1)
		u := w.user("Anna")
		w.assign(u, licensing.LicenseInput{Product: w.suite})
		w.silent(func() {
			c, err := w.directory.CreateUser(w.t.Context(), w.tenant, directory.CreateUserInput{
				UserPrincipalName: "ben@acme.example", DisplayName: "Ben", UserType: principal.Member, DryRun: true,
			})
			w.ok(err)
			if c.User != nil || !c.Changed || !c.DryRun {
				w.t.Errorf("created %+v", c)
			}
			up, err := w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{ID: u.ID, DisplayName: optional.Of("X"), DryRun: true})
			w.ok(err)
			del, err := w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: u.ID, DryRun: true})
			w.ok(err)
			for _, r := range []*directory.UserResult{up, del} {
				if !r.Changed || r.User.DisplayName != "Anna" || r.User.DeletedAt != nil || r.User.Version != 2 {
					w.t.Errorf("dry run gives %+v of %+v", r, r.User)
				}
			}
			if del.Impact.UsersLosing != 1 {
				w.t.Errorf("the impact is %+v", del.Impact)
			}
		})
		w.same("users", w.list(directory.UserQuery{}), []string{"Anna"})
	})
}

func TestR28ChangesOfUsersAreAuditedFieldByField(t *testing.T) {
	each(t, func(w *world) {
		u := w.createUser(directory.CreateUserInput{UserPrincipalName: "anna@acme.example", DisplayName: "Anna", Mail: ptr("a@b")})
		_, e := w.events()
		if e.Action != audit.UserCreate || e.Subjects[0].ID != u.NodeID() || len(e.Fields) != 5 || e.Fields[0].Before != nil || *e.Fields[0].After != "anna@acme.example" {
			w.t.Errorf("creation: %+v", e)
		}
		_, err := w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{ID: u.ID, DisplayName: optional.Of("Anna Berg"), Mail: optional.Null[string]()})
		w.ok(err)
		_, e = w.events()
		if e.Action != audit.UserUpdate || e.Subjects[0].Name != "Anna" || len(e.Fields) != 2 || e.Fields[0].Field != "displayName" ||
			*e.Fields[0].Before != "Anna" || *e.Fields[0].After != "Anna Berg" || e.Fields[1].Field != "mail" || *e.Fields[1].Before != "a@b" || e.Fields[1].After != nil {
			w.t.Errorf("update: %+v", e)
		}
		_, err = w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: u.ID})
		w.ok(err)
		if _, e = w.events(); e.Action != audit.UserDelete || e.Fields[0].Field != "deletedAt" || !strings.Contains(e.Summary, "Anna Berg") {
			w.t.Errorf("deletion: %+v", e)
		}
		_, err = w.directory.RestoreUser(w.t.Context(), w.tenant, directory.RestoreUserInput{ID: u.ID})
		w.ok(err)
		if _, e = w.events(); e.Action != audit.UserRestore || e.Fields[0].After != nil || e.Fields[0].Before == nil {
			w.t.Errorf("restoration: %+v", e)
		}
	})
}
