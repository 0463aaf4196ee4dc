// Package migrations holds the versioned migrations of both databases, one sequential number
// for both. They are written by `make migration NAME=x`; a released one never changes.
//
// Each runs in a transaction of its own together with the row that records it, on a connection
// that does not enforce foreign keys (see database.Migrate): SQLite changes most of a table by
// building it anew, and dropping the old one would otherwise delete or refuse what refers to
// it. Therefore every migration of SQLite ends by checking all foreign keys.
package migrations

import "embed"

// FS has the folders sqlite and postgres.
//
//go:embed sqlite/*.sql postgres/*.sql
var FS embed.FS
