package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/server"
)

// client asks a whole server over the world's API, in a language.
type client struct {
	*world
	server *server.Server
}

func (w *world) client() *client {
	w.t.Helper()
	s, err := server.New(server.Config{
		Schema: w.api.Schema, Extensions: w.api.Extensions, ErrorPresenter: w.api.ErrorPresenter, Recover: w.api.Recover, Clock: w.clock,
		Authenticate: func(ctx context.Context, role string) (context.Context, error) {
			return access.With(ctx, &access.Access{TenantID: w.tenants["acme"], Name: "test", Roles: []access.Role{access.Role(role)}}), nil
		},
		Ready: func(context.Context) error { return nil },
	})
	w.ok(err)
	return &client{w, s}
}

// ask returns the answer's text.
func (c *client) ask(language string, role access.Role, query string) string {
	c.t.Helper()
	body, err := json.Marshal(map[string]string{"query": c.named(query)})
	c.ok(err)
	r := httptest.NewRequestWithContext(c.t.Context(), http.MethodPost, "/graphql", strings.NewReader(string(body)))
	r.Header.Set("Authorization", "Bearer "+string(role))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Language", language)
	r.Header.Set("X-Request-Id", "request-1")
	recorded := httptest.NewRecorder()
	c.server.ServeHTTP(recorded, r)
	if got := recorded.Header().Get("Content-Language"); got != language {
		c.t.Errorf("asked for %s, answered in %s", language, got)
	}
	return recorded.Body.String()
}

// wordless returns an answer with every message and remediation taken out, and these, by path.
func wordless(t testing.TB, answer string) (rest string, words map[string]string) {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(answer), &value); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	words = map[string]string{}
	take(value, "", words)
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), words
}

func take(value any, path string, words map[string]string) {
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			take(item, path+"."+string(rune('0'+i)), words)
		}
	case map[string]any:
		for name, item := range v {
			if text, ok := item.(string); ok && (name == "message" || name == "remediation") {
				words[path+"."+name], v[name] = text, "…"
			}
			if name == "requestId" {
				v[name] = "…"
			}
			take(item, path+"."+name, words)
		}
	}
}

const userErrorFields = ` userErrors { code message remediation path details { __typename } } `

// spoken is what Dutch says where something is refused.
type spoken struct {
	query string
	role  access.Role
	dutch []string
}

