package directory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// outcomes writes results as text: the code of the error with its path, changed, or kept.
func outcomes(results []*directory.MemberResult) []string {
	texts := []string{}
	for _, r := range results {
		switch {
		case len(r.Errors) > 0 && !r.Changed:
			texts = append(texts, string(r.Errors[0].Code)+" "+strings.Join(r.Errors[0].Path, "."))
		case r.Changed:
			texts = append(texts, "changed")
		default:
			texts = append(texts, "kept")
		}
	}
	return texts
}

func (w *world) add(g *principal.Group, members ...any) *directory.MembersResult {
	w.t.Helper()
	r, err := w.directory.AddGroupMembers(w.t.Context(), w.tenant, directory.MembersInput{Group: g.ID, MemberIDs: ids(members...)})
	w.ok(err)
	return r
}

func (w *world) remove(g *principal.Group, members ...any) *directory.MembersResult {
	w.t.Helper()
	r, err := w.directory.RemoveGroupMembers(w.t.Context(), w.tenant, directory.MembersInput{Group: g.ID, MemberIDs: ids(members...)})
	w.ok(err)
	return r
}

func TestR25EachMemberHasAResultAndAWrongOneFailsAlone(t *testing.T) {
	each(t, func(w *world) {
		anna, ben, gone := w.user("Anna"), w.user("Ben"), w.user("Gone")
		inner := w.group("Inner")
		g := w.group("Sales", ben)
		_, err := w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: gone.ID})
		w.ok(err)
		unknown := id.Format(id.User, uuid.New())
		r := w.add(g, anna, ben, "nonsense", gone, unknown, inner, id.Format(id.Product, w.suite), anna, "nonsense", id.Format(id.Group, uuid.New()))
		w.same("results", outcomes(r.Results), []string{
			"changed", "kept", "INVALID_ID memberIds.2", "NOT_FOUND memberIds.3", "NOT_FOUND memberIds.4", "changed", "INVALID_ID memberIds.6",
			"NOT_FOUND memberIds.9",
		})
		if !r.Changed || r.Results[2].MemberID != "nonsense" || r.Results[0].GroupID != g.ID || len(r.Groups) != 1 || r.Groups[0].ID != g.ID {
			w.t.Errorf("result %+v", r)
		}
		w.same("members", w.members(g, directory.MemberQuery{}, 2), []string{"Anna", "Ben"})
		w.same("children", w.children(g), []string{"Inner"})
		r = w.remove(g, anna, gone, inner, "x", id.Format(id.User, uuid.New()), anna)
		w.same("results", outcomes(r.Results), []string{"changed", "NOT_FOUND memberIds.1", "changed", "INVALID_ID memberIds.3", "NOT_FOUND memberIds.4"})
		w.same("members", w.members(g, directory.MemberQuery{}, 1), []string{"Ben"})
		w.same("children", w.children(g), []string{})
		w.silent(func() {
			if r := w.remove(g, anna, inner); r.Changed || !slices.Equal(outcomes(r.Results), []string{"kept", "kept"}) {
				w.t.Errorf("removed again: %v, %v", r.Changed, outcomes(r.Results))
			}
			if r := w.add(g, ben); r.Changed {
				w.t.Error("added again")
			}
			if r := w.add(g); r.Changed || len(r.Results) != 0 {
				w.t.Error("adding nobody changes something")
			}
		})
		w.sound()
	})
}

