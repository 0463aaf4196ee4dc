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
	// singlesRunning is how many statements that read single users run at once per tenant: one
	// more than one, so that there is always one to be gathered for while another runs.
	singlesRunning = 2
	// singlesMost bounds what one statement reads.
	singlesMost = 100
	// singlesPatience bounds such a statement. Who asks may give up before.
	singlesPatience = 30 * time.Second
)

// singles reads users who are asked for one at a time, by many requests at once: what is asked
// for while statements are running is read by the next one together. Nobody waits for company,
// and nothing is kept: a statement begins after all that it reads was asked for, so that an
// answer is never older than its question. A statement for eight costs PostgreSQL and the
// driver less than two statements for one (ADR 0019).
type singles struct {
	many func(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) ([]*UserView, error)

	mu      sync.Mutex
	tenants map[uuid.UUID]*singlesOf
}

// singlesOf are those of one tenant; they are there while a statement runs.
type singlesOf struct {
	running int
	waiting []*single
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
	of := s.tenants[tenant]
	if of == nil {
		of = &singlesOf{}
		s.tenants[tenant] = of
	}
	of.waiting = append(of.waiting, one)
	if of.running < singlesRunning {
		of.running++
		go s.run(context.WithoutCancel(ctx), tenant, of)
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
func (s *singles) run(ctx context.Context, tenant uuid.UUID, of *singlesOf) {
	for {
		batch := s.take(tenant, of)
		if len(batch) == 0 {
			return
		}
		s.readBatch(ctx, tenant, batch)
	}
}

// take returns whom to read next; none where nobody waits, and then one statement less runs.
func (s *singles) take(tenant uuid.UUID, of *singlesOf) []*single {
	s.mu.Lock()
	defer s.mu.Unlock()
	batch := of.waiting
	switch {
	case len(batch) == 0:
		if of.running--; of.running == 0 {
			delete(s.tenants, tenant)
		}
		return nil
	case len(batch) > singlesMost:
		batch, of.waiting = batch[:singlesMost:singlesMost], batch[singlesMost:]
	default:
		of.waiting = nil
	}
	return batch
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
