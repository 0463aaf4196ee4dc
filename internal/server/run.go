package server

import (
	"context"
	"errors"
	stdlog "log"
	"net"
	"net/http"
	"time"

	"github.com/rs/zerolog"
)

// Timeouts of connections. A request's own work is bounded by Limits.RequestTimeout.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 2 * time.Minute
	idleTimeout       = 2 * time.Minute
	shutdownTimeout   = 20 * time.Second
	maxHeaderBytes    = 64 << 10
)

// Run serves on the listener until ctx ends. It then takes no more connections, lets requests
// that are under way finish for at most 20 seconds, cuts off the rest, and returns. It closes
// the listener. Failures of single connections go to the logger in ctx (zerolog.Ctx), if there
// is one. The error is nil after an orderly end.
func Run(ctx context.Context, listener net.Listener, handler http.Handler) error {
	// Requests outlive ctx, because its end means "finish", not "give up".
	requests, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	srv := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          stdlog.New(connectionLog{zerolog.Ctx(ctx)}, "", 0),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(listener) }()

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(requests, shutdownTimeout)
	defer cancel()
	err := srv.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		giveUp()
		err = srv.Close()
	}
	if served := <-failed; err == nil && !errors.Is(served, http.ErrServerClosed) {
		err = served
	}
	return err
}

// connectionLog takes what net/http has to say about connections.
type connectionLog struct{ log *zerolog.Logger }

// Write logs one line.
func (c connectionLog) Write(line []byte) (int, error) {
	c.log.Warn().Str("detail", shorten(string(line), maxLogged)).Msg("connection failed")
	return len(line), nil
}
