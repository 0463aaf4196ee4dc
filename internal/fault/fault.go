// Package fault is the one shape of everything that can go wrong with a request: a code that
// never changes, a message that is safe to show, what to do about it, where it is, and the
// cause, which stays inside.
package fault

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/licensegraph/licensegraph/internal/locale"
)

// Code is a closed list. The first group are values of the SDL's UserErrorCode and describe
// the content of an input; the second group are the extension codes of top-level errors.
type Code string

// Codes of user errors (values of UserErrorCode in the SDL).
const (
	NotFound                   Code = "NOT_FOUND"
	InvalidID                  Code = "INVALID_ID"
	InvalidValue               Code = "INVALID_VALUE"
	Required                   Code = "REQUIRED"
	TooMany                    Code = "TOO_MANY"
	DuplicateValue             Code = "DUPLICATE_VALUE"
	VersionConflict            Code = "VERSION_CONFLICT"
	PlanNotInProduct           Code = "PLAN_NOT_IN_PRODUCT"
	ProductRetired             Code = "PRODUCT_RETIRED"
	NoSubscription             Code = "NO_SUBSCRIPTION"
	CountViolation             Code = "COUNT_VIOLATION"
	GroupSeatLimit             Code = "GROUP_SEAT_LIMIT"
	MutuallyExclusiveViolation Code = "MUTUALLY_EXCLUSIVE_VIOLATION"
	DependencyViolation        Code = "DEPENDENCY_VIOLATION"
	LocationViolation          Code = "PROHIBITED_IN_USAGE_LOCATION_VIOLATION"
	UsageLocationRequired      Code = "USAGE_LOCATION_REQUIRED"
	LicenseIsInherited         Code = "LICENSE_IS_INHERITED"
	GroupHasLicenses           Code = "GROUP_HAS_LICENSES"
	GroupCycle                 Code = "GROUP_CYCLE"
	SeatsBelowConsumed         Code = "SEATS_BELOW_CONSUMED"
	ConfirmationRequired       Code = "CONFIRMATION_REQUIRED"
	NotApplied                 Code = "NOT_APPLIED"
	OperationFinished          Code = "OPERATION_FINISHED"
)

// Codes of top-level errors (extensions.code).
const (
	Unauthenticated Code = "UNAUTHENTICATED"
	Forbidden       Code = "FORBIDDEN"
	BadUserInput    Code = "BAD_USER_INPUT"
	// Unavailable: nothing was changed, try again.
	Unavailable Code = "UNAVAILABLE"
	// OutcomeUnknown: the answer to the commit was lost; read before trying again.
	OutcomeUnknown Code = "OUTCOME_UNKNOWN"
	Internal       Code = "INTERNAL"
)

// Error is a refusal or a failure. It is made by New or Wrap; Message and Remediation are for
// reading.
type Error struct {
	Code        Code
	Message     string   // one sentence, safe to show, names what and where; in English
	Remediation string   // one sentence: how to fix it; in English; may be empty
	Path        []string // field path within the input, list indices included
	Details     any      // typed facts that the code's rule names, or nil
	Cause       error    // for the log only

	message, remediation locale.Text
}

// New returns an error with a formatted message. The format is a constant that internal/locale
// has in every language; so are phrases among the arguments (locale.Text and others), while
// strings are data: names, ids and what came from outside.
func New(code Code, format string, args ...any) *Error {
	return newError(code, locale.T(format, args...))
}

// Wrap returns an error that keeps its cause for the log. Its message is made as New's.
func Wrap(cause error, code Code, format string, args ...any) *Error {
	e := newError(code, locale.T(format, args...))
	e.Cause = cause
	return e
}

func newError(code Code, message locale.Text) *Error {
	return &Error{Code: code, Message: message.String(), message: message}
}

// Restore returns an error that was stored, of what it consisted of.
func Restore(code Code, message, remediation locale.Text, path []string, details any) *Error {
	return &Error{
		Code: code, Message: message.String(), Remediation: remediation.String(), Path: path, Details: details,
		message: message, remediation: remediation,
	}
}

// Error returns the safe message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// At returns a copy with path elements put in front of the present path.
func (e *Error) At(path ...any) *Error {
	c := *e
	c.Path = slices.Concat(Path(path...), e.Path)
	return &c
}

// Path returns path elements, names and indices, as an error bears them.
func Path(elements ...any) []string {
	path := make([]string, 0, len(elements))
	for _, p := range elements {
		switch p := p.(type) {
		case int:
			path = append(path, strconv.Itoa(p))
		case string:
			path = append(path, p)
		default:
			path = append(path, fmt.Sprint(p))
		}
	}
	return path
}

// Fix returns a copy with a remediation, which is made as New's message.
func (e *Error) Fix(format string, args ...any) *Error {
	c := *e
	c.remediation = locale.T(format, args...)
	c.Remediation = c.remediation.String()
	return &c
}

// Texts returns the message and the remediation as they are worded in any language.
func (e *Error) Texts() (message, remediation locale.Text) { return e.message, e.remediation }

// In returns the message and the remediation in a language. The rest of an error has none.
func (e *Error) In(l locale.Language) (message, remediation string) {
	return e.message.In(l), e.remediation.In(l)
}

// With returns a copy with details.
func (e *Error) With(details any) *Error {
	c := *e
	c.Details = details
	return &c
}

// As returns the *Error within err, if there is one.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// CodeOf returns the code within err, Internal where there is none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := As(err); ok {
		return e.Code
	}
	return Internal
}

// IsUserError tells whether the code belongs in a mutation's userErrors.
func (c Code) IsUserError() bool {
	switch c {
	case NotFound, InvalidID, InvalidValue, Required, TooMany, DuplicateValue, VersionConflict, PlanNotInProduct,
		ProductRetired, NoSubscription, CountViolation, MutuallyExclusiveViolation, DependencyViolation, LocationViolation,
		UsageLocationRequired, LicenseIsInherited, GroupHasLicenses, GroupCycle, SeatsBelowConsumed, ConfirmationRequired, NotApplied,
		OperationFinished:
		return true
	}
	return false
}

// Refusals returns what is wrong with an input, of an error that joins several too; ok is false
// for an error that says something else.
func Refusals(err error) (list []*Error, ok bool) {
	if several, isJoined := err.(interface{ Unwrap() []error }); isJoined { //nolint:errorlint // what is joined, not what is wrapped
		for _, one := range several.Unwrap() {
			part, ok := Refusals(one)
			if !ok {
				return nil, false
			}
			list = append(list, part...)
		}
		return list, len(list) > 0
	}
	if f, isFault := As(err); isFault && f.Code.IsUserError() {
		return []*Error{f}, true
	}
	return nil, false
}
