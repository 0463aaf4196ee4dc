package directory_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

func TestGroupsAreSearchedByTheBeginningOfAnyWord(t *testing.T) {
	each(t, func(w *world) {
		for _, name := range []string{"Field Sales EMEA", "Inside-Sales", "R&D 100%", `Back\Office_1`, `Back\OfficeX1`, "Straße"} {
			w.group(name)
		}
		for search, want := range map[string][]string{
			"":               {`Back\Office_1`, `Back\OfficeX1`, "Field Sales EMEA", "Inside-Sales", "R&D 100%", "Straße"},
			"sal":            {"Field Sales EMEA", "Inside-Sales"},
			"SALES em":       {"Field Sales EMEA"},
			"ales":           {},
			"inside-s":       {"Inside-Sales"},
			"100":            {"R&D 100%"},
			"100%":           {"R&D 100%"},
			"back\\o":        {`Back\Office_1`, `Back\OfficeX1`},
			"back\\office_1": {`Back\Office_1`},
			"office_1":       {},
			"back\\office%1": {},
			"o%":             {`Back\Office_1`, `Back\OfficeX1`},
			"%":              {},
			"STRASSE":        {"Straße"},
			"str\x00asse":    {"Straße"},
		} {
			w.same("search "+search, w.groups(directory.GroupQuery{Search: search}), want)
		}
		_, err := w.directory.ListGroups(w.t.Context(), w.tenant, directory.GroupQuery{Search: strings.Repeat("x", 257)}, paging.Args{})
		w.refused(err, fault.BadUserInput, "search")
		_, err = w.directory.ListGroups(w.t.Context(), w.tenant, directory.GroupQuery{}, paging.Args{Last: ptr(101)})
		w.refused(err, fault.BadUserInput, "last")
	})
}

func TestGroupsAreListedInEachOrderBothWays(t *testing.T) {
	each(t, func(w *world) {
		for _, name := range []string{"beta", "Alpha", "gamma"} {
			w.group(name)
			w.clock.Advance(1_000_000)
		}
		w.same("by name", w.groups(directory.GroupQuery{}), []string{"Alpha", "beta", "gamma"})
		w.same("by name, descending", w.groups(directory.GroupQuery{Descending: true}), []string{"gamma", "beta", "Alpha"})
		w.same("by creation", w.groups(directory.GroupQuery{OrderBy: directory.GroupsByCreation}), []string{"beta", "Alpha", "gamma"})
		w.same("by creation, descending", w.groups(directory.GroupQuery{OrderBy: directory.GroupsByCreation, Descending: true}), []string{"gamma", "Alpha", "beta"})
	})
}

func TestMembersChildrenParentsAndGroupsOfAUserFollowTheNesting(t *testing.T) {
	each(t, func(w *world) {
		anna, ben, cem := w.user("Anna"), w.user("Ben"), w.user("Cem Berg")
		inner := w.group("Inner", anna)
		middle := w.group("Middle", inner, ben, anna)
		outer := w.group("Outer", middle, inner, cem)

		w.same("direct members", w.members(outer, directory.MemberQuery{}, 1), []string{"Cem Berg"})
		w.same("all members", w.members(outer, directory.MemberQuery{Transitive: true}, 3), []string{"Anna", "Ben", "Cem Berg"})
		w.same("direct members found", w.members(outer, directory.MemberQuery{Search: "be"}, 1), []string{"Cem Berg"})
		w.same("all members found", w.members(outer, directory.MemberQuery{Search: "be", Transitive: true}, 2), []string{"Ben", "Cem Berg"})
		w.same("children", w.children(outer), []string{"Inner", "Middle"})

		names := func(c paging.Connection[*principal.Group], err error) []string {
			w.t.Helper()
			w.ok(err)
			if n, err := c.Count(w.t.Context()); err != nil || n != len(c.Items) {
				w.t.Errorf("counted %d (%v) of %d", n, err, len(c.Items))
			}
			return groupNames(c.Items)
		}
		ctx := w.t.Context()
		w.same("parents", names(w.directory.ParentGroups(ctx, w.tenant, inner.ID, paging.Args{})), []string{"Middle", "Outer"})
		w.same("groups of Ben", names(w.directory.GroupsOfUser(ctx, w.tenant, ben.ID, false, paging.Args{})), []string{"Middle"})
		w.same("all groups of Ben", names(w.directory.GroupsOfUser(ctx, w.tenant, ben.ID, true, paging.Args{})), []string{"Middle", "Outer"})
		w.same("all groups of Anna", names(w.directory.GroupsOfUser(ctx, w.tenant, anna.ID, true, paging.Args{})), []string{"Inner", "Middle", "Outer"})
		w.same("groups of nobody", names(w.directory.GroupsOfUser(ctx, w.tenant, uuid.New(), true, paging.Args{})), []string{})
		w.same("children of nothing", names(w.directory.ChildGroups(ctx, w.tenant, uuid.New(), paging.Args{})), []string{})

		page, err := w.directory.GroupsOfUser(ctx, w.tenant, anna.ID, true, paging.Args{First: ptr(1)})
		w.ok(err)
		next, err := w.directory.GroupsOfUser(ctx, w.tenant, anna.ID, true, paging.Args{Last: ptr(1), After: &page.Cursors[0]})
		w.ok(err)
		w.same("last page", groupNames(next.Items), []string{"Outer"})
		_, err = w.directory.ChildGroups(ctx, w.tenant, outer.ID, paging.Args{After: &page.Cursors[0]})
		w.refused(err, fault.BadUserInput, "after")
	})
}

func TestUsersAndGroupsAreReadByIdsInOrderInOneStatement(t *testing.T) {
	each(t, func(w *world) {
		anna, ben := w.user("Anna"), w.user("Ben")
		g := w.group("Sales")
		w.ran.Reset()
		users, err := w.directory.Users(w.t.Context(), w.tenant, []uuid.UUID{ben.ID, uuid.New(), anna.ID, ben.ID, g.ID})
		w.ok(err)
		if users[0].DisplayName != "Ben" || users[1] != nil || users[2].DisplayName != "Anna" || users[3].DisplayName != "Ben" || users[4] != nil || w.ran.Count() != 1 {
			w.t.Errorf("read %v with %q", users, w.ran.List())
		}
		groups, err := w.directory.Groups(w.t.Context(), w.tenant, []uuid.UUID{uuid.New(), g.ID, anna.ID})
		w.ok(err)
		if groups[0] != nil || groups[1].DisplayName != "Sales" || groups[2] != nil {
			w.t.Errorf("read %v", groups)
		}
	})
}
