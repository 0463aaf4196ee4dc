package access_test

import (
	"context"
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/fault"
)

func TestRolesMayDoWhatTheyAreFor(t *testing.T) {
	const (
		users, groups, toUsers        = access.ManageUsers, access.ManageGroups, access.AssignToUsers
		toGroups, reprocess, purchase = access.AssignToGroups, access.Reprocess, access.ManageSubscriptions
	)
	all := []access.Permission{users, groups, toUsers, toGroups, reprocess, purchase}
	for role, may := range map[access.Role]map[access.Permission]bool{
		access.GlobalAdmin:  {users: true, groups: true, toUsers: true, toGroups: true, reprocess: true, purchase: true},
		access.LicenseAdmin: {toUsers: true, toGroups: true, reprocess: true},
		access.UserAdmin:    {users: true, toUsers: true},
		access.GlobalReader: {},
	} {
		ctx := access.With(t.Context(), &access.Access{Roles: []access.Role{role}})
		for _, p := range all {
			refusal := access.Require(ctx, p)
			if may[p] {
				if refusal != nil {
					t.Errorf("%s is refused permission %d: %v", role, p, refusal)
				}
				continue
			}
			if refusal == nil || refusal.Code != fault.Forbidden {
				t.Errorf("%s, permission %d: %v, want FORBIDDEN", role, p, refusal)
			} else if !strings.Contains(refusal.Message, string(role)) || !strings.Contains(refusal.Remediation, "GLOBAL_ADMIN") {
				t.Errorf("%s, permission %d: %q, %q names neither the role nor the one needed", role, p, refusal.Message, refusal.Remediation)
			}
		}
	}
}

func TestARefusalNamesAllRolesThatHaveTheRight(t *testing.T) {
	ctx := access.With(t.Context(), &access.Access{Roles: []access.Role{access.GlobalReader}})
	refusal := access.Require(ctx, access.AssignToUsers)
	if refusal == nil || refusal.Remediation != "Use a token with the role GLOBAL_ADMIN, LICENSE_ADMIN or USER_ADMIN." {
		t.Errorf("the refusal is %+v", refusal)
	}
}

func TestNobodyHasNoRight(t *testing.T) {
	for name, ctx := range map[string]context.Context{"nobody": t.Context(), "nil": access.With(t.Context(), nil)} {
		if refusal := access.Require(ctx, access.ManageUsers); refusal == nil || refusal.Code != fault.Unauthenticated {
			t.Errorf("%s: %v, want UNAUTHENTICATED", name, refusal)
		}
	}
}

func TestRolesAreReadExactly(t *testing.T) {
	for _, role := range access.Roles() {
		if got, refusal := access.ParseRole(string(role)); refusal != nil || got != role {
			t.Errorf("ParseRole(%s) = %s, %v", role, got, refusal)
		}
	}
	for _, name := range []string{"", "global_admin", "GLOBAL_ADMIN ", "OWNER"} {
		_, refusal := access.ParseRole(name)
		if refusal == nil || refusal.Code != fault.InvalidValue || !strings.Contains(refusal.Remediation, "GLOBAL_READER") {
			t.Errorf("ParseRole(%q) refuses with %v", name, refusal)
		}
	}
}
