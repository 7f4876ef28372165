package node

import (
	"os"
	"strings"
	"testing"
)

// TestOperationsDocument holds docs/operations.md against where the API listens.
func TestOperationsDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	want := "| " + DefaultAPI[strings.LastIndexByte(DefaultAPI, ':')+1:] + " TCP | the API, on 127.0.0.1 |"
	if !strings.Contains(string(text), want) {
		t.Errorf("docs/operations.md lacks %q", want)
	}
}
