package licensing

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// Options of a change.
type Options struct {
	Action audit.Action
	DryRun bool // judge and tell, but store nothing (R26)
	// AcknowledgeLosses is how many users the caller knows may lose a product (R27); nil: as
	// many as the tenant's threshold allows. Unguarded changes are those that nobody can be
	// asked about: what is due.
	AcknowledgeLosses *int
	Unguarded         bool
	Atomic            bool // one direct principal that is refused refuses all
	// Detail completes what the caller tells of its own, once the outcome is known and before
	// anything is committed. Optional.
	Detail func(out *Outcome) any

	relied func(*reliance) error // asked before anything is written, of previews and what they apply
	since  clock.Instant         // of the change before the preview that is applied
	event  uuid.UUID             // the id of the audit event; made where it is zero
}

// ChangeList says which of an impact's changes will be read. Where a change is settled by
// counting, listing takes statements of its own, in the change's transaction; so the list has
// to be asked for before.
type ChangeList struct {
	Skip  bool   // none; the counts are there all the same
	After string // those after a cursor; the first ones where empty
}

type changeListKey struct{}

// WithChangeList says which changes will be read of the impact of a change made with the
// context; where nothing was said, the first page.
func WithChangeList(ctx context.Context, l ChangeList) context.Context {
	return context.WithValue(ctx, changeListKey{}, l)
}

func changeListFrom(ctx context.Context) ChangeList {
	l, _ := ctx.Value(changeListKey{}).(ChangeList)
	return l
}

// Outcome is what a change did, or would do.
type Outcome struct {
	Changed bool
	DryRun  bool
	Impact  *Impact
	// Refused holds, by user, why the call's part for a direct principal was refused (R12);
	// everything else of the call stands.
	Refused map[uuid.UUID]*fault.Error
	// Confirmation is the CONFIRMATION_REQUIRED that the change would be refused with; only on
	// a dry run, whose impact is that of the change once it is confirmed.
	Confirmation *fault.Error
	EventID      uuid.UUID // the audit event; zero where nothing changed or nothing was stored
	Detail       any       // what Options.Detail returned
}

// Change is the one way in which licensing facts change: one transaction under the tenant's
// lock, in which plan says what is to change, the engine judges the state before and after,
// and facts, exceptions, counters and audit event are written together, last.
//
// plan reads through the Draft's transaction and records its intent with the Draft's methods;
// a *fault.Error that it returns refuses the whole change. It may be run again, so it must
// have no effect outside the Draft.
//
// Errors: what plan returns; UNAVAILABLE and OUTCOME_UNKNOWN as database.Write; where a user
// that must be admitted is refused, that refusal.
func (s *Service) Change(ctx context.Context, tenant uuid.UUID, o Options, plan func(ctx context.Context, d *Draft) error) (*Outcome, error) {
	var out *Outcome
	var after *tenantgraph.Graph
	progress(ctx, Progress{Phase: PhaseWaiting})
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		after = nil
		g, at, err := s.lock(ctx, tx, tenant)
		if err != nil {
			return err
		}
		progress(ctx, Progress{Phase: PhaseReading})
		d := s.draft(tx, g, at)
		if out, err = s.carryOut(ctx, d, o, plan); err != nil {
			return err
		}
		if o.Detail != nil {
			out.Detail = o.Detail(out)
		}
		if o.DryRun || !out.Changed {
			return database.ErrRollback
		}
		if err := recordFrom(ctx)(ctx, tx, out); err != nil {
			return err
		}
		after = d.committed()
		return nil
	})
	if err != nil {
		return nil, err
	}
	if after != nil { // nobody has to load it
		s.keep(after)
	}
	return out, nil
}

// carryOut plans and settles a change under the locks.
func (s *Service) carryOut(ctx context.Context, d *Draft, o Options, plan func(ctx context.Context, d *Draft) error) (*Outcome, error) {
	if err := plan(ctx, d); err != nil {
		return nil, err
	}
	return s.settle(ctx, d, o)
}

