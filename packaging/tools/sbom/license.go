package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/licensecheck"
)

// license is a file that says how something may be used.
type license struct {
	file, text string
	ids        []string // as SPDX names them, none for a text that is not recognized
}

// licenseFile are the names of such files.
var licenseFile = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying|copyright|notice)([-._].*)?$`)

// recognized is the share of a text in percent above which it is a license that we know.
const recognized = 75

// readLicenses reads the licenses in a folder whose names match a pattern of package path.
func readLicenses(folder, pattern string) (found []license) {
	files, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || folder == "" {
		return nil
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if name := filepath.Base(file); err == nil && licenseFile.MatchString(name) {
			found = append(found, license{name, string(text), identify(text)})
		}
	}
	return found
}

// identify names the licenses of a text that has little else.
func identify(text []byte) (ids []string) {
	cover := licensecheck.Scan(text)
	if cover.Percent < recognized {
		return nil
	}
	for _, match := range cover.Match {
		if !match.IsURL {
			ids = append(ids, match.ID)
		}
	}
	return ids
}

// spdx lists licenses as a bill of materials has them, each once.
func spdx(licenses []license) (list cdx.Licenses) {
	var listed []string
	for _, l := range licenses {
		for _, id := range l.ids {
			if !slices.Contains(listed, id) {
				listed = append(listed, id)
				list = append(list, cdx.LicenseChoice{License: &cdx.License{ID: id}})
			}
		}
	}
	return list
}

// licenseTexts puts all licenses into one text. One that several parts share word by word stands
// there once.
func licenseTexts(parts []part) string {
	var order []string
	sharedBy := map[string][]string{}
	for _, p := range parts {
		for _, l := range p.licenses {
			if sharedBy[l.text] == nil {
				order = append(order, l.text)
			}
			sharedBy[l.text] = append(sharedBy[l.text], fmt.Sprintf("%s %s (%s)", p.name, p.version, l.file))
		}
	}
	var b strings.Builder
	b.WriteString("\nThe program also contains what follows, each with its own license.\n")
	for _, text := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("-", 80), strings.Join(sharedBy[text], "\n"), strings.TrimSpace(text))
	}
	return b.String()
}
