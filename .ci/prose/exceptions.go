package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// longPerThousand is how many long sentences a package may have in a thousand lines.
const longPerThousand = 2

// exceptions are how many findings of a kind a file may have.
type exceptions map[string]map[kind]int

// listed are the kinds that the list may have; wide comments have no exceptions.
var listed = []kind{marker, long}

// readExceptions reads the list. Where there is none yet, it is nil.
func readExceptions(name string) (exceptions, error) {
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := exceptions{}
	for i, l := range strings.Split(string(raw), "\n") {
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		var file string
		var k kind
		var n int
		if _, err := fmt.Sscanf(l, "%s %s %d", &file, &k, &n); err != nil || n < 1 || !slices.Contains(listed, k) {
			return nil, fmt.Errorf("%s:%d: want FILE marker|long NUMBER", name, i+1)
		}
		all.set(file, k, n)
	}
	return all, nil
}

func (e exceptions) set(file string, k kind, n int) {
	if e[file] == nil {
		e[file] = map[kind]int{}
	}
	e[file][k] = n
}

// writeExceptions writes the list, sorted.
func writeExceptions(name string, all exceptions) error {
	var rows []string
	for file, kinds := range all {
		for k, n := range kinds {
			rows = append(rows, fmt.Sprintf("%s %s %d\n", file, k, n))
		}
	}
	slices.Sort(rows)
	head := "# What is not yet as the check of the texts wants it: file, rule, number. It may only shrink:\n" +
		"# go run ./.ci/prose -tighten\n"
	return os.WriteFile(name, []byte(head+strings.Join(rows, "")), 0o644)
}

// tightened is the list with the numbers that are now true, where they are smaller. Without a list
// (nil) all that there is becomes an exception. A package that keeps to its limit needs none for
// long sentences.
func tightened(tree []*file, allowed exceptions) exceptions {
	lines, longs := map[string]int{}, map[string]int{}
	for _, f := range tree {
		lines[path.Dir(f.name)] += f.lines
		longs[path.Dir(f.name)] += len(f.findings[long])
	}
	out := exceptions{}
	for _, f := range tree {
		for _, k := range listed {
			n := len(f.findings[k])
			if allowed != nil {
				n = min(n, allowed[f.name][k])
			}
			if dir := path.Dir(f.name); n > 0 && (k != long || longs[dir] > mostLong(lines[dir])) {
				out.set(f.name, k, n)
			}
		}
	}
	return out
}

// mostLong is how many long sentences a package of some lines may have.
func mostLong(lines int) int { return lines * longPerThousand / 1000 }

// check lists what breaks a rule and is no exception, and which exceptions are too large.
func check(tree []*file, allowed exceptions) (faults []string) {
	lines, longs := map[string]int{}, map[string][]finding{}
	known := map[string]bool{}
	for _, f := range tree {
		known[f.name] = true
		lines[path.Dir(f.name)] += f.lines
		for _, found := range f.findings[wide] {
			faults = append(faults, found.String())
		}
		for _, k := range listed {
			found, may := f.findings[k], allowed[f.name][k]
			switch {
			case len(found) < may:
				faults = append(faults, fmt.Sprintf("%s: %s has %q %d, and the file has %d: go run ./.ci/prose -tighten", f.name, listFile, k, may, len(found)))
			case may > 0 && len(found) > may:
				faults = append(faults, fmt.Sprintf("%s: %d findings of the kind %q, and %s allows %d:", f.name, len(found), k, listFile, may))
				faults = appendAll(faults, found)
			case may > 0:
			case k == long:
				longs[path.Dir(f.name)] = append(longs[path.Dir(f.name)], found...)
			default:
				faults = appendAll(faults, found)
			}
		}
	}
	for _, dir := range sortedKeys(longs) {
		if most := mostLong(lines[dir]); len(longs[dir]) > most {
			faults = append(faults, fmt.Sprintf("%s: %d long sentences in %d lines, at most %d:", dir, len(longs[dir]), lines[dir], most))
			faults = appendAll(faults, longs[dir])
		}
	}
	for _, name := range sortedKeys(allowed) {
		if !known[name] {
			faults = append(faults, fmt.Sprintf("%s: %s names it, and there is no such file: go run ./.ci/prose -tighten", name, listFile))
		}
	}
	return faults
}

func appendAll(faults []string, found []finding) []string {
	for _, f := range found {
		faults = append(faults, f.String())
	}
	return faults
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