// committed returns the graph as it is once the change is committed, nil where it stays the same.
func (d *Draft) committed() *tenantgraph.Graph {
	g := d.edit.Graph()
	if g == d.Graph {
		return nil
	}
	e := g.Edit()
	for group := range d.touched {
		if was := g.Group(group); was != nil && d.Graph.Group(group) != nil { // as versions writes it
			touched := *was
			touched.Version, touched.UpdatedAt = was.Version+1, d.Now
			e.PutGroup(&touched, g.GroupNameKey(group))
		}
	}
	return e.Graph().Tagged(tenantgraph.Tag{Graph: d.Graph.Tag.Graph + 1, Catalog: d.Graph.Tag.Catalog})
}

func (s *Service) draft(tx *database.Tx, g *tenantgraph.Graph, at turn) *Draft {
	return &Draft{
		Tx: tx, Tenant: g.Tenant, Now: at.now, head: at.head, Graph: g, newID: s.newID, edit: g.Edit(),
		users: map[uuid.UUID]*userDraft{}, touched: map[uuid.UUID]bool{}, adds: map[uuid.UUID]bool{},
	}
}

// settle carries out steps 2 to 5 of the protocol for a draft.
func (s *Service) settle(ctx context.Context, d *Draft, o Options) (*Outcome, error) {
	out := &Outcome{DryRun: o.DryRun, Refused: map[uuid.UUID]*fault.Error{}}
	counts, had, err := loadBoth(ctx, d.Tx, d.Graph)
	if err != nil {
		return nil, err
	}
	d.forgetDropped()
	if err := d.moveInLine(ctx, d.edit.Changes().Assignments); err != nil {
		return nil, err
	}
	book := newCasebook(d, had)
	out.Impact = newImpact(s, d, book, counts, o.DryRun)
	if !d.changed {
		return out, nil
	}
	if !s.byCases && o.relied == nil {
		fast, err := s.fast(ctx, d, book, counts)
		if err != nil {
			return nil, err
		}
		if fast != nil {
			return out, s.settleFast(ctx, d, fast, out, o)
		}
	}
	book, verdicts, err := s.judge(ctx, d, book, counts, o.relied != nil)
	if err != nil {
		return nil, err
	}
	out.Impact.book = book
	for _, v := range verdicts {
		if v.Refusal == nil {
			continue
		}
		user := uuid.UUID(v.Users[0])
		refusal := book.refusalFault(v)
		if d.users[user].must {
			return nil, refusal
		}
		out.Refused[user] = refusal
		d.dropDirect(user)
	}
	if o.Atomic && len(out.Refused) > 0 {
		return out, nil
	}
	book.countPlaces(verdicts)
	out.Impact.take(verdicts)
	if err := book.listChanges(ctx, out.Impact); err != nil {
		return nil, err
	}
	if o.relied != nil {
		if err := s.askReliance(ctx, d, book, out.Impact, verdicts, o); err != nil {
			return nil, err
		}
	}
	if out.Changed = d.effective(); !out.Changed {
		return out, nil
	}
	if err := out.confirm(d, o); err != nil || o.DryRun {
		return out, err
	}
	if out.EventID = o.event; out.EventID == uuid.Nil {
		if out.EventID, err = s.newID(); err != nil {
			return nil, err
		}
	}
	progress(ctx, Progress{Phase: PhaseStoring})
	return out, s.store(ctx, d, book, verdicts, nil, out, o)
}

// judge finds who is touched and carries them over the change. Whether the lines of counted products
// are, shows once it is known who comes to have them, or no longer has (R8): mostly nobody does, and their
// lines, which may be long, are never read. Else it is judged anew with them.
func (s *Service) judge(ctx context.Context, d *Draft, book *casebook, counts map[uuid.UUID]counters, relies bool) (*casebook, []engine.Verdict, error) {
	book.lines = suppliesMoved(book.before, book.after)
	for {
		if relies {
			book.relied = newReliance()
		}
		if err := s.gather(ctx, d, book); err != nil {
			return nil, nil, err
		}
		book.findPlaces()
		progress(ctx, Progress{Phase: PhaseJudging})
		seats := supplies(d.Graph, book.after, counts, book.keptBefore)
		for _, product := range countedProducts(book.before, book.after) { // nobody waits who is not part of the change
			index := book.after.Product(product).Index
			if seat, there := seats[index]; there {
				seat.Waiting = 0
				seats[index] = seat
			}
		}
		waiting := &waiters{s: s, ctx: ctx, d: d, book: book, pages: map[int32]*waiterPage{}}
		verdicts, err := book.after.Rules.Settle(book.cases, seats, book.places, waiting, int64(d.Now))
		if err != nil {
			return nil, nil, fmt.Errorf("settle the change: %w", err)
		}
		more := book.moved(verdicts)
		if len(more) == 0 {
			return book, verdicts, nil
		}
		book = book.again(more)
	}
}

