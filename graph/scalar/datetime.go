package scalar

import (
	"io"
	"regexp"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/locale"
)

// MarshalDateTime writes an instant as RFC 3339 in UTC, with as many digits after the point as
// it needs, at most six.
func MarshalDateTime(i clock.Instant) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, `"`+i.String()+`"`)
	})
}

// UnmarshalDateTime takes what [DateTime] takes.
func UnmarshalDateTime(v any) (clock.Instant, error) { return DateTime(v) }

// DateTime is the input coercion of DateTime: a string as RFC 3339 says, with any offset and at
// most microseconds. More digits are refused, because dropping them would change the value.
func DateTime(v any) (clock.Instant, error) {
	want := locale.T("expected DateTime, an RFC 3339 string such as \"2026-11-25T09:30:00Z\"")
	s, ok := v.(string)
	if !ok {
		return 0, locale.T("%s, got %s", want, Describe(v))
	}
	parts := rfc3339.FindStringSubmatch(s)
	t, err := time.Parse(time.RFC3339, s)
	if parts == nil || err != nil {
		return 0, locale.T("%s, got another string", want)
	}
	if len(parts[1]) > len(".123456") {
		return 0, locale.T("%s, with at most six digits after the point, got more", want)
	}
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return 0, locale.T("%s, in the years 0001 to 9999, got another year", want)
	}
	return clock.FromTime(t), nil
}

// rfc3339 is the shape that RFC 3339 asks for; time.Parse also takes a comma for the point, hours
// of one digit and an offset of 24 hours.
var rfc3339 = regexp.MustCompile(
	`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$`)
