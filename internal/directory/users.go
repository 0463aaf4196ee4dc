package directory

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/principal"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// Users reads users by ids, deleted ones included, in one statement. They are in the order of
// the ids, nil where the tenant has no such user.
func (s *Service) Users(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) ([]*principal.User, error) {
	found, err := usersByID(ctx, s.db.Reader(), s.db.Dialect(), tenant, ids)
	if err != nil {
		return nil, err
	}
	users := make([]*principal.User, len(ids))
	for i, key := range ids {
		users[i] = found[key]
	}
	return users, nil
}

// User reads a user by id, also a deleted one; nil where the tenant has no such user.
func (s *Service) User(ctx context.Context, tenant, key uuid.UUID) (*principal.User, error) {
	users, err := s.Users(ctx, tenant, []uuid.UUID{key})
	if err != nil {
		return nil, err
	}
	return users[0], nil
}

// UserByPrincipalName reads the undeleted user with a principal name, compared folded (R18);
// nil where there is none.
func (s *Service) UserByPrincipalName(ctx context.Context, tenant uuid.UUID, name string) (*principal.User, error) {
	return userByPrincipalName(ctx, s.db.Reader(), tenant, name)
}

func userByPrincipalName(ctx context.Context, q database.Querier, tenant uuid.UUID, name string) (*principal.User, error) {
	var user *principal.User
	err := database.Each(ctx, q, func(scan func(...any) error) (err error) {
		user, err = scanUser(scan)
		return err
	}, `SELECT `+userColumns+` FROM users u WHERE u.tenant_id = $1 AND u.user_principal_name_key = $2 AND u.deleted_at IS NULL`,
		tenant, textkey.Fold(clean(name)))
	if err != nil {
		return nil, fmt.Errorf("read a user by principal name: %w", err)
	}
	return user, nil
}

func usersByID(ctx context.Context, q database.Querier, d database.Dialect, tenant uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]*principal.User, error) {
	users := make(map[uuid.UUID]*principal.User, len(ids))
	if len(ids) == 0 {
		return users, nil
	}
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		u, err := scanUser(scan)
		if err == nil {
			users[u.ID] = u
		}
		return err
	}, `SELECT `+userColumns+` FROM users u WHERE u.tenant_id = $1 AND `+d.In("u.id", 2), tenant, d.UUIDArray(ids))
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	return users, nil
}

const userColumns = licensing.UserColumns

func scanUser(scan func(...any) error) (*principal.User, error) {
	var u principal.User
	err := scan(&u.ID, &u.UserPrincipalName, &u.DisplayName, &u.Mail, &u.Department, &u.JobTitle, &u.UsageLocation, &u.UserType,
		&u.AccountEnabled, &u.ExternalID, &u.CreatedAt, &u.UpdatedAt, &u.DeletedAt, &u.RestoredAt, &u.Version)
	return &u, err
}

// clean makes a text that is only looked for acceptable to both databases. What it takes away
// is in no stored text.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
}
