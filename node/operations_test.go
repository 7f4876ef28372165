package node

import (
	"os"
	"strings"
	"testing"

	"github.com/lf-store/lf/node/api"
)

// TestOperationsDocument holds docs/operations.md against where the API listens.
func TestOperationsDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	want := "| " + api.DefaultAddress[strings.LastIndexByte(api.DefaultAddress, ':')+1:] + " TCP | the API, on 127.0.0.1 |"
	if !strings.Contains(string(text), want) {
		t.Errorf("docs/operations.md lacks %q", want)
	}
}
