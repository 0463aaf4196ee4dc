package catalog

import (
	"slices"
	"strings"

	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// SearchProducts returns the products, retired ones included, of which each word of search
// begins a word of the display name or of the part number, whatever the letter case. They stand
// in display order. A blank search finds all; one of signs alone finds none.
func SearchProducts(c *tenantgraph.Catalog, search string) []*tenantgraph.Product {
	return find(c.Products, search, func(p *tenantgraph.Product) (key, label string) { return p.DisplayNameKey, p.SkuPartNumber })
}

// SearchPlans is SearchProducts for plans, by display name and service plan name.
func SearchPlans(c *tenantgraph.Catalog, search string) []*tenantgraph.Plan {
	return find(c.Plans, search, func(p *tenantgraph.Plan) (key, label string) { return p.DisplayNameKey, p.ServicePlanName })
}

// find never returns the catalogue's own list, which nobody may change.
func find[T any](items []T, search string, names func(T) (key, label string)) []T {
	terms := textkey.Terms(search)
	if len(terms) == 0 {
		if strings.TrimSpace(search) == "" {
			return slices.Clone(items)
		}
		return nil
	}
	var found []T
	for _, item := range items {
		key, label := names(item)
		if label = textkey.Fold(label); containsAll(terms, key, label) && beginsWords(terms, textkey.Words(key, label)) {
			found = append(found, item)
		}
	}
	return found
}

// containsAll is the cheap condition without which beginsWords cannot hold: it spares nearly
// all items the making of their words.
func containsAll(terms []string, key, label string) bool {
	for _, t := range terms {
		if !strings.Contains(key, t) && !strings.Contains(label, t) {
			return false
		}
	}
	return true
}

func beginsWords(terms, words []string) bool {
	for _, t := range terms {
		at, exact := slices.BinarySearch(words, t)
		if !exact && (at == len(words) || !strings.HasPrefix(words[at], t)) {
			return false
		}
	}
	return true
}
