package licensing

import (
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// SubscriptionIn shows a subscription of a graph; nil where it has none with the id.
func SubscriptionIn(g *tenantgraph.Graph, key uuid.UUID) *Subscription {
	if s := g.Subscription(key); s != nil {
		return subscriptionOf(g, s)
	}
	return nil
}
