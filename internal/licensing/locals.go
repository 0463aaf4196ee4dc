package licensing

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// chunk is how many users are loaded by one statement.
const chunk = 4000

// person is a user's facts and exceptions as stored: what sources are derived from.
type person struct {
	id       uuid.UUID
	deleted  bool
	location *string     // usageLocation
	groups   []uuid.UUID // direct memberships in groups that bring anything or exclude from it
	direct   []*tenantgraph.Assignment
	rows     []stored

	count     int64     // of users who are grouped, and not loaded; then there is no id
	signature signature // of such users
}

// stored is a row of license_violations.
type stored struct {
	assignment uuid.UUID
	plan       uuid.NullUUID
	code       string
	since      clock.Instant
}

// people loads users by id, ascending, by one statement; unknown ids are left out. Memberships are
// kept of the groups that are asked for only.
func people(ctx context.Context, q database.Querier, d database.Dialect, tenant uuid.UUID, ids []uuid.UUID, keep func(group uuid.UUID) bool) ([]*person, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	all := make([]*person, 0, len(ids))
	var memberships, direct, violations sql.RawBytes
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		p := &person{}
		all = append(all, p)
		err := scan(&p.id, &p.deleted, &p.location, &memberships, &direct, &violations)
		if err != nil {
			return err
		}
		var members []tenantgraph.Member
		members, p.direct, p.rows, err = parseLists(p.id, memberships, direct, violations)
		for _, m := range members {
			if keep(m.Group) {
				p.groups = append(p.groups, m.Group)
			}
		}
		return err
	}, `SELECT u.id, u.deleted_at IS NOT NULL, u.usage_location, `+listColumns+` FROM users u
		WHERE u.tenant_id = $1 AND `+d.In("u.id", 2)+` ORDER BY u.id`, tenant, d.KeyArray(ids))
	if err != nil {
		return nil, fmt.Errorf("load users: %w", err)
	}
	return all, nil
}

