package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// part is something that is linked into the program.
type part struct {
	name, version string
	url           string // as package-url has it
	cpe           string // as lists of vulnerabilities name it, where they do not know the url
	sum           string // of a Go module, as go.sum has it
	licenses      []license
}

func (p part) component() cdx.Component {
	c := cdx.Component{BOMRef: p.url, Type: cdx.ComponentTypeLibrary, Name: p.name, Version: p.version, PackageURL: p.url, CPE: p.cpe}
	if p.sum != "" {
		c.Properties = &[]cdx.Property{{Name: "lf:go.sum", Value: p.sum}}
	}
	if licenses := spdx(p.licenses); len(licenses) > 0 {
		c.Licenses = &licenses
	}
	return c
}

const sqliteModule = "github.com/mattn/go-sqlite3"

// readParts lists what the program is linked of: Go modules as it says itself, Go's library, and
// the C code of SQLite and musl.
func readParts(program io.ReaderAt, o options) ([]part, error) {
	info, err := buildinfo.Read(program)
	if err != nil {
		return nil, err
	}
	folders, err := moduleFolders(o.module)
	if err != nil {
		return nil, err
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	goVersion := strings.TrimPrefix(info.GoVersion, "go")
	parts := []part{
		{name: "std", version: goVersion, url: "pkg:golang/std@" + goVersion, cpe: "cpe:2.3:a:golang:go:" + goVersion + ":*:*:*:*:*:*:*"},
		{name: "musl", version: o.musl, url: "pkg:deb/debian/musl@" + o.musl, licenses: readLicenses("/usr/share/doc/musl-dev", "copyright")},
	}
	for i := range parts[1].licenses { // whose file has those of the package's own scripts, too
		parts[1].licenses[i].ids = []string{"MIT"}
	}
	parts[0].licenses = readLicenses(strings.TrimSpace(string(root)), "LICENSE")
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		p := part{name: m.Path, version: m.Version, url: "pkg:golang/" + m.Path + "@" + m.Version, sum: m.Sum}
		p.licenses = readLicenses(folders[m.Path], "*")
		parts = append(parts, p)
		if m.Path == sqliteModule {
			sqlite, err := sqlitePart(folders[m.Path])
			if err != nil {
				return nil, err
			}
			parts = append(parts, sqlite)
		}
	}
	for _, p := range parts {
		if len(p.licenses) == 0 {
			return nil, fmt.Errorf("%s has no license, so it must not be passed on", p.name)
		}
	}
	return parts, nil
}

// moduleFolders are those in which the modules are that a module needs, by their paths.
func moduleFolders(module string) (map[string]string, error) {
	list := exec.Command("go", "list", "-m", "-json", "all")
	list.Dir = module
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m: %w", err)
	}
	folders := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct {
			Path, Dir string
			Replace   *struct{ Path string }
		}
		if err := d.Decode(&m); err == io.EOF {
			return folders, nil
		} else if err != nil {
			return nil, err
		}
		folders[m.Path] = m.Dir
		if m.Replace != nil {
			folders[m.Replace.Path] = m.Dir
		}
	}
}

const publicDomain = "The authors of SQLite disclaim copyright to its source code (sqlite.org/copyright.html).\n"

var sqliteVersion = regexp.MustCompile(`#define SQLITE_VERSION\s+"([\d.]+)"`)

// sqlitePart is SQLite itself, whose source a Go module carries along.
func sqlitePart(folder string) (part, error) {
	header, err := os.ReadFile(filepath.Join(folder, "sqlite3-binding.h"))
	if err != nil {
		return part{}, err
	}
	m := sqliteVersion.FindSubmatch(header)
	if m == nil {
		return part{}, fmt.Errorf("%s: its SQLite says no version", folder)
	}
	version := string(m[1])
	return part{
		name: "sqlite", version: version, url: "pkg:generic/sqlite@" + version,
		cpe:      "cpe:2.3:a:sqlite:sqlite:" + version + ":*:*:*:*:*:*:*",
		licenses: []license{{file: "sqlite3.h", ids: []string{"blessing"}, text: publicDomain}},
	}, nil
}
