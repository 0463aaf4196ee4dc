package directory

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// userList is a list of users being put together.
type userList struct {
	tenant   uuid.UUID
	d        database.Dialect
	where    *paging.Where // what a user's row tells, but for the tenant
	wanted   []condition   // must hold
	unwanted []condition   // must not hold
}

// condition is something that is true of users because of rows of other tables. It can be
// asked of each user, or give all users that it is true of; which is quicker depends on how
// many they are.
type condition struct {
	// test returns a condition on u.
	test func(w *paging.Where) string
	// set returns a query of user ids, which may repeat.
	set func(w *paging.Where) string
	// size returns an expression for how many users the set has, where that is kept. Optional.
	size func(w *paging.Where) string
}

func (l *userList) must(c condition)    { l.wanted = append(l.wanted, c) }
func (l *userList) mustNot(c condition) { l.unwanted = append(l.unwanted, c) }

// own adds the conditions on the user's own fields.
func (l *userList) own(d database.Dialect, f UserFilter, locations []string) {
	if f.Deleted {
		l.where.And("u.deleted_at IS NOT NULL")
	} else {
		l.where.And("u.deleted_at IS NULL")
	}
	if f.Departments != nil {
		texts := make([]string, len(f.Departments))
		for i, text := range f.Departments {
			texts[i] = clean(text)
		}
		l.where.And(d.InText("u.department", l.where.Args(d.TextArray(texts))))
	}
	if f.UsageLocations != nil {
		l.where.And(d.InText("u.usage_location", l.where.Args(d.TextArray(locations))))
	}
	if f.AccountEnabled != nil {
		l.where.And("u.account_enabled = " + l.where.Arg(*f.AccountEnabled))
	}
}

// wordCondition holds for users with a word that begins with a term.
func wordCondition(d database.Dialect, term string) condition {
	within := func(w *paging.Where) string {
		return "w.word_key >= " + w.Arg(term) + " AND w.word_key < " + w.Arg(textkey.PrefixEnd(term))
	}
	return condition{
		test: func(w *paging.Where) string {
			return "EXISTS (SELECT 1 FROM user_words w" + indexedBy(d, "userword_tenant_id_user_id") +
				" WHERE w.tenant_id = u.tenant_id AND w.user_id = u.id AND " + within(w) + ")"
		},
		set: func(w *paging.Where) string {
			return "SELECT w.user_id FROM user_words w WHERE w.tenant_id = " + tenantArg + " AND " + within(w)
		},
	}
}

// indexedBy makes SQLite use an index of a table. It keeps no statistics, so that it takes the
// rows of a whole tenant for a few; PostgreSQL knows better.
func indexedBy(d database.Dialect, index string) string {
	if d == database.SQLite {
		return " INDEXED BY " + index
	}
	return ""
}

// tenantArg is the tenant's parameter: the first of every list.
const tenantArg = "$1"

// forms are the numbers of users by which the form of a condition is chosen.
type forms struct{ few, fewOfMany, sample int }

// A set of at most this many users is read whole and sorted, which takes milliseconds. Among
// more, the first that a page needs are soon met by walking through all users in order, unless
// several conditions must meet. Those for whom a condition does not hold are met soon unless
// there are next to none of them among the first users.
const (
	fewUsers       = 5_000
	fewUsersOfMany = 50_000
	sampledUsers   = 1_000
	rareInSample   = 10
)

// forPage returns the list in the form that is quick for a page of it.
func (l *userList) forPage(ctx context.Context, r reading, order paging.Order, f forms) (paging.Keyset[*principal.User], error) {
	few := f.few
	if len(l.wanted)+len(l.unwanted) > 1 {
		few = f.fewOfMany
	}
	where := l.where.Clone()
	var in, out, large []condition
	for _, c := range l.wanted {
		small, err := c.smallerThan(ctx, r.q, l.tenant, few)
		if err != nil {
			return paging.Keyset[*principal.User]{}, err
		}
		if small {
			in = append(in, c)
		} else {
			large = append(large, c)
		}
	}
	rare, err := l.seldomTogether(ctx, r.q, large, f.sample)
	if err != nil {
		return paging.Keyset[*principal.User]{}, err
	}
	if rare {
		in = append(in, large...)
	} else {
		for _, c := range large {
			where.And(c.test(where))
		}
	}
	for _, c := range l.unwanted {
		rare, err := c.absentFromFew(ctx, r.q, l.tenant, f.sample)
		switch {
		case err != nil:
			return paging.Keyset[*principal.User]{}, err
		case rare:
			out = append(out, c)
		default:
			where.And("NOT " + c.test(where))
		}
	}
	l.narrow(where, in, out)
	list := l.keyset(where, len(in) > 0, order)
	if l.d == database.Postgres && len(in)+len(out) > 0 {
		fence(&list)
	}
	return list, nil
}

