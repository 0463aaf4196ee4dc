package licensing

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// grouping puts users into cases without loading them: the database groups them by what the rules
// can tell apart, and answers with how many there are of each kind. Users are listed only where a
// seat tells them apart, where rows of theirs are written, or on the page of changes that is read.
//
// What reaches the members of a group, and what it excludes them from, is all that matters of it,
// so groups of which both are the same are of one kind, and one of them stands for all.
type grouping struct {
	local *local
	bits  bool        // kinds come as bits, else as numbers
	kinds []uuid.UUID // the group that stands for a kind
	parts map[*engine.Case]int

	groups        []uuid.UUID // that bring anything or exclude from it, or that are local
	kind, isLocal []int64     // of each of groups
	largest       int         // of groups; its members are joined, those of the others gathered by user
	placed        bool        // where users are matters
}

// signature is what the database tells users apart by.
type signature struct{ reach, location, own, held string }

// inLargest begins the reach of a member of the largest group.
const inLargest = "+"

// group puts the local users whom the change does not name into cases.
func (b *casebook) group(ctx context.Context, l *local) error {
	b.findRelevant(l)
	b.grouping = b.newGrouping(l)
	if err := b.grouping.findLargest(ctx, b.d); err != nil {
		return err
	}
	b.signatures = map[*engine.Case][]signature{}
	return b.large(ctx, func() error {
		args, head := b.grouping.query(b)
		err := database.Each(ctx, b.d.Tx, func(scan func(...any) error) error {
			p := &person{}
			sig := &p.signature
			if err := scan(&sig.reach, &sig.location, &sig.own, &sig.held, &p.count); err != nil {
				return err
			}
			if err := b.grouping.read(p); err != nil {
				return err
			}
			b.addAs(p, nil, p.groups, p.direct, false, p.location)
			return nil
		}, head+` SELECT `+b.grouping.columns()+`, x.n FROM (SELECT p.member, p.b, p.location, p.own, p.held, count(*) AS n
			FROM per p GROUP BY p.member, p.b, p.location, p.own, p.held) x`, args...)
		if err != nil {
			return fmt.Errorf("group the users that the change touches: %w", err)
		}
		return nil
	})
}

// large runs statements over very many rows. PostgreSQL is told for their time that there are many,
// whatever it believes of the tables (ADR 0011): hashes have room, and nothing is looked up row by
// row or sorted where a hash does.
func (b *casebook) large(ctx context.Context, fn func() error) error {
	if b.d.Tx.Dialect() != database.Postgres {
		return b.d.Tx.Planned(fn)
	}
	settings := [][2]string{{"work_mem", "128MB"}, {"jit", "off"}, {"enable_nestloop", "off"}, {"enable_sort", "off"}}
	set, reset := make([]string, len(settings)), make([]string, len(settings))
	for n, s := range settings {
		set[n], reset[n] = fmt.Sprintf("set_config('%s', '%s', true)", s[0], s[1]), "SET LOCAL "+s[0]+" TO DEFAULT"
	}
	if _, err := b.d.Tx.ExecContext(ctx, `SELECT `+strings.Join(set, ", ")); err != nil {
		return fmt.Errorf("prepare for many rows: %w", err)
	}
	if err := b.d.Tx.Planned(fn); err != nil {
		return err
	}
	if _, err := b.d.Tx.ExecContext(ctx, strings.Join(reset, "; ")); err != nil {
		return fmt.Errorf("go back to few rows: %w", err)
	}
	return nil
}

