package licensing

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// maxProblems bounds a report; where there are more, the last one says so.
const maxProblems = 1000

// Verify checks R17 and the audit log (R28) on one committed state of the tenant, beside a serving
// process: it derives every user anew, asks the engine whether each state holds, recounts the
// counters, and follows the chain of audit events. progress, which may be nil, is told how many
// users and events are done.
func (s *Service) Verify(ctx context.Context, tenant uuid.UUID, progress func(users, events int)) (*Verification, error) {
	if progress == nil {
		progress = func(int, int) {}
	}
	var v *verifying
	err := s.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) error {
		v = &verifying{report: &Verification{VerifiedAt: s.clock.Now()}, recount: map[int32]*counters{}, reused: map[engine.ID]int64{}} // anew in each attempt
		// What is in memory is what a check must not lean on.
		stored, err := LoadCatalog(ctx, tx)
		if err != nil {
			return err
		}
		if v.graph, err = s.loadGraphWith(ctx, tx, tenant, tenantgraph.NewCatalog(stored, nil)); err != nil {
			return err
		}
		var used map[uuid.UUID]int64
		if v.stored, used, err = loadBoth(ctx, tx, v.graph); err != nil {
			return err
		}
		v.seats, v.supply = supplies(v.graph, v.graph, v.stored, keptIn(v.graph, used)), placesIn(v.graph, used)
		if err := v.users(ctx, tx, progress); err != nil {
			return err
		}
		v.counters()
		v.places()
		if err := v.copies(ctx, tx); err != nil {
			return err
		}
		if err := v.members(ctx, tx); err != nil {
			return err
		}
		return v.log(ctx, tx, progress)
	})
	if err != nil {
		return nil, err
	}
	return v.report, nil
}

type verifying struct {
	graph   *tenantgraph.Graph
	stored  map[uuid.UUID]counters
	recount map[int32]*counters
	seats   engine.Seats        // as stored
	supply  engine.Places       // of counted assignments, as stored
	reused  map[engine.ID]int64 // how many users have each assignment, recounted
	report  *Verification
}

func (v *verifying) problem(p Problem) {
	switch n := len(v.report.Problems); {
	case n < maxProblems:
		v.report.Problems = append(v.report.Problems, p)
	case n == maxProblems:
		v.report.Problems = append(v.report.Problems, Problem{Rule: "R17", Message: fmt.Sprintf("There are more than %d problems.", maxProblems)})
	}
}

func (v *verifying) users(ctx context.Context, tx *database.Tx, progress func(users, events int)) error {
	reached := v.graph.Touches
	after := uuid.Nil
	for {
		var ids []uuid.UUID
		err := database.Each(ctx, tx, func(scan func(...any) error) error {
			var key uuid.UUID
			err := scan(&key)
			ids = append(ids, key)
			return err
		}, fmt.Sprintf(`SELECT id FROM users WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT %d`, chunk), v.graph.Tenant, after)
		if err != nil {
			return fmt.Errorf("read users: %w", err)
		}
		loaded, err := people(ctx, tx, tx.Dialect(), v.graph.Tenant, ids, reached)
		if err != nil {
			return err
		}
		for _, p := range loaded {
			v.user(p)
		}
		v.report.UsersChecked += len(ids)
		progress(v.report.UsersChecked, 0)
		if len(ids) < chunk {
			return nil
		}
		after = ids[len(ids)-1]
	}
}

func (v *verifying) user(p *person) {
	u := engine.User{Rows: rows(v.graph, p), Barred: barred(v.graph, p.location)}
	if !p.deleted {
		u.Sources = sources(v.graph, p.groups, p.direct)
	}
	for _, found := range v.graph.Rules.Verify(u, v.seats, v.supply) {
		problem := Problem{Rule: found.Rule, Message: found.Text, UserID: &p.id}
		if found.Product >= 0 {
			problem.Product = v.graph.ProductAt(found.Product)
		}
		v.problem(problem)
	}
	for _, l := range v.graph.Rules.Derive(u) {
		c := v.recount[l.Product]
		if c == nil {
			c = &counters{}
			v.recount[l.Product] = c
		}
		c.Consumed += num(l.Held)
		c.Waiting += num(waits(l))
		c.InError += num(inError(l))
		for _, s := range l.Sources {
			if s.Admitted {
				v.reused[s.Key]++
			}
		}
	}
}

