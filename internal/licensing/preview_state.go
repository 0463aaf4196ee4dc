package licensing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/locale"
)

// What a change becomes is a function of what the engine is given (R5). So a preview relies on
// that: on each loaded user's facts and exceptions, on how many users the database groups alike,
// and on the seats of the products that move; and on the facts that the planners read of what the
// changes name. All of it is digested, by aspect, so that a refusal can say what has changed, and
// with it what comes of it, as a safeguard.
//
// New ids and instants, which are others each time, are in no digest.

// The aspects.
const (
	aspectCatalog = iota
	aspectTenant
	aspectSubscriptions
	aspectGroups
	aspectNamed
	aspectPeople
	aspectSeats
	aspectOutcome // the last
	aspects
)

var aspectWords = [aspects]locale.Text{
	aspectCatalog:       locale.T("the catalogue"),
	aspectTenant:        locale.T("the organisation's country or terms"),
	aspectSubscriptions: locale.T("a subscription of a product concerned"),
	aspectGroups:        locale.T("a group that is named, or what reaches its members"),
	aspectNamed:         locale.T("a user who is named"),
	aspectPeople:        locale.T("memberships, assignments or errors of a user concerned"),
	aspectSeats:         locale.T("the seats that are taken of a product concerned"),
	aspectOutcome:       locale.T("what comes of the changes"),
}

// reliance is what a judged change relied on.
type reliance struct {
	since clock.Instant // of the tenant's last change before
	of    [aspects]hash.Hash
}

func newReliance() *reliance {
	r := &reliance{}
	for a := range r.of {
		r.of[a] = sha256.New()
	}
	return r
}

func (r *reliance) digests() []digest {
	all := make([]digest, aspects)
	for a, h := range r.of {
		all[a] = digest(h.Sum(nil))
	}
	return all
}

// add appends values to an aspect, each with its length.
func (r *reliance) add(aspect int, values ...any) {
	var size [4]byte
	for _, v := range values {
		var b []byte
		switch v := v.(type) {
		case uuid.UUID:
			b = v[:]
		case []byte:
			b = v
		case engine.PlanSet:
			for p := range v.All() {
				b = binary.BigEndian.AppendUint32(b, uint32(p)) //nolint:gosec // an index
			}
		default:
			b = fmt.Append(nil, v)
		}
		binary.BigEndian.PutUint32(size[:], uint32(len(b))) //nolint:gosec // of one value
		r.of[aspect].Write(size[:])
		r.of[aspect].Write(b)
	}
}

// person adds a user who was loaded, with all that the change is judged by. They come by id.
func (r *reliance) person(p *person) {
	if r == nil {
		return
	}
	r.add(aspectPeople, p.id, p.deleted, orNone(p.location), len(p.groups))
	for _, g := range sortedUUIDs(slices.Values(p.groups)) {
		r.add(aspectPeople, g)
	}
	own := slices.SortedFunc(slices.Values(p.direct), func(a, b *tenantgraph.Assignment) int { return compareUUIDs(a.ID, b.ID) })
	for _, a := range own {
		r.assignment(aspectPeople, a)
	}
	stored := slices.SortedFunc(slices.Values(p.rows), func(a, b stored) int {
		return bytes.Compare(append(a.assignment[:], a.plan.UUID[:]...), append(b.assignment[:], b.plan.UUID[:]...))
	})
	for _, row := range stored {
		r.add(aspectPeople, row.assignment, row.plan.UUID, row.code, row.since)
	}
}

func (r *reliance) assignment(aspect int, a *tenantgraph.Assignment) {
	r.add(aspect, a.ID, a.ProductID, a.Version, a.UpdatedAt) // whatever an edit changes
	r.selection(aspect, a)
}

func (r *reliance) selection(aspect int, a *tenantgraph.Assignment) {
	r.add(aspect, a.Selection.Mode, a.IncludeNested, len(a.Selection.Plans))
	for _, p := range sortedUUIDs(slices.Values(a.Selection.Plans)) {
		r.add(aspect, p)
	}
}

// askReliance completes what a judged change relied on and asks whether that will do.
func (s *Service) askReliance(ctx context.Context, d *Draft, book *casebook, i *Impact, verdicts []engine.Verdict, o Options) error {
	r := book.relied
	row := d.Tx.QueryRowContext(ctx, `SELECT last_instant FROM tenants WHERE id = $1`, d.Tenant)
	if err := row.Scan(&r.since); err != nil {
		return fmt.Errorf("read the instant of the last change: %w", err)
	}
	since := o.since
	if since == 0 {
		since = r.since
	}
	r.add(aspectCatalog, d.Graph.Tag.Catalog)
	r.add(aspectTenant, d.Graph.Country, d.Graph.Terms)
	r.groups(d, book)
	products := concerned(d, book, i)
	var limits []string
	for _, p := range products {
		for _, sub := range slices.SortedFunc(slices.Values(d.Graph.Subscriptions(p)), func(a, b *tenantgraph.Subscription) int { return compareUUIDs(a.ID, b.ID) }) {
			r.add(aspectSubscriptions, sub.ID, sub.Version, sub.Status)
		}
		c := i.counts[p]
		r.add(aspectSeats, p, c.Consumed, c.Waiting, c.InError)
		for key, place := range book.places {
			if a := book.after.Assignment(key); a.ProductID == p { // whose id may be new
				limits = append(limits, fmt.Sprintf("%s %d of %d, %d for %d", a.GroupID, place.Used, place.Limit, place.Kept, place.Reserve))
			}
		}
	}
	slices.Sort(limits)
	r.add(aspectSeats, strings.Join(limits, ","))
	if err := r.named(ctx, d); err != nil {
		return err
	}
	if err := r.grouped(ctx, d, book, since); err != nil {
		return err
	}
	r.draft(d)
	r.outcome(i, d, verdicts)
	return o.relied(r)
}

