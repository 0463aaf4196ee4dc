package graph_test

import (
	"fmt"
	"strings"
	"testing"
)

// licenseFields are what a user's licenses consist of.
const licenseFields = `licenses { product { displayName } status capability consumesSeat since
		plans { plan { displayName } enabled enabledBy { kind } }
		sources { kind state since group { displayName } path { displayName } assignment { selection { mode plans { displayName } } principal { __typename ... on Group { displayName } ... on User { displayName } } }
			errors { code message remediation since user { displayName } plan { displayName } } } }
	plans { plan { displayName } enabled enabledBy { kind } } directAssignments { product { displayName } }
	groups(transitive: true, first: 3) { totalCount nodes { displayName assignments { product { displayName } } } }`

// staff is a world of n users in three groups nested in one, with products through groups and of
// their own, some of whom wait for a seat.
func (w *world) staff(n int) {
	w.t.Helper()
	w.seats("suite", n)
	w.seats("tool", n/2)
	for _, g := range []string{"Red", "Green", "Blue"} {
		w.group(g)
	}
	w.group("All", "red", "green", "blue")
	ids := map[string][]string{}
	for i := range n {
		name := fmt.Sprintf("User%03d", i)
		w.user(name)
		g := []string{"red", "green", "blue"}[i%3]
		ids[g] = append(ids[g], "{{"+strings.ToLower(name)+"}}")
	}
	for g, members := range ids {
		w.do(`mutation($g: ID!, $m: [ID!]!) { addGroupMembers(input: { groupId: $g, memberIds: $m }) { userErrors { code message } } }`,
			map[string]any{"g": "{{" + g + "}}", "m": members})
	}
	w.assign("suite", "all")
	w.assign("tool", "red", "green", "blue")
	w.assign("suite", "user000")
}

// count returns how many statements a query takes once everything that is kept in memory is.
func (w *world) count(query string) int {
	w.t.Helper()
	w.do(query, nil)
	w.ran.Reset()
	w.do(query, nil)
	return w.ran.Count()
}

func TestOneUsersLicensesTakeOneStatement(t *testing.T) {
	each(t, func(w *world) {
		w.staff(6)
		for _, query := range []string{
			`{ user(id: "{{user000}}") { displayName ` + licenseFields + ` } }`,
			`{ user(userPrincipalName: "USER000@acme.example") { displayName ` + licenseFields + ` license(productId: "{{suite}}") { status } } }`,
			`{ checkPlan(userId: "{{user001}}", planId: "{{mail}}") { allowed reason enabledBy { path { displayName } } } }`,
			`{ a: checkPlan(userId: "{{user001}}", planId: "{{mail}}") { allowed } b: checkPlan(userId: "{{user001}}", planId: "{{chat}}") { allowed } user(id: "{{user001}}") { displayName } }`,
			`{ node(id: "{{user000}}") { ... on User { ` + licenseFields + ` } } }`,
			`{ nodes(ids: ["{{user000}}", "{{user001}}", "{{suite}}", "{{red}}"]) { id ... on User { ` + licenseFields + ` } } }`,
		} {
			if n := w.count(query); n != 1 {
				w.t.Errorf("%d statements: %s\n%s", n, query, strings.Join(w.ran.List(), "\n"))
			}
		}
	})
}

// lists are queries of lists with what lies beneath each of their rows. How many statements each
// takes stands in testdata/budget.txt (budget_test.go).
var lists = []struct{ name, query string }{
	{"users with all", `{ users(first: 100) { totalCount nodes { displayName ` + licenseFields + ` } } }`},                                                  // page, count, licenses
	{"users in error", `{ users(first: 100, filter: { hasLicenseError: true }) { nodes { licenses { sources { errors { details { __typename } } } } } } }`}, // a snapshot with its estimates, licenses, seats
	{"members with all", `{ group(id: "{{all}}") { members(transitive: true, first: 100) { nodes { ` + licenseFields + ` } } } }`},
	{"holders with all", `{ subscribedProduct(productId: "{{tool}}") { seats { consumed } holders(first: 100) { nodes { ` + licenseFields + ` } } } }`},
	{"who waits, with all", `{ subscribedProduct(productId: "{{tool}}") { waiting(first: 100) { nodes { displayName licenses { status } } edges { place node { displayName } sources { errors { details { __typename } } } } } } }`},
	{"license errors", `{ licenseErrors(first: 100) { totalCount nodes { message user { displayName licenses { status } } details { ... on SeatDetails { place } } source { assignment { principal { ... on Group { displayName } } } } } } }`},
	{"assignments", `{ subscribedProducts(first: 100) { nodes { assignments(first: 100) { nodes { principal { ... on User { displayName } ... on Group { displayName } } } } } } }`},
	{"assignments of a plan", `{ subscribedProducts(first: 100) { nodes { assignments(first: 100, planId: "{{chat}}") { totalCount nodes { principal { ... on User { displayName } } } } } } }`},
	{"the tenant", `{ viewer { tenant { name country lossThreshold gracePeriodSeconds suspensionPeriodSeconds deletedUserRetentionSeconds } } }`},
	{"plans", `{ plans(first: 100) { nodes { displayName autoAssigned requiresAnyOf { displayName } allowedCountries prohibitedCountries excludes { displayName } } } }`},
	{"groups with all", `{ groups(first: 100) { nodes { displayName childGroups { nodes { displayName } } parentGroups { totalCount } assignments { product { displayName } } inheritedAssignments { product { displayName } } } } }`},
	{"audit events", `{ auditEvents(first: 10) { totalCount nodes { summary subjects { name node { __typename ... on User { displayName } ... on Group { displayName } } } cause { action } } } }`},
	{"why not, and what would help", `{ explainPlan(userId: "{{user008}}", planId: "{{new}}") { decision { reason } sources { verdict errors { details { __typename } } } proposals { kind input explanation plansLost { displayName } } } }`},
	{"what is redundant", `{ redundantAssignments(first: 100) { nodes { kind principal { ... on User { displayName } } product { displayName } explanation cleanUp { input } coveredBy { group { displayName } } } pageInfo { hasNextPage endCursor } } }`},
	{"products with plans", `{ products(first: 100) { totalCount nodes { plans { displayName products(first: 5) { nodes { displayName } } } } } plans { nodes { displayName } } }`},
}

