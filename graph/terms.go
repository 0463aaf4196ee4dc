package graph

import (
	"context"
	"time"

	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// term returns one of the terms that the tenant has settled.
func term(ctx context.Context, of func(tenantgraph.Terms) int) (int, error) {
	g, err := load(ctx).Graph(ctx)
	if err != nil {
		return 0, err
	}
	return of(g.Terms), nil
}

func seconds(d time.Duration) int { return int(d / time.Second) }
