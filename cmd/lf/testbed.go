package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/lf-store/lf/cmd/internal/testbed"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// trial holds the flags of testbed.
type trial struct {
	*cli
	check, netns, keep bool
	report, bin        string
	seed               uint64
}

func (c *cli) testbedCommand() *cobra.Command {
	t := &trial{cli: c}
	cmd := &cobra.Command{
		Use:   "testbed SCENARIO",
		Short: "Break a network of real nodes on this computer, and measure how it heals",
		Long: `Run a scenario: a file in YAML that names nodes and steps, such as start, write, partition, kill, heal and expect. Every node
is a process of its own, this very program, on a network that is made for the run and thrown away afterwards. The testbed writes
records as a client does, so that it knows each one that was acknowledged, and looks for it on every node in the end.

A report is written into a directory: report.json, and timeline.html to look at. What the nodes logged stays there when the run
fails. The exit code is 0 only if everything came out as expected.

The words of a scenario are explained in docs/testbed.md.`,
		Example: `  lf testbed split.yaml
  lf testbed split.yaml --report split --keep     # with the nodes' homes and logs
  lf testbed split.yaml --seed 7                  # choose by chance what the run with this seed chose
  lf testbed split.yaml --check                   # only look for mistakes
  sudo lf testbed split.yaml --netns              # on network namespaces, with packets that get lost (Linux)`,
		Args: between(1, 1, "one scenario"),
		RunE: func(cmd *cobra.Command, args []string) error { return t.run(cmd.Context(), args[0]) },
	}
	f := cmd.Flags()
	f.BoolVar(&t.check, "check", false, "look for mistakes in the scenario, and run nothing")
	f.BoolVar(&t.netns, "netns", false, "give each node a network namespace of its own (Linux, as root)")
	f.StringVar(&t.report, "report", "", "write the report into this `DIRECTORY` (default: a new one among the temporary files)")
	f.BoolVar(&t.keep, "keep", false, "keep the nodes' homes and logs, in the report's directory")
	f.Uint64Var(&t.seed, "seed", 0, "choose what is chosen by chance by this number (default: another one each time)")
	f.StringVar(&t.bin, "bin", "", "run this program as the nodes (default: this very one)")
	return cmd
}

func (t *trial) run(ctx context.Context, file string) error {
	scenario, err := testbed.Read(file)
	var mistakes testbed.Mistakes
	if errors.As(err, &mistakes) {
		fmt.Fprintln(t.stderr, mistakes.Error())
		return usage("%s has %s", file, text.Count(len(mistakes), "mistake", "mistakes"))
	}
	if err != nil {
		return err
	}
	if t.check {
		t.note("%s makes sense: %s, %s", file, text.Count(len(scenario.Nodes), "node", "nodes"), text.Count(len(scenario.Steps), "step", "steps"))
		return nil
	}
	o, err := t.options(file, len(scenario.Routers) > 0)
	if err != nil {
		return err
	}
	report, err := testbed.Run(ctx, scenario, o)
	if report == nil {
		return err
	}
	return errors.Join(t.tell(report, o.Dir), err)
}

func (t *trial) options(file string, routers bool) (o testbed.Options, err error) {
	o = testbed.Options{Bin: t.bin, Dir: t.report, Keep: t.keep, Seed: t.seed, Observer: t.observer()}
	o.Solve = func(ctx context.Context) protocol.WorkSolver { return solver(ctx, 1, nil) }
	if o.Bin == "" {
		if o.Bin, err = os.Executable(); err != nil {
			return o, fmt.Errorf("where this program is: %w (say it with --bin)", err)
		}
	}
	if o.Fabric, err = t.fabric(routers); err != nil {
		return o, err
	}
	if o.Dir == "" {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		o.Dir, err = os.MkdirTemp("", "lf-testbed-"+fileNameOf(name, "-*"))
	}
	if err == nil {
		o.Dir, err = filepath.Abs(o.Dir)
	}
	return o, err
}

// fabric is what links the nodes.
func (t *trial) fabric(routers bool) (testbed.Fabric, error) {
	switch {
	case routers && t.netns:
		return testbed.NewInternet()
	case routers:
		return nil, usage("this scenario has routers, which take network namespaces: run it as root on Linux, with --netns")
	case t.netns:
		return testbed.NewNamespaces()
	}
	return testbed.NewLoopback(), nil
}

// observer draws on a terminal, and writes lines elsewhere.
func (t *trial) observer() testbed.Observer {
	switch _, ok := terminal(t.stderr); {
	case t.quiet:
		return nil
	case ok:
		return testbed.NewLive(t.stderr, t.size)
	}
	return testbed.NewLines(t.stderr)
}

// size is that of the terminal on standard error.
func (t *trial) size() (width, height int) {
	width, height = 80, 24
	if f, ok := t.stderr.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil { // file descriptors are small
			width, height = w, h
		}
	}
	return width, height
}

// tell shows the report. One that says that something did not come out as expected is a failure.
func (t *trial) tell(report *testbed.Report, dir string) error {
	var err error
	switch {
	case t.json:
		err = t.printJSON(report)
	case !t.quiet:
		err = t.print("\n" + report.Table())
	}
	t.note("the report is in %s: open %s", dir, filepath.Join(dir, "timeline.html"))
	if !report.Passed {
		return errors.Join(err, errors.New(report.Failure))
	}
	return err
}
