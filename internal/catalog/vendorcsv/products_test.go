package vendorcsv

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

const (
	productHeader = "Product_Display_Name,String_Id,GUID,Service_Plan_Name,Service_Plan_Id,Service_Plans_Included_Friendly_Names\n"
	skuA          = "5c00000a-0000-4000-8000-00000000000a"
	skuB          = "5c00000b-0000-4000-8000-00000000000b"
	planA         = "9a00000a-0000-4000-8000-00000000000a"
	planB         = "9a00000b-0000-4000-8000-00000000000b"
	goodRow       = "Suite,SUITE," + skuA + ",MAIL," + planA + ",Mail\n"
)

var suite = Catalogue{
	Products: []Product{{SkuID: uuid.MustParse(skuA), PartNumber: "SUITE", DisplayName: "Suite", Plans: []uuid.UUID{uuid.MustParse(planA)}, Line: 2}},
	Plans:    []Plan{{ID: uuid.MustParse(planA), Name: "MAIL", DisplayName: "Mail", Line: 2}},
}

func read(t *testing.T, content string) (Catalogue, *Report) {
	t.Helper()
	report := &Report{}
	c, err := ReadProducts(strings.NewReader(content), "p.csv", report)
	if err != nil {
		t.Fatal(err)
	}
	return c, report
}

func TestACleanFileNeedsNoRepair(t *testing.T) {
	c, report := read(t, productHeader+goodRow)
	if diff := cmp.Diff(suite, c); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var b strings.Builder
	if err := report.Write(&b); err != nil {
		t.Fatal(err)
	}
	if want := "p.csv: 1 row read, 0 skipped\nnothing to repair\n"; b.String() != want {
		t.Errorf("the report says %q", b.String())
	}
}

func TestRepairedDirtGivesTheCleanCatalogue(t *testing.T) {
	for name, tc := range map[string]struct {
		content string
		kind    Kind
		line    int
	}{
		"byte order mark":            {"\ufeff" + productHeader + goodRow, KindByteOrderMark, 1},
		"two byte order marks":       {"\ufeff\ufeff" + productHeader + goodRow, KindHeader, 1},
		"no-break space after a id":  {productHeader + strings.Replace(goodRow, skuA, skuA+"\u00a0", 1), KindBlanks, 2},
		"zero-width space in an id":  {productHeader + strings.Replace(goodRow, planA, "\u200b"+planA, 1), KindBlanks, 2},
		"direction mark at the edge": {productHeader + strings.Replace(goodRow, "SUITE", "SUITE\u200e", 1), KindBlanks, 2},
		"tab":                        {productHeader + strings.Replace(goodRow, "SUITE", "\tSUITE", 1), KindBlanks, 2},
		"NUL":                        {productHeader + strings.Replace(goodRow, "Mail", "Ma\x00il", 1), KindControlCharacters, 2},
		"upper case":                 {productHeader + strings.Replace(goodRow, skuA, strings.ToUpper(skuA), 1), KindLetterCase, 2},
		"columns in another order": {"Service_Plan_Id,GUID,String_Id,Product_Display_Name,Service_Plans_Included_Friendly_Names,Service_Plan_Name\n" +
			planA + "," + skuA + ",SUITE,Suite,Mail,MAIL\n", "", 0},
		"column in lower case":        {strings.ToLower(productHeader) + goodRow, KindHeader, 1},
		"extra column":                {"Note," + productHeader + "n," + goodRow, KindExtraColumns, 1},
		"carriage returns and feeds":  {strings.ReplaceAll(productHeader+goodRow, "\n", "\r\n"), "", 0},
		"two carriage returns":        {strings.ReplaceAll(productHeader+goodRow, "\n", "\r\r\n"), "", 0},
		"carriage returns only":       {strings.ReplaceAll(productHeader+goodRow, "\n", "\r"), "", 0},
		"no end of the last line":     {strings.TrimSuffix(productHeader+goodRow, "\n"), "", 0},
		"value on two lines":          {productHeader + strings.Replace(goodRow, "Mail", "\"Mail\n\"", 1), KindBlanks, 2},
		"blank before a quoted value": {productHeader + strings.Replace(goodRow, "Mail", ` "Mail"`, 1), KindQuotes, 2},
		"quote that never ends":       {productHeader + strings.Replace(goodRow, "Mail", `"Mail`, 1), KindQuotes, 2},
		"the same row twice":          {productHeader + goodRow + goodRow, KindDuplicatePair, 3},
		"empty row":                   {productHeader + goodRow + ",,,,,\n", KindEmptyRow, 3},
		"too many values":             {productHeader + strings.TrimSuffix(goodRow, "\n") + ",x\n", KindLongRow, 2},
		"overlong row":                {productHeader + goodRow + strings.Repeat("x", 3*MaxRowBytes) + "\n", KindOverlongRow, 3},
		"malformed id":                {productHeader + goodRow + "X,X,{" + skuA + "},X," + planA + ",X\n", KindMalformedUUID, 3},
		"nil id":                      {productHeader + goodRow + "X,X," + uuid.Nil.String() + ",X," + planA + ",X\n", KindMalformedUUID, 3},
		"row without ids":             {productHeader + goodRow + "X,X\n", KindShortRow, 3},
		"more frequent name":          {productHeader + goodRow + strings.Replace(goodRow, "Suite", "Old Suite", 1) + goodRow, KindProductNames, 3},
		"name of a later row":         {productHeader + goodRow + strings.Replace(goodRow, "MAIL", "POST", 1), KindPlanNames, 3},
		"empty name in one row":       {productHeader + goodRow + strings.Replace(goodRow, "Suite", " ", 1), KindEmptyName, 3},
	} {
		t.Run(name, func(t *testing.T) {
			c, report := read(t, tc.content)
			if diff := cmp.Diff(suite, c); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tc.kind == "" {
				if report.Total() != 0 {
					t.Errorf("it reports %v", report.Findings())
				}
				return
			}
			for _, f := range report.Findings() {
				if f.Kind == tc.kind && f.Line == tc.line {
					return
				}
			}
			t.Errorf("it does not report %s in line %d, but %v", tc.kind, tc.line, report.Findings())
		})
	}
}

