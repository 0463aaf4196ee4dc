package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/alecthomas/kong"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
)

// Exit codes of the program.
const (
	exitDone   = 0
	exitFailed = 1 // refused or failed, with one line on stderr
	exitUsage  = 2 // the command line or the environment is wrong
)

// Process is what main knows.
type Process struct {
	Args     []string // without the program's name
	Stdout   io.Writer
	Stderr   io.Writer
	Terminal bool   // whether Stderr is a terminal
	Version  string // as the build sets it; may be empty
}

// commands is the grammar of the command line.
type commands struct {
	DatabaseURL string    `name:"database-url" env:"LICENSEGRAPH_DATABASE_URL" default:"${database}" placeholder:"URL" group:"Flags of every command:" help:"The database: sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE. Default: ${database}."`
	LogLevel    logLevel  `env:"LICENSEGRAPH_LOG_LEVEL" placeholder:"LEVEL" group:"Flags of every command:" help:"The least serious lines to log: debug, info, warn or error. Default: info; for demo and bench, warn."`
	LogFormat   logFormat `env:"LICENSEGRAPH_LOG_FORMAT" placeholder:"FORMAT" group:"Flags of every command:" help:"How to log: json (one object a line) or console (for reading). Default: console on a terminal, else json."`

	Demo    DemoCmd    `cmd:"" help:"Try it: serve a sample organisation from a temporary database."`
	Serve   ServeCmd   `cmd:"" help:"Serve the GraphQL API and the playground."`
	Migrate MigrateCmd `cmd:"" help:"Bring the database to this program's version."`
	Tenant  TenantCmd  `cmd:"" help:"The organisations of the database."`
	Token   TokenCmd   `cmd:"" help:"The tokens with which clients call the API."`
	Catalog CatalogCmd `cmd:"" help:"The vendor's products and plans."`
	Audit   AuditCmd   `cmd:"" help:"The audit log."`
	Verify  VerifyCmd  `cmd:"" help:"Check that the stored state obeys every rule."`
	Bench   BenchCmd   `cmd:"" help:"Measure reads and writes on a made-up organisation."`
	Version VersionCmd `cmd:"" help:"Print the version."`

	BenchLoad BenchLoadCmd `cmd:"" hidden:"" help:"Send the requests of bench."`
}

const defaultDatabase = "sqlite:licensegraph.db"

const description = `Licensegraph is a licensing server with a GraphQL API: organisations buy seats of products, assign them to users and groups, and ask who may use what, and why.

Try it:
    licensegraph demo

Set up a server of your own:
    licensegraph migrate up
    licensegraph tenant create "Example Ltd" --country NL
    licensegraph token create --tenant "Example Ltd" --role GLOBAL_ADMIN
    licensegraph catalog import products.csv --exclusions exclusions.csv
    licensegraph serve

Exit codes: 0 done, 1 refused or failed (one line on stderr says why), 2 wrong usage.`

// Main runs the program and returns its exit code. The end of ctx asks it to stop.
func Main(ctx context.Context, p Process) int {
	var c commands
	helped := false
	parser, err := kong.New(&c,
		kong.Name("licensegraph"), kong.Description(description),
		kong.Vars{"database": defaultDatabase, "listen": defaultListen, "connections": strconv.Itoa(database.DefaultMaxConns)}, termVars(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoAppDescFormat: true, WrapUpperBound: 100}),
		kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(func(int) { helped = true }), // only --help exits by itself
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		return fail(p.Stderr, fmt.Errorf("the grammar of the command line is wrong: %w", err), exitFailed)
	}
	command, err := parser.Parse(p.Args)
	switch {
	case helped:
		return exitDone
	case err != nil:
		return fail(p.Stderr, fmt.Errorf("%w (see %s --help)", err, misused(err)), exitUsage)
	}
	env, err := c.env(p, command.Command())
	if err != nil {
		return fail(p.Stderr, err, exitFailed)
	}
	if err := command.Run(env); err != nil {
		return fail(p.Stderr, err, exitFailed)
	}
	return exitDone
}

// misused names the command whose help would have prevented the error.
func misused(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if selected := parse.Context.Selected(); selected != nil {
			return selected.FullPath()
		}
	}
	return "licensegraph"
}

// env is what the flags make of the process.
func (c *commands) env(p Process, command string) (*Env, error) {
	log, err := c.logger(p, command)
	if err != nil {
		return nil, err
	}
	url := c.DatabaseURL
	if url == "" { // the variable is set to nothing
		url = defaultDatabase
	}
	e := &Env{
		Stdout: p.Stdout, Stderr: p.Stderr, Terminal: p.Terminal, Log: log, URL: url,
		Connect: func(ctx context.Context, o database.Options) (*database.DB, error) {
			o.Log = log
			return database.Open(ctx, url, o)
		},
		Clock: clock.Wall{}, NewID: id.NewV7,
		Version: versionOf(p.Version),
	}
	e.Open = func(ctx context.Context) (*database.DB, error) { return e.openWith(ctx, database.Options{}) }
	return e, nil
}
