package licensing

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/engine"
)

// listed is how many users are looked for to fill a page of changes: the cursor's own, of whom more
// may follow, as many as a page can hold, and one more.
const listed = 102

// list finds the first users whose licenses change after a cursor, so that a page of the impact can
// be read. Users are looked at one by one, and no more of them than a page takes: what becomes of
// each follows from the user's own facts, the line and the seats. It is done before anything is
// written.
func (f *fastPath) list(ctx context.Context, i *Impact, cursor string) error {
	from, err := parseChangeCursor(cursor)
	if err != nil {
		return err
	}
	after := uuid.Nil
	if from != nil {
		after, i.earlier = uuid.UUID(from.user), true
	}
	for limit, found := listed, len(i.parts); len(i.parts)-found < listed; limit = min(4*limit, chunk) {
		page, err := f.page(ctx, after, limit)
		if err != nil || len(page.users) == 0 {
			return err
		}
		loaded, err := people(ctx, f.d.Tx, f.d.Tx.Dialect(), f.d.Tenant, page.users, f.book.reached)
		if err != nil {
			return err
		}
		for _, p := range loaded {
			if p.deleted {
				continue
			}
			before := engine.User{Sources: sources(f.book.before, p.groups, p.direct), Rows: rows(f.book.before, p)}
			to := engine.User{Sources: sources(f.book.after, p.groups, p.direct)}
			to.Rows = f.rowsAfter(before, to.Sources, page.fate(p.id))
			part, _ := i.compare(before, to)
			if len(part.changes) > 0 {
				part.users = []engine.ID{p.id}
				i.parts = append(i.parts, part)
			}
		}
		after = following(page.users[len(page.users)-1])
	}
	return nil
}

// fatePage is some users, by id, with what others decide of them.
type fatePage struct {
	users   []uuid.UUID
	healed  []uuid.UUID        // ascending: they waited, and get a seat
	refused map[uuid.UUID]bool // if they are newcomers, they get none
	all     bool               // no newcomer gets one
}

type fate struct{ healed, refused bool }

func (p *fatePage) fate(user uuid.UUID) fate {
	_, healed := slices.BinarySearchFunc(p.healed, user, compareUUIDs)
	return fate{healed, p.all || p.refused[user]}
}

// page returns the first users of whom the change may change anything, from one on.
func (f *fastPath) page(ctx context.Context, from uuid.UUID, limit int) (*fatePage, error) {
	l, page := &local{groups: f.local}, &fatePage{}
	for _, p := range f.products {
		if p.liveBefore != p.liveAfter {
			l.products = append(l.products, p.ID)
		}
	}
	var err error
	if page.users, err = l.first(ctx, f.d, from, limit); err != nil {
		return nil, err
	}
	if len(f.products) > 1 { // nobody waits, and everybody who comes finds a seat
		return page, nil
	}
	p := f.one()
	if p.healed > 0 {
		if page.healed, err = f.healedFrom(ctx, from, limit); err != nil {
			return nil, err
		}
		page.users = slices.Concat(page.users, page.healed)
		slices.SortFunc(page.users, compareUUIDs)
		page.users = slices.Compact(page.users)
		page.users = page.users[:min(len(page.users), limit)]
	}
	switch {
	case p.newcomers == p.seated:
	case p.seated == 0:
		page.all = true
	default:
		page.refused, err = f.refusedAmong(ctx, page.users)
	}
	return page, err
}

// rowsAfter returns the errors of a user once the change is made.
func (f *fastPath) rowsAfter(before engine.User, after []engine.Source, is fate) []engine.Row {
	var all []engine.Row
	waited := false
	for _, r := range before.Rows {
		switch {
		case !f.ofProducts(before.Sources, r.Assignment): // of other products
			all = append(all, r)
		default:
			waited = true
			if !is.healed && slices.ContainsFunc(after, func(s engine.Source) bool { return s.Key == r.Assignment }) {
				all = append(all, r)
			}
		}
	}
	held := slices.ContainsFunc(before.Sources, func(s engine.Source) bool { return f.of(s.Product) })
	if is.refused && !waited && !held {
		all = append(all, f.refusedRows(after)...)
	}
	slices.SortFunc(all, func(a, b engine.Row) int { return bytes.Compare(a.Assignment[:], b.Assignment[:]) })
	return all
}

