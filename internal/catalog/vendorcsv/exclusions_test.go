package vendorcsv

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

const exclusionHeader = "Exclusion_Set,Service_Plan_Name,Service_Plan_Id\n"

func TestExclusionSetsAreGroupedWhereverTheirRowsStand(t *testing.T) {
	report := &Report{}
	got, err := ReadExclusions(strings.NewReader(exclusionHeader+
		"Mail,MAIL,"+planA+"\nCalls,CALLS,"+planB+"\nmail ,LITE,"+strings.ToUpper(planB)+"\nMail,MAIL,"+planA+"\n"), "x.csv", report)
	if err != nil {
		t.Fatal(err)
	}
	want := &Exclusions{File: "x.csv", Sets: []ExclusionSet{
		{Name: "Mail", Line: 2, Members: []Member{{uuid.MustParse(planA), "MAIL", 2}, {uuid.MustParse(planB), "LITE", 4}}},
		{Name: "Calls", Line: 3, Members: []Member{{uuid.MustParse(planB), "CALLS", 3}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, k := range []Kind{KindBlanks, KindLetterCase, KindDuplicatePair, KindSetNames} {
		if report.Count(k) != 1 {
			t.Errorf("%s is reported %d times", k, report.Count(k))
		}
	}
}

func TestAHeaderAloneSaysThatThereAreNoExclusionSets(t *testing.T) {
	got, err := ReadExclusions(strings.NewReader(exclusionHeader), "x.csv", &Report{})
	if err != nil || got == nil || len(got.Sets) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestFilesThatHoldNoExclusionsAreRefused(t *testing.T) {
	for name, tc := range map[string]struct{ content, want string }{
		"empty":           {"", "empty; expected a header with the columns Exclusion_Set,Service_Plan_Name,Service_Plan_Id"},
		"products":        {productHeader + goodRow, "the header lacks Exclusion_Set"},
		"nothing usable":  {exclusionHeader + "Mail,MAIL,oops\n,MAIL," + planA + "\n", "no exclusion set could be read from its 2 rows"},
		"too long a line": {strings.Repeat("x", 2*MaxRowBytes), "too long for a header"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadExclusions(strings.NewReader(tc.content), "x.csv", &Report{})
			var f *FileError
			if !errors.As(err, &f) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
