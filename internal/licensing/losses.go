package licensing

import (
	"slices"

	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/fault"
)

// losses are the users of a change whose loss has to be acknowledged (R27): they no longer
// hold a product that they held before, and hold none that the call brings them.
type losses struct {
	users int64
	// neither: the call meant to bring one of them another product, and did not (R23).
	neither bool
}

// loss is what a change that takes a product from a user leaves the user with.
type loss struct {
	counted bool // none of what the call brings
	neither bool // and something was brought that is not had
}

// loss tells it of a user who loses a product and whose state goes from one to another. What a
// call brings a user are the products that it adds, and those of sources that begin with it.
func (i *Impact) loss(from, to engine.User, before, after map[int32]engine.License) loss {
	lost := map[int32]bool{}
	for product, license := range before {
		if license.Held && !after[product].Held {
			lost[product] = true
		}
	}
	l := loss{counted: true}
	for k := range to.Sources {
		a := &to.Sources[k]
		begins := !slices.ContainsFunc(from.Sources, func(b engine.Source) bool { return b.Key == a.Key })
		if !begins && !i.d.adds[i.after.ProductAt(a.Product).ID] {
			continue
		}
		if after[a.Product].Held {
			return loss{}
		}
		l.neither = l.neither || begins || len(lost) > 1 || !lost[a.Product] // an edit of all that is lost is no swap
	}
	return l
}

// add counts n users; promised tells whether the call brings them a product without a live
// subscription, which nobody can have.
func (l *losses) add(one loss, promised bool, n int64) {
	if one.counted {
		l.users += n
		l.neither = l.neither || one.neither || promised
	}
}

// confirm refuses a change that takes a product from more users than may lose one unasked
// (R15, R23, R27). On a dry run the refusal is part of the outcome instead.
func (out *Outcome) confirm(d *Draft, o Options) error {
	lost, threshold := out.Impact.losses, d.Graph.Terms.LossThreshold
	lost.neither = lost.neither || d.postpones()
	if lost.neither || d.losses != nil {
		threshold = 0
	}
	users := int(lost.users)
	if o.Unguarded || users <= threshold || o.AcknowledgeLosses != nil && *o.AcknowledgeLosses >= users {
		return nil
	}
	var refusal *fault.Error
	switch {
	case d.losses != nil:
		refusal = d.losses(users)
	case lost.neither:
		refusal = fault.New(fault.ConfirmationRequired, "%d users would lose a product and not get the one that this call adds in its place.", users)
	default:
		refusal = fault.New(fault.ConfirmationRequired, "%d users would lose a product; up to %d may without being asked.", users, threshold)
	}
	refusal = refusal.Fix("See who with dryRun: true, then pass acknowledgeLosses: %d.", users).
		With(&LossDetails{UsersLosing: users, Threshold: threshold}).At("acknowledgeLosses")
	if !o.DryRun {
		return refusal
	}
	out.Confirmation = refusal
	return nil
}