// findRelevant finds the products that what becomes of the local users can hang on: those of which
// the change moves sources or seats, and those that rules bind to them. Where users are named or
// the catalogue or the country changes, they are all products.
func (b *casebook) findRelevant(l *local) {
	before, after := b.before, b.after
	if len(b.d.users) > 0 || len(l.named) > 0 || before.Catalog != after.Catalog || before.Country != after.Country {
		return
	}
	b.only = map[uuid.UUID]bool{}
	var plans engine.PlanSet
	add := func(p *Product) {
		b.only[p.ID] = true
		plans = plans.Union(p.Set)
	}
	for _, group := range l.groups {
		for _, p := range pairsOf(group, before, after) {
			if (p.before != p.after || p.edited) && !b.only[p.bound.ProductID] {
				add(p.bound.Product)
			}
		}
		for _, x := range tenantgraph.ExcludedDifference(group, before, after) {
			add(x.Product)
		}
	}
	for _, p := range after.Products {
		unitsBefore, unlimitedBefore := before.Seats(p.ID)
		unitsAfter, unlimitedAfter := after.Seats(p.ID)
		_, was := before.LiveSince(p.ID)
		_, is := after.LiveSince(p.ID)
		if b.d.adds[p.ID] || was != is || unitsBefore != unitsAfter || unlimitedBefore != unlimitedAfter {
			add(p)
		}
	}
	for _, product := range l.lines {
		if p := after.Product(product); !b.only[p.ID] {
			add(p)
		}
	}
	ruled := after.Rules.Ruled()
	for size := 0; size != len(b.only); {
		size = len(b.only)
		bound := after.Rules.Bound(plans.Intersect(ruled))
		for _, p := range after.Products {
			if !b.only[p.ID] && p.Set.Overlaps(bound) {
				add(p)
			}
		}
	}
}

// matters tells whether a product is among those that are looked at.
func (b *casebook) matters(product uuid.UUID) bool { return b.only == nil || b.only[product] }

// relevant leaves out the sources of products that do not matter.
func (b *casebook) relevant(all []engine.Source) []engine.Source {
	if b.only == nil {
		return all
	}
	return slices.DeleteFunc(all, func(s engine.Source) bool { return !b.only[s.Sku] })
}

// restrict leaves out of a loaded person what does not matter.
func (b *casebook) restrict(p *person) {
	if b.only == nil {
		return
	}
	p.rows = slices.DeleteFunc(p.rows, func(r stored) bool {
		if a := b.before.Assignment(r.assignment); a != nil {
			return !b.only[a.ProductID]
		}
		return !slices.ContainsFunc(p.direct, func(a *tenantgraph.Assignment) bool { return a.ID == r.assignment && b.only[a.ProductID] })
	})
	p.direct = slices.DeleteFunc(p.direct, func(a *tenantgraph.Assignment) bool { return !b.only[a.ProductID] })
}

func (b *casebook) newGrouping(l *local) *grouping {
	g := &grouping{placed: b.only == nil, bits: b.d.Tx.Dialect() == database.Postgres, local: l, parts: map[*engine.Case]int{}}
	isLocal := make(map[uuid.UUID]bool, len(l.groups))
	for _, group := range l.groups {
		isLocal[group] = true
	}
	for _, p := range b.after.Products {
		g.placed = g.placed || b.only[p.ID] && b.after.Rules.Located(p.Set)
	}
	at := map[string]int64{}
	all := b.before.TouchingGroups()
	for _, group := range b.after.TouchingGroups() {
		if !b.before.Touches(group) {
			all = append(all, group)
		}
	}
	for _, group := range all {
		var key []byte
		for _, graph := range []*tenantgraph.Graph{b.before, b.after} {
			for _, r := range graph.Reach(group) {
				if _, live := b.after.LiveSince(r.ProductID); b.matters(r.ProductID) || !live {
					key = append(key, r.ID[:]...)
				}
			}
			key = append(key, '/')
			for _, x := range graph.Excluded(group) {
				key = append(key, x.ID[:]...)
			}
			key = append(key, '/')
		}
		if len(key) == 4 && !isLocal[group] {
			continue
		}
		n, ok := at[string(key)]
		if !ok {
			n = int64(len(g.kinds))
			at[string(key)] = n
			g.kinds = append(g.kinds, group)
		}
		g.groups, g.kind, g.isLocal = append(g.groups, group), append(g.kind, n), append(g.isLocal, num(isLocal[group]))
	}
	if len(g.groups) == 0 { // everybody has it directly: a group without members stands for all
		g.groups, g.kinds, g.kind, g.isLocal = []uuid.UUID{uuid.Nil}, []uuid.UUID{uuid.Nil}, []int64{0}, []int64{0}
	}
	return g
}

