package licensing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// turnBatch is how many assignments of users one change ends and begins at most.
const turnBatch = 2000

// turnAssignments drafts the ends and the starts of assignments that are due at one instant, as one
// change: those of groups, and those of users up to the bound, in the order of the users' ids, with
// all that are due of a user. Where anything ends, the change is an end, with what begins beside it.
func turnAssignments(ctx context.Context, d *Draft, at clock.Instant) error {
	t := &turning{d: d}
	for _, b := range d.Graph.Assignments() {
		if due, is := nextTurn(b.Assignment); is && due == at {
			t.ofGroups = append(t.ofGroups, b.Assignment)
			t.count(b.Assignment)
		}
	}
	slices.SortFunc(t.ofGroups, func(a, b *tenantgraph.Assignment) int {
		return cmp.Or(compareUUIDs(a.GroupID, b.GroupID), compareUUIDs(a.ProductID, b.ProductID))
	})
	var err error
	if t.ofUsers, err = dueOfUsers(ctx, d, at); err != nil {
		return err
	}
	for _, a := range t.ofUsers {
		t.count(a)
	}
	if t.ends+t.starts == 0 { // another server was here first
		return nil
	}
	if t.ends > 0 {
		d.event.Action = audit.AssignmentEnd
	}
	if err := t.cause(ctx, slices.Concat(t.ofGroups, t.ofUsers)[0]); err != nil {
		return err
	}
	t.groups()
	if err := t.users(ctx); err != nil {
		return err
	}
	d.Summary(t.summary(at))
	return nil
}

// cause names the call that said last what an assignment is: of several assignments, that of the first.
func (t *turning) cause(ctx context.Context, a *tenantgraph.Assignment) error {
	node := id.Format(id.Group, a.GroupID)
	if a.Direct() {
		node = id.Format(id.User, a.UserID)
	}
	of := func(f audit.FieldChange) bool { // whatever the product was called then
		return strings.HasSuffix(f.Field, " of "+node) && f.ProductID == id.Format(id.Product, a.ProductID)
	}
	cause, err := audit.LastOf(ctx, t.d.Tx, t.d.Tenant, node, of, audit.LicensesAssign, audit.UserCreate, audit.PreviewApply)
	t.d.Cause(cause)
	return err
}

// nextTurn is what the clock does next to an assignment: it begins where it is scheduled, else it
// ends. is is false where nothing comes by itself.
func nextTurn(a *tenantgraph.Assignment) (at clock.Instant, is bool) {
	switch {
	case a.Scheduled:
		return *a.StartsAt, true
	case a.EndsAt != nil:
		return *a.EndsAt, true
	}
	return 0, false
}

// dueOfUsers reads the first of the users' assignments that are due at an instant. Of a user, all
// or none are among them.
func dueOfUsers(ctx context.Context, d *Draft, at clock.Instant) ([]*tenantgraph.Assignment, error) {
	const mine = ` AND x.tenant_id = $1 AND x.user_id IS NOT NULL`
	all, err := loadAssignments(ctx, d.Tx, fmt.Sprintf(`assignments WHERE tenant_id = $1 AND id IN (
		SELECT x.id FROM assignments x WHERE x.scheduled AND x.starts_at = $2`+mine+`
		UNION ALL SELECT x.id FROM assignments x WHERE x.ends_at IS NOT NULL AND x.ends_at = $2 AND NOT x.scheduled`+mine+`)
		ORDER BY user_id, product_id LIMIT %d`, turnBatch+1), d.Tenant, at)
	if err != nil {
		return nil, fmt.Errorf("find the assignments that are due: %w", err)
	}
	if len(all) <= turnBatch {
		return all, nil
	}
	n := turnBatch
	for n > 0 && all[n-1].UserID == all[turnBatch].UserID {
		n--
	}
	if n == 0 { // one user has more than the bound
		n = turnBatch
	}
	return all[:n], nil
}

// turning is a change by the clock at work on assignments.
type turning struct {
	d                 *Draft
	ofGroups, ofUsers []*tenantgraph.Assignment
	ends, starts      int
}

func (t *turning) count(a *tenantgraph.Assignment) {
	if a.Scheduled {
		t.starts++
	} else {
		t.ends++
	}
}

func (t *turning) groups() {
	named := map[uuid.UUID]bool{}
	for _, a := range t.ofGroups {
		if after := t.after(a); after != nil {
			t.d.edit.PutAssignment(after)
		} else {
			t.d.edit.DropAssignment(a.ID)
		}
		t.d.touch(a.GroupID)
		if !named[a.GroupID] {
			named[a.GroupID] = true
			t.d.Subject(id.Group, a.GroupID, t.d.Graph.Group(a.GroupID).DisplayName)
		}
	}
}

func (t *turning) users(ctx context.Context) error {
	var ids []uuid.UUID
	for _, a := range t.ofUsers {
		u := t.d.user(a.UserID)
		if u.direct == nil {
			u.direct = map[uuid.UUID]*directDraft{}
			ids = append(ids, a.UserID)
		}
		u.direct[a.ProductID] = &directDraft{before: a, after: t.after(a)}
	}
	if len(ids) == 0 {
		return nil
	}
	q := t.d.Tx.Dialect()
	err := database.Each(ctx, t.d.Tx, func(scan func(...any) error) error {
		var key uuid.UUID
		var name string
		if err := scan(&key, &name); err != nil {
			return err
		}
		t.d.Subject(id.User, key, name)
		return nil
	}, `SELECT id, display_name FROM users WHERE tenant_id = $1 AND `+q.In("id", 2)+` ORDER BY id`, t.d.Tenant, q.UUIDArray(ids))
	if err != nil {
		return fmt.Errorf("name the users whose assignments are due: %w", err)
	}
	return nil
}

// after is the assignment as the clock leaves it; nil where it ends.
func (t *turning) after(a *tenantgraph.Assignment) *tenantgraph.Assignment {
	if !a.Scheduled {
		return nil
	}
	begun := *a
	begun.Scheduled, begun.BeganAt, begun.UpdatedAt, begun.Version = false, &t.d.Now, t.d.Now, a.Version+1
	return &begun
}

// summary says in one sentence what the clock does.
func (t *turning) summary(at clock.Instant) string {
	if all := slices.Concat(t.ofGroups, t.ofUsers); len(all) == 1 {
		verb := "begins"
		if t.ends > 0 {
			verb = "ends"
		}
		return fmt.Sprintf("The assignment of %s to %s %s, due %s", t.d.Graph.Product(all[0].ProductID).DisplayName, t.d.event.Subjects[0].Name, verb, at)
	}
	switch {
	case t.starts == 0:
		return fmt.Sprintf("%d assignments end, due %s", t.ends, at)
	case t.ends == 0:
		return fmt.Sprintf("%d assignments begin, due %s", t.starts, at)
	}
	return fmt.Sprintf("Assignments end (%d) and begin (%d), due %s", t.ends, t.starts, at)
}