// groups adds the groups that the changes name, and what reaches their members and those of all
// others whose reach changes.
func (r *reliance) groups(d *Draft, book *casebook) {
	named := map[uuid.UUID]bool{}
	for g := range d.touched {
		named[g] = true
	}
	for g := range d.edit.Changes().Groups {
		named[g] = true
	}
	for _, u := range d.users {
		for _, set := range []map[uuid.UUID]bool{u.join, u.leave} {
			for g := range set {
				named[g] = true
			}
		}
	}
	reached := maps.Clone(named)
	for _, g := range book.touched.groups {
		reached[g] = true
	}
	for _, key := range sortedUUIDs(maps.Keys(reached)) {
		g := d.Graph.Group(key)
		if g == nil { // created
			continue
		}
		r.add(aspectGroups, key)
		if named[key] {
			r.add(aspectGroups, g.Version)
		}
		reach := slices.SortedFunc(slices.Values(d.Graph.Reach(key)), func(a, b tenantgraph.Reached) int { return compareUUIDs(a.ID, b.ID) })
		for _, a := range reach {
			r.assignment(aspectGroups, a.Assignment)
		}
	}
}

// concerned returns the products of which the change moves seats, sources or subscriptions.
func concerned(d *Draft, book *casebook, i *Impact) []uuid.UUID {
	products := map[uuid.UUID]bool{}
	for _, p := range i.Products {
		products[p.Product.ID] = true
	}
	for _, sub := range d.edit.Changes().Subscriptions {
		products[sub.ProductID] = true
	}
	for _, c := range book.cases {
		for k := range c.After {
			if !slices.ContainsFunc(c.Before.Sources, func(b engine.Source) bool { return b.Key == c.After[k].Key }) {
				products[book.after.ProductAt(c.After[k].Product).ID] = true
			}
		}
	}
	return sortedUUIDs(maps.Keys(products))
}

// named adds the versions of the users whom the changes name.
func (r *reliance) named(ctx context.Context, d *Draft) error {
	var ids []uuid.UUID
	for user, u := range d.users {
		if u.before != nil || u.after == nil {
			ids = append(ids, user)
		}
	}
	q := d.Tx.Dialect()
	err := database.Each(ctx, d.Tx, func(scan func(...any) error) error {
		var user uuid.UUID
		var version int64
		var deleted bool
		err := scan(&user, &version, &deleted)
		r.add(aspectNamed, user, version, deleted)
		return err
	}, `SELECT id, version, deleted_at IS NOT NULL FROM users WHERE tenant_id = $1 AND `+q.In("id", 2)+` ORDER BY id`, d.Tenant, q.UUIDArray(ids))
	if err != nil {
		return fmt.Errorf("read the users who are named: %w", err)
	}
	return nil
}

// grouped adds those users whom the database grouped: how many are alike, and, because others may
// have taken their places, whether anybody has come or gone since an instant. A membership that
// begins shows in the number of members, unless one has ended.
func (r *reliance) grouped(ctx context.Context, d *Draft, book *casebook, since clock.Instant) error {
	if book.grouping == nil {
		return nil
	}
	alike := map[[sha256.Size]byte]int64{}
	for _, c := range book.cases {
		if c.Users != nil {
			continue
		}
		one := &reliance{}
		one.of[aspectPeople] = sha256.New()
		for k := range c.Before.Sources {
			b := &c.Before.Sources[k]
			one.add(aspectPeople, b.Key[:], b.Selected, b.Created, b.Priority)
		}
		for _, row := range c.Before.Rows {
			one.add(aspectPeople, row.Assignment[:], row.Plan, row.Code, row.Since)
		}
		one.add(aspectPeople, c.Before.Barred)
		alike[[sha256.Size]byte(one.of[aspectPeople].Sum(nil))] += c.Count
	}
	for _, key := range slices.SortedFunc(maps.Keys(alike), func(a, b [sha256.Size]byte) int { return bytes.Compare(a[:], b[:]) }) {
		r.add(aspectPeople, key[:], alike[key])
	}
	q, groups := d.Tx.Dialect(), book.touched.groups
	err := database.Each(ctx, d.Tx, func(scan func(...any) error) error {
		var group uuid.UUID
		var members int64
		err := scan(&group, &members)
		r.add(aspectPeople, group, members)
		return err
	}, `SELECT group_id, members FROM group_counters WHERE tenant_id = $1 AND `+q.In("group_id", 2)+` ORDER BY group_id`, d.Tenant, q.UUIDArray(groups))
	if err != nil {
		return fmt.Errorf("read the numbers of members: %w", err)
	}
	return r.sinceThen(ctx, d, book, since)
}

