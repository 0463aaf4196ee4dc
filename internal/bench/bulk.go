package bench

import (
	"context"

	"github.com/licensegraph/licensegraph/internal/database"
)

// withoutIndexes drops the indexes of a table that nothing refers to, has it filled, and makes
// them anew: sorting once is much quicker than finding the place of each row.
func (g *generator) withoutIndexes(ctx context.Context, table string, fill func(context.Context) error) error {
	query := `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = $1
		AND indexname NOT IN (SELECT conname FROM pg_constraint)`
	if g.db.Dialect() == database.SQLite {
		query = `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = $1 AND sql IS NOT NULL`
	}
	var drop, create []string
	err := database.Each(ctx, g.db.Reader(), func(scan func(...any) error) error {
		var name, statement string
		err := scan(&name, &statement)
		drop, create = append(drop, `DROP INDEX `+name), append(create, statement)
		return err
	}, query, table)
	if err != nil {
		return err
	}
	if err := g.exec(ctx, drop...); err != nil {
		return err
	}
	if err := fill(ctx); err != nil {
		return err
	}
	for i, statement := range create {
		g.progress.say("indexes of "+table, i, len(create))
		if err := g.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) exec(ctx context.Context, statements ...string) error {
	return g.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		for _, s := range statements {
			if _, err := tx.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

// fill runs a transaction in which PostgreSQL, where it lets us, does not look up for each row what
// the row refers to, which by the way the rows are made is there.
func (g *generator) fill(ctx context.Context, fn func(ctx context.Context, tx *database.Tx) error) error {
	return g.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if g.superuser {
			if _, err := tx.ExecContext(ctx, `SET LOCAL session_replication_role = replica`); err != nil {
				return err
			}
		}
		return fn(ctx, tx)
	})
}

// prepare finds out what the database lets us do. SQLite's writer gets room: rows come in an order
// that is none for half of the indexes, and with the usual 2 MB it would read and write most
// pages over and over. It holds for this connection, so DB is not the one to measure with.
func (g *generator) prepare(ctx context.Context) error {
	if g.db.Dialect() == database.SQLite {
		return g.exec(ctx, `PRAGMA cache_size = -524288`) // KiB
	}
	return g.db.Reader().QueryRowContext(ctx, `SELECT current_setting('is_superuser') = 'on'`).Scan(&g.superuser)
}
