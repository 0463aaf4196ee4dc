package licensing_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// newShop is an office in which base, suite and addon share the plan extra, with seats of all.
func newShop(t *testing.T, db *database.DB, seats int) *office {
	t.Helper()
	o := newOffice(t, db)
	o.catalogue(func(data *tenantgraph.CatalogData) {
		data.ProductPlans = map[uuid.UUID][]uuid.UUID{base: {mail, talk, extra}, suite: {drive, note, extra}, addon: {extra}}
	})
	for _, p := range []uuid.UUID{base, suite, addon} {
		o.buy(p, seats)
	}
	return o
}

// bulk makes a call and tells each principal's code, in the order of the input.
func (o *office) bulk(in licensing.AssignInput) (*licensing.AssignOutcome, []fault.Code) {
	o.Helper()
	out, err := o.service.Assign(o.Context(), o.tenant, in)
	if err != nil {
		o.Fatal(err)
	}
	var codes []fault.Code
	for _, r := range out.Results {
		code := fault.Code("")
		if len(r.Errors) > 0 {
			code = r.Errors[0].Code
		}
		if r.Changed && code != "" {
			o.Errorf("%v is said to be changed and refused for %s", r.Principal, code)
		}
		codes = append(codes, code)
	}
	return out, codes
}

func (o *office) selection(ref licensing.PrincipalRef, product uuid.UUID) tenantgraph.Selection {
	o.Helper()
	column := "user_id"
	if ref == group(ref.ID) {
		column = "group_id"
	}
	rows := o.query(`SELECT mode, plans FROM assignments WHERE `+column+` = $1 AND product_id = $2`, ref.ID, product)
	if len(rows) != 1 {
		o.Fatalf("%v has %d assignments of %s", ref, len(rows), product)
	}
	all, err := o.service.ReadUsers(o.Context(), o.tenant, []uuid.UUID{ref.ID})
	if err == nil && all[0] != nil {
		for _, a := range all[0].DirectAssignments() {
			if a.Product.ID == product {
				return tenantgraph.Selection{Mode: a.Selection.Mode, Plans: planIDs(a.Selection.Plans())}
			}
		}
	}
	g, err := o.service.Graph(o.Context(), o.tenant)
	if err != nil {
		o.Fatal(err)
	}
	for _, b := range g.AssignmentsOf(ref.ID) {
		if b.ProductID == product {
			return b.Selection
		}
	}
	o.Fatal("no such assignment")
	return tenantgraph.Selection{}
}

func planIDs(plans []*licensing.Plan) []uuid.UUID {
	var ids []uuid.UUID
	for _, p := range plans {
		ids = append(ids, p.ID)
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return ids
}

func TestReplaceTouchesThePrincipalsOwnAssignmentsOnlyR25(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newShop(t, db, 10)
		o.join(sales, ann)
		o.assign(group(sales), give(addon), nil, "")
		o.assign(user(ann), give(base), nil, "")
		o.assign(user(bob), give(base, suite), nil, fault.MutuallyExclusiveViolation)
		o.assign(user(bob), only(base, mail), nil, "")
		in := licensing.AssignInput{Principals: []licensing.PrincipalRef{user(ann), user(bob), user(cid), group(all)}, Add: give(suite), Mode: licensing.AssignReplace}
		out, codes := o.bulk(in)
		if !out.Changed || !slices.Equal(codes, make([]fault.Code, 4)) {
			t.Errorf("codes %v", codes)
		}
		o.holds(ann, suite, addon) // the inherited one stays
		o.holds(bob, suite)
		o.holds(cid, suite)
		if again, _ := o.bulk(in); again.Changed {
			t.Error("a repetition changes something")
		}
		in.Add = []licensing.LicenseInput{}
		o.bulk(in)
		o.holds(ann, addon)
		o.holds(bob)
		for name, in := range map[string]licensing.AssignInput{
			"REQUIRED":      {Principals: in.Principals, Mode: licensing.AssignReplace},
			"INVALID_VALUE": {Principals: in.Principals, Mode: licensing.AssignReplace, Add: give(base), Remove: []uuid.UUID{suite}},
		} {
			_, err := o.service.Assign(t.Context(), o.tenant, in)
			o.refused(err, fault.Code(name))
		}
		o.verify(t)
	})
}

