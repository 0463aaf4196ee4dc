package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// write is a change to measure. Whatever it needs is made before, and the tenant is put back as
// it was after it; neither is measured.
type write struct {
	name    string
	prepare func(*run) []mutation
	change  func(*run) mutation
	restore func(*run) []mutation
	floor   floorKind
	rows    func(*layout) int // of the floor
}

// floorKind is what a write is compared to.
type floorKind string

const (
	floorInsert    floorKind = "insert"     // INSERT … SELECT of rows into a live table with two indexes
	floorDelete    floorKind = "delete"     // DELETE of the rows that heal
	floorInsertOne floorKind = "insert one" // INSERT of one membership, over HTTP
)

// Names of writes.
const (
	writeMember    = "add-member"
	writeNest      = "nest"
	writeEverybody = "assign-everybody"
	writeReassign  = "reassign"
	writeSwap      = "swap"
	writeRemove    = "remove"
	writeShared    = "assign-shared"
	writeHeal      = "heal"
	writeBulk      = "assign-users"
	writePreview   = "preview"
)

var writeNames = []string{writeMember, writeNest, writeEverybody, writeReassign, writeSwap, writeRemove, writeShared, writeHeal, writeBulk, writePreview}

func everybody(l *layout) int { return l.sizes[groupAll] }
func many(l *layout) int      { return l.bulk }

// manyWrites are the writes that are measured one at a time.
var manyWrites = []write{
	{name: writeNest, floor: floorInsert, rows: many, change: nestChange, restore: one(unnestChange)},
	{name: writeEverybody, floor: floorInsert, rows: everybody, change: assignAll(productEverybody, nil), restore: one(removeAll(productEverybody))},
	{
		name: writeReassign, floor: floorInsert, rows: everybody, prepare: one(assignAll(productEverybody, nil)),
		change: func(r *run) mutation { return assignAll(productEverybody, r.somePlans(productEverybody))(r) }, restore: one(removeAll(productEverybody)),
	},
	{
		name: writeSwap, floor: floorInsert, rows: everybody, prepare: one(assignAll(productEverybody, nil)),
		change: swapAll, restore: one(removeAll(productSwap)),
	},
	{name: writeRemove, floor: floorInsert, rows: everybody, prepare: one(assignAll(productEverybody, nil)), change: removeAll(productEverybody)},
	{name: writeShared, floor: floorInsert, rows: everybody, change: assignAll(productShared, nil), restore: one(removeAll(productShared))},
	{name: writeHeal, floor: floorDelete, rows: (*layout).waiting, change: buyEnough, restore: waitAgain},
	{name: writeBulk, floor: floorInsert, rows: many, change: assignUsers, restore: one(unassignUsers)},
	{name: writePreview, floor: floorInsert, rows: everybody, change: previewAll},
}

// writes measures every write between two measurements of its floor.
func (r *run) writes(ctx context.Context) (err error) {
	chosen := false
	for _, name := range writeNames {
		chosen = chosen || r.chosen("writes", name)
	}
	if !chosen {
		return nil
	}
	if err := r.findSubscription(ctx); err != nil {
		return err
	}
	floors := &writeFloors{run: r}
	if err := floors.create(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, floors.drop(context.WithoutCancel(ctx))) }()
	r.report.Memory.HeapBefore, r.report.Memory.ResidentBefore = settledHeap(), resident()
	for i, w := range manyWrites {
		if i == 0 && r.chosen("writes", writeMember) {
			if err := r.members(ctx); err != nil {
				return fmt.Errorf("%s: %w", writeMember, err)
			}
		}
		if !r.chosen("writes", w.name) {
			continue
		}
		r.Progress.say("write "+w.name, i+1, len(writeNames))
		if err := w.measure(ctx, r, floors); err != nil {
			if ctx.Err() != nil {
				return err
			}
			r.report.Failures = append(r.report.Failures, fmt.Sprintf("%s: %v", w.name, err))
		}
	}
	r.report.Memory.HeapAfter, r.report.Memory.ResidentAfter = settledHeap(), resident()
	r.report.judgeWrites()
	return nil
}

