package licensing

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// PrincipalRef names a user or a group.
type PrincipalRef struct {
	Kind id.Kind // id.User or id.Group
	ID   uuid.UUID
}

// AssignInput asks to add products to principals, or to change their plan selection, and to
// remove products, judged as a whole (R23).
type AssignInput struct {
	Principals      []PrincipalRef
	Add             []LicenseInput // nil and empty differ for AssignReplace, which needs it
	Remove          []uuid.UUID
	Mode            AssignMode // ADD where empty
	ExpectedVersion *int       // with one principal only
	Atomic          bool       // what is wrong with one principal refuses all
	DryRun          bool
	// AcknowledgeLosses is how many users the caller knows may lose a product (R27).
	AcknowledgeLosses *int
}

// AssignMode is what becomes of a principal's other assignments.
type AssignMode string

// The modes. Replace: the principal's own assignments are to be exactly those of Add.
const (
	AssignAdd     AssignMode = "ADD"
	AssignReplace AssignMode = "REPLACE"
)

// AssignOutcome is an Outcome with one result per principal, in the order of the input.
type AssignOutcome struct {
	*Outcome
	Results []*PrincipalResult
}

// PrincipalResult is what a call did to one principal.
type PrincipalResult struct {
	Principal   PrincipalRef
	User        *principal.User  // where the principal is a known user
	Group       *principal.Group // where it is a known group
	Changed     bool
	Assignments []*Assignment // the principal's own, as they stand
	Errors      []*fault.Error
}

// Assign adds and removes products for users and groups.
//
// Errors that refuse the call: TOO_MANY, NOT_FOUND (a product or plan), DUPLICATE_VALUE,
// PLAN_NOT_IN_PRODUCT, MUTUALLY_EXCLUSIVE_VIOLATION (a selection that excludes itself),
// INVALID_VALUE (expectedVersion with several principals, remove with AssignReplace, an end that is
// past or before the start, replaces with a start to come), REQUIRED
// (AssignReplace without add), CONFIRMATION_REQUIRED (R27). Errors of one principal, in its
// result: NOT_FOUND, VERSION_CONFLICT, INVALID_VALUE (a start to come of what is in effect, an end
// before the start), NO_SUBSCRIPTION, PRODUCT_RETIRED,
// USAGE_LOCATION_REQUIRED, LICENSE_IS_INHERITED, the codes of the checks, and NOT_APPLIED.
func (s *Service) Assign(ctx context.Context, tenant uuid.UUID, in AssignInput) (*AssignOutcome, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	p := &AssignPlan{in: in}
	var results []*PrincipalResult
	o := Options{Action: audit.LicensesAssign, DryRun: in.DryRun, Atomic: in.Atomic, AcknowledgeLosses: in.AcknowledgeLosses}
	o.Detail = func(out *Outcome) any {
		results = p.a.finish(out)
		return results
	}
	out, err := s.Change(ctx, tenant, o, p.Plan)
	if err != nil {
		return nil, err
	}
	return &AssignOutcome{Outcome: out, Results: results}, nil
}

// AssignPlan is what Assign plans, to be planned on a draft with other changes.
type AssignPlan struct {
	in AssignInput
	a  *assigning
}

// PlanAssign returns the plan of an input that Validate accepts.
func PlanAssign(in AssignInput) *AssignPlan { return &AssignPlan{in: in} }

// Plan records in the draft what the input asks for. Errors: as Assign.
func (p *AssignPlan) Plan(ctx context.Context, d *Draft) error {
	wanted, unwanted, err := checkWanted(d.Graph, d.Now, "add", p.in.Add, p.in.Remove)
	if err != nil {
		return err
	}
	d.asks(wanted)
	p.a = &assigning{d: d, in: p.in, wanted: wanted, unwanted: unwanted}
	return p.a.plan(ctx, dedupe(p.in.Principals))
}

// Results are those of the principals, once planned; what the engine says of them is not there yet.
func (p *AssignPlan) Results() []*PrincipalResult { return p.a.results }

