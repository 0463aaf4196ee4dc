package worlds

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
)

// Shuffle returns an operation that means the same: its lists in another order
// and, where duplicates collapse, with some of them said twice (R24).
func Shuffle(t *rapid.T, op oracle.Operation) oracle.Operation {
	switch op := op.(type) {
	case oracle.Assign:
		op.Principals = repeat(t, op.Principals)
		op.Add = shuffleAdds(t, op.Add)
		op.Remove = repeat(t, op.Remove)
		return op
	case oracle.CreateUser:
		op.Licenses = shuffleAdds(t, op.Licenses)
		return op
	case oracle.CreateGroup:
		op.Members = repeat(t, op.Members)
		return op
	case oracle.ChangeMembers:
		changes := slices.Clone(op.Changes)
		for i, change := range changes {
			changes[i].Add = repeat(t, change.Add)
			changes[i].Remove = repeat(t, change.Remove)
		}
		op.Changes = permute(t, changes)
		return op
	case oracle.ChangeCatalogue:
		op.Exclusions = permute(t, op.Exclusions)
		return op
	}
	return op
}

func shuffleAdds(t *rapid.T, adds []oracle.Add) []oracle.Add {
	adds = permute(t, adds)
	for i, add := range adds {
		adds[i].Exclude = repeat(t, add.Exclude)
		if add.Switch != nil {
			adds[i].Switch = &oracle.Switch{On: repeat(t, add.Switch.On), Off: repeat(t, add.Switch.Off)}
		}
	}
	return adds
}

// repeat permutes a list and says one of its elements twice, or not.
func repeat(t *rapid.T, ids []oracle.ID) []oracle.ID {
	if len(ids) > 0 && rapid.Bool().Draw(t, "twice") {
		ids = append(slices.Clone(ids), ids[0])
	}
	return permute(t, ids)
}

// permute keeps a nil list nil and an empty one empty.
func permute[T any](t *rapid.T, list []T) []T {
	if len(list) == 0 {
		return list
	}
	return rapid.Permutation(list).Draw(t, "order")
}