func TestAtomicCallIsDoneWholeOrNotAtAllR25(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newShop(t, db, 2)
		ghost := licensing.PrincipalRef{Kind: user(ann).Kind, ID: numbered(4, 99)}
		for name, c := range map[string]struct {
			refs []licensing.PrincipalRef
			want []fault.Code
		}{
			"a principal that is not there": {
				[]licensing.PrincipalRef{user(ann), ghost, group(sales)},
				[]fault.Code{fault.NotApplied, fault.NotFound, fault.NotApplied},
			},
			"one seat too few": {
				[]licensing.PrincipalRef{user(cid), group(sales), user(ann), user(bob)},
				[]fault.Code{fault.CountViolation, fault.NotApplied, fault.NotApplied, fault.NotApplied},
			},
		} {
			t.Run(name, func(t *testing.T) {
				o := o.in(t)
				for _, dryRun := range []bool{true, false} {
					o.unchanged(func() {
						out, codes := o.bulk(licensing.AssignInput{Principals: c.refs, Add: give(base), Atomic: true, DryRun: dryRun})
						if out.Changed || !slices.Equal(codes, c.want) || out.Impact.UsersGaining > 0 || out.Impact.ChangeCount() > 0 {
							t.Errorf("changed %v, codes %v, %d gain", out.Changed, codes, out.Impact.UsersGaining)
						}
					})
				}
			})
		}
		o.join(sales, ann, bob, cid)
		out, codes := o.bulk(licensing.AssignInput{Principals: []licensing.PrincipalRef{group(sales)}, Add: give(base), Atomic: true})
		if !out.Changed || codes[0] != "" { // members in error do not fail it
			t.Errorf("changed %v, codes %v", out.Changed, codes)
		}
		if s := o.seats(base); s.Consumed != 2 || s.Waiting != 1 {
			t.Errorf("seats %+v", s)
		}
	})
}

func TestSwitchMovesPlansAndKeepsTheModeR2R25(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newShop(t, db, 10)
		except := func(plans ...uuid.UUID) []licensing.LicenseInput {
			return []licensing.LicenseInput{{Product: base, Plans: &licensing.SelectionInput{Mode: tenantgraph.Except, Plans: plans}}}
		}
		o.assign(user(ann), give(base), nil, "")
		o.assign(user(bob), except(talk, mail), nil, "")
		o.assign(group(sales), only(base, mail, talk), nil, "")
		refs := []licensing.PrincipalRef{user(ann), user(bob), group(sales), user(cid)}
		in := licensing.AssignInput{Principals: refs, Add: []licensing.LicenseInput{{Product: base, Switch: &licensing.SwitchInput{On: []uuid.UUID{extra, mail}, Off: []uuid.UUID{talk}}}}}
		o.bulk(in)
		for i, want := range []tenantgraph.Selection{
			{Mode: tenantgraph.Except, Plans: []uuid.UUID{talk}},
			{Mode: tenantgraph.Except, Plans: []uuid.UUID{talk}},
			{Mode: tenantgraph.Only, Plans: []uuid.UUID{mail, extra}},
			{Mode: tenantgraph.Except, Plans: []uuid.UUID{talk}}, // a new one starts from all
		} {
			if got := o.selection(refs[i], base); !got.Equal(want) {
				t.Errorf("principal %d: %+v, want %+v", i, got, want)
			}
		}
		if again, _ := o.bulk(in); again.Changed {
			t.Error("a repetition changes something")
		}
		in.Add[0].Switch = &licensing.SwitchInput{On: []uuid.UUID{talk}}
		o.bulk(in)
		if got := o.selection(user(ann), base); got.Mode != tenantgraph.All {
			t.Errorf("with everything on the selection is %+v", got)
		}
		o.verify(t)
	})
}

