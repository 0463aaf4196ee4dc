package server

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

const (
	// maxErrors is how many mistakes one answer lists: enough to mend a query in one go, too few
	// to make a small request cause a large answer.
	maxErrors = 20
	// maxMessage bounds a message in bytes, because the parser's and the validator's messages
	// quote the piece of the query that they speak about.
	maxMessage = 300
)

// documents turns query texts into documents that are valid for the schema, and remembers them.
type documents struct {
	schema     *ast.Schema
	tokenLimit int
	cache      *documentCache
}

func newDocuments(schema *ast.Schema, tokenLimit, cacheSize int) *documents {
	return &documents{schema: schema, tokenLimit: tokenLimit, cache: newDocumentCache(cacheSize)}
}

// load returns the document of a query text, or what is wrong with the text. The document is
// shared between requests and must not be changed.
func (d *documents) load(query string) (*ast.QueryDocument, gqlerror.List) {
	if doc := d.cache.get(query); doc != nil {
		return doc, nil
	}
	doc, errs := d.parse(query)
	if len(errs) > 0 {
		return nil, presentable(errs)
	}
	d.cache.add(query, doc)
	return doc, nil
}

func (d *documents) parse(query string) (*ast.QueryDocument, gqlerror.List) {
	if err := checkEscapes(query); err != nil {
		return nil, gqlerror.List{err}
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, d.tokenLimit)
	if err != nil {
		return nil, gqlerror.List{d.parseError(err)}
	}
	if len(doc.Operations) == 0 {
		return nil, gqlerror.List{badInput("the query holds no operation")}
	}
	if err := checkRepeats(doc); err != nil {
		return nil, gqlerror.List{err}
	}
	if errs := validator.ValidateWithRules(d.schema, doc, rules.NewDefaultRules()); len(errs) > 0 {
		return nil, errs
	}
	dropDefer(doc)
	return doc, nil
}

func (d *documents) parseError(err error) *gqlerror.Error {
	e, ok := errors.AsType[*gqlerror.Error](err)
	if !ok {
		return badInput("the query cannot be read")
	}
	if strings.HasPrefix(e.Message, "exceeded token limit") {
		return coded(codeCostExceeded, "the query has more than %d tokens: split it, or pass values as variables", d.tokenLimit)
	}
	return e
}

// presentable bounds how much of a query its own errors repeat, and gives each its code.
func presentable(errs gqlerror.List) gqlerror.List {
	if len(errs) > maxErrors {
		errs = append(errs[:maxErrors:maxErrors], badInput("and %d more errors", len(errs)-maxErrors))
	}
	for _, e := range errs {
		e.Message = shorten(e.Message, maxMessage)
		if e.Extensions["code"] == nil {
			e.Extensions = map[string]any{"code": codeBadInput}
		}
	}
	return errs
}

// shorten cuts a text after at most limit bytes, between characters.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// dropDefer takes the @defer directives out of a document: every answer comes whole, which the
// directive's specification leaves to the server, and a client that asked for it gets the same
// fields in one piece.
func dropDefer(doc *ast.QueryDocument) {
	for _, op := range doc.Operations {
		dropDeferIn(op.SelectionSet)
	}
	for _, f := range doc.Fragments {
		dropDeferIn(f.SelectionSet)
	}
}

func dropDeferIn(set ast.SelectionSet) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			dropDeferIn(s.SelectionSet)
		case *ast.InlineFragment:
			s.Directives = withoutDefer(s.Directives)
			dropDeferIn(s.SelectionSet)
		case *ast.FragmentSpread:
			s.Directives = withoutDefer(s.Directives)
		}
	}
}

func withoutDefer(list ast.DirectiveList) ast.DirectiveList {
	var kept ast.DirectiveList
	for _, d := range list {
		if d.Name != "defer" {
			kept = append(kept, d)
		}
	}
	return kept
}
