package bench

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
)

// begin is when everything of the tenant begins.
var begin = time.Date(2026, time.January, 12, 8, 0, 0, 0, time.UTC)

// kinds of what has an id in the layout.
type idKind uint16

const (
	userID idKind = iota
	groupID
	productID
	planID
	loadGroupID // of the tenant whose graph is loaded
)

// key is the id of the n-th of a kind: a UUIDv7 (RFC 9562, 5.7) of the instant begin, with n in its
// last 48 bits, so that tools outside can make it from n.
func key(k idKind, n int) (u uuid.UUID) {
	binary.BigEndian.PutUint64(u[:8], uint64(begin.UnixMilli())<<16|0x7000|uint64(k)) //nolint:gosec // after 1970
	binary.BigEndian.PutUint64(u[8:], 1<<63|uint64(n))                                //nolint:gosec // n is a count
	return u
}

// Groups with a part of their own. The others are plain ones.
const (
	groupAll      = iota // everybody but newcomers
	groupNestable        // to be nested in groupParent
	groupParent          // holds products
	groupConflict        // holds what excludes the product that many groups share
	firstPlain
)

const (
	maxGroups      = 5_000
	minGroups      = 80
	usersPerGroup  = 20  // where there are fewer than maxGroups
	membershipsPer = 7.7 // of a user, groupAll included
	maxLevels      = 4   // of groups within each other
	sharedGroups   = 32  // that hold the shared product
	maxBulk        = 10_000
)

// layout is what a tenant of a size consists of. It depends on users and seed alone.
type layout struct {
	Users int
	Seed  uint64

	newcomers int // the last ones, who are in no groupAll
	bulk      int // users of a bulk assignment, and members of groupNestable
	sizes     []int
	parents   [][]int // of each group
	strides   []int
	starts    []int
}

func newLayout(users int, seed uint64) *layout {
	l := &layout{Users: users, Seed: seed, newcomers: min(200, users/50), bulk: min(maxBulk, users/10)}
	groups := min(maxGroups, max(minGroups, users/usersPerGroup))
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // sample data, not secrets
	l.sizes, l.parents = make([]int, groups), make([][]int, groups)
	l.strides, l.starts = make([]int, groups), make([]int, groups)
	l.size()
	l.nest(random)
	for g := range groups {
		l.strides[g], l.starts[g] = stride(users, random), random.IntN(users)
	}
	l.strides[groupAll], l.starts[groupAll] = 1, 0
	return l
}

// size gives groups sizes that fall with a power of their rank.
func (l *layout) size() {
	l.sizes[groupAll] = l.Users - l.newcomers
	l.sizes[groupNestable], l.sizes[groupParent], l.sizes[groupConflict] = l.bulk, l.Users/50, max(1, l.Users/200)
	const exponent = 0.8
	weights := 0.0
	for g := firstPlain; g < len(l.sizes); g++ {
		weights += math.Pow(float64(g-firstPlain+1), -exponent)
	}
	wanted := (membershipsPer-1)*float64(l.Users) - float64(l.bulk+l.sizes[groupParent]+l.sizes[groupConflict])
	for g := firstPlain; g < len(l.sizes); g++ {
		size := int(wanted / weights * math.Pow(float64(g-firstPlain+1), -exponent))
		l.sizes[g] = min(max(size, 1), l.Users*3/10)
	}
}

// nest puts more than half of the plain groups below earlier ones, and some below two.
func (l *layout) nest(random *rand.Rand) {
	const roots = 20
	level := make([]int, len(l.sizes))
	for g := firstPlain; g < len(l.sizes); g++ {
		level[g] = 1
		if g < firstPlain+roots || random.Float64() < 0.45 {
			continue
		}
		above := func() int { return firstPlain + random.IntN(g-firstPlain) }
		p := above()
		if level[p] == maxLevels {
			continue
		}
		level[g] = level[p] + 1
		l.parents[g] = []int{p}
		if q := above(); random.Float64() < 0.03 && q != p && level[q] < level[g] {
			l.parents[g] = append(l.parents[g], q)
		}
	}
}

// stride is a step that visits all users once.
func stride(users int, random *rand.Rand) int {
	for {
		if s := 1 + random.IntN(users-1); gcd(s, users) == 1 {
			return s
		}
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// member is the k-th member of a group.
func (l *layout) member(group, k int) int { return (l.starts[group] + k*l.strides[group]) % l.Users }

// waiting is how many users the scarce product lacks seats for.
func (l *layout) waiting() int { return l.sizes[groupAll] / 5 }

// countries are those of the users; the empty one stands for users without a location, who are
// taken to be in the tenant's country.
var countries = []string{"NL", "DE", "FR", "GB", "US", "", "PL", "SE", "ES", "NL"}

const (
	tenantCountry = "NL"
	rareCountry   = "IS" // where the shared product has a plan that may not be used
	rareEvery     = 400
	directEvery   = 20 // users have a direct assignment
)

// country is where a user is.
func country(user int) string {
	if user%rareEvery == rareEvery-1 {
		return rareCountry
	}
	return countries[user%len(countries)]
}

// located lists users with a location of their own, from one on, every so many.
func (l *layout) located(from, every, most int) (users []int) {
	for u := from; u < l.Users && len(users) < most; u += every {
		if country(u) != "" {
			users = append(users, u)
		}
	}
	return users
}

// name is the name of the tenant, by which it is found again.
func (l *layout) name() string { return fmt.Sprintf("Benchmark of %d users, seed %d", l.Users, l.Seed) }

func (l *layout) loadName() string { return l.name() + ", graph" }

// since is when the k-th thing began.
func since(k int) clock.Instant { return clock.FromTime(begin) + clock.Instant(k) }
