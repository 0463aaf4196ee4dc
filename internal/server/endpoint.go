package server

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/internal/locale"
)

// endpoint is GraphQL over HTTP: https://graphql.github.io/graphql-over-http/draft/.
type endpoint struct {
	authenticate Authenticator
	identify     func(context.Context) Identity
	documents    *documents
	executor     *executor.Executor
	limits       Limits
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Add("Vary", "Accept, Accept-Language, Authorization")
	ctx, cancel := context.WithTimeout(locale.With(r.Context(), languageOf(r)), e.limits.RequestTimeout)
	defer cancel()
	r = r.WithContext(ctx)

	m, acceptable := negotiate(r.Header.Values("Accept"))
	if !acceptable {
		m = jsonResponse
	}
	ctx, p := e.authenticated(r)
	if p != nil {
		writeProblem(w, r, m, p)
		return
	}
	r = r.WithContext(ctx)
	if !acceptable {
		writeProblem(w, r, m, refuse(http.StatusNotAcceptable, codeBadInput,
			"answers are application/graphql-response+json or application/json"))
		return
	}
	resp, p := e.answer(w, r, m)
	if p != nil {
		writeProblem(w, r, m, p)
		return
	}
	writeResult(w, r, m, resp)
}

// answer runs the operation of a request, or says why it does not run.
func (e *endpoint) answer(w http.ResponseWriter, r *http.Request, m mediaType) (*graphql.Response, *problem) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return nil, refuse(http.StatusMethodNotAllowed, codeBadInput,
			"use POST, or GET for a query").with("Allow", "GET, POST")
	}
	params, p := readRequest(w, r, e.limits)
	if p != nil {
		return nil, p
	}
	if params.extensions["persistedQuery"] != nil {
		// The message is the one that clients compare.
		return nil, requestErrors(m, gqlerror.List{{
			Message: "PersistedQueryNotSupported", Extensions: map[string]any{"code": codePersistedNotSupported},
		}})
	}
	doc, errs := e.documents.load(params.query)
	if len(errs) > 0 {
		return nil, requestErrors(m, errs)
	}
	op, err := operation(doc, params.operationName)
	if err != nil {
		return nil, requestErrors(m, gqlerror.List{err})
	}
	noteOperation(r.Context(), op)
	if op.Operation != ast.Query && r.Method == http.MethodGet {
		return nil, refuse(http.StatusMethodNotAllowed, codeBadInput,
			"GET is for queries: send a %s by POST", op.Operation).with("Allow", "POST")
	}
	if op.Operation == ast.Subscription {
		return nil, requestErrors(m, gqlerror.List{badInput("subscriptions are not supported")})
	}
	return e.execute(r, m, &graphql.RawParams{
		Query:         params.query,
		OperationName: op.Name,
		Variables:     params.variables,
		Extensions:    params.extensions,
	}, doc)
}

func (e *endpoint) execute(
	r *http.Request, m mediaType, params *graphql.RawParams, doc *ast.QueryDocument,
) (*graphql.Response, *problem) {
	ctx := graphql.StartOperationTrace(withLoaded(r.Context(), params.Query, doc))
	op, errs := e.executor.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		return nil, requestErrors(m, errs)
	}
	handler, ctx := e.executor.DispatchOperation(ctx, op)
	resp := handler(ctx)
	switch {
	case resp == nil: // the executor found the context ended before it ran anything
		return nil, refuse(http.StatusServiceUnavailable, codeUnavailable,
			"the request took too long and was given up before anything was changed: try again")
	case resp.Data == nil:
		return nil, requestErrors(m, resp.Errors)
	}
	return resp, nil
}

// operation chooses the operation to run. An empty name is no name.
func operation(doc *ast.QueryDocument, name string) (*ast.OperationDefinition, *gqlerror.Error) {
	if op := doc.Operations.ForName(name); op != nil {
		return op, nil
	}
	if name == "" {
		return nil, badInput("the query holds several operations: operationName must say which one to run")
	}
	return nil, badInput("operationName names no operation of the query")
}
