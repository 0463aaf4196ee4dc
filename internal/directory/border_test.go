package directory_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// Two tenants with people, groups and licenses of the same names: whatever is asked in the
// name of one with ids of the other looks absent, and no list or count holds the other's.
func TestNoFieldListOrChangeCrossesTheBorderOfATenant(t *testing.T) {
	each(t, func(w *world) {
		fill := func() (users []uuid.UUID, groups []uuid.UUID) {
			w.subscribe(w.suite, 1)
			anna, ben := w.user("Anna"), w.user("Ben")
			inner := w.group("Inner", anna)
			outer := w.group("Outer", inner, ben)
			w.assign(outer, licensing.LicenseInput{Product: w.suite})
			return []uuid.UUID{anna.ID, ben.ID}, []uuid.UUID{inner.ID, outer.ID}
		}
		first := w.tenant
		users, groups := fill()
		second := w.newTenant("Other")
		w.tenant = second
		fill()
		ctx := w.t.Context()

		// Ids of the first tenant, asked of the second.
		foundUsers, err := w.directory.Users(ctx, second, users)
		w.ok(err)
		foundGroups, err := w.directory.Groups(ctx, second, groups)
		w.ok(err)
		for i := range 2 {
			if foundUsers[i] != nil || foundGroups[i] != nil {
				w.t.Errorf("found %v, %v", foundUsers[i], foundGroups[i])
			}
		}
		own, err := w.directory.UserByPrincipalName(ctx, second, "anna@acme.example")
		w.ok(err)
		if own == nil || own.ID == users[0] {
			w.t.Errorf("by name: %v", own)
		}
		for _, g := range groups {
			w.same("members by filter", w.list(directory.UserQuery{Filter: directory.UserFilter{Group: &g}}), []string{})
			for _, transitive := range []bool{false, true} {
				c, err := w.directory.Members(ctx, second, g, directory.MemberQuery{Transitive: transitive}, paging.Args{})
				w.ok(err)
				if n, err := c.Count(ctx); err != nil || n != 0 || len(c.Items) != 0 {
					w.t.Errorf("%d members (%v), listed %v", n, err, userNames(c.Items))
				}
			}
			children, err := w.directory.ChildGroups(ctx, second, g, paging.Args{})
			w.ok(err)
			parents, err := w.directory.ParentGroups(ctx, second, g, paging.Args{})
			w.ok(err)
			if len(children.Items)+len(parents.Items) != 0 {
				w.t.Error("nestings are seen")
			}
		}
		of, err := w.directory.GroupsOfUser(ctx, second, users[0], true, paging.Args{})
		w.ok(err)
		if len(of.Items) != 0 {
			w.t.Errorf("groups of a foreign user: %v", groupNames(of.Items))
		}

		// Lists of each tenant hold its own alone.
		for _, tenant := range []uuid.UUID{first, second} {
			w.tenant = tenant
			w.same("users", w.list(directory.UserQuery{}), []string{"Anna", "Ben"})
			w.same("users found", w.list(directory.UserQuery{Search: "an"}), []string{"Anna"})
			w.same("holders", w.list(directory.UserQuery{Filter: directory.UserFilter{Product: &w.suite}}), []string{"Anna"})
			w.same("with a plan", w.list(directory.UserQuery{Filter: directory.UserFilter{Plan: &w.chat}}), []string{"Anna"})
			w.same("with licenses", w.list(directory.UserQuery{Filter: directory.UserFilter{HasLicense: ptr(true)}}), []string{"Anna"})
			w.same("in error", w.list(directory.UserQuery{Filter: directory.UserFilter{HasLicenseError: ptr(true)}}), []string{"Ben"})
			w.same("groups", w.groups(directory.GroupQuery{}), []string{"Inner", "Outer"})
			w.same("groups in error", w.groups(directory.GroupQuery{Filter: directory.GroupFilter{HasLicenseErrors: ptr(true)}}), []string{"Outer"})
		}

		// Changes by foreign ids are refused as if they named nothing, and change nothing.
		w.tenant = second
		w.silent(func() {
			_, err := w.directory.UpdateUser(ctx, second, directory.UpdateUserInput{ID: users[0], DisplayName: optional.Of("x")})
			w.refused(err, fault.NotFound, "id")
			_, err = w.directory.DeleteUser(ctx, second, directory.DeleteUserInput{ID: users[0]})
			w.refused(err, fault.NotFound, "id")
			_, err = w.directory.RestoreUser(ctx, second, directory.RestoreUserInput{ID: users[0]})
			w.refused(err, fault.NotFound, "id")
			_, err = w.directory.UpdateGroup(ctx, second, directory.UpdateGroupInput{ID: groups[0], DisplayName: optional.Of("x")})
			w.refused(err, fault.NotFound, "id")
			_, err = w.directory.DeleteGroup(ctx, second, directory.DeleteGroupInput{ID: groups[0]})
			w.refused(err, fault.NotFound, "id")
			_, err = w.directory.AddGroupMembers(ctx, second, directory.MembersInput{Group: groups[0], MemberIDs: ids(own)})
			w.refused(err, fault.NotFound, "groupId")
			_, err = w.directory.RemoveGroupMembers(ctx, second, directory.MembersInput{Group: groups[0], MemberIDs: ids(own)})
			w.refused(err, fault.NotFound, "groupId")
			_, err = w.directory.CreateGroup(ctx, second, directory.CreateGroupInput{DisplayName: "x", MemberIDs: foreign(users, groups)})
			w.refused(err, fault.NotFound, "memberIds.0")
			mine := w.oneGroup()
			for _, change := range []func(directory.MembersInput) (*directory.MembersResult, error){
				func(in directory.MembersInput) (*directory.MembersResult, error) {
					return w.directory.AddGroupMembers(ctx, second, in)
				},
				func(in directory.MembersInput) (*directory.MembersResult, error) {
					return w.directory.RemoveGroupMembers(ctx, second, in)
				},
			} {
				r, err := change(directory.MembersInput{Group: mine, MemberIDs: foreign(users, groups)})
				w.ok(err)
				w.same("foreign members", outcomes(r.Results), []string{
					"NOT_FOUND memberIds.0", "NOT_FOUND memberIds.1", "NOT_FOUND memberIds.2", "NOT_FOUND memberIds.3",
				})
			}
		})
		w.tenant = first
		w.same("the first tenant's users", w.list(directory.UserQuery{}), []string{"Anna", "Ben"})
		w.sound()
	})
}
