package directory_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
)

func TestAGroupIsCreatedWithItsMembersUsersAndGroups(t *testing.T) {
	each(t, func(w *world) {
		anna, ben := w.user("Anna"), w.user("Ben")
		inner := w.group("Inner", ben)
		r, err := w.directory.CreateGroup(w.t.Context(), w.tenant, directory.CreateGroupInput{
			DisplayName: "Outer", Description: ptr("everybody"), ExternalID: ptr("x-1"), MemberIDs: ids(anna, inner, anna),
		})
		w.ok(err)
		got, err := w.directory.Group(w.t.Context(), w.tenant, r.Group.ID)
		w.ok(err)
		if got.DisplayName != "Outer" || *got.Description != "everybody" || *got.ExternalID != "x-1" || !r.Changed {
			w.t.Errorf("created %+v", got)
		}
		w.same("direct members", w.members(got, directory.MemberQuery{}, 1), []string{"Anna"})
		w.same("all members", w.members(got, directory.MemberQuery{Transitive: true}, 2), []string{"Anna", "Ben"})
		w.sound()
	})
}

func TestAGroupWithAWrongMemberIsNotCreatedAndAllWrongOnesAreTold(t *testing.T) {
	each(t, func(w *world) {
		anna := w.user("Anna")
		w.silent(func() {
			_, err := w.directory.CreateGroup(w.t.Context(), w.tenant, directory.CreateGroupInput{
				DisplayName: "Outer", MemberIDs: append(ids(anna), "nonsense", "user_01960000000070008000000000"),
			})
			w.refused(err, fault.InvalidID, "memberIds.1")
			_, err = w.directory.CreateGroup(w.t.Context(), w.tenant, directory.CreateGroupInput{DisplayName: "\n"})
			w.refused(err, fault.InvalidValue, "displayName")
			many := make([]string, 0, directory.MaxMembers+1)
			for range directory.MaxMembers + 1 {
				many = append(many, uuid.NewString())
			}
			_, err = w.directory.CreateGroup(w.t.Context(), w.tenant, directory.CreateGroupInput{DisplayName: "x", MemberIDs: many})
			w.refused(err, fault.TooMany, "memberIds")
		})
		if groups := w.groups(directory.GroupQuery{}); len(groups) != 0 {
			w.t.Errorf("there are groups: %q", groups)
		}
	})
}

func TestR24GroupUpdatesKeepWhatIsAbsentAndClearWhatIsNull(t *testing.T) {
	each(t, func(w *world) {
		r, err := w.directory.CreateGroup(w.t.Context(), w.tenant, directory.CreateGroupInput{DisplayName: "Sales", Description: ptr("d"), ExternalID: ptr("x")})
		w.ok(err)
		key := r.Group.ID
		r, err = w.directory.UpdateGroup(w.t.Context(), w.tenant, directory.UpdateGroupInput{
			ID: key, DisplayName: optional.Of("Field Sales"), Description: optional.Null[string](), ExpectedVersion: ptr(1),
		})
		w.ok(err)
		if g := r.Group; !r.Changed || g.DisplayName != "Field Sales" || g.Description != nil || *g.ExternalID != "x" || g.Version != 2 {
			w.t.Errorf("updated to %+v", g)
		}
		w.same("found by its new name", w.groups(directory.GroupQuery{Search: "field"}), []string{"Field Sales"})
		w.silent(func() {
			r, err := w.directory.UpdateGroup(w.t.Context(), w.tenant, directory.UpdateGroupInput{ID: key, DisplayName: optional.Of("Field Sales")})
			w.ok(err)
			if r.Changed || r.Group.Version != 2 {
				w.t.Errorf("changed %v to %+v", r.Changed, r.Group)
			}
			_, err = w.directory.UpdateGroup(w.t.Context(), w.tenant, directory.UpdateGroupInput{ID: key, DisplayName: optional.Null[string]()})
			w.refused(err, fault.Required, "displayName")
			_, err = w.directory.UpdateGroup(w.t.Context(), w.tenant, directory.UpdateGroupInput{ID: key, Description: optional.Of(" ")})
			w.refused(err, fault.InvalidValue, "description")
			_, err = w.directory.UpdateGroup(w.t.Context(), w.tenant, directory.UpdateGroupInput{ID: key, ExpectedVersion: ptr(1)})
			w.refused(err, fault.VersionConflict, "expectedVersion")
			_, err = w.directory.UpdateGroup(w.t.Context(), w.tenant, directory.UpdateGroupInput{ID: uuid.New()})
			w.refused(err, fault.NotFound, "id")
			r, err = w.directory.UpdateGroup(w.t.Context(), w.tenant, directory.UpdateGroupInput{ID: key, DisplayName: optional.Of("Y"), DryRun: true})
			w.ok(err)
			if !r.Changed || r.Group.DisplayName != "Field Sales" {
				w.t.Errorf("dry run gives %+v", r.Group)
			}
		})
	})
}

