package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

// The exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNotFound = 3
)

// usageError says that the command line is wrong.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// notFoundError says that there is nothing to answer or to delete: an outcome rather than a
// failure.
type notFoundError struct{ text string }

func (e *notFoundError) Error() string { return e.text }

func notFound(format string, args ...any) error { return &notFoundError{fmt.Sprintf(format, args...)} }

// exit reports how a command ended, in one line, and returns the exit code.
func (c *cli) exit(ctx context.Context, err error) int {
	code := exitFailed
	var wrong *usageError
	var input *lf.InputError
	var nothing *notFoundError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &wrong), errors.As(err, &input):
		code = exitUsage
	case errors.As(err, &nothing), errors.Is(err, lf.ErrNotFound), errors.Is(err, lf.ErrDeleted):
		code = exitNotFound
	}
	if code != exitNotFound || !c.quiet {
		fmt.Fprintf(c.stderr, "lf: %s\n", text.Line(explain(ctx, err)))
	}
	return code
}

// explain says what went wrong and, where that is not plain from the error itself, what to do.
func explain(ctx context.Context, err error) string {
	var unreachable *api.UnreachableError
	var late *api.TimeoutError
	switch {
	case ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx))):
		return "interrupted"
	case errors.As(err, &late):
		return fmt.Sprintf("%v: it is starting, which its log says, or it hangs (--timeout waits longer)", err)
	case errors.As(err, &unreachable) && noListener(err):
		return fmt.Sprintf("no node answers at %s: start one with lf node, or say where one is with --home or --api", unreachable.URL)
	}
	return explainClient(err)
}

// explainClient says which flag or command helps where the client library cannot know.
func explainClient(err error) string {
	var token *lf.TokenError
	var network *lf.NetworkError
	var ahead *lf.AheadError
	var uncertified *lf.UncertifiedError
	var late *lf.NotSyncedError
	switch {
	case errors.As(err, &token) && token.Home != "":
		return fmt.Sprintf("no node has ever run in %s: start one with lf node, or say where one is with --home or --api", token.Home)
	case errors.As(err, &token):
		return fmt.Sprintf("writing through %s needs that node's token (its file api.token): name it with --token-file or LF_TOKEN, "+
			"or use the socket in the node's home (--home, or --api unix:PATH)", token.Node)
	case errors.As(err, &network):
		return fmt.Sprintf("%v (--home, --api)", err)
	case errors.As(err, &ahead):
		return fmt.Sprintf("%v (--owner)", err)
	case errors.As(err, &uncertified):
		return fmt.Sprintf("network %q takes records of certified owners only, and %q has no valid certificate: make a request with lf owner csr %s "+
			"and have the holder of the network's CA authorize it (see lf owner status)", uncertified.Network, uncertified.Name, uncertified.Name)
	case errors.As(err, &late):
		return notSyncedText(late)
	case errors.Is(err, lf.ErrNoHome):
		return fmt.Sprintf("%v: give one with --home", err)
	}
	return err.Error()
}

// noListener reports whether an error says that no process listens on a socket or port, or that
// there is no socket.
func noListener(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT)
}

// between takes min to max arguments (max < 0: any number); what says what is wanted, for the
// error.
func between(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || (most >= 0 && len(args) > most) {
			return usage("%s wants %s (see %s --help)", cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}

// subcommandOnly is for commands that do nothing without one of their subcommands.
func subcommandOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	cmd.SuggestionsMinimumDistance = 2 // letters that may be wrong
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		nearest := slices.MinFunc(near, func(a, b string) int {
			return cmp.Compare(wordDistance(cmd, args[0], a), wordDistance(cmd, args[0], b))
		})
		hint = fmt.Sprintf(", did you mean %q?", nearest)
	}
	return usage("%s has no command %q%s (see %s --help)", cmd.CommandPath(), args[0], hint, cmd.CommandPath())
}

// wordDistance is how far a subcommand is from what was typed. The start of its name and its other
// names (SuggestFor) are nearest.
func wordDistance(cmd *cobra.Command, typed, name string) int {
	for _, sub := range cmd.Commands() {
		if sub.Name() == name && (strings.HasPrefix(name, typed) || slices.Contains(sub.SuggestFor, typed)) {
			return 0
		}
	}
	return text.Distance(typed, name)
}
