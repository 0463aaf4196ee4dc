package licensing

import (
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
)

// keep copies rows that are about to change into their table's history, as being so until now.
// from names them, as t, in a FROM clause with its conditions and parameters.
func (w *writer) keep(table, from string, args ...any) error {
	return w.exec(database.KeepFormer(table, from, len(args)+1), append(slices.Clip(args), w.d.Now)...)
}

// end moves rows into their table's history.
func (w *writer) end(table, from string, args ...any) error {
	until := append(slices.Clip(args), w.d.Now)
	statements := database.MoveFormer(w.q, table, from, len(until))
	if err := w.exec(statements[0], until...); err != nil || len(statements) == 1 {
		return err
	}
	return w.exec(statements[1], args...)
}

// formerCounters are seat counters as they were, with what the change does to their users.
type formerCounters struct {
	products                         []uuid.UUID
	consumed, waiting, inError       []int64
	gaining, losing, refused, healed []int64
}

func (f *formerCounters) add(product uuid.UUID, c counters, d *delta) {
	f.products = append(f.products, product)
	f.consumed, f.waiting, f.inError = append(f.consumed, c.Consumed), append(f.waiting, c.Waiting), append(f.inError, c.InError)
	f.gaining, f.losing = append(f.gaining, d.gaining), append(f.losing, d.losing)
	f.refused, f.healed = append(f.refused, d.newErrors), append(f.healed, d.healed)
}

func (w *writer) formerCounters(f *formerCounters) error {
	if len(f.products) == 0 {
		return nil
	}
	number := func(name string) database.Column { return database.Column{Name: name, Type: database.BigInt} }
	args := append([]any{w.d.Tenant, w.d.Now, w.event},
		w.q.UnnestArgs(f.products, f.consumed, f.waiting, f.inError, f.gaining, f.losing, f.refused, f.healed)...)
	return w.exec(`INSERT INTO seat_counters_history (tenant_id, until, event_id, product_id, consumed, waiting, in_error, gaining, losing, refused, healed)
		SELECT $1, $2, $3, v.p, v.c, v.w, v.e, v.gaining, v.losing, v.refused, v.healed FROM `+
		w.q.Unnest("v", 4, database.Column{Name: "p", Type: database.UUID}, number("c"), number("w"), number("e"),
			number("gaining"), number("losing"), number("refused"), number("healed")), args...)
}
