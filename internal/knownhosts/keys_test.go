package knownhosts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf"
)

const (
	ed25519Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
	ecdsaKey   = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCGEMIFDq6CB0F9lgVqHaTdQEpNjjSbyzWNkaMTaMl7WPiBW06a+mWUBJHpkKCTnCkqWt3Kg8DaJd7K9MZ2LJ3s="
)

func TestKeys(t *testing.T) {
	t.Parallel()
	keys, err := Parse("# host keys\n\n" + ed25519Key + " root@host\r\n@revoked " + ed25519Key + "\n" + ed25519Key)
	if err != nil {
		t.Fatal(err)
	}
	if want := "@revoked " + ed25519Key + "\n" + ed25519Key + "\n"; keys.Text() != want {
		t.Errorf("%q, want %q", keys.Text(), want)
	}
	if want := "@revoked [a]:2222 " + ed25519Key + "\n[a]:2222 " + ed25519Key + "\n"; keys.KnownHosts("[a]:2222") != want {
		t.Errorf("%q, want %q", keys.KnownHosts("[a]:2222"), want)
	}
	for text, why := range map[string]string{
		"host " + ed25519Key:                 "base64",
		"ssh-rsa " + ed25519Key[12:]:         "of type ssh-ed25519",
		"ssh-ed25519":                        "want the type",
		"@revoked ssh-ed25519":               "want the type",
		ed25519Key[:40]:                      "line 1",
		ed25519Key + "\nssh-ed25519 AAAA":    "line 2",
		"*.example " + ed25519Key:            "base64",
		strings.Repeat(ed25519Key+"\n", 999): "bytes",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%.40q: %v, want %q", text, err, why)
		}
	}
	if keys, err := Parse(""); err != nil || keys.KnownHosts("a") != "" {
		t.Error(keys, err)
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"Host.Example": "host.example", "192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::1", "fe80::1%eth0": "fe80::1%eth0",
		"[Host]:2222": "[host]:2222", "[host]:22": "host", "[2001:db8::1]:22022": "[2001:db8::1]:22022",
	} {
		if got, err := CheckHost(given); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", given, got, err, want)
		}
	}
	for _, given := range []string{"", "*", "a,b", "!a", "|1|x|y", "a b", "a\nb", "[a]", "[a]:x", "[a]:70000", "[]:22", strings.Repeat("a", 256), "#a"} {
		if got, err := CheckHost(given); err == nil {
			t.Errorf("%q is host %q", given, got)
		}
	}
	template, err := ParseTemplate("fleet#3 {host} ssh")
	if err != nil {
		t.Fatal(err)
	}
	if key, err := template.Key("[a]:2222"); err != nil || key.String() != lf.MustKey("fleet#3", "[a]:2222", "ssh").String() {
		t.Errorf("%s, %v", key, err)
	}
	for _, text := range []string{"", "ssh", "{host} {host}", "{host}#"} {
		if _, err := ParseTemplate(text); err == nil {
			t.Errorf("%q is a template", text)
		}
	}
}

// TestMemory: an answer is kept for the same question of the same ssh process, for a minute.
func TestMemory(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "lf", "ssh")
	question := func(name string) *Memory { return &Memory{folder, filepath.Join(folder, name)} }
	m := question("1-a")
	if _, known := m.Recall(); known {
		t.Error("it knows what nobody kept")
	}
	if err := m.Keep(""); err != nil {
		t.Fatal(err)
	}
	if answer, known := m.Recall(); !known || answer != "" {
		t.Errorf("%q, %t: that a host has no keys was not kept", answer, known)
	}
	if _, known := question("1-b").Recall(); known {
		t.Error("another question has this answer")
	}
	for _, age := range []time.Duration{2 * remembered, -time.Hour} {
		at := time.Now().Add(-age)
		if err := os.Chtimes(m.file, at, at); err != nil {
			t.Fatal(err)
		}
		if _, known := m.Recall(); known {
			t.Errorf("an answer of %s ago is kept", age)
		}
	}
	if err := os.Chtimes(m.file, time.Now().Add(-time.Hour), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := question("2-a").Keep("x"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 1 || files[0].Name() != "2-a" {
		t.Errorf("%v, %v: an old answer stays", files, err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	hand := NewMemory(os.Getpid(), "a")
	if err := hand.Keep("x"); err != nil {
		t.Error(err)
	}
	if _, known := hand.Recall(); known {
		t.Error("an answer is kept for a process that is not ssh")
	}
}

// FuzzParse: whatever stands in a value, no line that is written speaks of another host.
func FuzzParse(f *testing.F) {
	f.Add(ed25519Key + "\n@cert-authority " + ecdsaKey)
	f.Add("@revoked * " + ed25519Key)
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := Parse(text)
		if err != nil {
			return
		}
		for _, line := range strings.Split(strings.TrimSuffix(keys.KnownHosts("host"), "\n"), "\n") {
			fields := strings.Fields(line)
			if len(fields) == 4 && (fields[0] == "@revoked" || fields[0] == "@cert-authority") {
				fields = fields[1:]
			}
			if len(keys) > 0 && (len(fields) != 3 || fields[0] != "host") {
				t.Fatalf("%q is written as %q", text, line)
			}
		}
		again, err := Parse(keys.Text())
		if err != nil || again.Text() != keys.Text() {
			t.Fatalf("%q reads as %v", keys.Text(), err)
		}
	})
}
