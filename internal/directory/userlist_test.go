package directory_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/paging"
)

func TestSearchFindsUsersByTheBeginningOfAnyWord(t *testing.T) {
	each(t, func(w *world) {
		for name, principalName := range map[string]string{
			"Anna-Lena Berg": "alb@acme.example", "Ben O'Brien": "ben.obrien@acme.example", "Zoë Straße": "zs@acme.example",
			"Ｆｕｌｌ Width": "fw@acme.example", "山田 太郎": "yamada@acme.example", "100% _Sure": "sure@acme.example", "Bergmann": "x@other.example",
		} {
			w.createUser(directory.CreateUserInput{DisplayName: name, UserPrincipalName: principalName})
		}
		for search, want := range map[string][]string{
			"":                            {"100% _Sure", "Anna-Lena Berg", "Ben O'Brien", "Bergmann", "Ｆｕｌｌ Width", "Zoë Straße", "山田 太郎"},
			"  ":                          {"100% _Sure", "Anna-Lena Berg", "Ben O'Brien", "Bergmann", "Ｆｕｌｌ Width", "Zoë Straße", "山田 太郎"},
			"berg":                        {"Anna-Lena Berg", "Bergmann"},
			"BERG":                        {"Anna-Lena Berg", "Bergmann"},
			"berg an":                     {"Anna-Lena Berg"},
			"lena":                        {"Anna-Lena Berg"},
			"anna-l":                      {"Anna-Lena Berg"},
			"erg":                         {},
			"o'b":                         {"Ben O'Brien"},
			"brien":                       {"Ben O'Brien"},
			"STRASSE":                     {"Zoë Straße"},
			"zoe":                         {},
			"zoë":                         {"Zoë Straße"},
			"full":                        {"Ｆｕｌｌ Width"},
			"山":                           {"山田 太郎"},
			"太":                           {"山田 太郎"},
			"obrien":                      {"Ben O'Brien"},
			"ben.o":                       {"Ben O'Brien"},
			"alb@acme":                    {"Anna-Lena Berg"},
			"acme":                        {"100% _Sure", "Anna-Lena Berg", "Ben O'Brien", "Ｆｕｌｌ Width", "Zoë Straße", "山田 太郎"},
			"other":                       {"Bergmann"},
			"%":                           {},
			"_":                           {},
			"@":                           {},
			"100%":                        {"100% _Sure"},
			"b be ber":                    {"Anna-Lena Berg", "Bergmann"},
			"be\x00rg":                    {"Anna-Lena Berg", "Bergmann"},
			"berg\xff":                    {"Anna-Lena Berg", "Bergmann"},
			strings.Repeat("berg ", 50):   {"Anna-Lena Berg", "Bergmann"},
			"'; DROP TABLE user_words;--": {},
		} {
			w.same("search "+search, w.list(directory.UserQuery{Search: search}), want)
		}
	})
}

func TestSearchFollowsTheUsersNames(t *testing.T) {
	each(t, func(w *world) {
		u := w.user("Anna Berg")
		_, err := w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{
			ID: u.ID, DisplayName: optional.Of("Anna Smith"), UserPrincipalName: optional.Of("smith@acme.example"),
		})
		w.ok(err)
		w.same("old name", w.list(directory.UserQuery{Search: "berg"}), []string{})
		w.same("new name", w.list(directory.UserQuery{Search: "smi"}), []string{"Anna Smith"})
		_, err = w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: u.ID})
		w.ok(err)
		w.same("deleted", w.list(directory.UserQuery{Search: "smi"}), []string{})
		w.same("among the deleted", w.list(directory.UserQuery{Search: "smi", Filter: directory.UserFilter{Deleted: true}}), []string{"Anna Smith"})
	})
}

