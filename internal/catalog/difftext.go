package catalog

import (
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"
)

// Write prints the difference for a person: counts first, then what changes, grouped.
func (d Diff) Write(w io.Writer) error {
	var b strings.Builder
	if d.Empty() {
		b.WriteString("nothing changes\n")
	} else {
		d.writeCounts(&b)
		d.writeProducts(&b)
		d.writePlans(&b)
		d.writeSets(&b)
		d.writeRules(&b)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the difference: %w", err)
	}
	return nil
}

func (d Diff) writeCounts(b *strings.Builder) {
	for _, line := range []struct {
		what   string
		counts []tag
	}{
		{"products", []tag{{len(d.ProductsAdded), "added"}, {len(d.ProductsRenamed), "renamed"}, {len(d.PlansMoved), "with plans moved"},
			{len(d.ProductsRetired), "retired"}, {len(d.ProductsReturned), "no longer retired"}}},
		{"plans", []tag{{len(d.PlansAdded), "added"}, {len(d.PlansRenamed), "renamed"},
			{len(d.PlansRetired), "retired"}, {len(d.PlansReturned), "no longer retired"}}},
		{"exclusion sets", []tag{{len(d.SetsAdded), "added"}, {len(d.SetsChanged), "changed"}, {len(d.SetsWithdrawn), "withdrawn"}}},
		{"prerequisites", []tag{{len(d.PrerequisitesAdded), "added"}, {len(d.PrerequisitesChanged), "changed"}, {len(d.PrerequisitesWithdrawn), "withdrawn"}}},
		{"location rules", []tag{{len(d.LocationsAdded), "added"}, {len(d.LocationsChanged), "changed"}, {len(d.LocationsWithdrawn), "withdrawn"}}},
		{"automatic plans", []tag{{len(d.AutomaticAdded), "added"}, {len(d.AutomaticWithdrawn), "withdrawn"}}},
	} {
		var parts []string
		for _, t := range line.counts {
			if t.n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", t.n, t.word))
			}
		}
		if len(parts) > 0 {
			fmt.Fprintf(b, "%s: %s\n", line.what, strings.Join(parts, ", "))
		}
	}
}

type tag struct {
	n    int
	word string
}

func (d Diff) writeProducts(b *strings.Builder) {
	group(b, "Products added", d.ProductsAdded, func(p Product) {
		fmt.Fprintf(b, "  %s: %s\n", labelOfProduct(p), plural(len(p.Plans), "plan"))
	})
	group(b, "Products renamed", d.ProductsRenamed, func(r ProductRename) {
		writeRename(b, r.After.SkuID, rename{"name", r.Before.DisplayName, r.After.DisplayName},
			rename{"part number", r.Before.PartNumber, r.After.PartNumber})
	})
	group(b, "Plans moved into or out of products", d.PlansMoved, func(m PlanMove) {
		fmt.Fprintf(b, "  %s\n", labelOfProduct(m.Product))
		writeMembers(b, m.Added, m.Removed)
	})
	group(b, "Products retired", d.ProductsRetired, func(p Product) { fmt.Fprintf(b, "  %s\n", labelOfProduct(p)) })
	group(b, "Products no longer retired", d.ProductsReturned, func(p Product) { fmt.Fprintf(b, "  %s\n", labelOfProduct(p)) })
}

func (d Diff) writePlans(b *strings.Builder) {
	group(b, "Plans added", d.PlansAdded, func(p Plan) { fmt.Fprintf(b, "  %s\n", labelOfPlan(p)) })
	group(b, "Plans renamed", d.PlansRenamed, func(r PlanRename) {
		writeRename(b, r.After.ID, rename{"display name", r.Before.DisplayName, r.After.DisplayName},
			rename{"name", r.Before.Name, r.After.Name})
	})
	group(b, "Plans retired", d.PlansRetired, func(p Plan) { fmt.Fprintf(b, "  %s\n", labelOfPlan(p)) })
	group(b, "Plans no longer retired", d.PlansReturned, func(p Plan) { fmt.Fprintf(b, "  %s\n", labelOfPlan(p)) })
}

