package catalog_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/catalog"
	"github.com/licensegraph/licensegraph/internal/catalog/vendorcsv"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sku and plan are the ids that the fixtures use.
func sku(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("5c0000%02d-0000-4000-8000-%012d", n, n))
}
func plan(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("9a0000%02d-0000-4000-8000-%012d", n, n))
}

func readProducts(t *testing.T, name string, report *vendorcsv.Report) vendorcsv.Catalogue {
	t.Helper()
	c, err := vendorcsv.ReadProducts(open(t, name), name, report)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func readExclusions(t *testing.T, name string, report *vendorcsv.Report) *vendorcsv.Exclusions {
	t.Helper()
	e, err := vendorcsv.ReadExclusions(open(t, name), name, report)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func open(t *testing.T, name string) *bytes.Reader {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(content)
}

func merge(t *testing.T, before catalog.Catalogue, file vendorcsv.Catalogue, exclusions *vendorcsv.Exclusions) catalog.Catalogue {
	t.Helper()
	after, err := catalog.Merge(before, catalog.Files{Products: file, Exclusions: exclusions}, &vendorcsv.Report{})
	if err != nil {
		t.Fatal(err)
	}
	return after
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func text(t *testing.T, d catalog.Diff) string {
	t.Helper()
	var b strings.Builder
	if err := d.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// edition imports the fixtures first-*.csv into nothing.
func edition(t *testing.T) catalog.Catalogue {
	t.Helper()
	r := &vendorcsv.Report{}
	return merge(t, catalog.Catalogue{}, readProducts(t, "first-products.csv", r), readExclusions(t, "first-exclusions.csv", r))
}

func TestEveryKindOfDirtIsReportedByRow(t *testing.T) {
	report := &vendorcsv.Report{}
	products := readProducts(t, "dirty-products.csv", report)
	exclusions := readExclusions(t, "dirty-exclusions.csv", report)
	before := catalog.Catalogue{Plans: []catalog.Plan{{ID: plan(20), Name: "LANTERN_POST", DisplayName: "Lantern Post"}}}
	after, err := catalog.Merge(before, catalog.Files{Products: products, Exclusions: exclusions}, report)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := report.Write(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "dirty.report.txt", b.String())

	b.Reset()
	for _, p := range after.Products {
		fmt.Fprintf(&b, "product %s %q %q %d plans\n", p.SkuID, p.PartNumber, p.DisplayName, len(p.Plans))
	}
	for _, p := range after.Plans {
		fmt.Fprintf(&b, "plan %s %q %q retired %v\n", p.ID, p.Name, p.DisplayName, p.Retired)
	}
	for _, s := range after.Sets {
		fmt.Fprintf(&b, "set %q %v\n", s.Name, s.Plans)
	}
	golden(t, "dirty.catalogue.txt", b.String())
}

func TestTheSameFilesAgainChangeNothing(t *testing.T) {
	r := &vendorcsv.Report{}
	products, exclusions := readProducts(t, "dirty-products.csv", r), readExclusions(t, "dirty-exclusions.csv", r)
	before := merge(t, catalog.Catalogue{}, products, exclusions)
	after := merge(t, before, products, exclusions)
	d := catalog.Compare(before, after)
	if !d.Empty() || text(t, d) != "nothing changes\n" {
		t.Errorf("the second import says:\n%s", text(t, d))
	}
}

func TestAnEditionPrintsWhatItAddsRenamesMovesAndRetires(t *testing.T) {
	r := &vendorcsv.Report{}
	before := edition(t)
	after := merge(t, before, readProducts(t, "second-products.csv", r), readExclusions(t, "second-exclusions.csv", r))
	golden(t, "second.diff.txt", text(t, catalog.Compare(before, after)))
	golden(t, "back.diff.txt", text(t, catalog.Compare(after, merge(t, after, readProducts(t, "first-products.csv", r), readExclusions(t, "first-exclusions.csv", r)))))
}

func TestTheDifferenceDoesNotDependOnTheOrderOfTheCatalogues(t *testing.T) {
	r := &vendorcsv.Report{}
	before := edition(t)
	after := merge(t, before, readProducts(t, "second-products.csv", r), readExclusions(t, "second-exclusions.csv", r))
	want := text(t, catalog.Compare(before, after))
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		if got := text(t, catalog.Compare(shuffled(rng, before), shuffled(rng, after))); got != want {
			t.Fatalf("seed %d gave\n%s\nnot\n%s", seed, got, want)
		}
	}
}

func shuffled(rng *rand.Rand, c catalog.Catalogue) catalog.Catalogue {
	c.Products, c.Plans, c.Sets = slices.Clone(c.Products), slices.Clone(c.Plans), slices.Clone(c.Sets)
	rng.Shuffle(len(c.Products), func(i, j int) { c.Products[i], c.Products[j] = c.Products[j], c.Products[i] })
	rng.Shuffle(len(c.Plans), func(i, j int) { c.Plans[i], c.Plans[j] = c.Plans[j], c.Plans[i] })
	rng.Shuffle(len(c.Sets), func(i, j int) { c.Sets[i], c.Sets[j] = c.Sets[j], c.Sets[i] })
	for i := range c.Products {
		p := slices.Clone(c.Products[i].Plans)
		rng.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
		c.Products[i].Plans = p
	}
	return c
}

func TestWhatTheFileLacksIsRetiredAndKeepsItsPlansR22(t *testing.T) {
	before := edition(t)
	after := merge(t, before, vendorcsv.Catalogue{
		Products: []vendorcsv.Product{{SkuID: sku(1), PartNumber: "HARBOUR_L", DisplayName: "Harbour Suite, Large", Plans: []uuid.UUID{plan(1)}}},
		Plans:    []vendorcsv.Plan{{ID: plan(1), Name: "LANTERN_MAIL", DisplayName: "Lantern Mail"}},
	}, nil)
	want := slices.Clone(before.Products)
	for i := range want {
		want[i].Retired = want[i].SkuID != sku(1)
		if !want[i].Retired {
			want[i].Plans = []uuid.UUID{plan(1)}
		}
	}
	if diff := cmp.Diff(want, after.Products); diff != "" {
		t.Errorf("products (-want +got):\n%s", diff)
	}
	for _, p := range after.Plans {
		if p.Retired != (p.ID != plan(1)) {
			t.Errorf("plan %s is retired: %v", p.Name, p.Retired)
		}
	}
	d := catalog.Compare(before, after)
	if len(d.ProductsRetired) != 2 || len(d.PlansMoved) != 1 || len(d.PlansMoved[0].Removed) != 2 {
		t.Errorf("the difference says:\n%s", text(t, d))
	}
}

func TestWithoutAFileOfExclusionsTheSetsStayAsTheyAre(t *testing.T) {
	before := edition(t)
	after := merge(t, before, vendorcsv.Catalogue{
		Products: []vendorcsv.Product{{SkuID: sku(1), PartNumber: "HARBOUR_L", DisplayName: "Harbour Suite, Large"}},
	}, nil)
	if diff := cmp.Diff(before.Sets, after.Sets); diff != "" {
		t.Errorf("sets (-before +after):\n%s", diff)
	}
}

func TestAFileOfExclusionsIsTheWholeTruth(t *testing.T) {
	before := edition(t)
	r := &vendorcsv.Report{}
	after := merge(t, before, readProducts(t, "first-products.csv", r), &vendorcsv.Exclusions{File: "none.csv"})
	if len(after.Sets) != 0 {
		t.Errorf("sets are left: %v", after.Sets)
	}
	if d := catalog.Compare(before, after); len(d.SetsWithdrawn) != 2 || len(d.SetsWithdrawn[0].Removed) != 2 {
		t.Errorf("the difference says:\n%s", text(t, d))
	}
}

func TestARetiredPlanStaysInItsExclusionSet(t *testing.T) {
	r := &vendorcsv.Report{}
	exclusions := readExclusions(t, "first-exclusions.csv", r)
	before := edition(t)
	withoutDesk := vendorcsv.Catalogue{
		Products: []vendorcsv.Product{{SkuID: sku(1), PartNumber: "HARBOUR_L", DisplayName: "Harbour", Plans: []uuid.UUID{plan(1)}}},
		Plans:    []vendorcsv.Plan{{ID: plan(1), Name: "LANTERN_MAIL", DisplayName: "Lantern Mail"}},
	}
	report := &vendorcsv.Report{}
	after, err := catalog.Merge(before, catalog.Files{Products: withoutDesk, Exclusions: exclusions}, report)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.Sets, after.Sets); diff != "" {
		t.Errorf("sets (-before +after):\n%s", diff)
	}
	if n := report.Count(vendorcsv.KindRetiredPlan); n != 3 {
		t.Errorf("%d retired members are reported, not 3", n)
	}
}

func TestAProductThatExcludesItselfRefusesTheImportByNameR9(t *testing.T) {
	file := func() vendorcsv.Catalogue {
		return vendorcsv.Catalogue{
			Products: []vendorcsv.Product{
				{SkuID: sku(1), PartNumber: "HARBOUR_L", DisplayName: "Harbour Suite", Plans: []uuid.UUID{plan(1), plan(2), plan(3)}},
				{SkuID: sku(2), PartNumber: "HARBOUR_S", DisplayName: "Harbour Small", Plans: []uuid.UUID{plan(2)}},
			},
			Plans: []vendorcsv.Plan{
				{ID: plan(1), Name: "MAIL", DisplayName: "Mail"}, {ID: plan(2), Name: "MAIL_LITE", DisplayName: "Mail Lite"}, {ID: plan(3), Name: "BOARD", DisplayName: "Board"},
			},
		}
	}
	sets := &vendorcsv.Exclusions{File: "sets.csv", Sets: []vendorcsv.ExclusionSet{
		{Name: "Mail", Members: []vendorcsv.Member{{PlanID: plan(1)}, {PlanID: plan(2)}, {PlanID: plan(3)}}},
	}}
	stored := catalog.Catalogue{Sets: []catalog.ExclusionSet{{Name: "Mail", Plans: []uuid.UUID{plan(1), plan(2), plan(3)}}}}
	noProducts := vendorcsv.Catalogue{Products: []vendorcsv.Product{{SkuID: sku(3), PartNumber: "X", DisplayName: "X"}}}

	for name, try := range map[string]func() (catalog.Catalogue, error){
		"by the file of exclusions": func() (catalog.Catalogue, error) {
			return catalog.Merge(catalog.Catalogue{}, catalog.Files{Products: file(), Exclusions: sets}, &vendorcsv.Report{})
		},
		"by stored sets": func() (catalog.Catalogue, error) {
			return catalog.Merge(stored, catalog.Files{Products: file()}, &vendorcsv.Report{})
		},
		"when it is retired": func() (catalog.Catalogue, error) {
			return catalog.Merge(merge(t, catalog.Catalogue{}, file(), nil), catalog.Files{Products: noProducts, Exclusions: sets}, &vendorcsv.Report{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := try()
			var c *catalog.ContradictionError
			if !errors.As(err, &c) || len(c.Contradictions) != 1 {
				t.Fatalf("got %v", err)
			}
			for _, part := range []string{"Harbour Suite (HARBOUR_L, " + sku(1).String() + ")", `"Mail"`,
				"Mail (MAIL, " + plan(1).String() + ")", "Mail Lite (MAIL_LITE, " + plan(2).String() + ")", "nothing was imported"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not name %s", err, part)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than one line", err)
			}
		})
	}
}

func TestASetThatIsOnlySpelledAnewIsChangedNotReplaced(t *testing.T) {
	before := edition(t)
	after := edition(t)
	after.Sets[1].Name = "MAIL"
	d := catalog.Compare(before, after)
	want := []catalog.SetChange{{Name: "MAIL", NameBefore: "Mail"}}
	if diff := cmp.Diff(want, d.SetsChanged); diff != "" || len(d.SetsAdded)+len(d.SetsWithdrawn) != 0 {
		t.Errorf("(-want +got):\n%s\n%s", diff, text(t, d))
	}
}

func TestANewPartNumberOrPlanNameAloneIsARename(t *testing.T) {
	before, after := edition(t), edition(t)
	after.Products[0].PartNumber = "HARBOUR_XL"
	after.Plans[0].Name = "LANTERN_POST"
	d := catalog.Compare(before, after)
	want := catalog.Diff{
		ProductsRenamed: []catalog.ProductRename{{Before: before.Products[0], After: after.Products[0]}},
		PlansRenamed:    []catalog.PlanRename{{Before: before.Plans[0], After: after.Plans[0]}},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMergeLeavesTheStoredCatalogueAlone(t *testing.T) {
	before, pristine := edition(t), edition(t)
	r := &vendorcsv.Report{}
	merge(t, before, readProducts(t, "second-products.csv", r), readExclusions(t, "second-exclusions.csv", r))
	if diff := cmp.Diff(pristine, before); diff != "" {
		t.Errorf("(-before +now):\n%s", diff)
	}
}