// findLargest finds the group with the most members: often one of everybody.
func (g *grouping) findLargest(ctx context.Context, d *Draft) error {
	q := d.Tx.Dialect()
	most := int64(-1)
	at := make(map[uuid.UUID]int, len(g.groups))
	for n, group := range g.groups {
		at[group] = n
	}
	err := database.Each(ctx, d.Tx, func(scan func(...any) error) error {
		var group uuid.UUID
		var members int64
		err := scan(&group, &members)
		if members > most {
			most, g.largest = members, at[group]
		}
		return err
	}, `SELECT group_id, members FROM group_counters WHERE tenant_id = $1 AND `+q.In("group_id", 2)+` ORDER BY group_id`, d.Tenant, q.UUIDArray(g.groups))
	if err != nil {
		return fmt.Errorf("find the largest group: %w", err)
	}
	return nil
}

// columns are those of a signature, of rows "x".
func (g *grouping) columns() string {
	return `CASE WHEN x.member = 1 THEN '` + inLargest + `' ELSE '' END || coalesce(CAST(x.b AS text), ''), coalesce(x.location, ''), coalesce(x.own, ''), coalesce(x.held, '')`
}

// query is the head of a statement over the local users that are not named ("per"), each with a
// signature. Parameter $1 is the tenant.
func (g *grouping) query(b *casebook) (args []any, head string) {
	q := b.d.Tx.Dialect()
	args = []any{b.d.Tenant}
	arg := func(values ...any) int {
		args = append(args, values...)
		return len(args) - len(values) + 1
	}
	without := func(all []int64) []int64 { return slices.Concat(all[:g.largest], all[g.largest+1:]) }
	kinds := q.Unnest("k", arg(q.UnnestArgs(slices.Concat(g.groups[:g.largest], g.groups[g.largest+1:]), without(g.kind), without(g.isLocal))...),
		fastColumn("g", database.UUID), fastColumn("k", database.BigInt), fastColumn("l", database.BigInt))
	largest := arg(g.groups[g.largest])
	direct := ""
	if len(g.local.products) > 0 {
		direct = `SELECT a.user_id FROM assignments a WHERE a.tenant_id = $1 AND a.user_id IS NOT NULL AND NOT a.scheduled AND ` + q.In("a.product_id", arg(q.UUIDArray(g.local.products)))
	}
	if len(g.local.lines) > 0 {
		if direct != "" {
			direct += ` UNION `
		}
		direct += `SELECT v.user_id FROM license_violations v WHERE v.tenant_id = $1 AND v.plan_id IS NULL AND ` + q.In("v.product_id", arg(q.UUIDArray(g.local.lines)))
	}
	among, member := "", ` OR m0.u IS NOT NULL`
	if g.isLocal[g.largest] == 0 { // else nearly everybody is local
		among = `SELECT l.user_id FROM memberships l WHERE l.tenant_id = $1 AND ` + q.In("l.group_id", arg(q.UUIDArray(g.local.groups)))
		if direct != "" {
			among += ` UNION ` + direct
		}
		among, member = ` AND m.user_id IN (`+among+`)`, ""
	}
	if direct != "" {
		direct = ` OR u.id IN (` + direct + `)`
	}
	product := func(string) string { return "" }
	if b.only != nil {
		var only []uuid.UUID
		for p := range b.only {
			only = append(only, p)
		}
		n := arg(q.UUIDArray(only))
		product = func(column string) string { return ` AND ` + q.In(column, n) }
	}
	named := ""
	if len(g.local.named) > 0 {
		named = ` AND u.id NOT IN (SELECT v.u FROM ` + q.Unnest("v", arg(q.UnnestArgs(g.local.named)...), colUser) + `)`
	}
	location := "CAST(NULL AS text)"
	if g.placed {
		location = "u.usage_location"
	}
	size := len(g.kinds) + 1
	bits, reach := "k.k", "group_concat(k.b, ',' ORDER BY k.b)"
	if q == database.Postgres {
		bits = fmt.Sprintf("set_bit(repeat('0', %[1]d)::bit(%[1]d), k.k::integer, 1)", size)
		reach = "bit_or(k.b)"
	}
	source := `CASE WHEN v.inherited THEN v.assignment_id ELSE v.product_id END`
	return args, `WITH kinds AS (SELECT k.g, ` + bits + ` AS b, k.l FROM ` + kinds + `),
	m0 AS (SELECT m.user_id AS u FROM memberships m WHERE m.tenant_id = $1 AND m.group_id = ` + fmt.Sprintf("$%d", largest) + `),
	reach AS (SELECT m.user_id AS u, ` + reach + ` AS b, max(k.l) AS l FROM memberships m JOIN kinds k ON k.g = m.group_id
		WHERE m.tenant_id = $1` + among + ` GROUP BY m.user_id),
	own AS (SELECT a.user_id AS u, CAST(` + q.JSONAgg(q.JSONArray("a.product_id", "a.mode", "a.plans", "a.created_at", "a.priority"), "a.product_id") + ` AS text) AS t
		FROM assignments a WHERE a.tenant_id = $1 AND a.user_id IS NOT NULL AND NOT a.scheduled` + product("a.product_id") + ` GROUP BY a.user_id),
	held AS (SELECT v.user_id AS u, CAST(` + q.JSONAgg(q.JSONArray(source, "v.plan_id", "v.code", "v.since"), source+", v.plan_id") + ` AS text) AS t
		FROM license_violations v WHERE v.tenant_id = $1` + product("v.product_id") + ` GROUP BY v.user_id),
	per AS (SELECT u.id AS u, CASE WHEN m0.u IS NULL THEN 0 ELSE 1 END AS member, reach.b, ` + location + ` AS location, own.t AS own, held.t AS held
		FROM users u LEFT JOIN m0 ON m0.u = u.id LEFT JOIN reach ON reach.u = u.id LEFT JOIN own ON own.u = u.id LEFT JOIN held ON held.u = u.id
		WHERE u.tenant_id = $1 AND u.deleted_at IS NULL AND (reach.l = 1` + member + direct + `)` + named + `)`
}