func TestUnknownGroupsAndTooManyMembersRefuseTheCall(t *testing.T) {
	each(t, func(w *world) {
		anna := w.user("Anna")
		g := w.group("Sales")
		_, err := w.directory.AddGroupMembers(w.t.Context(), w.tenant, directory.MembersInput{Group: uuid.New(), MemberIDs: ids(anna)})
		w.refused(err, fault.NotFound, "groupId")
		_, err = w.directory.ChangeGroupMembers(w.t.Context(), w.tenant, directory.ChangeMembersInput{
			Changes: []directory.MembersChange{{Group: g.ID, Add: ids(anna)}, {Group: uuid.New()}},
		})
		w.refused(err, fault.NotFound, "changes.1.groupId")
		many := make([]string, directory.MaxMembers+1)
		for i := range many {
			many[i] = fmt.Sprint(i)
		}
		_, err = w.directory.AddGroupMembers(w.t.Context(), w.tenant, directory.MembersInput{Group: g.ID, MemberIDs: many})
		w.refused(err, fault.TooMany, "memberIds")
		_, err = w.directory.RemoveGroupMembers(w.t.Context(), w.tenant, directory.MembersInput{Group: g.ID, MemberIDs: many})
		w.refused(err, fault.TooMany, "memberIds")
		_, err = w.directory.ChangeGroupMembers(w.t.Context(), w.tenant, directory.ChangeMembersInput{
			Changes: []directory.MembersChange{{Group: g.ID, Add: many[:10_000]}, {Group: uuid.New(), Remove: many[10_000:]}},
		})
		w.refused(err, fault.TooMany, "changes")
		changes := make([]directory.MembersChange, directory.MaxMembersGroups+1)
		for i := range changes {
			changes[i].Group = uuid.New()
		}
		_, err = w.directory.ChangeGroupMembers(w.t.Context(), w.tenant, directory.ChangeMembersInput{Changes: changes})
		w.refused(err, fault.TooMany, "changes")
		// The limit counts after duplicates collapse.
		same := slices.Repeat(ids(anna), directory.MaxMembers+1)
		r, err := w.directory.AddGroupMembers(w.t.Context(), w.tenant, directory.MembersInput{Group: g.ID, MemberIDs: same})
		w.ok(err)
		w.same("results", outcomes(r.Results), []string{"changed"})
	})
}

func TestR20ANestingThatWouldCloseACycleIsRefusedWithItsPath(t *testing.T) {
	each(t, func(w *world) {
		c := w.group("C")
		b := w.group("B", c)
		a := w.group("A", b)
		r := w.add(c, a, c)
		w.same("results", outcomes(r.Results), []string{"GROUP_CYCLE memberIds.0", "GROUP_CYCLE memberIds.1"})
		if r.Changed {
			w.t.Error("something changed")
		}
		for i, want := range [][]string{{"C", "A", "B", "C"}, {"C", "C"}} {
			e := r.Results[i].Errors[0]
			details, ok := e.Details.(*licensing.CycleDetails)
			if !ok || !slices.Equal(groupNames(details.Path), want) || e.Remediation == "" {
				w.t.Errorf("%q with %+v, want the path %q", e.Message, e.Details, want)
			}
		}
	})
}

func TestR24OfTwoNestingsThatCloseACycleTogetherTheSameOneIsRefusedWhateverTheOrder(t *testing.T) {
	each(t, func(w *world) {
		a, b := w.group("A"), w.group("B")
		changes := []directory.MembersChange{{Group: a.ID, Add: ids(b)}, {Group: b.ID, Add: ids(a)}}
		var wrong []uuid.UUID
		for range 2 {
			r, err := w.directory.ChangeGroupMembers(w.t.Context(), w.tenant, directory.ChangeMembersInput{Changes: changes, DryRun: true})
			w.ok(err)
			for _, m := range r.Results {
				if len(m.Errors) > 0 {
					wrong = append(wrong, m.GroupID)
				}
			}
			slices.Reverse(changes)
		}
		if len(wrong) != 2 || wrong[0] != wrong[1] {
			w.t.Errorf("refused are the nestings in %v", wrong)
		}
	})
}

func TestANestingTurnsRoundInOneCall(t *testing.T) {
	each(t, func(w *world) {
		b := w.group("B")
		a := w.group("A", b)
		r, err := w.directory.ChangeGroupMembers(w.t.Context(), w.tenant, directory.ChangeMembersInput{
			Changes: []directory.MembersChange{{Group: b.ID, Add: ids(a)}, {Group: a.ID, Remove: ids(b)}},
		})
		w.ok(err)
		w.same("results", outcomes(r.Results), []string{"changed", "changed"})
		w.same("children of A", w.children(a), []string{})
		w.same("children of B", w.children(b), []string{"A"})
		w.same("groups", groupNames(r.Groups), []string{"B", "A"})
	})
}

func TestR23AMoveBetweenGroupsKeepsTheOnlySeat(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 1)
		anna := w.user("Anna")
		from, to := w.group("From", anna), w.group("To")
		w.assign(from, licensing.LicenseInput{Product: w.suite})
		w.assign(to, licensing.LicenseInput{Product: w.suite})
		r, err := w.directory.ChangeGroupMembers(w.t.Context(), w.tenant, directory.ChangeMembersInput{
			Changes: []directory.MembersChange{{Group: from.ID, Remove: ids(anna)}, {Group: to.ID, Add: ids(anna)}},
		})
		w.ok(err)
		if !r.Changed || r.Impact.UsersLosing != 0 || r.Impact.UsersGaining != 0 || r.Impact.UsersInError != 0 || !w.holds(anna, w.suite) {
			w.t.Errorf("moved with impact %+v", r.Impact)
		}
		w.same("members", w.members(to, directory.MemberQuery{}, 1), []string{"Anna"})
		w.sound()
	})
}

