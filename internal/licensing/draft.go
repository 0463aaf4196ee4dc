package licensing

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/principal"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// Draft is a change being planned: an overlay over the state before. Its methods record what
// is to be true; nothing is written until the engine has judged the whole. Whoever plans has
// checked that what a method names exists, or does not, as the method says.
type Draft struct {
	Tx     *database.Tx
	Tenant uuid.UUID
	Now    clock.Instant
	Graph  *tenantgraph.Graph // before the change

	newID   id.Source
	head    audit.Head // of the tenant's audit log, before the change
	edit    *tenantgraph.Edit
	users   map[uuid.UUID]*userDraft
	touched map[uuid.UUID]bool // groups whose version rises
	writes  []func(context.Context, *database.Tx) error
	event   audit.Event
	changed bool
	forced  bool               // Touch
	adds    map[uuid.UUID]bool // products that the call asks to add (R27)
	losses  func(users int) *fault.Error

	// Of a draft on which several changes are planned (R30).
	asked bool                        // one of them set adds
	part  int                         // which one is being planned
	parts map[int][]any               // the path of each in the input; nil otherwise
	from  []*tenantgraph.Subscription // the form of each changed one that its seats are compared with (R15)
}

// userDraft is what a change does to one user.
type userDraft struct {
	before, after *principal.User // before is nil for a created user; both nil if the user's own fields stay
	join, leave   map[uuid.UUID]bool
	direct        map[uuid.UUID]*directDraft // by product
	judged        bool                       // own assignments change: admitted whole or refused (R12)
	must          bool                       // a refusal refuses the whole change
}

// directDraft is a user's own assignment of one product before and after, and its place in
// the input.
type directDraft struct {
	before, after *tenantgraph.Assignment
	field         string
	at            int
	part          int // which of several changes it is of
}

// MakeID returns a new id.
func (d *Draft) MakeID() (uuid.UUID, error) { return d.newID() }

// Touch says that the change changes something, though no method below was called.
func (d *Draft) Touch() { d.changed, d.forced = true, true }

// Write adds a fact of the planner's own, written after all others, under the same commit.
func (d *Draft) Write(fn func(ctx context.Context, tx *database.Tx) error) {
	d.changed = true
	d.writes = append(d.writes, fn)
}

// AddMember makes a user a direct member of a group that the user is not a member of.
func (d *Draft) AddMember(group, user uuid.UUID) {
	u := d.user(user)
	if u.leave[group] {
		delete(u.leave, group)
		return
	}
	if u.join == nil {
		u.join = map[uuid.UUID]bool{}
	}
	u.join[group] = true
}

// RemoveMember ends a direct membership.
func (d *Draft) RemoveMember(group, user uuid.UUID) {
	u := d.user(user)
	if u.join[group] {
		delete(u.join, group)
		return
	}
	if u.leave == nil {
		u.leave = map[uuid.UUID]bool{}
	}
	u.leave[group] = true
}

// Nest makes a group a member of another; it is not one yet, and no cycle arises.
func (d *Draft) Nest(parent, child uuid.UUID) {
	d.edit.Nest(tenantgraph.Nesting{Parent: parent, Child: child, Since: d.Now})
	d.touch(parent, child)
}

// Unnest ends a nesting.
func (d *Draft) Unnest(parent, child uuid.UUID) {
	d.edit.Unnest(parent, child)
	d.touch(parent, child)
}

// CreateGroup adds a group; it may be nested and get members in the same draft.
func (d *Draft) CreateGroup(g *principal.Group) {
	d.changed = true
	d.edit.PutGroup(g, textkey.Fold(g.DisplayName))
}

// UpdateGroup replaces a group's own fields; the caller has set UpdatedAt and Version.
func (d *Draft) UpdateGroup(g *principal.Group) {
	d.changed = true
	d.edit.PutGroup(g, textkey.Fold(g.DisplayName))
}

// DeleteGroup removes a group without assignments, with its memberships and nestings, and from the
// assignments that exclude it.
func (d *Draft) DeleteGroup(group uuid.UUID) {
	d.changed = true
	for _, n := range slices.Concat(d.Graph.Parents(group), d.Graph.Children(group)) {
		d.touch(n.Parent, n.Child)
	}
	d.edit.DropGroup(group)
	delete(d.touched, group)
}

// forgetDropped takes groups that go out of the assignments that exclude them, once all is planned.
func (d *Draft) forgetDropped() {
	for group, g := range d.edit.Changes().Groups {
		if g == nil {
			d.excludeNoLonger(group)
		}
	}
}

