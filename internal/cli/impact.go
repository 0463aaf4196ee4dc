package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/licensing"
)

// writeTenants prints what a change of the catalogue does to the tenants that use it.
func writeTenants(w io.Writer, tenants []*licensing.TenantImpact) {
	if len(tenants) == 0 {
		return
	}
	fmt.Fprintf(w, "\nOrganisations that use what changes (%d)\n", len(tenants))
	for _, t := range tenants {
		fmt.Fprintf(w, "  %s\n", t.Name)
		if losing, threshold := confirmationOf(t); losing > 0 {
			fmt.Fprintf(w, "    %s would lose a product; up to %d may without being asked\n", counted(losing, "user"), threshold)
		}
		writeImpact(w, t.Outcome.Impact)
	}
}

func writeImpact(w io.Writer, impact *licensing.Impact) {
	products := impact.ByProduct()
	if len(products) == 0 {
		fmt.Fprintln(w, "    nobody's licenses change")
		return
	}
	seats := make(map[uuid.UUID]*licensing.ProductImpact, len(impact.Products))
	for _, p := range impact.Products {
		seats[p.Product.ID] = p
	}
	for _, p := range products {
		fmt.Fprintf(w, "    %s (%s): %s%s\n", p.Product.DisplayName, p.Product.SkuPartNumber, usersText(p.Users), seatsText(seats[p.Product.ID]))
	}
}

// usersText says how many users a change concerns, and how.
func usersText(users map[licensing.ChangeKind]int) string {
	var parts []string
	for _, k := range []struct {
		kind                   licensing.ChangeKind
		singular, plural, what string
	}{
		{licensing.Gained, "gains", "gain", "it"},
		{licensing.Lost, "loses", "lose", "it"},
		{licensing.Changed, "keeps", "keep", "it with other plans"},
		{licensing.ErrorRaised, "has", "have", "a new error"},
		{licensing.ErrorClear, "is", "are", "rid of an error"},
	} {
		verb := k.plural
		if users[k.kind] == 1 {
			verb = k.singular
		}
		if users[k.kind] > 0 {
			parts = append(parts, fmt.Sprintf("%s %s %s", counted(users[k.kind], "user"), verb, k.what))
		}
	}
	return strings.Join(parts, ", ")
}

// seatsText tells how many seats are taken, where the change moves that.
func seatsText(p *licensing.ProductImpact) string {
	if p == nil || p.SeatsBefore.Consumed == p.SeatsAfter.Consumed {
		return ""
	}
	of := ""
	if p.SeatsAfter.Total != nil {
		of = fmt.Sprintf(" of %d", *p.SeatsAfter.Total)
	}
	return fmt.Sprintf("; %d%s seats taken, %d before", p.SeatsAfter.Consumed, of, p.SeatsBefore.Consumed)
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
