package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/schedule"
	"github.com/licensegraph/licensegraph/internal/server"
)

// ServeCmd serves the API.
type ServeCmd struct {
	Listen         string      `env:"LICENSEGRAPH_LISTEN" default:"${listen}" placeholder:"ADDR" help:"Where to listen, as HOST:PORT; port 0 is any free one. Default: ${listen}, which other machines cannot reach."`
	AdminListen    string      `env:"LICENSEGRAPH_ADMIN_LISTEN" placeholder:"ADDR" help:"Where to listen for operators, who take profiles there without a token, as HOST:PORT. Default: nowhere."`
	MaxConnections connections `env:"LICENSEGRAPH_MAX_CONNECTIONS" placeholder:"N" help:"Connections to PostgreSQL at most, 2 or more. Default: ${connections}. SQLite ignores it."`
}

const defaultListen = "127.0.0.1:8080"

// Help is what --help adds to the flags.
func (ServeCmd) Help() string {
	return `Paths: /graphql (POST; GET for queries; a token is needed), / (the playground), /livez and /readyz (for probes).

It also carries out what falls due: subscriptions that begin or expire, deleted users whose retention is over. And it runs the operations that requests ask for.

--admin-listen opens a second address with profiles of the running process (/debug/pprof/), /livez and /readyz. It asks for no token: keep it on this machine, or where operators alone can reach it.

SIGTERM and Ctrl-C end it in order: requests under way may finish, for at most 20 seconds; operations are interrupted, and nothing of them is changed. Any number of servers may share one PostgreSQL database. It speaks plain HTTP: put a proxy with TLS in front of it wherever other machines can reach it, since tokens travel in every request.

    licensegraph serve --listen 0.0.0.0:8080 --database-url postgres://licensegraph:secret@db.example/licensegraph`
}

// Validate refuses what cannot be an address, as wrong usage.
func (c *ServeCmd) Validate() error {
	if c.Listen == "" { // the variable is set to nothing
		c.Listen = defaultListen
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("--listen takes HOST:PORT, for example %s, not %q", defaultListen, c.Listen)
	}
	if c.AdminListen == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(c.AdminListen); err != nil {
		return fmt.Errorf("--admin-listen takes HOST:PORT, for example 127.0.0.1:8081, not %q", c.AdminListen)
	}
	return nil
}

// connections is a number of connections to PostgreSQL; nothing is the default.
type connections int

// UnmarshalText refuses less than one connection for reading and one for writing.
func (n *connections) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	number, err := strconv.ParseUint(string(text), 10, 16)
	if err != nil || number < 2 {
		return fmt.Errorf("%q is no number of connections: give 2 or more", text)
	}
	*n = connections(number)
	return nil
}

// Run serves until ctx ends.
func (c *ServeCmd) Run(ctx context.Context, env *Env) (err error) {
	setMemory()
	db, err := env.openWith(ctx, database.Options{MaxConns: int(c.MaxConnections)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	work, err := env.services(db)
	if err != nil {
		return err
	}
	handler, err := env.handler(db, work, nil)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	waitForAdmin, err := c.admin(ctx, env, db, end)
	if err != nil {
		return err
	}
	defer func() { end(); err = errors.Join(err, waitForAdmin()) }()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return err
	}
	env.Log.Info().Str("url", baseURL(listener)).Str("database", string(db.Dialect())).Str("version", env.Version).Msg("serving")
	if !loopback(listener) {
		env.Log.Warn().Msg("other machines can reach this address, and it speaks plain HTTP: put a proxy with TLS in front of it")
	}
	if err := env.serve(ctx, listener, handler, work); err != nil {
		return err
	}
	env.Log.Info().Msg("stopped")
	return nil
}

// admin serves operators on an address of their own until ctx ends, where one is wanted; failed is
// called if it cannot go on. The caller waits for its end.
func (c *ServeCmd) admin(ctx context.Context, env *Env, db *database.DB, failed func()) (wait func() error, err error) {
	if c.AdminListen == "" {
		return func() error { return nil }, nil
	}
	handler, err := server.NewAdmin(server.AdminConfig{Ready: ready(db), Version: env.Version, Logger: env.Log, Clock: env.Clock})
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.AdminListen)
	if err != nil {
		return nil, err
	}
	env.Log.Info().Str("url", baseURL(listener)).Msg("serving operators")
	if !loopback(listener) {
		env.Log.Warn().Msg("other machines can reach the operators' address, which asks for no token: let operators alone reach it")
	}
	ended := make(chan error, 1)
	go func() {
		defer failed()
		ended <- server.Run(env.Log.WithContext(ctx), listener, handler)
	}()
	return func() error { return <-ended }, nil
}

// serve serves until ctx ends, and meanwhile carries out what falls due and the operations that
// requests ask for; it closes the listener.
func (e *Env) serve(ctx context.Context, listener net.Listener, handler http.Handler, s *services) error {
	runner, err := schedule.New(schedule.Config{Apply: s.licenses.ApplyDue, Clock: e.Clock, Log: e.Log})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	ctx, end := context.WithCancel(ctx)
	var due sync.WaitGroup
	due.Go(func() { runner.Run(ctx) })
	defer due.Wait()
	defer s.operations.Run(e.Log.WithContext(ctx))()
	defer end() // before waiting for either
	return server.Run(e.Log.WithContext(ctx), listener, handler)
}

// baseURL is how a browser on this machine reaches the listener.
func baseURL(listener net.Listener) string {
	address, err := netip.ParseAddrPort(listener.Addr().String())
	if err != nil {
		return "http://" + listener.Addr().String()
	}
	if address.Addr().IsUnspecified() {
		return fmt.Sprintf("http://localhost:%d", address.Port())
	}
	return "http://" + address.String()
}

func loopback(listener net.Listener) bool {
	address, err := netip.ParseAddrPort(listener.Addr().String())
	return err == nil && address.Addr().Unmap().IsLoopback()
}
