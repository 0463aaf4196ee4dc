// Package server is the HTTP side of Licensegraph: the GraphQL endpoint with its limits, the
// playground, the health probes, the access log and the orderly end.
//
// The GraphQL transport is our own, over gqlgen's executor. It follows the GraphQL over HTTP
// specification to the letter (all audits of graphql-http pass), refuses text that databases or
// clients would silently change, and gives every error a code and the request's id.
package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/rs/zerolog"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/graph/coerce"
	"github.com/licensegraph/licensegraph/internal/clock"
)

// Paths that the server answers.
const (
	pathGraphQL = "/graphql"
	pathPage    = "/{$}"
	pathAssets  = "/playground/{file}"
	pathLive    = "/livez"
	pathReady   = "/readyz"
)

// Config is what a server needs. Everything is required unless it says otherwise.
type Config struct {
	// Schema is the generated executable schema with its resolvers.
	Schema graphql.ExecutableSchema
	// Authenticate checks tokens; /graphql serves nobody without one.
	Authenticate Authenticator
	// Identify names an authenticated context's caller for the access log. Optional.
	Identify func(context.Context) Identity
	// ErrorPresenter turns errors of resolvers into what clients see. It must set
	// extensions.code; an error that leaves it without one is shown as INTERNAL, without its text.
	ErrorPresenter graphql.ErrorPresenterFunc
	// Recover turns panics of resolvers into errors for the presenter.
	Recover graphql.RecoverFunc
	// Extensions are gqlgen handler extensions (loaders, cost), outermost first. An extension
	// that refuses an operation before it runs sets extensions.code, COST_EXCEEDED for instance.
	// Introspection and the coercion of inputs (graph/coerce) are always on and come first. Optional.
	Extensions []graphql.HandlerExtension
	// QueryCacheSize is the number of parsed and validated queries to remember. 0 means 1000.
	QueryCacheSize int
	// Logger writes the access log and what goes wrong. Its zero value is silent.
	Logger zerolog.Logger
	// Clock measures requests for the access log.
	Clock clock.Clock
	// Ready tells why the server cannot serve, or nil. It gets two seconds.
	Ready func(context.Context) error
	// Version is shown by the probes and the playground. Optional.
	Version string
	// Examples are the tabs that the playground opens with. Optional.
	Examples []Example
	// Limits are the limits on requests; zero fields mean the defaults. Optional.
	Limits Limits
}

// Limits bound what one request may cost. Zero means the default.
type Limits struct {
	BodyBytes      int64         // of a request body; default 1 MiB; beyond it 413
	QueryTokens    int           // of a query text; default 5000; beyond it COST_EXCEEDED
	JSONDepth      int           // of nested arrays and objects in a body; default 64
	RequestTimeout time.Duration // for one request; default 60 s, at most 110 s
}

// maxRequestTimeout leaves a request that ran out of time a few seconds to say so before the
// connection's write timeout cuts it off.
const maxRequestTimeout = writeTimeout - 10*time.Second

// Server is an http.Handler for all of Licensegraph's paths.
type Server struct{ handler http.Handler }

