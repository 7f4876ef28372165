package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lf-store/lf"
)

// hint tells in one line that owners lost whose claims are not shown, and how to see them.
func (c *cli) hint(g *getFlags, answers []*lf.Answer) {
	if g.explain || g.history || c.json {
		return
	}
	contested, losers := 0, 0
	for _, a := range answers {
		if n := a.Claims - 1; n > 0 {
			contested, losers = contested+1, losers+n
		}
	}
	see := "see " + c.again("--explain")
	switch {
	case contested == 0:
	case len(answers) == 1 && losers == 1:
		c.note("1 other owner claims this: %s", see)
	case len(answers) == 1:
		c.note("%d other owners claim this: %s", losers, see)
	case contested == 1:
		c.note("1 of these %d has other claims too: %s", len(answers), see)
	default:
		c.note("%d of these %d have other claims too: %s", contested, len(answers), see)
	}
}

// again is the command line as the user gave it, with one more flag, and without --raw, which
// explains nothing.
func (c *cli) again(flag string) string {
	args := slices.DeleteFunc(slices.Clone(c.args), func(arg string) bool { return arg == "--raw" || strings.HasPrefix(arg, "--raw=") })
	end := slices.Index(args, "--")
	if end < 0 {
		end = len(args)
	}
	args = slices.Insert(args, end, flag)
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = quoted(arg)
	}
	return "lf " + strings.Join(words, " ")
}

var plainWord = regexp.MustCompile(`^[\pL\pN_@%+=:,./][\pL\pN_@%+=:,./#-]*$|^--?[\pL\pN_@%+=:,./#-]*$`)

// quoted writes a word so that a shell reads it as it is.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return fmt.Sprintf("'%s'", strings.ReplaceAll(word, "'", `'\''`))
}
