package catalog

import (
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
)

func (w *writer) prerequisites(d Diff) error {
	var gone, added []link
	for _, c := range slices.Concat(d.PrerequisitesAdded, d.PrerequisitesChanged, d.PrerequisitesWithdrawn) {
		gone, added = appendLinks(gone, c.Plan.ID, c.Removed), appendLinks(added, c.Plan.ID, c.Added)
	}
	return w.move(prerequisites, gone, added)
}

// placeRow is a country in which a plan is allowed or prohibited.
type placeRow struct {
	plan    uuid.UUID
	country string
	allowed bool
}

func (w *writer) locations(d Diff) error {
	var gone, added []placeRow
	for _, c := range slices.Concat(d.LocationsAdded, d.LocationsChanged, d.LocationsWithdrawn) {
		gone = appendPlaces(gone, c.Plan.ID, c.NoLongerAllowed, true)
		gone = appendPlaces(gone, c.Plan.ID, c.NoLongerProhibited, false)
		added = appendPlaces(added, c.Plan.ID, c.Allowed, true)
		added = appendPlaces(added, c.Plan.ID, c.Prohibited, false)
	}
	// First what goes: a country may move from one list to the other.
	err := w.eachPlace(gone, func(values string) string {
		return `DELETE FROM plan_locations WHERE (plan_id, country) IN (SELECT v.plan, v.country FROM ` + values + `)`
	})
	if err != nil {
		return err
	}
	return w.eachPlace(added, func(values string) string {
		return `INSERT INTO plan_locations (plan_id, country, allowed) SELECT v.plan, v.country, v.allowed FROM ` + values
	})
}

func appendPlaces(rows []placeRow, plan uuid.UUID, countries []string, allowed bool) []placeRow {
	for _, country := range countries {
		rows = append(rows, placeRow{plan, country, allowed})
	}
	return rows
}

// eachPlace runs a statement over places, which it finds as v(plan, country, allowed).
func (w *writer) eachPlace(rows []placeRow, statement func(values string) string) error {
	q := w.tx.Dialect()
	query := statement(q.Unnest("v", 1, column("plan", database.UUID), column("country", database.Text), column("allowed", database.Bool)))
	for part := range slices.Chunk(rows, batch) {
		plans, countries, allowed := make([]uuid.UUID, len(part)), make([]string, len(part)), make([]bool, len(part))
		for i, r := range part {
			plans[i], countries[i], allowed[i] = r.plan, r.country, r.allowed
		}
		if _, err := w.tx.ExecContext(w.ctx, query, q.UnnestArgs(plans, countries, allowed)...); err != nil {
			return err
		}
	}
	return nil
}

// automatic writes marks. A plan's row is there already, new ones without the mark.
func (w *writer) automatic(d Diff) error {
	for _, change := range []struct {
		plans []Plan
		to    bool
	}{{d.AutomaticAdded, true}, {d.AutomaticWithdrawn, false}} {
		if len(change.plans) == 0 {
			continue
		}
		ids := make([]uuid.UUID, len(change.plans))
		for i, p := range change.plans {
			ids[i] = p.ID
		}
		q := w.tx.Dialect()
		if _, err := w.tx.ExecContext(w.ctx, `UPDATE plans SET auto_assigned = $2 WHERE `+q.In("id", 1), q.UUIDArray(ids), change.to); err != nil {
			return err
		}
	}
	return nil
}
