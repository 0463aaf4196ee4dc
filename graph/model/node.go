// Package model holds the types of the API that have no counterpart in a domain: inputs,
// payloads and connections, which are generated, and the abstract types below.
package model

// Node, Principal and ErrorDetails are the API's abstract types. They are any, because the
// types behind them belong to the domains, which know nothing of GraphQL and are not asked to
// bear marker methods: the executor tells them apart by their Go types, and fails on one that
// is not among them.
type (
	// Node is whatever can be read by its id.
	Node any
	// Principal is a user or a group.
	Principal any
	// ErrorDetails are the facts of an error.
	ErrorDetails any
)
