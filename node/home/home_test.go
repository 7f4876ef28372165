package home_test

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *home.Home {
	t.Helper()
	h, err := home.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func write(t *testing.T, h *home.Home, name, text string, mode fs.FileMode) {
	t.Helper()
	path := filepath.Join(h.Dir(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, h *home.Home, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(h.Dir(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// wantError asks for one line that holds all of parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one about %q", parts)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q lacks %q", err, p)
		}
	}
}

func network(t *testing.T, name string) *protocol.Network {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.NameHardening = name, protocol.Hardening{MemoryKiB: 8, Passes: 1}
	n, err := protocol.NewNetwork(p, 1, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOpenLeavesNothingBehind(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "home")
	h := open(t, dir)
	for _, err := range []error{
		second(h.ReadToken()), second(h.API()), third(h.Network()), second(h.Owners().Get("nobody")),
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v is not fs.ErrNotExist", err)
		}
	}
	if keys, err := h.Owners().List(); err != nil || len(keys) != 0 {
		t.Errorf("owners of an empty home: %v, %v", keys, err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading made the home: %v", err)
	}
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }

// TestKeptOutOfGit: nobody commits the secrets of a home in a working tree by accident, whatever is
// made in it first.
func TestKeptOutOfGit(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	first := map[string]func(h *home.Home) error{
		"owner": func(h *home.Home) error { return second(h.Owners().New("me")) },
		"token": func(h *home.Home) error { return second(h.Token()) },
		"lock":  func(h *home.Home) error { return second(h.Lock()) },
	}
	for name, make := range first {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := t.TempDir()
			git := func(args ...string) string {
				out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", tree}, args...)...).CombinedOutput()
				if err != nil {
					t.Fatalf("git %q: %v\n%s", args, err, out)
				}
				return string(out)
			}
			git("init", "-q")
			h := open(t, filepath.Join(tree, "home"))
			for _, err := range []error{make(h), second(h.Token()), second(h.Identity())} {
				if err != nil {
					t.Fatal(err)
				}
			}
			if status := git("status", "--porcelain", "--untracked-files=all"); status != "" {
				t.Errorf("git would commit\n%s", status)
			}
		})
	}
}

func TestOpenRefusesFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := home.Open(path)
	wantError(t, err, path, "not a directory")
	_, err = home.Open("")
	wantError(t, err, "empty")
}

func TestModes(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "home"))
	for _, err := range []error{second(h.Identity()), second(h.Token()), second(h.Owners().New("horse"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]fs.FileMode{
		".": 0o700, "owners": 0o700, "identity.pem": 0o600, "api.token": 0o600, "owners/horse.pem": 0o600,
	} {
		info, err := os.Stat(filepath.Join(h.Dir(), name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %04o, want %04o", name, got, want)
		}
	}
	leftovers, err := filepath.Glob(filepath.Join(h.Dir(), ".new-*"))
	if err != nil || len(leftovers) > 0 {
		t.Errorf("temporary files left: %v, %v", leftovers, err)
	}
}

func TestLock(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "home"))
	unlock, err := h.Lock()
	if err != nil {
		t.Fatal(err)
	}
	_, err = open(t, h.Dir()).Lock()
	var inUse *home.InUseError
	if !errors.As(err, &inUse) || inUse.Dir != h.Dir() {
		t.Errorf("second lock: %v", err)
	}
	wantError(t, err, h.Dir(), "another --home")
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if unlock, err = h.Lock(); err != nil {
		t.Fatal("lock after unlock:", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestIdentityStays(t *testing.T) {
	dir := t.TempDir()
	first, err := open(t, dir).Identity()
	if err != nil {
		t.Fatal(err)
	}
	again, err := open(t, dir).Identity()
	if err != nil || !first.Equal(again) {
		t.Errorf("another identity the second time, %v", err)
	}
}

// TestFirstUseOnce has many ask for what is made on first use: all must get the same.
func TestFirstUseOnce(t *testing.T) {
	h := open(t, t.TempDir())
	var wg sync.WaitGroup
	got := make([]string, 16)
	for i := range got {
		wg.Go(func() {
			key, err1 := h.Identity()
			token, err2 := h.Token()
			owner, _, err3 := h.Owners().Default()
			if err := errors.Join(err1, err2, err3); err != nil {
				t.Error(err)
				return
			}
			got[i] = string(key) + token + owner.Owner.String()
		})
	}
	wg.Wait()
	for _, g := range got {
		if g != got[0] {
			t.Fatal("two callers got different secrets")
		}
	}
}

// TestDamagedSecrets holds that a secret that cannot be used is an error naming the file, and is
// left as it is.
func TestDamagedSecrets(t *testing.T) {
	ec := "-----BEGIN PRIVATE KEY-----\n" +
		"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n" +
		"OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n" +
		"1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n-----END PRIVATE KEY-----\n"
	uses := map[string]func(*home.Home) error{
		"identity.pem":    func(h *home.Home) error { return second(h.Identity()) },
		"api.token":       func(h *home.Home) error { return second(h.Token()) },
		"owners/mine.pem": func(h *home.Home) error { return second(h.Owners().Get("mine")) },
	}
	for _, c := range []struct {
		why, text string
		mode      fs.FileMode
		want      string
	}{
		{"empty", "", 0o600, "empty"},
		{"garbage", "\x00\xff garbage", 0o600, ""},
		{"cut", "-----BEGIN PRIVATE KEY-----\nMC4CAQ", 0o600, ""},
		{"another kind of key", ec, 0o600, ""},
		{"huge", strings.Repeat("A", 1<<20), 0o600, "too large"},
		{"readable by others", strings.Repeat("ab", 32), 0o644, "chmod 600"},
	} {
		for name, use := range uses {
			h := open(t, t.TempDir())
			write(t, h, name, c.text, c.mode)
			err := use(h)
			wantError(t, err, filepath.Join(h.Dir(), name), c.want)
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s, %s: %v says that it is not there", name, c.why, err)
			}
			if read(t, h, name) != c.text {
				t.Errorf("%s, %s: was replaced", name, c.why)
			}
		}
	}
	for name, use := range uses {
		h := open(t, t.TempDir())
		if err := os.MkdirAll(filepath.Join(h.Dir(), name), 0o700); err != nil {
			t.Fatal(err)
		}
		wantError(t, use(h), name, "not a regular file")
	}
}

func TestToken(t *testing.T) {
	h := open(t, t.TempDir())
	_, err := h.ReadToken()
	wantError(t, err, h.Dir(), "lf node")
	token, err := h.Token()
	if err != nil || len(token) != 64 {
		t.Fatalf("token %q, %v", token, err)
	}
	if again, err := h.ReadToken(); err != nil || again != token {
		t.Errorf("token read again: %q, %v", again, err)
	}
}

func TestBindNetwork(t *testing.T) {
	h, one, two := open(t, filepath.Join(t.TempDir(), "home")), network(t, "one"), network(t, "two")
	bind := func(f protocol.NetworkFile) {
		t.Helper()
		if err := h.BindNetwork(f); err != nil {
			t.Fatal(err)
		}
	}
	wantSeeds := func(want string) {
		t.Helper()
		n, f, err := h.Network()
		if err != nil || n.ID() != one.ID() || strings.Join(f.Seeds, " ") != want {
			t.Errorf("home's network: %v, seeds %q, %v; want seeds %q", n, f.Seeds, err, want)
		}
	}
	bind(one.File([]string{"a"}))
	wantSeeds("a")
	bind(one.File(nil)) // says nothing of seeds
	wantSeeds("a")
	bind(one.File([]string{"b"}))
	wantSeeds("b")

	err := h.BindNetwork(two.File([]string{"c"}))
	var wrong *home.WrongNetworkError
	if !errors.As(err, &wrong) || wrong.Bound != one.ID() || wrong.Given != two.ID() {
		t.Errorf("binding to a second network: %v", err)
	}
	wantError(t, err, `"one"`, `"two"`, h.Dir())
	wantSeeds("b")

	forged := two.File(nil)
	forged.ID = one.ID()
	wantError(t, h.BindNetwork(forged), "changed")

	write(t, h, "network.lfnet", "{", 0o600)
	wantError(t, h.BindNetwork(one.File(nil)), "network.lfnet")
	if read(t, h, "network.lfnet") != "{" {
		t.Error("a damaged network file was replaced")
	}
}

func TestUnbind(t *testing.T) {
	h, one, two := open(t, filepath.Join(t.TempDir(), "home")), network(t, "one"), network(t, "two")
	for range 2 { // once without anything to take back
		if err := h.Unbind(); err != nil {
			t.Fatal(err)
		}
		if err := h.BindNetwork(one.File(nil)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(h.Unbind(), h.BindNetwork(two.File(nil))); err != nil {
		t.Errorf("binding anew: %v", err)
	}
	if h.HasDatabase() {
		t.Error("a home without a database has one")
	}
	write(t, h, "lf.db", "", 0o600)
	if !h.HasDatabase() {
		t.Error("a home with a database has none")
	}
}

func TestAPI(t *testing.T) {
	h := open(t, t.TempDir())
	_, err := h.API()
	wantError(t, err, h.Dir(), "lf node")
	if _, err := h.PublishAPI("127.0.0.1:9980"); err == nil {
		t.Error("published an address that is no URL")
	}
	withdraw, err := h.PublishAPI("http://127.0.0.1:9980")
	if err != nil {
		t.Fatal(err)
	}
	if u, err := h.API(); err != nil || u != "http://127.0.0.1:9980" {
		t.Errorf("API %q, %v", u, err)
	}
	if _, err := h.PublishAPI("http://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	if err := withdraw(); err != nil {
		t.Fatal(err)
	}
	if u, err := h.API(); err != nil || u != "http://127.0.0.1:1" {
		t.Errorf("withdrew another's address: %q, %v", u, err)
	}
	write(t, h, "api", "http", 0o600)
	_, err = h.API()
	wantError(t, err, "damaged", filepath.Join(h.Dir(), "api"))
}

func TestAPIWithdrawn(t *testing.T) {
	h := open(t, t.TempDir())
	withdraw, err := h.PublishAPI("http://127.0.0.1:9980")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := withdraw(); err != nil {
			t.Fatal(err)
		}
		if _, err := h.API(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the address is still there: %v", err)
		}
	}
}