// excludeNoLonger takes a group that goes out of the assignments that exclude it: who was its
// member is excluded by it no longer (R1, R20).
func (d *Draft) excludeNoLonger(group uuid.UUID) {
	for key, a := range d.edit.Changes().Assignments {
		if a != nil && d.Graph.Assignment(key) == nil && slices.Contains(a.ExcludedGroups, group) { // a new one
			a.ExcludedGroups = slices.DeleteFunc(slices.Clone(a.ExcludedGroups), func(x uuid.UUID) bool { return x == group })
			d.edit.PutAssignment(a)
		}
	}
	for _, b := range d.Graph.Assignments() {
		a := b.Assignment
		if edited, ok := d.edit.Changes().Assignments[b.ID]; ok {
			a = edited
		}
		if a == nil || !slices.Contains(a.ExcludedGroups, group) {
			continue
		}
		after := *a
		after.ExcludedGroups = slices.DeleteFunc(slices.Clone(a.ExcludedGroups), func(x uuid.UUID) bool { return x == group })
		after.UpdatedAt, after.Version = d.Now, b.Version+1
		d.edit.PutAssignment(&after)
		d.touch(a.GroupID)
	}
}

// CreateUser adds a user.
func (d *Draft) CreateUser(u *principal.User) { d.user(u.ID).after = u }

// UpdateUser replaces a user's own fields; the caller has set UpdatedAt and Version.
func (d *Draft) UpdateUser(before, after *principal.User) {
	u := d.user(before.ID)
	u.before, u.after = before, after
}

// DeleteUser deletes a user softly (R19), and returns the user as deleted.
func (d *Draft) DeleteUser(before *principal.User) *principal.User {
	after := *before
	after.DeletedAt, after.UpdatedAt, after.Version = &d.Now, d.Now, before.Version+1
	d.UpdateUser(before, &after)
	return &after
}

// RestoreUser takes a deleted user back (R19), and returns the user as restored.
func (d *Draft) RestoreUser(before *principal.User) *principal.User {
	after := *before
	after.DeletedAt, after.RestoredAt, after.UpdatedAt, after.Version = nil, &d.Now, d.Now, before.Version+1
	d.UpdateUser(before, &after)
	return &after
}

// AskAboutLosses makes any loss need an acknowledgement, whatever the tenant's threshold;
// words makes the refusal for a number of users who lose a product.
func (d *Draft) AskAboutLosses(words func(users int) *fault.Error) { d.losses = words }

// abandon forgets everything that was drafted.
func (d *Draft) abandon() {
	d.edit, d.users, d.touched, d.writes = d.Graph.Edit(), map[uuid.UUID]*userDraft{}, map[uuid.UUID]bool{}, nil
	d.event, d.changed, d.forced = audit.Event{}, false, false
}

// SetTenant replaces the tenant's country and terms.
func (d *Draft) SetTenant(country string, terms tenantgraph.Terms) {
	d.changed = true
	d.edit.SetTenant(country, terms)
}

// Subject names something that the change is made to, for the audit event.
func (d *Draft) Subject(kind id.Kind, key uuid.UUID, name string) {
	d.event.Subjects = append(d.event.Subjects, audit.Subject{ID: id.Format(kind, key), Name: name})
}

// Field records a fact before and after, for the audit event.
func (d *Draft) Field(field string, before, after *string) {
	d.event.Fields = append(d.event.Fields, audit.FieldChange{Field: field, Before: before, After: after})
}

// FieldOf records a fact of what the change is about before and after. In the event of several changes
// it says whose it is.
func (d *Draft) FieldOf(kind id.Kind, key uuid.UUID, field string, before, after *string) {
	if d.parts != nil {
		field = audit.FieldOf(field, id.Format(kind, key))
	}
	d.Field(field, before, after)
}

// Cause says which event brought the change about, for the audit event; nil: that of the context.
func (d *Draft) Cause(event *uuid.UUID) { d.event.CauseID = event }

// Summary says in one sentence what the change is, for the audit event.
func (d *Draft) Summary(text string) { d.event.Summary = text }

func (d *Draft) user(key uuid.UUID) *userDraft {
	d.changed = true
	u := d.users[key]
	if u == nil {
		u = &userDraft{}
		d.users[key] = u
	}
	return u
}

func (d *Draft) touch(groups ...uuid.UUID) {
	d.changed = true
	for _, g := range groups {
		d.touched[g] = true
	}
}

// UserNamed returns the undeleted user to whom the draft gives a principal name, nil where it
// gives it to nobody.
func (d *Draft) UserNamed(name string) *principal.User {
	key := textkey.Fold(name)
	for _, u := range d.users {
		if u.after != nil && u.after.DeletedAt == nil && textkey.Fold(u.after.UserPrincipalName) == key {
			return u.after
		}
	}
	return nil
}
