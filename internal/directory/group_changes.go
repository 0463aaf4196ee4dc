package directory

import (
	"context"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// CreateGroupInput is a new group.
type CreateGroupInput struct {
	DisplayName string // need not be unique
	Description *string
	ExternalID  *string
	MemberIDs   []string // TypeIDs of users and groups, at most MaxMembers
	DryRun      bool
}

// Validate checks each field on its own.
//
// Errors: INVALID_VALUE with the path of the field; all of them, joined.
func (in CreateGroupInput) Validate() error {
	var r refusals
	r.add("displayName", displayName(in.DisplayName))
	r.clearable("description", in.Description, optionalText("description", maxDescription))
	r.clearable("externalId", in.ExternalID, optionalText("externalId", maxText))
	return r.err()
}

// UpdateGroupInput changes a group's own fields: absent keeps, null clears (R24).
type UpdateGroupInput struct {
	ID              uuid.UUID
	DisplayName     optional.Optional[string] // null is REQUIRED
	Description     optional.Optional[string]
	ExternalID      optional.Optional[string]
	ExpectedVersion *int
	DryRun          bool
}

// Validate checks each field on its own.
//
// Errors: REQUIRED and INVALID_VALUE with the path of the field; all of them, joined.
func (in UpdateGroupInput) Validate() error {
	var r refusals
	r.value("displayName", in.DisplayName, displayName)
	r.clearable("description", in.Description.Value, optionalText("description", maxDescription))
	r.clearable("externalId", in.ExternalID.Value, optionalText("externalId", maxText))
	return r.err()
}

// DeleteGroupInput names a group to delete.
type DeleteGroupInput struct {
	ID              uuid.UUID
	ExpectedVersion *int
	DryRun          bool
	// AcknowledgeLosses is how many users the caller knows may lose a product (R27): members
	// who have it through groups that this one is in.
	AcknowledgeLosses *int
}

// GroupResult is what a change of a group did, or would do.
type GroupResult struct {
	*licensing.Outcome
	Group *principal.Group // as it stands; nil where it does not exist yet or any more
}

// CreateGroup creates a group with its first members, all or nothing.
//
// Errors: those of Validate; TOO_MANY; with paths from "memberIds", INVALID_ID and NOT_FOUND,
// all of them, joined.
func (s *Service) CreateGroup(ctx context.Context, tenant uuid.UUID, in CreateGroupInput) (*GroupResult, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	var key uuid.UUID
	out, err := s.licensing.Change(ctx, tenant, licensing.Options{Action: audit.GroupCreate, DryRun: in.DryRun},
		func(ctx context.Context, d *licensing.Draft) (err error) {
			key, err = in.create(ctx, d)
			return err
		})
	if err != nil {
		return nil, err
	}
	return s.groupResult(ctx, tenant, key, out)
}

// Plan records in a draft what CreateGroup does with an input that Validate accepts.
func (in CreateGroupInput) Plan(ctx context.Context, d *licensing.Draft) error {
	_, err := in.create(ctx, d)
	return err
}

func (in CreateGroupInput) create(ctx context.Context, d *licensing.Draft) (uuid.UUID, error) {
	key, err := d.MakeID()
	if err != nil {
		return key, fmt.Errorf("make an id: %w", err)
	}
	group := &principal.Group{
		ID: key, DisplayName: in.DisplayName, Description: in.Description, ExternalID: in.ExternalID,
		CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1,
	}
	d.CreateGroup(group)
	d.Subject(id.Group, key, group.DisplayName)
	recordFields(d, id.Group, group.ID, nil, groupFields(group))
	m, err := parseMembers(&groupMembers{group: key, created: group, add: in.MemberIDs, addPath: []any{"memberIds"}})
	if err != nil {
		return key, err
	}
	if err := m.plan(ctx, d); err != nil {
		return key, err
	}
	m.draft(d)
	var wrong refusals
	for _, r := range m.results {
		for _, e := range r.Errors {
			wrong = append(wrong, e)
		}
	}
	m.record(d)
	d.Summary("Created the group " + fault.Quote(group.DisplayName) + " with " + plural(len(m.changed()), "member") + ".")
	return key, wrong.err()
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// UpdateGroup changes a group's own fields.
//
// Errors: those of Validate; NOT_FOUND; VERSION_CONFLICT.
func (s *Service) UpdateGroup(ctx context.Context, tenant uuid.UUID, in UpdateGroupInput) (*GroupResult, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	out, err := s.licensing.Change(ctx, tenant, licensing.Options{Action: audit.GroupUpdate, DryRun: in.DryRun}, in.Plan)
	if err != nil {
		return nil, err
	}
	return s.groupResult(ctx, tenant, in.ID, out)
}

// Plan records in a draft what UpdateGroup does with an input that Validate accepts.
func (in UpdateGroupInput) Plan(_ context.Context, d *licensing.Draft) error {
	before, err := presentGroup(d, in.ID, in.ExpectedVersion)
	if err != nil {
		return err
	}
	after := *before
	after.DisplayName = *in.DisplayName.Or(&before.DisplayName)
	after.Description = in.Description.Or(before.Description)
	after.ExternalID = in.ExternalID.Or(before.ExternalID)
	if !recordFields(d, id.Group, after.ID, groupFields(before), groupFields(&after)) {
		return nil
	}
	after.UpdatedAt, after.Version = d.Now, before.Version+1
	d.UpdateGroup(&after)
	d.Summary("Updated the group " + fault.Quote(after.DisplayName) + ".")
	return nil
}

// DeleteGroup deletes a group with its memberships and nestings, for good. What its members
// inherit through it ends.
//
// Errors: NOT_FOUND; VERSION_CONFLICT; GROUP_HAS_LICENSES, with *licensing.GroupLicensesDetails,
// where it has assignments of its own (R20); CONFIRMATION_REQUIRED (R27).
func (s *Service) DeleteGroup(ctx context.Context, tenant uuid.UUID, in DeleteGroupInput) (*GroupResult, error) {
	o := licensing.Options{Action: audit.GroupDelete, DryRun: in.DryRun, AcknowledgeLosses: in.AcknowledgeLosses}
	out, err := s.licensing.Change(ctx, tenant, o, in.Plan)
	if err != nil {
		return nil, err
	}
	return s.groupResult(ctx, tenant, in.ID, out)
}

// Plan records in a draft what DeleteGroup does.
func (in DeleteGroupInput) Plan(ctx context.Context, d *licensing.Draft) error {
	before, err := presentGroup(d, in.ID, in.ExpectedVersion)
	if err != nil {
		return err
	}
	if err := withoutLicenses(d, before); err != nil {
		return err
	}
	recordFields(d, id.Group, before.ID, groupFields(before), nil)
	if err := recordParting(ctx, d, before); err != nil {
		return err
	}
	d.DeleteGroup(before.ID)
	d.Summary("Deleted the group " + fault.Quote(before.DisplayName) + ".")
	return nil
}

// presentGroup returns the group that a change is made to, and names it in the audit event.
func presentGroup(d *licensing.Draft, key uuid.UUID, expected *int) (*principal.Group, error) {
	g := d.Graph.Group(key)
	if g == nil {
		return nil, unknownGroup(key).At("id")
	}
	if err := checkVersion(g.DisplayName, g.Version, expected); err != nil {
		return nil, err
	}
	d.Subject(id.Group, key, g.DisplayName)
	return g, nil
}

func unknownGroup(key uuid.UUID) *fault.Error {
	return fault.New(fault.NotFound, "There is no group %s.", id.Format(id.Group, key))
}

// namesShown is how many names a message lists at most.
const namesShown = 5

func withoutLicenses(d *licensing.Draft, g *principal.Group) error { // R20
	own := d.Graph.AssignmentsOf(g.ID)
	if len(own) == 0 {
		return nil
	}
	details := &licensing.GroupLicensesDetails{}
	var names []string
	for _, b := range own {
		details.Products = append(details.Products, b.Product)
		if len(names) < namesShown {
			names = append(names, b.Product.DisplayName)
		}
	}
	return fault.New(fault.GroupHasLicenses, "The group %s has licenses of its own: %s.", fault.Quote(g.DisplayName), locale.Names(names, len(own)-len(names))).
		Fix("Remove them with assignLicenses first, then delete the group.").At("id").With(details)
}

// recordParting puts what ends with a group into the audit event: the number of its members,
// who may be a million, and each group it was nested with.
func recordParting(ctx context.Context, d *licensing.Draft, g *principal.Group) error {
	var members int64
	err := database.Each(ctx, d.Tx, func(scan func(...any) error) error { return scan(&members) },
		`SELECT members FROM group_counters WHERE tenant_id = $1 AND group_id = $2`, d.Tenant, g.ID)
	if err != nil {
		return fmt.Errorf("read the number of members: %w", err)
	}
	count := strconv.FormatInt(members, 10)
	d.FieldOf(id.Group, g.ID, "memberCount", &count, nil)
	for _, n := range d.Graph.Children(g.ID) {
		child := d.Graph.Group(n.Child)
		d.Subject(id.Group, child.ID, child.DisplayName)
		recordMember(d, g.ID, id.Group, child.ID, child.DisplayName, false)
	}
	for _, n := range d.Graph.Parents(g.ID) {
		d.Subject(id.Group, n.Parent, d.Graph.Group(n.Parent).DisplayName)
		recordMember(d, n.Parent, id.Group, g.ID, g.DisplayName, false)
	}
	return nil
}

func (s *Service) groupResult(ctx context.Context, tenant, key uuid.UUID, out *licensing.Outcome) (*GroupResult, error) {
	g, err := s.Group(ctx, tenant, key)
	if err != nil {
		return nil, err
	}
	return &GroupResult{Outcome: out, Group: g}, nil
}
