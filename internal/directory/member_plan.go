package directory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// groupMembers is what an input asks for of one group, with the paths of its parts.
type groupMembers struct {
	group               uuid.UUID
	part                int // which of several changes asks for it
	path                []any
	created             *principal.Group // where the change itself creates the group
	add, remove         []string
	addPath, removePath []any
}

// memberChange is a change of members at work.
type memberChange struct {
	groups  []uuid.UUID // once each, in the order of the input
	paths   map[uuid.UUID][]any
	created *principal.Group
	moves   []*move // once each, in the order of the input
	results []*MemberResult
	names   map[uuid.UUID]string // of members that are there
	nested  *tenantgraph.Edit    // the nestings as decided so far
}

// move adds one member to one group or removes it.
type move struct {
	group  uuid.UUID
	kind   id.Kind // "" where the id is malformed
	member uuid.UUID
	remove bool
	part   int // which of several changes asks for it
	path   []any
	result *MemberResult
}

// moveKey tells moves apart, whatever their direction.
type moveKey struct {
	group  uuid.UUID
	kind   id.Kind
	member uuid.UUID
	text   string // of a malformed id
}

// parseMembers reads the ids of an input, without asking the database. A member that is
// wrong bears its error from here on.
//
// Errors: TOO_MANY; DUPLICATE_VALUE.
func parseMembers(changes ...*groupMembers) (*memberChange, error) {
	m := &memberChange{paths: map[uuid.UUID][]any{}, names: map[uuid.UUID]string{}}
	seen := map[moveKey]*move{}
	for _, c := range changes {
		if _, ok := m.paths[c.group]; !ok {
			m.groups = append(m.groups, c.group)
			m.paths[c.group] = c.path
		}
		if c.created != nil {
			m.created = c.created
		}
		if err := m.parse(c, c.add, c.addPath, false, seen); err != nil {
			return nil, err
		}
		if err := m.parse(c, c.remove, c.removePath, true, seen); err != nil {
			return nil, err
		}
	}
	if n := len(m.groups); n > MaxMembersGroups {
		return nil, fault.New(fault.TooMany, "%d groups are too many for one call.", n).Fix("Change at most %d.", MaxMembersGroups).At("changes")
	}
	if n := len(m.moves); n > MaxMembers {
		list := changes[0].addPath // the one list of members there is, or the list of changes
		if len(list) == 0 {
			list = changes[0].removePath
		}
		return nil, fault.New(fault.TooMany, "%d members are too many for one call.", n).Fix("Change at most %d.", MaxMembers).At(list[0])
	}
	return m, nil
}

func (m *memberChange) parse(c *groupMembers, ids []string, path []any, remove bool, seen map[moveKey]*move) error {
	for i, text := range ids {
		mv := &move{group: c.group, remove: remove, part: c.part, path: slices.Concat(path, []any{i}), result: &MemberResult{GroupID: c.group, MemberID: text}}
		kind, member, err := id.ParseAny(text)
		switch {
		case err != nil:
			mv.fail(fault.Wrap(err, fault.InvalidID, "%s is not an id.", fault.Quote(text)).Fix(memberForms))
		case kind != id.User && kind != id.Group:
			mv.fail(fault.New(fault.InvalidID, "%s is the id of a %s, but members are users and groups.", fault.Quote(text), kind).Fix(memberForms))
		default:
			mv.kind, mv.member = kind, member
		}
		key := moveKey{group: c.group, kind: mv.kind, member: mv.member}
		if mv.kind == "" {
			key.text = text
		}
		if earlier := seen[key]; earlier == nil {
			seen[key] = mv
			m.moves = append(m.moves, mv)
			m.results = append(m.results, mv.result)
		} else if earlier.remove != remove { // R23
			return fault.New(fault.DuplicateValue, "%s is both added to and removed from the same group.", fault.Quote(text)).
				Fix("Leave it out of one of the two lists.").At(mv.path...)
		}
	}
	return nil
}

const memberForms = "Give ids of users (user_…) and groups (group_…)."

func (mv *move) fail(e *fault.Error) { mv.result.Errors = append(mv.result.Errors, e.At(mv.path...)) }

