package graph_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/catalog"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// keyOf is the vendor's key of a product or plan of the scenarios.
func keyOf(name string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)) }

// catalogueFile are the files of an import, as a scenario writes them, a line each:
//
//	product Suite: Mail, Chat      a product with its plans
//	exclusive Old or New: Old, New a set of plans that exclude each other
//	needs Calls: Mail, Chat        a plan with those of which it needs one
//	allowed Calls: NL, DE          the only countries of a plan
//	prohibited Calls: RU           countries in which a plan may not be used
//	automatic Sway                 a plan that comes by itself
//
// It is the whole catalogue: what is missing is retired or withdrawn.
type catalogueFile struct {
	products, exclusions, needs, locations, automatic strings.Builder
	names                                             map[string]string
}

func readCatalogue(text string) (*catalogueFile, error) {
	f := &catalogueFile{names: map[string]string{}}
	f.products.WriteString("Product_Display_Name,String_Id,GUID,Service_Plan_Name,Service_Plan_Id,Service_Plans_Included_Friendly_Names\n")
	f.exclusions.WriteString("Exclusion_Set,Service_Plan_Name,Service_Plan_Id\n")
	f.needs.WriteString("Service_Plan_Id,Requires_Any_Of\n")
	f.locations.WriteString("Service_Plan_Id,Allowed,Prohibited\n")
	f.automatic.WriteString("Service_Plan_Id\n")
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, list, _ := strings.Cut(rest, ": ")
		var items, keys []string
		if list != "" {
			items = strings.Split(list, ", ")
		}
		for _, item := range items {
			keys = append(keys, keyOf(item).String())
		}
		switch word {
		case "product":
			f.product(name, items)
		case "exclusive":
			for _, plan := range items {
				fmt.Fprintf(&f.exclusions, "%s,%s,%s\n", name, planLabel(plan), keyOf(plan))
			}
		case "needs":
			fmt.Fprintf(&f.needs, "%s,%s\n", keyOf(name), strings.Join(keys, ";"))
		case "allowed":
			fmt.Fprintf(&f.locations, "%s,%s,\n", keyOf(name), strings.Join(items, ";"))
		case "prohibited":
			fmt.Fprintf(&f.locations, "%s,,%s\n", keyOf(name), strings.Join(items, ";"))
		case "automatic":
			fmt.Fprintf(&f.automatic, "%s\n", keyOf(name))
		default:
			return nil, fmt.Errorf("what is %q?", line)
		}
	}
	return f, nil
}

func (f *catalogueFile) product(name string, plans []string) {
	short := strings.ReplaceAll(strings.ToLower(name), " ", "-")
	f.names[short], f.names[short+".uuid"] = id.Format(id.Product, keyOf(name)), keyOf(name).String()
	for _, plan := range plans {
		short := strings.ReplaceAll(strings.ToLower(plan), " ", "-")
		f.names[short], f.names[short+".uuid"] = id.Format(id.Plan, keyOf(plan)), keyOf(plan).String()
		fmt.Fprintf(&f.products, "%s,%s,%s,%s,%s,%s\n", name, productLabel(name), keyOf(name), planLabel(plan), keyOf(plan), plan)
	}
}

func productLabel(name string) string { return strings.ToUpper(name) + "_PRO" }

func planLabel(name string) string { return strings.ToUpper(name) + "_1" }

// importCatalogue imports a catalogue, names what is in it, and returns what the import did to
// the tenants.
func (w *world) importCatalogue(text string) string {
	w.t.Helper()
	f, err := readCatalogue(text)
	w.ok(err)
	importer, err := catalog.NewImporter(catalog.Config{Licensing: w.licenses, Clock: w.clock, NewID: w.newID})
	w.ok(err)
	file := func(name string, b *strings.Builder) *catalog.File {
		return &catalog.File{Name: name, Content: strings.NewReader(b.String())}
	}
	result, err := importer.Import(w.t.Context(), catalog.Input{
		Products: *file("products", &f.products), Exclusions: file("exclusions", &f.exclusions), Dependencies: file("dependencies", &f.needs),
		Locations: file("locations", &f.locations), Automatic: file("automatic", &f.automatic),
	})
	w.ok(err)
	maps.Copy(w.names, f.names)
	type impact struct {
		Tenant       string `json:"tenant"`
		UsersGaining int    `json:"usersGaining"`
		UsersLosing  int    `json:"usersLosing"`
		UsersChanged int    `json:"usersChanged"`
		UsersInError int    `json:"usersInError"`
	}
	told := struct {
		Changed bool     `json:"changed"`
		Tenants []impact `json:"tenants"`
	}{Changed: result.Changed, Tenants: []impact{}}
	for _, t := range result.Tenants {
		i := t.Outcome.Impact
		told.Tenants = append(told.Tenants, impact{t.Name, i.UsersGaining, i.UsersLosing, i.UsersChanged, i.UsersInError})
	}
	out, err := json.Marshal(told)
	w.ok(err)
	return pretty(out) + "\n"
}

// settle changes acme's country and terms.
func (w *world) settle(change licensing.UpdateTenantInput) {
	w.t.Helper()
	_, err := w.licenses.UpdateTenant(w.t.Context(), w.tenants["acme"], change)
	w.ok(err)
}
