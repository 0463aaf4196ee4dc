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
	File       string `arg:"" help:"The vendor's CSV of products and their service plans. It is the whole catalogue: what it lacks is retired."`
	Exclusions string `placeholder:"FILE" help:"CSV of the sets of plans that exclude each other (Exclusion_Set,Service_Plan_Name,Service_Plan_Id). It is the whole truth: a set that it lacks is withdrawn. Without this flag the sets stay as they are."`
	DryRun     bool   `help:"Print the same, and store nothing."`
}

// Help is what --help adds to the flags.
func (CatalogImportCmd) Help() string {
	return `The import is one transaction: all of it is stored, with what follows for the users of every organisation, or nothing.

Odd rows are repaired or skipped and reported one by one; they never stop an import. Then stand what is added, renamed, moved and retired, and per organisation that uses a changed product who gains, loses or keeps what. A product that is retired stays readable, its assignments go on, and new ones are refused.

Refused as a whole, with exit code 1: a file that cannot be read as such a table, and a product that contains two plans of one exclusion set. The same files imported again change nothing.`
}

// Run imports and prints what was repaired, what changes and what follows for tenants.
func (c *CatalogImportCmd) Run(ctx context.Context, env *Env) (err error) {
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	in := catalog.Input{Products: catalog.File{Name: c.File, Content: file}, DryRun: c.DryRun}
	if c.Exclusions != "" {
		exclusions, err := os.Open(c.Exclusions)
		if err != nil {
			return err
		}
		defer func() { _ = exclusions.Close() }() // it was only read
		in.Exclusions = &catalog.File{Name: c.Exclusions, Content: exclusions}
	}
	result, err := runImport(ctx, env, in)
	if err != nil {
		return errors.Join(err, writeContradictions(env.Stdout, err))
	}
	return writeImport(env.Stdout, result)
}

func runImport(ctx context.Context, env *Env, in catalog.Input) (_ *catalog.Result, err error) {
	db, err := env.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	service, err := licensing.New(licensing.Config{DB: db, Clock: env.Clock, NewID: env.NewID, Log: env.Log})
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

func countsText(c catalog.Counts) string {
	return fmt.Sprintf("%s%s, %s%s, %s", counted(c.Products, "product"), retiredText(c.RetiredProducts),
		counted(c.Plans, "plan"), retiredText(c.RetiredPlans), counted(c.Sets, "exclusion set"))
}

func retiredText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d retired)", n)
}
