// Package scratch makes databases to be thrown away, for tests and for the generator of
// migrations.
package scratch

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/lib/pq"
)

// Env is the environment variable that holds the URL of a PostgreSQL server on which
// databases may be made and dropped.
const Env = "LICENSEGRAPH_TEST_POSTGRES"

// ErrNoServer says that Env is not set, and what to do.
var ErrNoServer = errors.New(Env + " is not set: run `make test`, or `make postgres-start` in another shell, or any command as `scripts/with-postgres.sh COMMAND`")

// Server is a PostgreSQL server.
type Server struct {
	url  *url.URL
	pool *sql.DB
}

// Connect connects to the server named by Env.
//
// It fails with ErrNoServer where Env is not set.
func Connect(ctx context.Context) (*Server, error) {
	text := os.Getenv(Env)
	if text == "" {
		return nil, ErrNoServer
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s is not a URL", Env)
	}
	pool, err := sql.Open("postgres", text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Env, err)
	}
	pool.SetMaxOpenConns(4)
	if err := pool.PingContext(ctx); err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("no PostgreSQL answers at %s: %w", Env, err)
	}
	return &Server{u, pool}, nil
}

// Close closes the connections to the server.
func (s *Server) Close() error { return s.pool.Close() }

// Template returns the name of a database made by fill, given its URL, the first time a program
// asks for the key on this server.
func (s *Server) Template(ctx context.Context, key string, fill func(url string) error) (string, error) {
	conn, err := s.pool.Conn(ctx) // the lock belongs to the connection
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	const lock = 5_317_220_041
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", lock); err != nil {
		return "", err
	}
	defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", lock) }()

	name := "licensegraph_template_" + key
	var complete int
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM pg_database WHERE datname = $1", name).Scan(&complete); err != nil {
		return "", err
	}
	if complete > 0 {
		return name, nil
	}
	unfinished, err := s.Create(ctx, "")
	if err != nil {
		return "", err
	}
	if err := fill(s.URL(unfinished)); err != nil {
		return "", errors.Join(err, s.Drop(ctx, unfinished))
	}
	_, err = conn.ExecContext(ctx, "ALTER DATABASE "+pq.QuoteIdentifier(unfinished)+" RENAME TO "+pq.QuoteIdentifier(name))
	return name, err
}

// Create makes a database with a new name, as a copy of a template ("" for an empty one), and
// returns its name.
func (s *Server) Create(ctx context.Context, template string) (string, error) {
	name := "licensegraph_" + strings.ToLower(rand.Text())
	if template == "" {
		template = "template0"
	}
	_, err := s.pool.ExecContext(ctx, "CREATE DATABASE "+pq.QuoteIdentifier(name)+" TEMPLATE "+pq.QuoteIdentifier(template))
	return name, err
}

// Drop removes a database, whoever is connected to it.
func (s *Server) Drop(ctx context.Context, name string) error {
	_, err := s.pool.ExecContext(ctx, "DROP DATABASE IF EXISTS "+pq.QuoteIdentifier(name)+" WITH (FORCE)")
	return err
}

// URL is the URL of a database of the server.
func (s *Server) URL(name string) string {
	u := *s.url
	u.Path = "/" + name
	return u.String()
}
