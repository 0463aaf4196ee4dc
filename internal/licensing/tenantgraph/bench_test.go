package tenantgraph

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/principal"
)

func benchID(kind byte, n int) (u uuid.UUID) {
	u[0] = kind
	binary.BigEndian.PutUint64(u[8:], uint64(n)) //nolint:gosec // n is a count
	return u
}

// large is a graph of 5,000 groups nested up to four levels and 1,000 assignments.
func large() Data {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // sample data, not secrets
	c := CatalogData{ProductPlans: map[uuid.UUID][]uuid.UUID{}}
	for p := range 200 {
		c.Products = append(c.Products, Product{ID: benchID(1, p), DisplayName: fmt.Sprint("Product ", p), DisplayNameKey: fmt.Sprint("product ", p)})
		for n := range 10 {
			c.Plans = append(c.Plans, Plan{ID: benchID(2, p*10+n)})
			c.ProductPlans[benchID(1, p)] = append(c.ProductPlans[benchID(1, p)], benchID(2, p*10+n))
		}
	}
	d := Data{Catalog: NewCatalog(c, nil)}
	level := make([]int, 5_000)
	for n := range level {
		name := fmt.Sprint("Group ", n)
		d.Groups = append(d.Groups, GroupRow{Group: &principal.Group{ID: benchID(3, n), DisplayName: name}, NameKey: name})
		if n < 20 || random.Float64() < 0.45 {
			continue
		}
		if p := random.IntN(n); level[p] < 3 {
			level[n] = level[p] + 1
			d.Nestings = append(d.Nestings, Nesting{Parent: benchID(3, p), Child: benchID(3, n)})
		}
	}
	for n := range 1_000 {
		d.Assignments = append(d.Assignments, &Assignment{
			ID: benchID(4, n), GroupID: benchID(3, n*5), ProductID: benchID(1, n%200), Selection: Selection{Mode: All}, IncludeNested: true,
		})
	}
	for p := range 200 {
		d.Subscriptions = append(d.Subscriptions, &Subscription{ID: benchID(5, p), ProductID: benchID(1, p), Status: "ENABLED"})
	}
	return d
}

// Building the graph of a large tenant, and editing it for one assignment: compare the two of one
// run.
func BenchmarkLargeGraph(b *testing.B) {
	d := large()
	g := New(d)
	b.Run("build", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			New(d)
		}
	})
	b.Run("edit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e := g.Edit()
			e.PutAssignment(&Assignment{ID: benchID(4, 5_000), GroupID: benchID(3, 1), ProductID: benchID(1, 0), Selection: Selection{Mode: All}, IncludeNested: true})
			ReachDiffers(g, e.Graph())
		}
	})
}
