package cost

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Sizes of lists that follow from arguments.
const (
	page      = -1 // the edges and nodes of a connection: first or last of the field above
	perID     = -2 // nodes(ids:): one for each id
	perResult = -3 // one for each principal or member in the input of the mutation
	perGroup  = -4 // one for each group in the input of the mutation

	maxResults = 20_000 // principals or members of one call; resolvers refuse more
	maxGroups  = 100    // groups of one call; resolvers refuse more
)

// sizes declares how many elements each list without pages has in the ordinary case of a large
// organisation. They are typical sizes rather than bounds, because bounds (a product of a hundred
// plans) would refuse ordinary queries for ordinary users; what a list really holds is bounded
// by the catalogue and by what is assigned, not by the query.
var sizes = map[string]int{
	// A user has a suite and one or two add-ons, each from a group or two.
	"User.licenses":                 3,
	"User.plans":                    40,
	"User.directAssignments":        2,
	"User.excludedSources":          1, // most are excluded from nothing
	"ExcludedSource.path":           2,
	"ExcludedSource.excludedByPath": 2,
	"EffectiveLicense.sources":      2,
	"WaitingEdge.sources":           1,
	"LicenseSource.path":            2, // nesting is seldom deeper
	"LicenseSource.errors":          1, // most have none
	"EffectivePlan.enabledBy":       1,
	"EffectivePlan.disabledBy":      1,
	"EffectivePlan.withheldBy":      1,
	"PlanDecision.enabledBy":        1,
	"ExclusionDetails.otherSources": 1,

	// As sources, with those that leave the plan off or wait; of the kinds of proposals few apply.
	"PlanExplanation.sources":   3,
	"PlanExplanation.proposals": 8,
	"PlanSource.errors":         1,
	"Proposal.plansLost":        1, // most lose none

	"RedundantAssignment.plansLost": 1,
	"RedundantAssignment.coveredBy": 2,

	// Products have 10 plans on average; those that most users hold have 20 to 60.
	"EffectiveLicense.plans":            20,
	"Product.plans":                     20,
	"PlanSelection.plans":               5, // what people switch off, or on
	"Plan.excludes":                     5,
	"Plan.requiresAnyOf":                2,
	"DependencyDetails.requiresAnyOf":   2,
	"LicenseChange.plansAdded":          10,
	"LicenseChange.plansRemoved":        10,
	"LicenseChange.errors":              1,
	"LicenseTimelineEntry.plansAdded":   10,
	"LicenseTimelineEntry.plansRemoved": 10,
	"LicenseTimelineEntry.errors":       1,

	"LicenseAssignment.excludedGroups": 1, // most exclude nobody
	"Group.assignments":                2,
	"Group.inheritedAssignments":       2,
	"AssignmentResult.assignments":     2,
	"SubscribedProduct.subscriptions":  2,
	"LicenseImpact.products":           3,
	"OperationImpact.products":         3,
	"InheritedDetails.groups":          2,
	"GroupLicensesDetails.products":    2,
	"CycleDetails.path":                3,
	"*.userErrors":                     1, // most answers have none

	"AuditEvent.subjects":         2,
	"AuditEvent.fields":           3,
	"AuditEvent.products":         2,
	"VerificationReport.problems": 10,

	"Query.nodes":                       perID,
	"AssignLicensesPayload.results":     perResult,
	"ChangeGroupMembersPayload.results": perResult,
	"ChangeGroupMembersPayload.groups":  perGroup,
	"Preview.results":                   4, // a few; 20 at most
	"ApplyPreviewPayload.results":       4,

	// Introspection: the schema has 132 types with 429 fields, 112 arguments, 141 input fields
	// and 109 enum values in all; a test holds these numbers near it.
	"__Schema.types":       132,
	"__Schema.directives":  6,
	"__Type.fields":        4,
	"__Type.inputFields":   1,
	"__Type.enumValues":    1,
	"__Type.interfaces":    1,
	"__Type.possibleTypes": 1,
	"__Field.args":         1,
	"__Directive.args":     1,
}

// weights of one element where it is not 1 for an object and 0 for a scalar.
var weights = map[string]int{
	// Counting rows is a statement of its own.
	"*.totalCount": 1,
	// A mutation is a transaction that holds the tenant's lock: at most a hundred in one request.
	"Mutation": 500,
	// So is a preview, which stores nothing.
	"Query.preview": 500,
	// Judges every user of the tenant again: twice in one request, at most.
	"Query.verification": 20_000,
}

// inputs count, from the input of a mutation, the results and the groups of its payload.
var inputs = map[string]func(input map[string]any) (results, groups int){
	"assignLicenses":     func(in map[string]any) (int, int) { return length(in["principalIds"]), 0 },
	"addGroupMembers":    func(in map[string]any) (int, int) { return length(in["memberIds"]), 1 },
	"removeGroupMembers": func(in map[string]any) (int, int) { return length(in["memberIds"]), 1 },
	"changeGroupMembers": func(in map[string]any) (results, groups int) {
		changes, ok := in["changes"].([]any)
		if !ok {
			changes = []any{in["changes"]}
		}
		for _, change := range changes {
			change, _ := change.(map[string]any)
			results += length(change["add"]) + length(change["remove"])
		}
		return results, len(changes)
	},
}

// sizeOf is the declared size of a list field, 0 where none is declared.
func sizeOf(parent *ast.Definition, field string) int {
	if parent == nil {
		return 0
	}
	if size, ok := sizes[parent.Name+"."+field]; ok {
		return size
	}
	if parent.Fields.ForName("pageInfo") != nil {
		return page
	}
	return sizes["*."+field]
}

// covered tells which list fields of a schema have no declared size, and which declarations
// belong to no field: a list that is not declared would cost nothing.
func covered(schema *ast.Schema) error {
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(schema.Types)) {
		def := schema.Types[name]
		if def.Kind != ast.Object && def.Kind != ast.Interface {
			continue
		}
		for _, f := range def.Fields {
			if f.Type.Elem != nil && isComposite(schema.Types[f.Type.Name()]) && sizeOf(def, f.Name) == 0 {
				wrong = append(wrong, name+"."+f.Name+" has no declared size")
			}
		}
	}
	declared := slices.Concat(slices.Sorted(maps.Keys(sizes)), slices.Sorted(maps.Keys(weights)))
	for _, place := range declared {
		parent, field, _ := strings.Cut(place, ".")
		if parent == "*" {
			continue
		}
		def := schema.Types[parent]
		if def == nil || field != "" && def.Fields.ForName(field) == nil {
			wrong = append(wrong, place+" is declared and not in the schema")
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("cost: %s", strings.Join(wrong, "; "))
	}
	return nil
}

func isComposite(def *ast.Definition) bool {
	return def != nil && (def.Kind == ast.Object || def.Kind == ast.Interface || def.Kind == ast.Union)
}
