package conformance_test

import (
	"testing"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/conformance"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
)

func TestBothDatabasesConform(t *testing.T) {
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			conformance.Run(t, func(t testing.TB) *database.DB { return dbtest.Open(t, d, database.Options{}) })
		})
	}
}
