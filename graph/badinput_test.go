package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/errcode"

	"github.com/licensegraph/licensegraph/internal/database"
)

// many returns n ids of one kind, none of which exists.
func many(kind string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s_01jh5z8r3kf8v9q0x2c4m%05d", kind, i)
	}
	return ids
}

const (
	unknownUser    = "user_01jh5z8r3kf8v9q0x2c4m6n7p8"
	unknownGroup   = "group_01jh5z8r3kf8v9q0x2c4m6n7p8"
	unknownProduct = "product_01jh5z8r3kf8v9q0x2c4m6n7p8"
	unknownPlan    = "plan_01jh5z8r3kf8v9q0x2c4m6n7p8"

	assignVar  = `mutation($in: AssignLicensesInput!) { out: assignLicenses(input: $in) { changed impact { usersGaining changes { totalCount } } results { userErrors { code path message } } userErrors { code path message } } }`
	createUser = `mutation($in: CreateUserInput!) { out: createUser(input: $in) { changed user { id } userErrors { code path message } } }`
	createSub  = `mutation($in: CreateSubscriptionInput!) { out: createSubscription(input: $in) { changed subscription { id } userErrors { code path message } } }`
	deleteUser = `mutation($in: DeleteUserInput!) { out: deleteUser(input: $in) { changed userErrors { code path message } } }`
	updateSub  = `mutation($in: UpdateSubscriptionInput!) { out: updateSubscription(input: $in) { changed userErrors { code path message } } }`
)

func assignInput(add any, more ...any) map[string]any {
	in := map[string]any{"principalIds": []string{"{{ann}}"}, "add": add}
	for i := 0; i < len(more); i += 2 {
		in[more[i].(string)] = more[i+1] //nolint:forcetypeassert // a test
	}
	return map[string]any{"in": in}
}

// add is one product to add with plans.
func add(product string, plans any) []any {
	return []any{map[string]any{"productId": product, "plans": plans}}
}

func newUser(fields ...any) map[string]any {
	in := map[string]any{"userPrincipalName": "new@acme.example", "displayName": "New"}
	for i := 0; i < len(fields); i += 2 {
		in[fields[i].(string)] = fields[i+1] //nolint:forcetypeassert // a test
	}
	return map[string]any{"in": in}
}

