package licensing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
)

// picture is what was answered at an instant.
type picture struct {
	at       clock.Instant
	users    []uuid.UUID
	products []uuid.UUID
	texts    []string // of the users, then of the seats
}

// remember asks for everything as it stands.
func (h *history) remember(t *rapid.T) {
	pic := picture{at: max(h.p.instant(h.now), h.last(t)), users: h.state.LiveUsers()}
	for key := range h.state.Users { // also those who are deleted
		if !slices.Contains(pic.users, key) {
			pic.users = append(pic.users, key)
		}
	}
	for product := range h.state.Products {
		pic.products = append(pic.products, product)
	}
	ctx := t.Context()
	views, err := h.p.service.ReadUsers(ctx, h.p.tenant, pic.users)
	if err != nil {
		t.Fatal(err)
	}
	var errs []*licensing.LicenseError
	for _, v := range views {
		if v != nil {
			errs = append(errs, v.Errors()...)
		}
	}
	if err := h.p.service.FillSeatDetails(ctx, h.p.tenant, errs); err != nil {
		t.Fatal(err)
	}
	seats, err := h.p.service.SubscribedProductsByID(ctx, h.p.tenant, pic.products)
	if err != nil {
		t.Fatal(err)
	}
	pic.texts = painted(views, seats)
	h.pictures = append(h.pictures, pic)
}

// recall asks for some instants of the past, in any order, and holds the answers against those given
// then. Users who have been removed for good since are nobody at any time.
func (h *history) recall(t *rapid.T) {
	for range min(4, len(h.pictures)) {
		pic := rapid.SampledFrom(h.pictures).Draw(t, "instant")
		got, err := h.p.asOf(t.Context(), pic)
		if err != nil {
			t.Fatal(err)
		}
		for i, was := range pic.texts {
			if i < len(pic.users) {
				if _, known := h.state.Users[pic.users[i]]; !known {
					was = nobody
				}
			}
			if got[i] != was {
				t.Fatalf("as of operation %d of %d\n  is  %s\n  was %s", pic.at-h.p.started, h.now, got[i], was)
			}
		}
	}
}

// last is the instant of the last change.
func (h *history) last(t *rapid.T) (at clock.Instant) {
	if err := h.p.db.Reader().QueryRowContext(t.Context(), `SELECT last_instant FROM tenants WHERE id = $1`, h.p.tenant).Scan(&at); err != nil {
		t.Fatal(err)
	}
	return at
}

// note takes down what a change did to users.
func (h *history) note(t *rapid.T, i *licensing.Impact) {
	page, err := i.Changes(t.Context(), 100, "")
	if err != nil {
		t.Fatal(err)
	}
	at := h.last(t)
	for _, c := range page.Items {
		h.changes[c.UserID] = append(h.changes[c.UserID], changeText(at, c))
	}
}

func changeText(at clock.Instant, c *licensing.LicenseChange) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", at, c.Product.ID, c.Kind)
	for _, p := range c.PlansAdded {
		b.WriteString(" +" + p.DisplayName)
	}
	for _, p := range c.PlansRemoved {
		b.WriteString(" -" + p.DisplayName)
	}
	codes := make([]string, len(c.Errors))
	for i, e := range c.Errors {
		codes[i] = string(e.Code)
	}
	slices.Sort(codes)
	return b.String() + " " + strings.Join(codes, ",")
}

// retrace holds timelines against what was noted.
func (h *history) retrace(t *rapid.T) {
	for user := range h.state.Users {
		var told []string
		entries := 0
		cursor, size := "", rapid.IntRange(1, 5).Draw(t, "page")
		for {
			page, err := h.p.service.LicenseTimeline(t.Context(), h.p.tenant, user, size, cursor)
			if err != nil {
				t.Fatal(err)
			}
			entries += len(page.Items)
			var part []string
			for _, e := range page.Items {
				if !slices.ContainsFunc(h.due, func(d [2]clock.Instant) bool { return e.At > d[0] && e.At <= d[1] }) {
					part = append(part, changeText(e.At, &e.LicenseChange))
				}
			}
			if !slices.IsSortedFunc(page.Items, func(a, b *licensing.TimelineEntry) int { return int(b.At - a.At) }) {
				t.Fatalf("the timeline of %s is not in order: %q", user, part)
			}
			told = append(told, part...)
			if !page.HasNext {
				if n, err := page.Count(t.Context()); err != nil || n != entries {
					t.Fatalf("%d entries are counted, %d listed (%v)", n, entries, err)
				}
				break
			}
			cursor = page.Cursors[len(page.Cursors)-1]
		}
		slices.Sort(told)
		want := slices.Sorted(slices.Values(h.changes[user]))
		if !slices.Equal(told, want) {
			t.Fatalf("the timeline of %s\n  is   %q\n  want %q", user, told, want)
		}
	}
}

func (p *product) asOf(ctx context.Context, pic picture) ([]string, error) {
	views, err := p.service.ReadUsersAsOf(ctx, p.tenant, pic.users, pic.at)
	if err != nil {
		return nil, err
	}
	seats, err := p.service.SubscribedProductsAsOf(ctx, p.tenant, pic.products, pic.at)
	if err != nil {
		return nil, err
	}
	return painted(views, seats), nil
}

const nobody = "nobody\n"

