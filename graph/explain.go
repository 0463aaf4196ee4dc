package graph

import (
	"context"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// explainPlan proves whether a user may use a plan, or might at an instant; nil where there is no
// such user, or plan.
//
// Errors: BAD_USER_INPUT.
func explainPlan(ctx context.Context, userID, planID string, asOf *clock.Instant) (*licensing.PlanExplanation, error) {
	v, plan, err := userAndPlan(ctx, userID, planID, asOf)
	if plan == nil {
		return nil, err
	}
	return v.ExplainPlan(plan), nil
}
