package database

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"
)

func TestWrongURLNamesBothFormsAndNoPassword(t *testing.T) {
	for _, url := range []string{
		"", "licensegraph.db", "mysql://root:s3cret@localhost/x", "sqlite:", "sqlite::memory:", "sqlite://host/file",
		"sqlite:file.db?mode=ro", "postgres:s3cret", "postgres://user:s3cret@host:port%/x", "postgres://user:s3cret@[::1/x",
		"POSTGRES ://u:s3cret@h/x", "http://user:s3cret@host",
	} {
		_, err := Open(t.Context(), url, Options{})
		if err == nil {
			t.Errorf("Open(%q) succeeded", url)
			continue
		}
		if message := err.Error(); !strings.Contains(message, "sqlite:PATH") || !strings.Contains(message, "postgres://") {
			t.Errorf("Open(%q): %q does not name both forms", url, message)
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("Open(%q): %q holds the password", url, err)
		}
	}
}

func TestUnreachableDatabasesAreNamedWithoutPassword(t *testing.T) {
	for url, want := range map[string]string{
		"sqlite:" + t.TempDir() + "/nowhere/x.db":                               "there is no folder",
		"sqlite:" + t.TempDir():                                                 "cannot connect to the SQLite database",
		"postgres://me:s3cret@127.0.0.1:1/mine?sslmode=disable":                 "cannot connect to PostgreSQL at 127.0.0.1:1, database mine, as me",
		"postgres://me:s3cret@127.0.0.1:1/mine?sslmode=sometimes":               `"sometimes" is not supported`,
		"postgres://me:s3cret@127.0.0.1:1/mine?sslmode=disable&password=s3cret": "cannot connect",
	} {
		_, err := Open(t.Context(), url, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("Open(%q): %v, want %q and no password", url, err, want)
		}
	}
}

func TestPostgresURLIsCompleted(t *testing.T) {
	for _, name := range []string{"PGSSLMODE", "PGHOST", "PGCONNECT_TIMEOUT", "PGAPPNAME", "PGSSLROOTCERT"} {
		t.Setenv(name, "") // restored afterwards
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	for url, want := range map[string]pq.SSLMode{
		"postgres://u@localhost/x":                         pq.SSLModePrefer,
		"postgresql://u@127.0.0.1:5432/x":                  pq.SSLModePrefer,
		"postgres://u@[::1]/x":                             pq.SSLModePrefer,
		"postgres://u@/x":                                  pq.SSLModePrefer,
		"postgres://u@/x?host=/var/run/postgresql":         pq.SSLModeDisable, // a socket
		"postgres://u@db.example.com/x":                    pq.SSLModeRequire,
		"postgres://u@10.0.0.5/x":                          pq.SSLModeRequire,
		"postgres://u@/x?host=localhost,db.example.com":    pq.SSLModeRequire,
		"postgres://u@db.example.com/x?sslmode=disable":    pq.SSLModeDisable,
		"postgres://u@localhost/x?sslmode=verify-full":     pq.SSLModeVerifyFull,
		"postgres://u@db.example.com/x?sslrootcert=system": pq.SSLModeVerifyFull,
		"postgres://u@localhost/x?hostaddr=10.0.0.5":       pq.SSLModeRequire,
		"postgres://u@db.example.com/x?hostaddr=127.0.0.1": pq.SSLModePrefer,
	} {
		config, err := postgresConfig(url)
		if err != nil || config.SSLMode != want {
			t.Errorf("%s: sslmode %q, %v; want %q", url, config.SSLMode, err, want)
			continue
		}
		if config.ConnectTimeout != 10*time.Second || config.ApplicationName != "licensegraph" {
			t.Errorf("%s: connect_timeout %s, application_name %q", url, config.ConnectTimeout, config.ApplicationName)
		}
	}
	config, err := postgresConfig("postgres://u@localhost/x?connect_timeout=3&application_name=mine")
	if err != nil || config.ConnectTimeout != 3*time.Second || config.ApplicationName != "mine" {
		t.Errorf("what the URL says does not hold: %s, %q, %v", config.ConnectTimeout, config.ApplicationName, err)
	}
}

func TestEnvironmentOfLibpqGoesBeforeDefaults(t *testing.T) {
	t.Setenv("PGSSLMODE", "verify-full")
	t.Setenv("PGCONNECT_TIMEOUT", "4")
	config, err := postgresConfig("postgres://u@localhost/x")
	if err != nil || config.SSLMode != pq.SSLModeVerifyFull || config.ConnectTimeout != 4*time.Second {
		t.Errorf("sslmode %q, connect_timeout %s, %v", config.SSLMode, config.ConnectTimeout, err)
	}
}

// Switching a new file to WAL takes a lock for which SQLite does not wait, whatever the busy
// timeout.
func TestNewFileIsOpenedByManyAtOnce(t *testing.T) {
	for range 20 {
		url := "sqlite:" + filepath.Join(t.TempDir(), "new.db")
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				db, err := Open(t.Context(), url, Options{})
				if err != nil {
					t.Error(err)
					return
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}
