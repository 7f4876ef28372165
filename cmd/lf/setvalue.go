package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// valueFlags say what value to set, where it is not the last argument.
type valueFlags struct {
	text, file string
	allowEmpty bool

	given func(flag string) bool
}

func (v *valueFlags) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&v.text, "value", "", "the value; then all arguments are names")
	f.StringVar(&v.file, "value-file", "", "read the value from this file (- for standard input); then all arguments are names")
	f.StringVar(&v.file, "file", "", "the same as --value-file")
	f.BoolVar(&v.allowEmpty, "allow-empty", false, "set an empty value, which is else taken for a mistake")
	mustComplete(f.MarkHidden("file")) // its name before there was --value
	v.given = f.Changed
}

// check refuses two values.
func (v *valueFlags) check() error {
	n := 0
	for _, flag := range []string{"value", "value-file", "file"} {
		if v.given(flag) {
			n++
		}
	}
	if n > 1 {
		return usage("--value and --value-file both say what to set: give one of them")
	}
	return nil
}

// byFlag reports whether a flag gives the value.
func (v *valueFlags) givenByFlag() bool {
	return v.given("value") || v.given("value-file") || v.given("file")
}

// plannedValue is what is about to be set.
type plannedValue struct {
	key   lf.Key
	value []byte
	// from names where the value was read, "" where the command line has it.
	from string
	// secret values are sealed with a masking key and not shown.
	secret bool
	// doubtful is why the last argument may not be meant as the value, "" where nothing speaks for
	// that.
	doubtful string
}

// plan tells names from value and reads the value.
func (c *cli) plan(args []string, v *valueFlags) (p plannedValue, err error) {
	names := args
	text, file := v.text, v.file
	if !v.givenByFlag() {
		names, text = args[:len(args)-1], args[len(args)-1]
		if text == "-" {
			file = "-"
		} else {
			p.doubtful = doubt(names, text)
		}
	}
	if p.key, err = lf.ParsePoint(names...); err != nil {
		return p, err
	}
	switch {
	case file == "-":
		p.from = "standard input"
		p.value, err = readValue(c.stdin, p.from)
	case v.givenByFlag() && !v.given("value"):
		p.from = file
		p.value, err = readValueFile(file)
	default:
		p.value = []byte(text)
	}
	if err == nil && len(p.value) == 0 && !v.allowEmpty {
		err = errEmpty(p.from)
	}
	return p, err
}

func errEmpty(from string) error {
	if from == "" {
		return usage("the value is empty (was a variable unset?): --allow-empty sets an empty value")
	}
	return fmt.Errorf("value from %s: it is empty: --allow-empty sets an empty value", from)
}

// likeSelector is what looks like a name with an ordinal.
var likeSelector = regexp.MustCompile(`^\S*#\d*$`)

// doubt says why the last argument may be no value: what was to be one argument was written as
// several, or left out. A text with white space in it was quoted, and so meant to be one.
func doubt(names []string, text string) string {
	switch {
	case len(names) > 1 && !strings.ContainsAny(text, " \t\n"):
		return fmt.Sprintf("the last of %d arguments is taken as the value", len(names)+1)
	case likeSelector.MatchString(text):
		return "the value looks like a name with an ordinal"
	}
	return ""
}

// String is what is about to be done, in one line. What came from elsewhere than the command line
// is not shown: it may be a secret, and this line may go to a log.
func (p *plannedValue) String() string {
	what := p.key.String()
	if n := len(p.key.Selectors()); n > 1 {
		what = fmt.Sprintf("the composite key of %d names, %s,", n, what)
	}
	size := text.Count(uint32(len(p.value)), "byte", "bytes") // at most protocol.MaxPlaintext
	switch {
	case p.from != "":
		return fmt.Sprintf("set %s to %s from %s", what, size, p.from)
	case len(p.value) == 0:
		return fmt.Sprintf("set %s to the empty value", what)
	case p.secret:
		return fmt.Sprintf("set %s to %s, sealed with the masking key", what, size)
	case !utf8.Valid(p.value):
		return fmt.Sprintf("set %s to %s that are no text", what, size)
	}
	return fmt.Sprintf("set %s to %s (%s)", what, strconv.Quote(text.Clip(string(p.value))), size)
}

// confirm asks on a terminal where what is about to be set may not be meant: what was published is
// there forever. It reports whether it has shown what that is.
func (c *cli) confirm(ctx context.Context, p *plannedValue) (shown bool, err error) {
	_, asks := terminal(c.stdin)
	_, sees := terminal(c.stderr)
	if p.doubtful == "" || !asks || !sees {
		return false, nil
	}
	fmt.Fprintf(c.stderr, "lf: %s\nlf: %s. Is that meant? (--value TEXT says so without a question) [y/N] ", text.Line(p.String()), p.doubtful)
	line, err := readLine(ctx, bufio.NewReader(c.stdin))
	if err != nil && ctx.Err() != nil {
		fmt.Fprintln(c.stderr)
		return true, err
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true, nil
	}
	if err != nil { // the end of the input: the cursor is still on the line of the question
		fmt.Fprintln(c.stderr)
	}
	return true, errors.New("nothing was set")
}

func readValueFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	defer f.Close()
	return readValue(f, name)
}

func readValue(r io.Reader, from string) ([]byte, error) {
	v, err := readAtMost(r, protocol.MaxPlaintext)
	if err != nil {
		return nil, fmt.Errorf("value from %s: %w", from, err)
	}
	return v, nil
}
