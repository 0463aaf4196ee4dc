package licensing

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/country"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// Terms are what a tenant has settled for its changes.
type Terms = tenantgraph.Terms

// MaxTerm bounds the periods of Terms: clients read their seconds as 32-bit integers.
const MaxTerm = 20_000 * 24 * time.Hour

// UpdateTenantInput changes a tenant's country and terms; what is nil stays.
type UpdateTenantInput struct {
	Country              *string // ISO 3166-1 alpha-2, any letter case
	LossThreshold        *int
	Grace                *time.Duration // whole seconds, at most MaxTerm, as those below
	Suspension           *time.Duration
	DeletedUserRetention *time.Duration
	HistoryRetention     *time.Duration // 0: without end
	AuditRetention       *time.Duration // 0 keeps audit events for ever
	DryRun               bool
	AcknowledgeLosses    *int
}

// TenantOutcome is an Outcome with the tenant's country and terms before and after the change.
type TenantOutcome struct {
	*Outcome
	CountryBefore, Country string
	TermsBefore, Terms     Terms
}

// UpdateTenant changes a tenant's country and terms. Another country judges anew, in the same
// commit, the users who have no location of their own (R11). Other terms move the instants at
// which subscriptions go on and deleted users and audit events are removed: what is due by them
// falls due at once.
// The losses of the call itself are judged by the threshold before it (R27).
//
// Errors: NOT_FOUND; INVALID_VALUE with the path country, lossThreshold, gracePeriod,
// suspensionPeriod, deletedUserRetention, historyRetention or auditRetention; CONFIRMATION_REQUIRED with LossDetails.
func (s *Service) UpdateTenant(ctx context.Context, tenant uuid.UUID, in UpdateTenantInput) (*TenantOutcome, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	var done TenantOutcome
	o := Options{Action: audit.TenantUpdate, DryRun: in.DryRun, AcknowledgeLosses: in.AcknowledgeLosses}
	out, err := s.Change(ctx, tenant, o, func(_ context.Context, d *Draft) error {
		done.CountryBefore, done.TermsBefore = d.Graph.Country, d.Graph.Terms
		done.Country, done.Terms = in.apply(d.Graph)
		if done.Country == done.CountryBefore && done.Terms == done.TermsBefore {
			return nil
		}
		d.SetTenant(done.Country, done.Terms)
		d.Subject(id.Tenant, d.Tenant, d.Graph.Name)
		d.Summary("Updated the tenant " + fault.Quote(d.Graph.Name) + ".")
		was, is := tenantFields(done.CountryBefore, done.TermsBefore), tenantFields(done.Country, done.Terms)
		for i := range was {
			if was[i].value != is[i].value {
				d.Field(was[i].name, &was[i].value, &is[i].value)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	done.Outcome = out
	return &done, nil
}

// validate normalises the country and refuses what no tenant can have.
func (in *UpdateTenantInput) validate() error {
	if in.Country != nil {
		code, refusal := country.Parse(*in.Country)
		if refusal != nil {
			return refusal.At("country")
		}
		in.Country = &code
	}
	if n := in.LossThreshold; n != nil && (*n < 0 || *n > math.MaxInt32) {
		return fault.New(fault.InvalidValue, "%d is no number of users: the threshold is from 0 to %d.", *n, math.MaxInt32).At("lossThreshold")
	}
	for _, term := range []struct {
		name  string
		value *time.Duration
	}{
		{"gracePeriod", in.Grace}, {"suspensionPeriod", in.Suspension}, {"deletedUserRetention", in.DeletedUserRetention},
		{"historyRetention", in.HistoryRetention}, {"auditRetention", in.AuditRetention},
	} {
		if v := term.value; v != nil && (*v < 0 || *v > MaxTerm || *v%time.Second != 0) {
			return fault.New(fault.InvalidValue, "A period is whole seconds from 0 to %d days, not %s.", MaxTerm/(24*time.Hour), *v).At(term.name)
		}
	}
	return nil
}

func (in *UpdateTenantInput) apply(g *tenantgraph.Graph) (code string, terms Terms) {
	code, terms = g.Country, g.Terms
	if in.Country != nil {
		code = *in.Country
	}
	if in.LossThreshold != nil {
		terms.LossThreshold = *in.LossThreshold
	}
	for _, term := range []struct{ from, to *time.Duration }{
		{in.Grace, &terms.Grace}, {in.Suspension, &terms.Suspension}, {in.DeletedUserRetention, &terms.DeletedUserRetention},
		{in.HistoryRetention, &terms.HistoryRetention},
		{in.AuditRetention, &terms.AuditRetention},
	} {
		if term.from != nil {
			*term.to = *term.from
		}
	}
	return code, terms
}

type field struct{ name, value string }

// tenantFields are the facts as the API shows them, for the audit event.
func tenantFields(code string, t Terms) []field {
	seconds := func(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
	return []field{
		{"country", code}, {"lossThreshold", strconv.Itoa(t.LossThreshold)}, {"gracePeriodSeconds", seconds(t.Grace)},
		{"suspensionPeriodSeconds", seconds(t.Suspension)}, {"deletedUserRetentionSeconds", seconds(t.DeletedUserRetention)},
		{"historyRetentionSeconds", seconds(t.HistoryRetention)},
		{"auditRetentionSeconds", seconds(t.AuditRetention)},
	}
}

// termText is a period for a sentence.
func termText(d time.Duration) string {
	switch day := 24 * time.Hour; {
	case d == day:
		return "1 day"
	case d > 0 && d%day == 0:
		return fmt.Sprintf("%d days", d/day)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
