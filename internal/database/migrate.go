package database

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/licensegraph/licensegraph/internal/database/migrations"
	"github.com/licensegraph/licensegraph/internal/fault"
)

// Migration is one step of the schema.
type Migration struct {
	Version int64
	Name    string
	Applied bool
}

const versionTable = "goose_db_version"

// Migrate brings the schema to the newest version this program knows, and tells progress, if
// it is not nil, of each migration applied. Each migration is all or nothing. Any number of
// programs may migrate one database at the same time.
func Migrate(ctx context.Context, db *DB, progress func(Migration)) error {
	return MigrateFrom(ctx, db, migrations.FS, progress)
}

// MigrateFrom is Migrate with other migrations: fsys has the folders sqlite and postgres.
func MigrateFrom(ctx context.Context, db *DB, fsys fs.FS, progress func(Migration)) error {
	target, err := parseURL(db.url)
	if err != nil {
		return err
	}
	pool, err := target.open(ctx, forMigrating)
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	pool.SetMaxOpenConns(1)

	folder, err := fs.Sub(fsys, string(db.dialect))
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithTableName(versionTable)}
	dialect := goose.DialectSQLite3
	if db.dialect == Postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 1800))
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(dialect, pool, folder, options...)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for {
		before, err := provider.GetDBVersion(ctx)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		result, err := provider.UpByOne(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			return nil
		}
		if err != nil {
			// SQLite has no lock for this: another program may have been faster, which shows
			// in the version. Then the work goes on where that one stands.
			if now, e := provider.GetDBVersion(ctx); e == nil && now > before && db.dialect == SQLite {
				continue
			}
			return fmt.Errorf("migrate: %w", err)
		}
		if progress != nil {
			progress(Migration{result.Source.Version, migrationName(result.Source.Path), true})
		}
	}
}

// Status lists the migrations this program knows, in order.
func Status(ctx context.Context, db *DB) ([]Migration, error) {
	list, err := known(migrations.FS, db.dialect)
	if err != nil {
		return nil, err
	}
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Applied = list[i].Version <= version
	}
	return list, nil
}

// RequireHead refuses, with UNAVAILABLE, a database that is not at the newest version this
// program knows; the message says what to run.
func RequireHead(ctx context.Context, db *DB) error {
	list, err := known(migrations.FS, db.dialect)
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	head := list[len(list)-1].Version
	switch {
	case version < head:
		return fault.New(fault.Unavailable, "the database is at version %d of %d; run: licensegraph migrate up", version, head)
	case version > head:
		return fault.New(fault.Unavailable, "the database is at version %d, but this program knows only %d: use a newer licensegraph", version, head)
	}
	return nil
}

// known lists the migrations in fsys, none of them applied.
func known(fsys fs.FS, d Dialect) ([]Migration, error) {
	files, err := fs.Glob(fsys, string(d)+"/*.sql")
	if err != nil {
		return nil, err
	}
	var list []Migration
	for _, file := range files {
		number, _, _ := strings.Cut(path.Base(file), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("migration %s: its name does not begin with a number", file)
		}
		list = append(list, Migration{Version: version, Name: migrationName(file)})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no migrations for %s", d)
	}
	slices.SortFunc(list, func(a, b Migration) int { return int(a.Version - b.Version) })
	return list, nil
}

// Fingerprint is a short text that differs wherever the migrations of a database differ. Tests
// keep a migrated template under it.
func Fingerprint(d Dialect) (string, error) {
	files, err := fs.Glob(migrations.FS, string(d)+"/*.sql")
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	for _, file := range files {
		content, err := fs.ReadFile(migrations.FS, file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%s %d\n", file, len(content))
		hash.Write(content)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8]), nil
}

// migrationName is the file's name without number and ending.
func migrationName(file string) string {
	_, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".sql"), "_")
	return name
}

// schemaVersion is the newest migration applied; 0 where there is none.
func schemaVersion(ctx context.Context, db *DB) (int64, error) {
	exists := "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '" + versionTable + "'"
	if db.dialect == Postgres {
		exists = "SELECT count(*) FROM pg_class WHERE oid = to_regclass('" + versionTable + "')"
	}
	var n, version int64
	if err := db.reader.QueryRowContext(ctx, exists).Scan(&n); err != nil {
		return 0, fmt.Errorf("read the version of the schema: %w", err)
	}
	if n == 0 {
		return 0, nil
	}
	err := db.reader.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM "+versionTable+" WHERE is_applied").Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("read the version of the schema: %w", err)
	}
	return version, nil
}
