// Command prose holds the texts of the tree, which are comments, help texts, messages and
// documents, to the rules that CONTRIBUTING.md states:
//
//	go run ./.ci/prose             lists what breaks a rule, and fails
//	go run ./.ci/prose -tighten    writes smaller numbers into the list of exceptions
//	go run ./.ci/prose -show FILE  lists what the exceptions of these files stand for
//
// The rules:
//
//   - A comment has at most 100 columns, where a tab counts 4.
//   - No text has a marker of our old dialect, such as "anew" for "again" (see markers.go).
//   - A sentence has at most 25 words. A package may have 2 longer ones in a thousand lines.
//
// exceptions.txt lists the files that broke the last two when the check was made. A file there has
// exactly as many findings as its line says. With more of them the check fails, and with fewer it
// asks for -tighten. So the list can only shrink.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const listFile = ".ci/prose/exceptions.txt"

func main() {
	tighten := flag.Bool("tighten", false, "write smaller numbers into the list of exceptions")
	show := flag.Bool("show", false, "list all findings of the files named, exceptions included")
	flag.Parse()
	if err := run(*tighten, *show, flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "prose:", err)
		os.Exit(1)
	}
}

func run(tighten, show bool, files []string, out io.Writer) error {
	if show {
		return showFiles(files, out)
	}
	tree, err := readTree(".")
	if err != nil {
		return err
	}
	allowed, err := readExceptions(listFile)
	if err != nil {
		return err
	}
	if tighten {
		return writeExceptions(listFile, tightened(tree, allowed))
	}
	faults := check(tree, allowed)
	for _, f := range faults {
		fmt.Fprintln(out, f)
	}
	if len(faults) > 0 {
		return fmt.Errorf("%d lines break the rules of the texts: see CONTRIBUTING.md", len(faults))
	}
	return nil
}

func showFiles(files []string, out io.Writer) error {
	for _, name := range files {
		f, err := readFile(".", filepath.Clean(name))
		if err != nil {
			return err
		}
		for _, kind := range []kind{wide, marker, long} {
			for _, found := range f.findings[kind] {
				fmt.Fprintln(out, found)
			}
		}
	}
	return nil
}
