package operation

import (
	"context"

	"github.com/google/uuid"
)

// RunUntended is Run without anybody who looks after operations: tests call Tend themselves.
func (s *Service) RunUntended(ctx context.Context) (wait func()) {
	s.mu.Lock()
	s.running = ctx
	s.mu.Unlock()
	return func() {
		<-ctx.Done()
		s.part()
	}
}

// Holds tells whether an operation is still on the books of the process.
func (s *Service) Holds(key uuid.UUID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[key] != nil
}
