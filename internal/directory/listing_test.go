package directory_test

import (
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// list returns the names of all users of a query, read in pages of two in both ways, and
// checks their number.
func (w *world) list(query directory.UserQuery) []string {
	w.t.Helper()
	var first []string
	for i, service := range []*directory.Service{w.directory.Collecting(), w.directory.Walking()} {
		names := []string{}
		args := paging.Args{First: ptr(2)}
		for {
			c, err := service.ListUsers(w.t.Context(), w.tenant, query, args)
			w.ok(err)
			names = append(names, userNames(c.Items)...)
			if !c.HasNext {
				n, err := c.Count(w.t.Context())
				w.ok(err)
				if n != len(names) {
					w.t.Errorf("counted %d, listed %q", n, names)
				}
				break
			}
			args.After = &c.Cursors[len(c.Cursors)-1]
		}
		if i == 0 {
			first = names
		}
		w.same("walking and collecting", names, first)
	}
	return first
}

// members returns the names of the first members of a group, and checks their number.
func (w *world) members(g *principal.Group, query directory.MemberQuery, count int) []string {
	w.t.Helper()
	c, err := w.directory.Members(w.t.Context(), w.tenant, g.ID, query, paging.Args{})
	w.ok(err)
	n, err := c.Count(w.t.Context())
	w.ok(err)
	if n != count {
		w.t.Errorf("%d members of %s, want %d", n, g.DisplayName, count)
	}
	return userNames(c.Items)
}

// groups returns the names of all groups of a query, and checks their number.
func (w *world) groups(query directory.GroupQuery) []string {
	w.t.Helper()
	names := []string{}
	args := paging.Args{First: ptr(2)}
	for {
		c, err := w.directory.ListGroups(w.t.Context(), w.tenant, query, args)
		w.ok(err)
		names = append(names, groupNames(c.Items)...)
		if !c.HasNext {
			n, err := c.Count(w.t.Context())
			w.ok(err)
			if n != len(names) {
				w.t.Errorf("counted %d, listed %q", n, names)
			}
			return names
		}
		args.After = &c.Cursors[len(c.Cursors)-1]
	}
}

// children returns the names of the groups nested directly in a group.
func (w *world) children(g *principal.Group) []string {
	w.t.Helper()
	c, err := w.directory.ChildGroups(w.t.Context(), w.tenant, g.ID, paging.Args{})
	w.ok(err)
	return groupNames(c.Items)
}

// warm loads the tenant's graph.
func (w *world) warm() error {
	_, err := w.licensing.Graph(w.t.Context(), w.tenant)
	return err
}

// revision is that of the tenant's graph.
func (w *world) revision() (n int64) {
	w.t.Helper()
	w.ok(w.db.Reader().QueryRowContext(w.t.Context(), `SELECT graph_revision FROM tenants WHERE id = $1`, w.tenant).Scan(&n))
	return n
}

// oneGroup returns the first group of the tenant.
func (w *world) oneGroup() uuid.UUID {
	w.t.Helper()
	c, err := w.directory.ListGroups(w.t.Context(), w.tenant, directory.GroupQuery{}, paging.Args{First: ptr(1)})
	w.ok(err)
	return c.Items[0].ID
}

// foreign returns TypeIDs of users and groups.
func foreign(users, groups []uuid.UUID) []string {
	var texts []string
	for _, u := range users {
		texts = append(texts, id.Format(id.User, u))
	}
	for _, g := range groups {
		texts = append(texts, id.Format(id.Group, g))
	}
	return texts
}
