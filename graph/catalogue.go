package graph

import (
	"context"
	"strings"

	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// product looks a product up by exactly one of id and part number.
//
// Errors: BAD_USER_INPUT, which names the ids where several products bear the part number.
func product(ctx context.Context, key, partNumber *string) (*tenantgraph.Product, error) {
	if (key == nil) == (partNumber == nil) {
		return nil, fault.New(fault.BadUserInput, "Give exactly one of id and skuPartNumber.")
	}
	k, err := optionalID(id.Product, key, "id")
	if err != nil {
		return nil, err
	}
	g, err := load(ctx).Graph(ctx)
	if err != nil {
		return nil, err
	}
	if k != nil {
		return g.Product(*k), nil
	}
	switch named := g.ByPartNumber(*partNumber); len(named) {
	case 0:
		return nil, nil
	case 1:
		return named[0], nil
	default:
		ids := make([]string, len(named))
		for i, p := range named {
			ids[i] = p.NodeID() + " (" + p.DisplayName + ")"
		}
		return nil, fault.New(fault.BadUserInput, "%d products bear the part number %s: %s.",
			len(named), fault.Quote(*partNumber), strings.Join(ids, ", ")).Fix("Ask for one of them by its id.").At("skuPartNumber")
	}
}

// byName is the order of lists of the catalogue.
func byName(list string) paging.Order {
	return paging.Order{Name: list, Columns: []paging.Column{{Type: paging.Text}, {Type: paging.ID}}}
}

func productValues(p *tenantgraph.Product) []any { return []any{p.DisplayNameKey, p.ID} }

func planValues(p *tenantgraph.Plan) []any { return []any{p.DisplayNameKey, p.ID} }
