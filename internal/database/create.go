package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	neturl "net/url"

	"github.com/lib/pq"
)

// Exists tells whether a PostgreSQL server, named by the URL of any database of it, has a database
// of a name.
func Exists(ctx context.Context, url, name string) (found bool, err error) {
	err = onServer(ctx, url, func(pool *sql.DB) error {
		return pool.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, name).Scan(&found)
	})
	return found, err
}

// Create makes an empty database on a PostgreSQL server, named by the URL of any database of it.
// The URL's user needs the right to.
func Create(ctx context.Context, url, name string) error {
	return onServer(ctx, url, func(pool *sql.DB) error {
		_, err := pool.ExecContext(ctx, `CREATE DATABASE `+pq.QuoteIdentifier(name)+` TEMPLATE template0`)
		return err
	})
}

// Drop removes a database that Create made, whoever is connected to it.
func Drop(ctx context.Context, url, name string) error {
	return onServer(ctx, url, func(pool *sql.DB) error {
		_, err := pool.ExecContext(ctx, `DROP DATABASE IF EXISTS `+pq.QuoteIdentifier(name)+` WITH (FORCE)`)
		return err
	})
}

// Sibling is the URL of another database on the same PostgreSQL server.
func Sibling(url, name string) (string, error) {
	u, err := neturl.Parse(url)
	if err != nil {
		return "", errors.New("the database URL cannot be read")
	}
	u.Path = "/" + name
	return u.String(), nil
}

// DialectOf is which of the two databases a URL names.
//
// The error of a wrong URL names both forms.
func DialectOf(url string) (Dialect, error) {
	target, err := parseURL(url)
	return target.dialect, err
}

func onServer(ctx context.Context, url string, do func(*sql.DB) error) (err error) {
	target, err := parseURL(url)
	if err != nil {
		return err
	}
	if target.dialect != Postgres {
		return fmt.Errorf("%s has no databases to make or drop", target.dialect)
	}
	pool, err := target.open(ctx, forWriting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	return do(pool)
}
