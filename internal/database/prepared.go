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
// A text is prepared when it returns, and kept as long as the pool; texts made for one occasion
// run as they are, and so does what comes when maxPrepared are kept.
type prepared struct {
	*sql.DB
	mu         sync.RWMutex
	statements map[string]*sql.Stmt
	uses       map[string]int // of texts that are not prepared
}

const (
	maxPrepared = 200
	usesToStay  = 3
	maxCounted  = 2_000 // texts whose uses are counted, before counting begins anew
)

func newPrepared(db *sql.DB) *prepared {
	return &prepared{DB: db, statements: make(map[string]*sql.Stmt), uses: make(map[string]int)}
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

// statement returns the prepared statement of a text, or nil where it has none.
func (p *prepared) statement(ctx context.Context, query string, args []any) *sql.Stmt {
	if len(args) == 0 {
		return nil
	}
	p.mu.RLock()
	s := p.statements[query]
	p.mu.RUnlock()
	if s != nil || !p.returning(query) {
		return s
	}
	made, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil // the plain way tells what is wrong
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.statements[query]; s != nil { // another goroutine was faster
		_ = made.Close()
		return s
	}
	p.statements[query] = made
	return made
}

// returning counts a use of a text and tells whether it is time to prepare it.
func (p *prepared) returning(query string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.statements) >= maxPrepared {
		return false
	}
	if len(p.uses) >= maxCounted {
		clear(p.uses)
	}
	p.uses[query]++
	if p.uses[query] < usesToStay {
		return false
	}
	delete(p.uses, query)
	return true
}
