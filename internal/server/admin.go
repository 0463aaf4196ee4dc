package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/pprof" // what it registers with http.DefaultServeMux is served by nobody

	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/clock"
)

const pathProfiles = "/debug/pprof/"

// AdminConfig is what an Admin needs.
type AdminConfig struct {
	Ready   func(context.Context) error // as Config's
	Version string                      // shown by the probes; optional
	Logger  zerolog.Logger              // of the access log; its zero value is silent
	Clock   clock.Clock                 // measures requests for the access log
}

// NewAdmin returns what operators alone may reach, on a listener of its own and without tokens: the
// profiles of the process as net/http/pprof gives them (/debug/pprof/) and the probes of a Server.
//
// The command line is not among them: it may hold the database's password.
func NewAdmin(cfg AdminConfig) (http.Handler, error) {
	if cfg.Ready == nil || cfg.Clock == nil {
		return nil, errors.New("server: an operators' address needs a check of readiness and a clock")
	}
	mux := http.NewServeMux()
	mux.HandleFunc(pathProfiles, pprof.Index) // and every profile by its name
	mux.HandleFunc(pathProfiles+"profile", pprof.Profile)
	mux.HandleFunc(pathProfiles+"trace", pprof.Trace)
	mux.HandleFunc(pathProfiles+"symbol", pprof.Symbol)
	mux.HandleFunc("GET "+pathLive, live(cfg.Version))
	mux.HandleFunc("GET "+pathReady, ready(cfg.Ready, cfg.Version))
	return observe(cfg.Logger, cfg.Clock, guard(own(mux))), nil
}

// own refuses what a page of another site has a browser ask for: a profile slows the process down.
func own(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Sec-Fetch-Site") {
		case "", "none", "same-origin":
			next.ServeHTTP(w, r)
		default:
			http.Error(w, "Other sites cannot ask for this.", http.StatusForbidden)
		}
	})
}
