package tenantgraph

import (
	"strings"
	"sync"

	"github.com/licensegraph/licensegraph/internal/textkey"
)

// searchIndex holds what products and plans are searched by; it is made when first needed.
type searchIndex struct {
	once     sync.Once
	products []searchKey
	plans    []searchKey
}

type searchKey struct {
	words string // textkey.SearchKey of the display name
	label string // folded
}

// matches tells whether each term begins a word of the name, or the label.
func (k searchKey) matches(terms []string) bool {
	for _, term := range terms {
		if !strings.Contains(k.words, " "+term) && !strings.HasPrefix(k.label, term) {
			return false
		}
	}
	return true
}

func (c *Catalog) searchable() *searchIndex {
	c.search.once.Do(func() {
		for _, p := range c.Products {
			c.search.products = append(c.search.products, searchKey{textkey.SearchKey(p.DisplayName), textkey.Fold(p.SkuPartNumber)})
		}
		for _, p := range c.Plans {
			c.search.plans = append(c.search.plans, searchKey{textkey.SearchKey(p.DisplayName), textkey.Fold(p.ServicePlanName)})
		}
	})
	return &c.search
}

// SearchProducts returns the products of which each word of a text begins a word of the
// display name, or the part number; all products for a blank text. The order is that of
// Products.
func (c *Catalog) SearchProducts(text string) []*Product {
	return found(c.Products, c.searchable().products, text)
}

// SearchPlans is SearchProducts for plans, with their service plan names.
func (c *Catalog) SearchPlans(text string) []*Plan {
	return found(c.Plans, c.searchable().plans, text)
}

func found[T any](items []T, keys []searchKey, text string) []T {
	if strings.TrimSpace(text) == "" {
		return items
	}
	terms := textkey.Terms(text)
	var list []T
	for i, item := range items {
		if len(terms) > 0 && keys[i].matches(terms) {
			list = append(list, item)
		}
	}
	return list
}
