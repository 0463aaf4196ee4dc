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
// be read. What becomes of each follows from the user's own facts, the line and the seats. It is done
// before anything is written.
func (f *fastPath) list(ctx context.Context, i *Impact, cursor string) error {
	from, err := parseChangeCursor(cursor)
	if err != nil {
		return err
	}
	after := uuid.Nil
	if from != nil {
		after, i.earlier = uuid.UUID(from.user), true
	}
	page, err := f.page(ctx, after)
	if err != nil {
		return err
	}
	loaded, err := people(ctx, f.d.Tx, f.d.Tx.Dialect(), f.d.Tenant, page.users, f.book.reached)
	if err != nil {
		return err
	}
	for _, p := range loaded {
		before := engine.User{Sources: sources(f.book.before, p.groups, p.direct), Rows: rows(f.book.before, p)}
		to := engine.User{Sources: sources(f.book.after, p.groups, p.direct)}
		to.Rows = f.rowsAfter(before, to.Sources, page.fate(p.id))
		part, _ := i.compare(before, to)
		part.users = []engine.ID{p.id}
		i.parts = append(i.parts, part)
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

// page returns the first users whose licenses change, from one on.
func (f *fastPath) page(ctx context.Context, from uuid.UUID) (*fatePage, error) {
	page := &fatePage{}
	var err error
	if page.users, err = f.changing(ctx, from); err != nil {
		return nil, err
	}
	if len(f.products) > 1 { // nobody waits, and everybody who comes finds a seat
		return page, nil
	}
	p := f.one()
	if p.healed > 0 {
		if page.healed, err = f.healedFrom(ctx, from); err != nil {
			return nil, err
		}
		page.users = slices.Concat(page.users, page.healed)
		slices.SortFunc(page.users, compareUUIDs)
		page.users = slices.Compact(page.users)
		page.users = page.users[:min(len(page.users), listed)]
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

// changing returns the first users, by id from one on, whose sources change and who do not go on
// waiting. Of users who are alike no more are read than are returned; else it takes what counting
// them took.
func (f *fastPath) changing(ctx context.Context, from uuid.UUID) (users []uuid.UUID, err error) {
	switch {
	case f.onlySeats():
	case f.alike != nil:
		users, err = database.Values[uuid.UUID](ctx, f.d.Tx, fmt.Sprintf(`SELECT m.user_id FROM memberships m WHERE m.tenant_id = $1
			AND m.group_id = $2 AND m.user_id >= $3 AND m.user_id%s ORDER BY m.user_id LIMIT %d`, undeleted, listed), f.d.Tenant, f.local[0], from)
	default:
		var args []any
		head := f.with(&args)
		args = append(args, from)
		err = f.set(ctx, func() (err error) {
			users, err = database.Values[uuid.UUID](ctx, f.d.Tx, fmt.Sprintf(`%s SELECT DISTINCT per.u FROM per WHERE per.u >= $%d
				AND (per.differ = 1 OR per.h0 <> per.h1) AND (per.waits = 0 OR per.h1 = 0) ORDER BY per.u LIMIT %d`, head, len(args), listed), args...)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list the users whose licenses change: %w", err)
	}
	return users, nil
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
		found, err := database.Values[uuid.UUID](ctx, f.d.Tx, fmt.Sprintf(`%s SELECT DISTINCT p.u FROM places p WHERE p.place > $%d AND %s`,
			head, len(args)-1, q.In("p.u", len(args))), args...)
		for _, user := range found {
			refused[user] = true
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the users who get no seat: %w", err)
	}
	return refused, nil
}

// healedFrom returns the first users, by id from one on, who get a seat that they waited for.
func (f *fastPath) healedFrom(ctx context.Context, from uuid.UUID) ([]uuid.UUID, error) {
	p := f.one()
	args := []any{f.d.Tenant, p.ID, p.healed, from}
	gone := ""
	if p.leaving > 0 { // who leaves the line gets no seat
		gone = ` AND v.user_id IN (` + f.remaining(&args) + `)`
	}
	healed, err := database.Values[uuid.UUID](ctx, f.d.Tx, fmt.Sprintf(`SELECT h.user_id FROM (SELECT v.user_id FROM %s AND v.product_id = $2%s
		ORDER BY %s LIMIT $3) h WHERE h.user_id >= $4 ORDER BY h.user_id LIMIT %d`, inLine("license_violations"), gone, WaitingOrder, listed), args...)
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
		` UNION SELECT a.user_id FROM assignments a WHERE a.tenant_id = $1 AND a.product_id = $2 AND a.user_id IS NOT NULL AND NOT a.scheduled`
}
