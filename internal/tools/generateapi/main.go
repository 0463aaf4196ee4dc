// Generateapi generates the API's code: gqlgen's own, and beside it the fields of all objects as
// graph/compiled runs them, from the same binding.
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
)

func main() {
	log.SetOutput(io.Discard)
	cfg, err := config.LoadConfigFromDefaultLocations()
	if err == nil {
		err = api.Generate(cfg, api.AddPlugin(compiledFields{}))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generateapi:", err)
		os.Exit(1)
	}
}