// read makes a person of a signature: one who stands for all who bear it. Own assignments go by
// their products' ids (see sources).
func (g *grouping) read(p *person) error {
	sig := p.signature
	if sig.location != "" {
		p.location = &sig.location
	}
	if err := g.readReach(p, sig.reach); err != nil {
		return err
	}
	if sig.own != "" {
		var own [][5]json.RawMessage
		if err := json.Unmarshal([]byte(sig.own), &own); err != nil {
			return err
		}
		for _, o := range own {
			a := &tenantgraph.Assignment{}
			var plans string
			if err := unmarshalAll(o[:], &a.ID, &a.Selection.Mode, &plans, (*int64)(&a.CreatedAt), &a.Priority); err != nil {
				return err
			}
			a.ProductID = a.ID
			if plans != "[]" {
				if err := json.Unmarshal([]byte(plans), &a.Selection.Plans); err != nil {
					return err
				}
			}
			p.direct = append(p.direct, a)
		}
	}
	if sig.held == "" {
		return nil
	}
	var held [][4]json.RawMessage
	if err := json.Unmarshal([]byte(sig.held), &held); err != nil {
		return err
	}
	for _, h := range held {
		var r stored
		if err := unmarshalAll(h[:], &r.assignment, &r.plan, &r.code, (*int64)(&r.since)); err != nil {
			return err
		}
		p.rows = append(p.rows, r)
	}
	return nil
}

