package catalog

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
)

// sets writes what changes about exclusion sets. Their ids are never shown: a set is known by
// its name, which is unique.
func (w *writer) sets(d Diff) error {
	if len(d.SetsAdded)+len(d.SetsChanged)+len(d.SetsWithdrawn) == 0 {
		return nil
	}
	ids, err := w.setIDs()
	if err != nil {
		return err
	}
	var gone, added []link
	var born, renamed []setName
	var withdrawn []uuid.UUID
	for _, s := range slices.Concat(d.SetsAdded, d.SetsChanged, d.SetsWithdrawn) {
		key, stored := ids[s.NameBefore]
		switch {
		case s.NameBefore == "":
			if key, err = w.newID(); err != nil {
				return err
			}
			born = append(born, setName{key, s.Name})
		case !stored:
			return fmt.Errorf("the exclusion set %q is not stored any more", s.NameBefore)
		case s.Name != s.NameBefore:
			renamed = append(renamed, setName{key, s.Name})
		}
		gone, added = appendLinks(gone, key, s.Removed), appendLinks(added, key, s.Added)
	}
	for _, s := range d.SetsWithdrawn {
		withdrawn = append(withdrawn, ids[s.NameBefore])
	}
	q := w.tx.Dialect()
	if err := w.drop(setPlans, gone); err != nil {
		return err
	}
	if _, err := w.tx.ExecContext(w.ctx, `DELETE FROM exclusion_sets WHERE `+q.In("id", 1), q.UUIDArray(withdrawn)); err != nil {
		return err
	}
	if err := w.nameSets(slices.Concat(born, renamed)); err != nil {
		return err
	}
	return w.add(setPlans, added)
}

type setName struct {
	id   uuid.UUID
	name string
}

func (w *writer) nameSets(sets []setName) error {
	q := w.tx.Dialect()
	for part := range slices.Chunk(sets, batch) {
		ids, names := make([]uuid.UUID, len(part)), make([]string, len(part))
		for i, s := range part {
			ids[i], names[i] = s.id, s.name
		}
		_, err := w.tx.ExecContext(w.ctx, `INSERT INTO exclusion_sets (id, name) SELECT v.id, v.name FROM `+
			q.Unnest("v", 1, column("id", database.UUID), column("name", database.Text))+
			` WHERE true ON CONFLICT (id) DO UPDATE SET name = excluded.name`, q.UnnestArgs(ids, names)...)
		if err != nil {
			return err
		}
	}
	return nil
}

// setIDs returns the ids of the stored sets by name.
func (w *writer) setIDs() (ids map[string]uuid.UUID, err error) {
	rows, err := w.tx.QueryContext(w.ctx, `SELECT id, name FROM exclusion_sets`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	ids = map[string]uuid.UUID{}
	for rows.Next() {
		var key uuid.UUID
		var name string
		if err := rows.Scan(&key, &name); err != nil {
			return nil, err
		}
		ids[name] = key
	}
	return ids, rows.Err()
}