func (d Diff) writeSets(b *strings.Builder) {
	members := func(s SetChange) {
		name := fmt.Sprintf("%q", s.Name)
		if s.NameBefore != "" && s.NameBefore != s.Name {
			name += fmt.Sprintf(", until now %q", s.NameBefore)
		}
		fmt.Fprintf(b, "  %s\n", name)
		writeMembers(b, s.Added, s.Removed)
	}
	group(b, "Exclusion sets added", d.SetsAdded, members)
	group(b, "Exclusion sets changed", d.SetsChanged, members)
	group(b, "Exclusion sets withdrawn", d.SetsWithdrawn, members)
}

func (d Diff) writeRules(b *strings.Builder) {
	anyOf := func(c PrerequisiteChange) {
		fmt.Fprintf(b, "  %s\n", labelOfPlan(c.Plan))
		writeMembers(b, c.Added, c.Removed)
	}
	group(b, "Prerequisites added", d.PrerequisitesAdded, anyOf)
	group(b, "Prerequisites changed", d.PrerequisitesChanged, anyOf)
	group(b, "Prerequisites withdrawn", d.PrerequisitesWithdrawn, anyOf)
	countries := func(c LocationChange) {
		fmt.Fprintf(b, "  %s\n", labelOfPlan(c.Plan))
		writeCountries(b, "+ allowed in", c.Allowed)
		writeCountries(b, "- allowed in", c.NoLongerAllowed)
		writeCountries(b, "+ prohibited in", c.Prohibited)
		writeCountries(b, "- prohibited in", c.NoLongerProhibited)
	}
	group(b, "Location rules added", d.LocationsAdded, countries)
	group(b, "Location rules changed", d.LocationsChanged, countries)
	group(b, "Location rules withdrawn", d.LocationsWithdrawn, countries)
	group(b, "Automatic plans added", d.AutomaticAdded, func(p Plan) { fmt.Fprintf(b, "  %s\n", labelOfPlan(p)) })
	group(b, "Automatic plans withdrawn", d.AutomaticWithdrawn, func(p Plan) { fmt.Fprintf(b, "  %s\n", labelOfPlan(p)) })
}

func writeCountries(b *strings.Builder, what string, codes []string) {
	if len(codes) > 0 {
		fmt.Fprintf(b, "    %s %s\n", what, strings.Join(codes, ", "))
	}
}

// group prints a heading and the items below it, or nothing.
func group[T any](b *strings.Builder, heading string, items []T, item func(T)) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s (%d)\n", heading, len(items))
	for _, i := range items {
		item(i)
	}
}

func writeMembers(b *strings.Builder, added, removed []Plan) {
	for _, p := range added {
		fmt.Fprintf(b, "    + %s\n", labelOfPlan(p))
	}
	for _, p := range removed {
		fmt.Fprintf(b, "    - %s\n", labelOfPlan(p))
	}
}

type rename struct{ what, before, after string }

func writeRename(b *strings.Builder, id uuid.UUID, names ...rename) {
	var parts []string
	for _, n := range names {
		if n.before != n.after {
			parts = append(parts, fmt.Sprintf("%s %q → %q", n.what, n.before, n.after))
		}
	}
	fmt.Fprintf(b, "  %s: %s\n", id, strings.Join(parts, ", "))
}

func labelOfProduct(p Product) string {
	return fmt.Sprintf("%s (%s, %s)", p.DisplayName, p.PartNumber, p.SkuID)
}

func labelOfPlan(p Plan) string {
	if p.Name == "" {
		return p.ID.String()
	}
	return fmt.Sprintf("%s (%s, %s)", p.DisplayName, p.Name, p.ID)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
