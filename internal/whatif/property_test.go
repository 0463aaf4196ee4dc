package whatif_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/whatif"
)

// TestPreviewEqualsApplyOnRandomWorldsR30 draws histories of sets of changes. Whatever a preview
// says, applying it does, whatever was changed meanwhile, or refuses; a second time is refused; what it
// refuses changes nothing; one change alone does what its mutation's dry run says; and the order of the
// changes makes no difference.
func TestPreviewEqualsApplyOnRandomWorldsR30(t *testing.T) {
	for name, load := range map[string]int{"loaded": 0, "grouped": -1} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				w := newWorld(t, db, load)
				n := 0
				rapid.Check(t, func(rt *rapid.T) {
					n++
					w.tenant = w.newTenant(fmt.Sprint("Tenant ", n))
					newDrawing(w, rt).run()
				})
			})
		})
	}
}

// drawing is one random history.
type drawing struct {
	w      *world
	t      *rapid.T
	users  []uuid.UUID
	groups []uuid.UUID
	subs   []uuid.UUID
	names  int
}

func newDrawing(w *world, t *rapid.T) *drawing {
	d := &drawing{w: w, t: t}
	for p := range w.products {
		d.subs = append(d.subs, w.subscribe(p, rapid.IntRange(0, 3).Draw(t, "seats")))
	}
	for range 4 {
		d.names++
		d.users = append(d.users, w.user(fmt.Sprint("User", d.names)).ID)
	}
	for range 3 {
		d.names++
		d.groups = append(d.groups, w.group(fmt.Sprint("Group", d.names)).ID)
	}
	w.ok(second(w.licensing.UpdateTenant(w.t.Context(), w.tenant, licensing.UpdateTenantInput{LossThreshold: ptr(rapid.IntRange(0, 1).Draw(t, "threshold"))})))
	return d
}

func (d *drawing) run() {
	ctx := d.w.t.Context()
	for range rapid.IntRange(3, 10).Draw(d.t, "steps") {
		d.w.clock.Advance(time.Second)
		var changes []whatif.Change
		for range rapid.IntRange(1, 4).Draw(d.t, "changes") {
			changes = append(changes, d.change())
		}
		before := d.state()
		seen := d.w.preview(changes...)
		if after := d.state(); after != before {
			d.t.Fatalf("a preview changed something:\n%s\n%s", before, after)
		}
		if len(changes) == 1 {
			d.sameAsDryRun(changes[0], seen)
		}
		turned := slices.Clone(changes)
		slices.Reverse(turned)
		if other := d.w.preview(turned...); (other.Token == "") != (seen.Token == "") || numbers(other.Impact) != numbers(seen.Impact) {
			d.t.Fatalf("in another order:\n%s\n%s", d.told(seen), d.told(other))
		}
		if seen.Token == "" {
			continue
		}
		d.w.clock.Advance(time.Second)
		want := d.told(seen)
		if seen.Confirmation != nil {
			_, err := d.w.whatif.Apply(ctx, d.w.tenant, changes, seen.Token, nil)
			if e, ok := fault.As(err); !ok || e.Code != fault.ConfirmationRequired || !reflect.DeepEqual(e.Details, seen.Confirmation.Details) {
				d.t.Fatalf("previewed was %v, refused was %v", seen.Confirmation, err)
			}
		}
		other := rapid.Bool().Draw(d.t, "something changes meanwhile") && d.make(d.change())
		done, err := d.w.apply(seen.Token, changes...)
		if other && fault.CodeOf(err) == fault.VersionConflict {
			d.sound()
			d.learn()
			continue
		}
		if err != nil {
			d.t.Fatalf("%v\n%s", err, d.told(seen))
		}
		if got := d.told(done); got != want {
			d.t.Fatalf("previewed:\n%s\napplied:\n%s", want, got)
		}
		if _, err := d.w.apply(seen.Token, changes...); done.Changed && fault.CodeOf(err) != fault.VersionConflict {
			d.t.Fatalf("a second time: %v", err)
		}
		d.sound()
		d.learn()
	}
}