// settleFast is settle by counting.
func (s *Service) settleFast(ctx context.Context, d *Draft, fast *fastPath, out *Outcome, o Options) (err error) {
	progress(ctx, Progress{Phase: PhaseJudging})
	if err := fast.fill(ctx, out.Impact); err != nil {
		return err
	}
	if out.Changed = d.effective(); !out.Changed {
		return nil
	}
	if err := out.confirm(d, o); err != nil || o.DryRun {
		return err
	}
	if out.EventID, err = s.newID(); err != nil {
		return err
	}
	progress(ctx, Progress{Phase: PhaseStoring})
	return s.store(ctx, d, fast.book, nil, fast, out, o)
}

// dropDirect takes a user's own part out of the change: it leaves no trace (R12).
func (d *Draft) dropDirect(user uuid.UUID) {
	d.users[user].direct = nil
	subject := id.Format(id.User, user)
	d.event.Subjects = slices.DeleteFunc(d.event.Subjects, func(s audit.Subject) bool { return s.ID == subject })
}

// effective tells whether anything is left to be done once refused parts are dropped.
func (d *Draft) effective() bool {
	if !d.edit.Empty() || len(d.writes) > 0 || len(d.touched) > 0 || d.forced {
		return true
	}
	for _, u := range d.users {
		if u.after != nil || len(u.join)+len(u.leave)+len(u.direct) > 0 {
			return true
		}
	}
	return false
}

// gather finds the local users (step 2) and puts them into cases: those of which there are many by
// grouping them in the database, the others by loading them.
func (s *Service) gather(ctx context.Context, d *Draft, book *casebook) error {
	local, err := s.findLocal(ctx, d, book)
	if err != nil {
		return err
	}
	ids := local.named
	book.touched = local
	switch many, err := local.many(ctx, d, s.load); {
	case err != nil:
		return err
	case many: // and more do not matter much: they are grouped once
		book.lines = countedProducts(book.before, book.after)
		local.lines = book.lines
		if err := book.group(ctx, local); err != nil {
			return err
		}
	default:
		if ids, err = local.users(ctx, d); err != nil {
			return err
		}
	}
	var born []*person
	for id, u := range d.users {
		if u.before == nil && u.after != nil {
			born = append(born, &person{id: id})
		}
	}
	slices.SortFunc(born, func(a, b *person) int { return slices.Compare(a.id[:], b.id[:]) })
	read := int64(0)
	for part := range slices.Chunk(ids, chunk) {
		progress(ctx, Progress{Phase: PhaseReading, Done: read, Total: int64(len(ids))})
		read += int64(len(part))
		loaded, err := people(ctx, d.Tx, d.Tx.Dialect(), d.Tenant, part, book.reached)
		if err != nil {
			return err
		}
		for _, p := range loaded {
			book.relied.person(p)
			book.add(p)
		}
	}
	for _, p := range born {
		book.add(p)
	}
	for _, c := range book.cases { // a created user may come after others of its case
		slices.SortFunc(c.Users, func(a, b engine.ID) int { return compareUUIDs(a, b) })
	}
	return nil
}

// supplies returns the seats of every product: units as the change has them, users as before.
func supplies(before, after *tenantgraph.Graph, counts map[uuid.UUID]counters, kept map[uuid.UUID]int64) engine.Seats {
	seats := engine.Seats{}
	for _, p := range after.Products {
		c, counted := counts[p.ID]
		if !counted && len(after.Subscriptions(p.ID)) == 0 && len(before.Subscriptions(p.ID)) == 0 {
			continue
		}
		units, unlimited := after.Seats(p.ID)
		seats[p.Index] = engine.Seat{Total: units, Unlimited: unlimited, Consumed: c.Consumed, Waiting: c.Waiting, Kept: kept[p.ID]}
	}
	return seats
}

// waiters loads users that wait for a seat, in R5's order, a page at a time.
type waiters struct {
	s     *Service
	ctx   context.Context
	d     *Draft
	book  *casebook
	pages map[int32]*waiterPage
	met   int64 // users who waited, loaded so far
}

