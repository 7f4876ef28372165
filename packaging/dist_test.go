package packaging

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// needTools skips a test for which a tool is missing here.
func needTools(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
}

// command returns what a command writes, and fails the test unless it succeeds.
func command(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s%s", args, err, out, &problems)
	}
	return strings.TrimSpace(string(out))
}

// TestDist: two builds of one commit give the same bytes, although the second one has another
// folder, no cache, and another environment. What they make is static and says what it is.
func TestDist(t *testing.T) {
	needTools(t, "git", "make", "x86_64-linux-musl-gcc", "aarch64-linux-musl-gcc")
	if testing.Short() {
		t.Skip("compiles everything twice")
	}
	dir := t.TempDir()
	first, second := filepath.Join(dir, "a"), filepath.Join(dir, "elsewhere", "second build")
	for _, clone := range []string{first, second} {
		command(t, "..", nil, "git", "clone", "-q", ".", clone)
	}
	command(t, first, nil, "make", "dist")
	command(t, second, []string{
		"ARCHS=amd64", "GOCACHE=" + filepath.Join(dir, "cache"), "TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "USER=someone", "CGO_CFLAGS=-O0", "GOAMD64=v3",
	}, "sh", "-c", "umask 077; make dist")
	again := strings.Fields(command(t, filepath.Join(second, "dist"), nil, "cat", "SHA256SUMS"))
	sums := command(t, filepath.Join(first, "dist"), nil, "cat", "SHA256SUMS")
	if len(again) != 6 || strings.Count(sums, "\n") != 5 {
		t.Fatalf("sums of\n%s\nand of %q", sums, again)
	}
	for i := 0; i < len(again); i += 2 {
		if !strings.Contains(sums, again[i]+"  "+again[i+1]) {
			t.Errorf("%s is not the same twice", again[i+1])
		}
	}
	command(t, filepath.Join(first, "dist"), nil, "sha256sum", "--check", "--quiet", "SHA256SUMS")
	commit := command(t, first, nil, "git", "rev-parse", "HEAD")
	for arch, emulator := range map[string][]string{"amd64": nil, "arm64": {"qemu-aarch64"}} {
		t.Run(arch, func(t *testing.T) { checkRelease(t, filepath.Join(first, "dist"), arch, commit, emulator) })
	}
}

// checkRelease looks at what was made for an architecture.
func checkRelease(t *testing.T, dist, arch, commit string, emulator []string) {
	t.Helper()
	archive := one(t, filepath.Join(dist, "lf_*_linux_"+arch+".tar.gz"))
	dir := t.TempDir()
	command(t, dir, nil, "tar", "--strip-components=1", "-xzf", archive)
	file := filepath.Join(dir, "bin", "lf")
	program, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("it is not static: %v", p.Type)
		}
	}
	if arch != runtime.GOARCH {
		needTools(t, emulator...)
	} else {
		emulator = nil
	}
	var is struct{ Commit, Arch, SQLite, Libp2p string }
	if err := json.Unmarshal([]byte(command(t, dir, nil, append(emulator, file, "version", "--json")...)), &is); err != nil {
		t.Fatal(err)
	}
	if is.Commit != commit || is.Arch != arch {
		t.Errorf("it says %+v, want commit %s", is, commit)
	}
	sbom, err := os.ReadFile(one(t, filepath.Join(dist, "lf_*_linux_"+arch+".cdx.json")))
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"pkg:generic/sqlite@" + is.SQLite, "pkg:golang/github.com/libp2p/go-libp2p@" + is.Libp2p, "pkg:golang/std@", "pkg:deb/debian/musl@"} {
		if !bytes.Contains(sbom, []byte(`"purl": "`+url)) {
			t.Errorf("the SBOM has no %s", url)
		}
	}
}

func one(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %q, %v", pattern, found, err)
	}
	return found[0]
}

// TestDebVersion: versions of the package sort as those of git do.
func TestDebVersion(t *testing.T) {
	t.Parallel()
	needTools(t, "git", "dpkg")
	version := func(git string) string {
		return command(t, ".", []string{"VERSION=" + git}, "./dist", "--deb-version")
	}
	before := version("1a2b3c4-dirty") // of a repository without a release
	for _, git := range []string{"v0.9.0-rc1", "v0.9.0-rc2-1-gabcdef0", "v0.9.0", "v0.9.0-3-g1234567", "v0.9.0-12-g0234567", "v0.9.0-12-g0234567-dirty", "v0.10.0"} {
		next := version(git)
		command(t, ".", nil, "dpkg", "--compare-versions", before, "lt", next)
		before = next
	}
}

// TestDeb installs, upgrades, removes and purges the package on a bare Debian, which debootstrap
// makes and systemd-nspawn boots without a network: testdata/deb.sh.
func TestDeb(t *testing.T) {
	needTools(t, "make", "debootstrap", "systemd-nspawn", "x86_64-linux-musl-gcc")
	switch {
	case testing.Short():
		t.Skip("compiles, and makes a Debian")
	case runtime.GOARCH != "amd64":
		t.Skip("the machine is none on amd64")
	case os.Geteuid() != 0:
		t.Skip("only root can boot a Debian")
	}
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	command(t, ".", nil, "debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv", "bookworm", root)
	packages := filepath.Join(root, "srv")
	for _, version := range []string{"0.9.0", "0.9.1"} {
		dist := filepath.Join(dir, version)
		command(t, "..", []string{"ARCHS=amd64", "DIST=" + dist}, "make", "dist", "VERSION=v"+version)
		command(t, dist, nil, "install", "-m", "644", "-t", packages, "lf_"+version+"_amd64.deb")
	}
	command(t, "testdata", nil, "install", "-m", "755", "deb.sh", filepath.Join(root, "root", "deb.sh"))
	unit := `[Service]
Type=oneshot
ExecStart=/root/deb.sh /srv/lf_0.9.0_amd64.deb /srv/lf_0.9.1_amd64.deb
StandardOutput=append:/root/log
StandardError=append:/root/log
TimeoutStartSec=15min
[Unit]
After=basic.target
SuccessAction=exit-force
SuccessActionExitStatus=42
FailureAction=exit-force
FailureActionExitStatus=1
`
	if err := os.WriteFile(filepath.Join(root, "etc", "systemd", "system", "deb-test.service"), []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	boot := exec.CommandContext(t.Context(), "systemd-nspawn", "-q", "--register=no", "--keep-unit", "--private-network", "-D", root,
		"--boot", "systemd.wants=deb-test.service")
	out, _ := boot.CombinedOutput()
	if code := boot.ProcessState.ExitCode(); code != 42 {
		log, _ := os.ReadFile(filepath.Join(root, "root", "log"))
		t.Errorf("exit code %d, want 42\n%s\n%s", code, out, log)
	}
}
