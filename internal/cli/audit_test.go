package cli_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/cli"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/demo"
)

// exported reads the lines of an export.
func exported(t *testing.T, out string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(out) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, m)
	}
	return all
}

func TestTheAuditLogIsExportedR28(t *testing.T) {
	eachURL(t, dbtest.URL, func(t *testing.T, url string) {
		db, err := database.Open(t.Context(), url, database.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		o, err := demo.Build(t.Context(), db, nil)
		if err != nil {
			t.Fatal(err)
		}
		on(t, url, "tenant", "create", "=HYPERLINK(1)", "--country", "NL").done(t)
		export := func(flags ...string) string {
			return on(t, url, append([]string{"audit", "export", "--tenant", o.Tenant.Name}, flags...)...).done(t).stdout
		}
		all := exported(t, export())
		for i, e := range all {
			if int(e["sequence"].(float64)) != i+1 || len(e["hash"].(string)) != 64 || i > 0 && e["previousHash"] != all[i-1]["hash"] {
				t.Fatalf("line %d is %v", i+1, e)
			}
		}
		rows, err := csv.NewReader(strings.NewReader(export("--format", "csv"))).ReadAll()
		if err != nil || len(rows) != len(all)+1 {
			t.Fatalf("%d rows of csv, %d of jsonl, %v", len(rows), len(all), err)
		}
		for i, e := range all {
			for j, name := range rows[0] {
				want := ""
				switch v := e[name].(type) {
				case string:
					want = v
				case float64:
					want = strings.TrimSuffix(strings.TrimSpace(jsonOf(t, e[name])), "\n")
				}
				if name != "occurredAtMicros" && rows[i+1][j] != want { // a float64 does not hold it
					t.Fatalf("event %d: %s is %q in csv, %q in jsonl", i+1, name, rows[i+1][j], want)
				}
			}
		}
		deleted := exported(t, export("--action", "user.delete,user.restore"))
		if len(deleted) != 1 || deleted[0]["action"] != "user.delete" {
			t.Fatalf("deleted: %v", deleted)
		}
		at := deleted[0]["occurredAt"].(string)
		var subjects []struct{ ID string }
		if err := json.Unmarshal([]byte(deleted[0]["subjects"].(string)), &subjects); err != nil {
			t.Fatal(err)
		}
		about := exported(t, export("--principal", subjects[0].ID, "--since", at, "--actor", "demo", "--actor-kind", "COMMAND"))
		if len(about) == 0 || about[0]["id"] != deleted[0]["id"] {
			t.Errorf("about %s since %s: %v", subjects[0].ID, at, about)
		}
		if before := exported(t, export("--principal", subjects[0].ID, "--until", at)); len(before) == 0 {
			t.Error("nothing is known of the user before the deletion")
		}
		if out := export("--since", "2100-01-01"); out != "" {
			t.Errorf("of the future: %s", out)
		}
		if out := export("--since", "2100-01-01", "--format", "csv"); strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, "tenantId,id,sequence,") {
			t.Errorf("a table without rows: %q", out)
		}

		// What a spreadsheet would take for a formula has an apostrophe before it.
		out := on(t, url, "audit", "export", "--tenant", "=HYPERLINK(1)", "--format", "csv").done(t).stdout
		if rows, err = csv.NewReader(strings.NewReader(out)).ReadAll(); err != nil || len(rows) != 2 {
			t.Fatalf("%v, %v", rows, err)
		}
		for _, cell := range rows[1] {
			if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@") {
				t.Errorf("a formula: %q", cell)
			}
		}

		for flag, values := range map[string][]string{
			"--format": {"xml"}, "--since": {"yesterday", "2027-13-01"}, "--action": {"user.created"}, "--actor-kind": {"token"},
			"--principal": {"anna", o.Tenant.NodeID()}, "--product": {"suite"},
		} {
			for _, value := range values {
				on(t, url, "audit", "export", "--tenant", o.Tenant.Name, flag, value).refused(t, 2, flag)
			}
		}
		on(t, url, "audit", "export").refused(t, 2, "--tenant")
		on(t, url, "audit", "export", "--tenant", "Nobody").refused(t, 1, `"Nobody"`)
	})
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestVerifyFindsWhatWasDoneToTheAuditLogR28(t *testing.T) {
	eachURL(t, dbtest.URL, func(t *testing.T, url string) {
		on(t, url, "tenant", "create", "Alpha", "--country", "NL").done(t)
		on(t, url, "tenant", "update", "Alpha", "--audit-retention", "365d").done(t)
		on(t, url, "verify").done(t)
		db, err := database.Open(t.Context(), url, database.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `DELETE FROM audit_events WHERE sequence = 2`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		found := on(t, url, "verify")
		found.refused(t, 1, "2 problems found")
		if !strings.Contains(found.stdout, "  R28: Event 2 is missing: the last.\n") {
			t.Errorf("report: %s", found.stdout)
		}
	})
}

// FuzzCellsOfAnExportAreHarmlessAndCanBeReadBack: no cell begins like a formula, and taking off the
// apostrophe gives back what it was.
func FuzzCellsOfAnExportAreHarmlessAndCanBeReadBack(f *testing.F) {
	for _, s := range []string{"", "a", "=1+1", "+1", "-1", "@SUM(1)", "'=1", "\t=1", "\r", "\n=1", "a\"b,c\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cell := cli.Harmless(text)
		if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
			t.Errorf("%q is written as %q", text, cell)
		}
		back := strings.TrimPrefix(cell, "'")
		if back != text {
			t.Errorf("%q comes back as %q", text, back)
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		if err := w.Write([]string{cell, "x"}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		read, err := csv.NewReader(&b).Read()
		if err != nil || read[0] != strings.ReplaceAll(cell, "\r\n", "\n") { // as Go's reader has it
			t.Errorf("%q is read as %q, %v", cell, read, err)
		}
	})
}

// FuzzWhatAnExportIsAskedForIsReadOrRefused: ids, times and actions of the command line.
func FuzzWhatAnExportIsAskedForIsReadOrRefused(f *testing.F) {
	for _, s := range []string{"", "2027-01-31", "2027-01-31T18:00:00Z", "9999-12-31T23:59:59+14:00", "user.create", "user_01jr000000e008000000000001", "05e9a617-0261-4cee-bb44-138d3ef5d965"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, text string) { cli.ReadExportFlags(text) })
}
