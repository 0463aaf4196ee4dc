package oracle

import "maps"

// CreateUser makes a user, with direct licenses or none.
type CreateUser struct {
	User     ID
	Location string
	Licenses []Add
}

// Apply implements Operation. Licenses that are not admitted, all of them,
// refuse the user too (R12), with the codes of Assign; a known id is
// INVALID_VALUE.
func (op CreateUser) Apply(s *State, now int64) Outcome {
	if s.known(op.User) {
		return refuse(InvalidValue)
	}
	made := s.Clone()
	made.Users[op.User] = User{Location: op.Location}
	out := Assign{Principals: []ID{op.User}, Add: op.Licenses}.Apply(made, now)
	if out.Refusal != "" {
		return refuse(out.Refusal)
	}
	if code := out.Principals[op.User].Refusal; code != "" {
		return refuse(code)
	}
	*s = *made
	return Outcome{Changed: true}
}

// DeleteUser soft-deletes a user: the sources end, the rows go, memberships and
// assignments stay (R19).
type DeleteUser struct {
	User        ID
	Acknowledge *int
}

// Apply implements Operation. NOT_FOUND for an unknown user; deleting once more
// changes nothing.
func (op DeleteUser) Apply(s *State, now int64) Outcome {
	return s.setDeleted(op.User, true, op.Acknowledge, now)
}

// RestoreUser brings a soft-deleted user back: all sources are newcomers at
// this instant, and direct ones that fail are kept waiting (R12, R19).
type RestoreUser struct{ User ID }

// Apply implements Operation. NOT_FOUND for an unknown user; restoring one who
// is not deleted changes nothing.
func (op RestoreUser) Apply(s *State, now int64) Outcome {
	return s.setDeleted(op.User, false, nil, now)
}

func (s *State) setDeleted(user ID, deleted bool, acknowledge *int, now int64) Outcome {
	u, known := s.Users[user]
	if !known {
		return refuse(NotFound)
	}
	if u.Deleted == deleted {
		return Outcome{}
	}
	c := begin(s, now)
	u.Deleted, u.DeletedAt = deleted, 0
	if deleted {
		u.DeletedAt = now
	}
	c.after.Users[user] = u
	c.settle()
	return c.finish(s, acknowledge, false)
}

// MoveUser gives a user another location, or none where empty: barred plans are
// withheld and others heal (R11).
type MoveUser struct {
	User        ID
	Location    string
	Acknowledge *int
}

// Apply implements Operation. NOT_FOUND for an unknown or deleted user.
func (op MoveUser) Apply(s *State, now int64) Outcome {
	u, known := s.Users[op.User]
	if !known || u.Deleted {
		return refuse(NotFound)
	}
	if u.Location == op.Location {
		return Outcome{}
	}
	c := begin(s, now)
	u.Location = op.Location
	c.after.Users[op.User] = u
	c.settle()
	return c.finish(s, op.Acknowledge, false)
}

// UpdateTenant sets the tenant's country, which stands in for locations that
// users do not have (R11), and the threshold of losses (R27), which judges the
// changes after this one.
type UpdateTenant struct {
	Country       string
	LossThreshold int
	Acknowledge   *int
}

// Apply implements Operation.
func (op UpdateTenant) Apply(s *State, now int64) Outcome {
	if s.Country == op.Country && s.LossThreshold == op.LossThreshold {
		return Outcome{}
	}
	c := begin(s, now)
	c.after.Country, c.after.LossThreshold = op.Country, op.LossThreshold
	c.settle()
	return c.finish(s, op.Acknowledge, false)
}

// CreateGroup makes a group of users and groups. It has no assignments and is
// in no other group, so no license changes.
type CreateGroup struct {
	Group   ID
	Members []ID
}

// Apply implements Operation. A known id is INVALID_VALUE; an unknown or
// deleted member is NOT_FOUND for the whole call.
func (op CreateGroup) Apply(s *State, _ int64) Outcome {
	if s.known(op.Group) {
		return refuse(InvalidValue)
	}
	for _, member := range op.Members {
		if !s.present(member) {
			return refuse(NotFound)
		}
	}
	s.Groups[op.Group] = true
	for _, member := range op.Members {
		s.setMember(Member{op.Group, member}, true)
	}
	return Outcome{Changed: true}
}

// DeleteGroup removes a group with its memberships and its nestings, above and
// below, and from the assignments that exclude it (R20).
type DeleteGroup struct {
	Group       ID
	Acknowledge *int
}

