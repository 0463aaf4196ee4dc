package database

import (
	"context"
	"database/sql"
	"slices"
	"sync"

	"github.com/lib/pq"
)

// prepared runs hand-written statements as prepared ones: SQLite then parses a text once, and
// PostgreSQL saves a round trip and, when it finds one plan good for all parameters, the
// planning (BenchmarkReader and BenchmarkWrite measure it).
//
// A text is prepared when it returns, and kept as long as the pool; texts made for one occasion
// run as they are, and so does what comes when maxPrepared are kept.
type prepared struct {
	*sql.DB
	mu         sync.RWMutex
	statements map[string]*sql.Stmt
	uses       map[string]int  // of texts that are not prepared
	due        map[string]bool // texts of transactions, to be prepared when one has ended
}

const (
	maxPrepared = 200
	usesToStay  = 3
	maxCounted  = 2_000 // texts whose uses are counted, before counting begins anew
)

func newPrepared(db *sql.DB) *prepared {
	return &prepared{DB: db, statements: make(map[string]*sql.Stmt), uses: make(map[string]int), due: make(map[string]bool)}
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
	return p.prepare(ctx, query)
}

// prepare prepares a text; nil where it cannot be.
func (p *prepared) prepare(ctx context.Context, query string) *sql.Stmt {
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
	if len(p.statements) >= maxPrepared || p.due[query] {
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

// preparedTx runs the statements of a transaction as a pool's prepared ones. What is not prepared
// yet is prepared after the transaction: on a connection of its own it might wait for others that
// wait for it.
//
// Statements with long lists run as they are, so that PostgreSQL plans them for the lists: what it
// keeps is for lists of ten.
type preparedTx struct {
	*sql.Tx
	of      *prepared
	planned bool // every statement runs as it is
}

// ExecContext implements Querier.
func (t *preparedTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s := t.statement(ctx, query, args); s != nil {
		return s.ExecContext(ctx, args...)
	}
	return t.Tx.ExecContext(ctx, query, args...)
}

// QueryContext implements Querier.
func (t *preparedTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s := t.statement(ctx, query, args); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return t.Tx.QueryContext(ctx, query, args...)
}

// QueryRowContext implements Querier.
func (t *preparedTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if s := t.statement(ctx, query, args); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return t.Tx.QueryRowContext(ctx, query, args...)
}

func (t *preparedTx) statement(ctx context.Context, query string, args []any) *sql.Stmt {
	if t.planned || len(args) == 0 || slices.ContainsFunc(args, isLong) {
		return nil
	}
	t.of.mu.RLock()
	s := t.of.statements[query]
	t.of.mu.RUnlock()
	if s != nil {
		return t.StmtContext(ctx, s)
	}
	if t.of.returning(query) {
		t.of.mu.Lock()
		t.of.due[query] = true
		t.of.mu.Unlock()
	}
	return nil
}

// longList is how many bytes a list has that is planned for: some fifty ids.
const longList = 2_000

func isLong(arg any) bool {
	switch list := arg.(type) {
	case string:
		return len(list) > longList
	case []byte:
		return len(list) > longList
	case pq.StringArray:
		return len(list) > longList/40
	}
	return false
}

// prepareDue prepares one of the texts that transactions have asked for: each of those that follow
// prepares another, so that none waits for many.
func (p *prepared) prepareDue(ctx context.Context) {
	p.mu.RLock()
	none := len(p.due) == 0
	p.mu.RUnlock()
	if none {
		return
	}
	p.mu.Lock()
	var next string
	for query := range p.due {
		delete(p.due, query)
		if p.statements[query] == nil && len(p.statements) < maxPrepared {
			next = query
			break
		}
	}
	p.mu.Unlock()
	if next != "" {
		p.prepare(ctx, next)
	}
}
