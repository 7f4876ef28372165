// Package vectortest reads the test vectors of SPEC.md (protocol/testdata), and writes them again
// where tests are run with -update.
package vectortest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/protocol"
)

var update = flag.Bool("update", false, "write the vectors in protocol/testdata again")

// Path is where a file of vectors is.
func Path(t testing.TB, name string) string {
	t.Helper()
	at, err := os.Getwd()
	for ; err == nil; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			break
		}
	}
	return filepath.Join(at, "protocol", "testdata", name)
}

// Read reads a file of vectors.
func Read(t testing.TB, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(Path(t, name))
	if err == nil {
		err = strictjson.Unmarshal(raw, into, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Network is a network of the vectors.
func Network(t testing.TB, name string) *protocol.Network {
	t.Helper()
	var files map[string]json.RawMessage
	Read(t, "networks.json", &files)
	n, _, err := protocol.ParseNetworkFile(files[name])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Hold holds a file of vectors against what the test makes, and writes it with -update.
func Hold(t testing.TB, name string, made any) {
	t.Helper()
	raw, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	raw = append(raw, '\n')
	if *update {
		if err := os.WriteFile(Path(t, name), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if file, err := os.ReadFile(Path(t, name)); err != nil || !bytes.Equal(file, raw) {
		t.Errorf("%s is not what the test makes: %v; go test with -update writes it", name, err)
	}
}
