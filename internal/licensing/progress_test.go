package licensing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

func TestAChangeTellsItsPhases(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 1)
		o.buy(suite, 5)
		o.join(all, ann, bob, cid)
		told := func(change func(ctx context.Context)) (phases []string) {
			change(licensing.WithProgress(o.Context(), func(p licensing.Progress) {
				phases = append(phases, fmt.Sprintf("%s %d/%d", p.Phase, p.Done, p.Total))
			}))
			return phases
		}
		assign := func(in licensing.AssignInput) func(ctx context.Context) {
			return func(ctx context.Context) {
				in.Principals = []licensing.PrincipalRef{group(all)}
				if _, err := o.service.Assign(ctx, o.tenant, in); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, c := range []struct {
			name   string
			change func(ctx context.Context)
			want   []string
		}{
			{"tried out", assign(licensing.AssignInput{Add: give(base), DryRun: true}), []string{"WAITING 0/0", "READING 0/0", "JUDGING 0/0"}},
			{"by counting", assign(licensing.AssignInput{Add: give(base)}), []string{"WAITING 0/0", "READING 0/0", "JUDGING 0/0", "STORING 0/0"}},
			{"by cases", assign(licensing.AssignInput{Add: give(suite)}), []string{"WAITING 0/0", "READING 0/0", "READING 0/3", "JUDGING 0/0", "STORING 0/0"}},
			{"nothing", assign(licensing.AssignInput{Add: give(suite)}), []string{"WAITING 0/0", "READING 0/0"}},
		} {
			if got := told(c.change); !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	})
}

// TestARecordIsPartOfItsChange writes something beside a change, and has it fail.
func TestARecordIsPartOfItsChange(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 5)
		o.join(all, ann)
		name := func() string { return o.query(`SELECT name FROM tenants WHERE id = $1`, o.tenant)[0] }
		before, failure := name(), errors.New("the record fails")
		for _, c := range []struct {
			in       licensing.AssignInput
			fails    error
			recorded bool
		}{
			{licensing.AssignInput{Add: give(base), DryRun: true}, nil, false},
			{licensing.AssignInput{Add: give(base)}, failure, false},
			{licensing.AssignInput{Add: give(base)}, nil, true},
			{licensing.AssignInput{Add: give(base)}, nil, false}, // nothing is changed
		} {
			calls := 0
			ctx := licensing.WithRecord(o.Context(), func(ctx context.Context, tx *database.Tx, out *licensing.Outcome) error {
				calls++
				results, _ := out.Detail.([]*licensing.PrincipalResult)
				if out.Impact.UsersGaining != 1 || len(results) != 1 || len(results[0].Assignments) != 1 {
					t.Errorf("recorded of %+v, %v", out, results)
				}
				var written int // by the change, before it is recorded
				if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM audit_events WHERE id = $1`, out.EventID).Scan(&written); written != 1 || err != nil {
					t.Errorf("%d events, %v", written, err)
				}
				if _, err := tx.ExecContext(ctx, `UPDATE tenants SET name = 'recorded' WHERE id = $1`, o.tenant); err != nil {
					return err
				}
				return c.fails
			})
			c.in.Principals = []licensing.PrincipalRef{group(all)}
			if _, err := o.service.Assign(ctx, o.tenant, c.in); !errors.Is(err, c.fails) {
				t.Errorf("it ended with %v", err)
			}
			if want := map[bool]int{true: 1}[c.recorded || c.fails != nil]; calls != want {
				t.Errorf("recorded %d times, want %d", calls, want)
			}
			if c.recorded {
				before = "recorded"
			}
			if name() != before {
				t.Errorf("the record is %q, want %q", name(), before)
			}
			if c.fails != nil {
				o.holds(ann)
			}
		}
		o.holds(ann, base)
	})
}