// WriteRound is what one round of a write measured.
type WriteRound struct {
	Micros         float64 `json:"micros"` // from the request to its answer
	P99Micros      float64 `json:"p99Micros,omitempty"`
	Statements     float64 `json:"statements"`
	Allocations    float64 `json:"allocations"`
	AllocatedBytes float64 `json:"allocatedBytes"`
	HeapGrowth     float64 `json:"heapGrowthBytes"` // of live and unswept objects, at the peak
	Violations     float64 `json:"violations"`      // by how many rows of violations there are more, or fewer
	FloorBefore    float64 `json:"floorBeforeMicros"`
	FloorAfter     float64 `json:"floorAfterMicros"`
}

func (w WriteRound) floor() float64 { return (w.FloorBefore + w.FloorAfter) / 2 }

func (w *write) measure(ctx context.Context, r *run, floors *writeFloors) error {
	out := &Write{Name: w.name, Floor: string(w.floor), FloorRows: w.rows(r.tenant.layout)}
	for range r.Rounds {
		if w.prepare != nil {
			if err := r.mutate(ctx, w.prepare(r)...); err != nil {
				return fmt.Errorf("prepare: %w", err)
			}
		}
		round, err := w.once(ctx, r, floors, out.FloorRows)
		if err != nil {
			return errors.Join(err, w.undo(ctx, r))
		}
		out.Rounds = append(out.Rounds, round)
		if w.restore != nil {
			if err := r.mutate(ctx, w.restore(r)...); err != nil {
				return fmt.Errorf("put back: %w", err)
			}
		}
		if err := w.floorAfter(ctx, &out.Rounds[len(out.Rounds)-1], floors, out.FloorRows); err != nil {
			return err
		}
	}
	r.report.Writes = append(r.report.Writes, out.summary())
	return nil
}

// undo takes away what was prepared for a change that failed.
func (w *write) undo(ctx context.Context, r *run) error {
	if w.prepare == nil {
		return nil
	}
	return r.mutate(ctx, removeAll(productEverybody)(r))
}

// once measures the change, and the floor before.
func (w *write) once(ctx context.Context, r *run, floors *writeFloors, rows int) (round WriteRound, err error) {
	before, err := floors.measure(ctx, w.floor, rows)
	if err != nil {
		return round, fmt.Errorf("floor: %w", err)
	}
	violations, err := r.violations(ctx)
	if err != nil {
		return round, err
	}
	if round, err = r.measured(ctx, w.change(r)); err != nil {
		return round, err
	}
	now, err := r.violations(ctx)
	if err != nil {
		return round, err
	}
	round.FloorBefore, round.Violations = micros(before), float64(now-violations)
	return round, nil
}

// floorAfter measures the floor again, once the tenant is as it was: only then is there again what
// floorDelete deletes.
func (w *write) floorAfter(ctx context.Context, round *WriteRound, floors *writeFloors, rows int) error {
	after, err := floors.measure(ctx, w.floor, rows)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	round.FloorAfter = micros(after)
	return nil
}

// measured makes a change over HTTP.
func (r *run) measured(ctx context.Context, m mutation) (round WriteRound, err error) {
	q, err := r.question(m.query)
	if err != nil {
		return round, err
	}
	variables, err := json.Marshal(m.variables)
	if err != nil {
		return round, err
	}
	c, err := dial(ctx, r.shipped.address)
	if err != nil {
		return round, err
	}
	defer func() { _ = c.close() }()
	defer context.AfterFunc(ctx, func() { _ = c.close() })()
	text := string(variables)

	heap := watchHeap()
	statements, before, start := r.Statements(), allocated(), now()
	body, err := c.ask(&q, text)
	took := now().Sub(start)
	after, ran := allocated(), r.Statements()-statements
	round.HeapGrowth = float64(heap.stop())
	if err != nil {
		return round, errors.Join(ctx.Err(), err)
	}
	if err := m.changed(body); err != nil {
		return round, err
	}
	round.Micros, round.Statements = micros(took), float64(ran)
	round.Allocations, round.AllocatedBytes = float64(after.Mallocs-before.Mallocs), float64(after.TotalAlloc-before.TotalAlloc)
	return round, nil
}

// violations is how many rows of violations the tenant has.
func (r *run) violations(ctx context.Context) (n int, err error) {
	err = r.DB.Reader().QueryRowContext(ctx, `SELECT count(*) FROM license_violations WHERE tenant_id = $1`, r.tenant.ID).Scan(&n)
	return n, err
}