func TestAListTakesAConstantNumberOfStatements(t *testing.T) {
	each(t, func(w *world) {
		w.staff(9)
		w.group("Extra", "user000") // the latest changes are then about users and groups in either case
		few := map[string]int{}
		for _, list := range lists {
			few[list.name] = w.count(list.query)
		}
		for i := 9; i < 100; i++ {
			w.user(fmt.Sprintf("User%03d", i))
			w.do(fmt.Sprintf(`mutation { addGroupMembers(input: { groupId: "{{red}}", memberIds: ["{{user%03d}}"] }) { userErrors { code message } } }`, i), nil)
		}
		for _, list := range lists {
			if n := w.count(list.query); n != few[list.name] {
				w.t.Errorf("%d statements for many rows, %d for few: %s\n%s", n, few[list.name], list.query, strings.Join(w.ran.List(), "\n"))
			}
		}
	})
}

func TestMembersOfManyGroupsAreCountedTogether(t *testing.T) {
	each(t, func(w *world) {
		w.staff(9)
		if n := w.count(`{ groups(first: 4) { nodes { members { __typename totalCount } } } }`); n != 2 {
			w.t.Errorf("%d statements for the groups and their sizes", n)
		}
		if n := w.count(`{ groups(first: 4) { nodes { members(first: 1) { totalCount nodes { displayName } } } } }`); n != 2+4*2 { // pages, too
			w.t.Errorf("%d statements for the groups, their sizes and a member of each", n)
		}
	})
}

func TestTheSamePageBeneathManyRowsIsReadOnce(t *testing.T) {
	each(t, func(w *world) {
		w.staff(9)
		one := w.count(`{ users(first: 1) { nodes { groups { nodes { members(first: 2) { nodes { displayName } } } } } } }`)
		all := w.count(`{ users(first: 9) { nodes { groups { nodes { members(first: 2) { nodes { displayName } } } } } } }`)
		if all != one+4 { // pages of three groups instead of one, two statements each
			w.t.Errorf("%d statements for the groups of one user, %d for those of nine in three groups", one, all)
		}
	})
}

func TestAMutationShowsNothingAsItWasBeforeAnEarlierOne(t *testing.T) {
	each(t, func(w *world) {
		w.seats("suite", 5)
		w.user("Ann")
		w.group("Team", "ann")
		a := w.do(`mutation {
			a: updateUser(input: { id: "{{ann}}", jobTitle: "x" }) { user { version licenses { status } } userErrors { code } }
			b: assignLicenses(input: { principalIds: ["{{team}}", "{{ann}}"], add: [{ productId: "{{suite}}" }] }) { results { principal { ... on User { version licenses { status } } ... on Group { version assignments { version } } } } userErrors { code } }
			c: updateGroup(input: { id: "{{team}}", displayName: "Crew" }) { group { displayName version members { nodes { licenses { sources { group { displayName } } } } } } userErrors { code } }
			d: cancelSubscription(input: { id: "{{suite-seats}}", acknowledgeLosses: 1 }) { subscribedProduct { seats { consumed } holders { totalCount } } userErrors { code } } }`, nil)
		const want = `{"a":{"user":{"version":2,"licenses":[]},"userErrors":[]},` +
			`"b":{"results":[{"principal":{"version":2,"assignments":[{"version":1}]}},{"principal":{"version":3,"licenses":[{"status":"ACTIVE"}]}}],"userErrors":[]},` +
			`"c":{"group":{"displayName":"Crew","version":3,"members":{"nodes":[{"licenses":[{"sources":[{"group":null},{"group":{"displayName":"Crew"}}]}]}]}},"userErrors":[]},` +
			`"d":{"subscribedProduct":{"seats":{"consumed":0},"holders":{"totalCount":0}},"userErrors":[]}}`
		if string(a.Data) != want {
			w.t.Errorf("got  %s\nwant %s", a.Data, want)
		}
	})
}
