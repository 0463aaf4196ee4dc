package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
)

// Break is a kind of damage of a tenant's audit log.
type Break string

// The kinds of damage.
const (
	Altered    Break = "ALTERED"    // an event is not as it was written
	Missing    Break = "MISSING"    // events are not there
	Foreign    Break = "FOREIGN"    // an event is there that was removed, or was never written by this program
	Ending     Break = "ENDING"     // the tenant's row does not know the last event
	Checkpoint Break = "CHECKPOINT" // what is left of removed events does not fit
	Mention    Break = "MENTION"    // what an event is found by is not what it names
)

// Finding is the first place at which a tenant's audit log is damaged in one way.
type Finding struct {
	Break    Break
	Sequence int64 // of the event
	Message  string
	More     int // further places of the kind
}

// Verification is what was found in a tenant's audit log.
type Verification struct {
	Events   int       // checked
	Findings []Finding // by number, at most one for each kind
}

// bounds of what is held in memory at a time.
const (
	eventsAtOnce = 1000
	bytesAtOnce  = 4 << 20
)

// Verify reads a tenant's whole audit log, in one state of it, and checks that it is as it was
// written: no event changed, missing or added, the tenant's row knows the last one, checkpoints go
// on where events were removed, and what events are found by is what they name. progress, which
// may be nil, is told how many events are done. What it holds in memory does not grow with the log.
//
// Errors: those of the database.
func Verify(ctx context.Context, tx *database.Tx, tenant uuid.UUID, progress func(events int)) (*Verification, error) {
	v := &verifying{tenant: tenant, report: &Verification{}, pruned: map[int64]*checkpoint{}}
	if err := tx.QueryRowContext(ctx, `SELECT `+HeadColumns+` FROM tenants t WHERE t.id = $1`, tenant).Scan(v.head.Dest()...); err != nil {
		return nil, fmt.Errorf("verify the audit log: %w", err)
	}
	if err := v.checkpoints(ctx, tx); err != nil {
		return nil, fmt.Errorf("verify the audit log: %w", err)
	}
	for first := int64(minSequence); ; {
		part, err := readPart(ctx, tx, tenant, v.read, eventsAtOnce)
		if err != nil {
			return nil, fmt.Errorf("verify the audit log: %w", err)
		}
		for _, r := range part {
			v.event(r)
		}
		last := int64(maxSequence)
		if len(part) > 0 {
			last = v.read
		}
		if err := v.mentions(ctx, tx, part, first, last); err != nil {
			return nil, fmt.Errorf("verify the audit log: %w", err)
		}
		if len(part) == 0 {
			break
		}
		if progress != nil {
			progress(v.report.Events)
		}
		first = last + 1
	}
	v.ending()
	slices.SortFunc(v.report.Findings, func(a, b Finding) int { return int(min(1, max(-1, a.Sequence-b.Sequence))) })
	return v.report, nil
}

// Numbers that no event has.
const (
	minSequence = -1 << 62
	maxSequence = 1 << 62
)

// readPart reads events after a number, as many as are held in memory at a time, at least one.
func readPart(ctx context.Context, tx *database.Tx, tenant uuid.UUID, after int64, limit int) ([]*record, error) {
	var part []*record
	err := eachUpTo(ctx, tx, func(scan func(...any) error) (int, error) {
		r := &record{Tenant: tenant}
		err := scan(r.dest()...)
		part = append(part, r)
		return r.size(), err
	}, `SELECT `+recordColumns+` FROM audit_events e WHERE e.tenant_id = $1 AND e.sequence > $2 ORDER BY e.sequence LIMIT $3`, tenant, after, limit)
	return part, err
}

// eachUpTo is database.Each until the rows, whose sizes row returns, are as much as is held in memory
// at a time.
func eachUpTo(ctx context.Context, q database.Querier, row func(scan func(...any) error) (size int, err error), query string, args ...any) error {
	size, full := 0, errors.New("enough")
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		n, err := row(scan)
		if size += n; err == nil && size > bytesAtOnce {
			return full
		}
		return err
	}, query, args...)
	if errors.Is(err, full) {
		return nil
	}
	return err
}

