package licensing

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// singlesMost bounds what one statement reads.
	singlesMost = 100
	// singlesPatience bounds such a statement. Who asks may give up before.
	singlesPatience = 30 * time.Second
)

// singles reads users who are asked for one at a time, by many requests at once: what is asked
// for while a statement of the tenant is running is read by the next one together. Nobody waits for company,
// and nothing is kept: a statement begins after all that it reads was asked for, so that an
// answer is never older than its question. A statement for eight costs PostgreSQL and the
// driver less than two statements for one (ADR 0019).
type singles struct {
	many func(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) ([]*UserView, error)

	mu      sync.Mutex
	tenants map[uuid.UUID][]*single // who wait; of the tenants for which a statement runs
}

type single struct {
	id   uuid.UUID
	view *UserView
	err  error
	done chan struct{}
}

// read returns a user, nil where the tenant has none with the id.
func (s *singles) read(ctx context.Context, tenant, id uuid.UUID) (*UserView, error) {
	one := &single{id: id, done: make(chan struct{})}
	s.mu.Lock()
	waiting, running := s.tenants[tenant]
	s.tenants[tenant] = append(waiting, one)
	if !running {
		go s.run(context.WithoutCancel(ctx), tenant)
	}
	s.mu.Unlock()
	select {
	case <-one.done:
		return one.view, one.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// run reads until nobody waits.
func (s *singles) run(ctx context.Context, tenant uuid.UUID) {
	for {
		batch := s.take(tenant)
		if len(batch) == 0 {
			return
		}
		s.readBatch(ctx, tenant, batch)
	}
}

// take returns whom to read next; none where nobody waits, and then no statement runs.
func (s *singles) take(tenant uuid.UUID) []*single {
	s.mu.Lock()
	defer s.mu.Unlock()
	batch := s.tenants[tenant]
	if len(batch) == 0 {
		delete(s.tenants, tenant)
		return nil
	}
	n := min(len(batch), singlesMost)
	s.tenants[tenant] = batch[n:]
	return batch[:n:n]
}

// readBatch reads and answers. No request is this goroutine's own, so a panic has nobody above
// it who would make an answer of it.
func (s *singles) readBatch(ctx context.Context, tenant uuid.UUID, batch []*single) {
	ctx, end := context.WithTimeout(ctx, singlesPatience)
	defer end()
	views := make([]*UserView, len(batch))
	err := fmt.Errorf("read users: no answer")
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("read users: panic: %v\n%s", v, debug.Stack())
		}
		for i, one := range batch {
			if err != nil {
				one.err = err
			} else {
				one.view = views[i]
			}
			close(one.done)
		}
	}()
	ids := make([]uuid.UUID, len(batch))
	for i, one := range batch {
		ids[i] = one.id
	}
	views, err = s.many(ctx, tenant, ids)
}
