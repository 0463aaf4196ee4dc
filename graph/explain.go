package graph

import (
	"context"

	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// explainPlan proves whether a user may use a plan; nil where there is no such user, or plan.
//
// Errors: BAD_USER_INPUT.
func explainPlan(ctx context.Context, userID, planID string) (*licensing.PlanExplanation, error) {
	userKey, err := argumentID(id.User, userID, "userId")
	if err != nil {
		return nil, err
	}
	planKey, err := argumentID(id.Plan, planID, "planId")
	if err != nil {
		return nil, err
	}
	v, err := load(ctx).User(ctx, userKey)
	if v == nil || v.User.DeletedAt != nil {
		return nil, err
	}
	plan := v.Graph().Plan(planKey)
	if plan == nil {
		return nil, nil
	}
	return v.ExplainPlan(plan), nil
}