// make makes a change at once, and tells whether it changed anything.
func (d *drawing) make(c whatif.Change) bool {
	out := d.w.preview(c)
	if out.Token == "" || !out.Changed {
		return false
	}
	d.w.clock.Advance(time.Second)
	_, err := d.w.apply(out.Token, c)
	d.w.ok(err)
	return true
}

// change draws one change of what is there, deleted users included.
func (d *drawing) change() whatif.Change {
	user := func() uuid.UUID { return rapid.SampledFrom(d.users).Draw(d.t, "user") }
	group := func() uuid.UUID { return rapid.SampledFrom(d.groups).Draw(d.t, "group") }
	product := func() uuid.UUID { return rapid.SampledFrom(d.w.products).Draw(d.t, "product") }
	ref := func() licensing.PrincipalRef {
		if rapid.Bool().Draw(d.t, "of a group") {
			return licensing.PrincipalRef{Kind: id.Group, ID: group()}
		}
		return licensing.PrincipalRef{Kind: id.User, ID: user()}
	}
	member := func() []string {
		m := ref()
		return []string{id.Format(m.Kind, m.ID)}
	}
	location := func() *string {
		return rapid.SampledFrom([]*string{ptr("NL"), ptr("BE"), nil}).Draw(d.t, "location")
	}
	license := func() licensing.LicenseInput {
		in := licensing.LicenseInput{Product: product()}
		if rapid.IntRange(0, 3).Draw(d.t, "plans") == 0 {
			in.Plans = &licensing.SelectionInput{Mode: tenantgraph.Only}
		}
		return in
	}
	ofGroup := func(in licensing.LicenseInput) licensing.LicenseInput { // what users do not have
		switch n := rapid.IntRange(0, 8).Draw(d.t, "places"); {
		case n < 3:
			in.SeatReserve = optional.Of(n)
		case n < 5:
			in.SeatLimit = optional.Of(n - 2)
		case n == 5:
			in.SeatLimit = optional.Null[int]()
		}
		return in
	}
	to := func() *licensing.AssignInput {
		in := &licensing.AssignInput{Principals: []licensing.PrincipalRef{ref()}, Add: []licensing.LicenseInput{license()}}
		if in.Principals[0].Kind == id.Group {
			in.Add[0] = ofGroup(in.Add[0])
		}
		return in
	}
	switch rapid.IntRange(0, 16).Draw(d.t, "kind") {
	case 0, 1, 2:
		return whatif.Change{AssignLicenses: to()}
	case 3:
		return whatif.Change{AssignLicenses: &licensing.AssignInput{Principals: []licensing.PrincipalRef{ref()}, Remove: []uuid.UUID{product()}}}
	case 4:
		in := to()
		in.Mode = licensing.AssignReplace
		return whatif.Change{AssignLicenses: in}
	case 5:
		d.names++
		in := newUser(fmt.Sprint("User", d.names))
		if in.UsageLocation = location(); rapid.Bool().Draw(d.t, "licensed") {
			in.Licenses = []licensing.LicenseInput{license()}
		}
		return whatif.Change{CreateUser: &in}
	case 6:
		return whatif.Change{UpdateUser: &directory.UpdateUserInput{ID: user(), UsageLocation: optional.Optional[string]{Set: true, Value: location()}}}
	case 7:
		return whatif.Change{DeleteUser: &directory.DeleteUserInput{ID: user()}}
	case 8:
		return whatif.Change{RestoreUser: &directory.RestoreUserInput{ID: user()}}
	case 9:
		d.names++
		return whatif.Change{CreateGroup: &directory.CreateGroupInput{DisplayName: fmt.Sprint("Group", d.names), MemberIDs: member()}}
	case 10:
		d.names++
		return whatif.Change{UpdateGroup: &directory.UpdateGroupInput{ID: group(), DisplayName: optional.Of(fmt.Sprint("Group", d.names))}}
	case 11:
		return whatif.Change{DeleteGroup: &directory.DeleteGroupInput{ID: group()}}
	case 12, 13:
		return whatif.Change{AddGroupMembers: &directory.MembersInput{Group: group(), MemberIDs: member()}}
	case 14:
		return whatif.Change{ChangeGroupMembers: &directory.ChangeMembersInput{Changes: []directory.MembersChange{{Group: group(), Add: member()}, {Group: group(), Remove: member()}}}}
	case 15:
		return whatif.Change{UpdateSubscription: &licensing.UpdateSubscriptionInput{
			ID: rapid.SampledFrom(d.subs).Draw(d.t, "subscription"), Seats: optional.Of(rapid.IntRange(0, 3).Draw(d.t, "seats")),
			AllowOverAllocation: rapid.Bool().Draw(d.t, "over"),
		}}
	}
	if rapid.Bool().Draw(d.t, "buy") {
		return whatif.Change{CreateSubscription: &licensing.CreateSubscriptionInput{Product: product(), Seats: ptr(rapid.IntRange(0, 2).Draw(d.t, "seats"))}}
	}
	return whatif.Change{CancelSubscription: &licensing.CancelSubscriptionInput{ID: rapid.SampledFrom(d.subs).Draw(d.t, "subscription")}}
}

