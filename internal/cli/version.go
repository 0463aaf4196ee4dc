package cli

import (
	"fmt"
	"runtime/debug"
)

// VersionCmd prints the version alone, for scripts.
type VersionCmd struct{}

// Run prints the version.
func (VersionCmd) Run(env *Env) error {
	_, err := fmt.Fprintln(env.Stdout, env.Version)
	return err
}

// versionOf is the version that the build was told, else that of the module as Go recorded it,
// else devel.
func versionOf(told string) string {
	if told != "" {
		return told
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