func (f *fastPath) of(product int32) bool {
	return slices.ContainsFunc(f.products, func(p *fastProduct) bool { return p.Index == product })
}

func (f *fastPath) ofProducts(all []engine.Source, key engine.ID) bool {
	for _, s := range all {
		if s.Key == key {
			return f.of(s.Product)
		}
	}
	return false
}

func (f *fastPath) refusedRows(all []engine.Source) []engine.Row {
	var refused []engine.Row
	for _, s := range all {
		if s.Product == f.one().Index {
			refused = append(refused, engine.Row{Assignment: s.Key, Plan: engine.Whole, Code: engine.Count, Since: int64(f.d.Now)})
		}
	}
	return refused
}

// refusedAmong returns which of some users, if they are newcomers of the one product, find no seat: a
// place in line hangs on everybody who comes.
func (f *fastPath) refusedAmong(ctx context.Context, users []uuid.UUID) (map[uuid.UUID]bool, error) {
	refused, q := map[uuid.UUID]bool{}, f.d.Tx.Dialect()
	var args []any
	head := f.with(&args) + ranked
	args = append(args, f.one().seated, q.UUIDArray(users))
	err := f.set(ctx, func() error {
		return database.Each(ctx, f.d.Tx, func(scan func(...any) error) error {
			var user uuid.UUID
			err := scan(&user)
			refused[user] = true
			return err
		}, fmt.Sprintf(`%s SELECT DISTINCT p.u FROM places p WHERE p.place > $%d AND %s`, head, len(args)-1, q.In("p.u", len(args))), args...)
	})
	if err != nil {
		return nil, fmt.Errorf("list the users who get no seat: %w", err)
	}
	return refused, nil
}

// healedFrom returns the first users, by id from one on, who get a seat that they waited for.
func (f *fastPath) healedFrom(ctx context.Context, from uuid.UUID, limit int) ([]uuid.UUID, error) {
	p := f.one()
	args := []any{f.d.Tenant, p.ID, p.healed, from}
	gone := ""
	if p.leaving > 0 { // who leaves the line gets no seat
		gone = ` AND v.user_id IN (` + f.remaining(&args) + `)`
	}
	var healed []uuid.UUID
	err := database.Each(ctx, f.d.Tx, func(scan func(...any) error) error {
		var user uuid.UUID
		err := scan(&user)
		healed = append(healed, user)
		return err
	}, fmt.Sprintf(`SELECT h.user_id FROM (SELECT v.user_id FROM %s AND v.product_id = $2%s ORDER BY %s LIMIT $3) h
		WHERE h.user_id >= $4 ORDER BY h.user_id LIMIT %d`, inLine, gone, WaitingOrder, limit), args...)
	if err != nil {
		return nil, fmt.Errorf("list the users who get a seat: %w", err)
	}
	return healed, nil
}

// remaining selects the users that have a source of the one product after the change.
func (f *fastPath) remaining(args *[]any) string {
	q := f.d.Tx.Dialect()
	var groups []uuid.UUID
	for _, r := range f.pairs {
		if r.after {
			groups = append(groups, r.group)
		}
	}
	*args = append(*args, q.UUIDArray(groups))
	return `SELECT m.user_id FROM memberships m WHERE m.tenant_id = $1 AND ` + q.In("m.group_id", len(*args)) +
		` UNION SELECT a.user_id FROM assignments a WHERE a.tenant_id = $1 AND a.product_id = $2 AND a.user_id IS NOT NULL`
}
