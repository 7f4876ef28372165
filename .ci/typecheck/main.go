// Command typecheck checks the types of every package here, tests included, as another system's
// compiler would see them:
//
//	go run ./.ci/typecheck darwin/amd64 darwin/arm64
//
// go vet and go build cannot do that for a system whose C headers are not there: cgo wants to
// compile with them first. This program holds all Go code against each other, down to the standard
// library, with the files and build tags of the other system. Of C it takes this machine's types in
// our packages, which have the same sizes on all 64-bit systems, and anything in those of others.
// What it does not see: whether the C code compiles there, and whether it links.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// source is a package as go list tells it.
type source struct {
	ImportPath, Dir, ForTest string
	GoFiles, CgoFiles        []string
	Imports                  []string
	ImportMap                map[string]string // as written → as listed
	Module                   *struct {
		Main      bool
		GoVersion string
	}
	Error *struct{ Err string }
}

func (s *source) ours() bool { return s.Module != nil && s.Module.Main }

// generated reports whether it is what go test makes of a package's tests, of which there are no
// files yet.
func (s *source) generated() bool { return strings.HasSuffix(s.ImportPath, ".test") }

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: typecheck GOOS/GOARCH...")
		os.Exit(2)
	}
	failed := false
	for _, target := range os.Args[1:] {
		n, err := check(target)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", target, err)
			failed = true
			continue
		}
		fmt.Printf("%s: the types of %d packages are right\n", target, n)
	}
	if failed {
		os.Exit(1)
	}
}

// check checks all of ours for a target and returns how many packages that are.
func check(target string) (ours int, err error) {
	goos, goarch, ok := strings.Cut(target, "/")
	if !ok {
		return 0, errors.New("want GOOS/GOARCH, such as darwin/arm64")
	}
	sources, err := list(goos, goarch)
	if err != nil {
		return 0, err
	}
	c := &checker{fset: token.NewFileSet(), sizes: types.SizesFor("gc", goarch), done: map[string]*types.Package{"unsafe": types.Unsafe}}
	for _, s := range sources { // each after what it imports
		if s.generated() || s.ImportPath == "unsafe" {
			continue
		}
		if s.ours() {
			ours++
		}
		if err := c.add(s); err != nil {
			c.errs = append(c.errs, err)
		}
	}
	return ours, errors.Join(c.errs...)
}

// list asks for all packages that are compiled for a target, ours and all that they import.
func list(goos, goarch string) (sources []*source, err error) {
	cmd := exec.Command("go", "list", "-e", "-deps", "-test",
		"-json=ImportPath,Dir,ForTest,GoFiles,CgoFiles,Imports,ImportMap,Module,Error", "./...")
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		s := new(source)
		if err := d.Decode(s); errors.Is(err, io.EOF) {
			return sources, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if s.Error != nil {
			return nil, fmt.Errorf("%s: %s", s.ImportPath, s.Error.Err)
		}
		sources = append(sources, s)
	}
}

type checker struct {
	fset  *token.FileSet
	sizes types.Sizes
	done  map[string]*types.Package // as listed
	errs  []error
}

// add checks a package. Of foreign packages it looks at the declarations only, and ignores errors:
// what we use of them must be there all the same.
func (c *checker) add(s *source) error {
	files, err := c.parse(s)
	if err != nil {
		return err
	}
	config := types.Config{
		Importer:    importer{c, s.ImportMap},
		FakeImportC: true,
		Sizes:       c.sizes,
		Error: func(err error) {
			if s.ours() {
				c.errs = append(c.errs, err)
			}
		},
		IgnoreFuncBodies: !s.ours(),
	}
	if s.Module != nil && s.Module.GoVersion != "" {
		config.GoVersion = "go" + s.Module.GoVersion
	}
	path, _, _ := strings.Cut(s.ImportPath, " ") // "p [p.test]" is p with its tests
	c.done[s.ImportPath], _ = config.Check(path, c.fset, files, nil)
	return nil
}

func (c *checker) parse(s *source) (files []*ast.File, err error) {
	names := append(s.GoFiles, s.CgoFiles...)
	if s.ours() && len(s.CgoFiles) > 0 {
		translated, err := throughCgo(s)
		if err != nil {
			return nil, err
		}
		names = append(s.GoFiles, translated...)
	}
	for _, name := range names {
		if !filepath.IsAbs(name) {
			name = filepath.Join(s.Dir, name)
		}
		f, err := parser.ParseFile(c.fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// throughCgo returns the files that this machine's cgo makes of those that use C.
func throughCgo(s *source) (files []string, err error) {
	out, err := exec.Command("go", "list", "-compiled", "-f", `{{join .CompiledGoFiles "\n"}}`, s.Dir).Output()
	if err != nil {
		return nil, fmt.Errorf("cgo: %w", err)
	}
	for name := range strings.Lines(string(out)) {
		// in the build cache, not beside the sources
		if name = strings.TrimSuffix(name, "\n"); filepath.IsAbs(name) {
			files = append(files, name)
		}
	}
	return files, nil
}

// importer finds what a package imports among those that were checked before it.
type importer struct {
	*checker
	renamed map[string]string
}

// Import implements types.Importer.
func (i importer) Import(path string) (*types.Package, error) {
	if listed := i.renamed[path]; listed != "" {
		path = listed
	}
	if p := i.done[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s was not checked before", path)
}
