// Package whatif judges several changes of different kinds as one (R30): it shows what they would
// do together, without storing anything, and makes exactly that change later.
package whatif

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// Limits of one set of changes.
const (
	MaxChanges = 20
	MaxNamed   = 20_000 // principals and members, of all changes together
)

// Change is one of several changes: exactly one field is set, to what the mutation of that name
// takes. What the inputs say of trying out, of being atomic and of losses means nothing here.
//
// The names are those of the API's inputs.
type Change struct {
	AssignLicenses     *licensing.AssignInput             `json:"assignLicenses"`
	CreateUser         *directory.CreateUserInput         `json:"createUser"`
	UpdateUser         *directory.UpdateUserInput         `json:"updateUser"`
	DeleteUser         *directory.DeleteUserInput         `json:"deleteUser"`
	RestoreUser        *directory.RestoreUserInput        `json:"restoreUser"`
	CreateGroup        *directory.CreateGroupInput        `json:"createGroup"`
	UpdateGroup        *directory.UpdateGroupInput        `json:"updateGroup"`
	DeleteGroup        *directory.DeleteGroupInput        `json:"deleteGroup"`
	AddGroupMembers    *directory.MembersInput            `json:"addGroupMembers"`
	RemoveGroupMembers *directory.MembersInput            `json:"removeGroupMembers"`
	ChangeGroupMembers *directory.ChangeMembersInput      `json:"changeGroupMembers"`
	CreateSubscription *licensing.CreateSubscriptionInput `json:"createSubscription"`
	UpdateSubscription *licensing.UpdateSubscriptionInput `json:"updateSubscription"`
	CancelSubscription *licensing.CancelSubscriptionInput `json:"cancelSubscription"`
}

// Kind is the name of the field that is set, "" where none is.
func (c Change) Kind() string {
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		if !v.Field(i).IsNil() {
			return v.Type().Field(i).Tag.Get("json")
		}
	}
	return ""
}

// Result is what becomes of one change.
type Result struct {
	Kind    string
	Changed bool
	Errors  []*fault.Error // with paths from "changes"; NOT_APPLIED where only others are wrong
}

// Outcome is what changes do together, or would do.
type Outcome struct {
	*licensing.Outcome
	Results []*Result // one for each change, in their order
	Token   string    // of a preview that can be applied
	Refused bool      // one change at least is wrong: nothing is changed
}

// Service judges changes of all tenants of a database.
type Service struct{ licensing *licensing.Service }

// New returns a Service.
func New(l *licensing.Service) (*Service, error) {
	if l == nil {
		return nil, errors.New("whatif: a licensing service is needed")
	}
	return &Service{licensing: l}, nil
}

// Preview judges changes together and stores nothing. What is wrong with one of them is in its
// result, and nothing can be applied then.
//
// Errors: TOO_MANY; those of the database.
func (s *Service) Preview(ctx context.Context, tenant uuid.UUID, changes []Change) (*Outcome, error) {
	j, p, err := joint(changes)
	if err != nil {
		return nil, err
	}
	out, token, err := s.licensing.Preview(ctx, tenant, j)
	if list, refused := fault.Refusals(err); refused {
		return p.refused(list), nil
	}
	if err != nil {
		return nil, err
	}
	if len(out.Refused) > 0 {
		var list []*fault.Error
		for user, refusal := range out.Refused {
			list = append(list, p.whom(user, refusal))
		}
		slices.SortFunc(list, func(a, b *fault.Error) int { return slices.Compare(a.Path, b.Path) })
		return p.refused(list), nil
	}
	if c := out.Confirmation; c != nil {
		if d, ok := c.Details.(*licensing.LossDetails); ok {
			out.Confirmation = c.Fix("See who in impact.changes, then pass acknowledgeLosses: %d to applyPreview.", d.UsersLosing)
		}
	}
	return &Outcome{Outcome: out, Results: p.results, Token: token}, nil
}

// Apply makes the changes that were previewed with a token.
//
// Errors: as licensing.Service.ApplyPreview; TOO_MANY.
func (s *Service) Apply(ctx context.Context, tenant uuid.UUID, changes []Change, token string, acknowledgeLosses *int) (*Outcome, error) {
	j, p, err := joint(changes)
	if err != nil {
		return nil, err
	}
	out, err := s.licensing.ApplyPreview(ctx, tenant, j, token, acknowledgeLosses)
	if e, ok := fault.As(err); ok && e.Code == fault.ConfirmationRequired {
		if d, ok := e.Details.(*licensing.LossDetails); ok {
			return nil, e.Fix("See who with preview, then pass acknowledgeLosses: %d.", d.UsersLosing)
		}
	}
	if err != nil {
		return nil, err
	}
	return &Outcome{Outcome: out, Results: p.results}, nil
}

