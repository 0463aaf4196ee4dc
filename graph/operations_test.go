package graph_test

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/locale"
)

const (
	impactCounts = `impact { usersGaining usersLosing usersChanged usersInError products { product { id } usersGaining usersLosing usersInError
		seatsBefore { total consumed reserved available waiting inError } seatsAfter { total consumed reserved available waiting inError } } }`
	errorFacts = `userErrors { code message remediation path details { __typename
		... on SeatDetails { product { id } total consumed reserved suspended lockedOut place } ... on LossDetails { usersLosing threshold }
		... on ExclusionDetails { exclusionSet plan { id } product { id } otherPlan { id } otherProduct { id } }
		... on InheritedDetails { groups { id } } ... on CycleDetails { groups: path { id } } ... on GroupLicensesDetails { products { id } } } }`
	ofPrincipals = `results { principalId principal { __typename } changed ` + errorFacts + ` }`
	ofMembers    = `results { groupId principalId: memberId changed ` + errorFacts + ` }`
)

// TestAnOperationAnswersWhatTheMutationWouldHaveR26 compares, for changes of each kind and with
// what is refused of them, the mutation tried out, the operation that tries it out, and the
// operation that makes the change.
func TestAnOperationAnswersWhatTheMutationWouldHaveR26(t *testing.T) {
	each(t, func(w *world) {
		w.runOperations()
		for _, name := range []string{"Ann", "Ben", "Cas", "Dee"} {
			w.user(name)
		}
		w.userIn("Eve", "", false)
		w.group("Team", "ann", "ben", "cas")
		w.group("Other", "dee")
		w.group("Inner", "team")
		w.seats("suite", 2)
		w.seats("addon", 5)
		w.seats("tool", 5)
		w.assign("addon", "ann")
		for _, change := range []struct{ mutation, input, results string }{
			{"assignLicenses", `principalIds: ["{{team}}"], add: [{ productId: "{{suite}}" }]`, ofPrincipals},
			{"assignLicenses", `principalIds: ["{{dee}}", "{{eve}}", "{{ben}}", "{{dee}}", "{{tool}}", "{{acme}}"], add: [{ productId: "{{suite}}" }]`, ofPrincipals},
			{"assignLicenses", `principalIds: ["{{ann}}", "{{dee}}"], remove: ["{{suite}}"]`, ofPrincipals},
			{"assignLicenses", `principalIds: ["{{dee}}", "{{eve}}"], add: [{ productId: "{{tool}}" }], atomic: true`, ofPrincipals},
			{"assignLicenses", `principalIds: ["{{dee}}"], add: [{ productId: "{{past}}" }]`, ofPrincipals},
			{"updateSubscription", `id: "{{suite-seats}}", seats: 3`, ""},
			{"updateSubscription", `id: "{{suite-seats}}", seats: 1`, ""},
			{"changeGroupMembers", `changes: [{ groupId: "{{team}}", remove: ["{{ben}}"] }, { groupId: "{{inner}}", add: ["{{ben}}", "{{inner}}", "{{team}}", "nobody"] }]`, ofMembers},
			{"addGroupMembers", `groupId: "{{team}}", memberIds: ["{{inner}}", "{{dee}}"]`, ofMembers},
			{"removeGroupMembers", `groupId: "{{team}}", memberIds: ["{{dee}}", "{{ann}}"], acknowledgeLosses: 5`, ofMembers},
			{"createSubscription", `productId: "{{twin-a}}", seats: 3`, ""},
			{"cancelSubscription", `id: "{{suite-seats}}"`, ""},
			{"cancelSubscription", `id: "{{suite-seats}}", acknowledgeLosses: 5`, ""},
			{"deleteGroup", `id: "{{team}}"`, ""},
			{"deleteGroup", `id: "{{inner}}"`, ""},
		} {
			within := "mutation { m: " + change.mutation + "(input: { " + change.input
			tried := w.answered(within+", dryRun: true }) { changed "+impactCounts+" "+errorFacts+" "+change.results+" } }", "m", nil)
			if len(w.ask(request{query: within + ", dryRun: true }) { changed } }"}).Errors) > 0 {
				w.t.Fatalf("%s(%s) is refused as a request", change.mutation, change.input)
			}
			shown := strings.Replace(strings.Replace(change.results, "results {", "results(first: 100) { nodes {", 1), "memberId", "principalId", 1)
			if shown != "" {
				shown += " }"
			}
			for _, dryRun := range []string{", dryRun: true", ""} {
				a := w.do(within+dryRun+", runAsOperation: true }) { changed operation { id } userErrors { code } } }", nil)
				w.keep("op", a, "m.operation.id")
				w.waitFor("op")
				done := w.answered(`{ operation(id: "{{op}}") { state changed `+impactCounts+" "+errorFacts+" "+shown+` } }`, "operation", func(o map[string]any) {
					if list, ok := o["results"].(map[string]any); ok {
						o["results"] = list["nodes"]
					}
					if o["state"] == "FAILED" { // refused as a whole: the mutation tells of no impact and no results
						o["impact"] = tried["impact"]
						if tried["results"] != nil {
							o["results"] = []any{}
						}
					}
					delete(o, "state")
				})
				want := tried
				if dryRun == "" && w.confirmed(tried) { // R26: a dry run tells the impact all the same
					want = map[string]any{"changed": false, "impact": tried["impact"], "userErrors": tried["userErrors"]}
					if tried["results"] != nil {
						want["results"] = []any{}
					}
				}
				if !reflect.DeepEqual(done, want) {
					w.t.Errorf("%s(%s%s)\nas an operation  %v\nas the mutation  %v", change.mutation, change.input, dryRun, done, want)
				}
			}
		}
	})
}

