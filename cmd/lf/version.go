package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/store"
)

// versions says what a program was made of.
type versions struct {
	Version string `json:"version"`
	// Commit is that of the sources, empty where they were not in a repository.
	Commit string `json:"commit,omitempty"`
	// Modified says that the sources were not exactly those of the commit.
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	SQLite   string `json:"sqlite"`
	Libp2p   string `json:"libp2p,omitempty"`
}

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: `Print the version, and that of Go. --json adds the commit that the program was built from, and the versions of SQLite and
libp2p in it: name these when you report a fault.`,
		Example: "  lf version\n  lf version --json",
		Args:    between(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if c.json {
				return c.printJSON(readVersions())
			}
			return c.printf("lf %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

func readVersions() versions {
	v := versions{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, SQLite: store.SQLiteVersion()}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, s := range build.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	for _, dependency := range build.Deps {
		if dependency.Path == "github.com/libp2p/go-libp2p" {
			v.Libp2p = dependency.Version
		}
	}
	return v
}
