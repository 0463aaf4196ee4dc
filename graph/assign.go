package graph

import (
	"context"
	"errors"

	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/locale"
)

// assign adds and removes products for users and groups. What is wrong with the products
// refuses the call; what is wrong with one principal is in its own result (R25).
func (r *mutationResolver) assign(ctx context.Context, in model.AssignLicensesInput) (*model.AssignPayload, error) {
	c := call{in.DryRun, in.ClientMutationID}
	change, principals, wrong, err := readAssign(ctx, in)
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		return &model.AssignPayload{Payload: c.refusedFor(wrong)}, nil
	}
	unread := in.Atomic && len(principals.wrong()) > 0 // the others are only looked at
	change.DryRun = in.DryRun || unread
	if in.RunAsOperation {
		return r.startAssigning(ctx, c, change, principals, unread)
	}
	out, err := r.licensing.Assign(ctx, tenantOf(ctx), change)
	if err != nil {
		refused, err := c.refused(err)
		return &model.AssignPayload{Payload: refused}, err
	}
	principals.take(out.Results)
	load(ctx).Expect(principals.known())
	if unread {
		principals.excuse()
		return &model.AssignPayload{Payload: c.refusedFor(nil), Results: principals.results}, nil
	}
	return &model.AssignPayload{Payload: c.done(ctx, out.Outcome), Results: principals.results}, nil
}

// readAssign reads what is to be assigned to whom, by whoever may do that.
//
// Errors in the list: those of the call; malformed principals bear theirs. err is UNAUTHENTICATED,
// FORBIDDEN or BAD_USER_INPUT.
func readAssign(ctx context.Context, in model.AssignLicensesInput) (change licensing.AssignInput, principals *principals, wrong []*fault.Error, err error) {
	if err := allowed(ctx, access.AssignToUsers); err != nil { // whoever may assign to groups may assign to users
		return change, nil, nil, err
	}
	principals = readPrincipals("principalIds", in.PrincipalIds)
	if err := principals.require(ctx); err != nil {
		return change, nil, nil, err
	}
	add, wrong, err := licenseInputs("add", in.Add.Value())
	if err != nil {
		return change, nil, nil, err
	}
	remove, invalid := productIDs("remove", in.Remove.Value())
	wrong = append(wrong, invalid...)
	losses, negative := acknowledged(in.AcknowledgeLosses)
	wrong = append(wrong, negative...)
	version := in.ExpectedVersion.Value()
	if n := len(principals.results); n > licensing.MaxPrincipals {
		wrong = append(wrong, tooManyInput(n, licensing.MaxPrincipals, locale.T("principals"), "principalIds"))
	} else if version != nil && n > 1 { // the service counts the well-formed ones only
		wrong = append(wrong, fault.New(fault.InvalidValue, "expectedVersion goes with one principal only; there are %d.", n).
			Fix("Leave it out, or call once per principal.").At("expectedVersion"))
	}
	return licensing.AssignInput{
		Principals: principals.refs, Add: add, Remove: remove, Mode: in.Mode, ExpectedVersion: version,
		Atomic: in.Atomic, DryRun: in.DryRun, AcknowledgeLosses: losses,
	}, principals, wrong, nil
}

// reprocess answers that nothing is to be done: every change does it by itself (R13).
func (r *mutationResolver) reprocess(ctx context.Context, in model.ReprocessLicensesInput) (*model.Payload, error) {
	if err := allowed(ctx, access.Reprocess); err != nil {
		return nil, err
	}
	c := call{in.DryRun, in.ClientMutationID}
	principals := readPrincipals("principalIds", in.PrincipalIds)
	if n := len(principals.results); n > licensing.MaxPrincipals {
		refused := c.refusedFor([]*fault.Error{tooManyInput(n, licensing.MaxPrincipals, locale.T("principals"), "principalIds")})
		return &refused, nil
	}
	out, err := r.licensing.Reprocess(ctx, tenantOf(ctx), principals.refs, in.DryRun)
	var unknown *fault.Error
	if errors.As(err, &unknown) && unknown.Code == fault.NotFound {
		err = principals.inInput(unknown)
	}
	var p model.Payload
	if err != nil {
		p, err = c.refused(err)
	} else {
		p = c.done(ctx, out)
	}
	if err != nil {
		return nil, err
	}
	if wrong := principals.wrong(); len(wrong) > 0 {
		p.UserErrors = append(wrong, p.UserErrors...)
	}
	return &p, nil
}
