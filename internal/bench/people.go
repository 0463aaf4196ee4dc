package bench

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

var (
	given = strings.Fields("Anna Bram Chloe Dirk Elif Femke Gijs Hana Ivo Jana Kofi Lena Milan Noor Olaf Piotr Quinn Rosa Sven Tess " +
		"Umar Vera Wout Xenia Yuki Zoë Amir Britt Cem Doris Emil Fatima Guus Hilde Inès Joost Karin Lars Maud Nina")
	family = strings.Fields("Jansen Visser Bakker Smit Meyer Mulder Boer Dijk Bos Vos Peters Hendriks Kok Jacobs Haas Vermeer Schouten " +
		"Willems Prins Blom Huisman Peeters Kuiper Post Kuijpers Veenstra Kramer Scholten Postma Martens Vink Timmer Groot Koster " +
		"Brouwer Maas Verbeek Schmidt Müller Weber Fischer Wagner Becker Schulz Hoffmann Koch Bauer Richter Klein Wolf")
	departments = strings.Fields("Engineering Research Operations Sales Marketing Support Finance People Legal IT")
)

// column names a column of a statement's list.
func column(name string, t database.ColumnType) database.Column {
	return database.Column{Name: name, Type: t}
}

// chunk is how many users or memberships are written in a transaction.
const (
	userChunk       = 5_000
	membershipChunk = 50_000
)

// insertUsers writes users from one on.
func (g *generator) insertUsers(ctx context.Context, from, to int) error {
	var (
		ids                                                       []uuid.UUID
		principal, principalKey, display, displayKey, dept, place []string
		wordUsers                                                 []uuid.UUID
		words                                                     []string
	)
	for u := from; u < to; u++ {
		first, last := given[u%len(given)], family[(u/len(given)*7+u)%len(family)]
		name := first + " " + last
		login := fmt.Sprintf("%s.%s%d@bench.example", textkey.Fold(first), textkey.Fold(last), u)
		ids = append(ids, key(userID, u))
		principal, principalKey = append(principal, login), append(principalKey, textkey.Fold(login))
		display, displayKey = append(display, name), append(displayKey, textkey.Fold(name))
		dept, place = append(dept, departments[u%len(departments)]), append(place, country(u))
		for _, w := range textkey.Words(name, login) {
			wordUsers, words = append(wordUsers, key(userID, u)), append(words, w)
		}
	}
	return g.fill(ctx, func(ctx context.Context, tx *database.Tx) error {
		d := tx.Dialect()
		_, err := tx.ExecContext(ctx, `INSERT INTO users (id, tenant_id, user_principal_name, user_principal_name_key, display_name, display_name_key,
			department, usage_location, user_type, account_enabled, created_at, updated_at, version)
			SELECT v.id, $1, v.principal, v.principal_key, v.display, v.display_key, v.dept, nullif(v.place, ''), 'MEMBER', true, $2, $2, 1 FROM `+
			d.Unnest("v", 3, column("id", database.UUID), column("principal", database.Text), column("principal_key", database.Text),
				column("display", database.Text), column("display_key", database.Text), column("dept", database.Text), column("place", database.Text)),
			append([]any{g.tenant.ID, since(0)}, d.UnnestArgs(ids, principal, principalKey, display, displayKey, dept, place)...)...)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO user_words (tenant_id, user_id, word_key) SELECT $1, v.id, v.word FROM `+
			d.Unnest("v", 2, column("id", database.UUID), column("word", database.Text)),
			append([]any{g.tenant.ID}, d.UnnestArgs(wordUsers, words)...)...)
		return err
	})
}

// insertGroups writes groups of a tenant with their nestings and counters. sizes may be nil.
func (g *generator) insertGroups(ctx context.Context, tenant uuid.UUID, kind idKind, parents [][]int, sizes []int) error {
	var (
		ids, parentIDs, childIDs []uuid.UUID
		names, keys, search      []string
		members                  []int64
	)
	for i := range parents {
		name := groupName(i)
		ids = append(ids, key(kind, i))
		names, keys, search = append(names, name), append(keys, textkey.Fold(name)), append(search, textkey.SearchKey(name))
		size := 0
		if sizes != nil {
			size = sizes[i]
		}
		members = append(members, int64(size))
		for _, p := range parents[i] {
			parentIDs, childIDs = append(parentIDs, key(kind, p)), append(childIDs, key(kind, i))
		}
	}
	return g.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		d := tx.Dialect()
		if _, err := tx.ExecContext(ctx, `INSERT INTO groups (id, tenant_id, display_name, display_name_key, search_key, created_at, updated_at, version)
			SELECT v.id, $1, v.name, v.name_key, v.search, $2, $2, 1 FROM `+
			d.Unnest("v", 3, column("id", database.UUID), column("name", database.Text), column("name_key", database.Text), column("search", database.Text)),
			append([]any{tenant, since(0)}, d.UnnestArgs(ids, names, keys, search)...)...); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO group_counters (tenant_id, group_id, members) SELECT $1, v.id, v.members FROM `+
			d.Unnest("v", 2, column("id", database.UUID), column("members", database.BigInt)),
			append([]any{tenant}, d.UnnestArgs(ids, members)...)...); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO nestings (tenant_id, parent_id, child_id, created_at) SELECT $1, v.parent, v.child, $2 FROM `+
			d.Unnest("v", 3, column("parent", database.UUID), column("child", database.UUID)),
			append([]any{tenant, since(0)}, d.UnnestArgs(parentIDs, childIDs)...)...); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE tenants SET graph_revision = graph_revision + 1 WHERE id = $1`, tenant)
		return err
	})
}

// groupName is the name of a group.
func groupName(n int) string {
	switch n {
	case groupAll:
		return "Everybody"
	case groupNestable:
		return "New division"
	case groupParent:
		return "Holding"
	case groupConflict:
		return "Laboratory"
	}
	return fmt.Sprintf("%s Team %d", departments[n%len(departments)], n)
}

// insertMemberships writes the members of all groups, told how many there are already.
func (g *generator) insertMemberships(ctx context.Context, progress func(done int)) error {
	var groups, users []uuid.UUID
	done := 0
	flush := func() error {
		err := g.fill(ctx, func(ctx context.Context, tx *database.Tx) error {
			d := tx.Dialect()
			_, err := tx.ExecContext(ctx, `INSERT INTO memberships (tenant_id, group_id, user_id, created_at) SELECT $1, v.group_id, v.user_id, $2 FROM `+
				d.Unnest("v", 3, column("group_id", database.UUID), column("user_id", database.UUID)),
				append([]any{g.tenant.ID, since(0)}, d.UnnestArgs(groups, users)...)...)
			return err
		})
		done += len(users)
		groups, users = groups[:0], users[:0]
		progress(done)
		return err
	}
	for group, size := range g.tenant.sizes {
		for k := range size {
			groups, users = append(groups, key(groupID, group)), append(users, key(userID, g.tenant.member(group, k)))
			if len(users) == membershipChunk {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	return flush()
}