type waiterPage struct {
	ready []*engine.Waiter
	after *engine.Key // where the next page begins
	ended bool
}

// waiterBatch is how many waiting users are loaded at a time.
const waiterBatch = 500

// Next implements engine.Waiters.
func (w *waiters) Next(product int32) (*engine.Waiter, error) {
	page := w.pages[product]
	if page == nil {
		page = &waiterPage{}
		w.pages[product] = page
	}
	for len(page.ready) == 0 && !page.ended {
		if err := w.load(product, page); err != nil {
			return nil, err
		}
	}
	if len(page.ready) == 0 {
		return nil, nil //nolint:nilnil // the interface says so: no waiter is left
	}
	next := page.ready[0]
	page.ready = page.ready[1:]
	return next, nil
}

// List implements engine.Waiters.
func (w *waiters) List(cases []*engine.Case) error { return w.book.list(w.ctx, cases) }

// WaitingOrder is R5's order among whole sources that wait for one product, as an index has
// it: what engine.Less is in Go.
const WaitingOrder = `v.inherited, v.rank, v.since, v.assignment_created_at, v.user_id, v.principal_id`

func (w *waiters) load(product int32, page *waiterPage) error {
	sku := w.book.after.ProductAt(product).ID
	args := []any{w.d.Tenant, sku}
	after := ""
	if k := page.after; k != nil {
		after = ` AND (` + WaitingOrder + `) > ($3, $4, $5, $6, $7, $8)`
		args = append(args, !k.Direct, rankOf(k.Priority), k.Since, k.Created, uuid.UUID(k.User), uuid.UUID(k.Principal))
	}
	var keys []engine.Key
	err := database.Each(w.ctx, w.d.Tx, func(scan func(...any) error) error {
		k := engine.Key{Sku: sku, Plan: engine.Whole}
		var inherited bool
		var rank int64
		err := scan(&inherited, &rank, &k.Since, &k.Created, (*uuid.UUID)(&k.User), (*uuid.UUID)(&k.Principal))
		k.Direct, k.Priority = !inherited, priorityOf(rank)
		keys = append(keys, k)
		return err
	}, `SELECT `+WaitingOrder+` FROM license_violations v
		WHERE v.tenant_id = $1 AND v.product_id = $2 AND v.plan_id IS NULL AND v.code = 'COUNT_VIOLATION'`+after+`
		ORDER BY `+WaitingOrder+fmt.Sprintf(` LIMIT %d`, waiterBatch), args...)
	if err != nil {
		return fmt.Errorf("load waiting users: %w", err)
	}
	if page.ended = len(keys) < waiterBatch; len(keys) == 0 {
		return nil
	}
	page.after = &keys[len(keys)-1]
	var ids []uuid.UUID
	for _, k := range keys {
		if !w.book.local[k.User] {
			ids = append(ids, k.User)
		}
	}
	loaded, err := people(w.ctx, w.d.Tx, w.d.Tx.Dialect(), w.d.Tenant, ids, w.book.reached)
	if err != nil {
		return err
	}
	w.met += int64(len(loaded))
	progress(w.ctx, Progress{Phase: PhaseJudging, Done: w.met})
	byID := make(map[uuid.UUID]*person, len(loaded))
	for _, p := range loaded {
		byID[p.id] = p
	}
	for _, k := range keys {
		if p := byID[k.User]; p != nil {
			delete(byID, k.User) // once, at its first place
			page.ready = append(page.ready, &engine.Waiter{Key: k, Case: w.book.stranger(p)})
		}
	}
	return nil
}

// stranger makes a case of a user whom the change does not name.
func (b *casebook) stranger(p *person) *engine.Case {
	for _, a := range p.direct {
		if !slices.ContainsFunc(b.direct[p.id], func(o *tenantgraph.Assignment) bool { return o.ID == a.ID }) {
			b.direct[p.id] = append(b.direct[p.id], a)
		}
	}
	return &engine.Case{
		Users:  []engine.ID{p.id},
		Before: engine.User{Sources: sources(b.before, p.groups, p.direct), Rows: rows(b.before, p), Barred: barred(b.before, p.location)},
		After:  sources(b.after, p.groups, p.direct),
		Barred: barred(b.after, p.location),
	}
}
