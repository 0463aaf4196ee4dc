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
	DryRun    bool
}

// ChangeMembersInput changes the members of several groups at once: a member who moves from
// one to another keeps what both give (R23).
type ChangeMembersInput struct {
	// Changes name groups; one that is named twice counts as named once with both lists.
	Changes []MembersChange
	DryRun  bool
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

// MemberResult is what became of one member. A wrong one fails alone.
type MemberResult struct {
	GroupID  uuid.UUID
	MemberID string // as the input gave it first
	Changed  bool
	Errors   []*fault.Error // INVALID_ID, NOT_FOUND, GROUP_CYCLE
}

// AddGroupMembers adds users and groups to a group. Members who get no seat, or are excluded,
// are in it all the same, and wait (R12).
//
// Errors: NOT_FOUND (the group), TOO_MANY. Errors of one member, in its result: INVALID_ID,
// NOT_FOUND (deleted users too), GROUP_CYCLE with *licensing.CycleDetails (R20).
func (s *Service) AddGroupMembers(ctx context.Context, tenant uuid.UUID, in MembersInput) (*MembersResult, error) {
	return s.changeMembers(ctx, tenant, in.DryRun, &groupMembers{
		group: in.Group, path: []any{"groupId"}, add: in.MemberIDs, addPath: []any{"memberIds"},
	})
}

// RemoveGroupMembers takes users and groups out of a group.
//
// Errors: NOT_FOUND (the group), TOO_MANY. Errors of one member, in its result: INVALID_ID,
// NOT_FOUND.
func (s *Service) RemoveGroupMembers(ctx context.Context, tenant uuid.UUID, in MembersInput) (*MembersResult, error) {
	return s.changeMembers(ctx, tenant, in.DryRun, &groupMembers{
		group: in.Group, path: []any{"groupId"}, remove: in.MemberIDs, removePath: []any{"memberIds"},
	})
}

// ChangeGroupMembers adds to and removes from several groups, judged as a whole (R23).
//
// Errors: NOT_FOUND (a group), TOO_MANY, DUPLICATE_VALUE (an id both added to and removed from
// a group). Errors of one member: as AddGroupMembers.
func (s *Service) ChangeGroupMembers(ctx context.Context, tenant uuid.UUID, in ChangeMembersInput) (*MembersResult, error) {
	changes := make([]*groupMembers, len(in.Changes))
	for i, c := range in.Changes {
		changes[i] = &groupMembers{
			group: c.Group, path: []any{"changes", i, "groupId"},
			add: c.Add, addPath: []any{"changes", i, "add"}, remove: c.Remove, removePath: []any{"changes", i, "remove"},
		}
	}
	return s.changeMembers(ctx, tenant, in.DryRun, changes...)
}

func (s *Service) changeMembers(ctx context.Context, tenant uuid.UUID, dryRun bool, changes ...*groupMembers) (*MembersResult, error) {
	var m *memberChange
	if _, err := parseMembers(changes...); err != nil { // before anything is locked
		return nil, err
	}
	out, err := s.licensing.Change(ctx, tenant, licensing.Options{Action: audit.GroupMembersChange, DryRun: dryRun},
		func(ctx context.Context, d *licensing.Draft) (err error) {
			if m, err = parseMembers(changes...); err != nil {
				return err
			}
			if err := m.plan(ctx, d); err != nil {
				return err
			}
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
