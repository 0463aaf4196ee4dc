package graph

import (
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
)

// argumentID reads an id in an argument of a query.
//
// Errors: BAD_USER_INPUT with the path of the argument.
func argumentID(kind id.Kind, text string, path ...any) (uuid.UUID, error) {
	key, err := id.Parse(kind, text)
	if err != nil {
		return uuid.Nil, malformedArgument(err, path...)
	}
	return key, nil
}

// optionalID is argumentID for an argument that may be absent.
func optionalID(kind id.Kind, text *string, path ...any) (*uuid.UUID, error) {
	if text == nil {
		return nil, nil //nolint:nilnil // absent
	}
	key, err := argumentID(kind, *text, path...)
	if err != nil {
		return nil, err
	}
	return &key, nil
}

func malformedArgument(err error, path ...any) *fault.Error {
	return fault.Wrap(err, fault.BadUserInput, "%s is malformed: %s.", argumentText(fault.Path(path...)), id.Reason(err)).At(path...)
}

// inputID reads an id in the input of a mutation.
//
// Errors: INVALID_ID with the path given.
func inputID(kind id.Kind, text string, path ...any) (uuid.UUID, *fault.Error) {
	key, err := id.Parse(kind, text)
	if err != nil {
		return uuid.Nil, fault.Wrap(err, fault.InvalidID, "%s is malformed: %s.", fault.Quote(text), id.Reason(err)).At(path...)
	}
	return key, nil
}

// inputPrincipal reads the id of a user or group in the input of a mutation.
//
// Errors: INVALID_ID with the path given.
func inputPrincipal(text string, path ...any) (id.Kind, uuid.UUID, *fault.Error) {
	kind, key, err := id.ParseAny(text)
	if err == nil && kind != id.User && kind != id.Group {
		err = id.NotPrincipal(kind)
	}
	if err != nil {
		return "", uuid.Nil, fault.Wrap(err, fault.InvalidID, "%s is malformed: %s.", fault.Quote(text), id.Reason(err)).At(path...)
	}
	return kind, key, nil
}

// argumentText writes a path as people do: filter.departments[2].
func argumentText(path []string) string {
	var b strings.Builder
	for i, step := range path {
		switch {
		case isIndex(step):
			b.WriteString("[" + step + "]")
		case i > 0:
			b.WriteString("." + step)
		default:
			b.WriteString(step)
		}
	}
	return b.String()
}

// isIndex tells whether a step of a path is an index of a list; names never begin with a digit.
func isIndex(step string) bool { return step != "" && step[0] >= '0' && step[0] <= '9' }
