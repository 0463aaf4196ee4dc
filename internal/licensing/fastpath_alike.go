package licensing

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

// alike are users of whom no two differ: the direct members of the one group that the products of
// a change reach, where nobody has them directly or is in error. What becomes of one becomes of
// all, and how many they are is counted already.
type alike struct {
	users                             int64
	gains, loses, keeps, takesNothing bool
}

// findAlike finds out whether the users of the change are alike, and then counts them.
func (f *fastPath) findAlike(ctx context.Context) error {
	var group uuid.UUID
	for n, p := range f.pairs {
		if n > 0 && p.group != group {
			return nil
		}
		group = p.group
	}
	var products []uuid.UUID
	for _, p := range f.products {
		if f.counts[p.ID].InError > 0 {
			return nil
		}
		products = append(products, p.ID)
	}
	q := f.d.Tx.Dialect()
	direct := 0
	row := f.d.Tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM assignments a WHERE a.tenant_id = $1 AND `+q.In("a.product_id", 2)+`
		AND a.user_id IS NOT NULL AND NOT a.scheduled LIMIT 1) x`, f.d.Tenant, q.UUIDArray(products))
	if err := row.Scan(&direct); err != nil {
		return fmt.Errorf("look for direct assignments: %w", err)
	}
	if direct > 0 {
		return nil
	}
	a := &alike{}
	if len(f.pairs) > 0 && f.book.before.Group(group) != nil { // a created group has no members but named ones
		row := f.d.Tx.QueryRowContext(ctx, `SELECT members FROM group_counters WHERE tenant_id = $1 AND group_id = $2`, f.d.Tenant, group)
		if err := row.Scan(&a.users); err != nil {
			return fmt.Errorf("count the members: %w", err)
		}
	}
	f.alike = a
	brought := false
	for _, p := range f.products {
		a.add(f, p, &brought)
	}
	a.takesNothing = !brought
	return nil
}

// add adds what a product does to the users; brought is set where it is one that the call brings
// them, and that they hold then.
func (a *alike) add(f *fastPath, p *fastProduct, brought *bool) {
	var had, has, differ, begins bool
	for _, r := range f.pairs {
		if r.bound.ProductID == p.ID {
			had, has = had || r.before, has || r.after
			differ = differ || r.before != r.after || r.edited
			begins = begins || r.after && !r.before
		}
	}
	*brought = *brought || has && (begins || f.d.adds[p.ID])
	switch {
	case had && !has:
		p.losing, a.loses = a.users, true
	case had && differ:
		p.kept, a.keeps = a.users, true
	case has && !had:
		p.newcomers, a.gains = a.users, true
	}
}

// fill puts the users into an impact of several products, each once.
func (a *alike) fill(i *Impact) {
	i.UsersGaining, i.UsersLosing, i.UsersChanged = int(a.users*num(a.gains)), int(a.users*num(a.loses)), int(a.users*num(a.keeps))
	i.losses.users = a.users * num(a.loses && a.takesNothing)
}
