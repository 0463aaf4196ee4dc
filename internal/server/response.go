package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/requestid"
)

// writeProblem answers with errors alone: without the data entry, which the specification
// reserves for operations that ran.
func writeProblem(w http.ResponseWriter, r *http.Request, m mediaType, p *problem) {
	for name, value := range p.header {
		w.Header().Set(name, value)
	}
	write(w, r, m, p.status, &graphql.Response{Errors: finished(r, p.errs)})
}

// writeResult answers with the result of an operation that ran. That is 200 in both media
// types, whatever errors stand beside the data.
func writeResult(w http.ResponseWriter, r *http.Request, m mediaType, resp *graphql.Response) {
	resp.Errors = finished(r, resp.Errors)
	write(w, r, m, http.StatusOK, resp)
}

// finished words every error in the language of the request, gives it the request's id, and closes the last gap: an error without a code
// was made by nobody who knew what may be shown, so its text stays inside.
func finished(r *http.Request, errs gqlerror.List) gqlerror.List {
	id, language := requestid.From(r.Context()), languageOf(r)
	for _, e := range errs {
		var text locale.Text
		if errors.As(e.Err, &text) {
			e.Message = text.In(language)
		}
		extensions := map[string]any{"code": codeInternal}
		for k, v := range e.Extensions {
			extensions[k] = v
		}
		if _, ok := e.Extensions["code"].(string); !ok {
			e.Message, extensions["code"] = internalMessage.In(language), codeInternal
		}
		extensions["requestId"] = id
		e.Extensions = extensions
	}
	return errs
}

var internalMessage = locale.T("internal error")

// languageOf is the language that a request asks for.
func languageOf(r *http.Request) locale.Language {
	return locale.Negotiate(r.Header.Values("Accept-Language"))
}

// write puts the response together by hand, because the data is JSON already and can be large.
func write(w http.ResponseWriter, r *http.Request, m mediaType, status int, resp *graphql.Response) {
	var head, tail bytes.Buffer
	head.WriteByte('{')
	if len(resp.Errors) > 0 {
		head.WriteString(`"errors":`)
		encode(&head, resp.Errors)
	}
	if resp.Data != nil {
		if head.Len() > 1 {
			head.WriteByte(',')
		}
		head.WriteString(`"data":`)
	}
	if len(resp.Extensions) > 0 {
		tail.WriteString(`,"extensions":`)
		encode(&tail, resp.Extensions)
	}
	tail.WriteString("}\n")

	h := w.Header()
	h.Set("Content-Type", string(m)+"; charset=utf-8")
	h.Set("Content-Language", languageOf(r).String())
	// Without its length net/http would cut a large answer into chunks.
	h.Set("Content-Length", strconv.Itoa(head.Len()+len(resp.Data)+tail.Len()))
	w.WriteHeader(status)
	// An error here means that the client is gone; the access log shows the bytes written.
	for _, part := range [][]byte{head.Bytes(), resp.Data, tail.Bytes()} {
		if _, err := w.Write(part); err != nil {
			return
		}
	}
}

// encode writes a value that came from this program; one that JSON cannot hold becomes null.
func encode(buf *bytes.Buffer, v any) {
	start := buf.Len()
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		buf.Truncate(start)
		buf.WriteString("null")
		return
	}
	buf.Truncate(buf.Len() - 1) // the encoder's newline
}