// badInputs are operations that are wrong, each with the code of its answer and the path of
// what is wrong: within input for user errors, of the argument for a field's error, of the
// variable for what is refused before anything runs.
var badInputs = []struct {
	name      string
	query     string
	variables map[string]any
	code      string
	path      string
}{
	// Ids.
	{"malformed user id", `{ user(id: "junk") { id } }`, nil, "BAD_USER_INPUT", "id"},
	{"id of another kind", `{ user(id: "{{team}}") { id } }`, nil, "BAD_USER_INPUT", "id"},
	{"UUID of a user", `{ user(id: "0d2f8a31-5c64-4b7e-9a10-3e5d7c9b1f42") { id } }`, nil, "BAD_USER_INPUT", "id"},
	{"capitals in an id", `{ group(id: "GROUP_01JH5Z8R3KF8V9Q0X2C4M6N7P8") { id } }`, nil, "BAD_USER_INPUT", "id"},
	{"empty id", `{ group(id: "") { id } }`, nil, "BAD_USER_INPUT", "id"},
	{"malformed UUID", `{ product(id: "0d2f8a31-5c64-4b7e-9a10-3e5d7c9b1f4") { id } }`, nil, "BAD_USER_INPUT", "id"},
	{"UUID in braces", `{ subscribedProduct(productId: "{0d2f8a31-5c64-4b7e-9a10-3e5d7c9b1f42}") { capability } }`, nil, "BAD_USER_INPUT", "productId"},
	{"UUID without hyphens", `{ product(id: "0d2f8a315c644b7e9a103e5d7c9b1f42") { id } }`, nil, "BAD_USER_INPUT", "id"},
	{"bare UUID as a node", `{ node(id: "{{suite.uuid}}") { id } }`, nil, "BAD_USER_INPUT", "id"},
	{"malformed id among nodes", `{ nodes(ids: ["{{ann}}", "junk"]) { id } }`, nil, "BAD_USER_INPUT", "ids.1"},
	{"too many nodes", `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, map[string]any{"ids": many("user", 101)}, "BAD_USER_INPUT", "ids"},
	{"malformed plan of a question", `{ checkPlan(userId: "{{ann}}", planId: "{{suite}}") { allowed } }`, nil, "BAD_USER_INPUT", "planId"},
	{"malformed user of a question", `{ checkPlan(userId: "{{mail}}", planId: "{{mail}}") { allowed } }`, nil, "BAD_USER_INPUT", "userId"},
	{"malformed plan of assignments", `{ subscribedProduct(productId: "{{suite}}") { assignments(planId: "{{suite}}") { totalCount } } }`, nil, "BAD_USER_INPUT", "planId"},
	{"malformed product of a license", `{ user(id: "{{ann}}") { license(productId: "junk") { status } } }`, nil, "BAD_USER_INPUT", "productId"},
	{"malformed product in a filter", `{ users(filter: { productId: "junk" }) { totalCount } }`, nil, "BAD_USER_INPUT", "filter.productId"},
	{"malformed plan in a filter", `{ users(filter: { planId: "{{suite}}" }) { totalCount } }`, nil, "BAD_USER_INPUT", "filter.planId"},
	{"malformed group in a filter", `{ users(filter: { groupId: "{{ann}}" }) { totalCount } }`, nil, "BAD_USER_INPUT", "filter.groupId"},
	{"malformed product in a filter of groups", `{ groups(filter: { productId: "junk" }) { totalCount } }`, nil, "BAD_USER_INPUT", "filter.productId"},
	{"malformed user in a filter of errors", `{ licenseErrors(filter: { userId: "junk" }) { totalCount } }`, nil, "BAD_USER_INPUT", "filter.userId"},
	{"malformed group in a filter of errors", `{ licenseErrors(filter: { groupId: "junk" }) { totalCount } }`, nil, "BAD_USER_INPUT", "filter.groupId"},
	{"malformed product in a filter of errors", `{ licenseErrors(filter: { productId: "junk" }) { totalCount } }`, nil, "BAD_USER_INPUT", "filter.productId"},
	{"fraction as an id", `query($id: ID) { user(id: $id) { id } }`, map[string]any{"id": 1.5}, "BAD_USER_INPUT", "variable.id"},

	// One of two arguments.
	{"both id and name", `{ user(id: "{{ann}}", userPrincipalName: "ann@acme.example") { id } }`, nil, "BAD_USER_INPUT", ""},
	{"neither id nor name", `{ user { id } }`, nil, "BAD_USER_INPUT", ""},
	{"null for both", `query($id: ID, $n: String) { user(id: $id, userPrincipalName: $n) { id } }`, map[string]any{"id": nil}, "BAD_USER_INPUT", ""},
	{"both id and part number", `{ product(id: "{{suite}}", skuPartNumber: "SUITE_PRO") { id } }`, nil, "BAD_USER_INPUT", ""},
	{"neither id nor part number", `{ product { id } }`, nil, "BAD_USER_INPUT", ""},

	// Pages.
	{"negative first", `{ users(first: -1) { totalCount } }`, nil, "BAD_USER_INPUT", "first"},
	{"huge first", `{ users(first: 1000000) { totalCount } }`, nil, "BAD_USER_INPUT", "first"},
	{"first of 101", `{ products(first: 101) { totalCount } }`, nil, "BAD_USER_INPUT", "first"},
	{"negative last", `{ groups(last: -5) { totalCount } }`, nil, "BAD_USER_INPUT", "last"},
	{"first and last", `{ plans(first: 1, last: 1) { totalCount } }`, nil, "BAD_USER_INPUT", "last"},
	{"malformed cursor", `{ users(after: "junk") { totalCount } }`, nil, "BAD_USER_INPUT", "after"},
	{"empty cursor", `{ users(before: "") { totalCount } }`, nil, "BAD_USER_INPUT", "before"},
	{"cursor of another list", `{ groups(after: "{{cursor}}") { totalCount } }`, nil, "BAD_USER_INPUT", "after"},
	{"cursor of another order", `{ users(after: "{{cursor}}", orderBy: { field: CREATED_AT }) { totalCount } }`, nil, "BAD_USER_INPUT", "after"},
	{"cursor of the other direction", `{ users(after: "{{cursor}}", orderBy: { field: DISPLAY_NAME, direction: DESC }) { totalCount } }`, nil, "BAD_USER_INPUT", "after"},
	{"cursor of users in the catalogue", `{ products(after: "{{cursor}}") { totalCount } }`, nil, "BAD_USER_INPUT", "after"},
	{"cursor in the audit log", `{ auditEvents(before: "{{cursor}}") { totalCount } }`, nil, "BAD_USER_INPUT", "before"},
	{"wrong size of a list within", `{ group(id: "{{team}}") { members(first: 101) { totalCount } } }`, nil, "BAD_USER_INPUT", "first"},
	{"wrong size in the answer of a mutation", `mutation { createGroup(input: { displayName: "G" }) { group { members(first: 101) { totalCount } } } }`, nil, "BAD_USER_INPUT", "first"},
	{"wrong size of an impact", `mutation { createGroup(input: { displayName: "G" }) { impact { ...i } } } fragment i on LicenseImpact { changes(first: -1) { totalCount } }`, nil, "BAD_USER_INPUT", "first"},
	{"malformed cursor of an impact", `mutation { createGroup(input: { displayName: "G" }) { impact { changes(after: "junk") { totalCount } } } }`, nil, "BAD_USER_INPUT", "after"},
	{"malformed cursor of a preview", `{ preview(changes: []) { impact { changes(after: "junk") { totalCount } } } }`, nil, "BAD_USER_INPUT", "after"},
	{"a null among changes, by a variable in a literal", `query($in: DeleteUserInput) { preview(changes: [{ deleteUser: $in }]) { changed } }`, map[string]any{"in": nil}, "BAD_USER_INPUT", ""},
	{"no previewToken", `mutation { out: applyPreview(input: { changes: [{ deleteUser: { id: "{{ann}}" } }], previewToken: "" }) { changed userErrors { code path message } } }`, nil, "INVALID_VALUE", "previewToken"},
	{"21 changes", `mutation($c: [ChangeInput!]!) { out: applyPreview(input: { changes: $c, previewToken: "" }) { changed userErrors { code path message } } }`, map[string]any{"c": slices.Repeat([]any{map[string]any{"deleteUser": map[string]any{"id": unknownUser}}}, 21)}, "TOO_MANY", "changes"},
	{"two cursors of one impact", `mutation { createGroup(input: { displayName: "G" }) { impact { changes { totalCount } b: changes(after: "aW1wYWN0OgAAAAAAAAAAAAAAAAAAAAAAAAAA") { totalCount } } } }`, nil, "BAD_USER_INPUT", "after"},
	{"fraction as first", `query($n: Int) { users(first: $n) { totalCount } }`, map[string]any{"n": 1.5}, "BAD_USER_INPUT", "variable.n"},
	{"string as first", `query($n: Int) { users(first: $n) { totalCount } }`, map[string]any{"n": "1"}, "BAD_USER_INPUT", "variable.n"},

	// Searches and filters.
	{"long search", `query($s: String) { users(search: $s) { totalCount } }`, map[string]any{"s": strings.Repeat("é", 257)}, "BAD_USER_INPUT", "search"},
	{"long search of groups", `query($s: String) { groups(search: $s) { totalCount } }`, map[string]any{"s": strings.Repeat("é", 257)}, "BAD_USER_INPUT", "search"},
	{"long search of products", `query($s: String) { products(search: $s) { totalCount } }`, map[string]any{"s": strings.Repeat("é", 257)}, "BAD_USER_INPUT", "search"},
	{"long search of plans", `query($s: String) { plans(search: $s) { totalCount } }`, map[string]any{"s": strings.Repeat("é", 257)}, "BAD_USER_INPUT", "search"},
	{"long search of subscribed products", `query($s: String) { subscribedProducts(search: $s) { totalCount } }`, map[string]any{"s": strings.Repeat("é", 257)}, "BAD_USER_INPUT", "search"},
	{"long search of holders", `query($s: String) { subscribedProduct(productId: "{{suite}}") { holders(search: $s) { totalCount } } }`, map[string]any{"s": strings.Repeat("é", 257)}, "BAD_USER_INPUT", "search"},
	{"unknown country in a filter", `{ users(filter: { usageLocations: ["NL", "XX"] }) { totalCount } }`, nil, "BAD_USER_INPUT", "filter.usageLocations.1"},
	{"too many departments", `query($d: [String!]) { users(filter: { departments: $d }) { totalCount } }`, map[string]any{"d": many("x", 101)}, "BAD_USER_INPUT", "filter.departments"},
	{"too many locations", `query($d: [String!]) { users(filter: { usageLocations: $d }) { totalCount } }`, map[string]any{"d": slices.Repeat([]string{"NL"}, 301)}, "BAD_USER_INPUT", "filter.usageLocations"},
	{"NUL in a search", `query($s: String) { users(search: $s) { totalCount } }`, map[string]any{"s": "a\x00b"}, "BAD_USER_INPUT", "variable.s"},
	{"unknown order by variable", `query($o: UserOrder) { users(orderBy: $o) { totalCount } }`, map[string]any{"o": map[string]any{"field": "display_name"}}, "BAD_USER_INPUT", "variable.o.field"},

	// Texts.
	{"NUL in a name", createUser, newUser("displayName", "a\x00b"), "BAD_USER_INPUT", "variable.in.displayName"},
	{"blank name", createUser, newUser("displayName", " \t"), "INVALID_VALUE", "displayName"},
	{"line break in a name", createUser, newUser("displayName", "a\nb"), "INVALID_VALUE", "displayName"},
	{"absurdly long name", createUser, newUser("displayName", strings.Repeat("x", 100_000)), "INVALID_VALUE", "displayName"},
	{"no @ in a principal name", createUser, newUser("userPrincipalName", "new"), "INVALID_VALUE", "userPrincipalName"},
	{"absurdly long principal name", createUser, newUser("userPrincipalName", strings.Repeat("x", 10_000)+"@acme.example"), "INVALID_VALUE", "userPrincipalName"},
	{"unknown country", createUser, newUser("usageLocation", "XX"), "INVALID_VALUE", "usageLocation"},
	{"country of three letters", createUser, newUser("usageLocation", "NLD"), "INVALID_VALUE", "usageLocation"},
	{"padded country", createUser, newUser("usageLocation", " NL"), "INVALID_VALUE", "usageLocation"},
	{"empty country", createUser, newUser("usageLocation", ""), "INVALID_VALUE", "usageLocation"},
	{"number as a name", createUser, newUser("displayName", 7), "BAD_USER_INPUT", "variable.in.displayName"},
	{"unknown field", createUser, newUser("password", "x"), "BAD_USER_INPUT", "variable.in.password"},
	{"unknown type of users", createUser, newUser("userType", "ROBOT"), "BAD_USER_INPUT", "variable.in.userType"},
	{"null for a flag with a default", createUser, newUser("accountEnabled", nil), "BAD_USER_INPUT", "variable.in.accountEnabled"},
	{"blank name of a group", `mutation { out: createGroup(input: { displayName: "" }) { changed userErrors { code path message } } }`, nil, "INVALID_VALUE", "displayName"},

	// Seats.
	{"negative seats", createSub, map[string]any{"in": map[string]any{"productId": "{{suite}}", "seats": -1}}, "INVALID_VALUE", "seats"},
	{"2^31 seats", createSub, map[string]any{"in": map[string]any{"productId": "{{suite}}", "seats": 1 << 31}}, "BAD_USER_INPUT", "variable.in.seats"},
	{"2^31 - 1 seats beside others", createSub, map[string]any{"in": map[string]any{"productId": "{{suite}}", "seats": 1<<31 - 1}}, "INVALID_VALUE", "seats"},
	{"2^31 seats as a literal", `mutation { createSubscription(input: { productId: "{{suite}}", seats: 2147483648 }) { changed } }`, nil, "BAD_USER_INPUT", ""},
	{"seats as a string", createSub, map[string]any{"in": map[string]any{"productId": "{{suite}}", "seats": "5"}}, "BAD_USER_INPUT", "variable.in.seats"},
	{"half a seat", createSub, map[string]any{"in": map[string]any{"productId": "{{suite}}", "seats": 0.5}}, "BAD_USER_INPUT", "variable.in.seats"},
	{"seats of an unknown product", createSub, map[string]any{"in": map[string]any{"productId": unknownProduct, "seats": 1}}, "NOT_FOUND", "productId"},
	{"seats of a retired product", createSub, map[string]any{"in": map[string]any{"productId": "{{past}}", "seats": 1}}, "PRODUCT_RETIRED", "productId"},
	{"seats of something else", createSub, map[string]any{"in": map[string]any{"productId": "{{mail}}", "seats": 1}}, "INVALID_ID", "productId"},
	{"fewer seats than are taken", updateSub, map[string]any{"in": map[string]any{"id": "{{suite-seats}}", "seats": 0}}, "SEATS_BELOW_CONSUMED", "seats"},
	{"negative seats of a subscription", updateSub, map[string]any{"in": map[string]any{"id": "{{suite-seats}}", "seats": -5}}, "INVALID_VALUE", "seats"},
	{"unknown subscription", updateSub, map[string]any{"in": map[string]any{"id": "subscription_01jh5z8r3kf8v9q0x2c4m6n7p8", "seats": 5}}, "NOT_FOUND", "id"},
	{"malformed subscription", updateSub, map[string]any{"in": map[string]any{"id": "{{suite}}", "seats": 5}}, "INVALID_ID", "id"},
	{"outdated version of a subscription", updateSub, map[string]any{"in": map[string]any{"id": "{{suite-seats}}", "seats": 9, "expectedVersion": 7}}, "VERSION_CONFLICT", "expectedVersion"},
	{"cancelled from the start", createSub, map[string]any{"in": map[string]any{"productId": "{{suite}}", "status": "CANCELLED"}}, "INVALID_VALUE", "status"},
	{"scheduled for no date", createSub, map[string]any{"in": map[string]any{"productId": "{{suite}}", "status": "SCHEDULED"}}, "REQUIRED", "startsAt"},
	{"scheduled for the past", createSub, map[string]any{"in": map[string]any{"productId": "{{suite}}", "status": "SCHEDULED", "startsAt": "2020-01-01T00:00:00Z"}}, "INVALID_VALUE", "startsAt"},
	{"end before the beginning", createSub, map[string]any{"in": map[string]any{"productId": "{{suite}}", "startsAt": "2026-01-02T00:00:00Z", "endsAt": "2026-01-01T00:00:00Z"}}, "INVALID_VALUE", "endsAt"},
	{"unknown status", createSub, map[string]any{"in": map[string]any{"productId": "{{suite}}", "status": "PAUSED"}}, "BAD_USER_INPUT", "variable.in.status"},
	{"a day as the end", createSub, map[string]any{"in": map[string]any{"productId": "{{suite}}", "endsAt": "2026-01-01"}}, "BAD_USER_INPUT", "variable.in.endsAt"},
	{"null as the status", updateSub, map[string]any{"in": map[string]any{"id": "{{suite-seats}}", "status": nil}}, "REQUIRED", "status"},
	{"cancelling by the status", updateSub, map[string]any{"in": map[string]any{"id": "{{suite-seats}}", "status": "CANCELLED"}}, "INVALID_VALUE", "status"},
	{"negative losses of a subscription", updateSub, map[string]any{"in": map[string]any{"id": "{{suite-seats}}", "acknowledgeLosses": -1}}, "INVALID_VALUE", "acknowledgeLosses"},
	{"cancelling the last one of a held product", `mutation { out: cancelSubscription(input: { id: "{{suite-seats}}", acknowledgeLosses: 0 }) { changed userErrors { code path message } } }`, nil, "CONFIRMATION_REQUIRED", "acknowledgeLosses"},
	{"cancel what is unknown", `mutation { out: cancelSubscription(input: { id: "junk" }) { changed userErrors { code path message } } }`, nil, "INVALID_ID", "id"},

	// Selections of plans.
	{"no field of a selection", assignVar, assignInput(add("{{suite}}", map[string]any{})), "BAD_USER_INPUT", "variable.in.add.0.plans"},
	{"two fields of a selection", assignVar, assignInput(add("{{suite}}", map[string]any{"all": true, "only": []string{}})), "BAD_USER_INPUT", "variable.in.add.0.plans"},
	{"null in a selection", assignVar, assignInput(add("{{suite}}", map[string]any{"only": nil})), "BAD_USER_INPUT", "variable.in.add.0.plans.only"},
	{"a field and a null", assignVar, assignInput(add("{{suite}}", map[string]any{"all": true, "only": nil})), "BAD_USER_INPUT", "variable.in.add.0.plans"},
	{"two fields of a literal", `mutation { assignLicenses(input: { principalIds: ["{{ann}}"], add: [{ productId: "{{suite}}", plans: { all: true, except: [] } }] }) { changed } }`, nil, "BAD_USER_INPUT", ""},
	{"a null by a variable in a literal", `mutation($only: [ID!]) { assignLicenses(input: { principalIds: ["{{ann}}"], add: [{ productId: "{{suite}}", plans: { only: $only } }] }) { changed } }`, map[string]any{"only": nil}, "BAD_USER_INPUT", ""},
	{"a null switch", assignVar, assignInput(add("{{suite}}", map[string]any{"switch": nil})), "BAD_USER_INPUT", "variable.in.add.0.plans.switch"},
	{"a switch beside a list", assignVar, assignInput(add("{{suite}}", map[string]any{"switch": map[string]any{"off": []string{}}, "only": []string{}})), "BAD_USER_INPUT", "variable.in.add.0.plans"},
	{"foreign plan in a switch", assignVar, assignInput(add("{{suite}}", map[string]any{"switch": map[string]any{"on": []string{"{{new}}"}}})), "PLAN_NOT_IN_PRODUCT", "add.0.plans.switch.on.0"},
	{"malformed plan in a switch", assignVar, assignInput(add("{{suite}}", map[string]any{"switch": map[string]any{"off": []string{"{{mail}}", "junk"}}})), "INVALID_ID", "add.0.plans.switch.off.1"},
	{"a plan on and off", assignVar, assignInput(add("{{suite}}", map[string]any{"switch": map[string]any{"on": []string{"{{mail}}"}, "off": []string{"{{old}}", "{{mail.uuid}}"}}})), "DUPLICATE_VALUE", "add.0.plans.switch.off.1"},
	{"too many plans in a switch", assignVar, assignInput(add("{{suite}}", map[string]any{"switch": map[string]any{"on": many("plan", 1001)}})), "TOO_MANY", "add.0.plans.switch.on"},
	{"all: false", assignVar, assignInput(add("{{suite}}", map[string]any{"all": false})), "INVALID_VALUE", "add.0.plans.all"},
	{"foreign plan", assignVar, assignInput(add("{{suite}}", map[string]any{"only": []string{"{{mail}}", "{{new}}"}})), "PLAN_NOT_IN_PRODUCT", "add.0.plans.only.1"},
	{"unknown plan", assignVar, assignInput(add("{{suite}}", map[string]any{"except": []string{unknownPlan}})), "NOT_FOUND", "add.0.plans.except.0"},
	{"malformed plan", assignVar, assignInput(add("{{suite}}", map[string]any{"except": []string{"{{mail}}", "{{suite}}"}})), "INVALID_ID", "add.0.plans.except.1"},
	{"too many plans", assignVar, assignInput(add("{{suite}}", map[string]any{"only": many("plan", 1001)})), "TOO_MANY", "add.0.plans.only"},

	// Assignments.
	{"unknown product", assignVar, assignInput(add(unknownProduct, nil)), "NOT_FOUND", "add.0.productId"},
	{"malformed product", assignVar, assignInput(add("junk", nil)), "INVALID_ID", "add.0.productId"},
	{"malformed product among good ones", assignVar, assignInput(append(add("{{tool}}", nil), add("{{ann}}", nil)...)), "INVALID_ID", "add.1.productId"},
	{"product twice", assignVar, assignInput(append(add("{{suite}}", nil), add("{{suite.uuid}}", nil)...)), "DUPLICATE_VALUE", "add.1.productId"},
	{"product in both lists", assignVar, assignInput(add("{{suite}}", nil), "remove", []string{"{{suite}}"}), "DUPLICATE_VALUE", "remove.0"},
	{"malformed product to remove", assignVar, assignInput(nil, "remove", []string{"{{tool}}", "{{team}}"}), "INVALID_ID", "remove.1"},
	{"unknown product to remove", assignVar, assignInput(nil, "remove", []string{unknownProduct}), "NOT_FOUND", "remove.0"},
	{"malformed product whose plans to take over", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "plansFrom": "{{mail}}"}}), "INVALID_ID", "add.0.plansFrom"},
	{"unknown product whose plans to take over", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "plansFrom": unknownProduct}}), "NOT_FOUND", "add.0.plansFrom"},
	{"plans and another product's", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "plansFrom": "{{tool}}", "plans": map[string]any{"all": true}}}), "INVALID_VALUE", "add.0.plans"},
	{"malformed product to replace", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "replaces": "junk"}}), "INVALID_ID", "add.0.replaces"},
	{"unknown product to replace", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "replaces": unknownProduct}}), "NOT_FOUND", "add.0.replaces"},
	{"a product that replaces itself", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "replaces": "{{suite.uuid}}"}}), "DUPLICATE_VALUE", "add.0.replaces"},
	{"nothing to replace", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "replaces": "{{tool}}"}}), "NOT_APPLIED", "add.0.replaces"},
	{"replace all with nothing said", assignVar, assignInput(nil, "mode", "REPLACE"), "REQUIRED", "add"},
	{"replace all and remove", assignVar, assignInput([]any{}, "mode", "REPLACE", "remove", []string{"{{suite}}"}), "INVALID_VALUE", "remove"},
	{"unknown mode", assignVar, assignInput([]any{}, "mode", "replace"), "BAD_USER_INPUT", "variable.in.mode"},
	{"null as the mode", assignVar, assignInput([]any{}, "mode", nil), "BAD_USER_INPUT", "variable.in.mode"},
	{"negative losses", assignVar, assignInput(nil, "remove", []string{"{{suite}}"}, "acknowledgeLosses", -1), "INVALID_VALUE", "acknowledgeLosses"},
	{"losses as a text", assignVar, assignInput(nil, "acknowledgeLosses", "1"), "BAD_USER_INPUT", "variable.in.acknowledgeLosses"},
	{"nobody knows where", assignVar, assignInput(add("{{suite}}", nil), "principalIds", []string{"{{eve}}"}), "USAGE_LOCATION_REQUIRED", "add.0"},
	{"a license for somebody nobody knows where", createUser, newUser("licenses", add("{{suite}}", nil)), "USAGE_LOCATION_REQUIRED", "licenses.0"},
	{"a replacement for a new user", createUser, newUser("usageLocation", "NL", "licenses", []any{map[string]any{"productId": "{{suite}}", "replaces": "{{tool}}"}}), "INVALID_VALUE", "licenses.0.replaces"},
	{"negative losses of a user", deleteUser, map[string]any{"in": map[string]any{"id": "{{ann}}", "acknowledgeLosses": -7}}, "INVALID_VALUE", "acknowledgeLosses"},
	{"malformed user to delete", deleteUser, map[string]any{"in": map[string]any{"id": "junk", "acknowledgeLosses": -7}}, "INVALID_ID", "id"},
	{"too many products", assignVar, assignInput(func() (list []any) {
		for _, p := range many("product", 101) {
			list = append(list, add(p, nil)...)
		}
		return list
	}()), "TOO_MANY", "add"},
	{"too many products to remove", assignVar, assignInput(nil, "remove", many("product", 101)), "TOO_MANY", "remove"},
	{"too many principals", assignVar, assignInput(add("{{tool}}", nil), "principalIds", many("user", 20_001)), "TOO_MANY", "principalIds"},
	{"too many malformed principals", assignVar, assignInput(add("{{tool}}", nil), "principalIds", many("nobody", 20_001)), "TOO_MANY", "principalIds"},
	{"a version of two", assignVar, assignInput(add("{{tool}}", nil), "principalIds", []string{"{{ann}}", "junk"}, "expectedVersion", 1), "INVALID_VALUE", "expectedVersion"},
	{"malformed principal", assignVar, assignInput(add("{{tool}}", nil), "principalIds", []string{"junk"}), "INVALID_ID", "principalIds.0"},
	{"principal of another kind", assignVar, assignInput(add("{{tool}}", nil), "principalIds", []string{"{{tool}}"}), "INVALID_ID", "principalIds.0"},
	{"unknown user", assignVar, assignInput(add("{{suite}}", nil), "principalIds", []string{unknownUser}), "NOT_FOUND", "principalIds.0"},
	{"unknown group", assignVar, assignInput(add("{{suite}}", nil), "principalIds", []string{unknownGroup, unknownGroup}), "NOT_FOUND", "principalIds.0"},
	{"outdated version", assignVar, assignInput(add("{{suite}}", map[string]any{"only": []string{}}), "expectedVersion", 99), "VERSION_CONFLICT", "expectedVersion"},
	{"no subscription", assignVar, assignInput(add("{{tool}}", nil)), "NO_SUBSCRIPTION", "add.0"},
	{"retired product", assignVar, assignInput(add("{{past}}", nil)), "PRODUCT_RETIRED", "add.0"},
	{"nested members of a user", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "includeNested": false}}), "INVALID_VALUE", "add.0.includeNested"},
	{"priority out of range", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "priority": 1001}}), "INVALID_VALUE", "add.0.priority"},
	{"malformed group to exclude", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "excludeGroupIds": []any{"{{team}}", "junk"}}}), "INVALID_ID", "add.0.excludeGroupIds.1"},
	{"user to exclude", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "excludeGroupIds": []any{"{{ben}}"}}}), "INVALID_ID", "add.0.excludeGroupIds.0"},
	{"unknown group to exclude", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "excludeGroupIds": []any{unknownGroup}}}), "NOT_FOUND", "add.0.excludeGroupIds.0"},
	{"too many groups to exclude", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "excludeGroupIds": many("group", 51)}}), "TOO_MANY", "add.0.excludeGroupIds"},
	{"negative limit", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "seatLimit": -1}}), "INVALID_VALUE", "add.0.seatLimit"},
	{"limit of a user", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "seatLimit": 0}}), "INVALID_VALUE", "add.0.seatLimit"},
	{"negative reserve", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "seatReserve": -1}}), "INVALID_VALUE", "add.0.seatReserve"},
	{"reserve of a user", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "seatReserve": 1}}), "INVALID_VALUE", "add.0.seatReserve"},
	{"priority that is no number", assignVar, assignInput([]any{map[string]any{"productId": "{{suite}}", "priority": "1"}}), "BAD_USER_INPUT", "variable.in.add.0.priority"},
	{"no seat", assignVar, assignInput(add("{{suite}}", nil), "principalIds", []string{"{{ben}}"}), "COUNT_VIOLATION", "add.0"},
	{"a version that is no number", assignVar, assignInput(nil, "expectedVersion", "1"), "BAD_USER_INPUT", "variable.in.expectedVersion"},
	{"null principals", assignVar, assignInput(nil, "principalIds", nil), "BAD_USER_INPUT", "variable.in.principalIds"},
	{"licenses of a new user", createUser, newUser("usageLocation", "NL", "licenses", add("{{suite}}", map[string]any{"only": []string{"{{new}}"}})), "PLAN_NOT_IN_PRODUCT", "licenses.0.plans.only.0"},
	{"malformed license of a new user", createUser, newUser("licenses", add("junk", nil)), "INVALID_ID", "licenses.0.productId"},
	{"unsubscribed license of a new user", createUser, newUser("usageLocation", "NL", "licenses", add("{{tool}}", nil)), "NO_SUBSCRIPTION", "licenses.0"},
	{"too many to reprocess", `mutation($ids: [ID!]!) { out: reprocessLicenses(input: { principalIds: $ids }) { changed userErrors { code path message } } }`, map[string]any{"ids": many("user", 20_001)}, "TOO_MANY", "principalIds"},
	{"nobody to reprocess", `mutation { out: reprocessLicenses(input: { principalIds: ["{{ann}}", "{{ann}}", "` + unknownGroup + `"] }) { changed userErrors { code path message } } }`, nil, "NOT_FOUND", "principalIds.2"},

	// Members.
	{"too many members", `mutation($ids: [ID!]!) { out: addGroupMembers(input: { groupId: "{{team}}", memberIds: $ids }) { changed userErrors { code path message } } }`, map[string]any{"ids": many("user", 20_001)}, "TOO_MANY", "memberIds"},
	{"too many groups", `mutation($c: [GroupMembersChangeInput!]!) { out: changeGroupMembers(input: { changes: $c }) { changed userErrors { code path message } } }`, map[string]any{"c": func() (list []any) {
		for _, g := range many("group", 101) {
			list = append(list, map[string]any{"groupId": g})
		}
		return list
	}()}, "TOO_MANY", "changes"},
	{"unknown group to change", `mutation { out: removeGroupMembers(input: { groupId: "` + unknownGroup + `", memberIds: ["{{ann}}"] }) { changed userErrors { code path message } } }`, nil, "NOT_FOUND", "groupId"},
	{"member of a wrong kind", `mutation { out: addGroupMembers(input: { groupId: "{{team}}", memberIds: ["{{suite}}"] }) { changed results { userErrors { code path message } } userErrors { code path message } } }`, nil, "INVALID_ID", "memberIds.0"},
	{"group in itself", `mutation { out: addGroupMembers(input: { groupId: "{{team}}", memberIds: ["{{team}}"] }) { changed results { userErrors { code path message } } userErrors { code path message } } }`, nil, "GROUP_CYCLE", "memberIds.0"},

	{"negative losses of members", `mutation { out: removeGroupMembers(input: { groupId: "{{team}}", memberIds: ["{{ann}}"], acknowledgeLosses: -1 }) { changed userErrors { code path message } } }`, nil, "INVALID_VALUE", "acknowledgeLosses"},
	{"negative losses of a move", `mutation { out: changeGroupMembers(input: { changes: [], acknowledgeLosses: -1 }) { changed userErrors { code path message } } }`, nil, "INVALID_VALUE", "acknowledgeLosses"},
	{"negative losses of a group", `mutation { out: deleteGroup(input: { id: "{{team}}", acknowledgeLosses: -1 }) { changed userErrors { code path message } } }`, nil, "INVALID_VALUE", "acknowledgeLosses"},
	{"a wrong member of an atomic call", `mutation { out: addGroupMembers(input: { groupId: "{{team}}", memberIds: ["junk", "{{ben}}"], atomic: true }) { changed results { userErrors { code path message } } userErrors { code path message } } }`, nil, "INVALID_ID", "memberIds.0"},

	// Instants.
	{"a day as an instant", `{ licenseErrors(filter: { since: "2026-11-25" }) { totalCount } }`, nil, "BAD_USER_INPUT", ""},
	{"a number as an instant", `query($t: DateTime) { licenseErrors(filter: { since: $t }) { totalCount } }`, map[string]any{"t": 1795599000}, "BAD_USER_INPUT", "variable.t"},

	// What is not there.
	{"unknown query", `{ secrets }`, nil, "BAD_USER_INPUT", ""},
	{"too much at once", `{ a: verification { ok } b: verification { ok } c: verification { ok } }`, nil, "COST_EXCEEDED", ""},
}

// TestBadInputIsRefusedByNameAndChangesNothing holds what the table says, and that the message
// of a refused argument names it.
func TestBadInputIsRefusedByNameAndChangesNothing(t *testing.T) {
	each(t, func(w *world) {
		w.seats("suite", 1)
		w.user("Ann")
		w.user("Ben")
		w.userIn("Eve", "", false)
		w.group("Team", "ann")
		w.assign("suite", "ann")
		w.keep("cursor", w.do(`{ users(first: 1) { pageInfo { endCursor } } }`, nil), "users.pageInfo.endCursor")
		before := w.stored()
		for _, bad := range badInputs {
			a := w.ask(request{query: bad.query, variables: bad.variables})
			code, path, message := refusal(a)
			if code != bad.code || path != bad.path {
				w.t.Errorf("%s: %s at %q (%s)\nwant %s at %q", bad.name, code, path, message, bad.code, bad.path)
			}
			last := bad.path[strings.LastIndexByte(bad.path, '.')+1:]
			if code == "BAD_USER_INPUT" && !strings.Contains(message, last) {
				w.t.Errorf("%s: the message does not name %s: %s", bad.name, last, message)
			}
			if after := w.stored(); after != before {
				w.t.Fatalf("%s changed something:\n%s", bad.name, after)
			}
		}
		if w.log.Len() > 0 {
			w.t.Errorf("logged %s", w.log)
		}
	})
}

// refusal returns the first error of an answer: code, path and message.
func refusal(a *answer) (code, path, message string) {
	if len(a.Errors) > 0 {
		e := a.Errors[0]
		if code, _ = e.Extensions["code"].(string); code == errcode.ValidationFailed {
			code = "BAD_USER_INPUT" // as the server says it
		}
		if argument, ok := e.Extensions["argument"].([]any); ok {
			return code, joined(argument), e.Message
		}
		if len(e.Path) > 0 && e.Path[0] == "variable" {
			return code, joined(e.Path), e.Message
		}
		return code, "", e.Message
	}
	type userError struct {
		Code, Message string
		Path          []any
	}
	var data struct {
		Out struct {
			Changed    bool
			UserErrors []userError
			Results    []struct{ UserErrors []userError }
		}
	}
	if err := json.Unmarshal(a.Data, &data); err != nil || data.Out.Changed {
		return "", "", string(a.Data)
	}
	list := data.Out.UserErrors
	for _, r := range data.Out.Results {
		list = append(list, r.UserErrors...)
	}
	if len(list) == 0 {
		return "", "", string(a.Data)
	}
	return list[0].Code, joined(list[0].Path), list[0].Message
}

func joined(path []any) string {
	steps := make([]string, len(path))
	for i, step := range path {
		steps[i] = fmt.Sprint(step)
	}
	return strings.Join(steps, ".")
}

// stored is everything that the database holds of tenants.
func (w *world) stored() string {
	w.t.Helper()
	var b strings.Builder
	err := w.db.Snapshot(w.t.Context(), func(ctx context.Context, tx *database.Tx) error {
		for _, table := range []string{"tenants", "users", "user_words", "groups", "group_counters", "memberships", "nestings", "subscriptions",
			"assignments", "license_violations", "seat_counters", "audit_events"} {
			rows, err := tx.QueryContext(ctx, "SELECT * FROM "+table)
			if err != nil {
				return err
			}
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			var lines []string
			for rows.Next() {
				values, into := make([]any, len(columns)), make([]any, len(columns))
				for i := range values {
					into[i] = &values[i]
				}
				if err := rows.Scan(into...); err != nil {
					return err
				}
				lines = append(lines, fmt.Sprintf("%s %v\n", table, values))
			}
			if err := rows.Err(); err != nil {
				return err
			}
			slices.Sort(lines)
			b.WriteString(strings.Join(lines, ""))
		}
		return nil
	})
	w.ok(err)
	return b.String()
}
