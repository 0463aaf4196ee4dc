package server

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/rs/zerolog"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/requestid"
)

// maxLogged bounds, in bytes, what a log line takes over from a request.
const maxLogged = 200

// note gathers what the access log says about a request beside the HTTP facts. A request is
// served by one goroutine, so it needs no lock.
type note struct {
	identify      func() Identity
	operation     string
	operationType string
}

type noteKey struct{}

// noteIdentity says how to learn who calls, which is not asked where nothing is logged.
func noteIdentity(ctx context.Context, identify func() Identity) {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		n.identify = identify
	}
}

func noteOperation(ctx context.Context, op *ast.OperationDefinition) {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		n.operation, n.operationType = op.Name, string(op.Operation)
	}
}

// observe gives every request an id and a logger that bears it, and writes one line when the
// request is done. The line holds no query, no variable, no header and no part of the URL
// beside the path.
func observe(log zerolog.Logger, clk clock.Clock, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestid.Header)
		if !requestid.Valid(id) {
			id = requestid.New()
		}
		w.Header().Set(requestid.Header, id)
		reqLog := log.With().Str("request_id", id).Logger()
		var n note
		ctx := requestid.With(reqLog.WithContext(r.Context()), id)
		ctx = context.WithValue(ctx, noteKey{}, &n)

		start := clk.Now()
		rec := &recorder{ResponseWriter: w}
		// Deferred, so that an aborted request leaves its line as well.
		defer func() {
			logRequest(&reqLog, r, rec, &n, float64(clk.Now()-start)/1000)
		}()
		next.ServeHTTP(rec, r.WithContext(ctx))
	})
}

func logRequest(log *zerolog.Logger, r *http.Request, rec *recorder, n *note, ms float64) {
	line := log.WithLevel(lineLevel(r, rec.status()))
	if !line.Enabled() {
		return
	}
	line.Str("method", shorten(r.Method, maxLogged)).
		Str("path", shorten(r.URL.Path, maxLogged)).
		Int("status", rec.status()).
		Float64("duration_ms", ms).
		Int64("bytes", rec.bytes)
	if n.operationType != "" {
		line.Str("operation", shorten(n.operation, maxLogged)).Str("operation_type", n.operationType)
	}
	if n.identify != nil {
		identity := n.identify()
		if identity.Tenant != "" {
			line.Str("tenant", identity.Tenant)
		}
		if identity.Token != "" {
			line.Str("token_id", identity.Token)
		}
	}
	line.Msg("request")
}

// lineLevel keeps the probes of an orchestrator out of the log unless they fail.
func lineLevel(r *http.Request, status int) zerolog.Level {
	switch {
	case status >= http.StatusInternalServerError:
		return zerolog.ErrorLevel
	case r.URL.Path == pathLive || r.URL.Path == pathReady:
		return zerolog.DebugLevel
	}
	return zerolog.InfoLevel
}

// guard answers a panic with INTERNAL and keeps it, with its stack, for the log. Resolvers have
// a guard of their own inside the executor; this one is for everything around them.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { // net/http's own way to end a connection
				panic(v)
			}
			zerolog.Ctx(r.Context()).Error().Str("panic", fmt.Sprint(v)).Bytes("stack", debug.Stack()).Msg("request panicked")
			if rec, ok := w.(*recorder); ok && rec.code != 0 {
				panic(http.ErrAbortHandler) // half an answer must not look like a whole one
			}
			m, _ := negotiate(r.Header.Values("Accept"))
			if m == "" {
				m = jsonResponse
			}
			writeProblem(w, r, m, internalError())
		}()
		next.ServeHTTP(w, r)
	})
}

// recorder remembers the status and the size of a response.
type recorder struct {
	http.ResponseWriter
	code  int
	bytes int64
}

// WriteHeader passes the status on.
func (r *recorder) WriteHeader(code int) {
	if r.code == 0 {
		r.code = code
	}
	r.ResponseWriter.WriteHeader(code)
}

// Write passes a part of the body on.
func (r *recorder) Write(b []byte) (int, error) {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets net/http reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// status is what the client was told; net/http says 200 where a handler said nothing.
func (r *recorder) status() int {
	if r.code == 0 {
		return http.StatusOK
	}
	return r.code
}
