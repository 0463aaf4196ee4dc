package fault

import "strconv"

const maxQuoted = 80

// Quote returns a value from outside as it may stand in a message: in quotes, control
// characters made visible, long ones cut.
func Quote(value string) string {
	runes := 0
	for i := range value {
		if runes++; runes > maxQuoted {
			return strconv.Quote(value[:i]) + "…"
		}
	}
	return strconv.Quote(value)
}
