package licensing

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/locale"
)

// PreviewLife is how long after a preview it can be applied.
const PreviewLife = time.Hour

// previewToken is what a preview hands to its caller: when it was made and of which state, and a
// message authentication code over that, the tenant and the changes. Nothing of it is stored, and
// nothing of it is secret.
type previewToken struct {
	issued  clock.Instant
	since   clock.Instant // of the last change of the tenant before the preview
	digests []digest      // of what the preview relied on, by aspect
	mac     []byte
}

// digest is a part of a SHA-256: enough to see a change that nobody makes up, because a token that
// is made up has no valid code.
type digest [8]byte

const previewVersion = 1

// payload is what the token has in the clear.
func (t *previewToken) payload() []byte {
	b := []byte{previewVersion}
	b = binary.BigEndian.AppendUint64(b, uint64(t.issued)) //nolint:gosec // after 1970
	b = binary.BigEndian.AppendUint64(b, uint64(t.since))  //nolint:gosec // after 1970
	for _, d := range t.digests {
		b = append(b, d[:]...)
	}
	return b
}

func authenticate(key []byte, tenant uuid.UUID, changes, payload []byte) []byte {
	h := hmac.New(sha256.New, key)
	sum := sha256.Sum256(changes)
	for _, part := range [][]byte{[]byte("licensegraph preview\x00"), tenant[:], sum[:], payload} {
		h.Write(part)
	}
	return h.Sum(nil)
}

func (t *previewToken) sign(key []byte, tenant uuid.UUID, changes []byte) string {
	payload := t.payload()
	t.mac = authenticate(key, tenant, changes, payload)
	return base64.RawURLEncoding.EncodeToString(append(payload, t.mac...))
}

// openPreview reads a token and checks that it is one of the changes.
//
// Errors: INVALID_VALUE.
func openPreview(key []byte, tenant uuid.UUID, changes []byte, text string, now clock.Instant) (*previewToken, error) {
	const size = 1 + 2*8 + aspects*len(digest{}) + sha256.Size
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != size || b[0] != previewVersion || base64.RawURLEncoding.EncodeToString(b) != text {
		return nil, fault.New(fault.InvalidValue, "This is not a previewToken.").
			Fix("Pass the previewToken of the answer to preview as it was given.").At("previewToken")
	}
	payload, mac := b[:size-sha256.Size], b[size-sha256.Size:]
	if !hmac.Equal(mac, authenticate(key, tenant, changes, payload)) {
		return nil, fault.New(fault.InvalidValue, "The previewToken does not belong to these changes.").
			Fix("Pass the changes that were previewed, and the token of that answer; or preview these first.").At("previewToken")
	}
	t := &previewToken{
		issued: clock.Instant(binary.BigEndian.Uint64(payload[1:])), //nolint:gosec // as signed
		since:  clock.Instant(binary.BigEndian.Uint64(payload[9:])), //nolint:gosec // as signed
		mac:    mac,
	}
	for rest := payload[17:]; len(rest) > 0; rest = rest[len(digest{}):] {
		t.digests = append(t.digests, digest(rest))
	}
	if now > t.issued+clock.Instant(PreviewLife.Microseconds()) {
		return nil, fault.New(fault.InvalidValue, "The previewToken has expired: a preview can be applied for %d minutes.", int(PreviewLife.Minutes())).
			Fix(previewAgain).At("previewToken")
	}
	return t, nil
}

// compare tells what differs from the state that the token is of.
//
// Errors: VERSION_CONFLICT.
func (t *previewToken) compare(now []digest) error {
	var differ []locale.Text
	for a, d := range now {
		if d != t.digests[a] {
			differ = append(differ, aspectWords[a])
		}
	}
	if len(differ) == 0 {
		return nil
	}
	if len(differ) > 1 && now[aspectOutcome] != t.digests[aspectOutcome] { // follows from the others
		differ = differ[:len(differ)-1]
	}
	return changedSince(differ)
}

// previewSecret names the key of previews among the database's secrets.
const previewSecret = "preview"

// previewKey returns the key by which all servers of the database know their previews. It is made
// when it is first asked for.
func (s *Service) previewKey(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	key := s.preview
	s.mu.Unlock()
	if key != nil {
		return key, nil
	}
	const read = `SELECT value FROM secrets WHERE id = $1`
	found, err := database.Values[[]byte](ctx, s.db.Reader(), read, previewSecret)
	if err == nil && len(found) == 0 {
		fresh := make([]byte, sha256.Size)
		rand.Read(fresh) //nolint:errcheck // never fails
		err = s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO secrets (id, value, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`,
				previewSecret, fresh, s.clock.Now())
			if err == nil {
				found, err = database.Values[[]byte](ctx, tx, read, previewSecret)
			}
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of previews: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.preview = found[0]
	return s.preview, nil
}
