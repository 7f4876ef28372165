package proxy

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseNode(t *testing.T) {
	t.Parallel()
	here, err := filepath.Abs("b/api.sock")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"http://127.0.0.1:9980":     "http://127.0.0.1:9980",
		"http://Node.Example:9980/": "http://node.example:9980",
		"https://node.example":      "https://node.example",
		"https://node.example/lf/":  "https://node.example/lf",
		"unix:b/api.sock":           "unix:" + here,
		"unix:/run/lf/api.sock":     "unix:/run/lf/api.sock",
	} {
		if got, err := ParseNode(text); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "unix:", "node.example:9980", "ftp://node.example", "http://", "http://:80", "http://user:secret@node.example", "http://node.example?q", "http://node.example#f", "http://node\x00"} {
		if got, err := ParseNode(text); err == nil {
			t.Errorf("%q is taken for %q", text, got)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: more than a line: %v", text, err)
		}
	}
}

func TestReadNodeTokens(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tokens")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# two nodes\n\n http://127.0.0.1:9980\tlf_one \r\nunix:/b/api.sock lf_two")
	got, err := ReadNodeTokens(file)
	want := map[string]string{"http://127.0.0.1:9980": "lf_one", "unix:/b/api.sock": "lf_two"}
	if err != nil || !maps.Equal(got, want) {
		t.Fatalf("%v, %v", got, err)
	}
	for text, says := range map[string]string{
		"http://127.0.0.1:9980":                    "line 1: want a node's address and its token",
		"\nhttp://a x y":                           "line 2: want",
		"lf_secret http://127.0.0.1:9980":          "line 1: the first word is no node's address",
		"http://a x\nhttp://A/ y":                  "line 2: a second token of the node http://a",
		strings.Repeat("#\n", maxTokenLines):       "too large",
		"http://a " + strings.Repeat("x", 100<<10): "after line 0",
		strings.Repeat("#", 60<<10) + "\n" + "http://a x" + strings.Repeat(" ", 10<<10): "too large",
	} {
		write(text)
		if got, err := ReadNodeTokens(file); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "lf_secret") {
			t.Errorf("%.40q: %v, %v; want %q", text, got, err, says)
		}
	}
	if _, err := ReadNodeTokens(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there")
	}
}

// FuzzReadNodeTokens: whatever is in the file, an error is one line, and an address is as ParseNode
// writes it.
func FuzzReadNodeTokens(f *testing.F) {
	f.Add("http://127.0.0.1:9980 lf_one\n# x\nunix:a b\n")
	f.Add("http://[::1%25x]:80 t")
	f.Fuzz(func(t *testing.T, text string) {
		tokens, err := readNodeTokens(strings.NewReader(text))
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Fatalf("more than a line: %q", err)
		}
		for address := range tokens {
			if again, err := ParseNode(address); err != nil || again != address {
				t.Fatalf("%q becomes %q, %v", address, again, err)
			}
		}
	})
}
