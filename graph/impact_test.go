package graph_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/licensegraph/licensegraph/internal/database"
)

// TestAnImpactIsPagedByDryRuns pages whom a change concerns, where it is settled by counting
// (Tool) and where users are judged one by one (Suite, which has a plan that excludes another).
func TestAnImpactIsPagedByDryRuns(t *testing.T) {
	each(t, func(w *world) {
		var members []string
		for i := range 7 {
			name := fmt.Sprintf("user%d", i)
			w.user(name)
			members = append(members, name)
		}
		w.group("Team", members...)
		w.seats("tool", 4)
		w.seats("suite", 4)
		w.seats("addon", 4)
		w.assign("addon", "user6")
		for _, product := range []string{"tool", "suite"} {
			var got []string
			var after any
			for {
				a := w.do(`mutation($p: ID!, $after: String) { assignLicenses(input: { principalIds: ["{{team}}"], add: [{ productId: $p }], dryRun: true }) {
					impact { changes(first: 3, after: $after) { totalCount nodes { user { displayName } kind } pageInfo { hasNextPage hasPreviousPage endCursor } } } userErrors { code message } } }`,
					map[string]any{"p": "{{" + product + "}}", "after": after})
				const list = "assignLicenses.impact.changes."
				if n := w.at(a, list+"totalCount"); n != "7" {
					w.t.Errorf("%s: %s changes in all", product, n)
				}
				if w.at(a, list+"pageInfo.hasPreviousPage") != fmt.Sprint(after != nil) {
					w.t.Errorf("%s: hasPreviousPage after %v", product, after)
				}
				for i := range 3 {
					if len(got) < 7 {
						got = append(got, w.at(a, fmt.Sprintf("%snodes.%d.user.displayName", list, i))+" "+w.at(a, fmt.Sprintf("%snodes.%d.kind", list, i)))
					}
				}
				if w.at(a, list+"pageInfo.hasNextPage") == "false" {
					break
				}
				after = w.at(a, list+"pageInfo.endCursor")
			}
			want := []string{"user0 GAINED", "user1 GAINED", "user2 GAINED", "user3 GAINED", "user4 ERROR_RAISED", "user5 ERROR_RAISED", "user6 ERROR_RAISED"}
			if !slices.Equal(got, want) {
				w.t.Errorf("%s: %v", product, got)
			}
		}
	})
}

func TestR17VerificationNamesWhatDoesNotHold(t *testing.T) {
	each(t, func(w *world) {
		w.seats("suite", 1)
		w.user("Ann")
		w.user("Ben")
		w.group("Team", "ann", "ben")
		w.assign("suite", "team")
		w.ok(w.db.Write(w.t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE seat_counters SET consumed = 0`)
			return err
		}))
		a := w.do(`{ verification { ok usersChecked problems { rule message user { displayName } product { displayName } } } }`, nil)
		const want = `{"verification":{"ok":false,"usersChecked":2,"problems":[` +
			`{"rule":"R17","message":"a seat is waited for while one is free","user":{"displayName":"Ben"},"product":{"displayName":"Suite"}},` +
			`{"rule":"R17","message":"The counters of Suite say 0 consumed, 1 waiting, 1 in error; recounted they are 1, 1 and 1.","user":null,"product":{"displayName":"Suite"}}]}}`
		if string(a.Data) != want {
			w.t.Errorf("got  %s\nwant %s", a.Data, want)
		}
	})
}
