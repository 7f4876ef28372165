package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

const selectorHelp = `NAME#ORD is a name with an ordinal (0 to 2^63-1), NAME alone means ordinal 0. A hash that belongs to a name is
written \#, a backslash \\. Several names make a composite key. Their order does not matter for finding it, but values are
sealed with the first one, and can be read with that name.`

func (c *cli) setCommand() *cobra.Command {
	var a authoring
	var v valueFlags
	cmd := &cobra.Command{
		Use:        "set NAME[#ORD]... VALUE",
		SuggestFor: []string{"put", "write", "store"},
		Short:      "Set a value under one or more names",
		Long: `Set a value under one or more names. Names, keys and the value stay on this computer: lf blinds, seals, signs and
works here, and gives the node a finished record. The record's CID is printed when the node has it on disk.
Before the work, standard error shows what will be set.

` + selectorHelp + `

VALUE is the last argument, so quote what has spaces in it. On a terminal lf asks back if that may be a mistake: several names and
a single word, or a value that looks like a name with an ordinal. With --value or --value-file all arguments are names, and lf
asks nothing. An empty value is an error without --allow-empty, since unset variables and failed commands leave one.

VALUE is taken byte for byte; - reads it from standard input. Write -- before a value that begins with a dash. Values are
compressed and sealed (29 bytes more). The network limits their size then (lf network show), usually to 4096 bytes.`,
		Example: `  lf set horse 'Bad Horse, Bad Horse'
  lf set bad horse#2 'He rides across the nation'
  lf set bad horse#2 --value "$TEXT"
  lf set 'issue \#7' 'a name with a hash in it'
  lf set keys alice --value-file alice.asc
  sha256sum release.tar.gz | lf set release.tar.gz -
  lf set temperature -- -5
  LF_MASK=secret lf set horse 'only for those who know the masking key'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if v.givenByFlag() {
				return between(1, -1, "at least one NAME beside --value or --value-file")(cmd, args)
			}
			return between(2, -1, "at least one NAME and a VALUE")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.set(cmd.Context(), &a, &v, args) },
	}
	c.addAuthoring(cmd, &a)
	a.mask.addFlags(cmd)
	v.addFlags(cmd)
	return cmd
}

func (c *cli) set(ctx context.Context, a *authoring, v *valueFlags, args []string) error {
	if err := a.check(); err != nil {
		return err
	}
	if err := v.check(); err != nil {
		return err
	}
	p, err := c.plan(args, v)
	if err != nil {
		return err
	}
	p.secret = a.mask.given()
	shown, err := c.confirm(ctx, &p)
	if err != nil {
		return err
	}
	say := statement{kind: protocol.TypeDatum, selectors: p.selectors, value: p.value}
	if !shown {
		say.note = p.String()
	}
	return c.author(ctx, a, say)
}

// author makes one record and prints its CID. A record without a value takes something back, and
// fails where the owner has nothing.
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
	names, err := s.home.Owners().Names()
	if err == nil && len(names) == 0 {
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