// sameAsDryRun holds the preview of one change against its mutation's dry run.
func (d *drawing) sameAsDryRun(c whatif.Change, seen *whatif.Outcome) {
	ctx, w := d.w.t.Context(), d.w
	var out *licensing.Outcome
	var err error
	failed := false
	member := func(r *directory.MembersResult, e error) {
		if err = e; e != nil {
			return
		}
		out = r.Outcome
		failed = slices.ContainsFunc(r.Results, func(m *directory.MemberResult) bool { return len(m.Errors) > 0 })
	}
	switch {
	case c.AssignLicenses != nil:
		in := *c.AssignLicenses
		in.DryRun = true
		var r *licensing.AssignOutcome
		if r, err = w.licensing.Assign(ctx, w.tenant, in); err == nil {
			out = r.Outcome
			failed = slices.ContainsFunc(r.Results, func(p *licensing.PrincipalResult) bool { return len(p.Errors) > 0 })
		}
	case c.DeleteUser != nil:
		in := *c.DeleteUser
		in.DryRun = true
		var r *directory.UserResult
		if r, err = w.directory.DeleteUser(ctx, w.tenant, in); err == nil {
			out = r.Outcome
		}
	case c.DeleteGroup != nil:
		in := *c.DeleteGroup
		in.DryRun = true
		var r *directory.GroupResult
		if r, err = w.directory.DeleteGroup(ctx, w.tenant, in); err == nil {
			out = r.Outcome
		}
	case c.AddGroupMembers != nil:
		in := *c.AddGroupMembers
		in.DryRun = true
		member(w.directory.AddGroupMembers(ctx, w.tenant, in))
	case c.UpdateSubscription != nil:
		in := *c.UpdateSubscription
		in.DryRun = true
		var r *licensing.SubscriptionOutcome
		if r, err = w.licensing.UpdateSubscription(ctx, w.tenant, in); err == nil {
			out = r.Outcome
		}
	case c.CancelSubscription != nil:
		in := *c.CancelSubscription
		in.DryRun = true
		var r *licensing.SubscriptionOutcome
		if r, err = w.licensing.CancelSubscription(ctx, w.tenant, in); err == nil {
			out = r.Outcome
		}
	default:
		return
	}
	if e, ok := fault.As(err); err != nil && !ok {
		d.t.Fatal(err)
	} else if ok && (seen.Token != "" || seen.Results[0].Errors[0].Code != e.Code) {
		d.t.Fatalf("the mutation says %s:\n%s", e, d.told(seen))
	}
	if err != nil || failed {
		if seen.Token != "" {
			d.t.Fatalf("the mutation refuses it:\n%s", d.told(seen))
		}
		return
	}
	if seen.Token == "" || numbers(out.Impact) != numbers(seen.Impact) || out.Changed != seen.Changed || (out.Confirmation == nil) != (seen.Confirmation == nil) {
		d.t.Fatalf("the mutation says %v %s %v:\n%s", out.Changed, numbers(out.Impact), out.Confirmation, d.told(seen))
	}
}

