package cli

// Harmless is a cell of an export as it is written.
func Harmless(cell string) string { return harmless(cell) }

// ReadExportFlags reads a text as each of the flags of an export that have a form of their own.
func ReadExportFlags(text string) {
	for _, flag := range []interface{ UnmarshalText(text []byte) error }{new(moment), new(namedID), new(namedProduct), new(auditActionName)} {
		_ = flag.UnmarshalText([]byte(text))
	}
}