func TestR23AnIdBothAddedAndRemovedIsRefusedAndAGroupNamedTwiceCountsOnce(t *testing.T) {
	each(t, func(w *world) {
		anna, ben := w.user("Anna"), w.user("Ben")
		g := w.group("Sales")
		change := func(changes ...directory.MembersChange) (*directory.MembersResult, error) {
			return w.directory.ChangeGroupMembers(w.t.Context(), w.tenant, directory.ChangeMembersInput{Changes: changes})
		}
		w.silent(func() {
			_, err := change(directory.MembersChange{Group: g.ID, Add: ids(anna, ben), Remove: ids(ben)})
			w.refused(err, fault.DuplicateValue, "changes.0.remove.0")
			_, err = change(directory.MembersChange{Group: g.ID, Remove: ids(anna)}, directory.MembersChange{Group: g.ID, Add: ids(anna)})
			w.refused(err, fault.DuplicateValue, "changes.1.add.0")
		})
		r, err := change(directory.MembersChange{Group: g.ID, Add: ids(anna)}, directory.MembersChange{Group: g.ID, Add: ids(ben, anna)})
		w.ok(err)
		w.same("results", outcomes(r.Results), []string{"changed", "changed"})
		if len(r.Groups) != 1 {
			w.t.Errorf("%d groups, want 1", len(r.Groups))
		}
	})
}

func TestR12MembersWithoutASeatAreInTheGroupAllTheSame(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 1)
		g := w.group("Sales")
		w.assign(g, licensing.LicenseInput{Product: w.suite})
		r := w.add(g, w.user("Anna"), w.user("Ben"))
		w.same("results", outcomes(r.Results), []string{"changed", "changed"})
		if r.Impact.UsersGaining != 1 || r.Impact.UsersInError != 1 {
			w.t.Errorf("the impact is %+v", r.Impact)
		}
		w.same("members", w.members(g, directory.MemberQuery{}, 2), []string{"Anna", "Ben"})
		w.sound()
	})
}

func TestR26ADryRunOfMembersTellsTheSameAndStoresNothing(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 5)
		anna := w.user("Anna")
		g := w.group("Sales")
		w.assign(g, licensing.LicenseInput{Product: w.suite})
		w.silent(func() {
			r, err := w.directory.AddGroupMembers(w.t.Context(), w.tenant, directory.MembersInput{Group: g.ID, MemberIDs: append(ids(anna), "x"), DryRun: true})
			w.ok(err)
			w.same("results", outcomes(r.Results), []string{"changed", "INVALID_ID memberIds.1"})
			if !r.Changed || !r.DryRun || r.Impact.UsersGaining != 1 {
				w.t.Errorf("result %+v, impact %+v", r, r.Impact)
			}
		})
		w.same("members", w.members(g, directory.MemberQuery{}, 0), []string{})
	})
}

func TestChangingMembersTakesAConstantNumberOfStatementsAndTouchesNeitherGroupNorGraph(t *testing.T) {
	each(t, func(w *world) {
		g := w.group("Sales")
		var users []any
		for i := range 40 {
			users = append(users, w.user(fmt.Sprintf("User %d", i)))
		}
		w.ok(w.warm())
		revision := w.revision()
		count := func(members ...any) int {
			w.ran.Reset()
			if r := w.add(g, members...); !r.Changed {
				w.t.Error("nothing changed")
			}
			return w.ran.Count()
		}
		one, many := count(users[0]), count(users[1:]...)
		if one != many {
			w.t.Errorf("%d statements for one member, %d for 39", one, many)
		}
		after, err := w.directory.Group(w.t.Context(), w.tenant, g.ID)
		w.ok(err)
		if after.Version != g.Version || after.UpdatedAt != g.UpdatedAt || w.revision() != revision {
			w.t.Errorf("the group's version is %d, was %d; the graph's revision %d, was %d", after.Version, g.Version, w.revision(), revision)
		}
	})
}

func TestNestingRaisesTheVersionsOfBothGroups(t *testing.T) {
	each(t, func(w *world) {
		outer, inner := w.group("Outer"), w.group("Inner")
		w.add(outer, inner)
		groups, err := w.directory.Groups(w.t.Context(), w.tenant, []uuid.UUID{outer.ID, inner.ID})
		w.ok(err)
		if groups[0].Version != 2 || groups[1].Version != 2 {
			w.t.Errorf("versions %d and %d, want 2", groups[0].Version, groups[1].Version)
		}
	})
}

