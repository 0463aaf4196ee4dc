package server

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/rs/zerolog"
)

// readyTimeout bounds the readiness check, so that a probe fails instead of piling up.
const readyTimeout = 2 * time.Second

// live answers as long as the process serves at all.
func live(version string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		writeHealth(w, http.StatusOK, "alive", version)
	}
}

// ready answers 200 when the server can do its work, and 503, with the reason in the log only,
// when it cannot.
func ready(check func(context.Context) error, version string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := check(ctx); err != nil {
			zerolog.Ctx(ctx).Error().Err(err).Msg("not ready")
			writeHealth(w, http.StatusServiceUnavailable, "unavailable", version)
			return
		}
		writeHealth(w, http.StatusOK, "ready", version)
	}
}

func writeHealth(w http.ResponseWriter, code int, status, version string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	// An error here means that the prober is gone.
	_ = json.NewEncoder(w).Encode(map[string]string{"status": status, "version": version})
}
