package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/lf-store/lf/cmd/internal/testbed"
	"github.com/lf-store/lf/internal/text"
)

// runFlags are the flags of a run.
type runFlags struct {
	*program
	check, netns, keep bool
	json, quiet        bool
	report, bin        string
	seed               uint64
}

func (p *program) rootCommand() *cobra.Command {
	t := &runFlags{program: p}
	cmd := &cobra.Command{
		Use:   "lf-testbed SCENARIO",
		Short: "Break a network of real nodes on this computer, and measure how it heals",
		Long: `Run a scenario: a file in YAML that names nodes and steps, such as start, write, partition, kill, heal and expect. Every node
is a process of lf, on a network that is made for the run and thrown away afterwards. The testbed writes
records as a client does, so it knows each one that was acknowledged. In the end it looks for all of them on every node.

A report is written into a directory: report.json, and timeline.html to look at. What the nodes logged stays there when the run
fails. The exit code is 0 only if everything came out as expected.

The words of a scenario are explained in docs/testbed.md.`,
		Example: `  lf-testbed split.yaml
  lf-testbed split.yaml --report split --keep     # with the nodes' homes and logs
  lf-testbed split.yaml --seed 7                  # choose by chance what the run with this seed chose
  lf-testbed split.yaml --check                   # only look for errors
  sudo lf-testbed split.yaml --netns              # on network namespaces, with packets that get lost (Linux)`,
		Args: exactly(1, "one scenario"),
		RunE: func(cmd *cobra.Command, args []string) error { return t.run(cmd.Context(), args[0]) },
	}
	f := cmd.Flags()
	f.BoolVar(&t.check, "check", false, "look for errors in the scenario, and run nothing")
	f.BoolVar(&t.netns, "netns", false, "give each node a network namespace of its own (Linux, as root)")
	f.StringVar(&t.report, "report", "", "write the report into this `DIRECTORY` (default: a new one among the temporary files)")
	f.BoolVar(&t.keep, "keep", false, "keep the nodes' homes and logs, in the report's directory")
	f.BoolVar(&t.json, "json", false, "write the report to standard output, as JSON")
	f.BoolVarP(&t.quiet, "quiet", "q", false, "write errors only, and what was asked for")
	f.Uint64Var(&t.seed, "seed", 0, "choose what is chosen by chance by this number (default: another one each time)")
	f.StringVar(&t.bin, "bin", "", "run this program as the nodes (default: lf, next to this program or in the PATH)")
	cmd.Version = version
	cmd.SilenceErrors, cmd.SilenceUsage = true, true // run reports errors, in one line
	return cmd
}

func (t *runFlags) run(ctx context.Context, file string) error {
	scenario, err := testbed.Read(file)
	var found testbed.ScenarioErrors
	if errors.As(err, &found) {
		fmt.Fprintln(t.stderr, found.Error())
		return usage("%s has %s", file, text.Count(len(found), "error", "errors"))
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

func (t *runFlags) options(file string, routers bool) (o testbed.Options, err error) {
	o = testbed.Options{Bin: t.bin, Dir: t.report, Keep: t.keep, Seed: t.seed, Observer: t.observer()}
	if o.Self, err = os.Executable(); err != nil {
		return o, fmt.Errorf("find this program, which plays the hostile nodes: %w", err)
	}
	if o.Bin == "" {
		if o.Bin, err = findLF(o.Self); err != nil {
			return o, err
		}
	}
	if o.Fabric, err = t.fabric(routers); err != nil {
		return o, err
	}
	if o.Dir == "" {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		o.Dir, err = os.MkdirTemp("", "lf-testbed-"+notInFileNames.ReplaceAllString(name, "-")+"-*")
	}
	if err == nil {
		o.Dir, err = filepath.Abs(o.Dir)
	}
	return o, err
}

// fabric is what links the nodes.
func (t *runFlags) fabric(routers bool) (testbed.Fabric, error) {
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
func (t *runFlags) observer() testbed.Observer {
	f, isFile := t.stderr.(*os.File)
	switch {
	case t.quiet:
		return nil
	case isFile && term.IsTerminal(int(f.Fd())):
		return testbed.NewLive(t.stderr, t.size)
	}
	return testbed.NewLines(t.stderr)
}

// size is that of the terminal on standard error.
func (t *runFlags) size() (width, height int) {
	width, height = 80, 24
	if f, ok := t.stderr.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil { // file descriptors are small
			width, height = w, h
		}
	}
	return width, height
}

// tell shows the report. A failed run is an error.
func (t *runFlags) tell(report *testbed.Report, dir string) error {
	var err error
	switch {
	case t.json:
		e := json.NewEncoder(t.stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err = e.Encode(report)
	case !t.quiet:
		_, err = fmt.Fprintln(t.stdout, "\n"+strings.TrimSuffix(report.Table(), "\n"))
	}
	if err != nil {
		err = fmt.Errorf("write the output: %w", err)
	}
	t.note("the report is in %s: open %s", dir, filepath.Join(dir, "timeline.html"))
	if !report.Passed {
		return errors.Join(err, errors.New(report.Failure))
	}
	return err
}

// note tells the user something that is not the result itself.
func (t *runFlags) note(format string, args ...any) {
	if !t.quiet {
		fmt.Fprintln(t.stderr, "lf-testbed: "+text.Line(fmt.Sprintf(format, args...)))
	}
}

// notInFileNames are the characters of a scenario's name that are not safe in the name of a folder.
var notInFileNames = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// findLF looks for lf next to this program, and then in the PATH.
func findLF(self string) (string, error) {
	if file, err := exec.LookPath(filepath.Join(filepath.Dir(self), "lf")); err == nil {
		return file, nil
	}
	file, err := exec.LookPath("lf")
	if err != nil {
		return "", errors.New("lf, which runs as the nodes, is neither next to lf-testbed nor in the PATH: name it with --bin")
	}
	return file, nil
}
