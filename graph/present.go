package graph

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/rs/zerolog"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/requestid"
)

// presenter turns errors into what clients see. It fails closed: only what a *fault.Error or
// an extension has worded for clients leaves the server; of everything else they learn that
// it happened, and the log what it was.
func presenter(fallback zerolog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		shown := &gqlerror.Error{Path: graphql.GetPath(ctx)}
		var given *gqlerror.Error
		if errors.As(err, &given) {
			if _, coded := given.Extensions["code"].(string); coded {
				return given
			}
			shown.Path, shown.Locations = given.Path, given.Locations
		}
		f := faultOf(err)
		if f.Code == fault.Unavailable && changeMade(ctx) {
			f = fault.Wrap(err, fault.OutcomeUnknown, "The change was made, but its result could not be read.").Fix("Read the present state.")
		}
		if f.Code == fault.Internal || f.Cause != nil && !f.Code.IsUserError() && f.Code != fault.BadUserInput {
			log(ctx, fallback).Error().Err(cause(err)).Str("code", string(f.Code)).Stringer("field", shown.Path).Msg("a field failed")
		}
		language := locale.From(ctx)
		shown.Message = naming(f, language)
		shown.Extensions = map[string]any{"code": string(f.Code)}
		if _, remediation := f.In(language); remediation != "" {
			shown.Extensions["remediation"] = remediation
		}
		if len(f.Path) > 0 {
			shown.Extensions["argument"] = f.Path
		}
		return shown
	}
}

// naming is the message with the argument in it.
func naming(f *fault.Error, l locale.Language) string {
	message, _ := f.In(l)
	for _, step := range slices.Backward(f.Path) {
		if isIndex(step) {
			continue
		}
		if strings.Contains(message, step) {
			break
		}
		return argumentText(f.Path) + ": " + message
	}
	return message
}

// faultOf classifies an error.
func faultOf(err error) *fault.Error {
	f, ok := fault.As(err)
	switch {
	case ok && f.Code.IsUserError(): // of a query: mutations have userErrors for it
		bad := *f
		bad.Code = fault.BadUserInput
		return &bad
	case ok && f.Code != fault.Internal:
		return f
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Unavailable, "The request took too long and was given up.").Fix("Try again, or ask for less.")
	case errors.Is(err, context.Canceled):
		return fault.New(fault.Unavailable, "The request was given up.").Fix("Try again.")
	}
	if database.Unreachable(err) {
		return fault.Wrap(err, fault.Unavailable, "The database cannot be reached.").Fix("Try again.")
	}
	return fault.New(fault.Internal, "Something went wrong in the server. Nothing in the request explains it.").
		Fix("Try again; if it stays, tell the operator the request's id.")
}

// cause returns what the log should say: a fault's message is for clients.
func cause(err error) error {
	if f, ok := fault.As(err); ok && f.Cause != nil {
		return fmt.Errorf("%s: %w", f.Message, f.Cause)
	}
	return err
}

// log returns the request's logger.
func log(ctx context.Context, fallback zerolog.Logger) *zerolog.Logger {
	if l := zerolog.Ctx(ctx); l.GetLevel() != zerolog.Disabled {
		return l
	}
	l := fallback.With().Str("request_id", requestid.From(ctx)).Logger()
	return &l
}

// recoverer turns a panic of a resolver into an error, which the presenter logs.
func recoverer(_ context.Context, panicked any) error {
	return fmt.Errorf("panic: %v\n%s", panicked, debug.Stack())
}
