package licensing

import (
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/engine"
)

// writeBatch bounds the rows of one statement.
const writeBatch = 20000

// rowKeys names rows of license_violations.
type rowKeys struct {
	users, assignments []uuid.UUID
	plans              []uuid.NullUUID
	codes              []string
}

func (k *rowKeys) add(user, assignment uuid.UUID, plan uuid.NullUUID, code string) {
	k.users, k.assignments = append(k.users, user), append(k.assignments, assignment)
	k.plans, k.codes = append(k.plans, plan), append(k.codes, code)
}

// newRows are rows to be inserted.
type newRows struct {
	rowKeys
	since, created       []clock.Instant
	ranks                []int64
	products, principals []uuid.UUID
	inherited            []bool
}

// violations removes the exceptions that ended, sets new codes, and prepares those that begin,
// which newViolations writes once their assignments are there.
func (w *writer) violations(book *casebook, verdicts []engine.Verdict) error {
	var gone, recoded rowKeys
	var unlisted []*engine.Case
	for _, v := range verdicts {
		if ended, begun, changed := compareRowSets(v.Case.Before.Rows, v.After.Rows); v.Users == nil && len(ended)+len(begun)+len(changed) > 0 {
			unlisted = append(unlisted, v.Case)
		}
	}
	if err := book.list(w.ctx, unlisted); err != nil {
		return err
	}
	for _, v := range verdicts {
		ended, begun, changed := compareRowSets(v.Case.Before.Rows, v.After.Rows)
		if len(ended)+len(begun)+len(changed) == 0 {
			continue
		}
		users := v.Users
		if users == nil {
			users = v.Case.Users
		}
		for _, u := range users {
			user := uuid.UUID(u)
			for _, r := range ended {
				a, err := book.assignmentOf(user, v.Case.Before.Sources, r.Assignment)
				if err != nil {
					return err
				}
				gone.add(user, a.id, book.planID(r.Plan), "")
			}
			for _, r := range changed {
				a, err := book.assignmentOf(user, v.After.Sources, r.Assignment)
				if err != nil {
					return err
				}
				recoded.add(user, a.id, book.planID(r.Plan), string(codes[r.Code]))
			}
			for _, r := range begun {
				a, err := book.assignmentOf(user, v.After.Sources, r.Assignment)
				if err != nil {
					return err
				}
				n := &w.rows
				n.add(user, a.id, book.planID(r.Plan), string(codes[r.Code]))
				n.since, n.created = append(n.since, clock.Instant(r.Since)), append(n.created, clock.Instant(a.source.Created))
				n.ranks = append(n.ranks, rankOf(a.source.Priority))
				principal := uuid.UUID(a.source.Principal)
				if a.source.Direct {
					principal = user
				}
				n.products, n.principals = append(n.products, a.source.Sku), append(n.principals, principal)
				n.inherited = append(n.inherited, !a.source.Direct)
			}
		}
	}
	if err := w.deleteRows(&gone); err != nil {
		return err
	}
	return w.recodeRows(&recoded)
}

// boundSource is a source with the id of its assignment.
type boundSource struct {
	id     uuid.UUID
	source *engine.Source
}

// assignmentOf finds the stored assignment behind a source's key (see sources).
func (b *casebook) assignmentOf(user uuid.UUID, all []engine.Source, key engine.ID) (boundSource, error) {
	for i := range all {
		if all[i].Key != key {
			continue
		}
		if !all[i].Direct {
			return boundSource{key, &all[i]}, nil
		}
		for _, a := range b.direct[user] {
			if a.ProductID == key {
				return boundSource{a.ID, &all[i]}, nil
			}
		}
	}
	return boundSource{}, fmt.Errorf("licensing: user %s has a violation without an assignment", user)
}

func (b *casebook) planID(plan int32) uuid.NullUUID {
	if plan == engine.Whole {
		return uuid.NullUUID{}
	}
	return uuid.NullUUID{UUID: b.after.PlanAt(plan).ID, Valid: true}
}

