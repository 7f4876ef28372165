package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
)

// testbedProgram is the program that lf testbed hands over to.
const testbedProgram = "lf-testbed"

func (c *cli) testbedCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "testbed SCENARIO",
		Short: "Run the testbed, a program of its own (lf-testbed)",
		Long: `Hand over to lf-testbed, which breaks networks of real nodes on this computer and measures how they heal. It is built from the
source with make. lf looks for it next to itself, and then in the PATH.`,
		Example:            `  lf testbed split.yaml`,
		Hidden:             true, // users' images do not carry it
		DisableFlagParsing: true, // the flags are its own
		RunE:               func(_ *cobra.Command, args []string) error { return runTestbed(args) },
	}
}

// runTestbed replaces this process by lf-testbed.
func runTestbed(args []string) error {
	file, err := findTestbed()
	if err != nil {
		return err
	}
	if err := syscall.Exec(file, append([]string{testbedProgram}, args...), os.Environ()); err != nil {
		return fmt.Errorf("run %s: %w", file, err)
	}
	return nil // not reached
}

// findTestbed looks for lf-testbed next to lf, and then in the PATH.
func findTestbed() (string, error) {
	if self, err := os.Executable(); err == nil {
		if file, err := exec.LookPath(filepath.Join(filepath.Dir(self), testbedProgram)); err == nil {
			return file, nil
		}
	}
	file, err := exec.LookPath(testbedProgram)
	if err != nil {
		return "", errors.New("lf-testbed is neither next to lf nor in the PATH: build it from the source with make (bin/lf-testbed)")
	}
	return file, nil
}
