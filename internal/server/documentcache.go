package server

import (
	"container/list"
	"context"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
)

// maxCachedQuery is the longest query text, in bytes, that is remembered. Clients' own queries
// are far shorter; a text made by a program, with its values in it, comes only once and would
// push the others out.
const maxCachedQuery = 16 << 10

// documentCache remembers the most recently used documents by their text.
type documentCache struct {
	mu    sync.Mutex
	size  int
	order *list.List // of *cachedDocument, most recently used first
	index map[string]*list.Element
}

type cachedDocument struct {
	query string
	doc   *ast.QueryDocument
}

func newDocumentCache(size int) *documentCache {
	return &documentCache{size: size, order: list.New(), index: map[string]*list.Element{}}
}

// get returns the remembered document, or nil.
func (c *documentCache) get(query string) *ast.QueryDocument {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.index[query]
	if !ok {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*cachedDocument).doc
}

func (c *documentCache) add(query string, doc *ast.QueryDocument) {
	if len(query) > maxCachedQuery {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.index[query]; ok {
		return // another request was quicker
	}
	c.index[query] = c.order.PushFront(&cachedDocument{query, doc})
	if c.order.Len() > c.size {
		oldest := c.order.Remove(c.order.Back()).(*cachedDocument)
		delete(c.index, oldest.query)
	}
}

type loadedKey struct{}

// withLoaded hands a loaded document to the executor, which looks for it in its query cache.
func withLoaded(ctx context.Context, query string, doc *ast.QueryDocument) context.Context {
	return context.WithValue(ctx, loadedKey{}, &cachedDocument{query, doc})
}

// loadedDocument is the executor's query cache: it holds the document of the present request
// only, so that no document runs that [documents] has not checked and prepared.
type loadedDocument struct{}

// Get returns the document of the request, if it is the one asked for.
func (loadedDocument) Get(ctx context.Context, query string) (*ast.QueryDocument, bool) {
	if l, ok := ctx.Value(loadedKey{}).(*cachedDocument); ok && l.query == query {
		return l.doc, true
	}
	return nil, false
}

// Add does nothing: documents come from [documents].
func (loadedDocument) Add(context.Context, string, *ast.QueryDocument) {}