// plan decides what becomes of each member: who goes, then who comes, so that one call can
// turn a nesting round. It takes one statement, whatever the number of members.
//
// Errors: NOT_FOUND for a group.
func (m *memberChange) plan(ctx context.Context, d *licensing.Draft) error {
	for _, g := range m.groups {
		if d.Graph.Group(g) == nil && (m.created == nil || m.created.ID != g) {
			return unknownGroup(g).At(m.paths[g]...)
		}
	}
	isMember, err := m.load(ctx, d)
	if err != nil {
		return err
	}
	m.nested = d.Graph.Edit()
	for _, mv := range ordered(m.moves) {
		if mv.kind == "" {
			continue
		}
		if _, ok := m.names[mv.member]; !ok {
			mv.fail(fault.New(fault.NotFound, "There is no %s %s.", mv.kind, mv.result.MemberID))
			continue
		}
		if mv.kind == id.User {
			mv.result.Changed = mv.remove == isMember[[2]uuid.UUID{mv.group, mv.member}]
		} else {
			m.nesting(mv, d)
		}
	}
	return nil
}

// failed tells whether something is wrong with any member.
func (m *memberChange) failed() bool {
	return slices.ContainsFunc(m.results, func(r *MemberResult) bool { return len(r.Errors) > 0 })
}

// excuse tells of the members of an atomic call that nothing was done to them because of
// others.
func (m *memberChange) excuse() {
	for _, mv := range m.moves {
		if mv.result.Changed = false; len(mv.result.Errors) == 0 {
			mv.fail(licensing.NotAppliedForOthers())
		}
	}
}

// draft hands what was decided to the change.
func (m *memberChange) draft(d *licensing.Draft) {
	for _, mv := range m.changed() {
		switch {
		case mv.kind == id.User && mv.remove:
			d.RemoveMember(mv.group, mv.member)
		case mv.kind == id.User:
			d.AddMember(mv.group, mv.member)
		case mv.remove:
			d.Unnest(mv.group, mv.member)
		default:
			d.Nest(mv.group, mv.member)
		}
	}
}

// ordered puts removals before additions and, because of two nestings that close a cycle
// together only one can be, all by id: the order of the input never matters (R24).
func ordered(moves []*move) []*move {
	moves = slices.Clone(moves)
	slices.SortStableFunc(moves, func(a, b *move) int {
		if a.remove != b.remove {
			if a.remove {
				return -1
			}
			return 1
		}
		return cmp.Or(bytes.Compare(a.group[:], b.group[:]), bytes.Compare(a.member[:], b.member[:]))
	})
	return moves
}

func (m *memberChange) nesting(mv *move, d *licensing.Draft) {
	switch nested := d.Graph.Nested(mv.group, mv.member); {
	case mv.remove && nested:
		m.nested.Unnest(mv.group, mv.member)
		mv.result.Changed = true
	case !mv.remove && !nested:
		if path := m.nested.Path(mv.member, mv.group); path != nil { // R20
			mv.fail(m.cycle(mv, path, d))
			return
		}
		m.nested.Nest(tenantgraph.Nesting{Parent: mv.group, Child: mv.member, Since: d.Now})
		mv.result.Changed = true
	}
}

// cycle is the refusal of a nesting that would close a chain of groups.
func (m *memberChange) cycle(mv *move, down []*principal.Group, d *licensing.Draft) *fault.Error {
	chain := append([]*principal.Group{m.group(mv.group, d)}, down...)
	names := make([]string, len(chain))
	for i, g := range chain {
		names[i] = fault.Quote(g.DisplayName)
	}
	if n := len(names); n > 2*namesShown {
		names = slices.Concat(names[:namesShown], []string{"…"}, names[n-namesShown:])
	}
	return fault.New(fault.GroupCycle, "The group would become a member of itself: %s.", strings.Join(names, " → ")).
		Fix("Take one of these groups out of the one before it first.").With(&licensing.CycleDetails{Path: chain})
}

