package catalog_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/catalog"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

func TestAPlanThatIsAddedToAProductIsOnForAllAndExceptAndOffForOnlyR2(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.load(input(sheet{1: {1, 2}}, nil))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 1)
		all, except, only, member := w.user(tenant, "all"), w.user(tenant, "except"), w.user(tenant, "only"), w.user(tenant, "member")
		likewise := w.user(tenant, "likewise")
		w.assign(tenant, id.User, all, 1, nil)
		w.assign(tenant, id.User, except, 1, selection(tenantgraph.Except, 2))
		w.assign(tenant, id.User, only, 1, selection(tenantgraph.Only, 2))
		w.assign(tenant, id.Group, w.group(tenant, "everybody", member, likewise), 1, selection(tenantgraph.Except, 1))

		r := w.load(input(sheet{1: {1, 2, 3}}, nil))
		w.has(tenant, all, "PRODUCT_01: PLAN_01 PLAN_02 PLAN_03")
		w.has(tenant, except, "PRODUCT_01: PLAN_01 PLAN_03")
		w.has(tenant, only, "PRODUCT_01: PLAN_02")
		w.has(tenant, member, "PRODUCT_01: PLAN_02 PLAN_03")
		if len(r.Tenants) != 1 || r.Tenants[0].Outcome.Impact.UsersChanged != 4 || w.imports(tenant) != 1 {
			t.Errorf("impact %+v, %d events", r.Tenants[0].Outcome.Impact, w.imports(tenant))
		}
		products := r.Tenants[0].Outcome.Impact.ByProduct()
		if len(products) != 1 || products[0].Product.ID != sku(1) || products[0].Users[licensing.Changed] != 4 || len(products[0].Users) != 1 {
			t.Errorf("by product: %+v", products)
		}

		w.load(input(sheet{1: {2, 3}}, nil)) // and one that leaves it is off (R22)
		w.has(tenant, all, "PRODUCT_01: PLAN_02 PLAN_03")
		w.has(tenant, except, "PRODUCT_01: PLAN_03")
		w.has(tenant, only, "PRODUCT_01: PLAN_02")
		w.has(tenant, member, "PRODUCT_01: PLAN_02 PLAN_03")
		w.verify(tenant)
	})
}

func TestASetThatExcludesTwoHeldPlansWithholdsOneAndItsWithdrawalHealsR9(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		products := sheet{1: {1, 2}, 2: {3, 4}}
		w.load(input(products, nil))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 1, 2)
		anna, ben := w.user(tenant, "anna"), w.user(tenant, "ben")
		w.assign(tenant, id.User, anna, 1, nil)
		w.assign(tenant, id.User, anna, 2, nil)
		w.assign(tenant, id.User, ben, 2, nil)
		const both = "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02: PLAN_03 PLAN_04"
		w.has(tenant, anna, both)

		r := w.load(input(products, sets{"Mail": {1, 3}}))
		w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02; PRODUCT_02: PLAN_04; PLAN_03 MUTUALLY_EXCLUSIVE_VIOLATION")
		w.has(tenant, ben, "PRODUCT_02: PLAN_03 PLAN_04")
		if impact := r.Tenants[0].Outcome.Impact; impact.UsersInError != 1 || impact.UsersLosing != 0 {
			t.Errorf("impact %+v", impact)
		}
		w.verify(tenant)

		r = w.load(input(products, nil)) // not passed: the sets stay
		if r.Changed {
			t.Errorf("without a file of exclusions:\n%s", text(t, r.Diff))
		}
		r = w.load(input(products, sets{}))
		w.has(tenant, anna, both)
		if p := r.Tenants[0].Outcome.Impact.ByProduct(); len(p) != 1 || p[0].Users[licensing.ErrorClear] != 1 || p[0].Users[licensing.Changed] != 1 {
			t.Errorf("by product: %+v", p)
		}
		w.verify(tenant)
	})
}

func TestARetiredProductKeepsItsAssignmentsAndRefusesNewOnesR22(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.load(input(sheet{1: {1}, 2: {2}}, nil))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 2)
		anna, ben := w.user(tenant, "anna"), w.user(tenant, "ben")
		w.assign(tenant, id.User, anna, 2, nil)

		r := w.load(input(sheet{1: {1}}, nil))
		w.has(tenant, anna, "PRODUCT_02: PLAN_02")
		if len(r.Tenants) != 0 {
			t.Errorf("%d tenants are concerned", len(r.Tenants))
		}
		refusedWith(t, w.try(tenant, id.User, ben, 2, nil), fault.ProductRetired)
		if err := w.try(tenant, id.User, anna, 2, selection(tenantgraph.Only)); err != nil { // its selection can be changed
			t.Error(err)
		}
		_, err := w.service.CreateSubscription(t.Context(), tenant, licensing.CreateSubscriptionInput{Product: sku(2)})
		refusedWith(t, err, fault.ProductRetired)

		w.load(input(sheet{1: {1}, 2: {2}}, nil))
		w.assign(tenant, id.User, ben, 2, nil)
		w.has(tenant, ben, "PRODUCT_02: PLAN_02")
		w.verify(tenant)
	})
}

