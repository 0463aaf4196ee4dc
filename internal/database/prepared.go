package database

import (
	"context"
	"database/sql"
	"sync"
)

// prepared runs hand-written reads as prepared statements: SQLite then parses a text once, and
// PostgreSQL saves a round trip and, when it finds one plan good for all parameters, the
// planning (BenchmarkReader measures it).
//
// Texts made for one occasion would fill it: beyond maxPrepared texts, and without parameters,
// a statement runs as it is.
type prepared struct {
	*sql.DB
	mu         sync.RWMutex
	statements map[string]*sql.Stmt
}

const maxPrepared = 200

func newPrepared(db *sql.DB) *prepared {
	return &prepared{DB: db, statements: make(map[string]*sql.Stmt)}
}

// QueryContext implements Querier.
func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s := p.statement(ctx, query, args); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return p.DB.QueryContext(ctx, query, args...)
}

// QueryRowContext implements Querier.
func (p *prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if s := p.statement(ctx, query, args); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return p.DB.QueryRowContext(ctx, query, args...)
}

// statement returns the prepared statement of a text, or nil where there is none and none can
// be made; the plain way then tells what is wrong.
func (p *prepared) statement(ctx context.Context, query string, args []any) *sql.Stmt {
	if len(args) == 0 {
		return nil
	}
	p.mu.RLock()
	s, full := p.statements[query], len(p.statements) >= maxPrepared
	p.mu.RUnlock()
	if s != nil || full {
		return s
	}
	made, err := p.DB.PrepareContext(ctx, query)
	if err != nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.statements[query]; s != nil {
		_ = made.Close()
		return s
	}
	p.statements[query] = made
	return made
}
