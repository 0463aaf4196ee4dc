package graph_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

var update = flag.Bool("update", false, "write the expected answers of the scenarios anew")

// TestScenarios plays the scenarios in testdata, which are named by what they are about and the
// rules that they show. Steps are operations in files .graphql and imports in files .catalogue
// (see catalogueFile), each followed by its expected answer in a file .json of the same name, and
// what need not be shown in files .scene (see scene). Lines of an operation that begin with # are
// about it:
//
//	# as ROLE            asks with a role, GLOBAL_ADMIN by default
//	# tenant NAME        asks in a tenant, acme by default
//	# variables {…}      passes variables
//	# after 1h           moves the clock first, and carries out what falls due by then; it moves on
//	                     by a minute with each operation
//	# keep NAME = PATH   names the id at a path of the answer
//	# threshold N        sets how many users of acme may lose a product unasked
//	# country CODE       sets acme's country
//	# operations         has operations run, from then on
//	# wait NAME          waits, after the answer, until the operation of that name has ended
//
// {{NAME}} stands for an id, in operations and in answers. At the end of each scenario what is
// stored holds R17 in both tenants.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			each(t, func(w *world) { w.play(t, file) })
		})
	}
}

func (w *world) play(t *testing.T, file string) {
	script, err := txtar.ParseFile(file)
	w.ok(err)
	played := &txtar.Archive{Comment: script.Comment}
	expected := map[string]string{}
	for _, f := range script.Files {
		if name, ok := strings.CutSuffix(f.Name, ".json"); ok {
			expected[name] = string(f.Data)
		}
	}
	for _, f := range script.Files {
		var got string
		name, kind, _ := cutLast(f.Name, ".")
		switch kind {
		case "graphql":
			got = w.step(string(f.Data))
		case "catalogue":
			w.clock.Advance(time.Minute)
			got = w.importCatalogue(string(f.Data))
		case "scene":
			w.scene(string(f.Data))
			played.Files = append(played.Files, f)
			continue
		default:
			continue
		}
		played.Files = append(played.Files, f, txtar.File{Name: name + ".json", Data: []byte(got)})
		if want := expected[name]; got != want && !*update {
			t.Errorf("%s\ngot  %swant %s", name, got, want)
		}
	}
	if *update {
		w.ok(os.WriteFile(file, txtar.Format(played), 0o644))
	}
	for name := range w.tenants {
		if a := w.ask(request{query: `{ verification { ok problems { message } } }`, tenant: name}); w.at(a, "verification.ok") != "true" {
			t.Errorf("tenant %s: %s", name, a.Data)
		}
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// scene makes what a scenario takes for granted, a line each, a minute apart:
//
//	user Ann NL              a user and the usage location, which may be left out
//	group Team: ann, ben     a group with members
//	seats suite 3            a subscription; without a number, unlimited
//	assign suite: ann, team  a product for users and groups
//
// The names are those of ids, in lower case; a subscription's is suite-seats.
func (w *world) scene(text string) {
	w.t.Helper()
	for line := range strings.Lines(text) {
		w.clock.Advance(time.Minute)
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, list, _ := strings.Cut(rest, ": ")
		var names []string
		if list != "" {
			names = strings.Split(list, ", ")
		}
		switch word {
		case "user":
			name, country, located := strings.Cut(rest, " ")
			w.userIn(name, country, located)
		case "group":
			w.group(name, names...)
		case "seats":
			product, count, limited := strings.Cut(rest, " ")
			var seats any
			if limited {
				n, err := strconv.Atoi(count)
				w.ok(err)
				seats = n
			}
			w.seats(product, seats)
		case "assign":
			w.assign(name, names...)
		default:
			w.t.Fatalf("what is %q?", line)
		}
	}
}

// step asks one operation and returns the answer as a scenario shows it.
func (w *world) step(text string) string {
	w.t.Helper()
	r := request{query: text}
	var keep [][2]string
	var wait string
	w.clock.Advance(time.Minute)
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "#")), " ")
		if !strings.HasPrefix(line, "#") {
			continue
		}
		switch word {
		case "as":
			r.role = access.Role(rest)
		case "tenant":
			r.tenant = rest
		case "variables":
			w.ok(json.Unmarshal([]byte(rest), &r.variables))
		case "after":
			d, err := time.ParseDuration(rest)
			w.ok(err)
			w.clock.Advance(d)
			due, err := w.licenses.ApplyDue(w.t.Context())
			w.ok(err)
			for _, err := range due.Failed {
				w.ok(err)
			}
		case "threshold":
			n, err := strconv.Atoi(rest)
			w.ok(err)
			w.settle(licensing.UpdateTenantInput{LossThreshold: &n})
		case "country":
			w.settle(licensing.UpdateTenantInput{Country: &rest})
		case "operations":
			w.runOperations()
		case "wait":
			wait = rest
		case "keep":
			name, path, _ := strings.Cut(rest, " = ")
			keep = append(keep, [2]string{name, path})
		default:
			w.t.Fatalf("what is %q?", line)
		}
	}
	a := w.ask(r)
	for _, k := range keep {
		w.keep(k[0], a, k[1])
	}
	if wait != "" {
		w.waitFor(wait)
	}
	out, err := json.Marshal(a)
	w.ok(err)
	return pretty([]byte(w.unnamed(string(out)))) + "\n"
}

// pretty writes JSON with what fits a line on a line.
func pretty(text []byte) string {
	var b strings.Builder
	write(&b, bytes.ReplaceAll(bytes.ReplaceAll(bytes.ReplaceAll(text, []byte(`\u003c`), []byte("<")), []byte(`\u003e`), []byte(">")), []byte(`\u0026`), []byte("&")), "")
	return b.String()
}

const width = 130

func write(b *strings.Builder, text []byte, indent string) {
	if len(indent)+len(text) <= width || text[0] != '{' && text[0] != '[' {
		b.WriteString(spaced(text))
		return
	}
	b.WriteByte(text[0])
	for i, part := range parts(text[1 : len(text)-1]) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n" + indent + "  ")
		if key, value, ok := bytes.Cut(part, []byte(":")); ok && text[0] == '{' {
			b.WriteString(string(key) + ": ")
			part = value
		}
		write(b, part, indent+"  ")
	}
	b.WriteString("\n" + indent + string(text[len(text)-1]))
}

// parts cuts the inside of an object or array at its commas.
func parts(text []byte) [][]byte {
	var list [][]byte
	depth, quoted, start := 0, false, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ',' && depth == 0:
			list = append(list, text[start:i])
			start = i + 1
		}
	}
	return append(list, text[start:])
}

// spaced puts blanks after the commas and colons of JSON.
func spaced(text []byte) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		b.WriteByte(c)
		switch {
		case quoted && c == '\\':
			i++
			b.WriteByte(text[i])
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ':'):
			b.WriteByte(' ')
		}
	}
	return b.String()
}
