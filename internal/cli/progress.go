package cli

import "fmt"

// progress is one line on a terminal that is drawn over and over; elsewhere it is nothing.
type progress struct{ env *Env }

// eraseLine returns to the beginning of the line and erases it (ECMA-48, EL).
const eraseLine = "\r\x1b[K"

func (p progress) say(format string, args ...any) {
	if p.env.Terminal {
		fmt.Fprintf(p.env.Stderr, eraseLine+format+" …", args...)
	}
}

func (p progress) clear() {
	if p.env.Terminal {
		fmt.Fprint(p.env.Stderr, eraseLine)
	}
}