// Apply implements Operation. NOT_FOUND for an unknown group, GROUP_HAS_LICENSES
// for one with assignments of its own, live or not.
func (op DeleteGroup) Apply(s *State, now int64) Outcome {
	if !s.Groups[op.Group] {
		return refuse(NotFound)
	}
	for key := range s.Assignments {
		if key.Principal == op.Group {
			return refuse(GroupHasLicenses)
		}
	}
	c := begin(s, now)
	delete(c.after.Groups, op.Group)
	for key, a := range c.after.Assignments {
		if a.Excludes[op.Group] {
			a.Excludes = maps.Clone(a.Excludes)
			delete(a.Excludes, op.Group)
			c.after.Assignments[key] = a
		}
	}
	maps.DeleteFunc(c.after.Memberships, func(m Membership, _ bool) bool { return m.Group == op.Group })
	maps.DeleteFunc(c.after.Nestings, func(n Nesting, _ bool) bool { return n.Parent == op.Group || n.Child == op.Group })
	c.settle()
	return c.finish(s, op.Acknowledge, false)
}

// ChangeMembers changes the members of several groups as one change (R23).
type ChangeMembers struct {
	Changes     []GroupChange
	Acknowledge *int
}

// GroupChange adds users and groups to a group and removes some. Entries of the
// same group are taken together.
type GroupChange struct {
	Group       ID
	Add, Remove []ID
}

// Apply implements Operation. The whole call is refused for an unknown group
// (NOT_FOUND) and for an id both added to and removed from the same group
// (INVALID_VALUE). A member fails alone: NOT_FOUND for an unknown or deleted
// one, GROUP_CYCLE for an added nesting that closes a cycle.
func (op ChangeMembers) Apply(s *State, now int64) Outcome {
	wanted := map[Member]bool{}
	for _, change := range op.Changes {
		if !s.Groups[change.Group] {
			return refuse(NotFound)
		}
		for _, member := range change.Add {
			wanted[Member{change.Group, member}] = true
		}
	}
	for _, change := range op.Changes {
		for _, member := range change.Remove {
			if wanted[Member{change.Group, member}] {
				return refuse(InvalidValue)
			}
		}
	}
	for _, change := range op.Changes {
		for _, member := range change.Remove {
			wanted[Member{change.Group, member}] = false
		}
	}

	c := begin(s, now)
	results := map[Member]Result{}
	for m, add := range wanted {
		if !s.present(m.Member) {
			results[m] = Result{Refusal: NotFound}
			continue
		}
		results[m] = Result{Changed: s.isMember(m) != add}
		c.after.setMember(m, add)
	}
	c.refuseCycles(results)
	outcome := Outcome{Changed: anyChanged(results), Members: results}
	if outcome.Changed {
		c.settle()
		if done := c.finish(s, op.Acknowledge, false); done.Refusal != "" {
			return done
		}
	}
	return outcome
}

// refuseCycles is R20's cycle in a call that is judged as a whole (R23): with
// everything removed and everything added, each new nesting that lies on a
// cycle is refused, whichever of them was named first. The graph was acyclic
// before, so none is left.
func (c *change) refuseCycles(results map[Member]Result) {
	var closing []Member
	for m, r := range results {
		if r.Changed && c.after.Nestings[Nesting{m.Group, m.Member}] && c.after.WouldCycle(m.Group, m.Member) {
			closing = append(closing, m)
		}
	}
	for _, m := range closing {
		results[m] = Result{Refusal: GroupCycle}
		c.after.setMember(m, false)
	}
}

func (s *State) isMember(m Member) bool {
	return s.Memberships[Membership{m.Group, m.Member}] || s.Nestings[Nesting{m.Group, m.Member}]
}

func (s *State) setMember(m Member, in bool) {
	switch {
	case s.Groups[m.Member] && in:
		s.Nestings[Nesting{m.Group, m.Member}] = true
	case s.Groups[m.Member]:
		delete(s.Nestings, Nesting{m.Group, m.Member})
	case in:
		s.Memberships[Membership{m.Group, m.Member}] = true
	default:
		delete(s.Memberships, Membership{m.Group, m.Member})
	}
}

// present reports whether an id is a group or a user who is not deleted: only
// these can be named as members or principals (R19).
func (s *State) present(id ID) bool {
	u, known := s.Users[id]
	return s.Groups[id] || (known && !u.Deleted)
}

func (s *State) known(id ID) bool {
	_, user := s.Users[id]
	return user || s.Groups[id]
}
