package graph

import (
	"context"

	"github.com/licensegraph/licensegraph/graph/loaders"
	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// redundant lists what is redundant, whose users are read together.
//
// Errors: BAD_USER_INPUT.
func (r *queryResolver) redundant(ctx context.Context, in *model.RedundancyFilter, args paging.Args) (*model.RedundancyConnection, error) {
	var f licensing.RedundancyFilter
	if in != nil {
		var err error
		if f.Product, err = optionalID(id.Product, in.ProductID.Value(), "filter", "productId"); err != nil {
			return nil, err
		}
		f.Kinds, f.Covered = in.Kinds.Value(), in.Covered.Value()
		if f.Kinds != nil && len(f.Kinds) == 0 { // an explicit empty set (R24)
			return empty[*licensing.Redundancy](args)
		}
	}
	page, err := r.licensing.Redundancies(ctx, tenantOf(ctx), f, args)
	if err != nil {
		return nil, err
	}
	var principals []loaders.Ref
	for _, found := range page.Items {
		principals = append(principals, loaders.Ref{Kind: found.Principal.Kind, ID: found.Principal.ID})
	}
	load(ctx).Expect(principals)
	return model.NewConnection(paging.Connection[*licensing.Redundancy]{Page: page}), nil
}