// Validate checks what needs no look at the tenant, as Assign does.
//
// Errors: TOO_MANY, INVALID_VALUE, REQUIRED.
func (in AssignInput) Validate() error {
	principals := dedupe(in.Principals)
	if len(principals) > MaxPrincipals {
		return fault.New(fault.TooMany, "%d principals are too many for one call.", len(principals)).
			Fix("Pass at most %d.", MaxPrincipals).At("principalIds")
	}
	if in.ExpectedVersion != nil && len(principals) > 1 {
		return fault.New(fault.InvalidValue, "expectedVersion goes with one principal only; there are %d.", len(principals)).
			Fix("Leave it out, or call once per principal.").At("expectedVersion")
	}
	if in.Mode == AssignReplace {
		if in.Add == nil {
			return fault.New(fault.Required, "REPLACE needs add: the assignments that the principals are to have.").
				Fix("Pass [] to remove all of the principals' own.").At("add")
		}
		if len(in.Remove) > 0 {
			return fault.New(fault.InvalidValue, "REPLACE removes everything that is not in add; remove goes with ADD only.").
				Fix("Leave remove out.").At("remove")
		}
	}
	return nil
}

func dedupe(refs []PrincipalRef) []PrincipalRef {
	seen := make(map[PrincipalRef]bool, len(refs))
	return slices.DeleteFunc(slices.Clone(refs), func(r PrincipalRef) bool {
		was := seen[r]
		seen[r] = true
		return was
	})
}

// assigning is one call of Assign at work.
type assigning struct {
	d        *Draft
	in       AssignInput
	wanted   []want
	unwanted []*Product
	results  []*PrincipalResult
	direct   map[uuid.UUID][]*tenantgraph.Assignment
	inherits map[uuid.UUID]map[uuid.UUID][]*principal.Group // user → product → groups
}

func (a *assigning) plan(ctx context.Context, principals []PrincipalRef) error {
	users, err := a.load(ctx, principals)
	if err != nil {
		return err
	}
	for _, ref := range principals {
		r := &PrincipalResult{Principal: ref}
		a.results = append(a.results, r)
		var err error
		switch {
		case ref.Kind == id.Group && a.d.Graph.Group(ref.ID) != nil:
			r.Group = a.d.Graph.Group(ref.ID)
			err = a.group(r)
		case ref.Kind == id.User && users[ref.ID] != nil:
			r.User = users[ref.ID]
			err = a.user(r)
		default:
			err = fault.New(fault.NotFound, "There is no such %s.", ref.Kind)
		}
		if f, ok := fault.As(err); ok {
			r.Errors = append(r.Errors, f)
		} else if err != nil {
			return err
		}
	}
	if a.in.Atomic && slices.ContainsFunc(a.results, (*PrincipalResult).failed) {
		a.d.abandon()
		a.excuse()
		return nil
	}
	a.d.Summary(a.summary())
	return nil
}

// failed tells whether something is wrong with the principal. That it does not have what is to
// be replaced is not: it is why it was left as it is.
func (r *PrincipalResult) failed() bool {
	return slices.ContainsFunc(r.Errors, func(e *fault.Error) bool { return e.Code != fault.NotApplied })
}

// excuse tells of the principals of an atomic call that nothing was done to them because of
// others.
func (a *assigning) excuse() {
	for _, r := range a.results {
		if r.Changed = false; len(r.Errors) == 0 {
			r.Errors = append(r.Errors, NotAppliedForOthers())
		}
	}
}

// NotAppliedForOthers is what those bear with whom nothing is wrong, where an atomic call was
// refused because of others (R25).
func NotAppliedForOthers() *fault.Error {
	return fault.New(fault.NotApplied, "Nothing was changed, because others of this call were refused and it is atomic.").
		Fix("Correct the others, or call without atomic.")
}

// load reads, for all principals that are users: themselves, their own assignments, and the
// groups through which they have a product that is to be removed.
func (a *assigning) load(ctx context.Context, principals []PrincipalRef) (map[uuid.UUID]*principal.User, error) {
	users := map[uuid.UUID]*principal.User{}
	a.direct = map[uuid.UUID][]*tenantgraph.Assignment{}
	var ids []uuid.UUID
	for _, ref := range principals {
		if ref.Kind == id.User {
			ids = append(ids, ref.ID)
		}
	}
	if len(ids) == 0 {
		return users, nil
	}
	tx, q := a.d.Tx, a.d.Tx.Dialect()
	err := database.Each(ctx, tx, func(scan func(...any) error) error {
		u := &principal.User{}
		err := scan(&u.ID, &u.UserPrincipalName, &u.DisplayName, &u.UsageLocation, &u.Version)
		users[u.ID] = u
		return err
	}, `SELECT id, user_principal_name, display_name, usage_location, version FROM users WHERE tenant_id = $1 AND deleted_at IS NULL AND `+q.In("id", 2),
		a.d.Tenant, q.UUIDArray(ids))
	if err != nil {
		return nil, fmt.Errorf("load the principals: %w", err)
	}
	own, err := loadAssignments(ctx, tx, `assignments WHERE tenant_id = $1 AND `+q.In("user_id", 2), a.d.Tenant, q.UUIDArray(ids))
	if err != nil {
		return nil, fmt.Errorf("load the principals' assignments: %w", err)
	}
	for _, as := range own {
		a.direct[as.UserID] = append(a.direct[as.UserID], as)
	}
	for _, u := range users {
		if drafted := a.d.users[u.ID]; drafted != nil && drafted.after != nil { // moved by another change of the draft
			u.UsageLocation = drafted.after.UsageLocation
		}
	}
	return users, a.loadInherited(ctx, ids)
}