func (m *memberChange) group(key uuid.UUID, d *licensing.Draft) *principal.Group {
	if m.created != nil && m.created.ID == key {
		return m.created
	}
	return d.Graph.Group(key)
}

// load reads the names of the members that are there, and who of them is a direct member of
// which of the groups.
func (m *memberChange) load(ctx context.Context, d *licensing.Draft) (map[[2]uuid.UUID]bool, error) {
	var groups, users []uuid.UUID // pairs
	for _, mv := range m.moves {
		switch mv.kind {
		case id.User:
			groups, users = append(groups, mv.group), append(users, mv.member)
		case id.Group:
			if g := d.Graph.Group(mv.member); g != nil {
				m.names[mv.member] = g.DisplayName
			}
		}
	}
	isMember := map[[2]uuid.UUID]bool{}
	if len(users) == 0 {
		return isMember, nil
	}
	q := d.Tx.Dialect()
	pair := q.Unnest("p", 2, database.Column{Name: "group_id", Type: database.UUID}, database.Column{Name: "user_id", Type: database.UUID})
	err := database.Each(ctx, d.Tx, func(scan func(...any) error) error {
		var user uuid.UUID
		var name string
		var group uuid.NullUUID
		err := scan(&user, &name, &group)
		m.names[user] = name
		if group.Valid {
			isMember[[2]uuid.UUID{group.UUID, user}] = true
		}
		return err
	}, `SELECT u.id, u.display_name, m.group_id FROM `+pair+` JOIN users u ON u.tenant_id = $1 AND u.id = p.user_id AND u.deleted_at IS NULL
		LEFT JOIN memberships m ON m.tenant_id = $1 AND m.group_id = p.group_id AND m.user_id = p.user_id`,
		append([]any{d.Tenant}, q.UnnestArgs(database.Kept(q, groups), database.Kept(q, users))...)...)
	if err != nil {
		return nil, fmt.Errorf("read the members: %w", err)
	}
	return isMember, nil
}

// changed returns the moves that change something, in the order of the input.
func (m *memberChange) changed() []*move {
	var moves []*move
	for _, mv := range m.moves {
		if mv.result.Changed {
			moves = append(moves, mv)
		}
	}
	return moves
}

// record puts the groups that exist already, and the members that come or go, into the audit
// event (R28).
func (m *memberChange) record(d *licensing.Draft) {
	moves := m.changed()
	named := map[uuid.UUID]bool{}
	for _, mv := range moves {
		if g := d.Graph.Group(mv.group); g != nil && !named[g.ID] {
			named[g.ID] = true
			d.Subject(id.Group, g.ID, g.DisplayName)
		}
	}
	for _, mv := range moves {
		if !named[mv.member] {
			named[mv.member] = true
			d.Subject(mv.kind, mv.member, m.names[mv.member])
		}
		recordMember(d, mv.group, mv.kind, mv.member, m.names[mv.member], !mv.remove)
	}
}

// recordMember puts a membership that begins or ends into the audit event.
func recordMember(d *licensing.Draft, group uuid.UUID, kind id.Kind, member uuid.UUID, name string, begins bool) {
	field, text := "members of "+id.Format(id.Group, group), name+" ("+id.Format(kind, member)+")"
	if begins {
		d.Field(field, nil, &text)
	} else {
		d.Field(field, &text, nil)
	}
}

// summary says what a change of members alone does.
func (m *memberChange) summary(d *licensing.Draft) string {
	added, removed := 0, 0
	groups := map[uuid.UUID]bool{}
	for _, mv := range m.changed() {
		groups[mv.group] = true
		if mv.remove {
			removed++
		} else {
			added++
		}
	}
	where := plural(len(groups), "group")
	if len(groups) == 1 {
		for key := range groups {
			where = "the group " + fault.Quote(d.Graph.Group(key).DisplayName)
		}
	}
	switch {
	case removed == 0:
		return "Added " + plural(added, "member") + " to " + where + "."
	case added == 0:
		return "Removed " + plural(removed, "member") + " from " + where + "."
	}
	return "Added " + plural(added, "member") + " and removed " + strconv.Itoa(removed) + " in " + where + "."
}
