package graph_test

import (
	"slices"
	"testing"

	"github.com/licensegraph/licensegraph/internal/access"
)

// mutations are one of each kind, with the roles that may make it beside GLOBAL_ADMIN.
var mutations = []struct {
	query string
	roles []access.Role
}{
	{`createUser(input: { userPrincipalName: "new@acme.example", displayName: "New", dryRun: true }) { changed userErrors { code } }`, []access.Role{access.UserAdmin}},
	{`createUser(input: { userPrincipalName: "new@acme.example", displayName: "New", licenses: [{ productId: "{{suite}}" }], dryRun: true }) { changed userErrors { code } }`, []access.Role{access.UserAdmin}},
	{`updateUser(input: { id: "{{ann}}", jobTitle: "x", dryRun: true }) { changed userErrors { code } }`, []access.Role{access.UserAdmin}},
	{`deleteUser(input: { id: "{{ann}}", dryRun: true }) { changed userErrors { code } }`, []access.Role{access.UserAdmin}},
	{`restoreUser(input: { id: "{{ann}}", dryRun: true }) { changed userErrors { code } }`, []access.Role{access.UserAdmin}},
	{`createGroup(input: { displayName: "G", dryRun: true }) { changed userErrors { code } }`, nil},
	{`updateGroup(input: { id: "{{team}}", displayName: "G", dryRun: true }) { changed userErrors { code } }`, nil},
	{`deleteGroup(input: { id: "{{team}}", dryRun: true }) { changed userErrors { code } }`, nil},
	{`addGroupMembers(input: { groupId: "{{team}}", memberIds: [], dryRun: true }) { changed userErrors { code } }`, nil},
	{`removeGroupMembers(input: { groupId: "{{team}}", memberIds: [], dryRun: true }) { changed userErrors { code } }`, nil},
	{`changeGroupMembers(input: { changes: [], dryRun: true }) { changed userErrors { code } }`, nil},
	{`createSubscription(input: { productId: "{{suite}}", dryRun: true }) { changed userErrors { code } }`, nil},
	{`updateSubscription(input: { id: "{{suite-seats}}", seats: 9, dryRun: true }) { changed userErrors { code } }`, nil},
	{`cancelSubscription(input: { id: "{{suite-seats}}", dryRun: true }) { changed userErrors { code } }`, nil},
	{`assignLicenses(input: { principalIds: ["{{ann}}", "junk"], dryRun: true }) { changed userErrors { code } }`, []access.Role{access.UserAdmin, access.LicenseAdmin}},
	{`assignLicenses(input: { principalIds: ["{{ann}}", "{{team}}"], dryRun: true }) { changed userErrors { code } }`, []access.Role{access.LicenseAdmin}},
	{`assignLicenses(input: { principalIds: ["{{ann}}"], mode: REPLACE, add: [], atomic: true, dryRun: true }) { changed userErrors { code } }`, []access.Role{access.UserAdmin, access.LicenseAdmin}},
	{`assignLicenses(input: { principalIds: ["{{team}}"], mode: REPLACE, add: [], dryRun: true }) { changed userErrors { code } }`, []access.Role{access.LicenseAdmin}},
	{`updateSubscription(input: { id: "{{suite-seats}}", status: SUSPENDED, dryRun: true }) { changed userErrors { code } }`, nil},
	{`reprocessLicenses(input: { principalIds: ["{{ann}}"], dryRun: true }) { changed userErrors { code } }`, []access.Role{access.LicenseAdmin}},
}

func TestARoleChangesWhatItMayAndNothingElse(t *testing.T) {
	each(t, func(w *world) {
		w.seats("suite", 5)
		w.user("Ann")
		w.group("Team", "ann")
		before := w.stored()
		for _, m := range mutations {
			for _, role := range access.Roles() {
				a := w.ask(request{query: "mutation { " + m.query + " }", role: role})
				code, _, message := refusal(a)
				switch may := role == access.GlobalAdmin || slices.Contains(m.roles, role); {
				case may && len(a.Errors) > 0:
					w.t.Errorf("%s may not %s: %s", role, m.query, message)
				case !may && code != "FORBIDDEN":
					w.t.Errorf("%s may %s: %s %s", role, m.query, code, message)
				}
			}
		}
		if w.stored() != before {
			w.t.Error("something changed")
		}
	})
}

func TestEveryRoleReadsEverything(t *testing.T) {
	each(t, func(w *world) {
		w.seats("suite", 5)
		w.user("Ann")
		w.group("Team", "ann")
		w.assign("suite", "ann", "team")
		const query = `{ users { nodes { displayName licenses { status sources { path { displayName } } } } } groups { nodes { members { totalCount } } }
			subscribedProducts { nodes { seats { consumed } holders { totalCount } assignments { totalCount } waiting { totalCount } } }
			licenseErrors { totalCount } auditEvents { totalCount } verification { ok } products { totalCount } plans { totalCount nodes { autoAssigned requiresAnyOf { id } allowedCountries } }
			viewer { tenant { lossThreshold gracePeriodSeconds suspensionPeriodSeconds deletedUserRetentionSeconds } } }`
		want := w.do(query, nil)
		for _, role := range access.Roles() {
			a := w.ask(request{query: query, role: role})
			if len(a.Errors) > 0 || string(a.Data) != string(want.Data) {
				w.t.Errorf("%s reads %s %v\nwant %s", role, a.Data, a.Errors, want.Data)
			}
		}
	})
}

func TestNothingRunsWithoutACaller(t *testing.T) {
	each(t, func(w *world) {
		for _, query := range []string{`{ __typename }`, `{ users { totalCount } }`, `mutation { createGroup(input: { displayName: "G" }) { changed } }`} {
			a := w.askAs(w.t.Context(), request{query: query})
			if code, _, _ := refusal(a); code != "UNAUTHENTICATED" || len(a.Data) > 0 && string(a.Data) != "null" {
				w.t.Errorf("%s: %s %v", query, a.Data, a.Errors)
			}
		}
	})
}
