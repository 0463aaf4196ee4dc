package licensing

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// BenchmarkDerive derives a user's licenses of five products of ten plans, each through a group that
// is nested in another.
func BenchmarkDerive(b *testing.B) {
	key := func(kind byte, n int) (u uuid.UUID) {
		u[0] = kind
		binary.BigEndian.PutUint64(u[8:], uint64(n)) //nolint:gosec // n is a count
		return u
	}
	c := tenantgraph.CatalogData{ProductPlans: map[uuid.UUID][]uuid.UUID{}}
	data := tenantgraph.Data{Tenant: key(9, 1), Country: "NL"}
	var members []tenantgraph.Member
	for p := range 5 {
		name := fmt.Sprint("product ", p)
		c.Products = append(c.Products, tenantgraph.Product{ID: key(1, p), DisplayName: name, DisplayNameKey: name})
		for n := range 10 {
			c.Plans = append(c.Plans, tenantgraph.Plan{ID: key(2, p*10+n)})
			c.ProductPlans[key(1, p)] = append(c.ProductPlans[key(1, p)], key(2, p*10+n))
		}
		for _, g := range []int{p, p + 10} {
			name := fmt.Sprint("group ", g)
			data.Groups = append(data.Groups, tenantgraph.GroupRow{Group: &principal.Group{ID: key(3, g), DisplayName: name}, NameKey: name})
		}
		data.Nestings = append(data.Nestings, tenantgraph.Nesting{Parent: key(3, p), Child: key(3, p+10)})
		data.Assignments = append(data.Assignments, &tenantgraph.Assignment{
			ID: key(4, p), GroupID: key(3, p), ProductID: key(1, p), Selection: tenantgraph.Selection{Mode: tenantgraph.All}, IncludeNested: true,
		})
		data.Subscriptions = append(data.Subscriptions, &tenantgraph.Subscription{ID: key(5, p), ProductID: key(1, p), Status: string(SubscriptionEnabled)})
		members = append(members, tenantgraph.Member{Group: key(3, p+10)})
	}
	data.Catalog = tenantgraph.NewCatalog(c, nil)
	g, user := tenantgraph.New(data), principal.User{ID: key(6, 1)}
	if n := len(derive(g, &user, members, nil, nil).Licenses()); n != 5 {
		b.Fatalf("%d licenses", n)
	}
	b.Run("inherit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g.Inherit(members)
		}
	})
	b.Run("licenses", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			derive(g, &user, members, nil, nil)
		}
	})
	b.Run("plans", func(b *testing.B) {
		d := derive(g, &user, members, nil, nil)
		b.ReportAllocs()
		for b.Loop() {
			d.Plans()
		}
	})
}