func (a *assigning) loadInherited(ctx context.Context, users []uuid.UUID) error {
	a.inherits = map[uuid.UUID]map[uuid.UUID][]*principal.Group{}
	if len(a.unwanted) == 0 {
		return nil
	}
	var groups []uuid.UUID
	for _, g := range a.d.Graph.TouchingGroups() {
		if slices.ContainsFunc(a.d.Graph.Reach(g), func(r tenantgraph.Reached) bool { return slices.Contains(a.unwanted, r.Product) }) ||
			slices.ContainsFunc(a.d.Graph.Excluded(g), func(b *tenantgraph.Bound) bool { return slices.Contains(a.unwanted, b.Product) }) {
			groups = append(groups, g)
		}
	}
	if len(groups) == 0 {
		return nil
	}
	q := a.d.Tx.Dialect()
	members := map[uuid.UUID][]tenantgraph.Member{}
	err := database.Each(ctx, a.d.Tx, func(scan func(...any) error) error {
		var user uuid.UUID
		var m tenantgraph.Member
		err := scan(&user, &m.Group)
		members[user] = append(members[user], m)
		return err
	}, `SELECT user_id, group_id FROM memberships WHERE tenant_id = $1 AND `+q.In("user_id", 2)+` AND `+q.In("group_id", 3),
		a.d.Tenant, q.UUIDArray(users), q.UUIDArray(groups))
	if err != nil {
		return fmt.Errorf("find what the principals inherit: %w", err)
	}
	for user, of := range members {
		a.inherits[user] = map[uuid.UUID][]*principal.Group{}
		for _, r := range a.d.Graph.Inherit(of) {
			a.inherits[user][r.ProductID] = append(a.inherits[user][r.ProductID], a.d.Graph.Group(r.GroupID))
		}
	}
	return nil
}

func (a *assigning) checkVersion(version int, name string) error {
	if a.in.ExpectedVersion != nil && *a.in.ExpectedVersion != version {
		return VersionConflict(locale.T("%s", name), version, *a.in.ExpectedVersion)
	}
	return nil
}

// VersionConflict is the refusal of a change made on an outdated reading.
func VersionConflict(what locale.Text, is, expected int) *fault.Error {
	return fault.New(fault.VersionConflict, "%s has version %d by now, not %d: somebody changed it in the meantime.", what, is, expected).
		Fix("Read it again, and repeat the change if it is still wanted.").At("expectedVersion")
}

