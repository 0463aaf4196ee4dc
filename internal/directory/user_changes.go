package directory

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// UserResult is what a change of a user did, or would do.
type UserResult struct {
	*licensing.Outcome
	User *principal.User // as it stands; nil after the dry run of a creation
}

// CreateUser creates a user, with licenses of its own where the input has some. All or
// nothing: a license that is refused refuses the user.
//
// Errors: those of Validate; DUPLICATE_VALUE; for the licenses, with paths from "licenses",
// those of licensing.Service.Assign.
func (s *Service) CreateUser(ctx context.Context, tenant uuid.UUID, in CreateUserInput) (*UserResult, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	var created *principal.User
	out, err := s.licensing.Change(ctx, tenant, licensing.Options{Action: audit.UserCreate, DryRun: in.DryRun},
		func(ctx context.Context, d *licensing.Draft) (err error) {
			created, err = in.create(ctx, d)
			return err
		})
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		created = nil
	}
	return &UserResult{Outcome: out, User: created}, nil
}

// Plan records in a draft what CreateUser does with an input that Validate accepts.
func (in CreateUserInput) Plan(ctx context.Context, d *licensing.Draft) error {
	_, err := in.create(ctx, d)
	return err
}

func (in CreateUserInput) create(ctx context.Context, d *licensing.Draft) (*principal.User, error) {
	if err := free(ctx, d, in.UserPrincipalName, uuid.Nil); err != nil {
		return nil, err
	}
	key, err := d.MakeID()
	if err != nil {
		return nil, fmt.Errorf("make an id: %w", err)
	}
	created := in.user(key)
	created.CreatedAt, created.UpdatedAt = d.Now, d.Now
	d.CreateUser(created)
	if err := d.AssignDirect(key, in.Licenses, true); err != nil {
		return nil, err
	}
	d.Subject(id.User, key, created.DisplayName)
	recordFields(d, id.User, created.ID, nil, userFields(created))
	d.Summary("Created the user " + titled(created) + ".")
	return created, nil
}

// UpdateUser changes a user's own fields. With another usageLocation, or without one, the
// user's licenses are judged anew in the same commit: what is barred there is withheld, and
// what was barred before heals (R11).
//
// Errors: those of Validate; NOT_FOUND for an unknown or deleted user; VERSION_CONFLICT;
// DUPLICATE_VALUE; CONFIRMATION_REQUIRED (R27).
func (s *Service) UpdateUser(ctx context.Context, tenant uuid.UUID, in UpdateUserInput) (*UserResult, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	o := licensing.Options{Action: audit.UserUpdate, DryRun: in.DryRun, AcknowledgeLosses: in.AcknowledgeLosses}
	return s.changeUser(ctx, tenant, o, in.plan())
}

// Plan records in a draft what UpdateUser does with an input that Validate accepts.
func (in UpdateUserInput) Plan(ctx context.Context, d *licensing.Draft) error {
	return in.plan().Plan(ctx, d)
}

func (in UpdateUserInput) plan() *userPlan {
	return &userPlan{key: in.ID, plan: func(ctx context.Context, d *licensing.Draft, before *principal.User) (*principal.User, error) {
		if before.DeletedAt != nil {
			return nil, deletedUser(before)
		}
		if err := checkVersion(before.DisplayName, before.Version, in.ExpectedVersion); err != nil {
			return nil, err
		}
		after := in.apply(before)
		if !recordFields(d, id.User, after.ID, userFields(before), userFields(after)) {
			return before, nil
		}
		if after.UserPrincipalName != before.UserPrincipalName {
			if err := free(ctx, d, after.UserPrincipalName, before.ID); err != nil {
				return nil, err
			}
		}
		after.UpdatedAt, after.Version = d.Now, before.Version+1
		d.UpdateUser(before, after)
		d.Summary("Updated the user " + titled(after) + ".")
		return after, nil
	}}
}

// DeleteUser deletes a user softly (R19): the seats are free at once, and the name too.
// Deleting a deleted user changes nothing.
//
// Errors: NOT_FOUND; VERSION_CONFLICT; CONFIRMATION_REQUIRED (R27).
func (s *Service) DeleteUser(ctx context.Context, tenant uuid.UUID, in DeleteUserInput) (*UserResult, error) {
	o := licensing.Options{Action: audit.UserDelete, DryRun: in.DryRun, AcknowledgeLosses: in.AcknowledgeLosses}
	return s.changeUser(ctx, tenant, o, in.plan())
}

// Plan records in a draft what DeleteUser does.
func (in DeleteUserInput) Plan(ctx context.Context, d *licensing.Draft) error {
	return in.plan().Plan(ctx, d)
}

