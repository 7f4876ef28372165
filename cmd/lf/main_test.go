package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// readyWithin bounds the wait for a node to start, and for records to travel from one to another,
// on a busy machine.
const readyWithin = 60 * time.Second

// raceOptions keep a process under the race detector from sleeping a second before it exits.
const raceOptions = "atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lf": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TZ", "UTC")
			e.Setenv("GORACE", raceOptions)
			return nil
		},
		Condition: func(cond string) (bool, error) {
			return testing.Short(), map[bool]error{false: errors.New("unknown condition " + cond)}[cond == "short"]
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code":  scriptCode,
			"ready": scriptReady,
			"until": scriptUntil,
			"same":  scriptSame,
			"let":   scriptLet,
			"rot":   scriptRot,

			"devhome": scriptDevHome,
		},
	})
}

// scriptCode runs a command and wants an exit code: code 3 lf get horse.
func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command...")
	}
	if got := exitCode(ts.Exec(args[1], args[2:]...)); strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

func exitCode(err error) int {
	var exited *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exited):
		return exited.ExitCode()
	}
	return -1
}

// scriptReady waits for the node in a home and puts its API's URL and its first address into
// variables: ready HOME sets HOME_api and HOME_addr.
func scriptReady(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ready HOME")
	}
	url, status, err := awaitNode(ts.MkAbs(args[0]))
	ts.Check(err)
	name := filepath.Base(args[0])
	ts.Setenv(name+"_api", url)
	if len(status.Addresses) > 0 {
		ts.Setenv(name+"_addr", status.Addresses[0])
	}
}

// awaitNode waits until the node in a home answers.
func awaitNode(dir string) (url string, status *api.Status, err error) {
	h, err := home.Open(dir)
	if err != nil {
		return "", nil, err
	}
	for start := time.Now(); time.Since(start) < readyWithin; time.Sleep(20 * time.Millisecond) {
		if url, err = h.API(); err != nil {
			continue
		}
		token, _ := h.ReadToken() // a private node asks for it; others need none
		at := url
		if path, none := h.Socket(); none == nil && strings.HasPrefix(url, "https:") {
			at = api.SocketURL(path) // nobody vouches for a test's certificate
		}
		client := api.NewClient(at, token)
		status, err = client.Status(context.Background())
		client.Close()
		if err == nil {
			return url, status, nil
		}
	}
	return "", nil, err
}

// scriptUntil repeats a command until it succeeds: what one node has written takes a moment to the
// other.
func scriptUntil(ts *testscript.TestScript, neg bool, args []string) {
	var err error
	for start := time.Now(); time.Since(start) < readyWithin; time.Sleep(100 * time.Millisecond) {
		if err = ts.Exec(args[0], args[1:]...); (err == nil) != neg {
			return
		}
	}
	ts.Fatalf("never as wanted: %v", err)
}

// scriptSame compares as cmp does, but for the newline that the last line of a file in a script
// has: same stdout FILE.
func scriptSame(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: same FILE FILE")
	}
	if got, want := ts.ReadFile(args[0]), strings.TrimSuffix(ts.ReadFile(args[1]), "\n"); got != want {
		ts.Fatalf("%q, want %q", got, want)
	}
}

// scriptLet puts what a command writes into a variable: let cid lf set horse x.
func scriptLet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: let NAME command...")
	}
	ts.Check(ts.Exec(args[1], args[2:]...))
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// scriptRot changes a byte of a record in a stopped node's database: rot HOME FILE, where FILE has
// what lf record --json wrote of it.
func scriptRot(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: rot HOME FILE")
	}
	var info api.RecordInfo
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &info))
	r, err := protocol.DecodeFrame(info.Frame)
	ts.Check(err)
	name := filepath.Join(ts.MkAbs(args[0]), "lf.db")
	db, err := os.ReadFile(name)
	ts.Check(err)
	found := false
	// unused pages may have copies
	for at := bytes.Index(db, r.ValueBytes()); at >= 0; at = bytes.Index(db, r.ValueBytes()) {
		db[at] ^= 1
		found = true
	}
	if !found {
		ts.Fatalf("the value is not in one piece in %s", name)
	}
	ts.Check(os.WriteFile(name, db, 0o600))
}

// scriptDevHome points LF_HOME to the throw-away home of a node that is starting with --dev.
func scriptDevHome(ts *testscript.TestScript, neg bool, args []string) {
	for start := time.Now(); time.Since(start) < readyWithin; time.Sleep(20 * time.Millisecond) {
		homes, err := filepath.Glob(filepath.Join(ts.Getenv("TMPDIR"), "lf-dev-*"))
		ts.Check(err)
		if len(homes) == 1 {
			_, _, err := awaitNode(homes[0])
			ts.Check(err)
			ts.Setenv("LF_HOME", homes[0])
			return
		}
	}
	ts.Fatalf("no throw-away home")
}

// command is lf as a process of its own, for nodes in Go tests.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Args = append([]string{"lf"}, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "GORACE="+raceOptions)
	return cmd
}

// testNode is a node of its own process.
type testNode struct {
	home string
	cmd  *exec.Cmd
	log  bytes.Buffer
}

// startNode starts a node in a home and waits until it answers. The test stops it at its end, if
// nobody did before.
func startNode(t *testing.T, dir string, args ...string) *testNode {
	t.Helper()
	n := &testNode{home: dir}
	n.cmd = command(t, append([]string{"node", "--home", dir, "--api-listen", "127.0.0.1:0", "--profile", "local",
		"--listen", "/ip4/127.0.0.1/tcp/0"}, args...)...)
	n.cmd.Stdout, n.cmd.Stderr = &n.log, &n.log
	// The address of a node that was killed stays in its home: wait for that of the new one.
	if err := os.Remove(filepath.Join(dir, "api")); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.stop(os.Interrupt) })
	if _, _, err := awaitNode(dir); err != nil {
		n.stop(os.Kill)
		t.Fatalf("%v\n%s", err, n.log.String())
	}
	return n
}

// stop sends a signal and waits for the process to end.
func (n *testNode) stop(s os.Signal) {
	if n.cmd.ProcessState == nil {
		_ = n.cmd.Process.Signal(s)
		_ = n.cmd.Wait()
	}
}

// addr is where other nodes find this one.
func (n *testNode) addr(t *testing.T) string {
	t.Helper()
	_, status, err := awaitNode(n.home)
	if err != nil || len(status.Addresses) == 0 {
		t.Fatalf("%+v, %v", status, err)
	}
	return status.Addresses[0]
}

// outcome is what one command in this process came to.
type outcome struct {
	code           int
	stdout, stderr string
}

// lfRun runs a command in this process.
func lfRun(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// mustRun runs a command that has to succeed.
func mustRun(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	o := lfRun(t, stdin, args...)
	if o.code != exitDone {
		t.Fatalf("lf %s: exit code %d\n%s%s", strings.Join(args, " "), o.code, o.stdout, o.stderr)
	}
	return o.stdout
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// newNetworkFile makes a network without work, on which names cost little.
func newNetworkFile(t *testing.T, flags ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "test.lfnet")
	mustRun(t, "", append([]string{"network", "new", "-o", name, "--name", "test", "--work-per-kib", "0", "--names-memory", "64"}, flags...)...)
	return name
}
