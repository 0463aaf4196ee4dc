package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/tenant"
)

// TenantCmd are the commands of organisations.
type TenantCmd struct {
	Create TenantCreateCmd `cmd:"" help:"Create an organisation and print its id."`
	Update TenantUpdateCmd `cmd:"" help:"Change the country and the terms of an organisation."`
	List   TenantListCmd   `cmd:"" help:"List the organisations by name."`
}

// TenantCreateCmd creates an organisation.
type TenantCreateCmd struct {
	Name    string `arg:"" help:"Its name, which no other organisation may have; letter case makes no difference."`
	Country string `required:"" placeholder:"CC" help:"The country, as ISO 3166-1 alpha-2 (NL, US), where users are taken to be who have no location of their own."`
}

// Help is what --help adds to the flags.
func (TenantCreateCmd) Help() string {
	return `Nothing crosses the border between two organisations (tenants) but the catalogue. The id stands alone on stdout. Its terms are the usual ones: see licensegraph tenant update --help.

    licensegraph tenant create "Example Ltd" --country NL`
}

// Run creates the tenant and prints its id.
func (c *TenantCreateCmd) Run(ctx context.Context, env *Env) (err error) {
	db, err := env.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tenants, err := env.tenants(db)
	if err != nil {
		return err
	}
	t, err := tenants.Create(acting(ctx, "tenant create"), c.Name, c.Country)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.Stdout, t.NodeID())
	return err
}

// TenantUpdateCmd changes an organisation's country and terms.
type TenantUpdateCmd struct {
	Name                 string        `arg:"" help:"Its name; letter case makes no difference."`
	Country              *string       `placeholder:"CC" help:"The country where users are taken to be who have no location of their own. Licenses are judged by it at once."`
	LossThreshold        *int          `placeholder:"N" help:"How many users a change may take a product from without being confirmed. ${terms_loss} at creation."`
	Grace                *period       `placeholder:"TIME" help:"How long an expired subscription can be used before it is suspended (720h, 30d). ${terms_grace} at creation."`
	Suspension           *period       `placeholder:"TIME" help:"How long it is suspended before it is locked out. ${terms_suspension} at creation."`
	DeletedUserRetention *period       `placeholder:"TIME" help:"How long a deleted user can be restored before everything of the user is removed for good. ${terms_retention} at creation."`
	HistoryRetention     *period       `placeholder:"TIME" help:"For how long it can be asked what was (asOf, timelines); 0s: without end, as at creation."`
	AuditRetention       *period       `placeholder:"TIME" help:"How long an event stays in the audit log, at least; 0s keeps it for ever. ${terms_audit} at creation."`
	DryRun               bool          `help:"Print the same, and store nothing."`
	AcknowledgeLosses    *acknowledged `placeholder:"N" help:"How many users may lose a product by another country; without it, as many as the loss threshold allows."`
}

// Help is what --help adds to the flags.
func (TenantUpdateCmd) Help() string {
	return `What is not given stays. Prints what changes, before and after, and with another country who gains or loses what.

Shorter periods count from the same dates: what is over by them falls due at once, and a running server carries it out within a second.

    licensegraph tenant update "Example Ltd" --grace 240h --loss-threshold 50
    licensegraph tenant update "Example Ltd" --country DE --dry-run`
}

// Validate refuses what cannot be meant, as wrong usage.
func (c *TenantUpdateCmd) Validate() error {
	switch {
	case c.Country == nil && c.LossThreshold == nil && c.Grace == nil && c.Suspension == nil && c.DeletedUserRetention == nil && c.HistoryRetention == nil && c.AuditRetention == nil:
		return errors.New("say what to change: --country, --loss-threshold, --grace, --suspension, --deleted-user-retention, --history-retention or --audit-retention")
	case c.LossThreshold != nil && (*c.LossThreshold < 0 || *c.LossThreshold > math.MaxInt32):
		return fmt.Errorf("--loss-threshold is a number of users from 0 to %d, not %d", math.MaxInt32, *c.LossThreshold)
	}
	return nil
}

// Run changes the tenant and prints what changes.
func (c *TenantUpdateCmd) Run(ctx context.Context, env *Env) (err error) {
	db, err := env.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tenants, err := env.tenants(db)
	if err != nil {
		return err
	}
	licenses, err := env.licenses(db)
	if err != nil {
		return err
	}
	t, err := tenants.ByName(ctx, c.Name)
	if err != nil {
		return err
	}
	out, err := licenses.UpdateTenant(acting(ctx, "tenant update"), t.ID, licensing.UpdateTenantInput{
		Country: c.Country, LossThreshold: c.LossThreshold, Grace: (*time.Duration)(c.Grace), Suspension: (*time.Duration)(c.Suspension),
		DeletedUserRetention: (*time.Duration)(c.DeletedUserRetention), HistoryRetention: (*time.Duration)(c.HistoryRetention), AuditRetention: (*time.Duration)(c.AuditRetention),
		DryRun: c.DryRun, AcknowledgeLosses: (*int)(c.AcknowledgeLosses),
	})
	if err != nil {
		return inFlags(err, "Nothing was changed.")
	}
	return writeTenantUpdate(env.Stdout, t.Name, out)
}

