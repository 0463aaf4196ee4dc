package licensing

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/principal"
)

func userOf(id uuid.UUID) *UserView { return &UserView{User: principal.User{ID: id}} }

func newSingles(many func(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) ([]*UserView, error)) *singles {
	return &singles{many: many, tenants: map[uuid.UUID][]*single{}}
}

func TestUsersAskedForWhileStatementsRunAreReadTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 250
		var batches []int
		var mu sync.Mutex
		s := newSingles(func(_ context.Context, _ uuid.UUID, ids []uuid.UUID) ([]*UserView, error) {
			mu.Lock()
			batches = append(batches, len(ids))
			mu.Unlock()
			time.Sleep(time.Millisecond)
			views := make([]*UserView, len(ids))
			for i, id := range ids {
				views[i] = userOf(id)
			}
			return views, nil
		})
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				id := uuid.New()
				if v, err := s.read(t.Context(), uuid.Nil, id); err != nil || v.User.ID != id {
					t.Errorf("asked for %s, got %v, %v", id, v, err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		read := 0
		for _, n := range batches {
			read += n
		}
		if read != callers || len(batches) != 4 || batches[0] != 1 {
			t.Errorf("batches of %v, want one of one and three for the others", batches)
		}
		synctest.Wait()
		if len(s.tenants) != 0 {
			t.Errorf("%d tenants are kept", len(s.tenants))
		}
	})
}

func TestTenantsDoNotShareStatements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := 0, 0
		enter := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			running += n
			most = max(most, running)
		}
		s := newSingles(func(_ context.Context, tenant uuid.UUID, ids []uuid.UUID) ([]*UserView, error) {
			enter(1)
			defer enter(-1)
			time.Sleep(time.Millisecond)
			views := make([]*UserView, len(ids))
			for i := range ids {
				views[i] = userOf(tenant)
			}
			return views, nil
		})
		var all sync.WaitGroup
		for range 20 {
			for _, tenant := range []uuid.UUID{{1}, {2}} {
				all.Go(func() {
					if v, err := s.read(t.Context(), tenant, uuid.New()); err != nil || v.User.ID != tenant {
						t.Errorf("tenant %s got %v, %v", tenant, v, err)
					}
				})
				synctest.Wait() // so that the statement for the first does not take the second along
			}
		}
		all.Wait()
		if most != 2 {
			t.Errorf("%d statements ran at once, want one for each tenant", most)
		}
	})
}

// Who gives up leaves the others' statement alone, and a failure is told to everybody it befell.
func TestWhoGivesUpDoesNotSpoilTheOthersReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		s := newSingles(func(ctx context.Context, _ uuid.UUID, ids []uuid.UUID) ([]*UserView, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(10 * time.Millisecond):
			}
			switch ids[0][0] {
			case 1:
				return nil, broken
			case 2:
				panic("a bug")
			}
			return []*UserView{nil}, nil
		})
		impatient, end := context.WithTimeout(t.Context(), time.Millisecond)
		defer end()
		if _, err := s.read(impatient, uuid.Nil, uuid.UUID{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("gave up with %v", err)
		}
		if v, err := s.read(t.Context(), uuid.Nil, uuid.UUID{}); v != nil || err != nil {
			t.Errorf("nobody is %v, %v", v, err)
		}
		if _, err := s.read(t.Context(), uuid.Nil, uuid.UUID{1}); !errors.Is(err, broken) {
			t.Errorf("failed with %v", err)
		}
		if _, err := s.read(t.Context(), uuid.Nil, uuid.UUID{2}); err == nil || !strings.Contains(err.Error(), "a bug") {
			t.Errorf("panicked with %v", err)
		}
		if v, err := s.read(t.Context(), uuid.Nil, uuid.UUID{}); v != nil || err != nil {
			t.Errorf("after the panic: %v, %v", v, err)
		}
	})
}
