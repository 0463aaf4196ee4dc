// Command composeschema writes schema.graphql: the domains' SDL files of graph/schema as one
// schema, which clients, linters and code generators read. With -check it changes nothing and
// fails when the file is not what it would write.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
)

func main() {
	sources := flag.String("sources", "graph/schema/*.graphqls", "pattern of the SDL files to compose")
	out := flag.String("out", "schema.graphql", "file to write, or to compare with")
	check := flag.Bool("check", false, "fail when the file differs instead of writing it")
	flag.Parse()
	if err := run(*sources, *out, *check); err != nil {
		fmt.Fprintln(os.Stderr, "composeschema:", err)
		os.Exit(1)
	}
}

func run(pattern, out string, check bool) error {
	composed, err := compose(pattern)
	if err != nil {
		return err
	}
	if !check {
		return os.WriteFile(out, composed, 0o644)
	}
	present, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	if !bytes.Equal(present, composed) {
		return fmt.Errorf("%s is not what %s compose to: run make generate", out, pattern)
	}
	return nil
}
