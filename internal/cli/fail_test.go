package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/licensegraph/licensegraph/internal/fault"
)

func TestErrorsAreOneLineWithWhatToDo(t *testing.T) {
	refusal := fault.New(fault.InvalidValue, "The name is long.").Fix("Shorten it.")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"plain":                         {errors.New("no such file"), "no such file"},
		"several lines":                 {errors.New("a\nb\r\nc"), "a; b; c"},
		"a fault with its remedy":       {refusal, "The name is long. Shorten it."},
		"a fault within another error":  {fmt.Errorf("create: %w", refusal), "create: The name is long. Shorten it."},
		"all of several":                {errors.Join(refusal, errors.New("close failed")), "The name is long. Shorten it.; close failed"},
		"the cause of a failure":        {fault.Wrap(errors.New("disk full"), fault.Unavailable, "Nothing was changed."), "Nothing was changed. (disk full)"},
		"no cause of a refusal":         {fault.Wrap(errors.New("row 3"), fault.InvalidValue, "Wrong."), "Wrong."},
		"the end of the context":        {fmt.Errorf("query: %w", context.Canceled), "interrupted"},
		"a failure beside interruption": {errors.Join(context.Canceled, errors.New("x")), "interrupted"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := oneLine(c.err); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
