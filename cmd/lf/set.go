package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

const selectorHelp = `NAME#ORD is a name with an ordinal (0 to 2^63-1), NAME alone means ordinal 0. A hash that belongs to a name is
written \#, a backslash \\. Several names make a composite key; the order of names does not matter for finding it,
but the first is the one that values are sealed with: who knows it can read them.`

func (c *cli) setCommand() *cobra.Command {
	var a authoring
	var file string
	cmd := &cobra.Command{
		Use:   "set NAME[#ORD]... VALUE",
		Short: "Set a value under one or more names",
		Long: `Set a value under one or more names. Names, keys and the value stay on this computer: it blinds, seals, signs and
does the proof of work here and gives the node a finished record. The record's CID is printed when the node has it on disk.

` + selectorHelp + `

VALUE is taken byte for byte; - reads it from standard input. Write -- before a value that begins with a dash.`,
		Example: `  lf set horse 'Bad Horse, Bad Horse'
  lf set bad horse#2 'He rides across the nation'
  lf set 'issue \#7' 'a name with a hash in it'
  lf set keys alice --file alice.asc
  sha256sum release.tar.gz | lf set release.tar.gz -
  lf set temperature -- -5
  LF_MASK=secret lf set horse 'only for those who know the masking key'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("file") {
				return between(1, -1, "at least one NAME beside --file")(cmd, args)
			}
			return between(2, -1, "at least one NAME and a VALUE")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			names, text := args, ""
			if !cmd.Flags().Changed("file") {
				names, text = args[:len(args)-1], args[len(args)-1]
			}
			return c.set(cmd.Context(), &a, names, func() ([]byte, error) { return c.value(text, file) })
		},
	}
	c.addAuthoring(cmd, &a)
	a.mask.addFlags(cmd)
	cmd.Flags().StringVar(&file, "file", "", "read the value from this file")
	return cmd
}

func (c *cli) set(ctx context.Context, a *authoring, names []string, value func() ([]byte, error)) error {
	selectors, err := parsePoints(names)
	if err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return err
	}
	v, err := value()
	if err != nil {
		return err
	}
	return c.author(ctx, a, statement{kind: protocol.TypeDatum, selectors: selectors, value: v})
}

// author makes one record and prints its CID. A record without a value takes something back, and fails where the owner
// has nothing.
func (c *cli) author(ctx context.Context, a *authoring, say statement) error {
	return a.within(ctx, func(ctx context.Context) error {
		s, err := c.connect(ctx, writing)
		if err != nil {
			return err
		}
		defer s.close()
		if say.value == nil {
			if err := s.someOwner(); err != nil {
				return err
			}
		}
		author, err := c.newAuthor(s, a)
		if err != nil {
			return err
		}
		previous, err := author.previous(ctx, say.selectors)
		switch {
		case err != nil:
			return err
		case previous != nil:
			say.after = previous.Timestamp
		case say.value == nil:
			return notFound("owner %q has nothing under %s", author.key.Name, written(say.selectors))
		}
		done, err := author.write(ctx, say, a.threads)
		if err != nil {
			return err
		}
		return c.printSubmitted(done)
	})
}

// someOwner makes sure that taking back does not begin with making an owner.
func (s *session) someOwner() error {
	keys, err := s.home.Owners().List()
	if err == nil && len(keys) == 0 {
		err = notFound("no owners yet, so nothing was set from here")
	}
	return err
}

func (c *cli) printSubmitted(done *api.Submitted) error {
	if c.json {
		return c.printJSON(done)
	}
	if done.State != "attached" {
		c.note("the record is %s: the node keeps it and answers with it later", done.State)
	}
	if c.quiet {
		return nil
	}
	return c.printf("%s\n", done.ID)
}

// value reads the value to set: from a file, from standard input for "-", or as it stands.
func (c *cli) value(text, file string) ([]byte, error) {
	switch {
	case file != "":
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("value: %w", err)
		}
		defer f.Close()
		return readValue(f, file)
	case text == "-":
		return readValue(c.stdin, "standard input")
	}
	return []byte(text), nil
}

func readValue(r io.Reader, from string) ([]byte, error) {
	v, err := readAtMost(r, protocol.MaxPlaintext)
	if err != nil {
		return nil, fmt.Errorf("value from %s: %w", from, err)
	}
	return v, nil
}
