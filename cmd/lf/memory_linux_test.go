package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

// residentMemory is how much memory a process has, in bytes; 0: not known.
func residentMemory(pid int) (bytes uint64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, resident uint64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0
	}
	return resident * uint64(os.Getpagesize())
}

// searchMemory tells which of some texts are in a process's memory, as in a core dump of it.
func searchMemory(pid int, texts map[string][]byte) (found map[string]bool, err error) {
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, err
	}
	defer maps.Close()
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return nil, err
	}
	defer memory.Close()
	found = map[string]bool{}
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to int64
		var rights string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &rights); err != nil || !strings.HasPrefix(rights, "rw") {
			continue
		}
		search(io.NewSectionReader(memory, from, to-from), texts, found)
	}
	return found, nil
}