// sources translates a person's reach into the engine's terms. Only products with a live
// subscription have sources there (R16).
//
// The identity of a direct source is its product's id: a user has one assignment of a product
// at most, and so users who differ in nothing else stay indistinguishable.
func sources(g *tenantgraph.Graph, groups []uuid.UUID, direct []*tenantgraph.Assignment) []engine.Source {
	var all []engine.Source
	seen := map[uuid.UUID]bool{}
	for _, group := range groups {
		for _, r := range g.Reach(group) {
			if _, live := g.LiveSince(r.ProductID); live && !seen[r.ID] && !g.Excludes(groups, r.ID) {
				seen[r.ID] = true
				all = append(all, engine.Source{Assignment: r.Engine, Selected: r.Selected})
			}
		}
	}
	for _, a := range direct {
		if _, live := g.LiveSince(a.ProductID); live && !a.Scheduled {
			b := g.Bind(a)
			b.Engine.Key = a.ProductID
			all = append(all, engine.Source{Assignment: b.Engine, Selected: b.Selected})
		}
	}
	slices.SortFunc(all, func(a, b engine.Source) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	return all
}

// rows translates stored violations into the engine's terms.
func rows(g *tenantgraph.Graph, p *person) []engine.Row {
	if len(p.rows) == 0 {
		return nil
	}
	key := make(map[uuid.UUID]uuid.UUID, len(p.direct))
	for _, a := range p.direct {
		key[a.ID] = a.ProductID
	}
	all := make([]engine.Row, 0, len(p.rows))
	for _, r := range p.rows {
		row := engine.Row{Assignment: r.assignment, Plan: engine.Whole, Code: engineCodes[fault.Code(r.code)], Since: int64(r.since)}
		if k, direct := key[r.assignment]; direct {
			row.Assignment = k
		}
		if r.plan.Valid {
			row.Plan = g.Plan(r.plan.UUID).Index
		}
		all = append(all, row)
	}
	slices.SortFunc(all, func(a, b engine.Row) int {
		if c := bytes.Compare(a.Assignment[:], b.Assignment[:]); c != 0 {
			return c
		}
		return int(a.Plan) - int(b.Plan)
	})
	return all
}

// codes are the engine's codes as they are stored and shown.
var codes = map[engine.Code]fault.Code{
	engine.Prohibited: fault.LocationViolation,
	engine.Exclusion:  fault.MutuallyExclusiveViolation,
	engine.Dependency: fault.DependencyViolation,
	engine.GroupLimit: fault.GroupSeatLimit,
	engine.Count:      fault.CountViolation,
}

// engineCodes are the same the other way round: rows are read by the thousand.
var engineCodes = func() map[fault.Code]engine.Code {
	byCode := make(map[fault.Code]engine.Code, len(codes))
	for e, c := range codes {
		byCode[c] = e
	}
	return byCode
}()

// barred returns the plans that a user may not use, by the user's location, else by the
// tenant's country (R11).
func barred(g *tenantgraph.Graph, location *string) engine.PlanSet {
	if location != nil {
		return g.Rules.Barred(*location)
	}
	return g.Rules.Barred(g.Country)
}

// casebook groups users that the rules cannot tell apart into cases.
type casebook struct {
	d             *Draft
	before, after *tenantgraph.Graph
	cases         []*engine.Case
	at            map[string]*engine.Case
	numbers       map[uuid.UUID]int // of group assignments, before and after, as far as users have them
	reachBefore   map[uuid.UUID][]int
	reachAfter    map[uuid.UUID][]int
	direct        map[uuid.UUID][]*tenantgraph.Assignment // every direct assignment, before or after, by user
	local         map[uuid.UUID]bool
	idle          map[uuid.UUID][]tenantgraph.Reached // by group: what reaches its members after, of products without a live subscription
	idleNew       map[uuid.UUID][]tenantgraph.Reached // of these, what did not reach them before, or is added by the call
	promised      map[*engine.Case]bool               // the call brings the users such a product (R23)
	located       map[uuid.UUID]*string               // usage locations of judged users, as the change has them
	key, bits     []byte
	touched       *local
	relied        *reliance // of a preview: what was loaded of whom; nil else

	// Of users who are grouped by the database.
	only       map[uuid.UUID]bool // products that matter; nil: all
	grouping   *grouping          // nil where everybody is loaded
	signatures map[*engine.Case][]signature

	lines                 []uuid.UUID         // counted products of which all who wait are local
	places                engine.Places       // of counted assignments after the change
	had, used             map[uuid.UUID]int64 // by how many users, before and after it
	keptBefore, keptAfter map[uuid.UUID]int64 // seats of products for groups
}

// newCasebook returns an empty casebook; had is how many users have counted assignments before the
// change, and so after it where it moves no product of one.
func newCasebook(d *Draft, had map[uuid.UUID]int64) *casebook {
	b := &casebook{
		d: d, before: d.Graph, after: d.edit.Graph(), at: map[string]*engine.Case{}, numbers: map[uuid.UUID]int{},
		direct: map[uuid.UUID][]*tenantgraph.Assignment{}, local: map[uuid.UUID]bool{}, located: map[uuid.UUID]*string{}, promised: map[*engine.Case]bool{},
	}
	b.had, b.keptBefore, b.keptAfter = had, keptIn(b.before, had), keptIn(b.after, had)
	b.reachBefore, b.reachAfter = map[uuid.UUID][]int{}, map[uuid.UUID][]int{}
	b.findIdle()
	return b
}

// findIdle finds the group assignments of products without a live subscription. The engine does
// not see them, because nobody can have them (R16); but a user to whom one was promised in place
// of what is lost has neither (R23).
func (b *casebook) findIdle() {
	b.idle, b.idleNew = map[uuid.UUID][]tenantgraph.Reached{}, map[uuid.UUID][]tenantgraph.Reached{}
	var products []uuid.UUID
	for _, a := range b.after.Assignments() {
		if _, live := b.after.LiveSince(a.ProductID); !live && !slices.Contains(products, a.ProductID) {
			products = append(products, a.ProductID)
		}
	}
	for _, group := range b.after.GroupsReachedBy(products) {
		for _, r := range b.after.Reach(group) {
			if _, live := b.after.LiveSince(r.ProductID); live {
				continue
			}
			b.idle[group] = append(b.idle[group], r)
			if b.d.adds[r.ProductID] || !reaches(b.before, group, r.ID) {
				b.idleNew[group] = append(b.idleNew[group], r)
			}
		}
	}
}

func reaches(g *tenantgraph.Graph, group, assignment uuid.UUID) bool {
	return slices.ContainsFunc(g.Reach(group), func(r tenantgraph.Reached) bool { return r.ID == assignment })
}

// promises tells whether the call brings a member of groups a product without a live
// subscription: one that it adds, or that reached the member by no group before.
func (b *casebook) promises(before, after []uuid.UUID) bool {
	for _, group := range after {
		candidates := b.idleNew[group]
		if len(b.idle[group]) > 0 && (!slices.Contains(before, group) || b.before.Excluding()) {
			candidates = b.idle[group]
		}
		for _, r := range candidates {
			if b.after.Excludes(after, r.ID) {
				continue
			}
			if b.d.adds[r.ProductID] || !inherits(b.before, before, r.ID) {
				return true
			}
		}
	}
	return false
}

// inherits tells whether direct members of groups have an assignment.
func inherits(g *tenantgraph.Graph, groups []uuid.UUID, assignment uuid.UUID) bool {
	return slices.ContainsFunc(groups, func(group uuid.UUID) bool { return reaches(g, group, assignment) }) && !g.Excludes(groups, assignment)
}

// reachOf returns the numbers of the assignments that reach a group's members, of products with
// a live subscription.
func (b *casebook) reachOf(g *tenantgraph.Graph, known map[uuid.UUID][]int, group uuid.UUID) []int {
	numbers, ok := known[group]
	if ok {
		return numbers
	}
	for _, r := range g.LiveReach(group) {
		n, ok := b.numbers[r.ID]
		if !ok {
			n = len(b.numbers)
			b.numbers[r.ID] = n
		}
		if b.matters(r.ProductID) {
			numbers = append(numbers, n)
		}
	}
	known[group] = numbers
	return numbers
}

// reached tells whether membership in a group brings anything or excludes from it, before or after.
func (b *casebook) reached(group uuid.UUID) bool {
	return b.before.Touches(group) || b.after.Touches(group)
}

// add puts a user into its case. People come in ascending order of their ids.
func (b *casebook) add(p *person) {
	u := b.d.users[p.id]
	b.local[p.id] = true
	b.direct[p.id] = append(b.direct[p.id], p.direct...)
	if u == nil {
		b.addAs(p, nil, p.groups, p.direct, p.deleted, p.location)
		return
	}
	for _, dd := range u.direct {
		if dd.before == nil && dd.after != nil {
			b.direct[p.id] = append(b.direct[p.id], dd.after)
		}
	}
	b.addAs(p, u, u.groupsAfter(p.groups), u.directAfter(p.direct), u.deletedAfter(p.deleted), u.locationAfter(p.location))
}

func (b *casebook) addAs(p *person, u *userDraft, groups []uuid.UUID, direct []*tenantgraph.Assignment, deleted bool, location *string) {
	barredBefore, barredAfter := barred(b.before, p.location), barred(b.after, location)
	promised := len(b.idle) > 0 && !deleted && b.promises(p.groups, groups)
	judged := u != nil && u.judged
	if !judged {
		b.setKey(p, groups, direct, deleted, promised, barredBefore, barredAfter)
		if c := b.at[string(b.key)]; c != nil {
			b.join(c, p)
			return
		}
	}
	c := &engine.Case{Judged: judged, Before: engine.User{Barred: barredBefore}, Barred: barredAfter}
	if !p.deleted {
		c.Before.Sources, c.Before.Rows = b.relevant(sources(b.before, p.groups, p.direct)), rows(b.before, p)
	}
	if !deleted {
		c.After = b.relevant(sources(b.after, groups, direct))
		if judged {
			c.Refused = sources(b.after, groups, p.direct)
		}
	}
	if judged {
		b.located[p.id] = location
	}
	for i := range c.Before.Sources {
		c.Before.Sources[i].Ended = b.ended(&c.Before.Sources[i], u)
	}
	if promised {
		b.promised[c] = true
	}
	b.join(c, p)
	b.cases = append(b.cases, c)
	if !judged {
		b.at[string(b.key)] = c
	}
}

// join makes a user, or several who are grouped, part of a case.
func (b *casebook) join(c *engine.Case, p *person) {
	if p.count == 0 {
		c.Users = append(c.Users, p.id)
		return
	}
	c.Count += p.count
	b.signatures[c] = append(b.signatures[c], p.signature)
}

// setKey writes down what of a user the rules can tell apart from others.
func (b *casebook) setKey(p *person, groups []uuid.UUID, direct []*tenantgraph.Assignment, deleted, promised bool, barredBefore, barredAfter engine.PlanSet) {
	k := append(b.key[:0], boolByte(p.count > 0)<<3|boolByte(promised)<<2|boolByte(p.deleted)<<1|boolByte(deleted))
	k = b.appendReach(k, b.before, b.reachBefore, p.groups, p.deleted)
	k = b.appendReach(k, b.after, b.reachAfter, groups, deleted)
	k = appendDirect(k, p.direct)
	k = appendDirect(k, direct)
	k = appendPlans(k, barredBefore)
	k = appendPlans(k, barredAfter)
	for _, r := range rows(b.before, p) {
		k = append(k, r.Assignment[:]...)
		k = binary.AppendVarint(append(k, byte(r.Code)), int64(r.Plan))
		k = binary.AppendVarint(k, r.Since)
	}
	b.key = k
}

// ended tells whether the call removes the source's assignment itself (R5: a source can only
// replace one that its own call removed).
func (b *casebook) ended(s *engine.Source, u *userDraft) bool {
	if !s.Direct {
		a, touched := b.d.edit.Changes().Assignments[s.Key]
		return touched && a == nil
	}
	if u == nil {
		return false
	}
	dd := u.direct[s.Key]
	return dd != nil && dd.after == nil
}

// appendReach appends the set of the assignments that reach members of groups: its size, and a bit
// for each.
func (b *casebook) appendReach(k []byte, g *tenantgraph.Graph, known map[uuid.UUID][]int, groups []uuid.UUID, deleted bool) []byte {
	b.bits = b.bits[:0]
	if !deleted {
		for _, group := range groups {
			for _, n := range b.reachOf(g, known, group) {
				for len(b.bits) <= n/8 {
					b.bits = append(b.bits, 0)
				}
				b.bits[n/8] |= 1 << (n % 8)
			}
		}
		for _, group := range groups {
			for _, x := range g.Excluded(group) {
				if n, ok := b.numbers[x.ID]; ok && n/8 < len(b.bits) {
					b.bits[n/8] &^= 1 << (n % 8)
				}
			}
		}
		for len(b.bits) > 0 && b.bits[len(b.bits)-1] == 0 {
			b.bits = b.bits[:len(b.bits)-1]
		}
	}
	return append(binary.AppendUvarint(k, uint64(len(b.bits))), b.bits...)
}

func appendDirect(k []byte, direct []*tenantgraph.Assignment) []byte {
	sorted := inEffect(direct)
	if len(sorted) > 1 {
		sorted = slices.Clone(sorted)
		slices.SortFunc(sorted, func(a, b *tenantgraph.Assignment) int { return bytes.Compare(a.ProductID[:], b.ProductID[:]) })
	}
	k = binary.AppendUvarint(k, uint64(len(sorted)))
	for _, a := range sorted {
		k = append(k, a.ProductID[:]...)
		k = append(k, a.Selection.Mode...)
		k = binary.AppendVarint(k, int64(a.CreatedAt))
		k = binary.AppendVarint(k, int64(a.Priority))
		k = binary.AppendUvarint(k, uint64(len(a.Selection.Plans)))
		for _, p := range a.Selection.Plans {
			k = append(k, p[:]...)
		}
	}
	return k
}

// inEffect leaves out the assignments that are scheduled: nobody has anything of them (R1).
func inEffect(direct []*tenantgraph.Assignment) []*tenantgraph.Assignment {
	if slices.ContainsFunc(direct, func(a *tenantgraph.Assignment) bool { return a.Scheduled }) {
		direct = slices.DeleteFunc(slices.Clone(direct), func(a *tenantgraph.Assignment) bool { return a.Scheduled })
	}
	return direct
}

func appendPlans(k []byte, plans engine.PlanSet) []byte {
	k = binary.AppendUvarint(k, uint64(len(plans)))
	for _, w := range plans {
		k = binary.LittleEndian.AppendUint64(k, w)
	}
	return k
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func (u *userDraft) groupsAfter(groups []uuid.UUID) []uuid.UUID {
	if len(u.join)+len(u.leave) == 0 {
		return groups
	}
	after := slices.DeleteFunc(slices.Clone(groups), func(g uuid.UUID) bool { return u.leave[g] })
	for g := range u.join {
		if !slices.Contains(after, g) {
			after = append(after, g)
		}
	}
	return after
}

func (u *userDraft) directAfter(direct []*tenantgraph.Assignment) []*tenantgraph.Assignment {
	if len(u.direct) == 0 {
		return direct
	}
	after := slices.DeleteFunc(slices.Clone(direct), func(a *tenantgraph.Assignment) bool { return u.direct[a.ProductID] != nil })
	for _, dd := range u.direct {
		if dd.after != nil {
			after = append(after, dd.after)
		}
	}
	return after
}

func (u *userDraft) deletedAfter(deleted bool) bool {
	if u.after == nil {
		return deleted
	}
	return u.after.DeletedAt != nil
}

func (u *userDraft) locationAfter(location *string) *string {
	if u.after == nil {
		return location
	}
	return u.after.UsageLocation
}

func (u *userDraft) membersAfter(members []tenantgraph.Member, now clock.Instant) []tenantgraph.Member {
	after := slices.DeleteFunc(slices.Clone(members), func(m tenantgraph.Member) bool { return u.leave[m.Group] || u.join[m.Group] })
	for g := range u.join {
		after = append(after, tenantgraph.Member{Group: g, Since: now})
	}
	return after
}
