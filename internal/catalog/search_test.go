package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/catalog"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

func searched(names ...[2]string) *tenantgraph.Catalog {
	var data tenantgraph.CatalogData
	for i, n := range names {
		data.Products = append(data.Products, tenantgraph.Product{ID: sku(i), SkuPartNumber: n[1], DisplayName: n[0], DisplayNameKey: textkey.Fold(n[0])})
		data.Plans = append(data.Plans, tenantgraph.Plan{ID: plan(i), ServicePlanName: n[1], DisplayName: n[0], DisplayNameKey: textkey.Fold(n[0])})
	}
	return tenantgraph.NewCatalog(data, nil)
}

func TestSearchFindsBeginningsOfWordsOfNamesAndLabels(t *testing.T) {
	c := searched([2]string{"Quay Desk (island)", "QD_ISL"}, [2]string{"Harbour Suite, Large", "HARBOUR_L"}, [2]string{"Straßenbahn-Pass", "TRAM"}, [2]string{"harbour suite, small", "HARBOUR_S"})
	for search, want := range map[string]string{
		"":                "HARBOUR_L HARBOUR_S QD_ISL TRAM",
		"  ":              "HARBOUR_L HARBOUR_S QD_ISL TRAM",
		"--":              "",
		"SUIT":            "HARBOUR_L HARBOUR_S",
		"suite harb":      "HARBOUR_L HARBOUR_S",
		"harbour la":      "HARBOUR_L",
		"harbour_s":       "HARBOUR_S",
		"isl":             "QD_ISL",
		"(isl":            "QD_ISL",
		"qd quay":         "QD_ISL",
		"esk":             "",
		"harbour x":       "",
		"STRASSENB":       "TRAM",
		"straßenbahn-p":   "TRAM",
		"pass":            "TRAM",
		"\u00a0tram":      "TRAM",
		"harbour harbour": "HARBOUR_L HARBOUR_S",
	} {
		var products, plans []string
		for _, p := range catalog.SearchProducts(c, search) {
			products = append(products, p.SkuPartNumber)
		}
		for _, p := range catalog.SearchPlans(c, search) {
			plans = append(plans, p.ServicePlanName)
		}
		if got := strings.Join(products, " "); got != want {
			t.Errorf("products for %q: %q, want %q", search, got, want)
		}
		if !slices.Equal(products, plans) {
			t.Errorf("for %q products are %q, plans %q", search, products, plans)
		}
	}
}

func TestAChangedResultOfASearchLeavesTheCatalogueAlone(t *testing.T) {
	c := searched([2]string{"A", "A"}, [2]string{"B", "B"})
	slices.Reverse(catalog.SearchProducts(c, ""))
	if c.Products[0].DisplayName != "A" {
		t.Error("the catalogue's order changed")
	}
}

// BenchmarkSearchProducts measures a catalogue as large as the largest vendor's.
func BenchmarkSearchProducts(b *testing.B) {
	var data tenantgraph.CatalogData
	for i := range 600 {
		name := fmt.Sprintf("Harbour Suite %d for departments, Edition %c", i, 'A'+i%26)
		data.Products = append(data.Products, tenantgraph.Product{ID: uuid.New(), SkuPartNumber: fmt.Sprintf("HARBOUR_SUITE_%d", i), DisplayName: name, DisplayNameKey: textkey.Fold(name)})
	}
	c := tenantgraph.NewCatalog(data, nil)
	for _, search := range []string{"suite 59", "harb"} {
		b.Run(search, func(b *testing.B) {
			for b.Loop() {
				catalog.SearchProducts(c, search)
			}
		})
	}
}
