package directory_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// BenchmarkLists reads the first page, and the count, of lists of a million users (10,000 with
// -short), whom it takes minutes to write. One product is assigned to all of them, another to
// one in a hundred.
func BenchmarkLists(b *testing.B) {
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		w := newWorld(b, dbtest.Open(b, d, database.Options{}), nil)
		n := 1_000_000
		if testing.Short() {
			n = 10_000
		}
		w.subscribe(w.suite, n)
		w.subscribe(w.tool, n)
		all, some := w.crowd(n)
		for group, product := range map[uuid.UUID]uuid.UUID{all: w.suite, some: w.tool} {
			_, err := w.licensing.Assign(b.Context(), w.tenant, licensing.AssignInput{
				Principals: []licensing.PrincipalRef{{Kind: "group", ID: group}}, Add: []licensing.LicenseInput{{Product: product}},
			})
			w.ok(err)
		}
		for name, query := range map[string]directory.UserQuery{
			"everybody":              {},
			"rare word":              {Search: "anbece"},
			"beginning":              {Search: "an"},
			"two beginnings":         {Search: "an be"},
			"word of all":            {Search: "acme"},
			"large group":            {Filter: directory.UserFilter{Group: &all}},
			"small group":            {Filter: directory.UserFilter{Group: &some}},
			"large group, rare word": {Search: "anbece", Filter: directory.UserFilter{Group: &all}},
			"product of all":         {Filter: directory.UserFilter{Product: &w.suite}},
			"product of some":        {Filter: directory.UserFilter{Product: &w.tool}},
			"plan of all":            {Filter: directory.UserFilter{Plan: &w.chat}},
			"no license":             {Filter: directory.UserFilter{HasLicense: ptr(false)}},
			"a license":              {Filter: directory.UserFilter{HasLicense: ptr(true)}},
			"in error":               {Filter: directory.UserFilter{HasLicenseError: ptr(true)}},
			"no error":               {Filter: directory.UserFilter{HasLicenseError: ptr(false)}},
		} {
			b.Run(string(d)+"/"+name+"/page", func(b *testing.B) {
				for b.Loop() {
					_, err := w.directory.ListUsers(b.Context(), w.tenant, query, paging.Args{})
					w.ok(err)
				}
			})
			b.Run(string(d)+"/"+name+"/count", func(b *testing.B) {
				c, err := w.directory.ListUsers(b.Context(), w.tenant, query, paging.Args{First: ptr(0)})
				w.ok(err)
				for b.Loop() {
					_, err := c.Count(b.Context())
					w.ok(err)
				}
			})
		}
	}
}