func joint(changes []Change) (licensing.Joint, *planning, error) {
	if err := count(changes); err != nil {
		return licensing.Joint{}, nil, err
	}
	text, err := canonical(changes)
	if err != nil {
		return licensing.Joint{}, nil, err
	}
	p := &planning{changes: changes}
	return licensing.Joint{Changes: text, Plan: p.plan}, p, nil
}

func count(changes []Change) error {
	if n := len(changes); n > MaxChanges {
		return fault.New(fault.TooMany, "%d changes are too many for one call.", n).Fix("Pass at most %d.", MaxChanges).At("changes")
	}
	named := 0
	for _, c := range changes {
		seen := map[fact]bool{}
		for _, u := range c.uses() {
			if u.fact.kind == assignments || u.fact.other != uuid.Nil {
				seen[u.fact] = true
			}
		}
		named += len(seen)
	}
	if named > MaxNamed {
		return fault.New(fault.TooMany, "The changes name users and groups %d times in all, which is too many for one call.", named).
			Fix("Name at most %d.", MaxNamed).At("changes")
	}
	return nil
}

// canonical encodes what changes ask for, the same for changes that ask for the same, whatever way
// they were written: nulls and empty lists count as absent. It knows no field by name, so
// that none can be forgotten. Where absent and null differ, the inputs say themselves which it was.
func canonical(changes []Change) ([]byte, error) {
	text, err := json.Marshal(changes)
	if err != nil {
		return nil, fmt.Errorf("encode the changes: %w", err)
	}
	var all any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("encode the changes: %w", err)
	}
	return json.Marshal(bare(all))
}

// bare leaves out of objects what is as if it were absent.
func bare(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			switch one := bare(value).(type) {
			case nil:
				delete(v, key)
			case []any:
				if v[key] = one; len(one) == 0 {
					delete(v, key)
				}
			default:
				v[key] = one
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = bare(v[i])
		}
	}
	return v
}

// planning plans changes on one draft.
type planning struct {
	changes []Change
	results []*Result
}

func (p *planning) path(i int) []any { return []any{"changes", i, p.changes[i].Kind()} }

// Refused is the outcome of changes of which some are wrong: the paths of the errors say which.
func Refused(changes []Change, wrong []*fault.Error) *Outcome {
	return (&planning{changes: changes}).refused(wrong)
}

// refused is the outcome of changes of which some are wrong.
func (p *planning) refused(list []*fault.Error) *Outcome {
	p.begin()
	out := &Outcome{Outcome: &licensing.Outcome{DryRun: true, Impact: &licensing.Impact{}}, Results: p.results, Refused: true}
	for _, e := range list {
		if i := changeAt(e); i >= 0 && i < len(p.results) {
			p.results[i].Errors = append(p.results[i].Errors, e)
		} else {
			for _, r := range p.results {
				r.Errors = append(r.Errors, e)
			}
		}
	}
	for i, r := range p.results {
		if r.Changed = false; len(r.Errors) == 0 {
			r.Errors = []*fault.Error{fault.New(fault.NotApplied, "Nothing would be changed, because other changes would be refused.").
				Fix("Correct the others, or leave them out.").At("changes", i)}
		}
	}
	return out
}

// changeAt returns the number of the change that an error is about, -1 for none.
func changeAt(e *fault.Error) int {
	if len(e.Path) < 2 || e.Path[0] != "changes" {
		return -1
	}
	i, err := strconv.Atoi(e.Path[1])
	if err != nil {
		return -1
	}
	return i
}

func (p *planning) begin() {
	p.results = make([]*Result, len(p.changes))
	for i, c := range p.changes {
		p.results[i] = &Result{Kind: c.Kind()}
	}
}

// part is one change, or the changes of members together, as it is planned.
type part struct {
	at    int
	plan  func(ctx context.Context, d *licensing.Draft) error
	check func(ctx context.Context, d *licensing.Draft) error // once everything is planned
}

// plan records all changes in a draft, one after the other: those first on which others look. The
// order of the input makes no difference.
//
// Errors: what is wrong with any of them, joined.
func (p *planning) plan(ctx context.Context, d *licensing.Draft) error {
	p.begin()
	var wrong []error
	note := func(err error, path ...any) error {
		list, refused := fault.Refusals(err)
		for _, e := range list {
			wrong = append(wrong, e.At(path...))
		}
		if refused {
			return nil
		}
		return err
	}
	for _, e := range conflicts(p.changes) {
		wrong = append(wrong, e)
	}
	if err := note(p.validate()); err != nil {
		return err
	}
	if len(wrong) > 0 {
		return errors.Join(wrong...)
	}
	var summaries []string
	changed := false
	end := func(at ...int) {
		text, did := d.End()
		for _, i := range at {
			p.results[i].Changed = did
		}
		if did {
			changed, summaries = true, append(summaries, strings.TrimSuffix(text, "."))
		}
	}
	parts, members, of := p.parts()
	for _, part := range parts {
		d.Begin(part.at, p.path(part.at)...)
		if err := note(part.plan(ctx, d), p.path(part.at)...); err != nil {
			return err
		}
		end(part.at)
	}
	if !members.Empty() {
		d.Begin(of[0], p.path(of[0])...)
		if err := note(members.Plan(ctx, d)); err != nil {
			return err
		}
		end()
		for _, i := range of {
			p.results[i].Changed = members.Changes(i)
		}
	}
	for _, part := range parts {
		if part.check != nil && len(wrong) == 0 {
			if err := note(part.check(ctx, d), p.path(part.at)...); err != nil {
				return err
			}
		}
	}
	d.Together("Applied a preview: "+strings.Join(summaries, "; ")+".", changed)
	return errors.Join(wrong...)
}

