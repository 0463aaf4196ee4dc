package whatif

import (
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// use is a fact that a change is about, with its place in the input. Changes are planned each
// against the state before, so two of them must not be about the same fact.
type use struct {
	fact fact
	path []any
}

// fact tells facts apart: the own fields of a user, group or subscription, a membership or nesting,
// the own assignments of a principal.
type fact struct {
	kind  aspect
	of    uuid.UUID
	other uuid.UUID // of a membership or nesting: the member
}

type aspect byte

const (
	fields      aspect = iota // of a user, a group or a subscription
	existence                 // a user or group that is deleted or restored: nothing else may be about it
	membership                // or nesting
	assignments               // of a principal
)

// uses yields what a change is about. A membership is about its group and its member too.
func (c Change) uses() []use {
	switch {
	case c.AssignLicenses != nil:
		all := make([]use, len(c.AssignLicenses.Principals))
		for i, p := range c.AssignLicenses.Principals {
			all[i] = use{fact{kind: assignments, of: p.ID}, []any{"principalIds", i}}
		}
		return all
	case c.UpdateUser != nil:
		return one(fields, c.UpdateUser.ID)
	case c.DeleteUser != nil:
		return one(existence, c.DeleteUser.ID)
	case c.RestoreUser != nil:
		return one(existence, c.RestoreUser.ID)
	case c.CreateGroup != nil:
		return members(nil, uuid.Nil, c.CreateGroup.MemberIDs, "memberIds")
	case c.UpdateGroup != nil:
		return one(fields, c.UpdateGroup.ID)
	case c.DeleteGroup != nil:
		return one(existence, c.DeleteGroup.ID)
	case c.AddGroupMembers != nil:
		return members([]any{"groupId"}, c.AddGroupMembers.Group, c.AddGroupMembers.MemberIDs, "memberIds")
	case c.RemoveGroupMembers != nil:
		return members([]any{"groupId"}, c.RemoveGroupMembers.Group, c.RemoveGroupMembers.MemberIDs, "memberIds")
	case c.ChangeGroupMembers != nil:
		var all []use
		for i, g := range c.ChangeGroupMembers.Changes {
			all = append(all, members([]any{"changes", i, "groupId"}, g.Group, g.Add, "changes", i, "add")...)
			all = append(all, members(nil, g.Group, g.Remove, "changes", i, "remove")...)
		}
		return all
	case c.UpdateSubscription != nil:
		return one(fields, c.UpdateSubscription.ID)
	case c.CancelSubscription != nil:
		return one(fields, c.CancelSubscription.ID)
	}
	return nil
}

func one(kind aspect, of uuid.UUID) []use { return []use{{fact{kind: kind, of: of}, []any{"id"}}} }

// members are memberships of a group, and the group where its path is given. Ids that are malformed
// are refused elsewhere.
func members(groupPath []any, group uuid.UUID, ids []string, path ...any) []use {
	var all []use
	if groupPath != nil {
		all = append(all, use{fact{kind: membership, of: group}, groupPath})
	}
	for i, text := range ids {
		kind, key, err := id.ParseAny(text)
		if err == nil && (kind == id.User || kind == id.Group) {
			all = append(all, use{fact{kind: membership, of: group, other: key}, append(append([]any{}, path...), i)})
		}
	}
	return all
}

// conflicts tells which changes are about the same fact as an earlier one, or about a user or group
// that another one deletes or restores. The later one of two bears the error.
func conflicts(changes []Change) []*fault.Error {
	if len(changes) < 2 {
		return nil
	}
	seen := map[fact]int{}       // the first change that is about it
	who := map[uuid.UUID][]int{} // the changes that are about a user or group, or its members
	gone := map[uuid.UUID]int{}  // the change that deletes or restores
	var wrong []*fault.Error
	refuse := func(i, earlier int, u use) {
		path := append([]any{"changes", i, changes[i].Kind()}, u.path...)
		wrong = append(wrong, fault.New(fault.DuplicateValue, "The change at index %d is about the same thing already: changes are judged together, so none comes after another.", earlier).
			Fix("Put both into one change, or apply them one after the other.").At(path...))
	}
	products := make([]map[uuid.UUID]bool, len(changes))
	for i, c := range changes {
		products[i] = c.products()
		refused := false // one error for each change
		for _, u := range c.uses() {
			if refused {
				break
			}
			meet := func(earlier int) {
				if earlier != i && !refused {
					refused = true
					refuse(i, earlier, u)
				}
			}
			about := []uuid.UUID{u.fact.of}
			if u.fact.other != uuid.Nil {
				about = append(about, u.fact.other)
			}
			for _, key := range about {
				if at, ok := gone[key]; ok && key != uuid.Nil {
					meet(at)
				}
				if u.fact.kind == existence && len(who[key]) > 0 {
					meet(who[key][0])
				}
				if n := len(who[key]); n == 0 || who[key][n-1] != i {
					who[key] = append(who[key], i)
				}
			}
			switch u.fact.kind {
			case existence:
				gone[u.fact.of] = i
			case assignments:
				for _, at := range who[u.fact.of] {
					if at != i && overlap(products[at], products[i]) {
						meet(at)
					}
				}
			case membership:
				if u.fact.other == uuid.Nil || u.fact.of == uuid.Nil { // of a group that is created, or the group itself
					continue
				}
				fallthrough
			default:
				if at, ok := seen[u.fact]; ok {
					meet(at)
				} else {
					seen[u.fact] = i
				}
			}
		}
	}
	return wrong
}

// products are those whose assignments a change is about; those of uuid.Nil are all.
func (c Change) products() map[uuid.UUID]bool {
	if c.AssignLicenses == nil {
		return nil
	}
	all := map[uuid.UUID]bool{}
	if c.AssignLicenses.Mode == licensing.AssignReplace {
		all[uuid.Nil] = true
	}
	for _, l := range c.AssignLicenses.Add {
		all[l.Product] = true
		if l.Replaces != nil {
			all[*l.Replaces] = true
		}
	}
	for _, p := range c.AssignLicenses.Remove {
		all[p] = true
	}
	return all
}

func overlap(a, b map[uuid.UUID]bool) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	if a[uuid.Nil] || b[uuid.Nil] {
		return true
	}
	for p := range a {
		if b[p] {
			return true
		}
	}
	return false
}
