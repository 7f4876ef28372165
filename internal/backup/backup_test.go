package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// filled makes a home of these files.
func filled(t testing.TB, files map[string]string) *home.Home {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	h, err := home.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// written is a backup of a home with a database.
func written(t testing.TB, h *home.Home, secrets bool) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := Write(&file, h, protocol.ID{1}, filepath.Join(h.Dir(), databaseFile), secrets); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// contents are the files of a folder.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	if err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = string(data)
		if info, e := os.Stat(filepath.Join(dir, path)); e == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

func all(string) bool { return true }

var (
	plain   = map[string]string{"network.lfnet": "n", "trust.json": "t", "tokens.json": "h", "peers.json": "p", "default-owner": "alice", "load/x": "3", "lf.db": strings.Repeat("database", 500)}
	secrets = map[string]string{"owners/alice.pem": "key", "identity.pem": "node", "api.token": "token", "names": "horse"}
	passing = map[string]string{"lock": "", "api": "http", "api.sock": "", "tokens.lock": "", "lf.db-wal": "log", "owners/.new-1": "half", "mine.txt": "?"}
)

func merged(lists ...map[string]string) map[string]string {
	m := map[string]string{}
	for _, l := range lists {
		maps.Copy(m, l)
	}
	return m
}

// TestRoundTrip holds what is in a backup, and what of it is secret.
func TestRoundTrip(t *testing.T) {
	h := filled(t, merged(plain, secrets, passing))
	for _, c := range []struct {
		secrets bool
		keep    func(string) bool
		want    map[string]string
	}{
		{true, all, merged(plain, secrets)},
		{false, all, plain},
		{true, func(name string) bool { return name != home.IdentityFile && secrets[name] == "" }, plain},
	} {
		into := t.TempDir()
		m, err := Read(bytes.NewReader(written(t, h, c.secrets)), into, c.keep)
		if err != nil || m.Secrets != c.secrets || m.Network != (protocol.ID{1}) {
			t.Fatalf("%+v, %v", m, err)
		}
		if got := contents(t, into); !maps.Equal(got, c.want) {
			t.Errorf("restored %q", slices.Sorted(maps.Keys(got)))
		}
	}
}

// TestCutAndFlipped holds that no backup that was cut off or changed passes for whole.
func TestCutAndFlipped(t *testing.T) {
	file := written(t, filled(t, merged(plain, secrets)), true)
	// only padding follows
	end := bytes.LastIndex(file, []byte(databaseFile+"\n")) + len(databaseFile) + 1
	for at := 0; at < end; at += 97 {
		if _, err := Read(bytes.NewReader(file[:at]), t.TempDir(), all); err == nil {
			t.Errorf("cut at %d of %d", at, end)
		}
	}
	for at := bytes.Index(file, []byte("databasedatabase")); at < end; at += 149 {
		changed := bytes.Clone(file)
		changed[at] ^= 0x10
		if _, err := Read(bytes.NewReader(changed), t.TempDir(), all); err == nil && isContent(file, at) {
			t.Errorf("changed at %d of %d", at, end)
		}
	}
}

// isContent tells that a byte is part of a file, and not of the padding of the archive.
func isContent(file []byte, at int) bool { return file[at] != 0 }

// TestEvil holds that nothing is written but what belongs into a home.
func TestEvil(t *testing.T) {
	manifest := fmt.Sprintf(`{"version":1,"network":%q,"made":"2026-11-30T00:00:00Z","secrets":false}`, protocol.ID{1})
	for name, headers := range map[string][]tar.Header{
		"above":           {{Name: "../x"}},
		"far above":       {{Name: "owners/../../x"}},
		"absolute":        {{Name: "/etc/passwd"}},
		"in a folder":     {{Name: "owners/a/b.pem"}},
		"another folder":  {{Name: "bin/lf"}},
		"hidden":          {{Name: "owners/.new-1"}},
		"a link":          {{Name: "owners/a.pem", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}},
		"a hard link":     {{Name: "names", Typeflag: tar.TypeLink, Linkname: "lf.db"}},
		"a folder":        {{Name: "owners", Typeflag: tar.TypeDir}},
		"twice":           {{Name: "names"}, {Name: "names"}},
		"what nodes make": {{Name: "api.sock"}},
		"sums twice":      {{Name: sumsFile}, {Name: "names"}},
	} {
		var file bytes.Buffer
		w := tar.NewWriter(&file)
		for _, h := range append([]tar.Header{{Name: manifestFile, Size: int64(len(manifest))}}, headers...) {
			if h.Typeflag == 0 {
				h.Typeflag = tar.TypeReg
			}
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			if h.Name == manifestFile {
				if _, err := w.Write([]byte(manifest)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		into := t.TempDir()
		if _, err := Read(&file, into, all); err == nil {
			t.Errorf("%s: restored", name)
		}
		for written := range contents(t, into) {
			if written != "names" {
				t.Errorf("%s: wrote %s", name, written)
			}
		}
	}
}

// FuzzRead holds that no file makes the reader panic or write outside its folder.
func FuzzRead(f *testing.F) {
	f.Add(written(f, filled(f, map[string]string{"lf.db": "d", "owners/a.pem": "k"}), true))
	f.Fuzz(func(t *testing.T, file []byte) {
		into := filepath.Join(t.TempDir(), "in")
		_, _ = Read(bytes.NewReader(file), into, all)
		if entries, err := os.ReadDir(filepath.Dir(into)); err != nil || len(entries) > 1 {
			t.Errorf("%v, %v", entries, err)
		}
	})
}