// validate checks what needs no look at the tenant.
func (p *planning) validate() error {
	var wrong []error
	for i, c := range p.changes {
		v := reflect.ValueOf(c)
		for f := range v.NumField() {
			if v.Field(f).IsNil() {
				continue
			}
			if in, ok := v.Field(f).Interface().(interface{ Validate() error }); ok {
				list, _ := fault.Refusals(in.Validate())
				for _, e := range list {
					wrong = append(wrong, e.At(p.path(i)...))
				}
			}
		}
	}
	return errors.Join(wrong...)
}

// parts returns the plans of changes, subscriptions and users first, and those of members.
func (p *planning) parts() (parts []part, members *directory.MembersPlan, of []int) {
	members = &directory.MembersPlan{}
	var subscriptions, others, assignments []part
	for i, c := range p.changes {
		subscribe := func(s *licensing.SubscriptionPlan) { subscriptions = append(subscriptions, part{i, s.Plan, s.Check}) }
		other := func(plan func(ctx context.Context, d *licensing.Draft) error) {
			others = append(others, part{at: i, plan: plan})
		}
		switch {
		case c.CreateSubscription != nil:
			subscribe(c.CreateSubscription.Plan())
		case c.UpdateSubscription != nil:
			subscribe(c.UpdateSubscription.Plan())
		case c.CancelSubscription != nil:
			subscribe(c.CancelSubscription.Plan())
		case c.CreateUser != nil:
			other(c.CreateUser.Plan)
		case c.UpdateUser != nil:
			other(c.UpdateUser.Plan)
		case c.DeleteUser != nil:
			other(c.DeleteUser.Plan)
		case c.RestoreUser != nil:
			other(c.RestoreUser.Plan)
		case c.CreateGroup != nil:
			other(c.CreateGroup.Plan)
		case c.UpdateGroup != nil:
			other(c.UpdateGroup.Plan)
		case c.DeleteGroup != nil:
			other(c.DeleteGroup.Plan)
		case c.AssignLicenses != nil:
			assignments = append(assignments, part{at: i, plan: assign(*c.AssignLicenses)})
		case c.AddGroupMembers != nil:
			members.Add(i, p.path(i), *c.AddGroupMembers)
			of = append(of, i)
		case c.RemoveGroupMembers != nil:
			members.Remove(i, p.path(i), *c.RemoveGroupMembers)
			of = append(of, i)
		case c.ChangeGroupMembers != nil:
			members.Change(i, p.path(i), *c.ChangeGroupMembers)
			of = append(of, i)
		}
	}
	return slices.Concat(subscriptions, others, assignments), members, of
}

// assign plans an assignment of which nobody may be refused.
//
// Errors: those of the call and of its principals, joined; the path of the latter names the
// principal.
func assign(in licensing.AssignInput) func(ctx context.Context, d *licensing.Draft) error {
	in.Atomic = false
	return func(ctx context.Context, d *licensing.Draft) error {
		plan := licensing.PlanAssign(in)
		if err := plan.Plan(ctx, d); err != nil {
			return err
		}
		var wrong []error
		for _, r := range plan.Results() {
			for _, e := range r.Errors {
				if e.Code == fault.NotApplied { // it has nothing to replace, which refuses nothing (R25)
					continue
				}
				wrong = append(wrong, ofPrincipal(e, in, r.Principal))
			}
		}
		return errors.Join(wrong...)
	}
}

// ofPrincipal makes the path of an error that of the principal whom it is about.
func ofPrincipal(e *fault.Error, in licensing.AssignInput, ref licensing.PrincipalRef) *fault.Error {
	moved := *e
	moved.Path = fault.Path("principalIds", slices.Index(in.Principals, ref))
	return &moved
}

// whom makes the path of a refusal by a check that of the user who is refused, in the change that
// asks for it.
func (p *planning) whom(user uuid.UUID, e *fault.Error) *fault.Error {
	i := changeAt(e)
	if i < 0 || p.changes[i].AssignLicenses == nil {
		return e
	}
	in := *p.changes[i].AssignLicenses
	at := slices.IndexFunc(in.Principals, func(r licensing.PrincipalRef) bool { return r.ID == user })
	moved := *e
	moved.Path = fault.Path(append(p.path(i), "principalIds", at)...)
	return &moved
}