func (c *client) spoken() []spoken {
	assign := func(who, input string) string {
		return `mutation { assignLicenses(input: { principalIds: ["{{` + who + `}}"], ` + input + ` }) { changed` + userErrorFields + `results { changed` + userErrorFields + `} } }`
	}
	return []spoken{
		{assign("cem", `add: [{ productId: "{{suite}}" }]`), "", []string{ // R8, one seat
			"Er is geen licentieplaats van Suite vrij: 1 van de 1 is bezet.",
			"Verhoog de licentieplaatsen van een abonnement op Suite, of neem het product af van iemand die het niet meer nodig heeft; wachtende gebruikers krijgen vrije plaatsen meteen."}},
		{assign("ann", `add: [{ productId: "{{tool}}" }]`), "", []string{"Er is geen licentieplaats van Tool vrij: 2 van de 2 zijn bezet."}}, // R8, two
		{assign("ann", `add: [{ productId: "{{addon}}" }]`), "", []string{ // R9
			"Het plan New van Addon en het plan Old van Suite sluiten elkaar uit (Old or New).", "Schakel New in Addon uit, of Old in Suite."}},
		{assign("dan", `add: [{ productId: "{{addon}}" }]`), "", []string{ // R11
			"Dan heeft geen gebruikslocatie, en die is nodig om Addon rechtstreeks toe te wijzen."}},
		{assign("cem", `add: [{ productId: "{{twin-a}}" }]`), "", []string{"De organisatie heeft geen lopend abonnement op Twin A.", "Maak er een met createSubscription."}}, // R16
		{assign("cem", `add: [{ productId: "{{past}}" }]`), "", []string{"Past is uit de catalogus van de leverancier verdwenen: bestaande toewijzingen gaan door, nieuwe worden geweigerd."}},
		{assign("ben", `remove: ["{{tool}}"]`), "", []string{"Ben heeft Tool via Staff, niet rechtstreeks."}}, // R21
		{assign("ann", `add: [{ productId: "{{suite}}" }], expectedVersion: 9`), "", []string{"Ann heeft inmiddels versie 2, niet 9: iemand heeft intussen iets gewijzigd."}},
		{assign("cem", `add: [{ productId: "nonsense" }]`), "", []string{`"nonsense" is onjuist gevormd: de id van een product ziet eruit als "product_01jr000000e008000000000001" of is de UUID van de leverancier.`}},
		{assign("suite", `add: [{ productId: "{{suite}}" }]`), "", []string{`is onjuist gevormd: dit is de id van een product, maar hier is de id van een gebruiker of een groep nodig.`}},
		{`mutation { updateSubscription(input: { id: "{{tool-seats}}", seats: 1 }) { changed` + userErrorFields + `} }`, "", []string{ // R15
			"Tool zou 1 licentieplaats hebben, en er zijn er 2 in gebruik.",
			"Maak eerst 1 licentieplaats vrij, of geef allowOverAllocation: true door; houders behouden dan hun plaats en nieuwkomers wachten."}},
		{`mutation { updateSubscription(input: { id: "{{tool-seats}}", seats: 3, expectedVersion: 9 }) { changed` + userErrorFields + `} }`, "", []string{
			"Het abonnement op Tool heeft inmiddels versie 1, niet 9: iemand heeft intussen iets gewijzigd."}},
		{`mutation { cancelSubscription(input: { id: "{{tool-seats}}" }) { changed` + userErrorFields + `} }`, "", []string{ // R15
			"Dit is het laatste lopende abonnement op Tool: 2 gebruikers zouden het product verliezen, en de toewijzingen aan 1 groep zouden een fout krijgen.",
			"Bekijk met dryRun: true wie het zijn en geef dan acknowledgeLosses: 2 door."}},
		{`mutation { cancelSubscription(input: { id: "{{suite-seats}}" }) { changed` + userErrorFields + `} }`, "", []string{
			"1 gebruiker zou het product verliezen, en de toewijzingen aan 0 groepen zouden een fout krijgen."}},
		{`mutation { deleteGroup(input: { id: "{{staff}}" }) { changed` + userErrorFields + `} }`, "", []string{`De groep "Staff" heeft eigen licenties: Tool.`}}, // R20
		{`mutation { addGroupMembers(input: { groupId: "{{nested}}", memberIds: ["{{staff}}"] }) { changed` + userErrorFields + `results { changed` + userErrorFields + `} } }`, "", []string{
			`De groep zou lid van zichzelf worden: "Nested" → "Staff" → "Nested".`}},
		{`mutation { createUser(input: { userPrincipalName: "a b", displayName: "", usageLocation: "UK" }) { changed` + userErrorFields + `} }`, "", []string{ // R18
			`De userPrincipalName "a b" bevat spaties.`, "displayName is leeg.", `"UK" is geen toegekende landcode van ISO 3166-1 (het Verenigd Koninkrijk is GB).`}},
		{`{ users(first: 101) { totalCount } }`, "", []string{"first is 101, maar een pagina heeft 0 tot en met 100 rijen."}},
		{`{ users(filter: { usageLocations: ["xx"] }) { totalCount } }`, "", []string{`filter.usageLocations[0]: "xx" is geen toegekende landcode van ISO 3166-1.`}},
		{`{ users(after: "x") { totalCount } }`, "", []string{"after is geen cursor van deze lijst: het is niet te lezen."}},
		{`{ product(skuPartNumber: "TWIN") { id } }`, "", []string{`2 producten dragen het artikelnummer "TWIN": `}},
		{`mutation { deleteUser(input: { id: "{{cem}}" }) { changed } }`, access.LicenseAdmin, []string{
			"Dit token heeft de rol LICENSE_ADMIN, en die geeft niet het recht om gebruikers te wijzigen.", "Gebruik een token met de rol GLOBAL_ADMIN of USER_ADMIN."}},
		{`{ users(first: 100) { nodes { groups(first: 100) { nodes { members(first: 100) { nodes { id } } } } } } }`, "", []string{"de query kost 1.0", ", en de grens is 50.000: vraag minder rijen"}},
		{`{ licenseErrors { totalCount nodes { code message remediation user { displayName } details { __typename } } } }`, "", []string{
			"Er is geen licentieplaats van Tool vrij.", "Verhoog de licentieplaatsen van een abonnement op Tool,"}},
	}
}