func (a *assigning) user(r *PrincipalResult) error {
	if err := a.checkVersion(r.User.Version, r.User.DisplayName); err != nil {
		return err
	}
	own := map[uuid.UUID]*tenantgraph.Assignment{}
	for _, as := range a.direct[r.User.ID] {
		own[as.ProductID] = as
	}
	for _, w := range a.wanted {
		if err := w.forUser(); err != nil {
			return err.At("add", w.at)
		}
	}
	if err := a.applies(own); err != nil {
		return err
	}
	if err := a.fits(own, false); err != nil {
		return err
	}
	parts := map[uuid.UUID]*directDraft{}
	for _, w := range a.wanted {
		before := own[w.product.ID]
		after, err := a.d.revise(own, w, r.User.ID, uuid.Nil, "add")
		if err != nil {
			return err
		}
		if after != before {
			parts[w.product.ID] = &directDraft{before: before, after: after, field: "add", at: w.at}
		}
		if w.replaces != nil {
			parts[w.replaces.ID] = &directDraft{before: own[w.replaces.ID], field: "add", at: w.at}
		}
	}
	if err := locationNeeded(r.User, a.wanted, own, "add"); err != nil {
		return err
	}
	for _, p := range a.unwanted {
		switch before, groups := own[p.ID], a.inherits[r.User.ID][p.ID]; {
		case before != nil:
			parts[p.ID] = &directDraft{before: before, field: "remove", at: slices.Index(a.in.Remove, p.ID)}
		case len(groups) > 0: // R21
			return fault.New(fault.LicenseIsInherited, "%s has %s through %s, not directly.", r.User.DisplayName, p.DisplayName, groupNames(groups)).
				Fix("Remove the product from the group, or the user from the group.").
				At("remove", slices.Index(a.in.Remove, p.ID)).With(&InheritedDetails{Groups: groups})
		}
	}
	for _, before := range a.replaced(own) {
		parts[before.ProductID] = &directDraft{before: before, field: "add", at: -1}
	}
	if len(parts) > 0 {
		u := a.d.user(r.User.ID)
		if u.judged = true; u.direct == nil {
			u.direct = map[uuid.UUID]*directDraft{}
		}
		for product, part := range parts {
			part.part = a.d.part
			u.direct[product] = part
		}
		r.Changed = true
		a.d.Subject(id.User, r.User.ID, r.User.DisplayName)
	}
	return nil
}

// applies refuses, for one principal, adds that replace what it has no assignment of its own of.
func (a *assigning) applies(own map[uuid.UUID]*tenantgraph.Assignment) error {
	for _, w := range a.wanted {
		if w.replaces != nil && own[w.replaces.ID] == nil {
			return fault.New(fault.NotApplied, "Left as it is: it has no assignment of its own of %s to replace.", w.replaces.DisplayName).
				At("add", w.at, "replaces")
		}
	}
	return nil
}

// fits refuses, for one principal, adds whose dates its own assignments cannot have, or a group's
// whose reserve is beyond its limit.
func (a *assigning) fits(own map[uuid.UUID]*tenantgraph.Assignment, group bool) error {
	for _, w := range a.wanted {
		var after tenantgraph.Assignment
		if before := own[w.product.ID]; before != nil {
			after = *before
			if err := w.date(&after, a.d.Now); err != nil {
				return err.At("add", w.at)
			}
		}
		if !group {
			continue
		}
		if err := w.place(&after); err != nil {
			return err.At("add", w.at)
		}
	}
	return nil
}

// replaced returns what REPLACE ends: the principal's own assignments that are not asked for.
func (a *assigning) replaced(own map[uuid.UUID]*tenantgraph.Assignment) []*tenantgraph.Assignment {
	var ended []*tenantgraph.Assignment
	if a.in.Mode == AssignReplace {
		for _, before := range own {
			if !slices.ContainsFunc(a.wanted, func(w want) bool {
				return w.product.ID == before.ProductID || w.replaces != nil && w.replaces.ID == before.ProductID
			}) {
				ended = append(ended, before)
			}
		}
	}
	return ended
}

func groupNames(groups []*principal.Group) string {
	names := ""
	for i, g := range groups {
		if i > 0 {
			names += ", "
		}
		names += g.DisplayName
	}
	return names
}

func (a *assigning) group(r *PrincipalResult) error {
	if err := a.checkVersion(r.Group.Version, r.Group.DisplayName); err != nil {
		return err
	}
	own := map[uuid.UUID]*tenantgraph.Assignment{}
	for _, b := range a.d.Graph.AssignmentsOf(r.Group.ID) {
		own[b.ProductID] = b.Assignment
	}
	for _, w := range a.wanted {
		if err := w.forGroup(r.Group); err != nil {
			return err.At("add", w.at)
		}
	}
	if err := a.applies(own); err != nil {
		return err
	}
	if err := a.fits(own, true); err != nil {
		return err
	}
	var put, drop []*tenantgraph.Assignment
	for _, w := range a.wanted {
		after, err := a.d.revise(own, w, uuid.Nil, r.Group.ID, "add")
		if err != nil {
			return err
		}
		if after != own[w.product.ID] {
			put = append(put, after)
		}
		if w.replaces != nil {
			drop = append(drop, own[w.replaces.ID])
		}
	}
	for _, p := range a.unwanted {
		if before := own[p.ID]; before != nil {
			drop = append(drop, before)
		}
	}
	for _, before := range append(drop, a.replaced(own)...) {
		a.d.edit.DropAssignment(before.ID)
		r.Changed = true
	}
	for _, as := range put {
		a.d.edit.PutAssignment(as)
		r.Changed = true
	}
	if r.Changed {
		a.d.touch(r.Group.ID)
		a.d.Subject(id.Group, r.Group.ID, r.Group.DisplayName)
	}
	return nil
}

