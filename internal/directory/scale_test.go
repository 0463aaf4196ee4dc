package directory_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// crowd writes n users with believable names straight into the tables, each a member of the
// group All, and one in a hundred of the group Some.
func (w *world) crowd(n int) (all, some uuid.UUID) {
	w.t.Helper()
	all, some = w.group("All").ID, w.group("Some").ID
	r := rand.New(rand.NewPCG(1, 2))
	syllables := strings.Fields("an be ce da el fi ga ho in jo ka li mo ne or pa qui ro sa te ul vi wa xe yo za")
	word := func(length int) string {
		var b strings.Builder
		for range length {
			b.WriteString(syllables[r.IntN(len(syllables))])
		}
		return b.String()
	}
	first, last := make([]string, 300), make([]string, 20_000)
	for i := range first {
		first[i] = word(2)
	}
	for i := range last {
		last[i] = word(3)
	}
	const batch = 20_000
	for from := 0; from < n; from += batch {
		w.write(func(ctx context.Context, tx *database.Tx) error {
			return w.someUsers(ctx, tx, r, first, last, from, min(batch, n-from), all, some)
		})
	}
	w.write(func(ctx context.Context, tx *database.Tx) error {
		for group, members := range map[uuid.UUID]int{all: n, some: (n + 99) / 100} {
			if _, err := tx.ExecContext(ctx, `UPDATE group_counters SET members = $1 WHERE group_id = $2`, members, group); err != nil {
				return err
			}
		}
		if tx.Dialect() == database.Postgres { // autovacuum does it in practice; nothing does on SQLite
			_, err := tx.ExecContext(ctx, `ANALYZE`)
			return err
		}
		return nil
	})
	return all, some
}

func (w *world) someUsers(ctx context.Context, tx *database.Tx, r *rand.Rand, first, last []string, from, n int, all, some uuid.UUID) error {
	d := tx.Dialect()
	var ids, wordUsers, groups, members []uuid.UUID
	var names, keys, upns, words []string
	var created []clock.Instant
	for i := range n {
		u, err := id.NewV7()
		if err != nil {
			return err
		}
		name := first[r.IntN(len(first))] + " " + last[r.IntN(len(last))]
		upn := fmt.Sprintf("%s%d@acme.example", strings.ReplaceAll(name, " ", "."), from+i)
		ids, names, keys, upns, created = append(ids, u), append(names, name), append(keys, textkey.Fold(name)), append(upns, upn), append(created, clock.Instant(from+i+1))
		for _, word := range textkey.Words(name, upn) {
			wordUsers, words = append(wordUsers, u), append(words, word)
		}
		groups, members = append(groups, all), append(members, u)
		if (from+i)%100 == 0 {
			groups, members = append(groups, some), append(members, u)
		}
	}
	col := func(name string, t database.ColumnType) database.Column { return database.Column{Name: name, Type: t} }
	for _, s := range []struct {
		text string
		args []any
	}{
		{`INSERT INTO users (id, tenant_id, display_name, display_name_key, user_principal_name, user_principal_name_key, user_type, account_enabled,
			created_at, updated_at, version) SELECT v.id, $1, v.name, v.name_key, v.upn, v.upn, 'MEMBER', true, v.created, v.created, 1 FROM ` +
			d.Unnest("v", 2, col("id", database.UUID), col("name", database.Text), col("name_key", database.Text), col("upn", database.Text),
				col("created", database.BigInt)), d.UnnestArgs(ids, names, keys, upns, created)},
		{`INSERT INTO user_words (tenant_id, user_id, word_key) SELECT $1, v.u, v.w FROM ` +
			d.Unnest("v", 2, col("u", database.UUID), col("w", database.Text)), d.UnnestArgs(wordUsers, words)},
		{`INSERT INTO memberships (tenant_id, group_id, user_id, created_at) SELECT $1, v.g, v.u, 1 FROM ` +
			d.Unnest("v", 2, col("g", database.UUID), col("u", database.UUID)), d.UnnestArgs(groups, members)},
	} {
		if _, err := tx.ExecContext(ctx, s.text, append([]any{w.tenant}, s.args...)...); err != nil {
			return err
		}
	}
	return nil
}

// A list must be found through an index at any size: how the databases go about it is looked
// at with enough users that a scan would be cheaper only if there were no index.
func TestListsOfUsersAreReadFromIndices(t *testing.T) {
	each(t, func(w *world) {
		_, some := w.crowd(20_000)
		page, err := w.directory.ListUsers(w.t.Context(), w.tenant, directory.UserQuery{}, paging.Args{First: ptr(100)})
		w.ok(err)
		middle := paging.Args{After: &page.Cursors[50]}
		for what, c := range map[string]struct {
			service *directory.Service
			query   directory.UserQuery
			args    paging.Args
			index   []string // that the last statement uses, on SQLite and on PostgreSQL
		}{
			"a rare word is a range of words": {
				w.directory, directory.UserQuery{Search: "anbece"}, paging.Args{},
				[]string{"SEARCH w USING COVERING INDEX userword_tenant_id_word_key_user_id (tenant_id=? AND word_key>? AND word_key<?)",
					"userword_tenant_id_word_key_user_id"},
			},
			"a frequent word is met on the way through the order": {
				w.directory.Walking(), directory.UserQuery{Search: "an"}, paging.Args{},
				[]string{"u USING INDEX user_tenant_id_display_name_key_id (tenant_id=?)", "user_tenant_id_display_name_key_id on users"},
			},
			"a page goes on in the order": {
				w.directory, directory.UserQuery{}, middle,
				[]string{"user_tenant_id_display_name_key_id (tenant_id=? AND (display_name_key,id)", "user_tenant_id_display_name_key_id on users"},
			},
			"a small group is read by its members": {
				w.directory, directory.UserQuery{Filter: directory.UserFilter{Group: &some}}, paging.Args{},
				[]string{"membership_tenant_id_group_id_user_id (tenant_id=? AND group_id=?)", "membership_tenant_id_group_id_user_id"},
			},
		} {
			plans, err := c.service.Plans(w.t.Context(), w.tenant, c.query, c.args)
			w.ok(err)
			w.t.Logf("%s: %s", what, strings.Join(plans, "\n--\n"))
			index := c.index[0]
			if w.db.Dialect() == database.Postgres {
				index = c.index[1]
			}
			if last := plans[len(plans)-1]; !strings.Contains(last, index) {
				w.t.Errorf("%s: the plan does not use %q:\n%s", what, index, last)
			}
		}
	})
}
