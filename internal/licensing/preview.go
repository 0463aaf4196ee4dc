package licensing

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/locale"
)

// Joint is several changes that are judged as one (R30).
type Joint struct {
	// Changes say what is asked for: equal for equal changes, whatever they were read from.
	Changes []byte
	// Plan records all of them in a draft. It returns what is wrong with them, joined.
	Plan func(ctx context.Context, d *Draft) error
}

// Preview judges changes without storing anything. The token lets ApplyPreview make exactly this
// change; it is empty where the changes would be refused for anything but the want of a
// confirmation.
//
// Errors: what Plan returns, and those of Change. Who is refused by a check is in the outcome.
func (s *Service) Preview(ctx context.Context, tenant uuid.UUID, j Joint) (out *Outcome, token string, err error) {
	key, err := s.previewKey(ctx)
	if err != nil {
		return nil, "", err
	}
	var r *reliance
	o := Options{Action: audit.PreviewApply, DryRun: true, Atomic: true, relied: func(found *reliance) error {
		r = found
		return nil
	}}
	out, err = s.Change(ctx, tenant, o, func(ctx context.Context, d *Draft) error {
		r = nil
		return j.Plan(ctx, d)
	})
	if err != nil {
		return nil, "", err
	}
	if len(out.Refused) > 0 {
		return out, "", nil
	}
	if r == nil { // nothing is asked for that would change anything
		r = newReliance()
	}
	t := &previewToken{issued: s.clock.Now(), since: r.since, digests: r.digests()}
	return out, t.sign(key, tenant, j.Changes), nil
}

// ApplyPreview makes a change that was previewed, if nothing that it relied on has changed since.
// A token whose change was made is used up.
//
// Errors: INVALID_VALUE for a token that is malformed, or expired, or not of these changes in this
// tenant; VERSION_CONFLICT where something has changed, with what it is; CONFIRMATION_REQUIRED
// (R27); those of Change.
func (s *Service) ApplyPreview(ctx context.Context, tenant uuid.UUID, j Joint, token string, acknowledgeLosses *int) (*Outcome, error) {
	key, err := s.previewKey(ctx)
	if err != nil {
		return nil, err
	}
	t, err := openPreview(key, tenant, j.Changes, token, s.clock.Now())
	if err != nil {
		return nil, err
	}
	o := Options{Action: audit.PreviewApply, Atomic: true, AcknowledgeLosses: acknowledgeLosses, event: t.event()}
	judged := false
	o.relied = func(found *reliance) error {
		judged = true
		return t.compare(found.digests())
	}
	o.since = t.since
	out, err := s.Change(ctx, tenant, o, func(ctx context.Context, d *Draft) error {
		judged = false
		applied, err := hasEvent(ctx, d, o.event)
		if err != nil {
			return err
		}
		if applied {
			return fault.New(fault.VersionConflict, "This preview has been applied already.").
				Fix("Preview the changes again if they are wanted once more.").At("previewToken")
		}
		return j.Plan(ctx, d)
	})
	if err != nil && judged {
		return nil, err
	}
	if list, refused := fault.Refusals(err); refused {
		if len(list[0].Path) > 0 && list[0].Path[0] == "previewToken" {
			return nil, err
		}
		return nil, refusedByNow(list[0])
	}
	if err != nil {
		return nil, err
	}
	for _, user := range sortedUUIDs(maps.Keys(out.Refused)) {
		return nil, refusedByNow(out.Refused[user])
	}
	if !judged { // nothing is asked for any more that would change anything
		if err := t.compare(newReliance().digests()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// refusedByNow is the refusal of a preview that was not refused when it was made.
func refusedByNow(why *fault.Error) *fault.Error {
	message, _ := why.Texts()
	return fault.New(fault.VersionConflict, "Something that the preview relied on has changed since, and the changes would be refused now: %s", message).
		Fix(previewAgain).At("previewToken")
}

// changedSince is the refusal of a preview that would do something else by now.
func changedSince(what []locale.Text) *fault.Error {
	return fault.New(fault.VersionConflict, "Something that the preview relied on has changed since: %s.", locale.Texts(what)).
		Fix(previewAgain).At("previewToken")
}

const previewAgain = "Preview the changes again, and apply them with the new token if they are still wanted."

// hasEvent tells whether the audit log has an event.
func hasEvent(ctx context.Context, d *Draft, event uuid.UUID) (bool, error) {
	found, err := database.Values[int64](ctx, d.Tx, `SELECT sequence FROM audit_events WHERE tenant_id = $1 AND id = $2`, d.Tenant, event)
	if err != nil {
		return false, fmt.Errorf("look up the audit event: %w", err)
	}
	return len(found) > 0, nil
}

// event is the id of the audit event of the change that the token is applied with: a token makes
// one change.
func (t *previewToken) event() uuid.UUID {
	sum := sha256.Sum256(append([]byte("audit event of "), t.mac...))
	key := uuid.UUID(sum[:16])
	key[6], key[8] = key[6]&0x0f|0x80, key[8]&0x3f|0x80 // a UUID of the form that is one's own (RFC 9562, 5.8)
	return key
}