func TestUsersAreListedInEachOrderBothWays(t *testing.T) {
	each(t, func(w *world) {
		for _, name := range []string{"delta", "Alpha", "charlie", "Bravo"} {
			w.createUser(directory.CreateUserInput{DisplayName: name, UserPrincipalName: strings.ToUpper(name[len(name)-1:]) + name + "@acme.example"})
			w.clock.Advance(1_000_000)
		}
		for by, want := range map[directory.UserOrder][]string{
			"":                             {"Alpha", "Bravo", "charlie", "delta"},
			directory.UsersByDisplayName:   {"Alpha", "Bravo", "charlie", "delta"},
			directory.UsersByPrincipalName: {"Alpha", "delta", "charlie", "Bravo"},
			directory.UsersByCreation:      {"delta", "Alpha", "charlie", "Bravo"},
		} {
			w.same("by "+string(by), w.list(directory.UserQuery{OrderBy: by}), want)
			backward := []string{want[3], want[2], want[1], want[0]}
			w.same("descending by "+string(by), w.list(directory.UserQuery{OrderBy: by, Descending: true}), backward)
		}
	})
}

func TestUsersAreFilteredByTheirFields(t *testing.T) {
	each(t, func(w *world) {
		w.createUser(directory.CreateUserInput{DisplayName: "A", UserPrincipalName: "a@x", Department: ptr("Sales"), UsageLocation: ptr("NL")})
		w.createUser(directory.CreateUserInput{DisplayName: "B", UserPrincipalName: "b@x", Department: ptr("sales"), UsageLocation: ptr("DE")})
		c := w.createUser(directory.CreateUserInput{DisplayName: "C", UserPrincipalName: "c@x", Department: ptr("R&D")})
		_, err := w.directory.UpdateUser(w.t.Context(), w.tenant, directory.UpdateUserInput{ID: c.ID, AccountEnabled: optional.Of(false)})
		w.ok(err)
		for what, f := range map[string]struct {
			filter directory.UserFilter
			want   []string
		}{
			"department as written": {directory.UserFilter{Departments: []string{"Sales"}}, []string{"A"}},
			"several departments":   {directory.UserFilter{Departments: []string{"Sales", "R&D", "Sales", "x\x00"}}, []string{"A", "C"}},
			"no department":         {directory.UserFilter{Departments: []string{}}, []string{}},
			"location":              {directory.UserFilter{UsageLocations: []string{"nl"}}, []string{"A"}},
			"several locations":     {directory.UserFilter{UsageLocations: []string{"NL", "de"}}, []string{"A", "B"}},
			"no location":           {directory.UserFilter{UsageLocations: []string{}}, []string{}},
			"enabled":               {directory.UserFilter{AccountEnabled: ptr(true)}, []string{"A", "B"}},
			"disabled":              {directory.UserFilter{AccountEnabled: ptr(false)}, []string{"C"}},
			"all must hold":         {directory.UserFilter{Departments: []string{"Sales"}, UsageLocations: []string{"DE"}}, []string{}},
			"unknown product":       {directory.UserFilter{Product: ptr(uuid.New())}, []string{}},
			"unknown plan":          {directory.UserFilter{Plan: ptr(uuid.New())}, []string{}},
			"unknown group":         {directory.UserFilter{Group: ptr(uuid.New())}, []string{}},
		} {
			w.same(what, w.list(directory.UserQuery{Filter: f.filter}), f.want)
		}
	})
}

