package directory

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// membershipThen asks for the users who were direct members of some groups at an instant.
type membershipThen struct {
	at     clock.Instant
	groups []uuid.UUID
}

// membershipThen finds the groups of a query as of an instant: none where the group was not there.
func (s *Service) membershipThen(ctx context.Context, tenant, group uuid.UUID, query MemberQuery) (*membershipThen, error) {
	g, err := s.licensing.GraphAsOf(ctx, tenant, *query.AsOf)
	if err != nil {
		return nil, err
	}
	then := &membershipThen{at: *query.AsOf}
	switch {
	case g.Group(group) == nil:
	case query.Transitive:
		then.groups = g.Descendants(group)
	default:
		then.groups = []uuid.UUID{group}
	}
	return then, nil
}

// whoWere adds that users were there, undeleted, and members of one of the groups. A user who is
// deleted now, or in a former row, has been since the instant that the row tells, up to its end.
func (l *userList) whoWere(then *membershipThen) {
	at := l.where.Arg(then.at)
	l.where.And("u.created_at <= " + at)
	l.where.And("(u.deleted_at IS NULL OR u.deleted_at > " + at + ")")
	l.where.And("NOT EXISTS (SELECT 1 FROM users_history h WHERE h.tenant_id = u.tenant_id AND h.id = u.id AND h.until > " + at + " AND h.deleted_at <= " + at + ")")
	members := func(w *paging.Where, columns, also string) string {
		groups, at := w.Args(l.d.UUIDArray(then.groups)), w.Arg(then.at)
		of := func(table, former string) string {
			return fmt.Sprintf(`SELECT %s FROM %s m WHERE m.tenant_id = %s AND %s AND m.created_at <= %s%s%s`, columns, table, tenantArg, l.d.In("m.group_id", groups), at, former, also)
		}
		return of("memberships", "") + " UNION ALL " + of("memberships_history", " AND m.until > "+at)
	}
	l.must(condition{
		test: func(w *paging.Where) string { return "EXISTS (" + members(w, "1", " AND m.user_id = u.id") + ")" },
		set:  func(w *paging.Where) string { return members(w, "m.user_id", "") },
	})
}
