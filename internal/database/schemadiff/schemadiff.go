// Package schemadiff compares what the migrations make of a database with what
// database.Tables declares, and writes the statements between the two.
package schemadiff

import (
	"context"
	"fmt"
	"strings"

	atlas "ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/postgres"
	atlasschema "ariga.io/atlas/sql/schema"
	"ariga.io/atlas/sql/sqlite"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"

	"github.com/licensegraph/licensegraph/internal/database"
)

// Statement is one statement of SQL, without a semicolon, and what it is for.
type Statement struct{ Comment, SQL string }

// Create makes the declared tables in an empty database, without migrations.
func Create(ctx context.Context, db *database.DB) error {
	tables, err := database.Tables(db.Dialect())
	if err != nil {
		return err
	}
	return CreateTables(ctx, db, tables)
}

// CreateTables makes tables in an empty database.
func CreateTables(ctx context.Context, db *database.DB, tables []*schema.Table) error {
	args := schema.DDLArgs{Dialect: dialect.SQLite, Version: "3.40", Tables: tables, HashSymbols: true}
	if db.Dialect() == database.Postgres {
		args.Dialect, args.Version = dialect.Postgres, "15"
	}
	ddl, err := schema.DDL(ctx, args)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, ddl)
		return err
	})
}

// Diff returns the statements that turn the tables of have into those of want; none where they
// are alike. The table that records the migrations does not count.
func Diff(ctx context.Context, have, want *database.DB) ([]Statement, error) {
	driver, from, err := inspect(ctx, have)
	if err != nil {
		return nil, err
	}
	_, to, err := inspect(ctx, want)
	if err != nil {
		return nil, err
	}
	changes, err := driver.SchemaDiff(from, to, atlasschema.DiffNormalized())
	if err != nil {
		return nil, err
	}
	unqualified := func(o *atlas.PlanOptions) { o.SchemaQualifier, o.Indent = new(string), "  " }
	plan, err := driver.PlanChanges(ctx, "", changes, unqualified)
	if err != nil {
		return nil, err
	}
	var statements []Statement
	for _, c := range plan.Changes {
		if strings.HasPrefix(c.Cmd, "PRAGMA foreign_keys") { // see package migrations
			continue
		}
		statements = append(statements, Statement{c.Comment, c.Cmd})
	}
	if len(statements) == 0 {
		return collations(ctx, have, want)
	}
	return statements, nil
}

// Render writes statements as a migration. On SQLite it ends by failing where a foreign key
// leads nowhere.
func Render(d database.Dialect, statements []Statement) string {
	var b strings.Builder
	b.WriteString("-- +goose Up\n")
	if len(statements) == 0 {
		b.WriteString("-- nothing changes on this database\nSELECT 1;\n")
		return b.String()
	}
	for _, s := range statements {
		if s.Comment != "" {
			fmt.Fprintf(&b, "-- %s\n", s.Comment)
		}
		fmt.Fprintf(&b, "%s;\n", s.SQL)
	}
	if d == database.SQLite {
		b.WriteString(`-- every foreign key leads somewhere
CREATE TEMPORARY TABLE dangling (name text CHECK (name IS NULL));
INSERT INTO dangling SELECT "table" FROM pragma_foreign_key_check;
DROP TABLE dangling;
`)
	}
	return b.String()
}

func inspect(ctx context.Context, db *database.DB) (atlas.Driver, *atlasschema.Schema, error) {
	open := sqlite.Open
	if db.Dialect() == database.Postgres {
		open = postgres.Open
	}
	driver, err := open(db.Reader())
	if err != nil {
		return nil, nil, err
	}
	s, err := driver.InspectSchema(ctx, "", &atlasschema.InspectOptions{Exclude: []string{"goose_db_version"}})
	return driver, s, err
}

// collations compares what the comparison of schemas overlooks on PostgreSQL.
func collations(ctx context.Context, have, want *database.DB) ([]Statement, error) {
	if have.Dialect() != database.Postgres {
		return nil, nil
	}
	before, err := columnCollations(ctx, have)
	if err != nil {
		return nil, err
	}
	after, err := columnCollations(ctx, want)
	if err != nil {
		return nil, err
	}
	var statements []Statement
	for column, c := range after {
		if before[column] != c {
			statements = append(statements, Statement{
				Comment: fmt.Sprintf("modify the collation of %s.%s", column.table, column.name),
				SQL:     fmt.Sprintf("ALTER TABLE %q ALTER COLUMN %q TYPE %s COLLATE %q", column.table, column.name, c.kind, c.collation),
			})
		}
	}
	return statements, nil
}

type column struct{ table, name string }

type collated struct{ kind, collation string }

func columnCollations(ctx context.Context, db *database.DB) (_ map[column]collated, err error) {
	rows, err := db.Reader().QueryContext(ctx, `
		SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), l.collname
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_collation l ON l.oid = a.attcollation
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0
			AND c.relname <> 'goose_db_version'`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	found := make(map[column]collated)
	for rows.Next() {
		var at column
		var c collated
		if err := rows.Scan(&at.table, &at.name, &c.kind, &c.collation); err != nil {
			return nil, err
		}
		found[at] = c
	}
	return found, rows.Err()
}