// painted tells everything that an answer about users and seats says: each user apart, and the seats.
func painted(views []*licensing.UserView, seats []*licensing.SubscribedProduct) []string {
	var texts []string
	var b strings.Builder
	next := func() {
		texts = append(texts, b.String())
		b.Reset()
	}
	name := func(s *licensing.Source) string {
		if s.Assignment == nil {
			return "automatic"
		}
		return s.Assignment.ID.String()
	}
	names := func(sources []*licensing.Source) (all []string) {
		for _, s := range sources {
			all = append(all, name(s))
		}
		return all
	}
	for _, v := range views {
		if v == nil || v.User.DeletedAt != nil {
			b.WriteString(nobody)
			next()
			continue
		}
		fmt.Fprintf(&b, "%s %s %v\n", v.User.ID, v.User.DisplayName, text(v.User.UsageLocation))
		for _, l := range v.Licenses() {
			fmt.Fprintf(&b, "  %s %s %s %v since %s\n", l.Product.DisplayName, l.Status, l.Capability, l.ConsumesSeat, l.Since)
			for _, s := range l.Sources {
				fmt.Fprintf(&b, "    %s %s version %d %s since %s path", s.Kind, name(s), s.Assignment.Version, s.State, s.Since)
				for _, g := range s.Path {
					fmt.Fprintf(&b, " %s", g.DisplayName)
				}
				for _, e := range s.Errors {
					fmt.Fprintf(&b, "; %s %v since %s: %s", e.Code, e.Plan != nil, e.Since, e.Message())
				}
				fmt.Fprintln(&b)
			}
		}
		for _, p := range v.Plans() {
			fmt.Fprintf(&b, "  %s %v by %v, not by %v, withheld by %v\n", p.Plan.DisplayName, p.Enabled, names(p.EnabledBy), names(p.DisabledBy), names(p.WithheldBy))
		}
		next()
	}
	for _, sp := range seats {
		if sp != nil {
			fmt.Fprintf(&b, "%s %s %+v total %v available %v", sp.Product.DisplayName, sp.Capability, seatsOnly(sp.Seats), number(sp.Seats.Total), number(sp.Seats.Available))
			for _, s := range sp.Subscriptions {
				fmt.Fprintf(&b, ", %s %s", s.Status, number(s.Seats))
			}
			fmt.Fprintln(&b)
		}
	}
	next()
	return texts
}

func seatsOnly(c licensing.SeatCounts) licensing.SeatCounts {
	c.Total, c.Available = nil, nil
	return c
}

func number(n *int) string {
	if n == nil {
		return "unlimited"
	}
	return fmt.Sprint(*n)
}

// What will be is what falls due until then, carried out in its order: the answer is the one that is
// given when the instant has come and nobody changed anything (R16, R29).
func TestWhatWillBeIsWhatFallsDueUntilThenR29(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.terms(func(in *licensing.UpdateTenantInput) { in.Grace, in.Suspension = ptr(3*day), ptr(5*day) })
		start := o.clock.Now().Add(day)
		o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(2), EndsAt: ptr(start.Add(day))})
		o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(1), StartsAt: ptr(start)})
		o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(3), StartsAt: ptr(start.Add(20 * day))})
		o.create(licensing.CreateSubscriptionInput{Product: addon, Seats: ptr(1), StartsAt: ptr(start.Add(2 * day))})
		o.join(all, ann, bob, cid, dot)
		o.assign(group(all), give(base), nil, "")
		dated := give(addon)
		dated[0].StartsAt, dated[0].EndsAt = optional.Of(start.Add(2*day)), optional.Of(start.Add(20*day))
		o.assign(group(all), dated, nil, "") // at the same instant as its subscription, and after it
		o.do(func(d *licensing.Draft) error { d.RemoveMember(all, dot); d.AddMember(sales, dot); return nil })

		instants := []clock.Instant{start.Add(-time.Hour), start, start.Add(day), start.Add(2 * day), start.Add(4 * day), start.Add(9 * day), start.Add(20 * day), start.Add(40 * day)}
		foreseen := make([][]string, len(instants))
		for i, at := range instants {
			o.unchanged(func() { foreseen[i] = o.pictureOf(at) })
		}
		for i, at := range instants {
			o.until(at)
			o.due()
			var last clock.Instant // of several changes at the instant, the later ones come just after it
			if err := o.db.Reader().QueryRowContext(t.Context(), `SELECT last_instant FROM tenants WHERE id = $1`, o.tenant).Scan(&last); err != nil {
				t.Fatal(err)
			}
			if got := o.pictureOf(max(at, last)); !slices.Equal(got, foreseen[i]) {
				t.Errorf("at %s\n  is       %q\n  foreseen %q", at, got, foreseen[i])
			}
		}
		if slices.Equal(foreseen[0], foreseen[1]) || slices.Equal(foreseen[4], foreseen[6]) {
			t.Error("nothing was to come")
		}
	})
}

// The catalogue is one and the same for everybody at any instant: a change is later than the import
// before it, also by a server whose clock is behind the importer's, and of a tenant that the import did not concern.
func TestChangesAreLaterThanTheImportBeforeThemR29(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.clock.Advance(time.Hour)
		o.catalogue(nil)
		var imported, last clock.Instant
		if err := db.Reader().QueryRowContext(t.Context(), `SELECT changed_at FROM catalog`).Scan(&imported); err != nil {
			t.Fatal(err)
		}
		o.clock.Advance(-time.Hour)
		o.join(all, ann)
		if err := db.Reader().QueryRowContext(t.Context(), `SELECT last_instant FROM tenants WHERE id = $1`, o.tenant).Scan(&last); err != nil {
			t.Fatal(err)
		}
		if last <= imported {
			t.Errorf("the change is of %s, the import before it of %s", last, imported)
		}
	})
}
