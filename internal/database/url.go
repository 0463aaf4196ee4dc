package database

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/netip"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lib/pq"
	"modernc.org/sqlite"
)

// purpose of a pool.
type purpose int

const (
	forReading purpose = iota
	forWriting
	forMigrating
)

// target is a parsed database URL.
type target struct {
	dialect  Dialect
	path     string    // SQLite
	postgres pq.Config // PostgreSQL
}

const forms = "a database URL is sqlite:PATH (for example sqlite:licensegraph.db) or " +
	"postgres://USER:PASSWORD@HOST:PORT/DATABASE"

// parseURL reads a database URL. Its errors never hold the URL, which may hold a password.
func parseURL(url string) (target, error) {
	scheme, rest, ok := strings.Cut(url, ":")
	switch {
	case ok && scheme == "sqlite":
		path, err := sqlitePath(rest)
		return target{dialect: SQLite, path: path}, err
	case ok && (scheme == "postgres" || scheme == "postgresql"):
		config, err := postgresConfig(url)
		return target{dialect: Postgres, postgres: config}, err
	}
	return target{}, fmt.Errorf("wrong database URL: %s", forms)
}

func sqlitePath(path string) (string, error) {
	switch {
	case path == "" || path == ":memory:":
		return "", fmt.Errorf("wrong database URL: it names no file; %s", forms)
	case strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///"):
		return "", fmt.Errorf("wrong database URL: sqlite: takes a path, not a host; %s", forms)
	case strings.ContainsAny(path, "?\x00"):
		return "", fmt.Errorf("wrong database URL: sqlite: takes a path without options; %s", forms)
	}
	if dir := filepath.Dir(path); dir != "." {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return "", fmt.Errorf("cannot open the SQLite database: there is no folder %s", dir)
		}
	}
	return path, nil
}

// postgresConfig completes what a URL leaves out: TLS where the server offers it on loopback
// and always elsewhere, and a bound on connecting. What the URL or libpq's environment says
// goes first.
func postgresConfig(url string) (pq.Config, error) {
	u, err := neturl.Parse(url)
	if err != nil || u.Opaque != "" {
		return pq.Config{}, fmt.Errorf("wrong database URL: it cannot be read as postgres://…; %s", forms)
	}
	config, err := pq.NewConfig(url)
	if err != nil {
		return pq.Config{}, fmt.Errorf("wrong database URL: %w", err)
	}
	config.Host = strings.Trim(config.Host, "[]") // pq leaves the brackets of [::1] where no port follows
	query := u.Query()
	unset := func(parameter, env string) bool { return query.Get(parameter) == "" && os.Getenv(env) == "" }
	if unset("sslmode", "PGSSLMODE") && config.SSLRootCert != "system" && config.Service == "" && config.SSLMode != pq.SSLModeDisable {
		config.SSLMode = pq.SSLModeRequire
		if loopback(config) {
			config.SSLMode = pq.SSLModePrefer
		}
	}
	if unset("connect_timeout", "PGCONNECT_TIMEOUT") {
		config.ConnectTimeout = 10 * time.Second
	}
	if unset("application_name", "PGAPPNAME") {
		config.ApplicationName = "licensegraph"
	}
	return config, nil
}

// loopback tells whether all hosts of a config are this machine.
func loopback(config pq.Config) bool {
	local := func(host string, address netip.Addr) bool {
		if address.IsValid() {
			return address.IsLoopback()
		}
		ip, err := netip.ParseAddr(host)
		return host == "localhost" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || err == nil && ip.IsLoopback()
	}
	for _, other := range config.Multi {
		if !local(other.Host, other.Hostaddr) {
			return false
		}
	}
	return local(config.Host, config.Hostaddr)
}

// open returns a pool that answers.
func (t target) open(ctx context.Context, p purpose) (*sql.DB, error) {
	if t.dialect == Postgres {
		return t.openPostgres(ctx, p)
	}
	return t.openSQLite(ctx, p)
}

// openSQLite sets what every connection needs. A commit must survive a loss of power, which
// in WAL mode only synchronous=FULL promises (NORMAL may lose the last commits); readers do
// not sync. Readers are query_only: what is written goes through the one writer. Why migrations
// do not enforce foreign keys: see package migrations.
func (t target) openSQLite(ctx context.Context, p purpose) (*sql.DB, error) {
	q := neturl.Values{}
	pragma := func(values ...string) { q["_pragma"] = append(q["_pragma"], values...) }
	pragma("temp_store(2)")
	if p != forMigrating {
		pragma("foreign_keys(1)")
	}
	q.Set("_busy_timeout", "10000")
	q.Set("_time_format", "sqlite")
	q.Set("_timezone", "UTC")
	if p != forReading {
		q.Set("_txlock", "immediate")
		q.Set("_journal_mode", "WAL")
		q.Set("_synchronous", "FULL")
		pragma("journal_size_limit(67108864)")
	} else {
		q.Set("_query_only", "1")
	}
	name := "file:" + (&neturl.URL{Path: t.path}).EscapedPath() + "?" + q.Encode()
	connector, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, fmt.Errorf("cannot open the SQLite database %s: %w", t.path, err)
	}
	return answering(ctx, sql.OpenDB(connector), "the SQLite database "+t.path)
}

func (t target) openPostgres(ctx context.Context, p purpose) (*sql.DB, error) {
	pool, err := t.postgresPool(p)
	if err != nil {
		return nil, err
	}
	config := t.postgres
	return answering(ctx, pool, fmt.Sprintf("PostgreSQL at %s:%d, database %s, as %s",
		config.Host, config.Port, config.Database, config.User))
}

// postgresPool returns a pool that connects when it is first used.
func (t target) postgresPool(p purpose) (*sql.DB, error) {
	config := t.postgres.Clone()
	if p == forReading {
		config.Runtime["default_transaction_read_only"] = "on"
	}
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to PostgreSQL: %w", err)
	}
	return sql.OpenDB(connector), nil
}

// answering waits for a database that is busy: switching a new SQLite file to WAL takes a lock
// that the busy timeout does not wait for.
func answering(ctx context.Context, pool *sql.DB, what string) (*sql.DB, error) {
	patient, end := context.WithTimeout(ctx, patience)
	defer end()
	for backoff := firstBackoff; ; backoff = min(2*backoff, maxBackoff) {
		err := pool.PingContext(ctx)
		if err == nil {
			return pool, nil
		}
		wait := time.NewTimer(backoff/2 + rand.N(backoff/2))
		if contention(err) {
			select {
			case <-wait.C:
				continue
			case <-patient.Done():
			}
		}
		wait.Stop()
		_ = pool.Close()
		return nil, fmt.Errorf("cannot connect to %s: %w", what, err)
	}
}
