package cli

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/id"
)

// AuditCmd are the commands of the audit log.
type AuditCmd struct {
	Export AuditExportCmd `cmd:"" help:"Write an organisation's audit log to stdout."`
}

// AuditExportCmd writes events.
type AuditExportCmd struct {
	Tenant    string            `required:"" placeholder:"NAME" help:"The organisation, by name."`
	Format    string            `enum:"jsonl,csv" default:"jsonl" placeholder:"FORMAT" help:"jsonl (one object a line, byte for byte what the hashes are over) or csv (with a header, safe to open in a spreadsheet). Default: jsonl."`
	Since     *moment           `placeholder:"WHEN" help:"Events at this instant or later: a day (2027-01-31), which begins in UTC, or an instant (2027-01-31T18:00:00Z)."`
	Until     *moment           `placeholder:"WHEN" help:"Events before this instant."`
	Actor     *string           `placeholder:"NAME" help:"Events by a token or command with exactly this name."`
	ActorKind *string           `enum:"TOKEN,SYSTEM,COMMAND" placeholder:"KIND" help:"Events by this kind of actor: TOKEN, SYSTEM or COMMAND."`
	Principal *namedID          `placeholder:"ID" help:"Events that name this user or group (user_…, group_…), also after it is gone."`
	Product   *namedProduct     `placeholder:"ID" help:"Events that name this product: its id or bare UUID."`
	Action    []auditActionName `placeholder:"ACTION" help:"Events that did this (licenses.assign); several times, or with commas, for several."`
}

// Help is what --help adds to the flags.
func (AuditExportCmd) Help() string {
	return `The oldest event comes first. All that is given has to hold of an event. It reads in parts and may run beside a serving process; what happens meanwhile is left out.

Each event comes with its hash and the one before, in hex: docs/audit.md says what they are over, so that the chain can be checked by other means. In csv a cell that begins with = + - @ ' a tab or a line break has a ' put before it, which is to be taken off again before a hash is computed.

    licensegraph audit export --tenant "Example Ltd" --since 2027-01-01 > audit.jsonl
    licensegraph audit export --tenant "Example Ltd" --format csv --action user.delete,user.remove > gone.csv`
}

// Run exports, with progress on a terminal.
func (c *AuditExportCmd) Run(ctx context.Context, env *Env) (err error) {
	db, err := env.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tenants, err := env.tenants(db)
	if err != nil {
		return err
	}
	t, err := tenants.ByName(ctx, c.Tenant)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(env.Stdout, 1<<16)
	sink := newEventSink(c.Format, out)
	p := progress{env: env}
	defer p.clear()
	written := 0
	err = audit.NewLog(db).Export(ctx, t.ID, c.filter(), func(e *audit.Exported) error {
		if written++; written%1000 == 0 {
			p.say("%s: %s written", t.Name, counted(written, "audit event"))
		}
		return sink.write(e)
	})
	if err != nil {
		return errors.Join(err, out.Flush())
	}
	if err := sink.end(); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return out.Flush()
}

func (c *AuditExportCmd) filter() audit.Filter {
	f := audit.Filter{Actor: c.Actor, ActorKind: (*audit.ActorKind)(c.ActorKind), Since: (*clock.Instant)(c.Since), Until: (*clock.Instant)(c.Until)}
	if c.Principal != nil {
		f.Named = append(f.Named, string(*c.Principal))
	}
	if c.Product != nil {
		f.Named = append(f.Named, string(*c.Product))
	}
	for _, a := range c.Action {
		f.Actions = append(f.Actions, audit.Action(a))
	}
	return f
}

// eventSink writes events in a format.
type eventSink interface {
	write(e *audit.Exported) error
	end() error
}

func newEventSink(format string, w io.Writer) eventSink {
	if format == "csv" {
		return &csvSink{w: csv.NewWriter(w)}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return jsonSink{e}
}

type jsonSink struct{ *json.Encoder }

func (s jsonSink) write(e *audit.Exported) error { return s.Encode(e) }

func (jsonSink) end() error { return nil }

// csvSink writes a header before the first event, and where there is none.
type csvSink struct {
	w     *csv.Writer
	begun bool
}

var csvHeader = []string{
	"tenantId", "id", "sequence", "occurredAt", "occurredAtMicros", "actorKind", "actor", "requestId", "action", "summary",
	"subjects", "fields", "products", "causeId", "encoding", "previousHash", "hash",
}

func (s *csvSink) write(e *audit.Exported) error {
	if err := s.begin(); err != nil {
		return err
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	cells := []string{
		e.TenantID, e.ID, number(e.Sequence), e.OccurredAt, number(e.OccurredAtMicros), e.ActorKind, e.Actor, orNothing(e.RequestID), e.Action, e.Summary,
		e.Subjects, e.Fields, e.Products, orNothing(e.CauseID), number(e.Encoding), orNothing(e.PreviousHash), orNothing(e.Hash),
	}
	for i := range cells {
		cells[i] = harmless(cells[i])
	}
	return s.w.Write(cells)
}

func (s *csvSink) begin() error {
	if s.begun {
		return nil
	}
	s.begun = true
	return s.w.Write(csvHeader)
}

func (s *csvSink) end() error {
	if err := s.begin(); err != nil {
		return err
	}
	s.w.Flush()
	return s.w.Error()
}

func orNothing(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// harmless keeps a spreadsheet from taking a cell for a formula: what people called something may
// begin with =HYPERLINK. An apostrophe is put before it; and before one that is there already, so
// that one can always be taken off (OWASP, CSV Injection).
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@'\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// moment is an instant on the command line.
type moment clock.Instant

// UnmarshalText reads a day, as its beginning in UTC, or an instant.
func (m *moment) UnmarshalText(text []byte) error {
	at, ok := parseMoment(string(text))
	if *m = moment(at); ok {
		return nil
	}
	return fmt.Errorf("%q is no time: give a day (2027-01-31) or an instant (2027-01-31T18:00:00Z)", text)
}

// parseMoment reads a day, as its beginning in UTC, or an instant.
func parseMoment(text string) (at clock.Instant, ok bool) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return clock.FromTime(t), true
		}
	}
	return 0, false
}

// namedID is the id of a user or group.
type namedID string

// UnmarshalText reads a TypeID.
func (n *namedID) UnmarshalText(text []byte) error {
	kind, key, err := id.ParseAny(string(text))
	if err == nil && kind != id.User && kind != id.Group {
		err = id.NotPrincipal(kind)
	}
	if err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	*n = namedID(id.Format(kind, key))
	return nil
}

// namedProduct is the id of a product.
type namedProduct string

// UnmarshalText reads a TypeID or a bare UUID.
func (n *namedProduct) UnmarshalText(text []byte) error {
	key, err := id.Parse(id.Product, string(text))
	if err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	*n = namedProduct(id.Format(id.Product, key))
	return nil
}

// auditActionName is an action of the audit log.
type auditActionName string

// UnmarshalText reads an action; the refusal lists them all.
func (a *auditActionName) UnmarshalText(text []byte) error {
	action, err := audit.ParseAction(string(text))
	if err != nil {
		names := make([]string, len(audit.Actions))
		for i, known := range audit.Actions {
			names[i] = string(known)
		}
		return fmt.Errorf("%q is no action: give one of %s", text, strings.Join(names, ", "))
	}
	*a = auditActionName(action)
	return nil
}