func unmarshalAll(from []json.RawMessage, into ...any) error {
	for n, v := range into {
		if err := json.Unmarshal(from[n], v); err != nil {
			return err
		}
	}
	return nil
}

// readReach reads bits, of PostgreSQL, or numbers of kinds, of SQLite.
func (g *grouping) readReach(p *person, reach string) error {
	reach, member := strings.CutPrefix(reach, inLargest)
	if member {
		p.groups = append(p.groups, g.kinds[g.kind[g.largest]])
	}
	if reach == "" {
		return nil
	}
	if g.bits {
		for n, bit := range []byte(reach) {
			if bit == '1' {
				p.groups = append(p.groups, g.kinds[n])
			}
		}
		return nil
	}
	for _, text := range strings.Split(reach, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("read the kinds of groups: %w", err)
		}
		p.groups = append(p.groups, g.kinds[n])
	}
	return nil
}

// list sets the Users of cases, and keeps what is needed of them to write their rows.
func (b *casebook) list(ctx context.Context, cases []*engine.Case) error {
	cases = slices.DeleteFunc(slices.Clone(cases), func(c *engine.Case) bool { return c.Users != nil })
	err := b.eachOf(ctx, cases, nil, func(c *engine.Case, user uuid.UUID) {
		c.Users = append(c.Users, user)
		b.local[user] = true
	})
	if err != nil {
		return err
	}
	var direct []uuid.UUID
	for _, c := range cases {
		slices.SortFunc(c.Users, func(a, b engine.ID) int { return compareUUIDs(a, b) })
		if own := func(s engine.Source) bool { return s.Direct }; slices.ContainsFunc(c.Before.Sources, own) || slices.ContainsFunc(c.After, own) {
			for _, u := range c.Users {
				direct = append(direct, u)
			}
		}
	}
	return b.loadDirect(ctx, direct)
}

// page is a part of users in the order of their ids.
type page struct {
	after uuid.UUID
	size  int
}

// eachOf calls fn for the users who were counted in cases, or for a page of them.
func (b *casebook) eachOf(ctx context.Context, cases []*engine.Case, only *page, fn func(c *engine.Case, user uuid.UUID)) error {
	of := map[signature]*engine.Case{}
	var reach, location, own, held []string
	var alone []string // where those are of whom the largest group says all
	for _, c := range cases {
		for _, sig := range b.signatures[c] {
			of[sig] = c
			if sig.reach == "" || sig.reach == inLargest {
				alone = append(alone, sig.location)
			}
			reach, location, own, held = append(reach, sig.reach), append(location, sig.location), append(own, sig.own), append(held, sig.held)
		}
	}
	if len(of) == 0 {
		return nil
	}
	g := b.grouping
	return b.large(ctx, func() error {
		args, head := g.query(b)
		q := b.d.Tx.Dialect()
		args = append(args, q.UnnestArgs(reach, location, own, held)...)
		args = append(args, q.TextArray(alone))
		texts, place, tail := len(args)-4, len(args), ""
		if only != nil {
			args = append(args, only.after)
			tail = fmt.Sprintf(" AND x.u > $%d ORDER BY x.u LIMIT %d", len(args), only.size)
		}
		// The first condition is the cheap one: most members of the largest group are in no other. The
		// second is an expression, and so hashed; a join would be by one of the columns (ADR 0011).
		err := database.Each(ctx, b.d.Tx, func(scan func(...any) error) error {
			var user uuid.UUID
			var sig signature
			if err := scan(&user, &sig.reach, &sig.location, &sig.own, &sig.held); err != nil {
				return err
			}
			fn(of[sig], user)
			return nil
		}, head+` SELECT x.u, `+g.columns()+` FROM per x WHERE (x.b IS NOT NULL OR `+q.InText("coalesce(x.location, '')", place)+`)
			AND CASE WHEN (`+g.columns()+`) IN (SELECT s.r, s.l, s.o, s.h FROM `+
			q.Unnest("s", texts, fastColumn("r", database.Text), fastColumn("l", database.Text), fastColumn("o", database.Text), fastColumn("h", database.Text))+`) THEN 1 ELSE 0 END = 1`+tail,
			args...)
		if err != nil {
			return fmt.Errorf("list the users that the change touches: %w", err)
		}
		return nil
	})
}