func TestR20AGroupWithLicensesCannotBeDeleted(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 5)
		w.subscribe(w.tool, 5)
		g := w.group("Sales")
		w.assign(g, licensing.LicenseInput{Product: w.suite})
		w.assign(g, licensing.LicenseInput{Product: w.tool})
		w.silent(func() {
			_, err := w.directory.DeleteGroup(w.t.Context(), w.tenant, directory.DeleteGroupInput{ID: g.ID})
			e := w.refused(err, fault.GroupHasLicenses, "id")
			details, ok := e.Details.(*licensing.GroupLicensesDetails)
			if !ok || len(details.Products) != 2 || !strings.Contains(e.Message, "Suite, Tool") {
				w.t.Errorf("%q, details %+v", e.Message, e.Details)
			}
		})
	})
}

func TestR20DeletingANestedGroupIsALossForItsMembers(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 5)
		anna, ben := w.user("Anna"), w.user("Ben")
		inner := w.group("Inner", anna)
		outer := w.group("Outer", inner, ben)
		w.assign(outer, licensing.LicenseInput{Product: w.suite})
		if !w.holds(anna, w.suite) {
			w.t.Fatal("the nested member does not inherit")
		}
		r, err := w.directory.DeleteGroup(w.t.Context(), w.tenant, directory.DeleteGroupInput{ID: inner.ID, DryRun: true})
		w.ok(err)
		if !r.Changed || r.Impact.UsersLosing != 1 || r.Group == nil {
			w.t.Errorf("dry run: %+v, %+v", r.Impact, r.Group)
		}
		_, err = w.directory.DeleteGroup(w.t.Context(), w.tenant, directory.DeleteGroupInput{ID: inner.ID, ExpectedVersion: ptr(99)})
		w.refused(err, fault.VersionConflict, "expectedVersion")
		r, err = w.directory.DeleteGroup(w.t.Context(), w.tenant, directory.DeleteGroupInput{ID: inner.ID})
		w.ok(err)
		if !r.Changed || r.Impact.UsersLosing != 1 || r.Group != nil {
			w.t.Errorf("deleted: %+v, %+v", r.Impact, r.Group)
		}
		if w.holds(anna, w.suite) || !w.holds(ben, w.suite) {
			w.t.Error("the wrong members lost it")
		}
		_, err = w.directory.DeleteGroup(w.t.Context(), w.tenant, directory.DeleteGroupInput{ID: inner.ID})
		w.refused(err, fault.NotFound, "id")
		w.same("groups", w.groups(directory.GroupQuery{}), []string{"Outer"})
		_, e := w.events()
		if e.Action != audit.GroupDelete || e.Subjects[0].Name != "Inner" || e.Subjects[1].Name != "Outer" {
			w.t.Errorf("the event is %+v", e)
		}
		fields := map[string]string{}
		for _, f := range e.Fields {
			if f.Before != nil {
				fields[f.Field] = *f.Before
			}
		}
		if fields["displayName"] != "Inner" || fields["memberCount"] != "1" || fields["members of "+outer.NodeID()] != "Inner ("+inner.NodeID()+")" {
			w.t.Errorf("the fields are %v", fields)
		}
		w.sound()
	})
}
