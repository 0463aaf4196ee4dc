package catalog

import (
	"context"
	"errors"
	"io"

	"github.com/licensegraph/licensegraph/internal/catalog/vendorcsv"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// Config is what an Importer needs.
type Config struct {
	Licensing *licensing.Service
	Clock     clock.Clock
	NewID     id.Source
}

// Importer is the one way in which the catalogue changes.
type Importer struct {
	licensing *licensing.Service
	clock     clock.Clock
	newID     id.Source
}

// NewImporter returns an Importer.
func NewImporter(c Config) (*Importer, error) {
	if c.Licensing == nil || c.Clock == nil || c.NewID == nil {
		return nil, errors.New("catalog: Licensing, Clock and NewID are needed")
	}
	return &Importer{licensing: c.Licensing, clock: c.Clock, newID: c.NewID}, nil
}

// File is a file to import. Name stands in the report and in errors.
type File struct {
	Name    string
	Content io.Reader
}

// Input is the whole catalogue as it is to be. Of each kind of rules nil leaves the stored ones.
type Input struct {
	Products     File  // the vendor's six-column CSV
	Exclusions   *File // every exclusion set there is to be
	Dependencies *File // the prerequisites of every plan that is to have any
	Locations    *File // the countries of every plan that is to be bound to any
	Automatic    *File // every plan that is to come to everybody
	DryRun       bool  // judge and tell, but store nothing
	// AcknowledgeLosses is how many users of each tenant may lose a product (R27); nil: as many
	// as the tenant's threshold allows.
	AcknowledgeLosses *int
	// Progress, which may be nil, is told of each tenant that is done. It starts again where
	// the database makes the import start again.
	Progress func(done, of int)
}

// Result is what an import did, or would do.
type Result struct {
	Changed bool // false: the stored catalogue says the same already, and nothing was written
	DryRun  bool
	Report  *vendorcsv.Report
	Diff    Diff
	Counts  Counts
	// Tenants are those that use a product whose plans, or the rules of whose plans, change, in
	// id order, with what this does to their users.
	Tenants []*licensing.TenantImpact
}

// Counts are the sizes of a catalogue; retired products and plans are counted apart.
type Counts struct {
	Products, RetiredProducts int
	Plans, RetiredPlans       int
	Sets                      int
	// Plans with prerequisites, plans bound to countries, and automatic plans; of these rules
	// those of retired plans count, too.
	Prerequisites, Locations, Automatic int
}

// Import makes the catalogue what the files say, in one transaction: either all of it is
// stored, with its consequences for every tenant, or nothing. The files are read to their end
// before the transaction begins. Only what differs is written.
//
// Errors: *vendorcsv.FileError for a file that cannot be used; *ContradictionError for a
// product that would exclude itself (R9) and for prerequisites that form a cycle (R10); those of
// licensing.Service.ChangeCatalog. With each of them nothing was imported, OUTCOME_UNKNOWN
// excepted.
func (i *Importer) Import(ctx context.Context, in Input) (*Result, error) {
	report := &vendorcsv.Report{}
	files, err := in.read(report)
	if err != nil {
		return nil, err
	}
	var r *Result
	counted := licensing.WithChangeList(ctx, licensing.ChangeList{Skip: true}) // nobody is told of single users
	tenants, err := i.licensing.ChangeCatalog(counted,
		licensing.CatalogOptions{DryRun: in.DryRun, AcknowledgeLosses: in.AcknowledgeLosses, Progress: in.Progress},
		func(_ context.Context, _ *database.Tx, stored tenantgraph.CatalogData) (*licensing.CatalogPlan, error) {
			r = &Result{DryRun: in.DryRun, Report: report.Clone()} // this may run again
			before := fromRows(stored)
			after, err := Merge(before, files, r.Report)
			if err != nil {
				return nil, err
			}
			r.Diff, r.Counts = Compare(before, after), countsOf(after)
			if r.Diff.Empty() {
				return &licensing.CatalogPlan{}, nil
			}
			r.Changed = true
			rows := toRows(after, stored, i.clock.Now())
			return &licensing.CatalogPlan{After: &rows, Write: func(ctx context.Context, tx *database.Tx) error {
				return (&writer{ctx: ctx, tx: tx, newID: i.newID}).write(stored, rows, r.Diff)
			}}, nil
		})
	if err != nil {
		return nil, err
	}
	r.Tenants = tenants
	return r, nil
}

// read reads the files to their end.
func (in Input) read(report *vendorcsv.Report) (Files, error) {
	if err := in.distinct(); err != nil {
		return Files{}, err
	}
	products, err := vendorcsv.ReadProducts(in.Products.Content, in.Products.Name, report)
	files := Files{Products: products}
	if err == nil {
		files.Exclusions, err = readFile(in.Exclusions, vendorcsv.ReadExclusions, report)
	}
	if err == nil {
		files.Dependencies, err = readFile(in.Dependencies, vendorcsv.ReadDependencies, report)
	}
	if err == nil {
		files.Locations, err = readFile(in.Locations, vendorcsv.ReadLocations, report)
	}
	if err == nil {
		files.Automatic, err = readFile(in.Automatic, vendorcsv.ReadAutomatic, report)
	}
	return files, err
}

func readFile[T any](f *File, read func(r io.Reader, file string, report *vendorcsv.Report) (*T, error), report *vendorcsv.Report) (*T, error) {
	if f == nil {
		return nil, nil //nolint:nilnil // there is no such file
	}
	return read(f.Content, f.Name, report)
}

// distinct refuses one file in two places: the report knows files by name, and each is read once.
func (in Input) distinct() error {
	names := map[string]bool{in.Products.Name: true}
	for _, f := range []*File{in.Exclusions, in.Dependencies, in.Locations, in.Automatic} {
		if f == nil {
			continue
		}
		if names[f.Name] {
			return &vendorcsv.FileError{File: f.Name, Problem: "the file is given twice; each kind has a file of its own"}
		}
		names[f.Name] = true
	}
	return nil
}

func countsOf(c Catalogue) Counts {
	counts := Counts{Sets: len(c.Sets)}
	for _, p := range c.Products {
		if p.Retired {
			counts.RetiredProducts++
		} else {
			counts.Products++
		}
	}
	for _, p := range c.Plans {
		if p.Retired {
			counts.RetiredPlans++
		} else {
			counts.Plans++
		}
		if len(p.Requires) > 0 {
			counts.Prerequisites++
		}
		if len(p.Allowed)+len(p.Prohibited) > 0 {
			counts.Locations++
		}
		if p.Automatic {
			counts.Automatic++
		}
	}
	return counts
}
