package graph

import (
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// TestASelectionIsExactlyOneEvenWhereNobodyCheckedBefore holds the resolver's own check of what
// the coercion of inputs refuses already.
func TestASelectionIsExactlyOneEvenWhereNobodyCheckedBefore(t *testing.T) {
	yes := true
	for name, in := range map[string]*model.PlanSelectionInput{
		"none":             {},
		"two":              {All: graphql.OmittableOf(&yes), Only: graphql.OmittableOf([]string{})},
		"null":             {Only: graphql.OmittableOf[[]string](nil)},
		"one and a null":   {All: graphql.OmittableOf(&yes), Except: graphql.OmittableOf[[]string](nil)},
		"null for a truth": {All: graphql.OmittableOf[*bool](nil)},
		"a switch and all": {All: graphql.OmittableOf(&yes), Switch: graphql.OmittableOf(&model.PlanSwitchInput{})},
		"null to switch":   {Switch: graphql.OmittableOf[*model.PlanSwitchInput](nil)},
	} {
		if refused := choosePlans(&licensing.LicenseInput{}, in); len(refused) != 1 || refused[0].Code != fault.BadUserInput {
			t.Errorf("%s: %v", name, refused)
		}
	}
	for name, in := range map[string]*model.PlanSelectionInput{
		"absent":      nil,
		"all":         {All: graphql.OmittableOf(&yes)},
		"except none": {Except: graphql.OmittableOf([]string{})},
		"only none":   {Only: graphql.OmittableOf([]string{})},
		"switch none": {Switch: graphql.OmittableOf(&model.PlanSwitchInput{})},
	} {
		var got licensing.LicenseInput
		if refused := choosePlans(&got, in); refused != nil || (got.Plans != nil || got.Switch != nil) != (in != nil) {
			t.Errorf("%s: %v %v", name, got, refused)
		}
	}
}