// loadDirect loads the own assignments of users.
func (b *casebook) loadDirect(ctx context.Context, users []uuid.UUID) error {
	q := b.d.Tx.Dialect()
	for part := range slices.Chunk(users, chunk) {
		all, err := loadAssignments(ctx, b.d.Tx, `assignments WHERE tenant_id = $1 AND `+q.In("user_id", 2), b.d.Tenant, q.UUIDArray(part))
		if err != nil {
			return fmt.Errorf("load own assignments: %w", err)
		}
		for _, a := range all {
			if b.matters(a.ProductID) {
				b.direct[a.UserID] = append(b.direct[a.UserID], a)
			}
		}
	}
	return nil
}

// met is how many users are looked at for a page of changes before the database is asked who changes.
const met = 500

// listChanges finds, of the users who were only counted, the first whose licenses change after the
// cursor of the page that is read: among the first who are touched, and where these are not enough,
// by what those are who change, which takes as long as grouping did.
func (b *casebook) listChanges(ctx context.Context, i *Impact) error {
	l := changeListFrom(ctx)
	if b.grouping == nil || len(b.grouping.parts) == 0 || l.Skip {
		return nil
	}
	from, err := parseChangeCursor(l.After)
	if err != nil {
		return err
	}
	after := uuid.Nil
	if from != nil {
		after, i.earlier = uuid.UUID(from.user), true
	}
	ids, err := b.grouping.local.first(ctx, b.d, after, met)
	if err != nil {
		return err
	}
	found, err := b.meet(ctx, i, ids)
	if err != nil || found >= listed || len(ids) < met {
		return err
	}
	rest := &page{after: ids[len(ids)-1], size: listed - found}
	return b.eachOf(ctx, slices.Collect(maps.Keys(b.grouping.parts)), rest, func(c *engine.Case, user uuid.UUID) {
		part := &i.parts[b.grouping.parts[c]]
		part.users = append(part.users, user)
	})
}

// meet looks at touched users, and puts those who were only counted, and whose licenses change, into
// the parts of an impact.
func (b *casebook) meet(ctx context.Context, i *Impact, ids []uuid.UUID) (found int, err error) {
	unnamed := slices.DeleteFunc(slices.Clone(ids), func(id uuid.UUID) bool {
		_, named := slices.BinarySearchFunc(b.grouping.local.named, id, compareUUIDs)
		return named
	})
	loaded, err := people(ctx, b.d.Tx, b.d.Tx.Dialect(), b.d.Tenant, unnamed, b.reached)
	if err != nil {
		return 0, err
	}
	for _, p := range loaded {
		if p.deleted {
			continue
		}
		if c := b.caseOf(p); c != nil && c.Users == nil {
			if n, changes := b.grouping.parts[c]; changes {
				i.parts[n].users = append(i.parts[n].users, p.id)
				found++
			}
		}
	}
	return found, nil
}

// caseOf finds the case that a loaded user was counted in.
func (b *casebook) caseOf(p *person) *engine.Case {
	b.restrict(p)
	p.count = 1
	if !b.grouping.placed {
		p.location = nil
	}
	barredBefore, barredAfter := barred(b.before, p.location), barred(b.after, p.location)
	promised := len(b.idle) > 0 && b.promises(p.groups, p.groups)
	b.setKey(p, p.groups, p.direct, false, promised, barredBefore, barredAfter)
	return b.at[string(b.key)]
}