func (v *verifying) counters() {
	for _, p := range v.graph.Products {
		stored, is := v.stored[p.ID], counters{}
		if c := v.recount[p.Index]; c != nil {
			is = *c
		}
		if stored != is {
			v.problem(Problem{Rule: "R17", Product: p, Message: fmt.Sprintf(
				"The counters of %s say %d consumed, %d waiting, %d in error; recounted they are %d, %d and %d.", p.DisplayName,
				stored.Consumed, stored.Waiting, stored.InError, is.Consumed, is.Waiting, is.InError)})
		}
	}
}

// places compares how many users have counted assignments with the counters.
func (v *verifying) places() {
	for _, b := range v.graph.Counted() {
		if used := v.supply[b.ID].Used; used != v.reused[b.ID] {
			v.problem(Problem{Rule: "R17", Product: b.Product, Message: fmt.Sprintf("The counter of group %s says that %d users have %s through it; recounted they are %d.",
				v.graph.Group(b.GroupID).DisplayName, used, b.Product.DisplayName, v.reused[b.ID])})
		}
	}
}

// copies compares what violations copy from their assignments, by which they stand in line.
func (v *verifying) copies(ctx context.Context, tx *database.Tx) error {
	err := database.Each(ctx, tx, func(scan func(...any) error) error {
		var user uuid.UUID
		err := scan(&user)
		v.problem(Problem{Rule: "R17", Message: "A violation does not copy its assignment: the user may stand in the wrong place in line.", UserID: &user})
		return err
	}, `SELECT v.user_id FROM license_violations v JOIN assignments a ON a.tenant_id = v.tenant_id AND a.id = v.assignment_id
		WHERE v.tenant_id = $1 AND (v.product_id <> a.product_id OR v.principal_id <> coalesce(a.group_id, a.user_id)
		OR v.inherited <> (a.group_id IS NOT NULL) OR v.rank <> -a.priority OR v.assignment_created_at <> a.created_at) ORDER BY v.user_id`, v.graph.Tenant)
	if err != nil {
		return fmt.Errorf("compare the violations with their assignments: %w", err)
	}
	return nil
}

// members recounts the direct members of groups.
func (v *verifying) members(ctx context.Context, tx *database.Tx) error {
	err := database.Each(ctx, tx, func(scan func(...any) error) error {
		var group uuid.UUID
		var stored, is int64
		if err := scan(&group, &stored, &is); err != nil {
			return err
		}
		v.problem(Problem{Rule: "R17", Message: fmt.Sprintf("The counter of group %s says %d members; recounted there are %d.",
			v.graph.Group(group).DisplayName, stored, is)})
		return nil
	}, `SELECT g.id, coalesce(c.members, 0), coalesce(m.n, 0) FROM groups g
		LEFT JOIN group_counters c ON c.tenant_id = g.tenant_id AND c.group_id = g.id
		LEFT JOIN (SELECT m.group_id, count(*) AS n FROM memberships m WHERE m.tenant_id = $1 AND m.user_id NOT IN
			(SELECT u.id FROM users u WHERE u.tenant_id = $1 AND u.deleted_at IS NOT NULL) GROUP BY m.group_id) m ON m.group_id = g.id
		WHERE g.tenant_id = $1 AND coalesce(c.members, 0) <> coalesce(m.n, 0)`, v.graph.Tenant)
	if err != nil {
		return fmt.Errorf("recount members: %w", err)
	}
	return nil
}

// log follows the chain of audit events.
func (v *verifying) log(ctx context.Context, tx *database.Tx, progress func(users, events int)) error {
	found, err := audit.Verify(ctx, tx, v.graph.Tenant, func(events int) { progress(v.report.UsersChecked, events) })
	if err != nil {
		return err
	}
	v.report.EventsChecked = found.Events
	for _, f := range found.Findings {
		text := f.Message
		if f.More > 0 {
			text += fmt.Sprintf(" There are %d more such places.", f.More)
		}
		v.problem(Problem{Rule: "R28", Message: text})
	}
	return nil
}