func TestADryRunTellsTheSameAndStoresNothingR26(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.load(input(sheet{1: {1, 2}, 2: {3}, 3: {4}}, nil))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 1, 2)
		anna := w.user(tenant, "anna")
		w.assign(tenant, id.User, anna, 1, nil)
		w.assign(tenant, id.User, anna, 2, nil)
		before, held := w.stored(), w.holdings(tenant, anna)

		next := func(dryRun bool) catalog.Input {
			in := input(sheet{1: {1, 2, 5}, 2: {3}}, sets{"Mail": {2, 3}})
			in.DryRun = dryRun
			return in
		}
		dry := w.load(next(true))
		if w.stored() != before || w.revision() != 1 || w.imports(tenant) != 0 {
			t.Error("the dry run stored something")
		}
		w.has(tenant, anna, held)

		real := w.load(next(false))
		if text(t, dry.Diff) != text(t, real.Diff) || dry.Counts != real.Counts || dry.Changed != real.Changed || !dry.DryRun {
			t.Errorf("the dry run says\n%s\nthe import\n%s", text(t, dry.Diff), text(t, real.Diff))
		}
		a, b := dry.Tenants[0].Outcome.Impact, real.Tenants[0].Outcome.Impact
		if a.UsersChanged != 1 || a.UsersChanged != b.UsersChanged || a.UsersInError != 1 || a.UsersInError != b.UsersInError || a.ChangeCount() != b.ChangeCount() {
			t.Errorf("the dry run counts %+v, the import %+v", a, b)
		}
		w.has(tenant, anna, "PRODUCT_01: PLAN_01 PLAN_02 PLAN_05; PRODUCT_02 MUTUALLY_EXCLUSIVE_VIOLATION")
		w.verify(tenant)
	})
}

func TestOnlyTenantsThatUseAChangedProductAreConcerned(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.load(input(sheet{1: {1}, 2: {2}}, nil))
		users := map[string]uuid.UUID{}
		tenants := map[string]uuid.UUID{}
		for name, product := range map[string]int{"Harbour": 1, "Quay": 2, "Pier": 1} {
			tenants[name] = w.tenant(name)
			w.subscribe(tenants[name], product)
			users[name] = w.user(tenants[name], "anna")
			w.assign(tenants[name], id.User, users[name], product, nil)
		}
		var told [][2]int
		in := input(sheet{1: {1, 3}, 2: {2}}, nil)
		in.Progress = func(done, of int) { told = append(told, [2]int{done, of}) }
		r := w.load(in)
		if len(r.Tenants) != 2 || r.Tenants[0].Tenant.String() >= r.Tenants[1].Tenant.String() {
			t.Errorf("%d tenants, in id order?", len(r.Tenants))
		}
		if len(told) != 2 || told[1] != [2]int{2, 2} {
			t.Errorf("progress was %v", told)
		}
		for name, want := range map[string]int64{"Harbour": 1, "Quay": 0, "Pier": 1} {
			if got := w.imports(tenants[name]); got != want {
				t.Errorf("%s has %d events, want %d", name, got, want)
			}
		}
		w.has(tenants["Harbour"], users["Harbour"], "PRODUCT_01: PLAN_01 PLAN_03")
		w.has(tenants["Quay"], users["Quay"], "PRODUCT_02: PLAN_02")
		w.has(tenants["Pier"], users["Pier"], "PRODUCT_01: PLAN_01 PLAN_03")
		w.verify(tenants["Harbour"], tenants["Quay"], tenants["Pier"])
	})
}

func TestARenameNeedsNoTenantAndIsReadAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.load(fixture(t, "first"))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 2)
		user := w.user(tenant, "anna")
		w.assign(tenant, id.User, user, 2, nil)
		w.has(tenant, user, "HARBOUR_S: LANTERN_BOARD LANTERN_MAIL_LITE")
		w.load(fixture(t, "second"))
		w.has(tenant, user, "HARBOUR_C: LANTERN_MAIL_LITE LANTERN_BOARD") // in the order of the new display names
		g, err := w.service.Graph(context.Background(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		if name := g.Product(sku(2)).DisplayName; name != "Harbour Suite, Compact" {
			t.Errorf("the product is still called %s", name)
		}
	})
}
