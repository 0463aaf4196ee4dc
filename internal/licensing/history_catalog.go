package licensing

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// keepCatalog stores the catalogue of a revision, as being so until an instant.
func keepCatalog(ctx context.Context, tx *database.Tx, revision int64, data tenantgraph.CatalogData, until clock.Instant) error {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	err := json.NewEncoder(z).Encode(data)
	if err == nil {
		err = z.Close()
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO former_catalogs (id, until, data) VALUES ($1, $2, $3)`, revision, until, b.Bytes())
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE catalog SET changed_at = $1 WHERE id = 1`, until)
	}
	if err != nil {
		return fmt.Errorf("keep the former catalogue: %w", err)
	}
	return nil
}

func parseCatalog(stored []byte) (data tenantgraph.CatalogData, err error) {
	z, err := gzip.NewReader(bytes.NewReader(stored))
	if err == nil {
		err = json.NewDecoder(z).Decode(&data)
	}
	if err != nil {
		return data, fmt.Errorf("read a former catalogue: %w", err)
	}
	return data, nil
}
