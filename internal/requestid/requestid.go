// Package requestid names a request. The name goes into every log line, every error and every
// audit event that the request causes, so that a person who was shown an error can be helped.
package requestid

import (
	"context"
	"crypto/rand"
)

// Header carries the id of a request, in both directions.
const Header = "X-Request-Id"

// maxLen admits a UUID, a trace id and what proxies commonly add to them.
const maxLen = 128

type key struct{}

// New returns an id that nobody can guess: 26 letters and digits, 130 bits.
func New() string { return rand.Text() }

// Valid tells whether an id from outside may be taken over as it is: 1 to 128 ASCII letters,
// digits and the characters - _ . : / + = @. Anything else could forge log lines or pages.
func Valid(id string) bool {
	if id == "" || len(id) > maxLen {
		return false
	}
	for i := range len(id) {
		if !allowed(id[i]) {
			return false
		}
	}
	return true
}

// With returns a context that carries the id.
func With(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, key{}, id)
}

// From returns the id that the context carries, or "" outside a request.
func From(ctx context.Context) string {
	id, _ := ctx.Value(key{}).(string)
	return id
}

func allowed(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	switch c {
	case '-', '_', '.', ':', '/', '+', '=', '@':
		return true
	}
	return false
}
