package main

import (
	"os"
	"strings"
	"testing"
)

// TestCookbook runs what docs/cookbook.md shows, on other ports.
func TestCookbook(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"curl", "dig", "openssl", "ssh-keygen"} {
		findTool(t, tool)
	}
	text, err := os.ReadFile("../../docs/cookbook.md")
	if err != nil {
		t.Fatal(err)
	}
	ports := freePorts(t, 2)
	tryText(t, strings.NewReplacer("5353", ports[0], "8443", ports[1]).Replace(string(text)), 50)
}