func TestTheMostFrequentNameWinsAndOfEqualsTheFirst(t *testing.T) {
	row := func(name string) string { return strings.Replace(goodRow, "Mail\n", name+"\n", 1) }
	for _, tc := range []struct {
		names []string
		want  string
	}{
		{[]string{"A", "B"}, "A"}, {[]string{"B", "A"}, "B"}, {[]string{"A", "B", "B"}, "B"}, {[]string{"A", "B", "A", "B"}, "A"},
		{[]string{"A", "A", "B", "C", "B", "B"}, "B"}, {[]string{"A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "J"}, "J"},
	} {
		content := productHeader
		for _, n := range tc.names {
			content += row(n)
		}
		c, report := read(t, content)
		if got := c.Plans[0].DisplayName; got != tc.want {
			t.Errorf("of %v %s wins", tc.names, got)
		}
		if n := report.Count(KindPlanNames); n != 1 {
			t.Errorf("%v is reported %d times", tc.names, n)
		}
	}
}

func TestOneQuoteThatNeverEndsCostsNoOtherRow(t *testing.T) {
	open := strings.Replace(goodRow, "Suite", `"Suite`, 1)
	other := "Desk, small\x00,DESK," + skuB + `,CALLS,` + planB + ",\"Calls, all\"\n"
	other = `"` + strings.Replace(other, "\x00", `"`, 1)
	c, report := read(t, productHeader+goodRow+open+other)
	if len(c.Products) != 2 || c.Products[1].DisplayName != "Desk, small" || c.Plans[1].DisplayName != "Calls, all" {
		t.Errorf("got %v\n%v", c, report.Findings())
	}
}

func TestAQuoteThatEndsInALaterRowJoinsNoRows(t *testing.T) {
	open := strings.Replace(goodRow, "Mail", `"Mail`, 1)
	c, report := read(t, productHeader+open+`5",DESK,`+skuB+",CALLS,"+planB+",Calls\n")
	if len(c.Products) != 2 || c.Products[1].DisplayName != `5"` || report.Count(KindQuotes) != 2 {
		t.Errorf("got %v\n%v", c, report.Findings())
	}
}

func TestRowsApartAreGroupedAndReportedOncePerProduct(t *testing.T) {
	other := "Desk,DESK," + skuB + ",CALLS," + planB + ",Calls\n"
	c, report := read(t, productHeader+goodRow+other+goodRow+other+goodRow)
	if len(c.Products) != 2 || report.Count(KindRowsApart) != 2 {
		t.Errorf("got %v\n%v", c, report.Findings())
	}
}

func TestLinesAreCountedAsAnEditorShowsThem(t *testing.T) {
	content := productHeader + "\n\n" + strings.Replace(goodRow, "Mail", "\"Ma\n\n il\"", 1) + "\n" + strings.Repeat("x", 2*MaxRowBytes) + "\n" + goodRow
	_, report := read(t, content)
	var got []string
	for _, f := range report.Findings() {
		got = append(got, fmt.Sprintf("%d %s", f.Line, f.Kind))
	}
	want := []string{"4 blanks", "8 overlong-row", "9 duplicate-pair", "9 plan-names"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAProductWhoseEveryRowIsSkippedIsNamed(t *testing.T) {
	_, report := read(t, productHeader+goodRow+"Desk,DESK,"+skuB+",CALLS,oops,Calls\n")
	f := report.Findings()[0]
	if !strings.Contains(f.Done, "product "+skuB) || f.Outcome != Skipped {
		t.Errorf("it says %+v", f)
	}
}

func TestFilesThatCannotBeACatalogueAreRefused(t *testing.T) {
	for name, tc := range map[string]struct{ content, want string }{
		"empty":                  {"", "empty; expected a header with the columns Product_Display_Name,String_Id"},
		"byte order mark only":   {"\ufeff", "empty; expected"},
		"blank lines only":       {"\n\r\n \t\n", "empty; expected"},
		"header only":            {productHeader, "the whole catalogue would be retired"},
		"header and blanks":      {productHeader + "\n\n", "the whole catalogue would be retired"},
		"no usable row":          {productHeader + "a,b,c,d,e,f\n,,,,,\n", "no product could be read from its 2 rows"},
		"no header":              {goodRow, "p.csv:1: the header lacks Product_Display_Name, String_Id, GUID"},
		"a column missing":       {strings.Replace(productHeader, ",GUID", "", 1) + goodRow, "lacks GUID; expected"},
		"a column twice":         {strings.Replace(productHeader, "String_Id", "GUID", 1) + goodRow, "the column GUID twice"},
		"semicolons":             {strings.ReplaceAll(productHeader, ",", ";") + goodRow, "separates columns by semicolons"},
		"tabs":                   {strings.ReplaceAll(productHeader, ",", "\t") + goodRow, "separates columns by tabs"},
		"UTF-16, little endian":  {"\xff\xfeP\x00r\x00", "UTF-16"},
		"UTF-16, big endian":     {"\xfe\xff\x00P\x00r", "UTF-16"},
		"no CSV at all":          {strings.Repeat("\x00\x01\x02", MaxRowBytes), "too long for a header"},
		"a spreadsheet's binary": {"PK\x03\x04" + strings.Repeat("\x00\xff", 99), "the header lacks"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadProducts(strings.NewReader(tc.content), "p.csv", &Report{})
			var f *FileError
			if !errors.As(err, &f) || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "p.csv") {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than one line", err)
			}
		})
	}
}

func TestAFileThatIsTooLargeIsRefused(t *testing.T) {
	endless := io.MultiReader(strings.NewReader(productHeader+goodRow), iotest.DataErrReader(zeros{}))
	_, err := ReadProducts(endless, "p.csv", &Report{})
	if err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("got %v", err)
	}
}

func TestAFileOfTooManyRowsIsRefused(t *testing.T) {
	_, err := ReadProducts(strings.NewReader(productHeader+goodRow+strings.Repeat("x\n", MaxRows)), "p.csv", &Report{})
	if err == nil || !strings.Contains(err.Error(), "p.csv:1000002: the file has more than 1000000 rows") {
		t.Errorf("got %v", err)
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestAReadThatFailsIsAnErrorNotTheEnd(t *testing.T) {
	broken := io.MultiReader(strings.NewReader(productHeader+goodRow), iotest.ErrReader(io.ErrUnexpectedEOF))
	_, err := ReadProducts(broken, "p.csv", &Report{})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

func TestAReportKeepsSoManyFindingsAndCountsTheRest(t *testing.T) {
	r := &Report{}
	for i := range MaxFindings + 5 {
		r.Add(Finding{File: "p.csv", Line: i + 1, Kind: KindBlanks, Outcome: Repaired})
	}
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	if len(r.Findings()) != MaxFindings || r.Count(KindBlanks) != MaxFindings+5 || !strings.HasSuffix(b.String(), "and 5 more, counted above\n") {
		t.Errorf("%d kept, %d counted", len(r.Findings()), r.Count(KindBlanks))
	}
}

func TestCleanMakesOneFormOfALabel(t *testing.T) {
	for in, want := range map[string]string{
		"": "", " ": "", "a": "a", " a ": "a", "a\u00a0b": "a b", "a \t\u2003 b": "a b", "a\u200bb": "ab", "\u200da\u200d": "a",
		"a\u200db": "a\u200db", "a\x00b": "ab", "a\x7fb": "ab", "a\xffb": "a\ufffdb", "–": "–", "a\u0085b": "a b",
		strings.Repeat("x", 256):                       strings.Repeat("x", 255),
		strings.Repeat("x", 254) + " y":                strings.Repeat("x", 254),
		strings.Repeat("ü", 256):                       strings.Repeat("ü", 255),
		strings.Repeat("\ufdfa", 255):                  strings.Repeat("\ufdfa", 30), // 33 bytes each as a key
		"\u00a0" + strings.Repeat("x", 255) + "\u00a0": strings.Repeat("x", 255),
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
}
