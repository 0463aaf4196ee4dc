package database

import (
	"context"
	"database/sql"
	"errors"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/licensegraph/licensegraph/ent"
)

// Querier runs SQL. Parameters are written $1, $2 … on both databases, and every one that is
// passed may be used any number of times.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// observed returns a Querier that reports each statement, where there is someone to report to.
func observed(q Querier, observe func(query string)) Querier {
	if observe == nil {
		return q
	}
	return &observer{q, observe}
}

type observer struct {
	Querier
	observe func(query string)
}

func (o *observer) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	o.observe(query)
	return o.Querier.ExecContext(ctx, query, args...)
}

func (o *observer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	o.observe(query)
	return o.Querier.QueryContext(ctx, query, args...)
}

func (o *observer) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	o.observe(query)
	return o.Querier.QueryRowContext(ctx, query, args...)
}

// entClient returns a generated client whose statements run on q.
func entClient(d Dialect, q Querier) *ent.Client {
	name := dialect.Postgres
	if d == SQLite {
		name = dialect.SQLite
	}
	return ent.NewClient(ent.Driver(entDriver{entsql.NewDriver(name, entsql.Conn{ExecQuerier: q})}))
}

// entDriver keeps ent from opening transactions: those belong to Write and Snapshot, which
// retry, bound and classify them.
type entDriver struct{ *entsql.Driver }

func (entDriver) Tx(context.Context) (dialect.Tx, error) {
	return nil, errors.New("database: transactions are opened by DB.Write and DB.Snapshot")
}

// BeginTx is what ent calls for a transaction with options.
func (d entDriver) BeginTx(ctx context.Context, _ *entsql.TxOptions) (dialect.Tx, error) {
	return d.Tx(ctx)
}

func (entDriver) Close() error { return nil }

// Values runs a query of one column and returns its values.
func Values[T any](ctx context.Context, q Querier, query string, args ...any) ([]T, error) {
	var all []T
	err := Each(ctx, q, func(scan func(...any) error) error {
		var v T
		err := scan(&v)
		all = append(all, v)
		return err
	}, query, args...)
	return all, err
}

// Each runs a query and calls row for each of its rows.
func Each(ctx context.Context, q Querier, row func(scan func(...any) error) error, query string, args ...any) (err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
