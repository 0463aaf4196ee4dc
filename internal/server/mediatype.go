package server

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// mediaType is a media type of responses.
type mediaType string

const (
	jsonResponse    mediaType = "application/json"
	graphqlResponse mediaType = "application/graphql-response+json"
)

// refusedStatus is the status of a well-formed request whose document or variables are
// refused. Clients of plain JSON cannot tell a GraphQL answer from a proxy's by its type, so
// the specification wants 200 for them, and the true status for the others.
func (m mediaType) refusedStatus() int {
	if m == graphqlResponse {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// negotiate chooses the media type of the response: the one with the highest quality, the first
// named among equals, and plain JSON where the client takes anything. It is false if the client
// takes neither.
func negotiate(accept []string) (mediaType, bool) {
	if len(accept) == 0 {
		return jsonResponse, true
	}
	var best mediaType
	var bestQuality float64
	refused := map[mediaType]bool{}
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		m, known := acceptable(name, params["charset"])
		if !known {
			continue
		}
		q := quality(params["q"])
		if q == 0 && name == string(m) {
			refused[m] = true
		}
		if q > bestQuality {
			best, bestQuality = m, q
		}
	}
	if refused[best] { // a wildcard chose what the client named and refused
		best = other(best)
		if refused[best] {
			return "", false
		}
	}
	return best, bestQuality > 0
}

func acceptable(name, charset string) (mediaType, bool) {
	if charset != "" && !strings.EqualFold(charset, "utf-8") {
		return "", false
	}
	switch name {
	case string(graphqlResponse):
		return graphqlResponse, true
	case string(jsonResponse), "application/*", "*/*":
		return jsonResponse, true
	}
	return "", false
}

// quality reads a q parameter: 1 where it is absent, 0 (never) where it makes no sense.
func quality(q string) float64 {
	if q == "" {
		return 1
	}
	v, err := strconv.ParseFloat(q, 64)
	if err != nil || !(v >= 0 && v <= 1) {
		return 0
	}
	return v
}

func other(m mediaType) mediaType {
	if m == jsonResponse {
		return graphqlResponse
	}
	return jsonResponse
}

// isJSON tells whether a request body's Content-Type is JSON in UTF-8.
func isJSON(contentType string) bool {
	name, params, err := mime.ParseMediaType(contentType)
	if err != nil || name != string(jsonResponse) {
		return false
	}
	charset, named := params["charset"]
	return !named || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}