// TestTheSameRefusalInDutchAndEnglishDiffersInItsWordsOnly asks everything twice in turn, so that
// what one answer leaves behind in memory could show in the next.
func TestTheSameRefusalInDutchAndEnglishDiffersInItsWordsOnly(t *testing.T) {
	each(t, func(w *world) {
		for _, name := range []string{"Ann", "Ben", "Cem", "Eve"} {
			w.user(name)
		}
		w.userIn("Dan", "", false)
		w.group("Nested")
		w.group("Staff", "ben", "eve", "cem")
		w.do(`mutation { addGroupMembers(input: { groupId: "{{staff}}", memberIds: ["{{nested}}"] }) { changed } }`, nil)
		w.seats("suite", 1)
		w.seats("tool", 2)
		w.seats("addon", 5)
		w.assign("suite", "ann")
		w.assign("tool", "staff")
		c := w.client()
		for _, s := range c.spoken() {
			if s.role == "" {
				s.role = access.GlobalAdmin
			}
			var english, dutch string
			for range 2 {
				english, dutch = c.ask("en", s.role, s.query), c.ask("nl", s.role, s.query)
			}
			inEnglish, englishWords := wordless(w.t, english)
			inDutch, dutchWords := wordless(w.t, dutch)
			if inEnglish != inDutch {
				w.t.Errorf("%s\nEnglish %s\nDutch   %s", s.query, inEnglish, inDutch)
			}
			for path, words := range englishWords {
				if dutchWords[path] == words {
					w.t.Errorf("%s\nis told alike in both languages: %s", s.query, words)
				}
			}
			all := ""
			for _, words := range dutchWords {
				all += words + "\n"
			}
			for _, want := range s.dutch {
				if !strings.Contains(all, want) {
					w.t.Errorf("%s\nDutch says\n%swant\n%s", s.query, all, want)
				}
			}
		}
	})
}

// BenchmarkLicenseErrors reads a page of errors without their words and with them.
func BenchmarkLicenseErrors(b *testing.B) {
	w := newWorld(b, dbtest.Open(b, database.SQLite, database.Options{}), nil)
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("user%03d", i))
		w.user(names[i])
	}
	w.group("Staff", names...)
	w.seats("suite", 0)
	w.assign("suite", "staff")
	for _, c := range []struct{ name, fields string }{{"wordless", ""}, {"worded", " message remediation"}} {
		for _, l := range []locale.Language{locale.English, locale.Dutch} {
			b.Run(c.name+"/"+l.String(), func(b *testing.B) {
				w.t = b
				ctx := access.With(locale.With(b.Context(), l), &access.Access{TenantID: w.tenants["acme"], Roles: []access.Role{access.GlobalReader}})
				for b.Loop() {
					if a := w.askAs(ctx, request{query: `{ licenseErrors(first: 100) { nodes { code since` + c.fields + ` } } }`}); len(a.Errors) > 0 {
						b.Fatal(a.Errors)
					}
				}
			})
		}
	}
}
