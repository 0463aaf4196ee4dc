package vendorcsv

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/country"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// FuzzReadProducts: whatever the file holds, the reader does not panic; what it returns is
// sound; and written out as clean CSV it is read back the same, with nothing to repair.
func FuzzReadProducts(f *testing.F) {
	for _, seed := range []string{
		"", productHeader, productHeader + goodRow, "\ufeff" + strings.ReplaceAll(productHeader+goodRow, "\n", "\r\n"),
		productHeader + strings.Replace(goodRow, "Mail", "\"Ma\nil\"", 1) + goodRow,
		productHeader + strings.Replace(goodRow, "Mail", `"Mail`, 1) + strings.Replace(goodRow, "Suite", `Su"ite`, 1),
		productHeader + strings.Replace(goodRow, "Suite", "\xff\x00\u00a0\u200b", 1) + ",,,,,\n" + "a,b,c\n",
		productHeader + "Desk,DESK," + skuB + ",,,\n" + strings.Replace(goodRow, planA, skuA, 1),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		report := &Report{}
		c, err := ReadProducts(bytes.NewReader(content), "p.csv", report)
		if err := report.Write(&strings.Builder{}); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		checkCatalogue(t, c)
		again := &Report{}
		back, err := ReadProducts(strings.NewReader(cleanCSV(t, c)), "p.csv", again)
		if err != nil {
			t.Fatal(err)
		}
		if again.Outcomes(Repaired)+again.Outcomes(Skipped) > 0 {
			t.Errorf("the clean file is repaired: %v", again.Findings())
		}
		if diff := cmp.Diff(withoutLines(c), withoutLines(back)); diff != "" {
			t.Errorf("(-read +read back):\n%s", diff)
		}
	})
}

func checkCatalogue(t *testing.T, c Catalogue) {
	t.Helper()
	plans := map[uuid.UUID]bool{}
	for _, p := range c.Plans {
		if plans[p.ID] {
			t.Errorf("plan %s is there twice", p.ID)
		}
		plans[p.ID] = true
		checkNames(t, p.Name, p.DisplayName)
	}
	products := map[uuid.UUID]bool{}
	for _, p := range c.Products {
		if products[p.SkuID] {
			t.Errorf("product %s is there twice", p.SkuID)
		}
		products[p.SkuID] = true
		checkNames(t, p.PartNumber, p.DisplayName)
		pairs := map[uuid.UUID]bool{}
		for _, plan := range p.Plans {
			if pairs[plan] || !plans[plan] {
				t.Errorf("product %s: plan %s is twice or unknown", p.SkuID, plan)
			}
			pairs[plan] = true
		}
	}
}

func checkNames(t *testing.T, names ...string) {
	t.Helper()
	for _, n := range names {
		if n == "" || !utf8.ValidString(n) || strings.ContainsAny(n, "\x00\n\r\t\u00a0") || utf8.RuneCountInString(n) > MaxValueRunes || Clean(n) != n {
			t.Errorf("%q is no clean name", n)
		}
	}
}

// cleanCSV writes a catalogue as the vendor should. Every plan is in a product.
func cleanCSV(t *testing.T, c Catalogue) string {
	t.Helper()
	byID := map[uuid.UUID]Plan{}
	for _, p := range c.Plans {
		byID[p.ID] = p
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	rows := [][]string{ProductColumns()}
	for _, p := range c.Products {
		for _, id := range p.Plans {
			rows = append(rows, []string{p.DisplayName, p.PartNumber, p.SkuID.String(), byID[id].Name, id.String(), byID[id].DisplayName})
		}
		if len(p.Plans) == 0 {
			rows = append(rows, []string{p.DisplayName, p.PartNumber, p.SkuID.String(), "", "", ""})
		}
	}
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// withoutLines leaves the places in the file and the order of plans out of a comparison.
func withoutLines(c Catalogue) any {
	var products []Product
	for _, p := range c.Products {
		p.Line = 0
		if len(p.Plans) == 0 {
			p.Plans = nil
		}
		products = append(products, p)
	}
	plans := map[uuid.UUID]Plan{}
	for _, p := range c.Plans {
		p.Line = 0
		plans[p.ID] = p
	}
	return []any{products, plans}
}

// FuzzReadExclusions: the reader does not panic, sets are unique by folded name and never
// empty, members are unique.
func FuzzReadExclusions(f *testing.F) {
	for _, seed := range []string{
		"", exclusionHeader, exclusionHeader + "Mail,MAIL," + planA + "\nmail,LITE," + planB + "\n",
		exclusionHeader + "\"Mail\n\",MAIL," + planA + "\n,,\nMail\n\xff,\x00," + strings.ToUpper(planB),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		report := &Report{}
		x, err := ReadExclusions(bytes.NewReader(content), "x.csv", report)
		if err := report.Write(&strings.Builder{}); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		names := map[string]bool{}
		for _, s := range x.Sets {
			checkNames(t, s.Name)
			if names[textkey.Fold(s.Name)] || len(s.Members) == 0 {
				t.Errorf("set %q is twice or empty", s.Name)
			}
			names[textkey.Fold(s.Name)] = true
			members := map[uuid.UUID]bool{}
			for _, m := range s.Members {
				if members[m.PlanID] {
					t.Errorf("set %q has plan %s twice", s.Name, m.PlanID)
				}
				members[m.PlanID] = true
			}
		}
	})
}

// FuzzReadDependencies: the reader does not panic; plans have one rule each, of one or more
// plans, each once; and written out clean the file is read back the same, with nothing to repair.
func FuzzReadDependencies(f *testing.F) {
	for _, seed := range []string{
		"", dependencyHeader, dependencyHeader + planA + "," + planB + ";" + planC + "\n" + planA + "," + planA + "\n",
		dependencyHeader + "\u00a0" + strings.ToUpper(planA) + ",;\t" + planB + " ;\x00;oops\n,,\n\xff," + planA + "\n",
		dependencyHeader + planA + ",\"" + planB + "\n;" + planC + "\"\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		report := &Report{}
		d, err := ReadDependencies(bytes.NewReader(content), "d.csv", report)
		written(t, report)
		if err != nil {
			return
		}
		rows := [][]string{DependencyColumns()}
		rules := map[uuid.UUID]bool{}
		for _, r := range d.Rules {
			var items []string
			any := map[uuid.UUID]bool{}
			for _, a := range r.AnyOf {
				if any[a.PlanID] || !slices.Contains(r.Lines, a.Line) {
					t.Errorf("plan %s has %s twice, or from line %d", r.PlanID, a.PlanID, a.Line)
				}
				any[a.PlanID] = true
				items = append(items, a.PlanID.String())
			}
			if rules[r.PlanID] || len(items) == 0 || !slices.IsSorted(r.Lines) {
				t.Errorf("%+v is there twice, or is none", r)
			}
			rules[r.PlanID] = true
			if len(items) > MaxRowBytes/100 { // one row would be too long
				return
			}
			rows = append(rows, []string{r.PlanID.String(), strings.Join(items, ";")})
		}
		again := &Report{}
		back, err := ReadDependencies(strings.NewReader(tableOf(t, rows)), "d.csv", again)
		if err != nil {
			t.Fatal(err)
		}
		anywhere := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Line" || p.Last().String() == ".Lines" }, cmp.Ignore())
		if diff := cmp.Diff(d, back, anywhere); diff != "" || again.Total() > 0 {
			t.Errorf("(-read +read back):\n%s%s", diff, written(t, again))
		}
	})
}

