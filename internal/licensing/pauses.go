package licensing

import (
	"sync"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
)

// pauses are tenants that something is not tried at again before an instant. The zero value is
// ready.
type pauses struct {
	mu    sync.Mutex
	until map[uuid.UUID]clock.Instant
}

func (p *pauses) set(tenant uuid.UUID, until clock.Instant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until == nil {
		p.until = map[uuid.UUID]clock.Instant{}
	}
	p.until[tenant] = until
}

// after returns the tenants whose pause goes on, and forgets those whose is over.
func (p *pauses) after(now clock.Instant) []uuid.UUID {
	p.mu.Lock()
	defer p.mu.Unlock()
	var tenants []uuid.UUID
	for tenant, until := range p.until {
		if until <= now {
			delete(p.until, tenant)
			continue
		}
		tenants = append(tenants, tenant)
	}
	return tenants
}