func TestWrongArgumentsOfUserListsAreRefusedWithTheirPath(t *testing.T) {
	each(t, func(w *world) {
		page, err := w.directory.Members(w.t.Context(), w.tenant, w.group("Sales", w.user("Anna")).ID, directory.MemberQuery{}, paging.Args{})
		w.ok(err)
		for path, c := range map[string]struct {
			query directory.UserQuery
			args  paging.Args
		}{
			"search":                  {directory.UserQuery{Search: strings.Repeat("ä", 257)}, paging.Args{}},
			"filter.departments":      {directory.UserQuery{Filter: directory.UserFilter{Departments: make([]string, 101)}}, paging.Args{}},
			"filter.usageLocations":   {directory.UserQuery{Filter: directory.UserFilter{UsageLocations: make([]string, 301)}}, paging.Args{}},
			"filter.usageLocations.1": {directory.UserQuery{Filter: directory.UserFilter{UsageLocations: []string{"NL", "EU"}}}, paging.Args{}},
			"first":                   {directory.UserQuery{}, paging.Args{First: ptr(-1)}},
			"after":                   {directory.UserQuery{}, paging.Args{After: &page.Cursors[0]}}, // of a list of members
			"before":                  {directory.UserQuery{}, paging.Args{Before: ptr("x")}},
		} {
			_, err := w.directory.ListUsers(w.t.Context(), w.tenant, c.query, c.args)
			w.refused(err, fault.BadUserInput, path)
		}
		beginnings := strings.TrimSpace(strings.Repeat("a ", 3)) + " " + strings.Join([]string{"ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "abcdefgh",
			"abcdefghi", "abcdefghij", "abcdefghijk", "abcdefghijkl", "abcdefghijklm", "abcdefghijklmn", "abcdefghijklmno", "abcdefghijklmnop",
			"abcdefghijklmnopq"}, " ")
		_, err = w.directory.ListUsers(w.t.Context(), w.tenant, directory.UserQuery{Search: beginnings}, paging.Args{})
		w.ok(err) // one word and its beginnings
		words := strings.Join(strings.Split("abcdefghijklmnopq", ""), " ")
		_, err = w.directory.ListUsers(w.t.Context(), w.tenant, directory.UserQuery{Search: words}, paging.Args{})
		w.refused(err, fault.BadUserInput, "search")
	})
}

func TestACursorGoesOnAtItsPlaceOnceItsUserIsDeletedOrRenamed(t *testing.T) {
	each(t, func(w *world) {
		for _, name := range []string{"A", "B", "C"} {
			w.user(name)
		}
		page, err := w.directory.ListUsers(w.t.Context(), w.tenant, directory.UserQuery{}, paging.Args{First: ptr(2)})
		w.ok(err)
		_, err = w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: page.Items[1].ID})
		w.ok(err)
		next, err := w.directory.ListUsers(w.t.Context(), w.tenant, directory.UserQuery{}, paging.Args{After: &page.Cursors[1]})
		w.ok(err)
		w.same("after a deleted user", userNames(next.Items), []string{"C"})
		if !next.HasPrevious || next.HasNext {
			w.t.Errorf("hasPrevious %v, hasNext %v", next.HasPrevious, next.HasNext)
		}
	})
}

func TestFirst0GivesNoRowsButTheTrueCountAndPageInfo(t *testing.T) {
	each(t, func(w *world) {
		w.user("A")
		c, err := w.directory.ListUsers(w.t.Context(), w.tenant, directory.UserQuery{}, paging.Args{First: ptr(0)})
		w.ok(err)
		n, err := c.Count(w.t.Context())
		w.ok(err)
		if len(c.Items) != 0 || n != 1 || !c.HasNext || c.HasPrevious {
			w.t.Errorf("%d rows of %d, hasNext %v, hasPrevious %v", len(c.Items), n, c.HasNext, c.HasPrevious)
		}
	})
}

func TestNothingIsCountedUntilTheCountIsAskedFor(t *testing.T) {
	each(t, func(w *world) {
		w.user("A")
		w.ran.Reset()
		c, err := w.directory.ListUsers(w.t.Context(), w.tenant, directory.UserQuery{}, paging.Args{})
		w.ok(err)
		if w.ran.Count() != 1 {
			w.t.Errorf("a page takes %q", w.ran.List())
		}
		if _, err := c.Count(w.t.Context()); err != nil || w.ran.Count() != 2 {
			w.t.Errorf("page and count take %q, %v", w.ran.List(), err)
		}
	})
}
