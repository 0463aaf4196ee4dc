package graph

import (
	"context"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/graph/loaders"
	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/operation"
)

// principals are the users and groups that an input names, once each in its order.
type principals struct {
	results []*model.AssignmentResult // one for each, malformed ones included
	at      []int                     // index of each in the input
	refs    []licensing.PrincipalRef  // the well-formed ones
	valid   []int                     // index of each of refs in results

	malformed map[int]*fault.Error // by index in results
}

// readPrincipals reads the ids of users and groups. A malformed one bears INVALID_ID in its
// result.
func readPrincipals(field string, ids []string) *principals {
	type key struct {
		kind id.Kind
		id   uuid.UUID
		text string // of a malformed one
	}
	p := &principals{malformed: map[int]*fault.Error{}}
	seen := map[key]bool{}
	for i, text := range ids {
		kind, principal, invalid := inputPrincipal(text, field, i)
		k := key{kind: kind, id: principal}
		if invalid != nil {
			k.text = text
		}
		if seen[k] {
			continue
		}
		seen[k] = true
		r := &model.AssignmentResult{PrincipalID: text, Assignments: []*licensing.Assignment{}, UserErrors: []*model.UserError{}}
		if invalid != nil {
			r.UserErrors = userErrors([]*fault.Error{invalid})
			p.malformed[len(p.results)] = invalid
		} else {
			p.refs = append(p.refs, licensing.PrincipalRef{Kind: kind, ID: principal})
			p.valid = append(p.valid, len(p.results))
		}
		p.results, p.at = append(p.results, r), append(p.at, i)
	}
	return p
}

// require asks for the right to change the licenses of these principals: users and groups
// have one each.
func (p *principals) require(ctx context.Context) error {
	if p.hasGroups() {
		return allowed(ctx, access.AssignToGroups)
	}
	return nil
}

// take shows what became of the well-formed principals.
func (p *principals) take(results []*licensing.PrincipalResult) {
	for n, r := range results {
		shown := p.results[p.valid[n]]
		shown.Changed = r.Changed
		shown.Assignments = append(shown.Assignments, r.Assignments...)
		if r.User != nil || r.Group != nil {
			shown.Ref = &p.refs[n]
		}
		for _, e := range r.Errors {
			if len(e.Path) == 0 { // about the principal itself
				e = e.At("principalIds", p.at[p.valid[n]])
			}
			shown.UserErrors = append(shown.UserErrors, model.NewUserError(e))
		}
	}
}

// kept is take for an operation: what became of all of them, the malformed ones included. excused
// says that nothing was done to the others, as excuse does.
func (p *principals) kept(results []*licensing.PrincipalResult, excused bool) []operation.Result {
	list := make([]operation.Result, len(p.results))
	for i, r := range p.results {
		list[i] = operation.Result{Principal: r.PrincipalID}
		if e := p.malformed[i]; e != nil {
			list[i].Errors = []*fault.Error{e}
		}
	}
	for n, r := range results {
		one, at := &list[p.valid[n]], p.at[p.valid[n]]
		one.Changed = r.Changed && !excused
		for _, e := range r.Errors {
			if len(e.Path) == 0 { // about the principal itself
				e = e.At("principalIds", at)
			}
			one.Errors = append(one.Errors, e)
		}
		if excused && len(one.Errors) == 0 {
			one.Errors = []*fault.Error{licensing.NotAppliedForOthers().At("principalIds", at)}
		}
	}
	return list
}

// hasGroups tells whether groups are among them.
func (p *principals) hasGroups() bool {
	return slices.ContainsFunc(p.refs, func(r licensing.PrincipalRef) bool { return r.Kind == id.Group })
}

// excuse tells of the well-formed principals of an atomic call that nothing was done to them,
// because of the malformed ones.
func (p *principals) excuse() {
	for n, at := range p.valid {
		r := p.results[at]
		if r.Changed = false; len(r.UserErrors) == 0 {
			r.UserErrors = append(r.UserErrors, model.NewUserError(licensing.NotAppliedForOthers().At("principalIds", p.at[p.valid[n]])))
		}
	}
}

// known returns the principals that there are.
func (p *principals) known() []loaders.Ref {
	var refs []loaders.Ref
	for _, r := range p.results {
		if r.Ref != nil {
			refs = append(refs, loaders.Ref{Kind: r.Ref.Kind, ID: r.Ref.ID})
		}
	}
	return refs
}

// inInput puts the index in the input into the path of an error about one of refs.
func (p *principals) inInput(e *fault.Error) *fault.Error {
	if len(e.Path) != 2 {
		return e
	}
	n, err := strconv.Atoi(e.Path[1])
	if err != nil || n >= len(p.valid) {
		return e
	}
	moved := *e
	moved.Path = []string{e.Path[0], strconv.Itoa(p.at[p.valid[n]])}
	return &moved
}

// wrong returns the errors of malformed principals.
func (p *principals) wrong() []*model.UserError {
	var list []*model.UserError
	for _, r := range p.results {
		list = append(list, r.UserErrors...)
	}
	return list
}

// allowed returns nil where the caller has a permission.
//
// Errors: UNAUTHENTICATED, FORBIDDEN.
func allowed(ctx context.Context, p access.Permission) error {
	if refusal := access.Require(ctx, p); refusal != nil {
		return refusal
	}
	return nil
}
