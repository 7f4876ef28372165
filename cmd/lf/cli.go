package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
)

// cli is one invocation: its streams and the flags that every command has.
type cli struct {
	args           []string // as given
	stdin          io.Reader
	stdout, stderr io.Writer

	homeDir, apiURL string
	tokenFile       string
	timeout         time.Duration // of an answer of the node's
	json, quiet     bool
}

// The groups in the help text.
const (
	groupNode    = "node"
	groupRecords = "records"
	groupAdmin   = "admin"
)

func (c *cli) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "lf",
		Short: "A decentralized, replicated key/value store for small facts that change rarely",
		Long: `LF ("aleph") is a decentralized, fully replicated key/value store for small facts that change rarely:
keys, certificates, names, addresses, identity. Every node holds everything, and anyone may run one.`,
		Example: `  lf node --dev                                    # a node to play with (it says which LF_HOME to set)
  lf set bad horse#2 'He rides across the nation'  # the composite key of two names
  lf get bad horse#                                # every ordinal of "horse", together with "bad"

Exit codes: 0 found or done, 1 failed, 2 wrong usage, 3 not found or deleted.`,
		Args:          subcommandOnly,
		RunE:          help,
		Version:       version,
		SilenceErrors: true, // exit reports them, in one line
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("lf {{.Version}}\n")
	root.SetIn(c.stdin)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		hint := ""
		if strings.HasPrefix(err.Error(), "unknown shorthand flag") && strings.Contains(cmd.Use, "NAME") {
			hint = "; write -- before a name or value that begins with a dash"
		}
		return usage("%v%s (see %s --help)", err, hint, cmd.CommandPath())
	})
	c.addGlobalFlags(root)
	c.addCommands(root)
	return root
}

// helpCommand is cobra's, but for a topic that is not there: that is wrong usage.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usage("lf has no command %q (see lf --help)", strings.Join(args, " "))
			}
			topic.InitDefaultHelpFlag()
			return topic.Help()
		},
	}
}

func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

func (c *cli) addGlobalFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&c.homeDir, "home", "", "directory of the node's and the owners' keys (LF_HOME; default ~/.lf)")
	f.StringVar(&c.apiURL, "api", "", "the node's API, http://HOST:PORT or unix:PATH (LF_API; default: the socket in the home, else "+"http://"+api.DefaultAddress+")")
	f.StringVar(&c.tokenFile, "token-file", "", "file with the node's token, which writing over HTTP needs (LF_TOKEN: the token itself)")
	f.DurationVar(&c.timeout, "timeout", api.DefaultReadTimeout, "how long to wait for an answer of the node")
	f.BoolVar(&c.json, "json", false, "write JSON")
	f.BoolVarP(&c.quiet, "quiet", "q", false, "write errors only, and what was asked for")
}

func (c *cli) addCommands(root *cobra.Command) {
	root.AddGroup(
		&cobra.Group{ID: groupRecords, Title: "Reading and writing:"},
		&cobra.Group{ID: groupNode, Title: "Nodes:"},
		&cobra.Group{ID: groupAdmin, Title: "Keys and networks:"},
	)
	root.SetHelpCommand(helpCommand())
	add := func(group string, commands ...*cobra.Command) {
		for _, cmd := range commands {
			cmd.GroupID = group
			root.AddCommand(cmd)
		}
	}
	add(groupRecords, c.getCommand(), c.watchCommand(), c.setCommand(), c.deleteCommand(), c.releaseCommand(), c.pulseCommand(), c.loadCommand(), c.lsCommand(), c.namesCommand(), c.showCommand(), c.exportCommand(), c.importCommand(), c.dnsCommand(), c.sshCommand())
	add(groupNode, c.nodeCommand(), c.proxyCommand(), c.statusCommand(), c.peersCommand(), c.connectCommand(), c.disconnectCommand(), c.seedsCommand(), c.doctorCommand(), c.uiCommand(), c.checkCommand(), c.backupCommand(), c.restoreCommand(), c.benchCommand())
	add(groupAdmin, c.ownerCommand(), c.oracleCommand(), c.tokenCommand(), c.networkCommand())
	root.AddCommand(c.versionCommand(), c.completionCommand(), c.testbedCommand(), c.manCommand(), policyTopic())
}

// namedHome is the home directory that the user named, with --home or LF_HOME; "" for none.
func (c *cli) namedHome() string {
	if c.homeDir != "" {
		return c.homeDir
	}
	return os.Getenv("LF_HOME")
}

// openHome opens the home that the user named, else ~/.lf. It need not be there yet.
func (c *cli) openHome() (*home.Home, error) {
	if dir := c.namedHome(); dir != "" {
		return home.Open(dir)
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return nil, fmt.Errorf("no home directory (%w): give one with --home", err)
	}
	return home.Open(filepath.Join(user, ".lf"))
}

// existingHome opens the home for a command that makes none: one that the user named must be there.
func (c *cli) existingHome() (*home.Home, error) {
	h, err := c.openHome()
	if err == nil && c.namedHome() != "" {
		err = h.Exists()
	}
	return h, err
}

// homeBeside is the home of a command that reads. With --api the node is known: the home need not
// be there, and is nil where the user has no home directory at all.
func (c *cli) homeBeside() (*home.Home, error) {
	if c.givenAPI() == "" {
		return c.existingHome()
	}
	h, err := c.openHome()
	if err != nil && c.namedHome() == "" {
		return nil, nil
	}
	return h, err
}

// note tells the user something on standard error, in a line.
func (c *cli) note(format string, args ...any) {
	if !c.quiet {
		fmt.Fprintln(c.stderr, "lf: "+text.Line(fmt.Sprintf(format, args...)))
	}
}

// clock is the wall clock in milliseconds, as records have it.
func clock() uint64 { return uint64(time.Now().UnixMilli()) } // after 1970
