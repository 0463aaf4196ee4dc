package licensing

import (
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/principal"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// groupsIn writes groups that are new or have new fields.
func (w *writer) groupsIn(all map[uuid.UUID]*tenantgraph.GroupRow) error {
	for _, g := range all {
		if g == nil {
			continue
		}
		if w.d.Graph.Group(g.ID) != nil {
			if err := w.keep("groups", "groups t WHERE t.tenant_id = $1 AND t.id = $2", w.d.Tenant, g.ID); err != nil {
				return err
			}
		}
		err := w.exec(`INSERT INTO groups (id, tenant_id, display_name, display_name_key, search_key, description, external_id, created_at, updated_at, version)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name, display_name_key = excluded.display_name_key,
			search_key = excluded.search_key, description = excluded.description, external_id = excluded.external_id,
			updated_at = excluded.updated_at, version = excluded.version`,
			g.ID, w.d.Tenant, g.DisplayName, g.NameKey, textkey.SearchKey(g.DisplayName), g.Description, g.ExternalID,
			g.CreatedAt, g.UpdatedAt, g.Version)
		if err == nil && w.d.Graph.Group(g.ID) == nil {
			err = w.exec(`INSERT INTO group_counters (tenant_id, group_id, members) VALUES ($1, $2, 0)`, w.d.Tenant, g.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// groupsOut removes groups with what hangs on them.
func (w *writer) groupsOut(all map[uuid.UUID]*tenantgraph.GroupRow) error {
	for group, g := range all {
		if g != nil {
			continue
		}
		if err := w.end("memberships", `memberships t WHERE t.tenant_id = $1 AND t.group_id = $2`, w.d.Tenant, group); err != nil {
			return err
		}
		if err := w.exec(`DELETE FROM group_counters WHERE tenant_id = $1 AND group_id = $2`, w.d.Tenant, group); err != nil {
			return err
		}
		if err := w.end("groups", `groups t WHERE t.tenant_id = $1 AND t.id = $2`, w.d.Tenant, group); err != nil {
			return err
		}
	}
	return nil
}

// users writes users that are new or have new fields, with their words.
func (w *writer) users() error {
	for _, u := range w.d.users {
		if u.after == nil {
			continue
		}
		if err := w.user(u.before, u.after); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) user(before, u *principal.User) error {
	if before != nil {
		if err := w.keep("users", `users t WHERE t.tenant_id = $1 AND t.id = $2`, w.d.Tenant, u.ID); err != nil {
			return err
		}
	}
	err := w.exec(`INSERT INTO users (id, tenant_id, user_principal_name, user_principal_name_key, display_name, display_name_key, mail,
		department, job_title, usage_location, user_type, account_enabled, external_id, created_at, updated_at, deleted_at, restored_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
		ON CONFLICT (id) DO UPDATE SET user_principal_name = excluded.user_principal_name,
		user_principal_name_key = excluded.user_principal_name_key, display_name = excluded.display_name,
		display_name_key = excluded.display_name_key, mail = excluded.mail, department = excluded.department,
		job_title = excluded.job_title, usage_location = excluded.usage_location, user_type = excluded.user_type,
		account_enabled = excluded.account_enabled, external_id = excluded.external_id, updated_at = excluded.updated_at,
		deleted_at = excluded.deleted_at, restored_at = excluded.restored_at, version = excluded.version`,
		u.ID, w.d.Tenant, u.UserPrincipalName, textkey.Fold(u.UserPrincipalName), u.DisplayName, textkey.Fold(u.DisplayName), u.Mail,
		u.Department, u.JobTitle, u.UsageLocation, string(u.UserType), u.AccountEnabled, u.ExternalID, u.CreatedAt, u.UpdatedAt,
		u.DeletedAt, u.RestoredAt, u.Version)
	if err != nil {
		return err
	}
	if before != nil && (before.DeletedAt == nil) != (u.DeletedAt == nil) { // R19: in no count while deleted
		delta := -num(u.DeletedAt != nil) + num(u.DeletedAt == nil)
		err = w.exec(`UPDATE group_counters SET members = members + $3 WHERE tenant_id = $1 AND group_id IN
			(SELECT group_id FROM memberships WHERE tenant_id = $1 AND user_id = $2)`, w.d.Tenant, u.ID, delta)
		if err != nil {
			return err
		}
	}
	if before != nil && before.DisplayName == u.DisplayName && before.UserPrincipalName == u.UserPrincipalName {
		return nil
	}
	if before != nil {
		if err := w.exec(`DELETE FROM user_words WHERE tenant_id = $1 AND user_id = $2`, w.d.Tenant, u.ID); err != nil {
			return err
		}
	}
	words := textkey.Words(u.DisplayName, u.UserPrincipalName)
	return w.exec(`INSERT INTO user_words (tenant_id, user_id, word_key) SELECT $1, $2, v.word FROM `+
		w.q.Unnest("v", 3, database.Column{Name: "word", Type: database.Text}),
		append([]any{w.d.Tenant, u.ID}, w.q.UnnestArgs(words)...)...)
}
