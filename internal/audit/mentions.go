package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
)

// mentions are the TypeIDs of everything that the event names, each once, in order: its subjects
// and their products, whom and which product its fields are about, and the products of its counts.
// They follow from the event alone, so that they can be checked against it.
func (e *Event) mentions() []string {
	var all []string
	add := func(text string) {
		if text != "" {
			all = append(all, text)
		}
	}
	for _, s := range e.Subjects {
		add(s.ID)
		add(s.ProductID)
	}
	for _, f := range e.Fields {
		add(f.owner())
		add(f.ProductID)
	}
	for _, p := range e.Products {
		add(p.ProductID)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// owner is the TypeID of the user or group that a field is of, by its name: "members of group_…",
// "PRODUCT of user_…"; empty where it is the event's subject's own.
func (f FieldChange) owner() string {
	at := strings.LastIndex(f.Field, " of ")
	if at < 0 {
		return ""
	}
	text := f.Field[at+len(" of "):]
	if kind, _, err := id.ParseAny(text); err != nil || kind != id.User && kind != id.Group {
		return ""
	}
	return text
}

// mentionsOf are those of an event as its row has it.
//
// Errors: where a text is no JSON.
func mentionsOf(r *record) ([]string, error) {
	var e Event
	if err := e.unmarshal(r.Subjects, r.Fields, r.Products); err != nil {
		return nil, err
	}
	return e.mentions(), nil
}

// unmarshal reads an event's parts.
func (e *Event) unmarshal(subjects, fields, products string) error {
	for _, part := range []struct {
		text string
		into any
	}{{subjects, &e.Subjects}, {fields, &e.Fields}, {products, &e.Products}} {
		if err := json.Unmarshal([]byte(part.text), part.into); err != nil {
			return err
		}
	}
	return nil
}

func insertMentions(ctx context.Context, tx *database.Tx, tenant uuid.UUID, sequence int64, nodes []string) error {
	if len(nodes) == 0 {
		return nil
	}
	q := tx.Dialect()
	_, err := tx.ExecContext(ctx, `INSERT INTO audit_mentions (tenant_id, sequence, node) SELECT $1, $2, v.node FROM `+
		q.Unnest("v", 3, database.Column{Name: "node", Type: database.Text}), append([]any{tenant, sequence}, q.UnnestArgs(nodes)...)...)
	if err != nil {
		return fmt.Errorf("write what the audit event names: %w", err)
	}
	return nil
}
