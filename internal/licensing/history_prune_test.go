package licensing_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// pictureOf is everything about the office's users and products as of an instant.
func (o *office) pictureOf(at clock.Instant) []string {
	o.Helper()
	texts, err := o.asOf(o.Context(), picture{at: at, users: []uuid.UUID{ann, bob, cid, dot}, products: []uuid.UUID{base, suite, addon}})
	if err != nil {
		o.Fatal(err)
	}
	return texts
}

// history counts the former rows of all kinds.
func (o *office) history() (n int) {
	o.Helper()
	for _, of := range append(database.Histories(), "former_catalogs") {
		table := database.HistoryOf(of)
		if of == "former_catalogs" {
			table = of
		}
		var rows int
		if err := o.db.Reader().QueryRowContext(o.Context(), "SELECT count(*) FROM "+table).Scan(&rows); err != nil {
			o.Fatal(err)
		}
		n += rows
	}
	return n
}

// What is older than the retention is removed, a day late at most; what is not answers as before,
// and an instant of which nothing is known any more is refused rather than answered wrongly.
func TestPruningNeverChangesAnAnswerInsideTheRetention(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 1)
		o.assign(group(all), give(base), nil, "")
		var instants []clock.Instant
		for range 3 { // each day everything changes
			for _, change := range []func(){
				func() { o.join(all, ann, bob) },
				func() { o.resize(sub, 2) },
				func() { o.assign(user(cid), give(base), nil, fault.CountViolation) },
				func() { o.assign(user(cid), give(addon), nil, fault.NoSubscription) },
				func() {
					o.do(func(d *licensing.Draft) error { d.RemoveMember(all, ann); d.RemoveMember(all, bob); return nil })
				},
				func() { o.resize(sub, 1) },
				func() { o.moveTo(dot, ptr("DE")) },
				func() { o.moveTo(dot, ptr("NL")) },
			} {
				change()
				instants = append(instants, o.clock.Now())
			}
			o.clock.Advance(day)
		}
		want := map[clock.Instant][]string{}
		for _, at := range instants {
			want[at] = o.pictureOf(at)
		}
		o.applied(0) // without a retention nothing is
		before := o.history()

		o.terms(func(in *licensing.UpdateTenantInput) { in.HistoryRetention = ptr(36 * time.Hour) })
		o.applied(1)
		horizon := o.clock.Now().Add(-36 * time.Hour)
		kept := 0
		for _, at := range instants {
			if at >= horizon {
				kept++
				if got := o.pictureOf(at); !slices.Equal(got, want[at]) {
					t.Errorf("as of %s\n  is  %q\n  was %q", at, got, want[at])
				}
				continue
			}
			_, err := o.service.ReadUsersAsOf(t.Context(), o.tenant, []uuid.UUID{ann}, at)
			o.refused(err, fault.BadUserInput)
		}
		if after := o.history(); kept == 0 || kept == len(instants) || after >= before || after == 0 {
			t.Errorf("%d of %d instants are kept; %d former rows are left of %d", kept, len(instants), after, before)
		}
		var older int
		for _, of := range database.Histories() {
			var n int
			if err := db.Reader().QueryRowContext(t.Context(), "SELECT count(*) FROM "+database.HistoryOf(of)+" WHERE until <= $1", int64(horizon)).Scan(&n); err != nil {
				t.Fatal(err)
			}
			older += n
		}
		if older > 0 {
			t.Errorf("%d former rows are left that say nothing any more", older)
		}
		if page, err := o.service.LicenseTimeline(t.Context(), o.tenant, ann, 100, ""); err != nil || slices.ContainsFunc(page.Items, func(e *licensing.TimelineEntry) bool { return e.At < horizon }) {
			t.Errorf("the timeline goes back beyond the history: %+v, %v", page.Items, err)
		}

		o.clock.Advance(23 * time.Hour) // not each second anew
		o.applied(0)
		o.clock.Advance(2 * time.Hour)
		o.applied(1)
	})
}
