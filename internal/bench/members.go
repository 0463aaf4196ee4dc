package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
)

// members adds newcomers to the largest group, one by one.
func (r *run) members(ctx context.Context) (err error) {
	out := &Write{Name: writeMember, Floor: string(floorInsertOne), FloorRows: 1}
	newcomers := make([]int, r.tenant.newcomers)
	for i := range newcomers {
		newcomers[i] = r.tenant.Users - len(newcomers) + i
	}
	floor, err := serve(ctx, r.insertsMembers())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, floor.stop()) }()
	cleared := removeMembers(newcomers) // of a run that was cut off
	if err := r.ask(ctx, cleared.query, cleared.variables, nil); err != nil {
		return fmt.Errorf("put back: %w", err)
	}
	for n := range r.Rounds {
		r.Progress.say("write "+writeMember, n, r.Rounds)
		before, err := r.insertOneByOne(ctx, floor, newcomers)
		if err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		round, err := r.addOneByOne(ctx, newcomers)
		if err != nil {
			return err
		}
		if err := r.mutate(ctx, removeMembers(newcomers)); err != nil {
			return fmt.Errorf("put back: %w", err)
		}
		after, err := r.insertOneByOne(ctx, floor, newcomers)
		if err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		round.FloorBefore, round.FloorAfter = micros(before), micros(after)
		out.Rounds = append(out.Rounds, round)
	}
	r.report.Writes = append(r.report.Writes, out.summary())
	return nil
}

// addOneByOne adds users to the largest group over one connection.
func (r *run) addOneByOne(ctx context.Context, users []int) (round WriteRound, err error) {
	q, err := r.question(addMember(users[0]).query)
	if err != nil {
		return round, err
	}
	heap := watchHeap()
	statements, before := r.Statements(), allocated()
	took, err := oneByOne(ctx, r.shipped.address, &q, users, func(u int) (any, func([]byte) error) {
		m := addMember(u)
		return m.variables, m.changed
	})
	after, each := allocated(), float64(len(users))
	round.HeapGrowth = float64(heap.stop())
	if err != nil {
		return round, err
	}
	p50, p99 := quantiles(took)
	round.Micros, round.P99Micros = micros(p50), micros(p99)
	round.Statements = float64(r.Statements()-statements) / each
	round.Allocations, round.AllocatedBytes = float64(after.Mallocs-before.Mallocs)/each, float64(after.TotalAlloc-before.TotalAlloc)/each
	return round, nil
}

// insertOneByOne is the floor of adding a member: the row alone, over the same path, which is HTTP
// and a transaction of the connections that the server writes on.
func (r *run) insertOneByOne(ctx context.Context, floor *served, users []int) (time.Duration, error) {
	q := question{Head: "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n", Before: `{"variables":`}
	took, err := oneByOne(ctx, floor.address, &q, users, func(u int) (any, func([]byte) error) {
		return insertion{key(userID, u)}, func([]byte) error { return nil }
	})
	if err != nil {
		return 0, err
	}
	p50, _ := quantiles(took)
	return p50, r.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM memberships WHERE tenant_id = $1 AND group_id = $2 AND user_id >= $3`,
			r.tenant.ID, key(groupID, groupAll), key(userID, users[0]))
		return err
	})
}

type insertion struct {
	User uuid.UUID `json:"user"`
}

// insertsMembers is a handler that does nothing but insert a membership.
func (r *run) insertsMembers() http.HandlerFunc {
	return func(w http.ResponseWriter, request *http.Request) {
		var in struct{ Variables insertion }
		err := json.NewDecoder(request.Body).Decode(&in)
		if err == nil {
			err = r.DB.Write(request.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.ExecContext(ctx, `INSERT INTO memberships (tenant_id, group_id, user_id, created_at) VALUES ($1, $2, $3, $4)`,
					r.tenant.ID, key(groupID, groupAll), in.Variables.User, since(0))
				return err
			})
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte("{}"))
	}
}

// oneByOne asks about users over one connection, and tells how long each answer took.
func oneByOne(ctx context.Context, address string, q *question, users []int, of func(user int) (variables any, check func([]byte) error)) ([]time.Duration, error) {
	c, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.close() }()
	defer context.AfterFunc(ctx, func() { _ = c.close() })()
	took := make([]time.Duration, 0, len(users))
	for _, u := range users {
		variables, check := of(u)
		text, err := json.Marshal(variables)
		if err != nil {
			return nil, err
		}
		start := now()
		body, err := c.ask(q, string(text))
		if err != nil {
			return nil, errors.Join(ctx.Err(), err)
		}
		took = append(took, now().Sub(start))
		if err := check(body); err != nil {
			return nil, err
		}
	}
	return took, nil
}
