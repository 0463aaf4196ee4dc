package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/tenant"
)

// VerifyCmd checks R17 and the audit log (R28).
type VerifyCmd struct {
	Tenant string `placeholder:"NAME" help:"Check this organisation only, by name. Default: all."`
}

// Help is what --help adds to the flags.
func (VerifyCmd) Help() string {
	return `Derives every user's licenses anew and compares: no user's plans break a rule, every stored error still holds and names the first failing rule, nobody waits while a seat is free for them, and every seat and member counter equals a recount. Follows the chain of the audit log as well: no event was changed, taken out or added since it was written, and each is found by what it names. It reads one committed state and changes nothing, so it may run beside a serving process.

One line for each organisation, and one for each problem below it. The exit code is 1 where there is a problem.

    licensegraph verify --tenant "Example Ltd"`
}

// Run verifies and reports.
func (c *VerifyCmd) Run(ctx context.Context, env *Env) (err error) {
	db, err := env.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	list, err := c.chosen(ctx, env, db)
	if err != nil {
		return err
	}
	service, err := licensing.New(licensing.Config{DB: db, Clock: env.Clock, NewID: env.NewID, Log: env.Log})
	if err != nil {
		return err
	}
	p := progress{env: env}
	defer p.clear()
	problems, broken := 0, 0
	for _, t := range list {
		found, err := service.Verify(ctx, t.ID, func(users, events int) {
			p.say("%s: %s and %s checked", t.Name, counted(users, "user"), counted(events, "audit event"))
		})
		if err != nil {
			return fmt.Errorf("verify %s: %w", t.Name, err)
		}
		p.clear()
		if err := writeVerification(env.Stdout, t, found); err != nil {
			return err
		}
		if !found.OK() {
			problems, broken = problems+len(found.Problems), broken+1
		}
	}
	if problems > 0 {
		return fmt.Errorf("%s found, in %d of %s", counted(problems, "problem"), broken, counted(len(list), "organisation"))
	}
	return nil
}

// chosen lists the tenants to check.
func (c *VerifyCmd) chosen(ctx context.Context, env *Env, db *database.DB) ([]*tenant.Tenant, error) {
	tenants, err := env.tenants(db)
	if err != nil {
		return nil, err
	}
	if c.Tenant == "" {
		return tenants.List(ctx)
	}
	t, err := tenants.ByName(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	return []*tenant.Tenant{t}, nil
}

func writeVerification(w io.Writer, t *tenant.Tenant, v *licensing.Verification) error {
	out := bufio.NewWriter(w)
	result := "no problem"
	if !v.OK() {
		result = counted(len(v.Problems), "problem")
	}
	fmt.Fprintf(out, "%s: %s and %s checked, %s\n", t.Name, counted(v.UsersChecked, "user"), counted(v.EventsChecked, "audit event"), result)
	for _, p := range v.Problems {
		fmt.Fprintf(out, "  %s", p.Rule)
		if p.UserID != nil {
			fmt.Fprintf(out, " %s", id.Format(id.User, *p.UserID))
		}
		if p.Product != nil {
			fmt.Fprintf(out, " %s", p.Product.DisplayName)
		}
		fmt.Fprintf(out, ": %s\n", p.Message)
	}
	return out.Flush()
}