// verifying is how far a verification is.
type verifying struct {
	tenant uuid.UUID
	head   Head
	report *Verification
	pruned map[int64]*checkpoint // by the number of the event that tells of it
	chain  chain
	read   int64 // number of the last event read
	rest   int64 // number of the last event removed
}

// chain is where the next event has to go on.
type chain struct {
	unchained int64
	sequence  int64 // of the event before
	hash      Hash  // that the next event's is over
	unknown   bool  // the event before is missing, and its hash with it
}

// found records damage: the first place of each kind, and how many there are.
func (v *verifying) found(kind Break, sequence int64, format string, args ...any) {
	at := slices.IndexFunc(v.report.Findings, func(f Finding) bool { return f.Break == kind })
	if at < 0 {
		at = len(v.report.Findings)
		v.report.Findings = append(v.report.Findings, Finding{Break: kind, Sequence: sequence, More: -1})
	}
	f := &v.report.Findings[at]
	if f.More++; sequence < f.Sequence || f.Message == "" {
		f.Sequence, f.Message = sequence, fmt.Sprintf(format, args...)
	}
}

// event checks the next event against the one before.
func (v *verifying) event(r *record) {
	v.report.Events++
	v.read = r.Sequence
	c := &v.chain
	if r.Sequence <= c.sequence {
		v.found(Foreign, r.Sequence, "Event %d is there, but events up to %d were removed.", r.Sequence, c.sequence)
		return
	}
	if r.Sequence > v.head.Sequence {
		v.found(Foreign, r.Sequence, "Event %d is there, but the organisation's last event is %d.", r.Sequence, v.head.Sequence)
	}
	if r.Sequence > c.sequence+1 {
		v.found(Missing, c.sequence+1, "%s missing.", span(c.sequence+1, r.Sequence-1))
		c.unknown = true
	}
	v.hash(r)
	v.prune(r)
	c.sequence = r.Sequence
}

// span names events in a row.
func span(first, last int64) string {
	if first == last {
		return fmt.Sprintf("Event %d is", first)
	}
	return fmt.Sprintf("Events %d to %d are", first, last)
}

func (v *verifying) hash(r *record) {
	c := &v.chain
	if r.Sequence <= c.unchained {
		if r.Encoding != 0 || !r.Hash.IsZero() {
			v.found(Altered, r.Sequence, "Event %d has a hash, though the chain begins after event %d.", r.Sequence, c.unchained)
		}
		c.hash, c.unknown = genesis(v.tenant, c.unchained), false
		return
	}
	switch {
	case r.Encoding != encoding:
		v.found(Altered, r.Sequence, "Event %d has a hash over encoding %d, which this program does not know.", r.Sequence, r.Encoding)
	case !c.unknown && r.hashed(c.hash) != r.Hash:
		v.found(Altered, r.Sequence, "Event %d is not as it was written: its hash is another one.", r.Sequence)
	}
	c.hash, c.unknown = r.Hash, false
}

// ending compares the last event with what the tenant's row knows of it.
func (v *verifying) ending() {
	c := &v.chain
	switch {
	case v.head.Unchained > v.head.Sequence:
		v.found(Ending, v.head.Sequence, "The organisation's last event is %d, but events up to %d are from before the chain.", v.head.Sequence, v.head.Unchained)
	case c.sequence < v.head.Sequence:
		v.found(Missing, c.sequence+1, "%s missing: the last.", span(c.sequence+1, v.head.Sequence))
	case c.sequence == v.head.Sequence && !c.unknown && v.head.tip(v.tenant) != c.hash:
		v.found(Ending, v.head.Sequence, "The organisation's row has another hash of the last event, %d.", v.head.Sequence)
	}
	for at, p := range v.pruned {
		if p.Sequence == v.rest { // the event of an older one may have been removed as well
			v.found(Checkpoint, p.Sequence, "Event %d, which tells of the checkpoint after event %d, is not there.", at, p.Sequence)
		}
	}
}

