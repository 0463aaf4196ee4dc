package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/clock"
)

// TokenCmd are the commands of API tokens.
type TokenCmd struct {
	Create TokenCreateCmd `cmd:"" help:"Create a token and print it."`
}

// TokenCreateCmd creates a token.
type TokenCreateCmd struct {
	Tenant  string  `required:"" placeholder:"NAME" help:"The organisation that the token opens, by name."`
	Role    role    `required:"" placeholder:"ROLE" help:"GLOBAL_ADMIN changes everything; LICENSE_ADMIN assigns licenses to users and groups; USER_ADMIN changes users and their own licenses, no groups; GLOBAL_READER changes nothing. Each reads everything of the organisation."`
	Name    string  `default:"command line" help:"What the audit log calls the token: name it after what uses it. Default: ${default}."`
	Expires *expiry `placeholder:"WHEN" help:"When it ends: a lifetime (90d, 12h), a day or an instant (2027-01-31, 2027-01-31T18:00:00Z). Default: never."`
}

// Help is what --help adds to the flags.
func (TokenCreateCmd) Help() string {
	return `The token stands alone on stdout. It cannot be had again: only its hash is stored.

    TOKEN=$(licensegraph token create --tenant "Example Ltd" --role GLOBAL_READER --name dashboard --expires 90d)
    curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{"query":"{ viewer { name roles } }"}' http://127.0.0.1:8080/graphql`
}

// Run creates the token and prints it.
func (c *TokenCreateCmd) Run(ctx context.Context, env *Env) (err error) {
	db, err := env.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tenants, err := env.tenants(db)
	if err != nil {
		return err
	}
	tokens, err := access.New(access.Config{DB: db, Clock: env.Clock, NewID: env.NewID})
	if err != nil {
		return err
	}
	t, err := tenants.ByName(ctx, c.Tenant)
	if err != nil {
		return err
	}
	input := access.NewToken{Name: c.Name, Role: access.Role(c.Role)}
	if c.Expires != nil {
		at := c.Expires.after(env.Clock.Now())
		input.ExpiresAt = &at
	}
	text, _, err := tokens.Create(acting(ctx, "token create"), t.ID, input)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.Stdout, text)
	return err
}

// role is a role on the command line.
type role access.Role

// UnmarshalText reads a role; the refusal lists them all.
func (r *role) UnmarshalText(text []byte) error {
	parsed, refusal := access.ParseRole(string(text))
	if refusal != nil {
		return fmt.Errorf("%s %s", refusal.Message, refusal.Remediation)
	}
	*r = role(parsed)
	return nil
}

// expiry is an instant, or a time from now on.
type expiry struct {
	at       clock.Instant
	lifetime time.Duration
}

const expiryForms = "give a lifetime (90d, 12h), a day (2027-01-31) or an instant (2027-01-31T18:00:00Z)"

// maxDays keeps a lifetime within what a Duration holds: a century.
const maxDays = 36_525

// UnmarshalText reads an expiry. A day ends the token when it begins, in UTC.
func (e *expiry) UnmarshalText(text []byte) error {
	s := string(text)
	var ok bool
	if e.at, ok = parseMoment(s); ok {
		return nil
	}
	if number, ok := strings.CutSuffix(s, "d"); ok {
		days, err := strconv.ParseUint(number, 10, 32)
		if err != nil || days == 0 || days > maxDays {
			return fmt.Errorf("%q is not a number of days from 1 to %d: %s", s, maxDays, expiryForms)
		}
		e.lifetime = time.Duration(days) * 24 * time.Hour
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no time to come: %s", s, expiryForms)
	}
	e.lifetime = d
	return nil
}

func (e *expiry) after(now clock.Instant) clock.Instant {
	if e.lifetime > 0 {
		return now.Add(e.lifetime)
	}
	return e.at
}
