package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/demo"
	"github.com/licensegraph/licensegraph/internal/server"
)

// DemoCmd serves the sample organisation.
type DemoCmd struct {
	Data string `placeholder:"PATH" help:"Keep the sample organisation in this SQLite file, and serve it again the next time. Default: a temporary file, removed at the end."`
}

// Help is what --help adds to the flags.
func (DemoCmd) Help() string {
	return `Builds a made-up company of some 250 people with nested groups, real product names, and an example of everything that can happen to a license; serves it on port 8080 of this machine, or the next free one; and prints the address of the playground, tokens of each role and three queries to paste. It is the same company every time.

--database-url has no effect: the demo never touches another database.

    licensegraph demo
    licensegraph demo --data demo.db`
}

// Run builds the organisation and serves it until ctx ends.
func (c *DemoCmd) Run(ctx context.Context, env *Env) (err error) {
	setMemory()
	path := c.Data
	if path == "" {
		dir, err := os.MkdirTemp("", "licensegraph-demo-")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		path = filepath.Join(dir, "demo.db")
	}
	if err := c.build(ctx, env, path); err != nil {
		return err
	}
	db, err := database.Open(ctx, "sqlite:"+path, database.Options{Log: env.Log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if ours, err := demo.Holds(ctx, db); !ours { // and so nothing of ours to migrate
		env.Log.Debug().Err(err).Msg("the file was looked at")
		return fmt.Errorf("%s holds another database than the demo's: give --data a file that does not exist yet", path)
	}
	if err := database.Migrate(ctx, db, nil); err != nil { // the file may be from an older program
		return err
	}
	organisation, err := demo.Find(ctx, db)
	if err != nil {
		return err
	}
	return c.serve(ctx, env, db, organisation)
}

// build makes the file, unless it is there. It is made under another name, so that an
// interruption leaves no half of an organisation behind.
func (c *DemoCmd) build(ctx context.Context, env *Env, path string) (err error) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	making := path + ".making"
	defer func() { err = errors.Join(err, removeDatabase(making)) }()
	if err := removeDatabase(making); err != nil { // of a process that was killed
		return err
	}
	if err := buildIn(ctx, env, making); err != nil {
		return err
	}
	return os.Rename(making, path)
}

func buildIn(ctx context.Context, env *Env, path string) (err error) {
	db, err := database.Open(ctx, "sqlite:"+path, database.Options{Log: env.Log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	p := progress{env: env}
	defer p.clear()
	p.say("building the sample organisation")
	if err := database.Migrate(ctx, db, nil); err != nil {
		return err
	}
	_, err = demo.Build(ctx, db, func(what string) { p.say("building the sample organisation: %s", what) })
	return err
}

// removeDatabase removes a SQLite file with what SQLite keeps beside it.
func removeDatabase(path string) error {
	var failed error
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

func (c *DemoCmd) serve(ctx context.Context, env *Env, db *database.DB, o *demo.Organisation) error {
	examples := make([]server.Example, 0, len(o.Examples()))
	for _, e := range o.Examples() {
		examples = append(examples, server.Example{Title: e.Title, Query: e.Query})
	}
	work, err := env.services(db)
	if err != nil {
		return err
	}
	handler, err := env.handler(db, work, examples)
	if err != nil {
		return err
	}
	tokens, err := c.tokens(ctx, env, db, o)
	if err != nil {
		return err
	}
	listener, err := listenNear(ctx, demoPort)
	if err != nil {
		return err
	}
	if err := c.welcome(env.Stdout, baseURL(listener), o, tokens); err != nil {
		return errors.Join(err, listener.Close())
	}
	return env.serve(ctx, listener, handler, work)
}

// roleToken is a token of one role.
type roleToken struct {
	role access.Role
	text string
}

// tokens makes a token of each role, for this run: those of earlier runs cannot be shown again.
func (c *DemoCmd) tokens(ctx context.Context, env *Env, db *database.DB, o *demo.Organisation) ([]roleToken, error) {
	service, err := access.New(access.Config{DB: db, Clock: env.Clock, NewID: env.NewID})
	if err != nil {
		return nil, err
	}
	var list []roleToken
	for _, role := range access.Roles() {
		text, _, err := service.Create(acting(ctx, "demo"), o.Tenant.ID, access.NewToken{Name: "demo " + string(role), Role: role})
		if err != nil {
			return nil, err
		}
		list = append(list, roleToken{role, text})
	}
	return list, nil
}

// The ports that the demo tries, one after the other.
const demoPort, demoPorts = 8080, 100

// listenNear listens on the first free port of this machine from one on.
func listenNear(ctx context.Context, first int) (net.Listener, error) {
	for port := first; ; port++ {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		switch {
		case err == nil:
			return listener, nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return nil, err
		case port == first+demoPorts-1:
			return nil, fmt.Errorf("the ports %d to %d are all in use", first, port)
		}
	}
}

// welcome prints how to go on. Scripts read it too: each token stands on a line of its own,
// after its role.
func (c *DemoCmd) welcome(w io.Writer, url string, o *demo.Organisation, tokens []roleToken) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s: %d users, %d groups, %d products. None of it is real but the products' names.\n\n", o.Tenant.Name, o.Users, o.Groups, o.Products)
	fmt.Fprintf(out, "Playground %s/#token=%s\n", url, tokens[0].text)
	fmt.Fprintf(out, "GraphQL    %s/graphql\n\n", url)
	for _, t := range tokens {
		fmt.Fprintf(out, "%s %s\n", t.role, t.text)
	}
	fmt.Fprint(out, "\nThree queries to paste; the playground has them in its tabs, with more:\n")
	for _, e := range o.Examples()[:3] {
		fmt.Fprintf(out, "\n# %s\n%s\n", e.Title, e.Query)
	}
	end := "removes the organisation: keep it with --data PATH."
	if c.Data != "" {
		end = "keeps the organisation in " + c.Data + "."
	}
	fmt.Fprintf(out, "\nCtrl-C ends the demo and %s\n", end)
	return out.Flush()
}
