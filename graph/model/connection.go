package model

import (
	"context"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// Connection is a page of a list as Relay has it. Items are pointers, so that nothing is
// copied on the way to the answer.
type Connection[T any] struct {
	page  paging.Page[T]
	count func(ctx context.Context) (int, error)
}

// NewConnection shows a page of a list.
func NewConnection[T any](c paging.Connection[T]) *Connection[T] {
	return &Connection[T]{page: c.Page, count: c.Count}
}

// Edge is an item with its cursor.
type Edge[T any] struct {
	Cursor string
	Node   T
}

// Edges returns the items with their cursors.
func (c *Connection[T]) Edges() []Edge[T] {
	edges := make([]Edge[T], len(c.page.Items))
	for i, item := range c.page.Items {
		edges[i] = Edge[T]{Cursor: c.page.Cursors[i], Node: item}
	}
	return edges
}

// Nodes returns the items alone.
func (c *Connection[T]) Nodes() []T { return c.page.Items }

// PageInfo says where the page stands in its list.
func (c *Connection[T]) PageInfo() *PageInfo {
	info := &PageInfo{HasNextPage: c.page.HasNext, HasPreviousPage: c.page.HasPrevious}
	if n := len(c.page.Cursors); n > 0 {
		info.StartCursor, info.EndCursor = &c.page.Cursors[0], &c.page.Cursors[n-1]
	}
	if c.page.From != "" {
		info.StartCursor = &c.page.From
	}
	if c.page.To != "" {
		info.EndCursor = &c.page.To
	}
	return info
}

// TotalCount counts the list.
func (c *Connection[T]) TotalCount(ctx context.Context) (int, error) { return c.count(ctx) }

// PageInfo says where a page stands in its list.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// The connections and edges of the schema.
type (
	UserConnection                 = Connection[*principal.User]
	UserEdge                       = Edge[*principal.User]
	GroupConnection                = Connection[*principal.Group]
	GroupEdge                      = Edge[*principal.Group]
	ProductConnection              = Connection[*tenantgraph.Product]
	ProductEdge                    = Edge[*tenantgraph.Product]
	PlanConnection                 = Connection[*tenantgraph.Plan]
	PlanEdge                       = Edge[*tenantgraph.Plan]
	SubscribedProductConnection    = Connection[*licensing.SubscribedProduct]
	SubscribedProductEdge          = Edge[*licensing.SubscribedProduct]
	LicenseAssignmentConnection    = Connection[*licensing.Assignment]
	LicenseAssignmentEdge          = Edge[*licensing.Assignment]
	LicenseErrorConnection         = Connection[*licensing.LicenseError]
	LicenseErrorEdge               = Edge[*licensing.LicenseError]
	LicenseChangeConnection        = Connection[*licensing.LicenseChange]
	LicenseChangeEdge              = Edge[*licensing.LicenseChange]
	AuditEventConnection           = Connection[*AuditEvent]
	AuditEventEdge                 = Edge[*AuditEvent]
	LicenseTimelineEntryConnection = Connection[*licensing.TimelineEntry]
	LicenseTimelineEntryEdge       = Edge[*licensing.TimelineEntry]
	SeatTimelineEntryConnection    = Connection[*licensing.SeatChange]
	SeatTimelineEntryEdge          = Edge[*licensing.SeatChange]
	OperationConnection            = Connection[*Operation]
	OperationEdge                  = Edge[*Operation]
	OperationResultConnection      = Connection[*OperationResult]
	OperationResultEdge            = Edge[*OperationResult]
	RedundancyConnection           = Connection[*licensing.Redundancy]
	RedundancyEdge                 = Edge[*licensing.Redundancy]
)

// WaitingConnection is a page of the users who wait for a seat.
type WaitingConnection struct{ Connection[*licensing.Waiting] }

// WaitingEdge is a user who waits, with the cursor.
type WaitingEdge struct {
	Cursor string
	*licensing.Waiting
}

// Edges returns those who wait with their cursors.
func (c *WaitingConnection) Edges() []WaitingEdge {
	edges := make([]WaitingEdge, len(c.page.Items))
	for i, item := range c.page.Items {
		edges[i] = WaitingEdge{Cursor: c.page.Cursors[i], Waiting: item}
	}
	return edges
}

// UserIDs returns the ids of those who wait.
func (c *WaitingConnection) UserIDs() []uuid.UUID {
	ids := make([]uuid.UUID, len(c.page.Items))
	for i, item := range c.page.Items {
		ids[i] = item.UserID
	}
	return ids
}

// NewWaitingConnection shows a page of those who wait.
func NewWaitingConnection(c paging.Connection[*licensing.Waiting]) *WaitingConnection {
	return &WaitingConnection{*NewConnection(c)}
}