// mentions compares what is stored of what events in a range of numbers name, with the events.
func (v *verifying) mentions(ctx context.Context, tx *database.Tx, part []*record, first, last int64) error {
	type mention struct {
		sequence int64
		node     string
	}
	named := map[mention]bool{}
	for _, r := range part {
		nodes, err := mentionsOf(r)
		if err != nil {
			v.found(Altered, r.Sequence, "Event %d cannot be read: %v.", r.Sequence, err)
		}
		for _, node := range nodes {
			named[mention{r.Sequence, node}] = true
		}
	}
	err := database.Each(ctx, tx, func(scan func(...any) error) error {
		var m mention
		if err := scan(&m.sequence, &m.node); err != nil {
			return err
		}
		if !named[m] {
			v.found(Mention, m.sequence, "Event %d is found by %s, which it does not name.", m.sequence, m.node)
		}
		delete(named, m)
		return nil
	}, `SELECT sequence, node FROM audit_mentions WHERE tenant_id = $1 AND sequence >= $2 AND sequence <= $3 ORDER BY sequence, id`, v.tenant, first, last)
	if err != nil {
		return err
	}
	lost := make([]mention, 0, len(named))
	for m := range named {
		lost = append(lost, m)
	}
	slices.SortFunc(lost, func(a, b mention) int { return int(min(1, max(-1, a.sequence-b.sequence))) })
	for _, m := range lost {
		v.found(Mention, m.sequence, "Event %d names %s, and is not found by it.", m.sequence, m.node)
	}
	return nil
}

// checkpoint is what is left of events that were removed.
type checkpoint struct {
	Sequence      int64 // of the last event removed
	Hash          Hash
	OccurredAt    clock.Instant
	Events        int64 // removed with it
	PrunedAt      clock.Instant
	EventSequence int64 // of the event that tells of it
	Seal          Hash
}

// sealed is the seal of the checkpoint after one with the seal before.
func (c *checkpoint) sealed(tenant uuid.UUID, unchained int64, before Hash) Hash {
	return sum("licensegraph-audit-checkpoint-1", before, value{text: id.Format(id.Tenant, tenant)}, number(unchained), number(c.Sequence), value{text: c.Hash.String()},
		number(int64(c.OccurredAt)), number(c.Events), number(int64(c.PrunedAt)), number(c.EventSequence))
}

// checkpoints reads them, and begins the chain at the last. What an event tells of them is
// compared when it is read.
func (v *verifying) checkpoints(ctx context.Context, tx *database.Tx) error {
	v.chain = chain{unchained: v.head.Unchained, hash: genesis(v.tenant, v.head.Unchained)}
	v.read = minSequence
	var before checkpoint
	return database.Each(ctx, tx, func(scan func(...any) error) error {
		var c checkpoint
		if err := scan(&c.Sequence, &c.Hash, &c.OccurredAt, &c.Events, &c.PrunedAt, &c.EventSequence, &c.Seal); err != nil {
			return err
		}
		switch {
		case c.sealed(v.tenant, v.head.Unchained, before.Seal) != c.Seal:
			v.found(Checkpoint, c.Sequence, "The checkpoint after event %d is not as it was written, or the one before it is missing.", c.Sequence)
		case c.Events != c.Sequence-before.Sequence:
			v.found(Checkpoint, c.Sequence, "The checkpoint after event %d does not go on from event %d.", c.Sequence, before.Sequence)
		}
		before = c
		v.pruned[c.EventSequence] = &c
		v.chain.sequence, v.chain.hash, v.rest = c.Sequence, c.Hash, c.Sequence
		return nil
	}, `SELECT sequence, hash, occurred_at, events, pruned_at, event_sequence, seal FROM audit_checkpoints WHERE tenant_id = $1 ORDER BY sequence`, v.tenant)
}
