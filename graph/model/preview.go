package model

import (
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// ChangeResult is what becomes of one of several changes.
type ChangeResult struct {
	Kind       string
	Changed    bool
	UserErrors []*UserError
}

// Preview is what several changes would do together.
type Preview struct {
	Changed      bool
	Results      []*ChangeResult
	Impact       *licensing.Impact
	UserErrors   []*UserError
	PreviewToken *string
}

// ApplyPreviewPayload answers applyPreview.
type ApplyPreviewPayload struct {
	Payload
	Results []*ChangeResult
}
