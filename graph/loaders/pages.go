package loaders

import (
	"context"
	"sync"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// pageKey names a page of a list that belongs to something: with all arguments, so that two
// fields that differ in one never share an answer.
type pageKey struct {
	of, with      uuid.UUID // with: what the list is narrowed to
	transitive    bool
	asOf          clock.Instant // zero: now
	search        string
	first, last   int // none where absent
	after, before string
	cursors       [2]bool // whether after and before are given
}

const none = -1 << 31

func keyOf(of uuid.UUID, transitive bool, search string, args paging.Args) pageKey {
	key := pageKey{of: of, transitive: transitive, search: search, first: none, last: none}
	if args.First != nil {
		key.first = *args.First
	}
	if args.Last != nil {
		key.last = *args.Last
	}
	if args.After != nil {
		key.after, key.cursors[0] = *args.After, true
	}
	if args.Before != nil {
		key.before, key.cursors[1] = *args.Before, true
	}
	return key
}

// once reads each page once, however often a request asks for it: the same group, say, shown
// beneath each of its members.
type once[T any] struct {
	mu    sync.Mutex
	pages map[pageKey]func() (paging.Connection[T], error)
}

func (o *once[T]) page(key pageKey, read func() (paging.Connection[T], error)) (paging.Connection[T], error) {
	o.mu.Lock()
	if o.pages == nil {
		o.pages = map[pageKey]func() (paging.Connection[T], error){}
	}
	if o.pages[key] == nil {
		o.pages[key] = sync.OnceValues(read)
	}
	get := o.pages[key]
	o.mu.Unlock()
	return get()
}

// pages are those of lists that belong to something.
type pages struct {
	members  once[*principal.User]
	holders  once[*principal.User]
	errors   once[*licensing.LicenseError]
	assigned once[*licensing.Assignment]
	waiting  once[*licensing.Waiting]
	counts   *together[uuid.UUID, int]
}

func newPages(l *Loaders) *pages {
	return &pages{counts: newTogether(func(ctx context.Context, groups []uuid.UUID) ([]int, error) {
		counts, err := l.from.Licensing.MemberCounts(ctx, l.Tenant, groups)
		if err != nil {
			return nil, err
		}
		list := make([]int, len(groups))
		for i, g := range groups {
			list[i] = counts[g]
		}
		return list, nil
	})}
}

// ExpectGroups says that groups are shown together.
func (l *Loaders) ExpectGroups(groups []*principal.Group) {
	ids := make([]uuid.UUID, len(groups))
	for i, g := range groups {
		ids[i] = g.ID
	}
	l.pages.counts.expect(ids)
}

// MemberCount returns the number of a group's direct members.
func (l *Loaders) MemberCount(ctx context.Context, group uuid.UUID) (int, error) {
	return l.pages.counts.load(ctx, group)
}

// Members returns a page of a group's members.
//
// Errors: as directory.Service.Members.
func (l *Loaders) Members(ctx context.Context, group uuid.UUID, query directory.MemberQuery, args paging.Args) (paging.Connection[*principal.User], error) {
	key := keyOf(group, query.Transitive, query.Search, args)
	if query.AsOf != nil {
		key.asOf = *query.AsOf
	}
	return l.pages.members.page(key, func() (paging.Connection[*principal.User], error) {
		c, err := l.from.Directory.Members(ctx, l.Tenant, group, query, args)
		if query.AsOf == nil && !query.Transitive && query.Search == "" { // kept, and read for many groups at once
			c.Count = func(ctx context.Context) (int, error) { return l.MemberCount(ctx, group) }
		}
		return c, err
	})
}

// Holders returns a page of the users who hold a product.
//
// Errors: as directory.Service.Holders.
func (l *Loaders) Holders(ctx context.Context, product uuid.UUID, search string, args paging.Args) (paging.Connection[*principal.User], error) {
	return l.pages.holders.page(keyOf(product, false, search, args), func() (paging.Connection[*principal.User], error) {
		return l.from.Directory.Holders(ctx, l.Tenant, product, search, args)
	})
}

// Waiting returns a page of the users who wait for a seat of a product.
//
// Errors: as licensing.Service.WaitingFor.
func (l *Loaders) Waiting(ctx context.Context, product uuid.UUID, args paging.Args) (paging.Connection[*licensing.Waiting], error) {
	return l.pages.waiting.page(keyOf(product, false, "", args), func() (paging.Connection[*licensing.Waiting], error) {
		return l.from.Licensing.WaitingFor(ctx, l.Tenant, product, args)
	})
}

// AssignmentsOf returns a page of a product's assignments; with a plan only those that turn it
// on.
//
// Errors: as licensing.Service.Assignments.
func (l *Loaders) AssignmentsOf(ctx context.Context, product uuid.UUID, plan *uuid.UUID, args paging.Args) (paging.Connection[*licensing.Assignment], error) {
	key := keyOf(product, plan != nil, "", args)
	if plan != nil {
		key.with = *plan
	}
	return l.pages.assigned.page(key, func() (paging.Connection[*licensing.Assignment], error) {
		return l.from.Licensing.Assignments(ctx, l.Tenant, product, plan, args)
	})
}

// ErrorsOf returns a page of the errors in a group's own assignments.
//
// Errors: as licensing.Service.Errors.
func (l *Loaders) ErrorsOf(ctx context.Context, group uuid.UUID, args paging.Args) (paging.Connection[*licensing.LicenseError], error) {
	return l.pages.errors.page(keyOf(group, false, "", args), func() (paging.Connection[*licensing.LicenseError], error) {
		return l.from.Licensing.Errors(ctx, l.Tenant, licensing.ErrorFilter{Group: &group}, args)
	})
}