func TestR28ChangesOfMembersAreAuditedMemberByMember(t *testing.T) {
	each(t, func(w *world) {
		anna, ben := w.user("Anna"), w.user("Ben")
		from, to := w.group("From", anna), w.group("To")
		_, e := w.events() // of To
		if e.Action != audit.GroupCreate || e.Subjects[0].Name != "To" || *e.Fields[0].After != "To" {
			w.t.Errorf("creation: %+v", e)
		}
		_, err := w.directory.ChangeGroupMembers(w.t.Context(), w.tenant, directory.ChangeMembersInput{
			Changes: []directory.MembersChange{{Group: to.ID, Add: ids(anna, ben, "x")}, {Group: from.ID, Remove: ids(anna)}},
		})
		w.ok(err)
		_, e = w.events()
		var subjects, fields []string
		for _, s := range e.Subjects {
			subjects = append(subjects, s.Name)
		}
		for _, f := range e.Fields {
			text := f.Field + ": "
			if f.Before != nil {
				text += "-" + *f.Before
			}
			if f.After != nil {
				text += "+" + *f.After
			}
			fields = append(fields, text)
		}
		w.same("subjects", subjects, []string{"To", "From", "Anna", "Ben"})
		w.same("fields", fields, []string{
			"members of " + to.NodeID() + ": +Anna (" + anna.NodeID() + ")", "members of " + to.NodeID() + ": +Ben (" + ben.NodeID() + ")",
			"members of " + from.NodeID() + ": -Anna (" + anna.NodeID() + ")",
		})
		if e.Action != audit.GroupMembersChange || e.Summary != "Added 2 members and removed 1 in 2 groups." {
			w.t.Errorf("%s: %s", e.Action, e.Summary)
		}
	})
}

func TestR25AnAtomicChangeOfMembersIsDoneWholeOrNotAtAll(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 1)
		anna, ben := w.user("Anna"), w.user("Ben")
		inner := w.group("Inner")
		g := w.group("Sales", ben)
		w.assign(g, licensing.LicenseInput{Product: w.suite})
		w.add(inner, g)
		w.silent(func() {
			for _, dryRun := range []bool{true, false} {
				r, err := w.directory.AddGroupMembers(w.t.Context(), w.tenant, directory.MembersInput{
					Group: g.ID, MemberIDs: ids(anna, ben, "nonsense", inner), Atomic: true, DryRun: dryRun,
				})
				w.ok(err)
				w.same("results", outcomes(r.Results), []string{
					"NOT_APPLIED memberIds.0", "NOT_APPLIED memberIds.1", "INVALID_ID memberIds.2", "GROUP_CYCLE memberIds.3",
				})
				if r.Changed || r.Impact.UsersGaining+r.Impact.UsersInError != 0 || r.Results[0].Errors[0].Remediation == "" {
					w.t.Errorf("changed %v, impact %+v", r.Changed, r.Impact)
				}
			}
			r, err := w.directory.ChangeGroupMembers(w.t.Context(), w.tenant, directory.ChangeMembersInput{
				Changes: []directory.MembersChange{{Group: g.ID, Remove: ids(ben)}, {Group: inner.ID, Add: ids("nonsense")}}, Atomic: true,
			})
			w.ok(err)
			w.same("results of several groups", outcomes(r.Results), []string{"NOT_APPLIED changes.0.remove.0", "INVALID_ID changes.1.add.0"})
			r, err = w.directory.RemoveGroupMembers(w.t.Context(), w.tenant, directory.MembersInput{Group: g.ID, MemberIDs: ids(ben, "nonsense"), Atomic: true})
			w.ok(err)
			w.same("results of a removal", outcomes(r.Results), []string{"NOT_APPLIED memberIds.0", "INVALID_ID memberIds.1"})
		})
		w.same("members", w.members(g, directory.MemberQuery{}, 1), []string{"Ben"})
		// A member who gets no seat is in error, which fails nothing.
		r, err := w.directory.AddGroupMembers(w.t.Context(), w.tenant, directory.MembersInput{Group: g.ID, MemberIDs: ids(anna), Atomic: true})
		w.ok(err)
		w.same("results without a seat", outcomes(r.Results), []string{"changed"})
		if r.Impact.UsersInError != 1 {
			w.t.Errorf("impact %+v", r.Impact)
		}
		w.sound()
	})
}
