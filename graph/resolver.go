package graph

import (
	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/operation"
	"github.com/licensegraph/licensegraph/internal/whatif"
)

// Resolver is the root of the resolvers.
type Resolver struct {
	licensing *licensing.Service
	directory *directory.Service
	audit     *audit.Log

	operations *operation.Service
	whatif     *whatif.Service
}
