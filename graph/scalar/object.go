package scalar

import (
	"context"
	"encoding/json"
	"io"

	"github.com/99designs/gqlgen/graphql"

	"github.com/licensegraph/licensegraph/internal/locale"
)

// MarshalJSONObject writes an object, its names in the order of their bytes.
func MarshalJSONObject(object map[string]any) graphql.ContextMarshaler {
	return graphql.ContextWriterFunc(func(_ context.Context, w io.Writer) error {
		text, err := json.Marshal(object)
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	})
}

// UnmarshalJSONObject takes what [JSONObject] takes.
func UnmarshalJSONObject(_ context.Context, v any) (map[string]any, error) { return JSONObject(v) }

// JSONObject takes objects only.
func JSONObject(v any) (map[string]any, error) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, locale.T("expected JSONObject, an object, got %s", Describe(v))
	}
	return object, nil
}
