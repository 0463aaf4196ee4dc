// Package clock holds the one representation of time that Licensegraph stores and compares,
// and the one place that reads the wall clock.
package clock

import (
	"sync"
	"time"
)

// Instant is a point in time: microseconds since 1970-01-01T00:00:00Z. It is stored as a
// 64-bit integer in both databases, so that order, equality and precision never depend on a
// dialect. The zero Instant means "not set".
type Instant int64

// FromTime truncates a time to microseconds.
func FromTime(t time.Time) Instant { return Instant(t.UnixMicro()) }

// Time returns the instant in UTC.
func (i Instant) Time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// String is RFC 3339 in UTC with as many fractional digits as needed, at most six.
func (i Instant) String() string { return i.Time().Format(layout) }

// AppendTo appends what String returns.
func (i Instant) AppendTo(b []byte) []byte { return i.Time().AppendFormat(b, layout) }

const layout = "2006-01-02T15:04:05.999999Z07:00"

// Add returns the instant later by d, truncated to microseconds.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d.Microseconds()) }

// Clock tells the time.
type Clock interface{ Now() Instant }

// Wall is the machine's clock.
type Wall struct{}

// Now returns the present instant.
func (Wall) Now() Instant { return FromTime(time.Now()) }

// Manual is a clock for tests and for sample data: it stands still until moved.
type Manual struct {
	mu  sync.Mutex
	now Instant
}

// Time returns the instant that the clock stands at, as NewManual takes it.
func (m *Manual) Time() time.Time { return m.Now().Time() }

// NewManual returns a clock that stands at the given time.
func NewManual(t time.Time) *Manual { return &Manual{now: FromTime(t)} }

// Now returns the instant the clock stands at.
func (m *Manual) Now() Instant {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Advance moves the clock on by d.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}
