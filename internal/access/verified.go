package access

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/licensegraph/licensegraph/internal/clock"
)

// Freshness is how long a token that was found valid is taken to be so without asking the
// database again: the longest time by which a revocation can come late on any server. A token
// that expires does so on the instant all the same.
const Freshness = time.Second

// maxVerified bounds the tokens remembered, about 300 bytes each.
const maxVerified = 10_000

// verified remembers tokens that were found valid a moment ago, by their SHA-256, so that an
// application that asks a thousand times a second costs one look-up of its token a second.
type verified struct {
	mu sync.Mutex
	by map[[sha256.Size]byte]found
}

type found struct {
	access *Access
	at     clock.Instant
}

// get returns what a token gives, or nil where that has to be looked up.
func (v *verified) get(sum [sha256.Size]byte, now clock.Instant) *Access {
	v.mu.Lock()
	f, ok := v.by[sum]
	v.mu.Unlock()
	// A clock that was set back must not keep a token alive.
	if !ok || now < f.at || now >= f.at.Add(Freshness) || f.access.expired(now) {
		return nil
	}
	return f.access
}

// put remembers what a token was found to give, as of an instant before it was looked up.
func (v *verified) put(sum [sha256.Size]byte, a *Access, at clock.Instant) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.by == nil || len(v.by) >= maxVerified {
		v.by = map[[sha256.Size]byte]found{}
	}
	v.by[sum] = found{a, at}
}

// drop forgets a token that was found invalid.
func (v *verified) drop(sum [sha256.Size]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.by, sum)
}

func (a *Access) expired(now clock.Instant) bool { return a.ExpiresAt != nil && *a.ExpiresAt <= now }
