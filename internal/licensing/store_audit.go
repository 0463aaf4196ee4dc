package licensing

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// event makes the event of a change (R28), the next one of the tenant's chain.
func (s *Service) event(ctx context.Context, d *Draft, out *Outcome, o Options) (*audit.Sealed, error) {
	e := d.event
	e.ID, e.OccurredAt, e.Actor = out.EventID, d.Now, audit.ActorFrom(ctx)
	if e.Action == "" { // only the plan of what is due knows it better
		e.Action = o.Action
	}
	if e.CauseID == nil {
		e.CauseID = audit.CauseFrom(ctx)
	}
	e.Fields = append(e.Fields, d.assignmentFields()...)
	for _, p := range out.Impact.Products {
		if p.UsersGaining+p.UsersLosing+p.UsersInError > 0 {
			e.Products = append(e.Products, audit.ProductImpact{
				ProductID: p.Product.NodeID(), ProductName: p.Product.DisplayName,
				UsersGaining: p.UsersGaining, UsersLosing: p.UsersLosing, UsersInError: p.UsersInError,
			})
		}
	}
	return audit.Seal(d.Tenant, d.head, &e)
}

// assignmentFields tells what each assignment was before and is after.
func (d *Draft) assignmentFields() []audit.FieldChange {
	var fields []audit.FieldChange
	add := func(kind id.Kind, principal, product uuid.UUID, before, after *tenantgraph.Assignment) {
		fields = append(fields, audit.FieldChange{
			Field:  d.Graph.Product(product).DisplayName + " of " + id.Format(kind, principal),
			Before: d.selectionText(before), After: d.selectionText(after), ProductID: d.Graph.Product(product).NodeID(),
		})
	}
	for user, u := range d.users {
		for product, dd := range u.direct {
			add(id.User, user, product, dd.before, dd.after)
		}
	}
	for key, after := range d.edit.Changes().Assignments {
		var before *tenantgraph.Assignment
		if b := d.Graph.Assignment(key); b != nil {
			before = b.Assignment
		}
		known := after
		if known == nil {
			known = before
		}
		add(id.Group, known.GroupID, known.ProductID, before, after)
	}
	slices.SortFunc(fields, func(a, b audit.FieldChange) int { return strings.Compare(a.Field, b.Field) })
	return fields
}

// selectionText words an assignment: its plan selection, and what else it says; nil where there is no assignment.
func (d *Draft) selectionText(a *tenantgraph.Assignment) *string {
	if a == nil {
		return nil
	}
	names := make([]string, 0, len(a.Selection.Plans))
	for _, p := range AssignmentOf(d.Graph, a).Selection.Plans() {
		names = append(names, p.DisplayName)
	}
	text := "all plans"
	switch {
	case a.Selection.Mode == tenantgraph.Except:
		text = "all plans except " + strings.Join(names, ", ")
	case a.Selection.Mode == tenantgraph.Only && len(names) == 0:
		text = "no plans"
	case a.Selection.Mode == tenantgraph.Only:
		text = "only " + strings.Join(names, ", ")
	}
	if !a.IncludeNested {
		text += "; first-level members only"
	}
	if a.Scheduled {
		text += "; starts " + a.StartsAt.String()
	}
	if a.EndsAt != nil {
		text += "; ends " + a.EndsAt.String()
	}
	if a.Priority != 0 {
		text += fmt.Sprintf("; priority %d", a.Priority)
	}
	if a.SeatLimit != nil {
		text += fmt.Sprintf("; at most %d users", *a.SeatLimit)
	}
	if a.SeatReserve > 0 {
		text += fmt.Sprintf("; keeps seats for %d users", a.SeatReserve)
	}
	if len(a.ExcludedGroups) > 0 {
		text += "; not for members of " + groupNames(AssignmentOf(d.Graph, a).ExcludedGroups)
	}
	return &text
}
