// Package id turns the UUIDs that Licensegraph stores into the TypeIDs that its clients see
// (user_01jq…, product_…) and back.
//
// Everything below the API carries plain UUIDs; the kind of thing an id names is known from
// its place. Ids are UUIDv7 (RFC 9562); products and plans carry the vendor's own UUIDs.
package id

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.jetify.com/typeid"

	"github.com/licensegraph/licensegraph/internal/locale"
)

// Kind is the prefix of a TypeID: what an id names.
type Kind string

// The kinds of things that have an id of their own.
const (
	Tenant       Kind = "tenant"
	User         Kind = "user"
	Group        Kind = "group"
	Product      Kind = "product"
	Plan         Kind = "plan"
	Assignment   Kind = "assignment"
	Subscription Kind = "subscription"
	Audit        Kind = "audit"
	Token        Kind = "token"
	Operation    Kind = "operation"
)

var kinds = map[Kind]bool{
	Tenant: true, User: true, Group: true, Product: true, Plan: true,
	Assignment: true, Subscription: true, Audit: true, Token: true, Operation: true,
}

// words are what the kinds that ids are refused for are called.
var words = map[Kind]locale.Text{
	Tenant: locale.T("tenant"), User: locale.T("user"), Group: locale.T("group"), Product: locale.T("product"), Plan: locale.T("plan"),
	Assignment: locale.T("assignment"), Subscription: locale.T("subscription"), Audit: locale.T("audit"), Token: locale.T("token"),
	Operation: locale.T("operation"),
}

// In returns the kind as a word of a language.
func (k Kind) In(l locale.Language) string { return words[k].In(l) }

// ErrMalformed is wrapped by every error of Parse and ParseAny.
var ErrMalformed = errors.New("malformed id")

// malformed says what is wrong with an id.
type malformed struct{ reason locale.Text }

func (m *malformed) Error() string { return ErrMalformed.Error() + ": " + m.reason.String() }

func (m *malformed) Unwrap() error { return ErrMalformed }

// Reason is what an error of this package says is wrong with the id.
func Reason(err error) locale.Text {
	if m, ok := errors.AsType[*malformed](err); ok {
		return m.reason
	}
	return locale.T("it cannot be read")
}

// NotPrincipal is the error for an id that names neither a user nor a group where one of them is
// due. It wraps ErrMalformed.
func NotPrincipal(got Kind) error {
	return &malformed{locale.T("this is the id of a %s, but the id of a user or a group is needed here", got)}
}

// Format returns the TypeID of a UUID, for example user_01jqk9v5t8e4ha3m2c6xw0yzpb.
func Format(kind Kind, u uuid.UUID) string {
	t, err := typeid.FromUUIDBytesWithPrefix(string(kind), u[:])
	if err != nil { // only an invalid prefix can do this, and kinds are constants
		return string(kind) + "_" + u.String()
	}
	return t.String()
}

// Parse reads a TypeID of one kind. Where the kind is Product or Plan, the bare vendor UUID
// (hyphenated, any letter case, blanks around it ignored) is accepted too.
//
// Errors wrap ErrMalformed and say what was expected.
func Parse(kind Kind, s string) (uuid.UUID, error) {
	if kind == Product || kind == Plan {
		if t := strings.TrimFunc(s, isBlank); len(t) == 36 {
			if u, err := uuid.Parse(t); err == nil {
				return u, nil
			}
		}
	}
	got, u, err := ParseAny(s)
	if err != nil {
		return uuid.Nil, &malformed{looks(kind)}
	}
	if got != kind {
		return uuid.Nil, &malformed{locale.T("this is the id of a %s, but a %s id is needed here", got, kind)}
	}
	return u, nil
}

// ParseAny reads a TypeID of any known kind.
//
// Errors wrap ErrMalformed.
func ParseAny(s string) (Kind, uuid.UUID, error) {
	t, err := typeid.FromString(s)
	if err != nil || !kinds[Kind(t.Prefix())] {
		return "", uuid.Nil, &malformed{locale.T("ids look like %q", Format(User, example))}
	}
	u, err := uuid.FromBytes(t.UUIDBytes())
	if err != nil {
		return "", uuid.Nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return Kind(t.Prefix()), u, nil
}

// Source makes new ids. Tests inject one that is deterministic.
type Source func() (uuid.UUID, error)

// NewV7 is the Source of production: UUIDv7, ordered by time of creation.
func NewV7() (uuid.UUID, error) { return uuid.NewV7() }

// Seeded makes UUIDv7 (RFC 9562, 5.7) from a clock and random numbers: the same ids from the same
// instants and seed. It is for sample data, and as safe for concurrent use as what it is given.
func Seeded(now func() time.Time, random *rand.Rand) Source {
	return func() (u uuid.UUID, err error) {
		binary.BigEndian.PutUint64(u[:8], uint64(now().UnixMilli())<<16|0x7000|random.Uint64()&0x0fff) //nolint:gosec // after 1970
		binary.BigEndian.PutUint64(u[8:], 1<<63|random.Uint64()>>2)
		return u, nil
	}
}

var example = uuid.MustParse("01960000-0000-7000-8000-000000000001")

// looks tells what an id of a kind looks like.
func looks(kind Kind) locale.Text {
	if kind == Product || kind == Plan {
		return locale.T("a %s id looks like %q or is the vendor's UUID", kind, Format(kind, example))
	}
	return locale.T("a %s id looks like %q", kind, Format(kind, example))
}

// isBlank holds for what imported identifiers are padded with in practice: white space, the
// no-break space and the byte order mark.
func isBlank(r rune) bool {
	switch r {
	case ' ', '\t', '\r', '\n', '\u00a0', '\ufeff', '\u200b':
		return true
	}
	return false
}
