package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/licensegraph/licensegraph/internal/catalog"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// CatalogCmd are the commands of the catalogue.
type CatalogCmd struct {
	Import CatalogImportCmd `cmd:"" help:"Make the catalogue what the vendor's file says."`
}

// CatalogImportCmd imports the vendor's catalogue.
type CatalogImportCmd struct {
	File              string        `arg:"" help:"The vendor's CSV of products and their service plans. It is the whole catalogue: what it lacks is retired."`
	Exclusions        string        `placeholder:"FILE" help:"CSV of the sets of plans that exclude each other (Exclusion_Set,Service_Plan_Name,Service_Plan_Id)."`
	Dependencies      string        `placeholder:"FILE" help:"CSV of the plans of which a plan needs any one (Service_Plan_Id,Requires_Any_Of: service plan ids, separated by semicolons)."`
	Locations         string        `placeholder:"FILE" help:"CSV of the countries where a plan may be used (Service_Plan_Id,Allowed,Prohibited: ISO 3166-1 alpha-2, separated by semicolons). A plan that is allowed anywhere is allowed nowhere else."`
	Automatic         string        `placeholder:"FILE" help:"CSV of the plans that come to every user of a subscribed organisation, and take part in no check (Service_Plan_Id)."`
	DryRun            bool          `help:"Print the same, and store nothing."`
	AcknowledgeLosses *acknowledged `placeholder:"N" help:"How many users of each organisation may lose a product; without it, as many as the organisation's loss threshold allows."`
}

// Help is what --help adds to the flags.
func (CatalogImportCmd) Help() string {
	return `The import is one transaction: all of it is stored, with what follows for the users of every organisation, or nothing.

Each file of rules is the whole truth of its kind: a rule that it lacks is withdrawn. Without its flag the rules of a kind stay as they are.

Odd rows are repaired or skipped and reported one by one; they never stop an import. Then stand what is added, renamed, moved, retired and withdrawn, and per organisation that uses a changed product who gains, loses or keeps what. A product that is retired stays readable, its assignments go on, and new ones are refused.

Refused as a whole, with exit code 1: a file that cannot be read as such a table, a product that contains two plans of one exclusion set, a plan that needs itself, and an import by which more users of an organisation lose a product than may. The same files imported again change nothing.`
}

// Run imports and prints what was repaired, what changes and what follows for tenants.
func (c *CatalogImportCmd) Run(ctx context.Context, env *Env) (err error) {
	in := catalog.Input{DryRun: c.DryRun, AcknowledgeLosses: (*int)(c.AcknowledgeLosses)}
	for _, f := range []struct {
		path string
		into **catalog.File
	}{{c.Exclusions, &in.Exclusions}, {c.Dependencies, &in.Dependencies}, {c.Locations, &in.Locations}, {c.Automatic, &in.Automatic}} {
		if f.path == "" {
			continue
		}
		file, err := os.Open(f.path)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }() // it was only read
		*f.into = &catalog.File{Name: f.path, Content: file}
	}
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	in.Products = catalog.File{Name: c.File, Content: file}
	result, err := runImport(ctx, env, in)
	if err != nil {
		return errors.Join(inFlags(err, "Nothing was imported."), writeContradictions(env.Stdout, err))
	}
	return writeImport(env.Stdout, result)
}

func runImport(ctx context.Context, env *Env, in catalog.Input) (_ *catalog.Result, err error) {
	db, err := env.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	service, err := env.licenses(db)
	if err != nil {
		return nil, err
	}
	importer, err := catalog.NewImporter(catalog.Config{Licensing: service, Clock: env.Clock, NewID: env.NewID})
	if err != nil {
		return nil, err
	}
	p := progress{env: env}
	defer p.clear()
	p.say("importing %s", in.Products.Name)
	in.Progress = func(done, of int) { p.say("organisation %d of %d", done, of) }
	return importer.Import(acting(ctx, "catalog import"), in)
}

// writeContradictions lists what one line of error can only count.
func writeContradictions(w io.Writer, err error) error {
	var c *catalog.ContradictionError
	if !errors.As(err, &c) || len(c.Contradictions) < 2 {
		return nil
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "Contradictions (%d)\n", len(c.Contradictions))
	for _, one := range c.Contradictions {
		fmt.Fprintf(out, "  %s\n", one)
	}
	return out.Flush()
}

func writeImport(w io.Writer, r *catalog.Result) error {
	out := bufio.NewWriter(w)
	if err := r.Report.Write(out); err != nil {
		return err
	}
	if r.Changed {
		fmt.Fprintln(out)
		if err := r.Diff.Write(out); err != nil {
			return err
		}
	}
	writeTenants(out, r.Tenants)
	writeConfirmation(out, r.Tenants)
	fmt.Fprintf(out, "\n%s: %s\n", countsText(r.Counts), verdict(r))
	return out.Flush()
}

func verdict(r *catalog.Result) string {
	switch {
	case !r.Changed:
		return "nothing changes"
	case r.DryRun:
		return "dry run, nothing was stored"
	}
	return "imported"
}

// writeConfirmation says what a dry run would have to be repeated with.
func writeConfirmation(w io.Writer, tenants []*licensing.TenantImpact) {
	most := 0
	for _, t := range tenants {
		if losing, _ := confirmationOf(t); losing > most {
			most = losing
		}
	}
	if most > 0 {
		fmt.Fprintf(w, "\nIt has to be confirmed with --acknowledge-losses %d\n", most)
	}
}

// confirmationOf tells how many users of a tenant lose a product, and how many may without being
// asked, where that has to be confirmed.
func confirmationOf(t *licensing.TenantImpact) (losing, threshold int) {
	if loss := lossOf(t.Outcome.Confirmation); loss != nil {
		return loss.UsersLosing, loss.Threshold
	}
	return 0, 0
}

func countsText(c catalog.Counts) string {
	text := fmt.Sprintf("%s%s, %s%s, %s", counted(c.Products, "product"), retiredText(c.RetiredProducts),
		counted(c.Plans, "plan"), retiredText(c.RetiredPlans), counted(c.Sets, "exclusion set"))
	for _, rules := range []struct {
		n    int
		noun string
	}{{c.Prerequisites, "prerequisite"}, {c.Locations, "location rule"}, {c.Automatic, "automatic plan"}} {
		if rules.n > 0 {
			text += ", " + counted(rules.n, rules.noun)
		}
	}
	return text
}

func retiredText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d retired)", n)
}
