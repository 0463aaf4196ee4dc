package compiled

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"github.com/licensegraph/licensegraph/internal/clock"
)

// Run is a query being run. One goroutine uses it.
type Run struct {
	op    *graphql.OperationContext
	out   []byte
	calls map[*Field]*call
}

// call is a field's arguments, the same for each object of a list.
type call struct {
	ctx  context.Context
	args map[string]any
}

// run answers the query. Fields of the root are read at the same time, as they do not wait for
// one another otherwise either.
func (s *Selection) run(ctx context.Context, op *graphql.OperationContext) ([]byte, error) {
	// What reports an error beside its value reports it here, and not yet to the client.
	ctx = graphql.WithResponseContext(ctx, graphql.DefaultErrorPresenter, graphql.DefaultRecover)
	parts, err := s.parts(ctx, op)
	if err != nil {
		return nil, err
	}
	if len(graphql.GetErrors(ctx)) > 0 {
		return nil, errReported
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	size := 2
	for _, part := range parts {
		size += len(part) + 1
	}
	out := append(make([]byte, 0, size), '{')
	for i, part := range parts {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, part...)
	}
	return append(out, '}'), nil
}

// parts answers the fields of the root; a single one as the whole object.
func (s *Selection) parts(ctx context.Context, op *graphql.OperationContext) ([][]byte, error) {
	if len(s.fields) <= 1 {
		r := &Run{op: op, out: make([]byte, 0, 1024)}
		err := safely(func() error { return r.Object(ctx, s, nil) })
		return [][]byte{r.out}, err
	}
	parts, errs := make([][]byte, len(s.fields)), make([]error, len(s.fields))
	var all sync.WaitGroup
	for i, f := range s.fields {
		all.Go(func() {
			r := &Run{op: op, out: append(make([]byte, 0, 1024), f.key...)}
			errs[i] = safely(func() error { return f.resolve(ctx, r, f, nil) })
			parts[i] = r.out
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// safely makes an error of a panic; gqlgen, which then runs the query, meets it again and
// reports it.
func safely(run func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("compiled: panic: %v", v)
		}
	}()
	return run()
}

// Call returns the arguments of a field, with a context in which its resolver finds it.
func (r *Run) Call(ctx context.Context, f *Field, read func(context.Context, map[string]any) (map[string]any, error)) (context.Context, map[string]any, error) {
	if c := r.calls[f]; c != nil {
		return c.ctx, c.args, nil
	}
	args, err := read(ctx, f.ArgumentMap(r.op.Variables))
	if err != nil {
		return ctx, nil, err
	}
	c := &call{args: args, ctx: graphql.WithFieldContext(ctx, &graphql.FieldContext{
		Object: f.object, Field: f.CollectedField, Args: args, IsMethod: true, IsResolver: true,
	})}
	if r.calls == nil {
		r.calls = map[*Field]*call{}
	}
	r.calls[f] = c
	return c.ctx, c.args, nil
}

// Object writes an object, which is not nil.
func (r *Run) Object(ctx context.Context, s *Selection, object any) error {
	r.out = append(r.out, '{')
	for i, f := range s.fields {
		if i > 0 {
			r.out = append(r.out, ',')
		}
		r.out = append(r.out, f.key...)
		if err := f.resolve(ctx, r, f, object); err != nil {
			return err
		}
	}
	r.out = append(r.out, '}')
	return nil
}

// Of is what is asked of a field's value.
func (f *Field) Of() *Selection { return f.of }

// On is what is asked of a field's value when it is of a type.
func (f *Field) On(object string) *Selection { return f.on[object] }

// Null writes null, for a value that may be.
func (r *Run) Null() { r.out = append(r.out, "null"...) }

// Missing is the error of a null where there must be a value.
func (r *Run) Missing() error { return errNull }

// Unexpected is the error of a value whose type the schema does not know.
func (r *Run) Unexpected() error { return errUnexpected }

// Open begins a list, Next comes before each of its elements, and Close ends it.
func (r *Run) Open() { r.out = append(r.out, '[') }

// Next comes before the element with an index.
func (r *Run) Next(i int) {
	if i > 0 {
		r.out = append(r.out, ',')
	}
}

// Close ends a list.
func (r *Run) Close() { r.out = append(r.out, ']') }

// Text writes a text.
func (r *Run) Text(s string) { r.out = text(r.out, s) }

// Bool writes true or false.
func (r *Run) Bool(b bool) { r.out = strconv.AppendBool(r.out, b) }

// Int writes a whole number of 32 bits.
func (r *Run) Int(i int64) error {
	if i < math.MinInt32 || i > math.MaxInt32 {
		return errRange
	}
	r.out = strconv.AppendInt(r.out, i, 10)
	return nil
}

// Instant writes an instant as RFC 3339 says.
func (r *Run) Instant(i clock.Instant) {
	r.out = append(r.out, '"')
	r.out = i.AppendTo(r.out)
	r.out = append(r.out, '"')
}

// Marshal writes what gqlgen would.
func (r *Run) Marshal(m graphql.Marshaler, nullable bool) error {
	if m == graphql.Null && !nullable {
		return errNull
	}
	m.MarshalGQL(r)
	return nil
}

// Write appends what a Marshaler writes.
func (r *Run) Write(b []byte) (int, error) {
	r.out = append(r.out, b...)
	return len(b), nil
}

// WriteString appends what a Marshaler writes.
func (r *Run) WriteString(s string) (int, error) {
	r.out = append(r.out, s...)
	return len(s), nil
}

func typename(_ context.Context, r *Run, f *Field, _ any) error {
	r.Text(f.object)
	return nil
}
