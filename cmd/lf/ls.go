package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

const namesHelp = `Records have names blinded, so that nobody can list them. But lf notes each name that is written from this home in the file
"names" of the home, in clear, readable by you alone. What is sealed with a masking key is never noted. lf names off deletes
the file, and ends the noting. A name that is not noted is no lost value: lf get finds it as before.`

// ls are the flags of lf ls.
type ls struct {
	owners []string
	trust  trusting
}

func (c *cli) lsCommand() *cobra.Command {
	var l ls
	cmd := &cobra.Command{
		Use:        "ls",
		SuggestFor: []string{"list", "keys"},
		Short:      "List the names that were written from this home, and what they answer now",
		Long: `List the names that were written from this home, and what they answer now. The names written last come first.

` + namesHelp,
		Example: `  lf ls
  lf ls --owner work
  lf ls --json`,
		Args: between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.listNames(cmd.Context(), &l) },
	}
	cmd.Flags().StringArrayVar(&l.owners, "owner", nil, "only what this owner wrote: a peer ID, or a name of lf owner list (repeatable)")
	c.completeOwnerFlag(cmd)
	c.addTrusting(cmd, &l.trust)
	return cmd
}

// jsonName is a name that was written, in JSON output. Programs rely on the names: add, never
// change.
type jsonName struct {
	Selectors []string         `json:"selectors"`
	Writer    protocol.Owner   `json:"writer"`
	Written   uint64           `json:"written"`
	State     string           `json:"state"`
	Answer    *jsonRevision    `json:"answer,omitempty"`
	Alive     *jsonAlive       `json:"alive,omitempty"`
	Damaged   *lf.DamagedError `json:"damaged,omitempty"`
}

// The states of a name that was written.
const (
	nameSet     = "set"
	nameOther   = "another owner" // another owner's value is the answer
	nameDeleted = "deleted"
	nameNothing = "nothing" // it was released, or its record never arrived
	nameSealed  = "sealed"
	nameDamaged = "damaged"
)

func (c *cli) listNames(ctx context.Context, l *ls) error {
	options, err := l.trust.options()
	if err != nil {
		return err
	}
	client, err := c.connect(ctx, reading)
	if err != nil {
		return err
	}
	defer client.Close()
	names, err := writtenNames(client, l.owners)
	if err != nil {
		return err
	}
	listed, err := namesNow(ctx, client, names, options)
	if err != nil {
		return err
	}
	switch {
	case c.json:
		return c.printJSON(listed)
	case len(listed) == 0:
		return c.noNames(client.Home())
	}
	return c.print(namesTable(listed))
}

// writtenNames are the names in the home that belong to the node's network.
func writtenNames(client *lf.Client, owners []string) ([]home.WrittenName, error) {
	if client.Home() == nil {
		return nil, lf.ErrNoHome
	}
	var only []protocol.Owner
	for _, text := range owners {
		owner, err := client.OwnerNamed(text)
		if err != nil {
			return nil, err
		}
		only = append(only, owner)
	}
	names, err := client.Home().Names().List()
	return slices.DeleteFunc(names, func(w home.WrittenName) bool {
		return w.Network != client.Network().ID() || (len(only) > 0 && !slices.Contains(only, w.Owner))
	}), err
}

// namesNow asks what the names answer now.
func namesNow(ctx context.Context, client *lf.Client, names []home.WrittenName, options []lf.ReadOption) ([]jsonName, error) {
	keys := make([]lf.Key, len(names))
	for i, w := range names {
		key, err := lf.ParsePoint(w.Key...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", client.Home().Names().Path(), err)
		}
		keys[i] = key
	}
	listed := make([]jsonName, 0, len(names))
	for now, err := range client.GetMany(ctx, keys, options...) {
		if err != nil {
			return nil, err
		}
		listed = append(listed, nameNow(names[len(listed)], now))
	}
	return listed, nil
}

// nameNow says what a name answers now.
func nameNow(w home.WrittenName, now lf.Lookup) jsonName {
	listed := jsonName{Selectors: w.Key, Writer: w.Owner, Written: w.At, State: nameSet}
	var damaged *lf.DamagedError
	switch {
	case errors.Is(now.Err, lf.ErrNotFound):
		listed.State = nameNothing
		return listed
	case errors.As(now.Err, &damaged):
		listed.State, listed.Damaged = nameDamaged, damaged
		return listed
	case errors.Is(now.Err, lf.ErrDeleted):
		listed.State = nameDeleted
	case errors.Is(now.Err, lf.ErrSealed):
		listed.State = nameSealed
	case now.Answer.Owner != w.Owner:
		listed.State = nameOther
	}
	revision := revisionJSON(&now.Answer.Version)
	listed.Answer, listed.Alive = &revision, aliveJSON(now.Answer.Alive)
	return listed
}

func (c *cli) noNames(h *home.Home) error {
	off, err := h.Names().Off()
	switch {
	case err != nil:
		return err
	case off:
		c.note("names are not noted in this home: lf names on has them noted from then on")
	default:
		c.note("nothing was written from this home yet, as far as is noted")
	}
	return nil
}

func namesTable(listed []jsonName) string {
	rows := [][]string{{"NAME", "STATE", "WRITER", "WRITTEN"}}
	alive := slices.ContainsFunc(listed, func(n jsonName) bool { return n.Alive != nil })
	if alive {
		rows[0] = append(rows[0], "ALIVE")
	}
	rows[0] = append(rows[0], "VALUE")
	for _, n := range listed {
		words := make([]string, len(n.Selectors))
		for i, s := range n.Selectors {
			words[i] = quoted(text.Printable(s))
		}
		value := ""
		if n.Answer != nil {
			switch {
			case n.Answer.Value != nil:
				value = shown([]byte(*n.Answer.Value))
			case n.Answer.ValueBase64 != nil:
				value = shown(n.Answer.ValueBase64)
			}
		}
		row := []string{strings.Join(words, " "), n.State, shortOwner(n.Writer), text.LocalTime(n.Written)}
		if alive {
			row = append(row, n.Alive.cell())
		}
		rows = append(rows, append(row, value))
	}
	return table(rows)
}