// answered returns a field of an answer as Go values.
func (w *world) answered(query, field string, adapt func(map[string]any)) map[string]any {
	w.t.Helper()
	a := w.ask(request{query: query})
	var data map[string]map[string]any
	if len(a.Errors) > 0 {
		w.t.Fatalf("%s: %v", query, a.Errors)
	}
	w.ok(json.Unmarshal(a.Data, &data))
	if adapt != nil {
		adapt(data[field])
	}
	return data[field]
}

// confirmed tells whether a dry run says that a confirmation would be asked for.
func (w *world) confirmed(tried map[string]any) bool {
	text, err := json.Marshal(tried["userErrors"])
	w.ok(err)
	return strings.Contains(string(text), "CONFIRMATION_REQUIRED")
}

// TestAnOperationNeedsTheRightsOfItsMutation asks for an operation with each role.
func TestAnOperationNeedsTheRightsOfItsMutation(t *testing.T) {
	each(t, func(w *world) {
		w.runOperations()
		w.seats("suite", 5)
		w.user("Ann")
		w.group("Team", "ann")
		able := regexp.MustCompile(`^(assignLicenses|deleteGroup|addGroupMembers|removeGroupMembers|changeGroupMembers|createSubscription|updateSubscription|cancelSubscription)`)
		for _, m := range mutations {
			if !able.MatchString(m.query) {
				continue
			}
			query := strings.Replace(m.query, "dryRun: true }) { changed", "dryRun: true, runAsOperation: true }) { operation { id } changed", 1)
			field := able.FindString(m.query)
			var started []string
			for _, role := range access.Roles() {
				a := w.ask(request{query: "mutation { " + query + " }", role: role})
				may := role == access.GlobalAdmin || slices.Contains(m.roles, role)
				if code, _, message := refusal(a); may != (code == "") {
					w.t.Errorf("%s, %s: %s %s", role, query, code, message)
				}
				if may {
					w.keep("op", a, field+".operation.id")
					w.waitFor("op")
					started = append(started, w.names["op"])
				}
			}
			for _, role := range access.Roles() { // whoever may ask for it may cancel it
				a := w.ask(request{query: `mutation { cancelOperation(input: { operationId: "` + started[0] + `" }) { userErrors { code } } }`, role: role})
				code, _, message := refusal(a)
				if may := role == access.GlobalAdmin || slices.Contains(m.roles, role); may && code != "" || !may && code != "FORBIDDEN" {
					w.t.Errorf("%s cancels %s: %s %s", role, query, code, message)
				}
			}
		}
	})
}

// TestWhatAnOperationSaysIsInTheReadersLanguage reads one operation in two languages.
func TestWhatAnOperationSaysIsInTheReadersLanguage(t *testing.T) {
	each(t, func(w *world) {
		w.runOperations()
		w.seats("suite", 1)
		w.user("Ann")
		w.user("Ben")
		a := w.do(`mutation { assignLicenses(input: { principalIds: ["{{ann}}", "{{ben}}"], add: [{ productId: "{{suite}}" }], runAsOperation: true }) { operation { id } userErrors { code } } }`, nil)
		w.keep("op", a, "assignLicenses.operation.id")
		w.waitFor("op")
		c := w.client()
		const query = `{ operation(id: "{{op}}") { results(onlyRefused: true) { nodes { userErrors { code message remediation } } } } }`
		words := map[string]bool{}
		for _, l := range []locale.Language{locale.English, locale.Dutch} {
			answer := c.ask(l.String(), access.GlobalReader, query)
			_, said := wordless(t, answer)
			if len(said) != 2 {
				t.Errorf("in %s: %s", l, answer)
			}
			for _, text := range said {
				words[text] = true
			}
		}
		if len(words) != 4 {
			t.Errorf("two languages say %v", words)
		}
	})
}