// New returns a server, or an error that names what is missing or wrong in the configuration.
func New(cfg Config) (*Server, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	exec, err := newExecutor(cfg)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	page, err := newPlayground(cfg.Examples, cfg.Version)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle(pathGraphQL, &endpoint{
		authenticate: cfg.Authenticate,
		identify:     cfg.Identify,
		documents:    newDocuments(cfg.Schema.Schema(), cfg.Limits.QueryTokens, cfg.QueryCacheSize),
		executor:     exec,
		limits:       cfg.Limits,
	})
	mux.HandleFunc("GET "+pathPage, page.servePage)
	mux.HandleFunc("GET "+pathAssets, page.serveAsset)
	mux.HandleFunc("GET "+pathLive, live(cfg.Version))
	mux.HandleFunc("GET "+pathReady, ready(cfg.Ready, cfg.Version))
	reserve(mux, "/app", "the dashboard")
	reserve(mux, "/docs", "the documentation")
	return &Server{handler: observe(cfg.Logger, cfg.Clock, guard(secure(mux)))}, nil
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// complete fills in the defaults and refuses what is missing.
func (c *Config) complete() error {
	required := []struct {
		name   string
		absent bool
	}{
		{"Schema", c.Schema == nil},
		{"Authenticate", c.Authenticate == nil},
		{"ErrorPresenter", c.ErrorPresenter == nil},
		{"Recover", c.Recover == nil},
		{"Clock", c.Clock == nil},
		{"Ready", c.Ready == nil},
	}
	for _, r := range required {
		if r.absent {
			return fmt.Errorf("%s is required", r.name)
		}
	}
	if c.QueryCacheSize < 0 || c.Limits.BodyBytes < 0 || c.Limits.QueryTokens < 0 || c.Limits.JSONDepth < 0 {
		return errors.New("limits cannot be negative")
	}
	if t := c.Limits.RequestTimeout; t < 0 || t > maxRequestTimeout {
		return fmt.Errorf("RequestTimeout must lie between 0 and %s", maxRequestTimeout)
	}
	setDefault(&c.QueryCacheSize, 1000)
	setDefault(&c.Limits.BodyBytes, 1<<20)
	setDefault(&c.Limits.QueryTokens, 5000)
	setDefault(&c.Limits.JSONDepth, 64)
	setDefault(&c.Limits.RequestTimeout, time.Minute)
	return nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func newExecutor(cfg Config) (*executor.Executor, error) {
	exec := executor.New(cfg.Schema)
	exec.SetErrorPresenter(cfg.ErrorPresenter)
	exec.SetRecoverFunc(cfg.Recover)
	exec.SetQueryCache(loadedDocument{})
	exec.SetParserTokenLimit(cfg.Limits.QueryTokens)
	own := []graphql.HandlerExtension{
		introspection{},
		// First among those that look at arguments, so that they see coerced values.
		&coerce.Extension{Documents: loadedDocument{}, TokenLimit: cfg.Limits.QueryTokens},
	}
	for _, ext := range slices.Concat(own, cfg.Extensions) {
		if err := usable(ext, cfg.Schema); err != nil {
			return nil, err
		}
		exec.Use(ext)
	}
	return exec, nil
}

// introspection lets every authenticated caller read the schema, which the playground and the
// generators of clients live on.
type introspection struct{}

// ExtensionName is the name in statistics.
func (introspection) ExtensionName() string { return "Introspection" }

// Validate accepts every schema.
func (introspection) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext opens the fields __schema and __type.
func (introspection) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	op.DisableIntrospection = false
	return nil
}

// usable tells what the executor would panic about.
func usable(ext graphql.HandlerExtension, schema graphql.ExecutableSchema) error {
	switch ext.(type) {
	case nil:
		return errors.New("an extension is nil")
	case graphql.OperationParameterMutator, graphql.OperationContextMutator, graphql.OperationInterceptor,
		graphql.RootFieldInterceptor, graphql.FieldInterceptor, graphql.ResponseInterceptor:
	default:
		return fmt.Errorf("extension %s hooks into nothing", ext.ExtensionName())
	}
	if err := ext.Validate(schema); err != nil {
		return fmt.Errorf("extension %s: %w", ext.ExtensionName(), err)
	}
	return nil
}

// reserve keeps a path and everything below it for a part that this server does not have, so
// that nothing else grows there.
func reserve(mux *http.ServeMux, path, purpose string) {
	notHere := func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, path+" is reserved for "+purpose+", which this server does not offer.", http.StatusNotFound)
	}
	mux.HandleFunc(path, notHere)
	mux.HandleFunc(path+"/", notHere)
}

// secured are the headers that every response bears. A handler replaces one by Header.Set,
// which leaves these values as they are.
var secured = http.Header{
	"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
	"Referrer-Policy":              {"no-referrer"},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
}

// secure sets the headers that every response bears. The page replaces the content policy with
// its own.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), secured)
		next.ServeHTTP(w, r)
	})
}
