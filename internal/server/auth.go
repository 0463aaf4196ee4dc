package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/fault"
)

// Authenticator turns a bearer token into a context, derived from the one it is given, that
// carries the caller for the resolvers.
//
// An error that holds a *fault.Error answers with that error's code (UNAVAILABLE where the
// store of tokens cannot be reached); a context that ended answers UNAVAILABLE; any other error
// means that the token is refused: UNAUTHENTICATED. The error's text is logged, never shown.
type Authenticator func(ctx context.Context, token string) (context.Context, error)

// Identity is what the access log says about a caller. It holds names, never secrets.
type Identity struct {
	Tenant string // the tenant's id
	Token  string // the token's id
}

// maxToken bounds a token in bytes; what is longer cannot be one of ours.
const maxToken = 1024

// authenticated returns the caller's context. Nothing of a request is looked at before this.
func (e *endpoint) authenticated(r *http.Request) (context.Context, *problem) {
	token, ok := bearerToken(r.Header.Values("Authorization"))
	if !ok {
		return nil, refuse(http.StatusUnauthorized, codeUnauthenticated,
			"a token is required: send the header Authorization: Bearer TOKEN").with("WWW-Authenticate", "Bearer")
	}
	ctx, err := e.authenticate(r.Context(), token)
	if err != nil {
		return nil, refusedToken(r.Context(), err)
	}
	if e.identify != nil {
		noteIdentity(r.Context(), func() Identity { return e.identify(ctx) })
	}
	return ctx, nil
}

func refusedToken(ctx context.Context, err error) *problem {
	code := fault.Unauthenticated
	log := zerolog.Ctx(ctx).With().AnErr("cause", errors.Unwrap(err)).Logger()
	if f, ok := fault.As(err); ok {
		code = f.Code
	} else if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		code = fault.Unavailable
	}
	switch code {
	case fault.Unavailable:
		log.Error().Err(err).Msg("tokens cannot be checked")
		return refuse(http.StatusServiceUnavailable, codeUnavailable, "the token cannot be checked at the moment: try again")
	case fault.Internal:
		log.Error().Err(err).Msg("tokens cannot be checked")
		return internalError()
	case fault.Forbidden:
		log.Info().Err(err).Msg("token refused")
		return refuse(http.StatusForbidden, codeForbidden, "this token may not be used here")
	default:
		log.Info().Err(err).Msg("token refused")
		return refuse(http.StatusUnauthorized, codeUnauthenticated,
			"the token is unknown, expired or revoked").with("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
}

// bearerToken takes the token out of the Authorization header (RFC 6750). Two headers are none:
// a proxy and this server might each believe a different one.
func bearerToken(header []string) (string, bool) {
	if len(header) != 1 {
		return "", false
	}
	scheme, token, found := strings.Cut(header[0], " ")
	token = strings.Trim(token, " ")
	if !found || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return "", false
	}
	for i := range len(token) {
		if c := token[i]; c <= ' ' || c >= 0x7f {
			return "", false
		}
	}
	return token, true
}