// sinceThen adds the last time after an instant at which a user who was only grouped left a group
// that anything reaches, moved, or was deleted or restored. Histories of an hour are short.
func (r *reliance) sinceThen(ctx context.Context, d *Draft, book *casebook, since clock.Instant) error {
	q := d.Tx.Dialect()
	member := func(user string) string {
		return `EXISTS (SELECT 1 FROM memberships m WHERE m.tenant_id = $1 AND m.user_id = ` + user + ` AND ` + q.In("m.group_id", 3) + `)
			OR EXISTS (SELECT 1 FROM assignments a WHERE a.tenant_id = $1 AND a.user_id = ` + user + ` AND ` + q.In("a.product_id", 4) + `)`
	}
	found, err := database.Values[clock.Instant](ctx, d.Tx, `SELECT CAST(coalesce(max(x.until), 0) AS bigint) FROM (
		SELECT h.until FROM memberships_history h WHERE h.tenant_id = $1 AND h.until > $2 AND (`+q.In("h.group_id", 3)+` OR `+q.In("h.group_id", 5)+` AND (`+member("h.user_id")+`))
		UNION ALL SELECT h.until FROM users_history h JOIN users u ON u.tenant_id = $1 AND u.id = h.id
			WHERE h.tenant_id = $1 AND h.until > $2 AND (coalesce(h.usage_location, '') <> coalesce(u.usage_location, '')
			OR (h.deleted_at IS NULL) <> (u.deleted_at IS NULL)) AND (`+member("h.id")+`)) x`,
		d.Tenant, since, q.UUIDArray(book.touched.groups), q.UUIDArray(book.touched.products), q.UUIDArray(d.Graph.ReachingGroups()))
	if err != nil {
		return fmt.Errorf("read what has ended since the preview: %w", err)
	}
	r.add(aspectPeople, found[0])
	return nil
}

// draft adds what the changes come to, as planned.
func (r *reliance) draft(d *Draft) {
	created := 0
	for _, user := range sortedUUIDs(maps.Keys(d.users)) {
		u := d.users[user]
		if u.before == nil && u.after != nil {
			created++
			continue
		}
		r.add(aspectOutcome, user, u.judged)
		for _, groups := range []map[uuid.UUID]bool{u.join, u.leave} {
			r.add(aspectOutcome, len(groups))
			for _, g := range sortedUUIDs(maps.Keys(groups)) {
				r.created(d, g)
			}
		}
		for _, product := range sortedUUIDs(maps.Keys(u.direct)) {
			r.add(aspectOutcome, product)
			if after := u.direct[product].after; after != nil {
				r.selection(aspectOutcome, after)
			}
		}
	}
	changes := d.edit.Changes()
	r.add(aspectOutcome, created, len(changes.Groups), len(changes.Nestings), len(changes.Assignments), len(changes.Subscriptions))
	var subscriptions []string
	for _, sub := range changes.Subscriptions {
		seats := "unlimited"
		if sub.Seats != nil {
			seats = fmt.Sprint(*sub.Seats)
		}
		subscriptions = append(subscriptions, fmt.Sprint(sub.ProductID, sub.Status, seats))
	}
	slices.Sort(subscriptions)
	r.add(aspectOutcome, subscriptions)
}

// created adds a group, but for its id where that is new.
func (r *reliance) created(d *Draft, group uuid.UUID) {
	if d.Graph.Group(group) == nil {
		group = uuid.Nil
	}
	r.add(aspectOutcome, group)
}

// outcome adds what the change does to users and products: who they are, where they were loaded.
func (r *reliance) outcome(i *Impact, d *Draft, verdicts []engine.Verdict) {
	for _, p := range i.after.Products {
		if delta := i.deltas[p.Index]; delta != nil {
			r.add(aspectOutcome, p.ID, *delta)
		}
	}
	r.add(aspectOutcome, i.losses, i.UsersGaining, i.UsersLosing, i.UsersChanged, i.UsersInError)
	var users []uuid.UUID
	for _, v := range verdicts {
		if part, _ := i.compare(v.Case.Before, v.After); len(part.changes) == 0 {
			continue
		}
		for _, u := range v.Users {
			if drafted := d.users[u]; drafted == nil || drafted.before != nil || drafted.after == nil { // not created
				users = append(users, u)
			}
		}
	}
	for _, u := range sortedUUIDs(slices.Values(users)) {
		r.add(aspectOutcome, u)
	}
}

func orNone(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func sortedUUIDs(ids iter.Seq[uuid.UUID]) []uuid.UUID { return slices.SortedFunc(ids, compareUUIDs) }
