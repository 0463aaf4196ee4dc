package directory

import (
	"context"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// Limits of a change of members, counted after duplicates collapse (R25).
const (
	MaxMembers       = 20_000 // additions and removals
	MaxMembersGroups = 100    // groups
)

// MembersInput adds members to one group, or removes them.
type MembersInput struct {
	Group     uuid.UUID
	MemberIDs []string // TypeIDs of users and groups
	Atomic    bool     // a wrong member refuses all; members in license error do not
	DryRun    bool
	// AcknowledgeLosses is how many users the caller knows may lose a product (R27).
	AcknowledgeLosses *int
}

// ChangeMembersInput changes the members of several groups at once: a member who moves from
// one to another keeps what both give (R23).
type ChangeMembersInput struct {
	// Changes name groups; one that is named twice counts as named once with both lists.
	Changes []MembersChange
	Atomic  bool // a wrong member refuses all; members in license error do not
	DryRun  bool
	// AcknowledgeLosses is how many users the caller knows may lose a product (R27).
	AcknowledgeLosses *int
}

// MembersChange is what happens to one group.
type MembersChange struct {
	Group       uuid.UUID
	Add, Remove []string // TypeIDs of users and groups
}

// MembersResult is what a change of members did, or would do.
type MembersResult struct {
	*licensing.Outcome
	Groups  []*principal.Group // of the input, once each in its order, as they stand
	Results []*MemberResult    // one per group and member, in the order of the input
}

// MemberResult is what became of one member. A wrong one fails alone, unless the call is
// atomic: then nothing is changed, and the others are NOT_APPLIED.
type MemberResult struct {
	GroupID  uuid.UUID
	MemberID string // as the input gave it first
	Changed  bool
	Errors   []*fault.Error // INVALID_ID, NOT_FOUND, GROUP_CYCLE, NOT_APPLIED
}

// AddGroupMembers adds users and groups to a group. Members who get no seat, or are excluded,
// are in it all the same, and wait (R12).
//
// Errors: NOT_FOUND (the group), TOO_MANY, CONFIRMATION_REQUIRED (R27). Errors of one member,
// in its result: INVALID_ID, NOT_FOUND (deleted users too), GROUP_CYCLE with
// *licensing.CycleDetails (R20), NOT_APPLIED.
func (s *Service) AddGroupMembers(ctx context.Context, tenant uuid.UUID, in MembersInput) (*MembersResult, error) {
	return s.changeMembers(ctx, tenant, in.options(), in.Atomic, &groupMembers{
		group: in.Group, path: []any{"groupId"}, add: in.MemberIDs, addPath: []any{"memberIds"},
	})
}

// RemoveGroupMembers takes users and groups out of a group.
//
// Errors: NOT_FOUND (the group), TOO_MANY, CONFIRMATION_REQUIRED (R27). Errors of one member,
// in its result: INVALID_ID, NOT_FOUND, NOT_APPLIED.
func (s *Service) RemoveGroupMembers(ctx context.Context, tenant uuid.UUID, in MembersInput) (*MembersResult, error) {
	return s.changeMembers(ctx, tenant, in.options(), in.Atomic, &groupMembers{
		group: in.Group, path: []any{"groupId"}, remove: in.MemberIDs, removePath: []any{"memberIds"},
	})
}

// ChangeGroupMembers adds to and removes from several groups, judged as a whole (R23).
//
// Errors: NOT_FOUND (a group), TOO_MANY, DUPLICATE_VALUE (an id both added to and removed from
// a group), CONFIRMATION_REQUIRED (R23: from the first user on whom a move leaves without a
// product that the group left had and without what the other one gives; else R27). Errors of
// one member: as AddGroupMembers.
func (s *Service) ChangeGroupMembers(ctx context.Context, tenant uuid.UUID, in ChangeMembersInput) (*MembersResult, error) {
	o := licensing.Options{DryRun: in.DryRun, AcknowledgeLosses: in.AcknowledgeLosses}
	return s.changeMembers(ctx, tenant, o, in.Atomic, in.groups()...)
}

func (in ChangeMembersInput) groups() []*groupMembers {
	changes := make([]*groupMembers, len(in.Changes))
	for i, c := range in.Changes {
		changes[i] = &groupMembers{
			group: c.Group, path: []any{"changes", i, "groupId"},
			add: c.Add, addPath: []any{"changes", i, "add"}, remove: c.Remove, removePath: []any{"changes", i, "remove"},
		}
	}
	return changes
}

// Validate checks what needs no look at the directory, as ChangeGroupMembers does.
//
// Errors: TOO_MANY, DUPLICATE_VALUE.
func (in ChangeMembersInput) Validate() error {
	_, err := parseMembers(in.groups()...)
	return err
}

// Validate checks what needs no look at the directory, as AddGroupMembers and RemoveGroupMembers
// do.
//
// Errors: TOO_MANY.
func (in MembersInput) Validate() error {
	_, err := parseMembers(&groupMembers{group: in.Group, add: in.MemberIDs, addPath: []any{"memberIds"}})
	return err
}

func (in MembersInput) options() licensing.Options {
	return licensing.Options{DryRun: in.DryRun, AcknowledgeLosses: in.AcknowledgeLosses}
}

func (s *Service) changeMembers(ctx context.Context, tenant uuid.UUID, o licensing.Options, atomic bool, changes ...*groupMembers) (*MembersResult, error) {
	o.Action = audit.GroupMembersChange
	var m *memberChange
	if _, err := parseMembers(changes...); err != nil { // before anything is locked
		return nil, err
	}
	o.Detail = func(*licensing.Outcome) any { return m.results }
	out, err := s.licensing.Change(ctx, tenant, o, func(ctx context.Context, d *licensing.Draft) (err error) {
		if m, err = parseMembers(changes...); err != nil {
			return err
		}
		if err := m.plan(ctx, d); err != nil {
			return err
		}
		if atomic && m.failed() { // R25
			m.excuse()
			return nil
		}
		m.draft(d)
		m.record(d)
		d.Summary(m.summary(d))
		return nil
	})
	if err != nil {
		return nil, err
	}
	groups, err := s.Groups(ctx, tenant, m.groups)
	if err != nil {
		return nil, err
	}
	result := &MembersResult{Outcome: out, Results: m.results}
	for _, g := range groups {
		if g != nil { // one may have been deleted since
			result.Groups = append(result.Groups, g)
		}
	}
	return result, nil
}
