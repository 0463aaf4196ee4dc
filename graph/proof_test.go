package graph_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// proposal is a proposal as a client reads it.
type proposal struct {
	Kind, Mutation string
	Input          map[string]any
}

// dryRun passes a proposal's input as the mutation's variable, and wants it to change something.
func (w *world) dryRun(p proposal) {
	w.t.Helper()
	input := maps.Clone(p.Input)
	input["dryRun"] = true
	query := fmt.Sprintf("mutation ($input: %s%sInput!) { %s(input: $input) { changed userErrors { code message } } }",
		strings.ToUpper(p.Mutation[:1]), p.Mutation[1:], p.Mutation)
	a := w.ask(request{query: query, variables: map[string]any{"input": input}})
	if want := fmt.Sprintf(`{"%s":{"changed":true,"userErrors":[]}}`, p.Mutation); string(a.Data) != want {
		w.t.Errorf("%s %v: %s %v", p.Kind, p.Input, a.Data, a.Errors)
	}
}

// The input of each proposal of each kind is what its mutation takes, as a variable, by the letter.
func TestInputOfEachProposalIsTakenByItsMutation(t *testing.T) {
	each(t, func(w *world) {
		w.importCatalogue(`product Suite: Mail, Chat, Drive
product Addon: New
product Phone: Calls
product Bundle: Chat
product Local: Here
product Gone: Past
product Paused: Still
exclusive Drive or New: Drive, New
needs Calls: Chat
allowed Here: NL, DE
`)
		w.scene(`user Ann US
user Ben NL
user Cas NL
user Dan NL
user Eve NL
group Staff: ann
group Crew: staff
group Callers
group Talkers: dan
group Fresh: dan
group Own: ann
seats suite 1
seats addon
seats phone
seats bundle
seats local
seats gone 1
seats paused 3
assign suite: cas
assign suite: crew
assign addon: ben
assign local: staff
assign gone: staff
assign paused: staff
assign phone: callers
assign bundle: callers
assign phone: talkers
`)
		w.ask(request{query: `mutation { a: cancelSubscription(input: { id: "{{gone-seats}}", acknowledgeLosses: 9 }) { changed }
			b: updateSubscription(input: { id: "{{paused-seats}}", status: SUSPENDED }) { changed }
			c: updateUser(input: { id: "{{ben}}", accountEnabled: false }) { changed }
			d: assignLicenses(input: { principalIds: ["{{talkers}}"], add: [{ productId: "{{suite}}" }] }) { changed }
			e: updateSubscription(input: { id: "{{suite-seats}}", seats: 3 }) { changed }
			f: assignLicenses(input: { principalIds: ["{{own}}", "{{fresh}}"], add: [{ productId: "{{addon}}" }] }) { changed }
			g: addGroupMembers(input: { groupId: "{{staff}}", memberIds: ["{{eve}}"] }) { changed }
			h: assignLicenses(input: { principalIds: ["{{cas}}"], add: [{ productId: "{{suite}}", plans: { except: ["{{mail}}"] } }] }) { changed } }`})
		seen := map[string]bool{}
		for _, user := range []string{"ann", "ben", "cas", "dan", "eve"} {
			for _, plan := range []string{"mail", "chat", "drive", "new", "calls", "here", "past", "still"} {
				a := w.ask(request{query: `{ explainPlan(userId: "{{` + user + `}}", planId: "{{` + plan + `}}") { proposals { kind mutation input } } }`})
				var answer struct {
					ExplainPlan struct{ Proposals []proposal }
				}
				w.ok(json.Unmarshal(a.Data, &answer))
				for _, p := range answer.ExplainPlan.Proposals {
					seen[p.Kind] = true
					w.dryRun(p)
				}
			}
		}
		for _, kind := range w.enum("ProposalKind") {
			if !seen[kind] {
				t.Errorf("%s was never proposed, but %s", kind, slices.Sorted(maps.Keys(seen)))
			}
		}
	})
}

// enum returns the values of an enum.
func (w *world) enum(name string) []string {
	var values []string
	for _, v := range w.api.Schema.Schema().Types[name].EnumValues {
		values = append(values, v.Name)
	}
	return values
}

// The clean-up of each kind of redundancy is what its mutation takes, too.
func TestInputOfEachCleanUpIsTakenByItsMutation(t *testing.T) {
	each(t, func(w *world) {
		w.importCatalogue("product Suite: Mail, Chat\nproduct Lite: Mail\n")
		w.scene(`user Ann NL
user Ben NL
user Cas NL
group Staff: ann
group Hollow
seats suite
seats lite
assign suite: staff
assign suite: ann
assign suite: ben
assign lite: ben
assign lite: cas
assign lite: hollow
`)
		w.do(`mutation { updateUser(input: { id: "{{cas}}", accountEnabled: false }) { userErrors { code message } } }`, nil)
		a := w.ask(request{query: `{ redundantAssignments(first: 10) { nodes { kind cleanUp { kind mutation input } } } }`})
		var answer struct {
			RedundantAssignments struct {
				Nodes []struct {
					Kind    string
					CleanUp proposal
				}
			}
		}
		w.ok(json.Unmarshal(a.Data, &answer))
		seen := map[string]bool{}
		for _, r := range answer.RedundantAssignments.Nodes {
			seen[r.Kind] = true
			w.dryRun(r.CleanUp)
		}
		if len(seen) != len(w.enum("RedundancyKind")) {
			t.Errorf("found are %s", slices.Sorted(maps.Keys(seen)))
		}
	})
}
