package tenantgraph_test

import (
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// Each word of the text begins a word of the name, or the label, in any letter case.
func TestSearchOfProductsAndPlans(t *testing.T) {
	data := catalog(plain())
	data.Products[0].DisplayName, data.Products[0].SkuPartNumber = "Office Suite for Teams", "OFFICE_E5"
	c := tenantgraph.NewCatalog(data, nil)
	for text, want := range map[string]string{
		"": "Base, Office Suite for Teams", "  ": "Base, Office Suite for Teams", "suite": "Office Suite for Teams", "SUI OFF": "Office Suite for Teams",
		"office_e": "Office Suite for Teams", "uite": "", "suite base": "", "ba": "Base", "-": "",
	} {
		var names []string
		for _, p := range c.SearchProducts(text) {
			names = append(names, p.DisplayName)
		}
		if got := strings.Join(names, ", "); got != want {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
	if plans := c.SearchPlans("ma"); len(plans) != 1 || plans[0].ID != mail {
		t.Errorf("the plans found are %v", plans)
	}
}