// forCount returns the list in the form that is quick for counting it.
func (l *userList) forCount(order paging.Order) paging.Keyset[*principal.User] {
	where := l.where.Clone()
	l.narrow(where, l.wanted, l.unwanted)
	return l.keyset(where, len(l.wanted) > 0, order)
}

// narrow adds that users are in some sets and not in others. PostgreSQL sorts or hashes each set
// once, whatever it takes their sizes for; told by IN and NOT EXISTS it may join them by a loop over
// all pairs, which took a minute for a million users. SQLite keeps each set as a tree.
func (l *userList) narrow(where *paging.Where, in, out []condition) {
	if l.d == database.SQLite || len(in) <= 1 && len(out) == 0 {
		for _, c := range in {
			where.And("u.id IN (" + c.set(where) + ")")
		}
		for _, c := range out {
			where.And("u.id NOT IN (" + c.set(where) + ")")
		}
		return
	}
	var sets []string
	for _, c := range in {
		sets = append(sets, "SELECT s.user_id FROM ("+c.set(where)+") s")
	}
	if len(in) == 0 {
		sets = append(sets, "SELECT e.id FROM users e WHERE e.tenant_id = "+tenantArg)
	}
	text := strings.Join(sets, " INTERSECT ")
	for _, c := range out {
		text += " EXCEPT SELECT s.user_id FROM (" + c.set(where) + ") s"
	}
	where.And("u.id IN (" + text + ")")
}

// keyset completes a list; collected says that some condition of it gives the users' ids.
func (l *userList) keyset(where *paging.Where, collected bool, order paging.Order) paging.Keyset[*principal.User] {
	where.And("u.tenant_id = " + tenantArg)
	from := "users u"
	if collected {
		from += indexedBy(l.d, "user_tenant_id_id")
	}
	return paging.Keyset[*principal.User]{Order: order, Select: userColumns, From: from, Where: where, Scan: scanUser}
}

// fence makes PostgreSQL read the users of a list before it sorts them. For a page it may else walk
// through all users in order, and through the sets for each, in the hope of a quick end: half a
// minute for a million users.
func fence(list *paging.Keyset[*principal.User]) {
	list.From = "(SELECT u.* FROM " + list.From + list.Where.SQL() + " OFFSET 0) u"
	args := list.Where.Values()
	list.Where = &paging.Where{}
	list.Where.Args(args...)
}

func (c condition) smallerThan(ctx context.Context, q database.Querier, tenant uuid.UUID, n int) (bool, error) {
	w := &paging.Where{}
	w.Arg(tenant)
	var found int
	query := ""
	if c.size != nil {
		query = "SELECT " + c.size(w)
	} else {
		query = "SELECT count(*) FROM (SELECT 1 FROM (" + c.set(w) + ") s LIMIT " + strconv.Itoa(n) + ") few"
	}
	if err := q.QueryRowContext(ctx, query, w.Values()...).Scan(&found); err != nil {
		return false, fmt.Errorf("estimate a list of users: %w", err)
	}
	return found < n, nil
}

// seldomTogether tells, from the first users, whether several conditions, each of which holds for
// many, hold for next to nobody together, so that a walk would be long.
func (l *userList) seldomTogether(ctx context.Context, q database.Querier, all []condition, sample int) (bool, error) {
	if len(all) < 2 {
		return false, nil
	}
	together := condition{test: func(w *paging.Where) string {
		tests := make([]string, len(all))
		for i, c := range all {
			tests[i] = c.test(w)
		}
		return "NOT (" + strings.Join(tests, " AND ") + ")"
	}}
	return together.absentFromFew(ctx, q, l.tenant, sample)
}

// absentFromFew tells, from the first users, whether the condition holds for nearly everybody,
// so that those for whom it does not are far apart on a walk.
func (c condition) absentFromFew(ctx context.Context, q database.Querier, tenant uuid.UUID, sample int) (bool, error) {
	w := &paging.Where{}
	w.Arg(tenant)
	var all, outside int
	query := "SELECT count(*), count(CASE WHEN " + c.test(w) + " THEN NULL ELSE 1 END) FROM (SELECT u.id, u.tenant_id, u.account_enabled FROM users u WHERE u.tenant_id = " +
		tenantArg + " AND u.deleted_at IS NULL ORDER BY u.display_name_key, u.id LIMIT " + strconv.Itoa(sample) + ") u"
	if err := q.QueryRowContext(ctx, query, w.Values()...).Scan(&all, &outside); err != nil {
		return false, fmt.Errorf("estimate a list of users: %w", err)
	}
	return all == sample && outside < rareInSample, nil
}
