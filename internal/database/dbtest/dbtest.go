// Package dbtest gives tests real databases, already migrated: each test gets one of its own.
package dbtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/scratch"
)

// Each runs a test on both databases, SQLite and PostgreSQL, as subtests of those names.
//
// PostgreSQL is the server named by LICENSEGRAPH_TEST_POSTGRES. Where there is none the test
// fails: two databases, one behaviour.
func Each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	EachWith(t, database.Options{}, test)
}

// EachWith is Each with options.
func EachWith(t *testing.T, opts database.Options, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) { test(t, Open(t, d, opts)) })
	}
}

// EachObserved is Each for tests that look at the statements that run.
func EachObserved(t *testing.T, test func(t *testing.T, db *database.DB, s *Statements)) {
	t.Helper()
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			s := new(Statements)
			test(t, Open(t, d, database.Options{Observe: s.observe}), s)
		})
	}
}

// Open opens a new database, migrated and empty, which goes when the test ends.
func Open(t testing.TB, d database.Dialect, opts database.Options) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), URL(t, d), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// URL is the URL of a new database, migrated and empty, which goes when the test ends.
func URL(t testing.TB, d database.Dialect) string {
	t.Helper()
	if d == database.SQLite {
		template, err := sqliteTemplate()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "licensegraph.db")
		if err := os.WriteFile(path, template, 0o600); err != nil {
			t.Fatal(err)
		}
		return "sqlite:" + path
	}
	return postgresURL(t, postgresTemplate)
}

// EmptyURL is the URL of a new database without any table, which goes when the test ends.
func EmptyURL(t testing.TB, d database.Dialect) string {
	t.Helper()
	if d == database.SQLite {
		return "sqlite:" + filepath.Join(t.TempDir(), "licensegraph.db")
	}
	return postgresURL(t, func() (string, error) { return "", nil })
}

// Statements are those that ran since the last Reset. It is safe for concurrent use.
type Statements struct {
	mu   sync.Mutex
	list []string
}

func (s *Statements) observe(query string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, query)
}

// Reset forgets what ran.
func (s *Statements) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = nil
}

// Apart runs something whose statements do not count.
func (s *Statements) Apart(run func()) {
	before := s.List()
	run()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = before
}

// Count is the number of statements since the last Reset.
func (s *Statements) Count() int { return len(s.List()) }

// List is a copy of the statements since the last Reset, in order.
func (s *Statements) List() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.list...)
}

// sqliteTemplate is the file of a migrated database.
var sqliteTemplate = sync.OnceValues(func() (_ []byte, err error) {
	dir, err := os.MkdirTemp("", "licensegraph-template-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "template.db")
	if err := migrated("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// server is the connection of this process to PostgreSQL; it lives as long as the process.
var server = sync.OnceValues(func() (*scratch.Server, error) { return scratch.Connect(context.Background()) })

// postgresTemplate is the name of a migrated database, which packages tested at the same time
// share.
var postgresTemplate = sync.OnceValues(func() (string, error) {
	s, err := server()
	if err != nil {
		return "", err
	}
	key, err := database.Fingerprint(database.Postgres)
	if err != nil {
		return "", err
	}
	return s.Template(context.Background(), key, migrated)
})

func postgresURL(t testing.TB, template func() (string, error)) string {
	t.Helper()
	s, err := server()
	if err != nil {
		t.Fatal(err)
	}
	from, err := template()
	if err != nil {
		t.Fatal(err)
	}
	name, err := s.Create(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Drop(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return s.URL(name)
}

func migrated(url string) error {
	ctx := context.Background()
	db, err := database.Open(ctx, url, database.Options{})
	if err != nil {
		return err
	}
	if err := database.Migrate(ctx, db, nil); err != nil {
		return errors.Join(fmt.Errorf("make a template: %w", err), db.Close())
	}
	return db.Close()
}
