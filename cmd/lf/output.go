package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// printJSON writes one JSON document, indented, and a newline.
func (c *cli) printJSON(v any) error {
	e := json.NewEncoder(c.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return outputError(e.Encode(v))
}

func (c *cli) print(text string) error {
	_, err := io.WriteString(c.stdout, text)
	return outputError(err)
}

func (c *cli) printf(format string, args ...any) error { return c.print(fmt.Sprintf(format, args...)) }

// outputError says of an error that it came from writing the output.
func outputError(err error) error {
	if err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// writeOut writes a new file, or to standard output where none is named.
func (c *cli) writeOut(name string, text []byte, mode os.FileMode) error {
	if name == "" || name == "-" {
		return c.print(string(text))
	}
	return createFile(name, text, mode)
}

// field is one line of a two-column listing.
type field struct{ name, value string }

// printFields writes a listing; fields without a value are left out.
func (c *cli) printFields(fields []field) error {
	var rows [][]string
	for _, f := range fields {
		if f.value != "" {
			rows = append(rows, []string{f.name, text.Printable(f.value)})
		}
	}
	return c.print(table(rows))
}

// terminal returns the width of the terminal that a stream is, false when it is none.
func terminal(stream any) (width int, ok bool) {
	f, isFile := stream.(interface{ Fd() uintptr })
	if !isFile || !term.IsTerminal(int(f.Fd())) { // file descriptors are small
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd())) // file descriptors are small
	if err != nil || width <= 0 {
		width = 80
	}
	return width, true
}

// interactive reports whether progress may be drawn on standard error.
func (c *cli) interactive() bool {
	_, ok := terminal(c.stderr)
	return ok && !c.quiet
}

// shortOwner is enough of an owner to tell a few apart; their text forms all begin alike.
func shortOwner(o protocol.Owner) string {
	s := o.String()
	return "…" + s[len(s)-8:]
}
