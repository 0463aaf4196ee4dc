package oracle

// Operation is one call of the API that changes licensing facts, as data: the
// same value drives the product and the oracle. Ids of what it creates are in
// it. Lists may hold duplicates and stand in any order; neither matters (R24).
type Operation interface {
	// Apply carries the operation out at the instant now, which must be later
	// than that of every earlier change, and says what became of it. A refused
	// operation, or part of one, leaves no trace.
	Apply(s *State, now int64) Outcome
}

// Outcome is the answer to an operation.
type Outcome struct {
	Changed    bool // a fact changed
	Refusal    Code // why the whole call was refused; then nothing changed
	Losing     int  // with CONFIRMATION_REQUIRED: the users whose loss is to be acknowledged
	Principals map[ID]Result
	Members    map[Member]Result
	Turns      int // of Due: the changes that were made
}

// Result is the answer for one principal of Assign, or one member of
// ChangeMembers.
type Result struct {
	Changed bool
	Refusal Code
}

// Member names a member of a group, a user or a group, in an Outcome.
type Member struct{ Group, Member ID }

func refuse(code Code) Outcome { return Outcome{Refusal: code} }

// anyChanged reports whether some result changed a fact.
func anyChanged[K comparable](results map[K]Result) bool {
	for _, r := range results {
		if r.Changed {
			return true
		}
	}
	return false
}

// Reprocess tries everything pending again. It is a no-op always (R13); Changed
// is true only where the rules were broken before.
type Reprocess struct{}

// Apply implements Operation.
func (Reprocess) Apply(s *State, now int64) Outcome {
	c := begin(s, now)
	c.settle()
	before, after := s.Rows(), c.after.Rows()
	*s = *c.after
	changed := len(before) != len(after)
	for i := 0; !changed && i < len(after); i++ {
		changed = before[i] != after[i]
	}
	return Outcome{Changed: changed}
}
