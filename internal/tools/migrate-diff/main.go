// Command migrate-diff writes the migrations, one for each database and of one number, that
// bring the present ones to the declared schema:
//
//	scripts/with-postgres.sh go run ./internal/tools/migrate-diff NAME
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/schemadiff"
	"github.com/licensegraph/licensegraph/internal/database/scratch"
)

const folder = "internal/database/migrations"

func main() {
	if len(os.Args) != 2 || !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(os.Args[1]) {
		fmt.Fprintln(os.Stderr, "usage: make migration NAME=name_in_lower_case")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "migration:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string) error {
	temp, err := os.MkdirTemp("", "licensegraph-migration-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	server, err := scratch.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()

	makers := map[database.Dialect]maker{
		database.SQLite: func(role string) (string, func(), error) {
			return "sqlite:" + filepath.Join(temp, role), func() {}, nil
		},
		database.Postgres: func(string) (string, func(), error) { return postgres(ctx, server) },
	}
	statements := make(map[database.Dialect][]schemadiff.Statement)
	changed := false
	for d, create := range makers {
		if statements[d], err = diff(ctx, create); err != nil {
			return fmt.Errorf("%s: %w", d, err)
		}
		changed = changed || len(statements[d]) > 0
	}
	if !changed {
		fmt.Println("The migrations already make the declared schema.")
		return nil
	}
	number, err := next()
	if err != nil {
		return err
	}
	var written []string
	for d := range makers {
		file := filepath.Join(folder, string(d), fmt.Sprintf("%05d_%s.sql", number, name))
		if err := os.WriteFile(file, []byte(schemadiff.Render(d, statements[d])), 0o644); err != nil {
			return err
		}
		fmt.Println(file)
		written = append(written, file)
	}
	for d, create := range makers {
		rest, err := diff(ctx, create)
		if err == nil && len(rest) > 0 {
			err = fmt.Errorf("a difference remains: %s", rest[0].SQL)
		}
		if err != nil {
			return fmt.Errorf("%s: the migration does not lead to the declared schema; edit or remove %s: %w", d, strings.Join(written, " and "), err)
		}
	}
	fmt.Println("Read both before you commit them: what they do to rows is yours to decide.")
	return nil
}

// maker makes an empty database and returns its URL and a function that removes it.
type maker func(role string) (url string, drop func(), err error)

func postgres(ctx context.Context, server *scratch.Server) (string, func(), error) {
	name, err := server.Create(ctx, "")
	return server.URL(name), func() { _ = server.Drop(ctx, name) }, err
}

// diff compares a database made by the migrations in the working tree with one made from the
// declared schema.
func diff(ctx context.Context, create maker) ([]schemadiff.Statement, error) {
	have, closeHave, err := open(ctx, create, "have")
	if err != nil {
		return nil, err
	}
	defer closeHave()
	want, closeWant, err := open(ctx, create, "want")
	if err != nil {
		return nil, err
	}
	defer closeWant()
	dir := os.DirFS(folder)
	if present, err := fs.Glob(dir, string(have.Dialect())+"/*.sql"); err != nil {
		return nil, err
	} else if len(present) > 0 {
		if err := database.MigrateFrom(ctx, have, dir, nil); err != nil {
			return nil, err
		}
	}
	if err := schemadiff.Create(ctx, want); err != nil {
		return nil, err
	}
	return schemadiff.Diff(ctx, have, want)
}

func open(ctx context.Context, create maker, role string) (*database.DB, func(), error) {
	url, drop, err := create(role)
	if err != nil {
		return nil, nil, err
	}
	db, err := database.Open(ctx, url, database.Options{})
	if err != nil {
		drop()
		return nil, nil, err
	}
	return db, func() {
		_ = db.Close()
		drop()
		if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
			_ = os.Remove(path)
		}
	}, nil
}

// next is the number after the highest of both databases.
func next() (int, error) {
	highest := 0
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		files, err := filepath.Glob(filepath.Join(folder, string(d), "*.sql"))
		if err != nil {
			return 0, err
		}
		for _, file := range files {
			var n int
			if _, err := fmt.Sscanf(filepath.Base(file), "%05d_", &n); err != nil {
				return 0, errors.Join(fmt.Errorf("%s: its name does not begin with a number", file), err)
			}
			highest = max(highest, n)
		}
	}
	return highest + 1, nil
}