// finish completes the results once the engine has judged.
func (a *assigning) finish(out *Outcome) []*PrincipalResult {
	if a.in.Atomic && len(out.Refused) > 0 {
		defer a.excuse()
	}
	g, stored := a.d.Graph, out.Changed && !out.DryRun
	if stored {
		g = a.d.edit.Graph()
	}
	for _, r := range a.results {
		if refusal := out.Refused[r.Principal.ID]; refusal != nil {
			r.Errors, r.Changed = append(r.Errors, refusal), false
		}
		var own []*tenantgraph.Assignment
		switch {
		case r.Group != nil:
			for _, b := range g.AssignmentsOf(r.Group.ID) {
				own = append(own, b.Assignment)
			}
		case r.User != nil:
			own = a.direct[r.User.ID]
			if u := a.d.users[r.User.ID]; u != nil && stored {
				own = u.directAfter(own)
			}
		}
		for _, as := range own {
			r.Assignments = append(r.Assignments, AssignmentOf(g, as))
		}
		sortByProduct(r.Assignments)
	}
	return a.results
}

func (a *assigning) summary() string {
	text := ""
	if a.in.Mode == AssignReplace {
		text += " ="
	}
	for _, w := range a.wanted {
		text += " +" + w.product.DisplayName
		if w.replaces != nil {
			text += " (for " + w.replaces.DisplayName + ")"
		}
	}
	for _, p := range a.unwanted {
		text += " −" + p.DisplayName
	}
	if len(a.results) == 1 {
		r := a.results[0]
		if r.User != nil {
			return r.User.DisplayName + ":" + text
		}
		if r.Group != nil {
			return r.Group.DisplayName + ":" + text
		}
	}
	return fmt.Sprintf("%d principals:%s", len(a.results), text)
}

// AssignDirect gives products to a user whom the draft creates. With
// must, a refusal by the engine refuses the whole change.
//
// Errors, with paths from "licenses": as Assign.
func (d *Draft) AssignDirect(user uuid.UUID, add []LicenseInput, must bool) error {
	wanted, _, err := checkWanted(d.Graph, d.Now, "licenses", add, nil)
	if err != nil {
		return err
	}
	if len(wanted) == 0 {
		return nil
	}
	u := d.user(user)
	u.judged, u.must = true, must
	u.direct = map[uuid.UUID]*directDraft{}
	for _, w := range wanted {
		if err := w.forUser(); err != nil {
			return err.At("licenses", w.at)
		}
	}
	for _, w := range wanted {
		if w.replaces != nil {
			return fault.New(fault.InvalidValue, "A new user has nothing that could be replaced.").Fix("Leave it out.").At("licenses", w.at, "replaces")
		}
		a, err := d.revise(nil, w, user, uuid.Nil, "licenses")
		if err != nil {
			return err
		}
		u.direct[w.product.ID] = &directDraft{after: a, field: "licenses", at: w.at, part: d.part}
	}
	if err := locationNeeded(u.after, wanted, nil, "licenses"); err != nil {
		return err
	}
	return nil
}

// Reprocess is what other systems need to bring derived licenses up to date. Here they are
// exact at every commit, so it never changes anything (R13): it checks the principals.
//
// Errors: NOT_FOUND with the principal's index; TOO_MANY.
func (s *Service) Reprocess(ctx context.Context, tenant uuid.UUID, principals []PrincipalRef, dryRun bool) (*Outcome, error) {
	if n := len(dedupe(principals)); n > MaxPrincipals {
		return nil, fault.New(fault.TooMany, "%d principals are too many for one call.", n).Fix("Pass at most %d.", MaxPrincipals).At("principalIds")
	}
	return s.Change(ctx, tenant, Options{Action: audit.LicensesAssign, DryRun: dryRun}, func(ctx context.Context, d *Draft) error {
		a := &assigning{d: d}
		users, err := a.load(ctx, principals)
		if err != nil {
			return err
		}
		for i, ref := range principals {
			if ref.Kind == id.Group && d.Graph.Group(ref.ID) == nil || ref.Kind == id.User && users[ref.ID] == nil {
				return fault.New(fault.NotFound, "There is no such %s.", ref.Kind).At("principalIds", i)
			}
		}
		return nil
	})
}
