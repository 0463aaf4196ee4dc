package cost

import (
	"context"
	"fmt"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"
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
		return refuse(r.Depth, e.limits.Depth, "the query nests %s fields within each other, and the limit is %s")
	case r.Aliases > e.limits.Aliases:
		return refuse(r.Aliases, e.limits.Aliases,
			"the query has %s aliases, and the limit is %s: split it, or ask for a list")
	case r.Cost > e.limits.Cost:
		return refuse(r.Cost, e.limits.Cost,
			"the query costs %s, and the limit is %s: ask for fewer rows, or for fewer lists within lists")
	}
	return nil
}

func refuse(asked, limit int, format string) *gqlerror.Error {
	return &gqlerror.Error{
		Message:    fmt.Sprintf(format, digits(asked), digits(limit)),
		Extensions: map[string]any{"code": Code},
	}
}

// digits writes a number with commas, and the one where counting ends as the bound it is.
func digits(n int) string {
	if n >= Most {
		return "more than a billion"
	}
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// gqlgen keeps the kinds of codes in one table for the process. A transport that asks it must
// hear that the operation did not run.
func init() { errcode.RegisterErrorType(Code, errcode.KindProtocol) }
