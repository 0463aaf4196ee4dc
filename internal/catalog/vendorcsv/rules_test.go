package vendorcsv

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

const (
	planC = "9a000003-0000-4000-8000-00000000000c"

	dependencyHeader = "Service_Plan_Id,Requires_Any_Of\n"
	locationHeader   = "Service_Plan_Id,Allowed,Prohibited\n"
	automaticHeader  = "Service_Plan_Id\n"
)

// reports fails unless exactly these kinds were found, each so often.
func reports(t *testing.T, report *Report, want map[Kind]int) {
	t.Helper()
	if diff := cmp.Diff(want, report.counts); diff != "" {
		var b strings.Builder
		if err := report.Write(&b); err != nil {
			t.Fatal(err)
		}
		t.Errorf("(-want +got):\n%s%s", diff, b.String())
	}
}

func TestRowsOfOnePlanNeedAnyOfAllTheirPlansR10(t *testing.T) {
	report := &Report{}
	got, err := ReadDependencies(strings.NewReader(dependencyHeader+
		planA+","+planB+"\n"+
		planB+","+planC+";"+planB+"\n"+ // itself: for others to judge
		planA+","+planC+";"+planB+"\n"), "d.csv", report)
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := uuid.MustParse(planA), uuid.MustParse(planB), uuid.MustParse(planC)
	want := &Dependencies{File: "d.csv", Rules: []Dependency{
		{PlanID: a, Lines: []int{2, 4}, AnyOf: []Alternative{{b, 2}, {c, 4}}},
		{PlanID: b, Lines: []int{3}, AnyOf: []Alternative{{c, 3}, {b, 3}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	reports(t, report, map[Kind]int{KindRowsMerged: 1, KindRepeatedItem: 1})
}

func TestDirtInPrerequisitesIsRepairedOrSkippedByRowR10(t *testing.T) {
	report := &Report{}
	got, err := ReadDependencies(strings.NewReader("\ufeffservice_plan_id,Requires_Any_Of,Remark\r\n"+
		"\u00a0"+planA+"\t,\u00a0"+planB+" ;\u200b; "+strings.ToUpper(planC)+";\u00a0,x\r\n"+
		",,\r\n\r\n"+
		planB+",oops;"+planC+";"+uuid.Nil.String()+",\r\n"+
		planC+", ; ,\r\n"+
		planC+",oops,\r\n"+
		"oops,"+planA+",\r\n"+
		planC+"\r\n"), "d.csv", report)
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := uuid.MustParse(planA), uuid.MustParse(planB), uuid.MustParse(planC)
	want := []Dependency{
		{PlanID: a, Lines: []int{2}, AnyOf: []Alternative{{b, 2}, {c, 2}}},
		{PlanID: b, Lines: []int{5}, AnyOf: []Alternative{{c, 5}}},
	}
	if diff := cmp.Diff(want, got.Rules); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	reports(t, report, map[Kind]int{
		KindByteOrderMark: 1, KindHeader: 1, KindExtraColumns: 1, KindEmptyRow: 1,
		KindBlanks: 2, KindEmptyItem: 1, KindLetterCase: 1, KindMalformedUUID: 3, KindNoAlternative: 3,
	})
	if f := report.Files()[0]; f.Rows != 7 || f.Skipped != 5 {
		t.Errorf("%+v", f)
	}
	if !strings.Contains(written(t, report), `d.csv:7: no-alternative: Requires_Any_Of names no plan: "oops" is not a UUID; row skipped`) {
		t.Errorf("%s", written(t, report))
	}
}

func written(t *testing.T, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A list is longer than one value may be: its items are bounded, and the row is.
func TestAListIsNotCutAsAValueIs(t *testing.T) {
	var ids []string
	for i := range 400 {
		ids = append(ids, uuid.NewSHA1(uuid.Nil, []byte{byte(i), byte(i >> 8)}).String())
	}
	report := &Report{}
	got, err := ReadDependencies(strings.NewReader(dependencyHeader+planA+","+strings.Join(ids, ";")+"\n"), "d.csv", report)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Rules[0].AnyOf); n != len(ids) {
		t.Errorf("%d alternatives, want %d", n, len(ids))
	}
	reports(t, report, nil)
}

func TestLocationsAreReadInAnyLetterCaseAndProhibitedWinsR11(t *testing.T) {
	report := &Report{}
	got, err := ReadLocations(strings.NewReader(locationHeader+
		planA+",nl;DE, Cn \n"+
		planB+",,IR;IR\n"+
		planC+",UK;NL,\n"+
		planA+",DE;FR;cn,fr\n"), "l.csv", report)
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := uuid.MustParse(planA), uuid.MustParse(planB), uuid.MustParse(planC)
	want := &Locations{File: "l.csv", Rules: []Location{
		{PlanID: a, Lines: []int{2, 5}, Allowed: []string{"DE", "NL"}, Prohibited: []string{"CN", "FR"}},
		{PlanID: b, Lines: []int{3}, Prohibited: []string{"IR"}},
		{PlanID: c, Lines: []int{4}, Allowed: []string{"NL"}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	reports(t, report, map[Kind]int{
		KindLetterCase: 4, KindBlanks: 1, KindRepeatedItem: 2, KindUnknownCountry: 1, KindRowsMerged: 1, KindAllowedAndProhibited: 1,
	})
	for _, line := range []string{
		"l.csv:4: unknown-country: Allowed: \"UK\" is not an assigned country code of ISO 3166-1 (the United Kingdom is GB); left out\n",
		"l.csv:5: allowed-and-prohibited: plan " + planA + " is both allowed and prohibited in CN, FR; prohibited there\n",
	} {
		if !strings.Contains(written(t, report), line) {
			t.Errorf("%s\nlacks %s", written(t, report), line)
		}
	}
}

func TestLocationRulesWithoutACountryAreSkippedR11(t *testing.T) {
	report := &Report{}
	got, err := ReadLocations(strings.NewReader(locationHeader+
		planA+",,\n"+
		planA+",Germany,;;\n"+
		planB+",Germany;EU,US\n"+ // the rest of the row counts
		planC+",NL,NL\n"), "l.csv", report)
	if err != nil {
		t.Fatal(err)
	}
	b, c := uuid.MustParse(planB), uuid.MustParse(planC)
	want := []Location{{PlanID: b, Lines: []int{4}, Prohibited: []string{"US"}}, {PlanID: c, Lines: []int{5}, Prohibited: []string{"NL"}}}
	if diff := cmp.Diff(want, got.Rules); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	reports(t, report, map[Kind]int{KindNoCountry: 3, KindUnknownCountry: 2, KindAllowedAndProhibited: 1})
	if report.Outcomes(Skipped) != 2 {
		t.Errorf("%s", written(t, report))
	}
	if n := strings.Count(written(t, report), "wherever it is not prohibited"); n != 2 {
		t.Errorf("it is said %d times, not twice, that the allowed countries are gone:\n%s", n, written(t, report))
	}
}

func TestAutomaticPlansAreReadOnceEachR7(t *testing.T) {
	report := &Report{}
	got, err := ReadAutomatic(strings.NewReader("Name,Service_Plan_Id\nSway,"+planA+"\n,"+planB+"\n,oops\n,"+planA+"\n"), "a.csv", report)
	if err != nil {
		t.Fatal(err)
	}
	want := &Automatic{File: "a.csv", Plans: []AutomaticPlan{
		{uuid.MustParse(planA), []int{2, 5}}, {uuid.MustParse(planB), []int{3}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	reports(t, report, map[Kind]int{KindExtraColumns: 1, KindRowsMerged: 1, KindMalformedUUID: 1})
}

func TestAHeaderAloneSaysThatThereAreNoRules(t *testing.T) {
	d, err := ReadDependencies(strings.NewReader(dependencyHeader), "d.csv", &Report{})
	if err != nil || d == nil || len(d.Rules) != 0 {
		t.Errorf("got %v, %v", d, err)
	}
	l, err := ReadLocations(strings.NewReader(locationHeader), "l.csv", &Report{})
	if err != nil || l == nil || len(l.Rules) != 0 {
		t.Errorf("got %v, %v", l, err)
	}
	a, err := ReadAutomatic(strings.NewReader(automaticHeader), "a.csv", &Report{})
	if err != nil || a == nil || len(a.Plans) != 0 {
		t.Errorf("got %v, %v", a, err)
	}
}

func TestFilesThatHoldNoRulesAreRefused(t *testing.T) {
	dependencies := func(content string) error {
		_, err := ReadDependencies(strings.NewReader(content), "x.csv", &Report{})
		return err
	}
	locations := func(content string) error {
		_, err := ReadLocations(strings.NewReader(content), "x.csv", &Report{})
		return err
	}
	automatic := func(content string) error {
		_, err := ReadAutomatic(strings.NewReader(content), "x.csv", &Report{})
		return err
	}
	for name, tc := range map[string]struct {
		read          func(string) error
		content, want string
	}{
		"dependencies: empty":          {dependencies, "", "expected a header with the columns Service_Plan_Id,Requires_Any_Of"},
		"dependencies: locations":      {dependencies, locationHeader, "the header lacks Requires_Any_Of"},
		"dependencies: nothing usable": {dependencies, dependencyHeader + "x,y\n" + planA + ",\n", "no prerequisite could be read from its 2 rows"},
		"locations: empty":             {locations, "", "expected a header with the columns Service_Plan_Id,Allowed,Prohibited"},
		"locations: nothing usable":    {locations, locationHeader + planA + ",,EU\n", "no location rule could be read from its 1 row; every location rule would be withdrawn"},
		"automatic: empty":             {automatic, "", "expected a header with the columns Service_Plan_Id"},
		"automatic: nothing usable":    {automatic, automaticHeader + "Sway\n", "no automatic plan could be read"},
		"automatic: products":          {automatic, productHeader + goodRow, "of a file of products"},
		"automatic: exclusions":        {automatic, exclusionHeader, "of a file of exclusion sets"},
		"automatic: dependencies":      {automatic, strings.ToUpper(dependencyHeader), "of a file of prerequisites"},
		"automatic: locations":         {automatic, "Prohibited,Name,Allowed,Service_Plan_Id\n", "of a file of location rules"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.read(tc.content)
			var f *FileError
			if !errors.As(err, &f) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