// FuzzReadLocations: the reader does not panic; plans have one rule each, of assigned countries,
// none of them both allowed and prohibited; and the clean file is read back the same.
func FuzzReadLocations(f *testing.F) {
	for _, seed := range []string{
		"", locationHeader, locationHeader + planA + ",NL;de, US\n" + planA + ",US,\n" + planB + ",,\n",
		locationHeader + planA + ",\"NL;\nDE\",\xff;;UK\n" + planB + ",NL,NL\n",
		"Prohibited,X,Service_Plan_Id,allowed\nIR\u200b,," + planC + ",\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		report := &Report{}
		l, err := ReadLocations(bytes.NewReader(content), "l.csv", report)
		written(t, report)
		if err != nil {
			return
		}
		rows := [][]string{LocationColumns()}
		rules := map[uuid.UUID]bool{}
		for _, r := range l.Rules {
			all := slices.Concat(r.Allowed, r.Prohibited)
			for _, code := range all {
				if c, err := country.Parse(code); err != nil || c != code {
					t.Errorf("%q is no country", code)
				}
			}
			slices.Sort(all)
			if rules[r.PlanID] || len(all) == 0 || len(slices.Compact(all)) != len(r.Allowed)+len(r.Prohibited) ||
				!slices.IsSorted(r.Allowed) || !slices.IsSorted(r.Prohibited) {
				t.Errorf("%+v is there twice, or is no rule", r)
			}
			rules[r.PlanID] = true
			rows = append(rows, []string{r.PlanID.String(), strings.Join(r.Allowed, ";"), strings.Join(r.Prohibited, ";")})
		}
		again := &Report{}
		back, err := ReadLocations(strings.NewReader(tableOf(t, rows)), "l.csv", again)
		if err != nil {
			t.Fatal(err)
		}
		anywhere := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Lines" }, cmp.Ignore())
		if diff := cmp.Diff(l, back, anywhere); diff != "" || again.Total() > 0 {
			t.Errorf("(-read +read back):\n%s%s", diff, written(t, again))
		}
	})
}

// FuzzReadAutomatic: the reader does not panic, and each plan is there once.
func FuzzReadAutomatic(f *testing.F) {
	for _, seed := range []string{
		"", automaticHeader, automaticHeader + planA + "\n" + strings.ToUpper(planA) + "\noops\n", productHeader + goodRow,
		"\ufeffX,Service_Plan_Id\n," + planA + "\u00a0\n,\"" + planB + "\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		report := &Report{}
		a, err := ReadAutomatic(bytes.NewReader(content), "a.csv", report)
		written(t, report)
		if err != nil {
			return
		}
		plans := map[uuid.UUID]bool{}
		for _, p := range a.Plans {
			if plans[p.PlanID] || p.PlanID == uuid.Nil || len(p.Lines) == 0 {
				t.Errorf("%+v is there twice, or is no plan", p)
			}
			plans[p.PlanID] = true
		}
	})
}

func tableOf(t *testing.T, rows [][]string) string {
	t.Helper()
	var b strings.Builder
	if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
