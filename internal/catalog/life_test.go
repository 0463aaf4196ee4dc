package catalog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/catalog"
	"github.com/licensegraph/licensegraph/internal/catalog/vendorcsv"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// What follows is the catalogue over its life: rules come, change and go, and with each import
// errors appear and clear in its commit, while assignments stay as they were made.

func TestPrerequisitesThatComeChangeAndGoMoveErrorsAndNoAssignmentR10(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		products := sheet{1: {1, 2}, 2: {3}, 3: {4}}
		w.load(input(products, nil))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 1, 2, 3)
		anna, ben, cleo := w.user(tenant, "anna"), w.user(tenant, "ben"), w.user(tenant, "cleo")
		w.assign(tenant, id.User, anna, 1, nil)
		w.assign(tenant, id.User, ben, 1, nil)
		w.assign(tenant, id.User, ben, 2, nil)
		w.assign(tenant, id.Group, w.group(tenant, "everybody", cleo), 2, nil)

		w.keepsIntent(tenant, func() {
			// Anna has neither 3 nor 4; Ben has 3, of another product.
			r := w.load(with(input(products, nil), needs{2: {3, 4}}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01; PLAN_02 DEPENDENCY_VIOLATION")
			w.has(tenant, ben, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02: PLAN_03")
			if impact := r.Tenants[0].Outcome.Impact; impact.UsersInError != 1 || impact.UsersLosing != 0 {
				t.Errorf("impact %+v", impact)
			}
			w.verify(tenant)

			// Not passed: the rules stay, also with another sheet.
			if r := w.load(input(products, nil)); r.Changed {
				t.Errorf("without a file of prerequisites:\n%s", text(t, r.Diff))
			}

			// Now 4 alone will do, and Ben has it not.
			w.load(with(input(products, nil), needs{2: {4}}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01; PLAN_02 DEPENDENCY_VIOLATION")
			w.has(tenant, ben, "PRODUCT_01: PLAN_01; PLAN_02 DEPENDENCY_VIOLATION; PRODUCT_02: PLAN_03")
			w.verify(tenant)

			// Nothing is left on of Cleo's product: it is in error as a whole, and its seat is free.
			r = w.load(with(input(products, nil), needs{2: {1}, 3: {4}}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02")
			w.has(tenant, ben, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02 DEPENDENCY_VIOLATION")
			w.has(tenant, cleo, "PRODUCT_02 DEPENDENCY_VIOLATION")
			if impact := r.Tenants[0].Outcome.Impact; impact.UsersLosing != 2 {
				t.Errorf("impact %+v", impact)
			}
			if n := w.number(`SELECT consumed FROM seat_counters WHERE tenant_id = $1 AND product_id = $2`, tenant, sku(2)); n != 0 {
				t.Errorf("%d seats are consumed", n)
			}
			w.verify(tenant)

			// An empty file withdraws all of them, and everything heals.
			w.load(with(input(products, nil), needs{}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02")
			w.has(tenant, ben, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02: PLAN_03")
			w.has(tenant, cleo, "PRODUCT_02: PLAN_03")
		})
	})
}

// A prerequisite that the vendor takes out of its product takes its dependants along, also those
// of other products.
func TestAPlanThatLeavesItsProductTakesItsDependantsAlongR10R22(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.load(with(input(sheet{1: {1, 5}, 2: {2}, 3: {3}}, nil), needs{2: {1}, 3: {2}}))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 1, 2, 3)
		anna := w.user(tenant, "anna")
		w.assign(tenant, id.User, anna, 1, nil)
		w.assign(tenant, id.User, anna, 2, nil)
		w.assign(tenant, id.User, anna, 3, nil)
		w.keepsIntent(tenant, func() {
			w.load(input(sheet{1: {5}, 2: {2}, 3: {3}}, nil))
			w.has(tenant, anna, "PRODUCT_01: PLAN_05; PRODUCT_02 DEPENDENCY_VIOLATION; PRODUCT_03 DEPENDENCY_VIOLATION")
			w.verify(tenant)
			w.load(input(sheet{1: {1, 5}, 2: {2}, 3: {3}}, nil))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_05; PRODUCT_02: PLAN_02; PRODUCT_03: PLAN_03")
		})
	})
}

func TestLocationsThatComeChangeAndGoMoveErrorsAndNoAssignmentR11(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		products := sheet{1: {1, 2}, 2: {3}}
		w.load(input(products, nil))
		tenant := w.tenant("Harbour") // of NL
		w.subscribe(tenant, 1, 2)
		anna, ben, cleo := w.user(tenant, "anna"), w.userAt(tenant, "ben", "DE"), w.userAt(tenant, "cleo", "")
		everybody := w.group(tenant, "everybody", anna, ben, cleo)
		w.assign(tenant, id.Group, everybody, 1, nil)
		w.assign(tenant, id.Group, everybody, 2, nil)

		w.keepsIntent(tenant, func() {
			w.load(with(input(products, nil), places{2: "nl", 3: "!nl"}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02 PROHIBITED_IN_USAGE_LOCATION_VIOLATION")
			w.has(tenant, ben, "PRODUCT_01: PLAN_01; PLAN_02 PROHIBITED_IN_USAGE_LOCATION_VIOLATION; PRODUCT_02: PLAN_03")
			w.has(tenant, cleo, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02 PROHIBITED_IN_USAGE_LOCATION_VIOLATION") // by the tenant's country
			w.verify(tenant)

			// A country moves from one list to the other.
			w.load(with(input(products, nil), places{2: "!nl", 3: "NL;DE"}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01; PLAN_02 PROHIBITED_IN_USAGE_LOCATION_VIOLATION; PRODUCT_02: PLAN_03")
			w.has(tenant, ben, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02: PLAN_03")
			w.has(tenant, cleo, "PRODUCT_01: PLAN_01; PLAN_02 PROHIBITED_IN_USAGE_LOCATION_VIOLATION; PRODUCT_02: PLAN_03")
			w.verify(tenant)

			w.load(with(input(products, nil), places{}))
			for _, u := range []uuid.UUID{anna, ben, cleo} {
				w.has(tenant, u, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02: PLAN_03")
			}
		})
		if n := w.number(`SELECT count(*) FROM users WHERE usage_location IS NULL`); n != 1 {
			t.Errorf("%d users have no location: the tenant's country was written to one", n)
		}
	})
}

func TestAPlanThatIsMarkedAutomaticTakesPartInNoCheckUntilTheMarkGoesR7(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		products := sheet{1: {1, 2}, 2: {3}, 3: {4, 5}}
		rules := []interface{ csv() string }{sets{"Mail": {2, 3}}, needs{4: {1}}, places{5: "DE"}}
		w.load(with(input(products, nil), rules...))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 1, 2, 3)
		anna := w.user(tenant, "anna")
		everybody := w.group(tenant, "everybody", anna)
		w.assign(tenant, id.User, anna, 1, nil)
		w.assign(tenant, id.Group, everybody, 2, nil)
		const excluded = "PRODUCT_02 MUTUALLY_EXCLUSIVE_VIOLATION"
		w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02; "+excluded)

		w.keepsIntent(tenant, func() {
			w.load(with(input(products, nil), marks{2}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02: PLAN_03") // it excludes nothing
			w.verify(tenant)
			w.load(with(input(products, nil), marks{}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02; "+excluded) // nothing else is in it
		})

		w.assign(tenant, id.Group, everybody, 3, selection(tenantgraph.Only, 4))
		w.keepsIntent(tenant, func() {
			w.load(with(input(products, nil), sets{}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02: PLAN_03; PRODUCT_03: PLAN_04")
			w.load(with(input(products, nil), marks{1}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02: PLAN_03; PRODUCT_03 DEPENDENCY_VIOLATION") // it satisfies nothing
			w.verify(tenant)
			w.load(with(input(products, nil), marks{1, 4, 5}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02: PLAN_03; PRODUCT_03: PLAN_04") // it needs nothing
			w.verify(tenant)
			w.load(with(input(products, nil), marks{}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02: PLAN_03; PRODUCT_03: PLAN_04")
		})
	})
}

// Automatic plans come to whom no assignment reaches, with the import that marks them.
func TestAnAutomaticPlanComesToEverybodyWithItsMarkR7(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		products := sheet{1: {1, 2}}
		w.load(input(products, nil))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 1)
		anna := w.user(tenant, "anna")
		decide := func() licensing.DecisionReason {
			t.Helper()
			views, err := w.service.ReadUsers(t.Context(), tenant, []uuid.UUID{anna})
			if err != nil {
				t.Fatal(err)
			}
			return views[0].DecidePlan(views[0].Graph().Plan(plan(2))).Reason
		}
		before := decide()
		r := w.load(with(input(products, nil), marks{2}))
		if now := decide(); before != licensing.DecisionNotLicensed || now != licensing.DecisionEnabled {
			t.Errorf("%s, then %s", before, now)
		}
		if len(r.Tenants) != 1 || w.imports(tenant) != 1 {
			t.Errorf("%d tenants, %d events", len(r.Tenants), w.imports(tenant))
		}
		w.has(tenant, anna, "") // it is no license
		w.load(with(input(products, nil), marks{}))
		if now := decide(); now != licensing.DecisionNotLicensed {
			t.Errorf("then %s", now)
		}
		w.verify(tenant)
	})
}

func TestSetsThatChangeMoveErrorsAndNoAssignmentR9(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		products := sheet{1: {1, 2}, 2: {3, 4}}
		w.load(with(input(products, nil), sets{"Mail": {1, 3}}))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 1, 2)
		anna := w.user(tenant, "anna")
		everybody := w.group(tenant, "everybody", anna)
		w.assign(tenant, id.Group, everybody, 1, nil)
		w.assign(tenant, id.Group, everybody, 2, nil)
		w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02 MUTUALLY_EXCLUSIVE_VIOLATION")
		w.keepsIntent(tenant, func() {
			// Another member takes the place of the plan in the way: the whole source is admitted.
			w.load(with(input(products, nil), sets{"Mail": {9, 3}, "Calls": {2, 77}}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02: PLAN_03 PLAN_04")
			w.verify(tenant)
			// Both sides are held now: one is withheld.
			w.load(with(input(products, nil), sets{"Calls": {2, 4}}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02: PLAN_03; PLAN_04 MUTUALLY_EXCLUSIVE_VIOLATION")
		})
	})
}

func TestARetiredProductAndItsRulesGoOnR22(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		both := sheet{1: {1}, 2: {2, 3}}
		w.load(with(input(both, nil), needs{2: {1}}, places{3: "!DE"}, marks{3}))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 1, 2)
		anna, ben := w.user(tenant, "anna"), w.user(tenant, "ben")
		others := w.group(tenant, "others", ben)
		w.assign(tenant, id.User, anna, 1, nil)
		w.assign(tenant, id.User, anna, 2, nil)
		w.keepsIntent(tenant, func() {
			for _, in := range []catalog.Input{
				input(sheet{1: {1}}, nil), // rules that are not passed stay with their plans
				with(input(sheet{1: {1}}, nil), needs{2: {1}}, places{3: "!DE"}, marks{3}), // those that are, too
			} {
				w.load(in)
				for query, want := range map[string]int64{
					`SELECT count(*) FROM plan_prerequisites`:                                   1,
					`SELECT count(*) FROM plan_locations WHERE NOT allowed`:                     1,
					`SELECT count(*) FROM plans WHERE auto_assigned`:                            1,
					`SELECT count(*) FROM plans WHERE retired_at IS NOT NULL AND auto_assigned`: 1,
					`SELECT count(*) FROM products WHERE retired_at IS NOT NULL`:                1,
					`SELECT count(*) FROM product_plans`:                                        3,
				} {
					if n := w.number(query); n != want {
						t.Errorf("%s: %d, want %d", query, n, want)
					}
				}
				w.has(tenant, anna, "PRODUCT_01: PLAN_01; PRODUCT_02: PLAN_02 PLAN_03")
			}
			refusedWith(t, w.try(tenant, id.User, ben, 2, nil), fault.ProductRetired)
			refusedWith(t, w.try(tenant, id.Group, others, 2, nil), fault.ProductRetired)
		})
		// Its rules can change, too; and it can be removed.
		w.load(with(input(sheet{1: {1}}, nil), needs{2: {3}}))
		w.has(tenant, anna, "PRODUCT_01: PLAN_01; PRODUCT_02: PLAN_03; PLAN_02 DEPENDENCY_VIOLATION") // 3 is automatic
		_, err := w.service.Assign(t.Context(), tenant, licensing.AssignInput{
			Principals: []licensing.PrincipalRef{{Kind: id.User, ID: anna}}, Remove: []uuid.UUID{sku(2)},
		})
		if err != nil {
			t.Error(err)
		}
		w.has(tenant, anna, "PRODUCT_01: PLAN_01")
		w.verify(tenant)
	})
}

func TestARenameTouchesNobodyAndNoAssignmentR22(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		products := sheet{1: {1, 2}}
		w.load(with(input(products, nil), needs{2: {1}}))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 1)
		anna := w.user(tenant, "anna")
		w.assign(tenant, id.User, anna, 1, selection(tenantgraph.Only, 1, 2))
		w.keepsIntent(tenant, func() {
			renamed := strings.ReplaceAll(strings.ReplaceAll(products.csv(), "PLAN_02", "TALK"), "PRODUCT_01", "SUITE")
			r := w.load(catalog.Input{Products: catalog.File{Name: "products.csv", Content: strings.NewReader(renamed)}})
			if len(r.Tenants) != 0 || w.imports(tenant) != 0 || len(r.Diff.PlansRenamed) != 1 || len(r.Diff.ProductsRenamed) != 1 || !onlyRenames(r.Diff) {
				t.Errorf("%d tenants:\n%s", len(r.Tenants), text(t, r.Diff))
			}
			w.has(tenant, anna, "SUITE: PLAN_01 TALK")
		})
	})
}

func onlyRenames(d catalog.Diff) bool {
	d.PlansRenamed, d.ProductsRenamed = nil, nil
	return d.Empty()
}

// A vendor adds a plan that not everybody may have: whoever may not keeps the rest (R2).
func TestAnAddedPlanThatFailsACheckIsWithheldAloneR2(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.load(with(input(sheet{1: {1}, 2: {2}}, nil), sets{"Mail": {2, 3}}, needs{4: {2}}, places{5: "DE"}))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 1, 2)
		anna, ben := w.user(tenant, "anna"), w.user(tenant, "ben")
		w.assign(tenant, id.User, anna, 1, nil)
		w.assign(tenant, id.User, ben, 1, selection(tenantgraph.Only, 1))
		w.assign(tenant, id.User, anna, 2, nil)
		w.keepsIntent(tenant, func() {
			w.load(with(input(sheet{1: {1, 3, 4, 5, 6}, 2: {2}}, nil), sets{"Mail": {2, 3}}, needs{4: {2}, 6: {3}}, places{5: "DE"}))
			w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_04; PLAN_03 MUTUALLY_EXCLUSIVE_VIOLATION; "+
				"PLAN_05 PROHIBITED_IN_USAGE_LOCATION_VIOLATION; PLAN_06 DEPENDENCY_VIOLATION; PRODUCT_02: PLAN_02")
			w.has(tenant, ben, "PRODUCT_01: PLAN_01")
		})
	})
}

func TestPrerequisitesThatFormACycleRefuseTheWholeImportR10(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.load(with(input(sheet{1: {1, 2, 3}}, nil), needs{1: {2}}))
		before := w.stored()
		next := sheet{1: {1, 2, 3}, 4: {4}}
		for name, tc := range map[string]struct {
			in   catalog.Input
			says string
		}{
			"itself": {with(input(next, nil), needs{4: {4, 1}}), "Plan 04 (PLAN_04, " + plan(4).String() + ") needs Plan 04 ("},
			"through others": {with(input(next, nil), needs{1: {4, 2}, 2: {3}, 3: {1}}),
				"Plan 01 (PLAN_01, " + plan(1).String() + ") needs Plan 02 (PLAN_02, " + plan(2).String() + ") needs Plan 03 (PLAN_03, " + plan(3).String() + ") needs Plan 01 ("},
			"through an automatic plan": {with(input(next, nil), needs{1: {4}, 4: {1}}, marks{4}), "needs Plan 04"},
		} {
			_, err := w.importer.Import(t.Context(), tc.in)
			var c *catalog.ContradictionError
			if !errors.As(err, &c) || len(c.Contradictions) != 1 || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), "nothing was imported") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if w.stored() != before || w.revision() != 1 {
			t.Error("something was stored")
		}
		// The fence below the importer, for whoever changes the catalogue otherwise.
		_, err := w.service.ChangeCatalog(t.Context(), licensing.CatalogOptions{}, cyclic)
		refusedWith(t, err, fault.DependencyViolation)
		if err == nil || !strings.Contains(err.Error(), "Plan 01 → Plan 02 → Plan 01") {
			t.Errorf("got %v", err)
		}
	})
}

// Every contradiction is counted, and each names what it is about.
func TestContradictionsOfAllKindsAreToldTogetherR9R10(t *testing.T) {
	products := vendorcsv.Catalogue{
		Products: []vendorcsv.Product{{SkuID: sku(1), PartNumber: "SUITE", DisplayName: "Suite", Plans: []uuid.UUID{plan(1), plan(2)}}},
		Plans:    []vendorcsv.Plan{{ID: plan(1), Name: "MAIL", DisplayName: "Mail"}, {ID: plan(2), Name: "LITE", DisplayName: "Lite"}},
	}
	files := catalog.Files{
		Products:     products,
		Exclusions:   &vendorcsv.Exclusions{Sets: []vendorcsv.ExclusionSet{{Name: "Mail", Members: []vendorcsv.Member{{PlanID: plan(1)}, {PlanID: plan(2)}}}}},
		Dependencies: &vendorcsv.Dependencies{Rules: []vendorcsv.Dependency{{PlanID: plan(2), Lines: []int{2}, AnyOf: []vendorcsv.Alternative{{PlanID: plan(2), Line: 2}}}}},
	}
	_, err := catalog.Merge(catalog.Catalogue{}, files, &vendorcsv.Report{})
	var c *catalog.ContradictionError
	if !errors.As(err, &c) || len(c.Contradictions) != 2 || !strings.Contains(err.Error(), "(and 1 more contradiction)") ||
		!strings.HasPrefix(c.Contradictions[1].String(), "prerequisites form a cycle: Lite (LITE, ") {
		t.Errorf("got %v", err)
	}
	// An automatic plan excludes nothing (R7), and a mark that goes makes the contradiction.
	files.Dependencies, files.Automatic = nil, &vendorcsv.Automatic{Plans: []vendorcsv.AutomaticPlan{{PlanID: plan(2), Lines: []int{2}}}}
	marked, err := catalog.Merge(catalog.Catalogue{}, files, &vendorcsv.Report{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = catalog.Merge(marked, catalog.Files{Products: products, Automatic: &vendorcsv.Automatic{}}, &vendorcsv.Report{})
	if !errors.As(err, &c) {
		t.Errorf("got %v", err)
	}
}

func TestAnImportThatLosesTooMuchIsRefusedWholeNamingTheTenantR27(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		products := sheet{1: {1}, 2: {2}}
		w.load(input(products, nil))
		threshold := 2
		losing := map[string]int{"Harbour": 3, "Quay": 2, "Pier": 4}
		tenants := map[string]uuid.UUID{}
		for _, name := range []string{"Harbour", "Quay", "Pier"} {
			tenant := w.tenant(name)
			tenants[name] = tenant
			w.subscribe(tenant, 1)
			if _, err := w.service.UpdateTenant(t.Context(), tenant, licensing.UpdateTenantInput{LossThreshold: &threshold}); err != nil {
				t.Fatal(err)
			}
			var members []uuid.UUID
			for i := range losing[name] {
				members = append(members, w.user(tenant, name+string(rune('a'+i))))
			}
			w.assign(tenant, id.Group, w.group(tenant, "everybody", members...), 1, nil)
		}
		before := w.stored()
		next := func(dryRun bool, acknowledged ...int) catalog.Input {
			in := with(input(products, nil), needs{1: {2}})
			in.DryRun = dryRun
			for _, n := range acknowledged {
				in.AcknowledgeLosses = &n
			}
			return in
		}
		for _, in := range []catalog.Input{next(false), next(false, 3)} { // Harbour, then Pier is in the way
			_, err := w.importer.Import(t.Context(), in)
			refusedWith(t, err, fault.ConfirmationRequired)
			f, _ := fault.As(err)
			name, users := "Harbour", 3
			if in.AcknowledgeLosses != nil {
				name, users = "Pier", 4
			}
			if !strings.Contains(err.Error(), name+": ") || *f.Details.(*licensing.LossDetails) != (licensing.LossDetails{UsersLosing: users, Threshold: 2}) {
				t.Errorf("got %v, %+v", err, f.Details)
			}
		}
		if w.stored() != before || w.revision() != 1 {
			t.Error("something was stored")
		}

		dry := w.load(next(true))
		for _, i := range dry.Tenants {
			if c := i.Outcome.Confirmation; (c != nil) != (i.Name != "Quay") || i.Outcome.Impact.UsersLosing != losing[i.Name] {
				t.Errorf("%s: %v, %+v", i.Name, c, i.Outcome.Impact)
			}
		}
		if w.stored() != before {
			t.Error("the dry run stored something")
		}
		real := w.load(next(false, 4))
		for i, of := range real.Tenants {
			if of.Outcome.Impact.UsersLosing != dry.Tenants[i].Outcome.Impact.UsersLosing || of.Outcome.Confirmation != nil {
				t.Errorf("%s: %+v", of.Name, of.Outcome.Impact)
			}
			w.verify(of.Tenant)
		}
	})
}

// The dry run of an import of every kind of rule tells what the import then does (R26).
func TestADryRunOfRulesTellsTheSameAndStoresNothingR26(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		products := sheet{1: {1, 2, 3}, 2: {4}, 3: {5}}
		w.load(with(input(products, nil), needs{2: {1}}, places{3: "NL"}, marks{5}))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 1, 2, 3)
		anna, ben := w.user(tenant, "anna"), w.userAt(tenant, "ben", "DE")
		everybody := w.group(tenant, "everybody", anna, ben)
		w.assign(tenant, id.Group, everybody, 1, nil)
		w.assign(tenant, id.Group, everybody, 2, nil)
		next := func(dryRun bool) catalog.Input {
			in := with(input(products, nil), needs{2: {4}, 4: {3}}, places{3: "DE", 1: "!NL"}, marks{4})
			in.DryRun = dryRun
			return in
		}
		before, held := w.stored(), w.holdings(tenant, anna)
		dry := w.load(next(true))
		if w.stored() != before || w.revision() != 1 || w.imports(tenant) != 0 {
			t.Error("the dry run stored something")
		}
		w.has(tenant, anna, held)
		real := w.load(next(false))
		if text(t, dry.Diff) != text(t, real.Diff) || dry.Counts != real.Counts {
			t.Errorf("the dry run says\n%s\nthe import\n%s", text(t, dry.Diff), text(t, real.Diff))
		}
		a, b := dry.Tenants[0].Outcome.Impact, real.Tenants[0].Outcome.Impact
		if a.UsersChanged != b.UsersChanged || a.UsersInError != b.UsersInError || a.UsersLosing != b.UsersLosing || a.UsersGaining != b.UsersGaining ||
			a.ChangeCount() != b.ChangeCount() || a.ChangeCount() == 0 {
			t.Errorf("the dry run counts %+v, the import %+v", a, b)
		}
		w.verify(tenant)
	})
}

// An event names the products whose rules changed, and who imported.
func TestTheEventOfAnImportNamesTheProductsWhoseRulesChangeR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		products := sheet{1: {1}, 2: {2}, 3: {3}}
		w.load(input(products, nil))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 1, 2, 3)
		w.load(with(input(products, nil), needs{1: {3}}, places{2: "!DE"}))
		var subjects string
		if err := db.Reader().QueryRowContext(t.Context(), `SELECT CAST(subjects AS text) FROM audit_events WHERE tenant_id = $1 AND action = $2`,
			tenant, string(audit.CatalogImport)).Scan(&subjects); err != nil {
			t.Fatal(err)
		}
		for name, named := range map[string]bool{"Product 01": true, "Product 02": true, "Product 03": false} {
			if strings.Contains(subjects, name) != named {
				t.Errorf("the subjects are %s", subjects)
			}
		}
	})
}
