package cli

import (
	"errors"
	"fmt"

	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// acknowledged is a number of users who may lose a product, given as a flag.
type acknowledged int

// Validate refuses a number of users that there cannot be.
func (n acknowledged) Validate() error {
	if n < 0 {
		return errors.New("it is a number of users: 0 or more")
	}
	return nil
}

// inFlags words what a command has to be confirmed with as the flags that do it, in place of the
// fields of the API; nothing says what was not done.
func inFlags(err error, nothing string) error {
	refusal, _ := fault.As(err)
	if loss := lossOf(refusal); loss != nil {
		return errors.New(fmt.Sprint(err, " ", nothing, " See who with --dry-run, then pass --acknowledge-losses ", loss.UsersLosing, "."))
	}
	return err
}

// lossOf returns what a refusal says of losses that have to be confirmed, or nil.
func lossOf(refusal *fault.Error) *licensing.LossDetails {
	if refusal == nil || refusal.Code != fault.ConfirmationRequired {
		return nil
	}
	loss, _ := refusal.Details.(*licensing.LossDetails)
	return loss
}