func writeTenantUpdate(w io.Writer, name string, o *licensing.TenantOutcome) error {
	out := bufio.NewWriter(w)
	was, is := termTexts(o.CountryBefore, o.TermsBefore), termTexts(o.Country, o.Terms)
	for i := range was {
		if was[i].value != is[i].value {
			fmt.Fprintf(out, "%s: %s → %s\n", was[i].flag, was[i].value, is[i].value)
		}
	}
	if o.Country != o.CountryBefore {
		writeImpact(out, o.Impact)
	}
	if loss := lossOf(o.Confirmation); loss != nil {
		fmt.Fprintf(out, "It has to be confirmed with --acknowledge-losses %d\n", loss.UsersLosing)
	}
	result := "updated"
	switch {
	case !o.Changed:
		result = "nothing changes"
	case o.DryRun:
		result = "dry run, nothing was stored"
	}
	fmt.Fprintf(out, "%s: %s\n", name, result)
	return out.Flush()
}

// termText is one of a tenant's terms as the flag that sets it.
type termText struct{ flag, value string }

func termTexts(country string, t licensing.Terms) []termText {
	return []termText{
		{"country", country}, {"loss-threshold", strconv.Itoa(t.LossThreshold)}, {"grace", period(t.Grace).String()},
		{"suspension", period(t.Suspension).String()}, {"deleted-user-retention", period(t.DeletedUserRetention).String()},
		{"history-retention", period(t.HistoryRetention).String()},
		{"audit-retention", period(t.AuditRetention).String()},
	}
}

// termVars are the terms at creation, for the help.
func termVars() kong.Vars {
	t := tenant.DefaultTerms
	return kong.Vars{
		"terms_loss": strconv.Itoa(t.LossThreshold), "terms_grace": period(t.Grace).String(),
		"terms_suspension": period(t.Suspension).String(), "terms_retention": period(t.DeletedUserRetention).String(), "terms_audit": period(t.AuditRetention).String(),
	}
}

// period is a length of time on the command line.
type period time.Duration

// UnmarshalText reads whole seconds, as Go writes durations (720h, 90m) or in days (30d).
func (p *period) UnmarshalText(text []byte) error {
	s := string(text)
	d, err := time.ParseDuration(s)
	if number, inDays := strings.CutSuffix(s, "d"); inDays {
		var days uint64
		days, err = strconv.ParseUint(number, 10, 16)
		d = time.Duration(days) * 24 * time.Hour
	}
	if err != nil || d < 0 || d > licensing.MaxTerm || d%time.Second != 0 {
		return fmt.Errorf("%q is no period: give hours or days (720h, 30d), in whole seconds, at most %dd", s, licensing.MaxTerm/(24*time.Hour))
	}
	*p = period(d)
	return nil
}

// String is the period in the largest unit that leaves no rest: 720h, 90m, 5s.
func (p period) String() string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}} {
		if d := time.Duration(p); d >= unit.of && d%unit.of == 0 {
			return strconv.FormatInt(int64(d/unit.of), 10) + unit.name
		}
	}
	return time.Duration(p).String()
}

// TenantListCmd lists organisations.
type TenantListCmd struct{}

// Help is what --help adds to the flags.
func (TenantListCmd) Help() string {
	return `One line for each: id, country, the terms by the flags that set them, name. Nothing is printed where there is none.`
}

// Run lists the tenants.
func (TenantListCmd) Run(ctx context.Context, env *Env) (err error) {
	db, err := env.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tenants, err := env.tenants(db)
	if err != nil {
		return err
	}
	list, err := tenants.List(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	for _, t := range list {
		fmt.Fprintf(w, "%s\t%s\t", t.NodeID(), t.Country)
		for _, term := range termTexts(t.Country, t.Terms)[1:] {
			fmt.Fprintf(w, "%s=%s\t", term.flag, term.value)
		}
		fmt.Fprintln(w, t.Name)
	}
	return w.Flush()
}

func (e *Env) tenants(db *database.DB) (*tenant.Tenants, error) {
	return tenant.New(tenant.Config{DB: db, Clock: e.Clock, NewID: e.NewID})
}

// acting names the command as who makes the changes.
func acting(ctx context.Context, command string) context.Context {
	return audit.WithActor(ctx, audit.Actor{Kind: audit.ActorCommand, Name: command})
}
