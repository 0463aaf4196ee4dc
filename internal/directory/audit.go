package directory

import (
	"strconv"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// field is a stored field as the audit event shows it.
type field struct {
	name  string
	value *string // nil: not set
}

func userFields(u *principal.User) []field {
	kind, enabled := string(u.UserType), strconv.FormatBool(u.AccountEnabled)
	return []field{
		{"userPrincipalName", &u.UserPrincipalName}, {"displayName", &u.DisplayName}, {"mail", u.Mail}, {"department", u.Department},
		{"jobTitle", u.JobTitle}, {"usageLocation", u.UsageLocation}, {"userType", &kind}, {"accountEnabled", &enabled},
		{"externalId", u.ExternalID},
	}
}

func groupFields(g *principal.Group) []field {
	return []field{{"displayName", &g.DisplayName}, {"description", g.Description}, {"externalId", g.ExternalID}}
}

// recordFields puts the fields that differ into the audit event (R28) and tells whether any
// does. One side is nil where the object begins or ends.
func recordFields(d *licensing.Draft, kind id.Kind, key uuid.UUID, before, after []field) bool {
	differs := false
	for i := range max(len(before), len(after)) {
		var name string
		var was, is *string
		if before != nil {
			name, was = before[i].name, before[i].value
		}
		if after != nil {
			name, is = after[i].name, after[i].value
		}
		if !same(was, is) {
			d.FieldOf(kind, key, name, was, is)
			differs = true
		}
	}
	return differs
}

func same(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }
