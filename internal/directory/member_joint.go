package directory

import (
	"context"
	"slices"

	"github.com/licensegraph/licensegraph/internal/licensing"
)

// MembersPlan is changes of members that are planned together: so nestings of different changes
// are decided as those of one call are (R20).
type MembersPlan struct {
	groups []*groupMembers
	m      *memberChange
}

// Add adds what AddGroupMembers does to the plan, as a change with a number and a path in the input.
func (p *MembersPlan) Add(part int, path []any, in MembersInput) {
	p.groups = append(p.groups, &groupMembers{
		group: in.Group, part: part, path: slices.Concat(path, []any{"groupId"}), add: in.MemberIDs, addPath: slices.Concat(path, []any{"memberIds"}),
	})
}

// Remove adds what RemoveGroupMembers does.
func (p *MembersPlan) Remove(part int, path []any, in MembersInput) {
	p.groups = append(p.groups, &groupMembers{
		group: in.Group, part: part, path: slices.Concat(path, []any{"groupId"}), remove: in.MemberIDs, removePath: slices.Concat(path, []any{"memberIds"}),
	})
}

// Change adds what ChangeGroupMembers does.
func (p *MembersPlan) Change(part int, path []any, in ChangeMembersInput) {
	for _, g := range in.groups() {
		g.part = part
		g.path, g.addPath, g.removePath = slices.Concat(path, g.path), slices.Concat(path, g.addPath), slices.Concat(path, g.removePath)
		p.groups = append(p.groups, g)
	}
}

// Empty tells whether nothing was added.
func (p *MembersPlan) Empty() bool { return len(p.groups) == 0 }

// Plan records all of them in a draft.
//
// Errors, with their paths in the input, joined: NOT_FOUND, TOO_MANY, DUPLICATE_VALUE, INVALID_ID,
// GROUP_CYCLE.
func (p *MembersPlan) Plan(ctx context.Context, d *licensing.Draft) (err error) {
	if p.m, err = parseMembers(p.groups...); err != nil {
		return err
	}
	if err := p.m.plan(ctx, d); err != nil {
		return err
	}
	var wrong refusals
	for _, r := range p.m.results {
		for _, e := range r.Errors {
			wrong = append(wrong, e)
		}
	}
	if len(wrong) > 0 {
		return wrong.err()
	}
	p.m.draft(d)
	p.m.record(d)
	d.Summary(p.m.summary(d))
	return nil
}

// Changes tells, once planned, whether one of them changes anything.
func (p *MembersPlan) Changes(part int) bool {
	return p.m != nil && slices.ContainsFunc(p.m.moves, func(mv *move) bool { return mv.part == part && mv.result.Changed })
}
