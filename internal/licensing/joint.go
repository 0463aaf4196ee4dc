package licensing

import (
	"slices"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/fault"
)

// Several changes can be planned on one draft, one after the other, and are judged as one (R30):
// each is planned against the state before, and what the others bring counts where it is judged.

// Begin says which of several changes is planned from here on, and where it stands in the input:
// what the engine refuses of it bears that path.
func (d *Draft) Begin(part int, path ...any) {
	if d.parts == nil {
		d.parts = map[int][]any{}
	}
	d.part, d.parts[part] = part, path
	d.changed, d.event.Summary = false, ""
}

// End returns what the change that was begun is in one sentence, and whether it changes anything.
func (d *Draft) End() (summary string, changed bool) { return d.event.Summary, d.changed }

// Together completes a draft on which several changes were planned: what it is as a whole, and
// whether any of them changes anything. Whoever is a subject of several is named once.
func (d *Draft) Together(summary string, changed bool) {
	d.changed, d.event.Summary = changed, summary
	seen := map[string]bool{}
	d.event.Subjects = slices.DeleteFunc(d.event.Subjects, func(s audit.Subject) bool {
		was := seen[s.ID]
		seen[s.ID] = true
		return was
	})
	if d.losses != nil && len(d.parts) > 1 {
		d.losses = func(users int) *fault.Error {
			return fault.New(fault.ConfirmationRequired, "These changes end the last live subscription of a product: %d users would lose a product.", users)
		}
	}
}

// asks takes note of the products that a change asks to add (R27). Of several changes, those
// count that each of them adds: what one adds for some users is nothing that others get.
func (d *Draft) asks(wanted []want) {
	for product := range d.adds {
		if !slices.ContainsFunc(wanted, func(w want) bool { return w.product.ID == product }) {
			delete(d.adds, product)
		}
	}
	for _, w := range wanted {
		if !d.asked {
			d.adds[w.product.ID] = true
		}
	}
	d.asked = true
}
