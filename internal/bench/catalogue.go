package bench

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/licensegraph/licensegraph/internal/catalog"
)

// Products with a part of their own.
const (
	productBase      = 0   // everybody's, all but some plans
	productScarce    = 2   // everybody's, with too few seats
	productEverybody = 3   // to be assigned to everybody; in no rule and no group
	productSwap      = 4   // what it is swapped for
	productBulk      = 5   // to be assigned to many users at once
	productDirect    = 6   // the first of those that users have of their own
	directProducts   = 5   // how many these are
	productParent    = 11  // the first of two that groupParent holds
	productPlain     = 13  // the first of those that plain groups hold
	productLargest   = 60  // has 111 plans
	productSmallest  = 61  // has 5
	productShared    = 150 // held by sharedGroups groups; in rules
	productConflict  = 151 // excludes it
	productRuled     = 152 // the first of those in rules that plain groups hold
)

const (
	productCount    = 200
	freeProducts    = 150 // whose plans are in no rule
	planCount       = 800
	freePlans       = 640 // those in no rule
	subscribedFree  = 120
	subscribedRuled = 15

	setCount, setSize = 8, 4      // exclusion sets, from firstSet on
	firstSet          = freePlans //
	firstDependent    = firstSet + setCount*setSize
	dependents        = 12 // plans that need the one that stands as many places after
	firstBase         = firstDependent + dependents
	firstLocated      = firstBase + dependents
	located           = 10 // plans with a location rule
	automaticPlan     = planCount - 1
)

var (
	services = strings.Fields("Mail Sites Chat Boards Forms Notes Calls Meetings Drive Tasks Planner Video Whiteboard Bookings Reports " +
		"Flows Apps Pages Search Archive Vault Identity Devices Labels Audit Backup Insights Projects Diagrams Contacts Translate " +
		"Assistant Learning Surveys Printing Desktop Mobile Browser Gateway Directory")
	suites = strings.Fields("Office Frontline Enterprise Business Education Government Security Compliance Analytics Automation " +
		"Sales Service Finance Commerce Projects Voice Design Developer Research Partner")
)

func planName(n int) string {
	return fmt.Sprintf("%s Plan %d", services[n%len(services)], n/len(services)+1)
}

func productName(n int) string {
	return fmt.Sprintf("%s Suite E%d", suites[n%len(suites)], n/len(suites)+1)
}

// productPlans are the plans of all products. Suites share the plans that are popular.
func (l *layout) productPlans() [][]int {
	random := rand.New(rand.NewPCG(l.Seed, 2)) //nolint:gosec // sample data, not secrets
	products := make([][]int, productCount)
	for p := range products {
		size := 5 + int(106.99*math.Pow(random.Float64(), 3))
		switch p {
		case productBase:
			size = 40
		case productLargest:
			size = 111
		case productSmallest:
			size = 5
		}
		plans := map[int]bool{}
		if p >= freeProducts {
			for _, r := range ruledPlans(p, random) {
				plans[r] = true
				products[p] = append(products[p], r)
			}
		}
		for len(products[p]) < size {
			// A quadratic fall: the first plans are in many products, the last in few.
			if f := int(freePlans * math.Pow(random.Float64(), 2)); !plans[f] {
				plans[f] = true
				products[p] = append(products[p], f)
			}
		}
	}
	return products
}

// ruledPlans are the plans of a product that are in rules: at most one of each exclusion set.
func ruledPlans(product int, random *rand.Rand) []int {
	dependent := random.IntN(dependents)
	switch product {
	case productShared:
		return []int{firstSet, firstDependent, firstBase, firstLocated}
	case productConflict:
		return []int{firstSet + 1}
	case productRuled:
		return []int{automaticPlan}
	}
	plans := []int{firstSet + setSize*(1+random.IntN(setCount-1)) + random.IntN(setSize), firstDependent + dependent}
	if random.Float64() < 0.8 { // else the plan needs another product
		plans = append(plans, firstBase+dependent)
	}
	if random.Float64() < 0.5 {
		plans = append(plans, firstLocated+1+random.IntN(located-1))
	}
	return plans
}

// catalogue is the catalogue as files to import.
func (l *layout) catalogue() (catalog.Input, error) {
	var failed error
	file := func(name string, rows [][]string) catalog.File {
		var b bytes.Buffer
		if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
			failed = err
		}
		return catalog.File{Name: name, Content: &b}
	}
	exclusions, dependencies := file("exclusions.csv", exclusionRows()), file("dependencies.csv", dependencyRows())
	locations := file("locations.csv", locationRows())
	automatic := file("automatic.csv", [][]string{{"Service_Plan_Id"}, {key(planID, automaticPlan).String()}})
	in := catalog.Input{
		Products:   file("products.csv", l.productRows()),
		Exclusions: &exclusions, Dependencies: &dependencies, Locations: &locations, Automatic: &automatic,
	}
	return in, failed
}

func (l *layout) productRows() [][]string {
	rows := [][]string{{"Product_Display_Name", "String_Id", "GUID", "Service_Plan_Name", "Service_Plan_Id", "Service_Plans_Included_Friendly_Names"}}
	for p, plans := range l.productPlans() {
		name := productName(p)
		for _, n := range plans {
			rows = append(rows, []string{name, label(name), key(productID, p).String(), label(planName(n)), key(planID, n).String(), planName(n)})
		}
	}
	return rows
}

// label is a name as vendors write it for machines.
func label(name string) string { return strings.ToUpper(strings.ReplaceAll(name, " ", "_")) }

func exclusionRows() [][]string {
	rows := [][]string{{"Exclusion_Set", "Service_Plan_Name", "Service_Plan_Id"}}
	for n := range setCount * setSize {
		plan := firstSet + n
		rows = append(rows, []string{fmt.Sprintf("Set %d", n/setSize+1), label(planName(plan)), key(planID, plan).String()})
	}
	return rows
}

func dependencyRows() [][]string {
	rows := [][]string{{"Service_Plan_Id", "Requires_Any_Of"}}
	for n := range dependents {
		rows = append(rows, []string{
			key(planID, firstDependent+n).String(),
			key(planID, firstBase+n).String() + ";" + key(planID, firstBase+(n+1)%dependents).String(),
		})
	}
	return rows
}

func locationRows() [][]string {
	rows := [][]string{{"Service_Plan_Id", "Allowed", "Prohibited"}}
	for n := range located {
		row := []string{key(planID, firstLocated+n).String(), "", rareCountry}
		if n%3 == 2 {
			row[1], row[2] = "NL;DE;FR;GB;US;PL", ""
		}
		rows = append(rows, row)
	}
	return rows
}