// compareRowSets tells which rows ended, began (or began anew, with another instant), and
// changed their code only.
func compareRowSets(before, after []engine.Row) (ended, begun, recoded []engine.Row) {
	same := func(a engine.Row) func(engine.Row) bool {
		return func(b engine.Row) bool { return a.Assignment == b.Assignment && a.Plan == b.Plan && a.Since == b.Since }
	}
	for _, r := range before {
		if !slices.ContainsFunc(after, same(r)) {
			ended = append(ended, r)
		}
	}
	for _, r := range after {
		switch i := slices.IndexFunc(before, same(r)); {
		case i < 0:
			begun = append(begun, r)
		case before[i].Code != r.Code:
			recoded = append(recoded, r)
		}
	}
	return ended, begun, recoded
}

var (
	colUser       = database.Column{Name: "u", Type: database.UUID}
	colAssignment = database.Column{Name: "a", Type: database.UUID}
	colPlan       = database.Column{Name: "p", Type: database.UUID}
	colCode       = database.Column{Name: "code", Type: database.Text}
)

// namedRows are the rows of license_violations, as t, that rowKeys name, in parameters from $2 on as
// v. It is a cross join so that SQLite, too, looks each of them up: of its own accord it would go through
// all names for each row of the tenant.
func (w *writer) namedRows(columns ...database.Column) string {
	return w.q.Unnest("v", 2, append([]database.Column{colUser, colAssignment, colPlan}, columns...)...) + ` CROSS JOIN license_violations t
		WHERE t.tenant_id = $1 AND t.user_id = v.u AND t.assignment_id = v.a AND (t.plan_id = v.p OR t.plan_id IS NULL AND v.p IS NULL)`
}

func (w *writer) deleteRows(k *rowKeys) error {
	for lo := 0; lo < len(k.users); lo += writeBatch {
		hi := min(lo+writeBatch, len(k.users))
		args := append([]any{w.d.Tenant}, w.q.UnnestArgs(k.users[lo:hi], k.assignments[lo:hi], k.plans[lo:hi])...)
		if err := w.end("license_violations", w.namedRows(), args...); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) recodeRows(k *rowKeys) error {
	for lo := 0; lo < len(k.users); lo += writeBatch {
		hi := min(lo+writeBatch, len(k.users))
		names := append([]any{w.d.Tenant}, w.q.UnnestArgs(k.users[lo:hi], k.assignments[lo:hi], k.plans[lo:hi])...)
		if err := w.keep("license_violations", w.namedRows(), names...); err != nil {
			return err
		}
		args := append([]any{w.d.Tenant}, w.q.UnnestArgs(k.users[lo:hi], k.assignments[lo:hi], k.plans[lo:hi], k.codes[lo:hi])...)
		err := w.exec(`UPDATE license_violations SET code = named.code FROM (SELECT t.id, v.code FROM `+w.namedRows(colCode)+`) named
			WHERE license_violations.id = named.id`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) newViolations() error {
	n := &w.rows
	for lo := 0; lo < len(n.users); lo += writeBatch {
		hi := min(lo+writeBatch, len(n.users))
		args := append([]any{w.d.Tenant, w.event}, w.q.UnnestArgs(n.users[lo:hi], n.assignments[lo:hi], n.plans[lo:hi], n.codes[lo:hi],
			n.since[lo:hi], n.products[lo:hi], n.principals[lo:hi], n.inherited[lo:hi], n.ranks[lo:hi], n.created[lo:hi])...)
		err := w.exec(`INSERT INTO license_violations
			(tenant_id, opened_by, user_id, assignment_id, plan_id, code, since, product_id, principal_id, inherited, rank,
			assignment_created_at)
			SELECT $1, $2, v.u, v.a, v.p, v.code, v.since, v.product, v.principal, v.inherited, v.rank, v.created FROM `+
			w.q.Unnest("v", 3, colUser, colAssignment, colPlan, colCode, database.Column{Name: "since", Type: database.BigInt},
				database.Column{Name: "product", Type: database.UUID}, database.Column{Name: "principal", Type: database.UUID},
				database.Column{Name: "inherited", Type: database.Bool}, database.Column{Name: "rank", Type: database.BigInt}, database.Column{Name: "created", Type: database.BigInt}), args...)
		if err != nil {
			return err
		}
	}
	return nil
}