// A swap of many keeps each one's own switched-off plans, reaches only those who had the old
// product, and can be repeated when its answer was lost.
func TestSwapForThoseWhoHadItKeepsTheirPlansR23R25(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newShop(t, db, 2)
		without := func(p uuid.UUID, plans ...uuid.UUID) []licensing.LicenseInput {
			return []licensing.LicenseInput{{Product: p, Plans: &licensing.SelectionInput{Mode: tenantgraph.Except, Plans: plans}}}
		}
		o.assign(user(ann), without(base, extra, mail), nil, "")
		o.assign(group(sales), only(base, talk), nil, "")
		o.join(sales, bob)
		refs := []licensing.PrincipalRef{user(ann), user(cid), group(sales), group(all)}
		in := licensing.AssignInput{Principals: refs, Add: []licensing.LicenseInput{{Product: suite, PlansFrom: ptr(base), Replaces: ptr(base)}}}
		want := []fault.Code{"", fault.NotApplied, "", fault.NotApplied}
		out, codes := o.bulk(in)
		if !slices.Equal(codes, want) || out.Impact.UsersGaining != 2 || out.Impact.UsersLosing != 2 {
			t.Errorf("codes %v, %d gain, %d lose", codes, out.Impact.UsersGaining, out.Impact.UsersLosing)
		}
		if path := out.Results[1].Errors[0].Path; !slices.Equal(path, []string{"add", "0", "replaces"}) {
			t.Errorf("path %v", path)
		}
		o.holds(ann, suite)
		o.holds(bob, suite)
		o.holds(cid)
		for _, ref := range []licensing.PrincipalRef{user(ann), group(sales)} {
			if got, want := o.selection(ref, suite), (tenantgraph.Selection{Mode: tenantgraph.Except, Plans: []uuid.UUID{extra}}); !got.Equal(want) {
				t.Errorf("%v selects %+v, want %+v", ref, got, want)
			}
		}
		again, codes := o.bulk(in)
		if again.Changed || slices.Contains(codes, "") {
			t.Errorf("repeated: changed %v, codes %v", again.Changed, codes)
		}
		o.verify(t)
	})
}

func TestContradictoryAddsRefuseTheWholeCallR23R25(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newShop(t, db, 2)
		onOff := &licensing.SwitchInput{On: []uuid.UUID{mail}, Off: []uuid.UUID{talk, mail}}
		all := &licensing.SelectionInput{Mode: tenantgraph.All}
		unknown := numbered(1, 99)
		for name, c := range map[string]struct {
			add    []licensing.LicenseInput
			remove []uuid.UUID
			want   fault.Code
			path   []string
		}{
			"on and off":              {[]licensing.LicenseInput{{Product: base, Switch: onOff}}, nil, fault.DuplicateValue, []string{"add", "0", "plans", "switch", "off", "1"}},
			"a plan of another":       {[]licensing.LicenseInput{{Product: base, Switch: &licensing.SwitchInput{On: []uuid.UUID{drive}}}}, nil, fault.PlanNotInProduct, []string{"add", "0", "plans", "switch", "on", "0"}},
			"plans in two ways":       {[]licensing.LicenseInput{{Product: base, Plans: all, PlansFrom: &suite}}, nil, fault.InvalidValue, []string{"add", "0", "plans"}},
			"plans from nowhere":      {[]licensing.LicenseInput{{Product: base, PlansFrom: &unknown}}, nil, fault.NotFound, []string{"add", "0", "plansFrom"}},
			"replacing nothing known": {[]licensing.LicenseInput{{Product: base, Replaces: &unknown}}, nil, fault.NotFound, []string{"add", "0", "replaces"}},
			"replacing itself":        {[]licensing.LicenseInput{{Product: base, Replaces: &base}}, nil, fault.DuplicateValue, []string{"add", "0", "replaces"}},
			"replacing what is added": {[]licensing.LicenseInput{{Product: base, Replaces: &suite}, {Product: suite}}, nil, fault.DuplicateValue, []string{"add", "0", "replaces"}},
			"replaced and removed":    {[]licensing.LicenseInput{{Product: base, Replaces: &suite}}, []uuid.UUID{addon, suite}, fault.DuplicateValue, []string{"remove", "1"}},
			"added and removed":       {give(base), []uuid.UUID{base}, fault.DuplicateValue, []string{"remove", "0"}},
		} {
			t.Run(name, func(t *testing.T) {
				o := o.in(t)
				o.unchanged(func() {
					_, err := o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{user(ann)}, Add: c.add, Remove: c.remove})
					if f := o.refused(err, c.want); !slices.Equal(f.Path, c.path) {
						t.Errorf("path %v, want %v", f.Path, c.path)
					}
				})
			})
		}
	})
}
