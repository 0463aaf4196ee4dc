package graph

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

func pageArgs(first *int, after *string, last *int, before *string) paging.Args {
	return paging.Args{First: first, After: after, Last: last, Before: before}
}

// text is an optional text, empty where absent.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// users shows a list of users, whose licenses, if asked for, are read together.
func users(ctx context.Context, c paging.Connection[*principal.User], err error) (*model.UserConnection, error) {
	if err != nil {
		return nil, err
	}
	load(ctx).ExpectUsers(idsOf(c.Items, func(u *principal.User) uuid.UUID { return u.ID }))
	return model.NewConnection(c), nil
}

// licensed returns who takes the users of a list with their licenses, where those are asked for
// of its rows; nil otherwise.
func licensed(ctx context.Context) func([]*licensing.UserView) {
	op := graphql.GetOperationContext(ctx)
	for _, rows := range graphql.CollectFieldsCtx(ctx, nil) {
		switch rows.Name {
		case "edges":
			for _, edge := range graphql.CollectFields(op, rows.Selections, []string{"UserEdge"}) {
				if edge.Name == "node" && asksForLicenses(op, edge.Selections) {
					return load(ctx).Took
				}
			}
		case "nodes":
			if asksForLicenses(op, rows.Selections) {
				return load(ctx).Took
			}
		}
	}
	return nil
}

func asksForLicenses(op *graphql.OperationContext, ofUser ast.SelectionSet) bool {
	return slices.ContainsFunc(graphql.CollectFields(op, ofUser, []string{"User", "Node", "Principal"}), func(f graphql.CollectedField) bool {
		switch f.Name {
		case "licenses", "license", "plans", "directAssignments", "excludedSources", "groups":
			return true
		}
		return false
	})
}

func idsOf[T, K any](items []T, key func(T) K) []K {
	ids := make([]K, len(items))
	for i, item := range items {
		ids[i] = key(item)
	}
	return ids
}

// groups shows a list of groups.
func groups(ctx context.Context, c paging.Connection[*principal.Group], err error) (*model.GroupConnection, error) {
	if err != nil {
		return nil, err
	}
	load(ctx).ExpectGroups(c.Items)
	return model.NewConnection(c), nil
}

// licenseErrors shows a list of errors, whose users and facts are read together.
func licenseErrors(ctx context.Context, c paging.Connection[*licensing.LicenseError], err error) (*model.LicenseErrorConnection, error) {
	if err != nil {
		return nil, err
	}
	load(ctx).ExpectErrors(c.Items)
	load(ctx).ExpectUsers(idsOf(c.Items, func(e *licensing.LicenseError) uuid.UUID { return e.UserID }))
	return model.NewConnection(c), nil
}

// inMemory pages a list in memory, all of which is at hand.
func inMemory[T any](items []T, order paging.Order, values func(T) []any, args paging.Args) (*model.Connection[T], error) {
	page, err := paging.Slice(items, order, values, args)
	if err != nil {
		return nil, err
	}
	return model.NewConnection(paging.Connection[T]{Page: page, Count: func(context.Context) (int, error) { return len(items), nil }}), nil
}

// empty is a list without rows; its arguments are checked all the same.
func empty[T any](args paging.Args) (*model.Connection[T], error) {
	if err := args.Validate(); err != nil {
		return nil, err
	}
	return model.NewConnection(paging.Connection[T]{Count: func(context.Context) (int, error) { return 0, nil }}), nil
}

// maxSearch is the longest text to search for, in characters.
const maxSearch = 256

// checkSearch checks the text to search the catalogue for.
//
// Errors: BAD_USER_INPUT.
func checkSearch(search *string) error {
	if utf8.RuneCountInString(text(search)) > maxSearch {
		return fault.New(fault.BadUserInput, "The search is longer than %d characters.", maxSearch).
			Fix("Search for the beginnings of a few words.").At("search")
	}
	return nil
}
