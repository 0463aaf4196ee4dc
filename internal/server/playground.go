package server

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// Example is a query that the playground opens in a tab of its own, which bears the name of the
// operation.
type Example struct {
	Title     string // one line; stands above the query as a comment
	Query     string // one named operation
	Variables string // JSON; may be empty
}

//go:embed playground
var playgroundFiles embed.FS

// pagePolicy lets the page load its own files and nothing else from anywhere. GraphiQL bears
// its fonts in its style sheet, and its editor sets styles on elements.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; font-src data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// playground is the page with its files, rendered once.
type playground struct {
	page   file
	assets map[string]file
}

type file struct {
	name    string
	content []byte
	etag    string
}

func newPlayground(examples []Example, version string) (*playground, error) {
	assets, err := loadAssets("playground", "playground/assets")
	if err != nil {
		return nil, err
	}
	tabs, err := tabsOf(examples)
	if err != nil {
		return nil, err
	}
	key, err := json.Marshal(tabs)
	if err != nil {
		return nil, err
	}
	t, err := template.ParseFS(playgroundFiles, "playground/page.html")
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	err = t.Execute(&page, map[string]any{
		"Version": version,
		"Tabs":    tabs,
		// Tabs that a browser remembers belong to one set of examples.
		"Key":   digest(key)[:12],
		"Asset": func(name string) string { return "playground/" + name + "?v=" + assets[name].etag[:12] },
	})
	if err != nil {
		return nil, err
	}
	return &playground{page: newFile("page.html", page.Bytes()), assets: assets}, nil
}

// loadAssets reads the files that the page refers to; licence texts among them are served too.
func loadAssets(dirs ...string) (map[string]file, error) {
	assets := map[string]file{}
	for _, dir := range dirs {
		entries, err := fs.ReadDir(playgroundFiles, dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.IsDir() || e.Name() == "page.html" {
				continue
			}
			content, err := fs.ReadFile(playgroundFiles, path.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			assets[e.Name()] = newFile(e.Name(), content)
		}
	}
	return assets, nil
}

func newFile(name string, content []byte) file {
	return file{name: name, content: content, etag: digest(content)}
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// tab is an element of GraphiQL's defaultTabs.
type tab struct {
	Query     string `json:"query"`
	Variables string `json:"variables,omitempty"`
}

// tabsOf refuses variables that are not a JSON object, which the reader of the page would have
// to mend.
func tabsOf(examples []Example) ([]tab, error) {
	tabs := []tab{}
	for _, e := range examples {
		var object map[string]any
		if e.Variables != "" && json.Unmarshal([]byte(e.Variables), &object) != nil {
			return nil, fmt.Errorf("example %q: the variables are not a JSON object", e.Title)
		}
		query := strings.TrimSpace(e.Query) + "\n"
		if e.Title != "" {
			query = "# " + e.Title + "\n" + query
		}
		tabs = append(tabs, tab{query, e.Variables})
	}
	return tabs, nil
}

func (p *playground) servePage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.Header().Set("Cache-Control", "no-cache")
	serveFile(w, r, p.page)
}

// serveAsset lets browsers keep a file for as long as they like when they ask for it by its
// content, as the page does.
func (p *playground) serveAsset(w http.ResponseWriter, r *http.Request) {
	f, ok := p.assets[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	if v := r.URL.Query().Get("v"); v != "" && strings.HasPrefix(f.etag, v) {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	serveFile(w, r, f)
}

func serveFile(w http.ResponseWriter, r *http.Request, f file) {
	w.Header().Set("Content-Type", contentType(f.name))
	w.Header().Set("ETag", `"`+f.etag[:32]+`"`)
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.content))
}

// contentType does not ask the machine's registry of types, which differs between machines.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "text/plain; charset=utf-8"
	}
}
