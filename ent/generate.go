// Package ent is the generated storage client; the tables are declared in ent/schema.
package ent

//go:generate go tool ent generate --feature sql/upsert,sql/lock,sql/modifier,sql/execquery ./schema