func (in DeleteUserInput) plan() *userPlan {
	return &userPlan{key: in.ID, plan: func(_ context.Context, d *licensing.Draft, before *principal.User) (*principal.User, error) {
		if before.DeletedAt != nil {
			return before, nil
		}
		if err := checkVersion(before.DisplayName, before.Version, in.ExpectedVersion); err != nil {
			return nil, err
		}
		after := d.DeleteUser(before)
		deleted := d.Now.String()
		d.FieldOf(id.User, before.ID, "deletedAt", nil, &deleted)
		d.Summary("Deleted the user " + titled(before) + ".")
		return after, nil
	}}
}

// RestoreUser takes a deleted user back, with memberships and assignments; all sources are
// newcomers then (R19). Restoring a user who is not deleted changes nothing.
//
// Errors: NOT_FOUND; DUPLICATE_VALUE where another user has the name by now.
func (s *Service) RestoreUser(ctx context.Context, tenant uuid.UUID, in RestoreUserInput) (*UserResult, error) {
	return s.changeUser(ctx, tenant, licensing.Options{Action: audit.UserRestore, DryRun: in.DryRun}, in.plan())
}

// Plan records in a draft what RestoreUser does.
func (in RestoreUserInput) Plan(ctx context.Context, d *licensing.Draft) error {
	return in.plan().Plan(ctx, d)
}

func (in RestoreUserInput) plan() *userPlan {
	return &userPlan{key: in.ID, plan: func(ctx context.Context, d *licensing.Draft, before *principal.User) (*principal.User, error) {
		if before.DeletedAt == nil {
			return before, nil
		}
		if err := free(ctx, d, before.UserPrincipalName, before.ID); err != nil {
			if e, ok := fault.As(err); ok && e.Code == fault.DuplicateValue {
				e.Path = []string{"id"}
				return nil, e.Fix("Give the other user another name first, then restore this one.")
			}
			return nil, err
		}
		after := d.RestoreUser(before)
		deleted := before.DeletedAt.String()
		d.FieldOf(id.User, before.ID, "deletedAt", &deleted, nil)
		d.Summary("Restored the user " + titled(before) + ".")
		return after, nil
	}}
}

// userPlan is a change of one user who exists.
type userPlan struct {
	key uuid.UUID
	// plan returns the user as it is to be, before itself where nothing changes.
	plan func(ctx context.Context, d *licensing.Draft, before *principal.User) (*principal.User, error)

	before, after *principal.User
}

// Plan records the change in a draft.
func (p *userPlan) Plan(ctx context.Context, d *licensing.Draft) error {
	found, err := usersByID(ctx, d.Tx, d.Tx.Dialect(), d.Tenant, []uuid.UUID{p.key})
	if err != nil {
		return err
	}
	if p.before = found[p.key]; p.before == nil {
		return fault.New(fault.NotFound, "There is no user %s.", id.Format(id.User, p.key)).At("id")
	}
	d.Subject(id.User, p.key, p.before.DisplayName)
	p.after, err = p.plan(ctx, d, p.before)
	return err
}

func (s *Service) changeUser(ctx context.Context, tenant uuid.UUID, o licensing.Options, p *userPlan) (*UserResult, error) {
	out, err := s.licensing.Change(ctx, tenant, o, p.Plan)
	if err != nil {
		return nil, err
	}
	shown := p.after
	if o.DryRun {
		shown = p.before
	}
	return &UserResult{Outcome: out, User: shown}, nil
}

// free refuses a principal name that another undeleted user has (R18). The tenant's lock
// keeps it free until the commit.
func free(ctx context.Context, d *licensing.Draft, name string, self uuid.UUID) error {
	other, err := userByPrincipalName(ctx, d.Tx, d.Tenant, name)
	if err != nil {
		return err
	}
	if other == nil || other.ID == self {
		return freeInDraft(d, name, self)
	}
	return fault.New(fault.DuplicateValue, "The userPrincipalName %s is in use: %s has it, as %s.",
		fault.Quote(name), fault.Quote(other.DisplayName), fault.Quote(other.UserPrincipalName)).
		Fix("Choose another name; letter case makes no difference.").At("userPrincipalName")
}

// freeInDraft refuses a principal name that another change of the same draft gives.
func freeInDraft(d *licensing.Draft, name string, self uuid.UUID) error {
	if other := d.UserNamed(name); other != nil && other.ID != self {
		return fault.New(fault.DuplicateValue, "The userPrincipalName %s is given to two users by these changes.", fault.Quote(name)).
			Fix("Choose another name; letter case makes no difference.").At("userPrincipalName")
	}
	return nil
}

func deletedUser(u *principal.User) *fault.Error {
	return fault.New(fault.NotFound, "The user %s is deleted.", id.Format(id.User, u.ID)).Fix("Restore the user first.").At("id")
}

// checkVersion refuses a change made on an outdated reading.
func checkVersion(name string, version int, expected *int) error {
	if expected == nil || *expected == version {
		return nil
	}
	return licensing.VersionConflict(locale.T("%s", fault.Quote(name)), version, *expected)
}

// titled names a user in a sentence.
func titled(u *principal.User) string {
	return fault.Quote(u.DisplayName) + " (" + u.UserPrincipalName + ")"
}
