package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/server"
)

// served is a server that serves.
type served struct {
	address string
	end     context.CancelFunc
	ended   chan error
}

func serve(ctx context.Context, handler http.Handler) (*served, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(ctx)
	s := &served{address: listener.Addr().String(), end: end, ended: make(chan error, 1)}
	go func() { s.ended <- server.Run(ctx, listener, handler) }()
	return s, nil
}

func (s *served) stop() error {
	if s == nil {
		return nil
	}
	s.end()
	return <-s.ended
}

// start starts the server and the one that it is compared to, and makes a token for both.
func (r *run) start(ctx context.Context) error {
	tokens, err := access.New(access.Config{DB: r.DB, Clock: r.Clock, NewID: r.NewID})
	if err != nil {
		return err
	}
	if r.token, _, err = tokens.Create(ctx, r.tenant.ID, access.NewToken{Name: "bench", Role: access.GlobalAdmin}); err != nil {
		return err
	}
	for stock, into := range map[bool]**served{false: &r.shipped, true: &r.reference} {
		handler, err := r.Wire(stock)
		if err == nil {
			*into, err = serve(ctx, handler)
		}
		if err != nil {
			return errors.Join(err, r.stop())
		}
	}
	return nil
}

func (r *run) stop() error { return errors.Join(r.shipped.stop(), r.reference.stop()) }

// question makes the requests of a query.
func (r *run) question(query string) (question, error) {
	text, err := json.Marshal(query)
	if err != nil {
		return question{}, err
	}
	return question{
		Head: "POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + r.token +
			"\r\nContent-Type: application/json\r\nAccept: application/json\r\n",
		Before: `{"query":` + string(text) + `,"variables":`,
	}, nil
}

// ask asks the server once.
func (r *run) ask(ctx context.Context, query string, variables map[string]any, into any) error {
	q, err := r.question(query)
	if err != nil {
		return err
	}
	v, err := json.Marshal(variables)
	if err != nil {
		return err
	}
	c, err := dial(ctx, r.shipped.address)
	if err != nil {
		return err
	}
	defer func() { _ = c.close() }()
	defer context.AfterFunc(ctx, func() { _ = c.close() })()
	body, err := c.ask(&q, string(v))
	if err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("%.60s…: %w", query, err))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, &struct{ Data any }{into})
}
