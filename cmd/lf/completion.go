package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/protocol"
)

func (c *cli) completionCommand() *cobra.Command {
	generate := map[string]func(root *cobra.Command) error{
		"bash":       func(root *cobra.Command) error { return root.GenBashCompletionV2(c.stdout, true) },
		"zsh":        func(root *cobra.Command) error { return root.GenZshCompletion(c.stdout) },
		"fish":       func(root *cobra.Command) error { return root.GenFishCompletion(c.stdout, true) },
		"powershell": func(root *cobra.Command) error { return root.GenPowerShellCompletionWithDesc(c.stdout) },
	}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script that completes lf's commands in a shell",
		Long: `Print a script that completes lf's commands and flags, and the names of owners, in a shell. The one for bash needs the
package bash-completion.`,
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Example: `  source <(lf completion bash)                                     # in this shell
  lf completion bash > ~/.local/share/bash-completion/completions/lf   # for good
  lf completion zsh > "${fpath[1]}/_lf"
  lf completion fish > ~/.config/fish/completions/lf.fish`,
		Args: between(1, 1, "one of bash, zsh, fish and powershell"),
		RunE: func(cmd *cobra.Command, args []string) error {
			script, ok := generate[args[0]]
			if !ok {
				return usage("no completion for %q: want bash, zsh, fish or powershell", args[0])
			}
			return outputError(script(cmd.Root()))
		},
	}
}

// completeOwnerFlag completes the names after --owner.
func (c *cli) completeOwnerFlag(cmd *cobra.Command) { mustRegister(cmd, "owner", c.completeOwners) }

// mustRegister sets what completes a flag.
func mustRegister(cmd *cobra.Command, flag string, complete cobra.CompletionFunc) {
	mustComplete(cmd.RegisterFlagCompletionFunc(flag, complete))
}

func mustComplete(err error) {
	if err != nil {
		panic(err) // the flag is there
	}
}

// completeOwners completes the names of the owners in the home.
func (c *cli) completeOwners(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	h, err := c.openHome()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, err := h.Owners().Names()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completePolicy completes the last criterion of a list with those that are not in it yet.
func completePolicy(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndexByte(typed, ',')+1]
	chosen := strings.Split(before, ",")
	var lists []string
	for _, criterion := range protocol.Criteria() {
		if !slices.Contains(chosen, string(criterion)) {
			lists = append(lists, before+string(criterion))
		}
	}
	return lists, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeOracles completes the peer IDs of the oracles elected in the home.
func (c *cli) completeOracles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	h, err := c.openHome()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	t, err := h.Trust()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	texts := make([]string, len(t.Oracles))
	for i, oracle := range t.Oracles {
		texts[i] = oracle.String()
	}
	return texts, cobra.ShellCompDirectiveNoFileComp
}