func numbers(i *licensing.Impact) string {
	text := fmt.Sprint(i.UsersGaining, i.UsersLosing, i.UsersChanged, i.UsersInError)
	for _, p := range i.Products {
		text += fmt.Sprintf(" %s %d→%d", p.Product.DisplayName, p.SeatsBefore.Consumed, p.SeatsAfter.Consumed)
	}
	return text
}

// told is what an outcome tells of everybody, but for ids that are made.
func (d *drawing) told(out *whatif.Outcome) string {
	var b strings.Builder
	fmt.Fprintln(&b, out.Changed, numbers(out.Impact))
	for _, r := range out.Results {
		fmt.Fprintln(&b, r.Kind, r.Changed, r.Errors)
	}
	if out.Refused {
		return b.String()
	}
	page, err := out.Impact.Changes(d.w.t.Context(), 100, "")
	d.w.ok(err)
	var lines []string
	for _, c := range page.Items {
		user := c.UserID.String()
		if !slices.Contains(d.users, c.UserID) {
			user = "new"
		}
		lines = append(lines, fmt.Sprint(user, c.Product.DisplayName, c.Kind, len(c.PlansAdded), len(c.PlansRemoved), len(c.Errors)))
	}
	slices.Sort(lines)
	return b.String() + strings.Join(lines, "\n")
}

// state is what everybody has, with the seats.
func (d *drawing) state() string {
	ctx, w := d.w.t.Context(), d.w
	views, err := w.licensing.ReadUsers(ctx, w.tenant, d.users)
	w.ok(err)
	var b strings.Builder
	for _, v := range views {
		fmt.Fprintln(&b, v.User.Version, v.User.DeletedAt)
		for _, l := range v.Licenses() {
			fmt.Fprintln(&b, l.Product.DisplayName, l.Status, len(l.Sources))
		}
	}
	products, err := w.licensing.SubscribedProductsByID(ctx, w.tenant, w.products)
	w.ok(err)
	for _, p := range products {
		if p != nil {
			fmt.Fprintln(&b, p.Product.DisplayName, p.Seats.Consumed, p.Seats.Enabled, p.Seats.Waiting, p.Seats.InError)
		}
	}
	return b.String()
}

func (d *drawing) sound() {
	v, err := d.w.licensing.Verify(d.w.t.Context(), d.w.tenant, nil)
	d.w.ok(err)
	for _, p := range v.Problems {
		d.t.Fatalf("verify: %s %s", p.Rule, p.Message)
	}
}

// learn finds out what there is by now.
func (d *drawing) learn() {
	ctx, w := d.w.t.Context(), d.w
	g, err := w.licensing.Graph(ctx, w.tenant)
	w.ok(err)
	d.groups = nil
	for _, one := range g.Groups() {
		d.groups = append(d.groups, one.ID)
	}
	if len(d.groups) == 0 {
		d.names++
		d.groups = []uuid.UUID{w.group(fmt.Sprint("Group", d.names)).ID}
	}
	slices.SortFunc(d.groups, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	ids, err := database.Values[uuid.UUID](ctx, w.db.Reader(), `SELECT id FROM users WHERE tenant_id = $1 ORDER BY id`, w.tenant)
	w.ok(err)
	d.users = ids
	d.subs, err = database.Values[uuid.UUID](ctx, w.db.Reader(), `SELECT id FROM subscriptions WHERE tenant_id = $1 ORDER BY id`, w.tenant)
	w.ok(err)
}
