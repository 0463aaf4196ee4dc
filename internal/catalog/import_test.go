package catalog_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/catalog"
	"github.com/licensegraph/licensegraph/internal/catalog/vendorcsv"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
)

func TestDirtyFilesAreStoredRepaired(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := w.load(fixture(t, "dirty"))
		golden(t, "dirty.stored.txt", w.stored())
		if !r.Changed || w.revision() != 1 {
			t.Errorf("changed: %v, revision %d", r.Changed, w.revision())
		}
		if got, want := r.Report.Total(), 48; got != want {
			t.Errorf("%d findings, want %d", got, want)
		}
		if want := (catalog.Counts{Products: 8, Plans: 15, Sets: 2}); r.Counts != want {
			t.Errorf("counts are %+v, want %+v", r.Counts, want)
		}
	})
}

func TestTheSameFilesAgainWriteNothing(t *testing.T) {
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, s *dbtest.Statements) {
		w := newWorld(t, db)
		for _, name := range []string{"dirty", "first", "second"} {
			w.load(fixture(t, name))
			stored, revision := w.stored(), w.revision()
			s.Reset()
			r := w.load(fixture(t, name))
			writes := 0
			for _, statement := range s.List() {
				if !strings.HasPrefix(strings.TrimSpace(statement), "SELECT") {
					writes++
				}
			}
			if writes != 1 { // the lock, which is rolled back
				t.Errorf("%s: %d statements write:\n%s", name, writes, strings.Join(s.List(), "\n"))
			}
			if r.Changed || !r.Diff.Empty() || len(r.Tenants) != 0 || w.revision() != revision || w.stored() != stored {
				t.Errorf("%s again: changed %v, revision %d after %d:\n%s", name, r.Changed, w.revision(), revision, text(t, r.Diff))
			}
		}
	})
}

func TestAnEditionIsStoredAsItAddsRenamesMovesAndRetires(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.load(fixture(t, "first"))
		first := w.stored()

		r := w.load(fixture(t, "second"))
		golden(t, "second.diff.txt", text(t, r.Diff))
		golden(t, "second.stored.txt", w.stored())
		if want := (catalog.Counts{Products: 3, RetiredProducts: 1, Plans: 5, RetiredPlans: 3, Sets: 2}); r.Counts != want {
			t.Errorf("counts are %+v, want %+v", r.Counts, want)
		}

		r = w.load(fixture(t, "first"))
		golden(t, "back.diff.txt", text(t, r.Diff))
		golden(t, "back.stored.txt", w.stored())
		for line := range strings.Lines(first) {
			if !strings.Contains(w.stored(), line) {
				t.Errorf("what was there at first is not there again: %s", line)
			}
		}
		if w.revision() != 3 {
			t.Errorf("revision %d after three changes", w.revision())
		}
	})
}

func TestWhatIsRetiredKeepsTheInstantThroughLaterImportsR22(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.load(input(sheet{1: {1}, 2: {2}}, nil))
		w.load(input(sheet{1: {1}}, nil))
		at := w.number(`SELECT retired_at FROM products WHERE id = $1`, sku(2))
		if at != int64(w.clock.Now()) {
			t.Errorf("retired at %d, the clock says %d", at, w.clock.Now())
		}
		w.load(input(sheet{1: {1}, 3: {3}}, nil))
		if got := w.number(`SELECT retired_at FROM products WHERE id = $1`, sku(2)); got != at {
			t.Errorf("retired at %d, then at %d", at, got)
		}
		if got := w.number(`SELECT retired_at FROM plans WHERE id = $1`, plan(2)); got != at {
			t.Errorf("its plan is retired at %d, then at %d", at, got)
		}
	})
}

func TestManyRowsAreWrittenInBatches(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		large := sheet{}
		for p := range 90 {
			for l := range 90 {
				large[p] = append(large[p], l)
			}
		}
		w.load(input(large, nil))
		if n := w.number(`SELECT count(*) FROM product_plans`); n != 8100 {
			t.Errorf("%d pairs, want 8100", n)
		}
		for p := range large {
			large[p] = large[p][:1]
		}
		w.load(input(large, nil))
		if n := w.number(`SELECT count(*) FROM product_plans`); n != 90 {
			t.Errorf("%d pairs, want 90", n)
		}
	})
}

func TestASetThatIsSpelledAnewKeepsItsRow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.load(input(sheet{1: {1}, 2: {2}, 3: {3}}, sets{"mail": {1, 2}, "calls": {2, 3}}))
		r := w.load(input(sheet{1: {1}, 2: {2}, 3: {3}}, sets{"Mail": {1, 3}, "calls": {2, 3}}))
		if len(r.Diff.SetsChanged) != 1 || len(r.Diff.SetsAdded)+len(r.Diff.SetsWithdrawn) != 0 {
			t.Errorf("the difference says:\n%s", text(t, r.Diff))
		}
		if !strings.Contains(w.stored(), `set "Mail" [`+plan(1).String()+` `+plan(3).String()+`]`) || strings.Contains(w.stored(), `"mail"`) {
			t.Errorf("stored is\n%s", w.stored())
		}
	})
}

func TestUnusableFilesChangeNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.load(fixture(t, "first"))
		before := w.stored()
		good, bad := sheet{1: {1}}.csv(), "Name;Id\nx;y\n"
		for name, in := range map[string]catalog.Input{
			"products.csv":   {Products: catalog.File{Name: "products.csv", Content: strings.NewReader(bad)}},
			"exclusions.csv": {Products: catalog.File{Name: "good.csv", Content: strings.NewReader(good)}, Exclusions: &catalog.File{Name: "exclusions.csv", Content: strings.NewReader(bad)}},
			"empty.csv":      {Products: catalog.File{Name: "empty.csv", Content: strings.NewReader(sheet{}.csv())}},
		} {
			_, err := w.importer.Import(t.Context(), in)
			var file *vendorcsv.FileError
			if !errors.As(err, &file) || file.File != name {
				t.Errorf("%s: %v", name, err)
			}
		}
		if w.stored() != before || w.revision() != 1 {
			t.Error("something was stored")
		}
	})
}

func TestAContradictionIsRefusedAndNothingChangesR9(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.load(input(sheet{1: {1, 2}, 2: {3}}, sets{"Mail": {1, 3}}))
		tenant := w.tenant("Harbour")
		w.subscribe(tenant, 1)
		user := w.user(tenant, "anna")
		w.assign(tenant, "user", user, 1, nil)
		before, held := w.stored(), w.holdings(tenant, user)
		for name, in := range map[string]catalog.Input{
			"a set with two plans of a product":      input(sheet{1: {1, 2}, 2: {3}, 9: {9}}, sets{"Mail": {1, 2}}),
			"a plan that a stored set does not want": input(sheet{1: {1, 2, 3}, 2: {3}}, nil),
		} {
			_, err := w.importer.Import(t.Context(), in)
			var c *catalog.ContradictionError
			if !errors.As(err, &c) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if w.stored() != before || w.revision() != 1 || w.imports(tenant) != 0 {
			t.Error("something was stored")
		}
		w.has(tenant, user, held)
	})
}

func TestAnImportThatIsBrokenOffLeavesTheOldCatalogue(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.load(input(sheet{1: {1}}, nil))
		for _, name := range []string{"Harbour", "Quay"} {
			w.subscribe(w.tenant(name), 1)
		}
		before := w.stored()
		ctx, cancel := context.WithCancel(t.Context())
		in := input(sheet{1: {1, 2}}, nil)
		in.Progress = func(done, of int) {
			if done == 1 && of == 2 {
				cancel()
			}
		}
		_, err := w.importer.Import(ctx, in)
		refusedWith(t, err, fault.Unavailable)
		if w.stored() != before || w.revision() != 1 || w.number(`SELECT count(*) FROM audit_events WHERE action = 'catalog.import'`) != 0 {
			t.Error("half of the import is stored")
		}
	})
}

func TestAnImportThatTheDatabaseBreaksOffIsRunAgainWhole(t *testing.T) {
	db := dbtest.Open(t, database.Postgres, database.Options{})
	w := newWorld(t, db)
	w.load(input(sheet{1: {1}}, nil))
	tenants := []uuid.UUID{w.tenant("Harbour"), w.tenant("Quay")}
	w.subscribe(tenants[0], 1)
	w.subscribe(tenants[1], 1)
	runs := 0
	in := input(sheet{1: {1, 2}}, sets{"Mail": {1, 77}}) // 77 is unknown: reported when catalogues are merged
	in.Progress = func(done, _ int) {
		if done > 1 {
			return
		}
		if runs++; runs == 1 {
			w.number(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle in transaction'`)
		}
	}
	r := w.load(in)
	if runs != 2 {
		t.Fatalf("the import ran %d times, not twice", runs)
	}
	if n := r.Report.Count(vendorcsv.KindUnknownPlan); n != 1 {
		t.Errorf("the unknown plan is reported %d times", n)
	}
	if len(r.Tenants) != 2 || w.imports(tenants[0]) != 1 || w.imports(tenants[1]) != 1 || w.revision() != 2 {
		t.Errorf("%d tenants, revision %d", len(r.Tenants), w.revision())
	}
}

func TestOnlyRowsThatDifferAreWritten(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, database.Postgres, database.Options{}))
	w.load(fixture(t, "first"))
	w.load(fixture(t, "second"))
	const last = `SELECT max(xmin::text::bigint) FROM ` // the transaction that wrote a row
	for query, written := range map[string]bool{
		`products WHERE sku_part_number = 'HARBOUR_L'`:             false, // its plans moved
		`products WHERE sku_part_number = 'HARBOUR_C'`:             true,  // renamed
		`plans WHERE service_plan_name = 'LANTERN_MAIL'`:           false,
		`plans WHERE service_plan_name = 'LANTERN_BOARD'`:          true, // renamed
		`product_plans WHERE plan_id = '` + plan(1).String() + `'`: false,
		`product_plans WHERE plan_id = '` + plan(5).String() + `'`: true,
		`exclusion_sets WHERE name = 'Mail'`:                       false, // a member joined
		`exclusion_sets WHERE name = 'Calls'`:                      true,
	} {
		if got := w.number(last+query) == w.number(last+`catalog`); got != written {
			t.Errorf("%s: written %v, want %v", query, got, written)
		}
	}
}
