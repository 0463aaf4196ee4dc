package cost

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"golang.org/x/text/message"

	"github.com/licensegraph/licensegraph/internal/locale"
)

// Code is the extension code of a refusal.
const Code = "COST_EXCEEDED"

// Limits are the most that one operation may ask for. Zero means the default.
type Limits struct {
	Cost    int // default 50,000: a page of 100 users with licenses, plans and sources has room
	Depth   int // default 20: introspection as the playground sends it needs 15
	Aliases int // default 100
}

// Extension refuses operations beyond the limits, before they run. It stands after the coercion
// of values, which it relies on.
type Extension struct{ limits Limits }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = (*Extension)(nil)

// New returns an extension with limits.
func New(l Limits) *Extension {
	for _, field := range []struct {
		limit *int
		usual int
	}{{&l.Cost, 50_000}, {&l.Depth, 20}, {&l.Aliases, 100}} {
		if *field.limit == 0 {
			*field.limit = field.usual
		}
	}
	return &Extension{limits: l}
}

// ExtensionName names the extension in gqlgen's own messages.
func (e *Extension) ExtensionName() string { return "Cost" }

// Validate fails when a list of the schema has no declared size, or a declaration no field.
func (e *Extension) Validate(schema graphql.ExecutableSchema) error { return covered(schema.Schema()) }

// MutateOperationContext refuses an operation beyond a limit.
func (e *Extension) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	r := Of(op.Operation, op.Variables)
	switch {
	case r.Depth > e.limits.Depth:
		return refuse("the query nests %s fields within each other, and the limit is %s", digits(r.Depth), digits(e.limits.Depth))
	case r.Aliases > e.limits.Aliases:
		return refuse("the query has %s aliases, and the limit is %s: split it, or ask for a list", digits(r.Aliases), digits(e.limits.Aliases))
	case r.Cost > e.limits.Cost:
		return refuse("the query costs %s, and the limit is %s: ask for fewer rows, or for fewer lists within lists", digits(r.Cost), digits(e.limits.Cost))
	}
	return nil
}

func refuse(format string, args ...any) *gqlerror.Error {
	text := locale.T(format, args...)
	return &gqlerror.Error{
		Err:        text, // the server words it anew in the request's language
		Message:    text.String(),
		Extensions: map[string]any{"code": Code},
	}
}

// digits is a number as a message shows it: with groups of three, and where counting ends as the
// bound that it is.
type digits int

// In writes the number as the language does.
func (n digits) In(l locale.Language) string {
	if n >= Most {
		return locale.T("more than a billion").In(l)
	}
	return message.NewPrinter(l.Tag()).Sprint(int(n))
}

// String writes the number as English does.
func (n digits) String() string { return n.In(locale.English) }

// gqlgen keeps the kinds of codes in one table for the process. A transport that asks it must
// hear that the operation did not run.
func init() { errcode.RegisterErrorType(Code, errcode.KindProtocol) }
